-- Questions whose answer is being made. Rows that are here at a start are those
-- of a process that died.
CREATE TABLE unfinished (
    answer_id   TEXT PRIMARY KEY,
    question_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX unfinished_by_question ON unfinished (question_id);
