-- The truth: everything that matters. Both indexes can be made again from here.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE tenants (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    username      TEXT NOT NULL COLLATE NOCASE UNIQUE,
    password_hash TEXT,
    role          TEXT NOT NULL CHECK (role IN ('user', 'admin', 'service')),
    created_at    INTEGER NOT NULL
) STRICT;

-- Refresh tokens, hashed. A family is one sign-in; using a spent token ends its family.
CREATE TABLE refresh_tokens (
    hash       BLOB PRIMARY KEY,
    family     TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    spent_at   INTEGER
) STRICT;
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);

CREATE TABLE datasets (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name        TEXT NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL DEFAULT '',
    builtin     INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;

CREATE TABLE documents (
    key                INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT NOT NULL UNIQUE,
    dataset_key        INTEGER NOT NULL REFERENCES datasets (key) ON DELETE CASCADE,
    user_id            TEXT NOT NULL,
    external_id        TEXT,
    filename           TEXT NOT NULL,
    file_type          TEXT NOT NULL DEFAULT '',
    bytes              INTEGER NOT NULL,
    sha256             TEXT NOT NULL,
    status             TEXT NOT NULL,
    error              TEXT,
    paged              INTEGER NOT NULL DEFAULT 0,
    pages              INTEGER NOT NULL DEFAULT 0,
    pages_without_text INTEGER NOT NULL DEFAULT 0,
    characters         INTEGER NOT NULL DEFAULT 0,
    chunks             INTEGER NOT NULL DEFAULT 0,
    embedded           INTEGER NOT NULL DEFAULT 0,
    module             TEXT,
    chapter            TEXT,
    metadata           TEXT NOT NULL DEFAULT '{}',
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    -- The same content is one document of a dataset.
    UNIQUE (dataset_key, sha256)
) STRICT;
CREATE INDEX documents_by_module ON documents (dataset_key, module, chapter);

CREATE TABLE pages (
    document_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    characters   INTEGER NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('text', 'no_text', 'failed')),
    reason       TEXT,
    text         TEXT NOT NULL,
    PRIMARY KEY (document_key, number)
) STRICT;

-- AUTOINCREMENT: a key names a chunk in both indexes and must never come back.
CREATE TABLE chunks (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    document_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
    position     INTEGER NOT NULL,
    page         INTEGER NOT NULL,
    start        INTEGER NOT NULL,
    end          INTEGER NOT NULL,
    heading_path TEXT NOT NULL,
    text         TEXT NOT NULL,
    UNIQUE (document_key, position)
) STRICT;

CREATE TABLE embedders (
    key         INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE
) STRICT;

-- Vectors as little-endian f16, by the fingerprint of the model that made them.
CREATE TABLE vectors (
    embedder_key INTEGER NOT NULL REFERENCES embedders (key),
    chunk_key    INTEGER NOT NULL REFERENCES chunks (key) ON DELETE CASCADE,
    vector       BLOB NOT NULL,
    PRIMARY KEY (embedder_key, chunk_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX vectors_by_chunk ON vectors (chunk_key);

CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    document_key INTEGER NOT NULL UNIQUE REFERENCES documents (key) ON DELETE CASCADE,
    step         TEXT NOT NULL DEFAULT 'extract' CHECK (step IN ('extract', 'embed')),
    running      INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX jobs_waiting ON jobs (step, running);

CREATE TABLE sessions (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id            TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    title         TEXT,
    system_prompt TEXT,
    metadata      TEXT NOT NULL DEFAULT '{}',
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id, updated_at);

CREATE TABLE messages (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    session_key INTEGER NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    role        TEXT NOT NULL,
    content     TEXT NOT NULL,
    answer      TEXT,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_session ON messages (session_key, key);
