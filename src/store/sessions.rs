//! Table `sessions`: conversations. One whose time to be kept is over does not
//! exist for any reader, also before it is swept away.

use super::{Store, StoreError, is_duplicate};
use crate::types::{
    PartialSearchOptions, Session, SessionId, SessionStatus, TenantId, Time, UserId,
};
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};

pub(super) const COLUMNS: &str = "id, uuid, tenant_id, user_id, title, system_prompt, metadata, agent_id, \
     external_user_id, status, expires_at, keep_seconds, created_at, updated_at, pinned, search";

/// Whether a session is still there at the instant `:now`.
pub(super) const THERE: &str = "(keep_seconds IS NULL OR updated_at + keep_seconds * 1000 > :now)";

/// Which conversations to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    pub agent_id: Option<String>,
    pub external_user_id: Option<String>,
    pub status: Option<SessionStatus>,
    /// Whether it takes messages now.
    pub open: Option<bool>,
    /// Part of its id or of its external user's id; case of ASCII letters does not count.
    pub text: Option<String>,
    /// Continue after this place.
    pub after: Option<SessionPlace>,
    /// At most so many; `None` for all.
    pub limit: Option<usize>,
}

/// A place in a list of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPlace {
    pub updated_at: Time,
    pub key: u64,
}

/// One page of a list of conversations.
#[derive(Debug, Clone)]
pub struct SessionPage {
    pub sessions: Vec<Session>,
    /// Where the next page continues, if there is one.
    pub next: Option<SessionPlace>,
}

/// What to change of a conversation; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SessionChange {
    /// `Some(None)` takes the title away.
    pub title: Option<Option<String>>,
    pub status: Option<SessionStatus>,
    pub metadata: Option<serde_json::Value>,
}

impl Store {
    /// Stores a new conversation; an id that the tenant has is a [`StoreError::Duplicate`].
    pub fn insert_session(&self, session: &Session) -> Result<(), StoreError> {
        self.write(|transaction| insert(transaction, session))
    }

