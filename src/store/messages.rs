//! Table `messages`: what was said in a conversation. A message that was
//! deleted softly is kept, and found by nothing but an export.

use super::{Store, StoreError};
use crate::types::{AnswerSummary, Message, MessageId, Role, SessionId, TenantId, Time, UserId};
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};

const COLUMNS: &str = "m.id, s.id, s.user_id, m.role, m.content, m.metadata, m.answer, \
     m.created_at, m.deleted_at";

/// Which messages of a conversation to list.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    pub role: Option<Role>,
    /// Part of its content; case of ASCII letters does not count.
    pub text: Option<String>,
    /// With those that were deleted softly.
    pub deleted_too: bool,
}

impl Store {
    /// Appends a message to its conversation, which thereby becomes the latest.
    /// Gives back when it counts as written: at its own time, or later, as no
    /// two messages of a conversation have one time.
    pub fn append_message(&self, tenant: &TenantId, message: &Message) -> Result<Time, StoreError> {
        self.write(|transaction| append(transaction, tenant, message))
    }

    /// The messages of a conversation that `filter` lets through, in order.
    pub fn messages(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        filter: &MessageFilter,
    ) -> Result<Vec<Message>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM messages m JOIN sessions s ON s.key = m.session_key
                 WHERE s.tenant_id = :tenant AND s.id = :session
                   AND (:deleted_too OR m.deleted_at IS NULL)
                   AND (:role IS NULL OR m.role = :role)
                   AND (:text IS NULL OR instr(lower(m.content), lower(:text)) > 0)
                 ORDER BY m.key"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(
                named_params! {
                    ":tenant": tenant.as_str(),
                    ":session": session.as_str(),
                    ":role": filter.role.map(Role::as_str),
                    ":text": filter.text,
                    ":deleted_too": filter.deleted_too,
                },
                |row| Ok(message(row)),
            )?;
            rows.map(|row| row?).collect()
        })
    }

    /// One message of a tenant.
    pub fn message(
        &self,
        tenant: &TenantId,
        id: &MessageId,
    ) -> Result<Option<Message>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM messages m JOIN sessions s ON s.key = m.session_key
                 WHERE m.id = ?2 AND s.tenant_id = ?1 AND m.deleted_at IS NULL"
            );
            connection
                .prepare_cached(&sql)?
                .query_row(params![tenant.as_str(), id.as_str()], |row| {
                    Ok(message(row))
                })
                .optional()?
                .transpose()
        })
    }

    /// Deletes a message softly: it is kept and no longer found.
    pub fn hide_message(&self, tenant: &TenantId, id: &MessageId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE messages SET deleted_at = ?3 WHERE id = ?2 AND deleted_at IS NULL
                 AND session_key IN (SELECT key FROM sessions WHERE tenant_id = ?1)",
                params![tenant.as_str(), id.as_str(), Time::now().millis()],
            )?;
            match changed {
                0 => Err(StoreError::Missing("the message")),
                _ => Ok(()),
            }
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
                   AND m.deleted_at IS NULL
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

pub(super) fn append(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    message: &Message,
) -> Result<Time, StoreError> {
    let answer = message
        .answer
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(|error| StoreError::Value(error.to_string()))?;
    let (session, last): (u64, Option<i64>) = transaction
        .prepare_cached(
            "SELECT s.key, (SELECT m.created_at FROM messages m
                            WHERE m.session_key = s.key ORDER BY m.key DESC LIMIT 1)
             FROM sessions s WHERE s.tenant_id = ?1 AND s.id = ?2",
        )?
        .query_row(
            params![tenant.as_str(), message.session_id.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?
        .ok_or(StoreError::Missing("the session"))?;
    let own = message.created_at.millis();
    let written = last.map_or(own, |last| own.max(last + 1));
    transaction
        .prepare_cached("UPDATE sessions SET updated_at = max(updated_at, ?2) WHERE key = ?1")?
        .execute(params![session, written])?;
    transaction
        .prepare_cached(
            "INSERT INTO messages (id, session_key, role, content, metadata, answer, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            message.id.as_str(),
            session,
            message.role.as_str(),
            message.content,
            message.metadata.to_string(),
            answer,
            written
        ])?;
    Ok(Time::from_millis(written))
}

fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    let role: String = row.get(3)?;
    let metadata: String = row.get(5)?;
    let answer: Option<String> = row.get(6)?;
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
        metadata: serde_json::from_str(&metadata)
            .map_err(|error| StoreError::Value(error.to_string()))?,
        answer,
        created_at: Time::from_millis(row.get(7)?),
        deleted_at: row.get::<_, Option<i64>>(8)?.map(Time::from_millis),
    })
}
