-- What outlives a person, and names that tell nothing.

-- A record of the audit log stays as it is, but for what says who somebody was:
-- an erasure puts the opaque id in place of the name, and takes away where the
-- request came from and what its sender called things.
DROP TRIGGER audit_stays_as_it_is;
CREATE TRIGGER audit_stays_as_it_is
BEFORE UPDATE OF key, at, tenant_id, user_id, action, outcome ON audit
BEGIN
    SELECT raise(ABORT, 'the audit log cannot be changed');
END;
CREATE TRIGGER audit_forgets_at_most
BEFORE UPDATE OF username, object, address, request_id ON audit
WHEN (NEW.username IS NOT OLD.username AND NEW.username IS NOT OLD.user_id)
    OR (NEW.object IS NOT OLD.object AND NEW.object IS NOT NULL)
    OR (NEW.address IS NOT OLD.address AND NEW.address IS NOT NULL)
    OR (NEW.request_id IS NOT OLD.request_id AND NEW.request_id IS NOT NULL)
BEGIN
    SELECT raise(ABORT, 'the audit log cannot be changed');
END;
CREATE INDEX audit_by_user ON audit (user_id) WHERE user_id IS NOT NULL;

-- When the issuer of an outside user last vouched for it, in milliseconds.
ALTER TABLE users ADD COLUMN vouched_at INTEGER;
UPDATE users SET vouched_at = unixepoch() * 1000 WHERE issuer IS NOT NULL;

-- The name of a private dataset is its owner's affair: two people may have one
-- of the same name, and nobody learns of the other's by being refused.
CREATE TABLE datasets_by_their_owners (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name        TEXT NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL DEFAULT '',
    builtin     INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    -- Who made it; NULL: the product itself, or an earlier version of it.
    owner_id    TEXT,
    visibility  TEXT NOT NULL DEFAULT 'tenant'
        CHECK (visibility IN ('private', 'tenant', 'public'))
) STRICT;
INSERT INTO datasets_by_their_owners
    (key, id, tenant_id, name, description, builtin, created_at, owner_id, visibility)
    SELECT key, id, tenant_id, name, description, builtin, created_at, owner_id, visibility
    FROM datasets;
-- A key must never come back.
DELETE FROM sqlite_sequence WHERE name = 'datasets_by_their_owners';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'datasets_by_their_owners', seq FROM sqlite_sequence WHERE name = 'datasets';
DROP TABLE datasets;
ALTER TABLE datasets_by_their_owners RENAME TO datasets;
CREATE UNIQUE INDEX datasets_by_name ON datasets (tenant_id, name)
    WHERE visibility <> 'private';
CREATE UNIQUE INDEX private_datasets_by_name ON datasets (tenant_id, owner_id, name)
    WHERE visibility = 'private';