    /// One conversation of a tenant, by its id or its UUID.
    pub fn session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<Session>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM sessions WHERE tenant_id = :tenant
                 AND (id = :id OR uuid = :id) AND {THERE}"
            );
            connection
                .prepare_cached(&sql)?
                .query_row(
                    named_params! {
                        ":tenant": tenant.as_str(),
                        ":id": id.as_str(),
                        ":now": Time::now().millis(),
                    },
                    |row| Ok(session(row)),
                )
                .optional()?
                .transpose()
        })
    }

    /// A user's conversations that `filter` lets through, latest first.
    pub fn sessions(
        &self,
        tenant: &TenantId,
        user: &UserId,
        filter: &SessionFilter,
    ) -> Result<SessionPage, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS}, key FROM sessions
                 WHERE tenant_id = :tenant AND user_id = :user AND {THERE}
                   AND (:agent IS NULL OR agent_id = :agent)
                   AND (:external IS NULL OR external_user_id = :external)
                   AND (:status IS NULL OR status = :status)
                   AND (:open IS NULL OR :open =
                        (status = 'active' AND (expires_at IS NULL OR expires_at > :now)))
                   AND (:text IS NULL OR instr(lower(id), lower(:text)) > 0
                        OR instr(lower(coalesce(external_user_id, '')), lower(:text)) > 0)
                   AND (:updated IS NULL OR (updated_at, key) < (:updated, :key))
                 ORDER BY updated_at DESC, key DESC LIMIT :limit"
            );
            let limit = filter.limit.map_or(-1, |limit| limit as i64 + 1);
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(
                named_params! {
                    ":tenant": tenant.as_str(),
                    ":user": user.as_str(),
                    ":now": Time::now().millis(),
                    ":agent": filter.agent_id,
                    ":external": filter.external_user_id,
                    ":status": filter.status.map(SessionStatus::as_str),
                    ":open": filter.open,
                    ":text": filter.text,
                    ":updated": filter.after.map(|place| place.updated_at.millis()),
                    ":key": filter.after.map(|place| place.key),
                    ":limit": limit,
                },
                |row| Ok((row.get::<_, u64>(16)?, session(row))),
            )?;
            let mut found = Vec::new();
            for row in rows {
                let (key, session) = row?;
                found.push((key, session?));
            }
            let more = filter.limit.is_some_and(|limit| found.len() > limit);
            found.truncate(filter.limit.unwrap_or(usize::MAX));
            let next = found
                .last()
                .filter(|_| more)
                .map(|(key, last)| SessionPlace {
                    updated_at: last.updated_at,
                    key: *key,
                });
            Ok(SessionPage {
                sessions: found.into_iter().map(|(_, session)| session).collect(),
                next,
            })
        })
    }

    /// Changes a conversation, which thereby becomes the latest.
    pub fn change_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        change: &SessionChange,
    ) -> Result<Session, StoreError> {
        self.write(|transaction| {
            let sql = format!(
                "UPDATE sessions SET
                     title = iif(:retitle, :title, title),
                     status = coalesce(:status, status),
                     metadata = coalesce(:metadata, metadata),
                     updated_at = max(updated_at, :now)
                 WHERE tenant_id = :tenant AND id = :id RETURNING {COLUMNS}"
            );
            transaction
                .prepare_cached(&sql)?
                .query_row(
                    named_params! {
                        ":tenant": tenant.as_str(),
                        ":id": id.as_str(),
                        ":now": Time::now().millis(),
                        ":retitle": change.title.is_some(),
                        ":title": change.title.clone().flatten(),
                        ":status": change.status.map(SessionStatus::as_str),
                        ":metadata": change.metadata.as_ref().map(ToString::to_string),
                    },
                    |row| Ok(session(row)),
                )
                .optional()?
                .ok_or(StoreError::Missing("the session"))?
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

    /// The ids of all conversations of a tenant, or of one of its users.
    pub fn session_ids(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM sessions WHERE tenant_id = ?1 AND (?2 IS NULL OR user_id = ?2)
                 ORDER BY key",
            )?;
            let parameters = params![tenant.as_str(), user.map(UserId::as_str)];
            let rows =
                statement.query_map(parameters, |row| Ok(row.get::<_, String>(0)?.into()))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Deletes all conversations of a tenant, or of one of its users; gives
    /// back how many there were.
    pub fn delete_sessions(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
    ) -> Result<usize, StoreError> {
        self.write(|transaction| {
            Ok(transaction.execute(
                "DELETE FROM sessions WHERE tenant_id = ?1 AND (?2 IS NULL OR user_id = ?2)",
                params![tenant.as_str(), user.map(UserId::as_str)],
            )?)
        })
    }

    /// Deletes at most `limit` of the conversations, of whatever tenant, whose
    /// time to be kept was over at `now`; gives back how many it deleted.
    pub fn sweep_sessions(&self, now: Time, limit: usize) -> Result<usize, StoreError> {
        const OVER: &str = "SELECT key FROM sessions WHERE keep_seconds IS NOT NULL
             AND updated_at + keep_seconds * 1000 <= ?1 LIMIT ?2";
        // Mostly there is nothing to do, which needs no writer.
        let any = self.read(|connection| {
            let mut statement = connection.prepare_cached(OVER)?;
            Ok(statement.exists(params![now.millis(), 1])?)
        })?;
        if !any {
            return Ok(0);
        }
        self.write(|transaction| {
            let sql = format!("DELETE FROM sessions WHERE key IN ({OVER})");
            Ok(transaction.execute(&sql, params![now.millis(), limit])?)
        })
    }
}

pub(super) fn insert(transaction: &Transaction<'_>, session: &Session) -> Result<(), StoreError> {
    let taken = || StoreError::Duplicate("a session with this id exists already".to_owned());
    // An id may not be another session's UUID either: both name a session.
    let named = transaction
        .prepare_cached("SELECT 1 FROM sessions WHERE tenant_id = ?1 AND uuid = ?2")?
        .exists(params![session.tenant_id.as_str(), session.id.as_str()])?;
    if named {
        return Err(taken());
    }
    let done = transaction
        .prepare_cached(
            "INSERT INTO sessions (id, uuid, tenant_id, user_id, title, system_prompt, metadata,
             agent_id, external_user_id, status, expires_at, keep_seconds, created_at, updated_at,
             pinned, search)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            session.id.as_str(),
            session.uuid.as_str(),
            session.tenant_id.as_str(),
            session.user_id.as_str(),
            session.title,
            session.system_prompt,
            session.metadata.to_string(),
            session.agent_id,
            session.external_user_id,
            session.status.as_str(),
            session.expires_at.map(Time::millis),
            session.keep_seconds,
            session.created_at.millis(),
            session.updated_at.millis(),
            session.pinned,
            search_json(&session.search)?
        ]);
    match done {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(taken()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn session(row: &Row<'_>) -> Result<Session, StoreError> {
    let metadata: String = row.get(6)?;
    let status: String = row.get(9)?;
    let search: String = row.get(15)?;
    Ok(Session {
        id: row.get::<_, String>(0)?.into(),
        uuid: row.get::<_, String>(1)?.into(),
        tenant_id: row.get::<_, String>(2)?.into(),
        user_id: row.get::<_, String>(3)?.into(),
        title: row.get(4)?,
        system_prompt: row.get(5)?,
        metadata: serde_json::from_str(&metadata)
            .map_err(|error| StoreError::Value(error.to_string()))?,
        agent_id: row.get(7)?,
        external_user_id: row.get(8)?,
        status: SessionStatus::parse(&status).ok_or(StoreError::Value(status))?,
        expires_at: row.get::<_, Option<i64>>(10)?.map(Time::from_millis),
        keep_seconds: row.get(11)?,
        created_at: Time::from_millis(row.get(12)?),
        updated_at: Time::from_millis(row.get(13)?),
        pinned: row.get(14)?,
        search: serde_json::from_str(&search)
            .map_err(|error| StoreError::Value(error.to_string()))?,
    })
}

pub(super) fn search_json(search: &PartialSearchOptions) -> Result<String, StoreError> {
    serde_json::to_string(search).map_err(|error| StoreError::Value(error.to_string()))
}
