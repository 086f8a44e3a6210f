-- Passages that people say are the ones that answer their questions. A row goes
-- with its answer and with its document; what was asked, what was answered and
-- the words of the passage stand where they stood before.
CREATE TABLE judgements (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    answer_key   INTEGER NOT NULL REFERENCES messages (key) ON DELETE CASCADE,
    document_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
    page         INTEGER NOT NULL,
    start        INTEGER NOT NULL,
    end          INTEGER NOT NULL,
    -- Of the words between them: by it the place is found again in a document
    -- that was read anew.
    sha256       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (answer_key, document_key, page, start, end)
) STRICT;
CREATE INDEX judgements_by_document ON judgements (document_key);
