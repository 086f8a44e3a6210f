//! Conversations as their user keeps them: listed with the pinned ones first,
//! found by words of their titles and texts, and taken in from elsewhere.

use super::messages::Place;
use super::sessions::{COLUMNS, THERE, insert, search_json, session};
use super::{Store, StoreError};
use crate::types::{
    Message, MessageId, PartialSearchOptions, Role, Session, SessionId, SessionStatus, TenantId,
    Time, UserId,
};
use rusqlite::{Connection, OptionalExtension, named_params, params};
use std::collections::HashSet;

/// Which of a user's conversations to list.
#[derive(Debug, Clone, Default)]
pub struct ChatFilter {
    pub status: Option<SessionStatus>,
    /// Words that all stand in the title, or all in one message.
    pub text: Option<String>,
    pub offset: usize,
    pub limit: usize,
}

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundChat {
    pub session: Session,
    /// The latest message that the words stand in.
    pub message: Option<FoundMessage>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundMessage {
    pub id: MessageId,
    pub role: Role,
    pub content: String,
}

/// What to change of a conversation without making it the latest; what is
/// `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ChatChange {
    pub title: Option<String>,
    pub pinned: Option<bool>,
    pub status: Option<SessionStatus>,
    /// `Some(None)` takes it away.
    pub system_prompt: Option<Option<String>>,
    pub search: Option<PartialSearchOptions>,
}

/// Words to look for, in lower case; there is at least one.
///
/// Texts are read for them one after the other. An index of parts of words would
/// find them sooner in very many messages, but taking a message out of it so
/// that nothing of its text is left takes a thousand times as long as deleting
/// the message, and every other writer waits meanwhile.
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Option<Self> {
        let clean = |word: &str| word.chars().filter(|c| !c.is_control()).collect::<String>();
        let words = text
            .split_whitespace()
            .map(|word| clean(word).to_lowercase());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    fn all_stand_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().all(|word| text.contains(word))
    }
}

impl Store {
    /// A user's conversations that `filter` lets through, the pinned ones
    /// first, then the latest; and whether there are more.
    pub fn chats(
        &self,
        tenant: &TenantId,
        user: &UserId,
        filter: &ChatFilter,
    ) -> Result<(Vec<FoundChat>, bool), StoreError> {
        let words = Words::of(filter.text.as_deref().unwrap_or_default());
        let sql = format!(
            "SELECT {COLUMNS}, key FROM sessions
             WHERE tenant_id = :tenant AND user_id = :user AND {THERE}
               AND (:status IS NULL OR status = :status)
             ORDER BY pinned DESC, updated_at DESC, key DESC
             LIMIT :limit OFFSET :offset"
        );
        let (limit, offset) = (filter.limit + 1, filter.offset);
        // Which of them have the words is seen only in their texts.
        let (skipped, rows_limit, rows_offset) = match words {
            Some(_) => (offset, -1, 0),
            None => (0, limit as i64, offset as i64),
        };
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(
                named_params! {
                    ":tenant": tenant.as_str(),
                    ":user": user.as_str(),
                    ":now": Time::now().millis(),
                    ":status": filter.status.map(SessionStatus::as_str),
                    ":limit": rows_limit,
                    ":offset": rows_offset,
                },
                |row| Ok((row.get::<_, u64>(16)?, session(row))),
            )?;
            let all = rows.map(|row| {
                let (key, session) = row?;
                found(connection, words.as_ref(), key, session?)
            });
            let chosen = all.filter_map(Result::transpose);
            let mut chats = chosen
                .skip(skipped)
                .take(limit)
                .collect::<Result<Vec<_>, _>>()?;
            let more = chats.len() > filter.limit;
            chats.truncate(filter.limit);
            Ok((chats, more))
        })
    }

    /// Changes a conversation, which stays where it is among the others.
    pub fn change_chat(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        change: &ChatChange,
    ) -> Result<Session, StoreError> {
        let search = change.search.as_ref().map(search_json).transpose()?;
        self.write(|transaction| {
            let sql = format!(
                "UPDATE sessions SET
                     title = coalesce(:title, title),
                     pinned = coalesce(:pinned, pinned),
                     status = coalesce(:status, status),
                     system_prompt = iif(:prompted, :prompt, system_prompt),
                     search = coalesce(:search, search)
                 WHERE tenant_id = :tenant AND id = :id RETURNING {COLUMNS}"
            );
            transaction
                .prepare_cached(&sql)?
                .query_row(
                    named_params! {
                        ":tenant": tenant.as_str(),
                        ":id": id.as_str(),
                        ":title": change.title,
                        ":pinned": change.pinned,
                        ":status": change.status.map(SessionStatus::as_str),
                        ":prompted": change.system_prompt.is_some(),
                        ":prompt": change.system_prompt.clone().flatten(),
                        ":search": search,
                    },
                    |row| Ok(session(row)),
                )
                .optional()?
                .ok_or(StoreError::Missing("the session"))?
        })
    }

    /// Stores a conversation with all its messages, or nothing of it.
    pub fn insert_chat(&self, session: &Session, messages: &[Message]) -> Result<(), StoreError> {
        self.write(|transaction| {
            insert(transaction, session)?;
            for message in messages {
                super::messages::append(transaction, &session.tenant_id, message, &Place::Newest)?;
            }
            Ok(())
        })
    }

    /// The names that a user's conversations had where they came from.
    pub fn imported_chats(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<HashSet<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT json_extract(metadata, '$.imported.id') FROM sessions
                 WHERE tenant_id = ?1 AND user_id = ?2
                   AND json_type(metadata, '$.imported.id') = 'text'",
            )?;
            let rows = statement.query_map(params![tenant.as_str(), user.as_str()], |row| {
                row.get::<_, String>(0)
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// The conversation, if it has the words: all in its title, or all in one message.
fn found(
    connection: &Connection,
    words: Option<&Words>,
    key: u64,
    session: Session,
) -> Result<Option<FoundChat>, StoreError> {
    let message = match words {
        Some(words) => latest_with(connection, key, words)?,
        None => None,
    };
    let title = session.title.as_deref().unwrap_or_default();
    let has_them = words.is_none_or(|words| message.is_some() || words.all_stand_in(title));
    Ok(has_them.then_some(FoundChat { session, message }))
}

/// The latest message of a session that all words stand in.
fn latest_with(
    connection: &Connection,
    session: u64,
    words: &Words,
) -> Result<Option<FoundMessage>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, role, content FROM messages
         WHERE session_key = ?1 AND deleted_at IS NULL ORDER BY key DESC",
    )?;
    let mut rows = statement.query([session])?;
    while let Some(row) = rows.next()? {
        let content: String = row.get(2)?;
        if words.all_stand_in(&content) {
            let role: String = row.get(1)?;
            return Ok(Some(FoundMessage {
                id: row.get::<_, String>(0)?.into(),
                role: Role::parse(&role).ok_or(StoreError::Value(role))?,
                content,
            }));
        }
    }
    Ok(None)
}
