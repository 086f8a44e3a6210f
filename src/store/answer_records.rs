//! Table `answer_records`: how each answer came about. A row comes with its
//! answer and goes with it.

use super::{Place, Store, StoreError, messages, unfinished};
use crate::types::{AnswerRecord, Message, MessageId, SessionId, TenantId, Time};
use rusqlite::{OptionalExtension, params};

impl Store {
    /// Appends an answer to its conversation with the record of how it came
    /// about; when it counts as written, as [`Self::append_message`] says.
    pub fn append_answer(
        &self,
        tenant: &TenantId,
        answer: &Message,
        place: &Place,
        record: &AnswerRecord,
    ) -> Result<Time, StoreError> {
        let json =
            serde_json::to_string(record).map_err(|error| StoreError::Value(error.to_string()))?;
        self.write(|transaction| {
            unfinished::end(transaction, &answer.id)?;
            let written = messages::append(transaction, tenant, answer, place)?;
            transaction
                .prepare_cached(
                    "INSERT INTO answer_records (message_key, record)
                     SELECT key, ?2 FROM messages WHERE id = ?1",
                )?
                .execute(params![answer.id.as_str(), json])?;
            Ok(written)
        })
    }

    /// How an answer came about; `None` for what is no answer, and for those
    /// that were made before this was kept, or elsewhere.
    pub fn answer_record(
        &self,
        tenant: &TenantId,
        answer: &MessageId,
    ) -> Result<Option<AnswerRecord>, StoreError> {
        self.read(|connection| {
            let json: Option<String> = connection
                .prepare_cached(
                    "SELECT r.record FROM answer_records r JOIN messages m ON m.key = r.message_key
                     JOIN sessions s ON s.key = m.session_key
                     WHERE m.id = ?2 AND s.tenant_id = ?1 AND m.deleted_at IS NULL",
                )?
                .query_row(params![tenant.as_str(), answer.as_str()], |row| row.get(0))
                .optional()?;
            json.map(|json| read(&json)).transpose()
        })
    }

    /// How the answers of a conversation came about, in order, also of those
    /// that were deleted softly.
    pub fn answer_records(
        &self,
        tenant: &TenantId,
        session: &SessionId,
    ) -> Result<Vec<(MessageId, AnswerRecord)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT m.id, r.record FROM answer_records r JOIN messages m ON m.key = r.message_key
                 JOIN sessions s ON s.key = m.session_key
                 WHERE s.tenant_id = ?1 AND s.id = ?2 ORDER BY m.key",
            )?;
            let rows = statement.query_map(params![tenant.as_str(), session.as_str()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?;
            rows.map(|row| {
                let (id, json) = row?;
                Ok((id.into(), read(&json)?))
            })
            .collect()
        })
    }
}

fn read(json: &str) -> Result<AnswerRecord, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Value(error.to_string()))
}
