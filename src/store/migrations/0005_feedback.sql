-- What people think of answers. It goes with its session.
CREATE TABLE feedback (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    session_key INTEGER NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    query_id    TEXT NOT NULL,
    response_id TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('thumbs_up', 'thumbs_down', 'report_inaccurate')),
    text        TEXT,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX feedback_by_session ON feedback (session_key);
