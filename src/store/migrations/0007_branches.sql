-- A conversation may fork: each message names the one that it follows, and two
-- that follow the same one begin two branches. Until now each followed the one before it.
ALTER TABLE messages ADD COLUMN parent_key INTEGER;
UPDATE messages SET parent_key = (
    SELECT max(before.key) FROM messages before
    WHERE before.session_key = messages.session_key AND before.key < messages.key
);
