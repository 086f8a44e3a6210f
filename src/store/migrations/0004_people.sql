-- Tenants with limits, who sees a dataset, sign-ins that can be ended, people
-- of outside issuers, and who did what.

-- NULL: the limit of the settings.
ALTER TABLE tenants ADD COLUMN requests_per_minute INTEGER;
-- NULL: no limit.
ALTER TABLE tenants ADD COLUMN disk_quota_bytes INTEGER;

-- Access tokens carry the generation of their user; raising it ends them all.
ALTER TABLE users ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
-- Tokens that an outside issuer made before this (Unix seconds) are not accepted.
ALTER TABLE users ADD COLUMN valid_after INTEGER NOT NULL DEFAULT 0;
-- Who vouches for the user, and its name there; NULL: the user is our own.
ALTER TABLE users ADD COLUMN issuer TEXT;
ALTER TABLE users ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX users_by_subject ON users (issuer, subject, tenant_id)
    WHERE issuer IS NOT NULL;
CREATE INDEX users_by_tenant ON users (tenant_id);

-- Users of outside issuers that were deleted: a token from before does not
-- bring them back.
CREATE TABLE deleted_subjects (
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    tenant_id  TEXT NOT NULL,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject, tenant_id)
) STRICT, WITHOUT ROWID;

-- One row a sign-in; its id is the family of its refresh tokens.
CREATE TABLE sign_ins (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    started_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    address    TEXT,
    client     TEXT
) STRICT;
CREATE INDEX sign_ins_by_user ON sign_ins (user_id);
INSERT INTO sign_ins (id, user_id, started_at, used_at, expires_at)
    SELECT family, user_id, unixepoch() * 1000, unixepoch() * 1000, max(expires_at)
    FROM refresh_tokens GROUP BY family, user_id;

-- Who made it; NULL: the product itself, or an earlier version of it.
ALTER TABLE datasets ADD COLUMN owner_id TEXT;
ALTER TABLE datasets ADD COLUMN visibility TEXT NOT NULL DEFAULT 'tenant'
    CHECK (visibility IN ('private', 'tenant', 'public'));

-- Who did what. Rows are never changed; old ones are deleted as a whole.
-- No references: what it tells of may be gone.
CREATE TABLE audit (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    tenant_id  TEXT,
    user_id    TEXT,
    username   TEXT,
    action     TEXT NOT NULL,
    object     TEXT,
    outcome    TEXT NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    address    TEXT,
    request_id TEXT
) STRICT;
CREATE INDEX audit_by_tenant ON audit (tenant_id, key);
CREATE INDEX audit_by_time ON audit (at);
CREATE TRIGGER audit_stays_as_it_is BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit log cannot be changed');
END;
