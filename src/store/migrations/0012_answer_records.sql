-- How each answer came about: models, prompt, options, passages (JSON). Beside
-- the messages and not in them, for lists of messages never need it.
CREATE TABLE answer_records (
    message_key INTEGER PRIMARY KEY REFERENCES messages (key) ON DELETE CASCADE,
    record      TEXT NOT NULL
) STRICT;
