-- Conversations as people keep them: pinned, with wishes of their own, and
-- found by any part of a word of their titles and texts.

ALTER TABLE sessions ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
-- What the search for its answers shall be like: a JSON object.
ALTER TABLE sessions ADD COLUMN search TEXT NOT NULL DEFAULT '{}';

CREATE VIRTUAL TABLE session_titles USING fts5(
    title, content = 'sessions', content_rowid = 'key', tokenize = 'trigram'
);
CREATE VIRTUAL TABLE message_texts USING fts5(
    content, content = 'messages', content_rowid = 'key', tokenize = 'trigram'
);
-- Deleted text must not linger.
INSERT INTO session_titles (session_titles, rank) VALUES ('secure-delete', 1);
INSERT INTO message_texts (message_texts, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER session_title_added AFTER INSERT ON sessions BEGIN
    INSERT INTO session_titles (rowid, title) VALUES (new.key, new.title);
END;
CREATE TRIGGER session_title_removed AFTER DELETE ON sessions BEGIN
    INSERT INTO session_titles (session_titles, rowid, title)
        VALUES ('delete', old.key, old.title);
END;
CREATE TRIGGER session_title_changed AFTER UPDATE OF title ON sessions BEGIN
    INSERT INTO session_titles (session_titles, rowid, title)
        VALUES ('delete', old.key, old.title);
    INSERT INTO session_titles (rowid, title) VALUES (new.key, new.title);
END;
CREATE TRIGGER message_text_added AFTER INSERT ON messages BEGIN
    INSERT INTO message_texts (rowid, content) VALUES (new.key, new.content);
END;
CREATE TRIGGER message_text_removed AFTER DELETE ON messages BEGIN
    INSERT INTO message_texts (message_texts, rowid, content)
        VALUES ('delete', old.key, old.content);
END;
CREATE TRIGGER message_text_changed AFTER UPDATE OF content ON messages BEGIN
    INSERT INTO message_texts (message_texts, rowid, content)
        VALUES ('delete', old.key, old.content);
    INSERT INTO message_texts (rowid, content) VALUES (new.key, new.content);
END;

INSERT INTO session_titles (session_titles) VALUES ('rebuild');
INSERT INTO message_texts (message_texts) VALUES ('rebuild');
