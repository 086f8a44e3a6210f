-- Folders of the server's machine that datasets are kept in step with, as chosen
-- on the page. What the documents of a folder are stands in their metadata alone.
CREATE TABLE watched_folders (
    id          TEXT PRIMARY KEY,
    dataset_key INTEGER NOT NULL REFERENCES datasets (key) ON DELETE CASCADE,
    -- Absolute, with all links resolved.
    path        TEXT NOT NULL,
    -- Patterns of what is taken and what is left out: lists of texts (JSON).
    include     TEXT NOT NULL,
    exclude     TEXT NOT NULL,
    paused      INTEGER NOT NULL DEFAULT 0,
    -- In whose name it is followed; NULL: the account is gone.
    user_id     TEXT REFERENCES users (id) ON DELETE SET NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (dataset_key, path)
) STRICT;
CREATE INDEX watched_folders_by_user ON watched_folders (user_id);
