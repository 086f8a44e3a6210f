-- Conversations of several dialects, and how long they live.

-- A name that the product gave, beside an id that the client may have chosen.
ALTER TABLE sessions ADD COLUMN uuid TEXT;
UPDATE sessions SET uuid = id;
CREATE UNIQUE INDEX sessions_by_uuid ON sessions (tenant_id, uuid);

ALTER TABLE sessions ADD COLUMN agent_id TEXT;
-- Who that is to the client; no user of ours.
ALTER TABLE sessions ADD COLUMN external_user_id TEXT;
ALTER TABLE sessions ADD COLUMN status TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'archived'));
-- From then on it takes no messages, but can be read.
ALTER TABLE sessions ADD COLUMN expires_at INTEGER;
-- It is deleted when nothing happened in it for so many seconds.
ALTER TABLE sessions ADD COLUMN keep_seconds INTEGER;

CREATE INDEX sessions_by_agent ON sessions (tenant_id, user_id, agent_id, updated_at)
    WHERE agent_id IS NOT NULL;
CREATE INDEX sessions_by_external_user ON sessions (tenant_id, external_user_id, updated_at)
    WHERE external_user_id IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (updated_at + keep_seconds * 1000)
    WHERE keep_seconds IS NOT NULL;

-- What the client keeps with a message: a JSON object.
ALTER TABLE messages ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
-- Deleted by its writer: kept, but shown to nobody.
ALTER TABLE messages ADD COLUMN deleted_at INTEGER;
