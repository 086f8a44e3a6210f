//! Table `sessions`: conversations.

use super::{Store, StoreError, is_duplicate};
use crate::types::{Session, SessionId, TenantId, Time, UserId};
use rusqlite::{OptionalExtension, Row, params};

const COLUMNS: &str =
    "id, tenant_id, user_id, title, system_prompt, metadata, created_at, updated_at";

impl Store {
    /// Stores a new conversation; an id that the tenant has is a [`StoreError::Duplicate`].
    pub fn insert_session(&self, session: &Session) -> Result<(), StoreError> {
        self.write(|transaction| {
            let done = transaction.execute(
                "INSERT INTO sessions (id, tenant_id, user_id, title, system_prompt, metadata,
                 created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    session.id.as_str(),
                    session.tenant_id.as_str(),
                    session.user_id.as_str(),
                    session.title,
                    session.system_prompt,
                    session.metadata.to_string(),
                    session.created_at.millis(),
                    session.updated_at.millis()
                ],
            );
            match done {
                Ok(_) => Ok(()),
                Err(error) if is_duplicate(&error) => Err(StoreError::Duplicate(
                    "a session with this id exists already".to_owned(),
                )),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// One conversation of a tenant.
    pub fn session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<Session>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM sessions WHERE tenant_id = ?1 AND id = ?2");
            connection
                .prepare_cached(&sql)?
                .query_row(params![tenant.as_str(), id.as_str()], |row| {
                    Ok(session(row))
                })
                .optional()?
                .transpose()
        })
    }

    /// A user's conversations, latest first.
    pub fn sessions(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<Session>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM sessions WHERE tenant_id = ?1 AND user_id = ?2
                 ORDER BY updated_at DESC, key DESC"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![tenant.as_str(), user.as_str()], |row| {
                Ok(session(row))
            })?;
            rows.map(|row| row?).collect()
        })
    }

    /// Deletes a conversation with its messages.
    pub fn delete_session(&self, tenant: &TenantId, id: &SessionId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "DELETE FROM sessions WHERE tenant_id = ?1 AND id = ?2",
                params![tenant.as_str(), id.as_str()],
            )?;
            match changed {
                0 => Err(StoreError::Missing("the session")),
                _ => Ok(()),
            }
        })
    }
}

fn session(row: &Row<'_>) -> Result<Session, StoreError> {
    let metadata: String = row.get(5)?;
    Ok(Session {
        id: row.get::<_, String>(0)?.into(),
        tenant_id: row.get::<_, String>(1)?.into(),
        user_id: row.get::<_, String>(2)?.into(),
        title: row.get(3)?,
        system_prompt: row.get(4)?,
        metadata: serde_json::from_str(&metadata)
            .map_err(|error| StoreError::Value(error.to_string()))?,
        created_at: Time::from_millis(row.get(6)?),
        updated_at: Time::from_millis(row.get(7)?),
    })
}
