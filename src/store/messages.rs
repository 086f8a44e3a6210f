//! Table `messages`: what was said in a conversation.

use super::{Store, StoreError};
use crate::types::{AnswerSummary, Message, Role, SessionId, TenantId, Time, UserId};
use rusqlite::{OptionalExtension, Row, params};

impl Store {
    /// Appends a message to its conversation, which thereby becomes the latest.
    pub fn append_message(&self, tenant: &TenantId, message: &Message) -> Result<(), StoreError> {
        let answer = message
            .answer
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(|error| StoreError::Value(error.to_string()))?;
        self.write(|transaction| {
            let session: u64 = transaction
                .prepare_cached(
                    "UPDATE sessions SET updated_at = max(updated_at, ?3)
                     WHERE tenant_id = ?1 AND id = ?2 RETURNING key",
                )?
                .query_row(
                    params![
                        tenant.as_str(),
                        message.session_id.as_str(),
                        message.created_at.millis()
                    ],
                    |row| row.get(0),
                )
                .optional()?
                .ok_or(StoreError::Missing("the session"))?;
            transaction
                .prepare_cached(
                    "INSERT INTO messages (id, session_key, role, content, answer, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    message.id.as_str(),
                    session,
                    message.role.as_str(),
                    message.content,
                    answer,
                    message.created_at.millis()
                ])?;
            Ok(())
        })
    }

    /// All messages of a conversation in order, or its last `limit`.
    pub fn messages(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        limit: Option<usize>,
    ) -> Result<Vec<Message>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT m.id, s.id, s.user_id, m.role, m.content, m.answer, m.created_at
                 FROM messages m JOIN sessions s ON s.key = m.session_key
                 WHERE s.tenant_id = ?1 AND s.id = ?2 ORDER BY m.key DESC LIMIT ?3",
            )?;
            let limit = limit.map_or(-1, |limit| limit as i64);
            let rows = statement
                .query_map(params![tenant.as_str(), session.as_str(), limit], |row| {
                    Ok(message(row))
                })?;
            let mut messages = rows.map(|row| row?).collect::<Result<Vec<_>, _>>()?;
            messages.reverse();
            Ok(messages)
        })
    }

    /// What was stored with each answer that a user was given, in order.
    pub fn answers(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<(SessionId, AnswerSummary)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT s.id, m.answer FROM messages m JOIN sessions s ON s.key = m.session_key
                 WHERE s.tenant_id = ?1 AND s.user_id = ?2 AND m.answer IS NOT NULL
                 ORDER BY m.key",
            )?;
            let rows = statement.query_map(params![tenant.as_str(), user.as_str()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?;
            rows.map(|row| {
                let (session, json) = row?;
                let answer = serde_json::from_str(&json)
                    .map_err(|error| StoreError::Value(error.to_string()))?;
                Ok((session.into(), answer))
            })
            .collect()
        })
    }
}

fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    let role: String = row.get(3)?;
    let answer: Option<String> = row.get(5)?;
    let answer = answer
        .map(|json| serde_json::from_str::<AnswerSummary>(&json))
        .transpose()
        .map_err(|error| StoreError::Value(error.to_string()))?;
    Ok(Message {
        id: row.get::<_, String>(0)?.into(),
        session_id: row.get::<_, String>(1)?.into(),
        user_id: row.get::<_, String>(2)?.into(),
        role: Role::parse(&role).ok_or(StoreError::Value(role))?,
        content: row.get(4)?,
        answer,
        created_at: Time::from_millis(row.get(6)?),
    })
}
