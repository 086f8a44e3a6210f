//! Table `unfinished`: questions whose answer is being made. A row comes with the
//! question and goes with the answer, in the same transaction each time.

use super::messages::Place;
use super::{Store, StoreError, messages};
use crate::types::{Message, MessageId, SessionId, TenantId, Time, UserId};
use rusqlite::{Transaction, params};

/// A question whose answer was cut off by the end of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub session_id: SessionId,
    pub question_id: MessageId,
    /// The id that the answer was to have.
    pub answer_id: MessageId,
}

impl Store {
    /// Appends a question whose answer is to be called `answer`; when it counts
    /// as written.
    pub fn append_question(
        &self,
        tenant: &TenantId,
        question: &Message,
        place: &Place,
        answer: &MessageId,
    ) -> Result<Time, StoreError> {
        self.write(|transaction| {
            let written = messages::append(transaction, tenant, question, place)?;
            transaction
                .prepare_cached("INSERT INTO unfinished (answer_id, question_id) VALUES (?1, ?2)")?
                .execute(params![answer.as_str(), question.id.as_str()])?;
            Ok(written)
        })
    }

    /// No answer comes any more, or it came.
    pub fn end_answer(&self, answer: &MessageId) -> Result<(), StoreError> {
        self.write(|transaction| end(transaction, answer))
    }

    /// The questions whose answers were cut off.
    pub fn cut_off(&self) -> Result<Vec<CutOff>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT s.tenant_id, s.user_id, s.id, u.question_id, u.answer_id FROM unfinished u
                 JOIN messages m ON m.id = u.question_id
                 JOIN sessions s ON s.key = m.session_key ORDER BY m.key",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(CutOff {
                    tenant_id: row.get::<_, String>(0)?.into(),
                    user_id: row.get::<_, String>(1)?.into(),
                    session_id: row.get::<_, String>(2)?.into(),
                    question_id: row.get::<_, String>(3)?.into(),
                    answer_id: row.get::<_, String>(4)?.into(),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn end(transaction: &Transaction<'_>, answer: &MessageId) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM unfinished WHERE answer_id = ?1")?
        .execute([answer.as_str()])?;
    Ok(())
}
