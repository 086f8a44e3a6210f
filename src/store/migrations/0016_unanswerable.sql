-- Of a question people may also say that the documents do not answer it: a
-- judgement without a passage, once an answer.
CREATE TABLE judgements_anew (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    answer_key   INTEGER NOT NULL REFERENCES messages (key) ON DELETE CASCADE,
    document_key INTEGER REFERENCES documents (key) ON DELETE CASCADE,
    page         INTEGER,
    start        INTEGER,
    end          INTEGER,
    -- Of the words between them: by it the place is found again in a document
    -- that was read anew.
    sha256       TEXT,
    created_at   INTEGER NOT NULL,
    UNIQUE (answer_key, document_key, page, start, end),
    CHECK ((document_key IS NULL) = (page IS NULL) AND (page IS NULL) = (start IS NULL)
       AND (start IS NULL) = (end IS NULL) AND (end IS NULL) = (sha256 IS NULL))
) STRICT;
INSERT INTO judgements_anew SELECT * FROM judgements;
DROP TABLE judgements;
ALTER TABLE judgements_anew RENAME TO judgements;
CREATE INDEX judgements_by_document ON judgements (document_key);
CREATE UNIQUE INDEX judgements_without_passage ON judgements (answer_key)
    WHERE document_key IS NULL;
