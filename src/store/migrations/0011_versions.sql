-- What a document was before its content was replaced: facts, never the content.
-- They go with their document.
CREATE TABLE document_versions (
    document_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    filename     TEXT NOT NULL,
    bytes        INTEGER NOT NULL,
    sha256       TEXT NOT NULL,
    -- NULL: it was replaced before it was read to its end.
    pages        INTEGER,
    chunks       INTEGER,
    -- Who brought it; NULL: somebody whose data were erased.
    user_id      TEXT,
    came_at      INTEGER NOT NULL,
    replaced_at  INTEGER NOT NULL,
    PRIMARY KEY (document_key, number)
) STRICT, WITHOUT ROWID;

-- Of the content in force. What was replaced before this script ran is not known:
-- such a document begins anew with version 1.
ALTER TABLE documents ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- Who brought it, if not the one who added the document; it is empty where the
-- data of whoever brought it were erased.
ALTER TABLE documents ADD COLUMN content_by TEXT;
-- When it came, if not with the document.
ALTER TABLE documents ADD COLUMN content_at INTEGER;

-- The language of most of the text (BCP 47); NULL: nobody can tell, or it was not
-- read since this script ran.
ALTER TABLE documents ADD COLUMN language TEXT;
