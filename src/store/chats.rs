//! Conversations as their user keeps them: listed with the pinned ones first,
//! found by words of their titles and texts, and taken in from elsewhere.

use super::sessions::{COLUMNS, THERE, insert, search_json, session};
use super::{Store, StoreError, json_list};
use crate::types::{
    Message, MessageId, PartialSearchOptions, Role, Session, SessionId, SessionStatus, TenantId,
    Time, UserId,
};
use rusqlite::{OptionalExtension, named_params, params};
use std::collections::HashSet;

/// The fewest characters that the index of texts can look for.
const LEAST_INDEXED: usize = 3;

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

/// Words to look for.
struct Words {
    /// In the language of the index; `None`: all words are too short for it.
    indexed: Option<String>,
    /// Those that are too short, as a JSON list in lower case.
    short: String,
}

impl Words {
    fn of(text: &str) -> Result<Option<Self>, StoreError> {
        let clean = |word: &str| word.chars().filter(|c| !c.is_control()).collect::<String>();
        let words = text.split_whitespace().map(clean);
        let (long, short): (Vec<_>, Vec<_>) = words
            .filter(|word| !word.is_empty())
            .partition(|word| word.chars().count() >= LEAST_INDEXED);
        if long.is_empty() && short.is_empty() {
            return Ok(None);
        }
        let quoted: Vec<_> = long
            .iter()
            .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
            .collect();
        let short: Vec<_> = short.iter().map(|word| word.to_lowercase()).collect();
        Ok(Some(Self {
            indexed: (!quoted.is_empty()).then(|| quoted.join(" ")),
            short: json_list(&short)?,
        }))
    }

    /// Whether `column` of the row `key` has all words, as SQL.
    fn condition(&self, index: &str, key: &str, column: &str) -> String {
        let indexed = match self.indexed {
            Some(_) => format!("{key} IN (SELECT rowid FROM {index} WHERE {index} MATCH :indexed)"),
            // The parameter has to be used in each statement.
            None => ":indexed IS NULL".to_owned(),
        };
        format!(
            "({indexed} AND NOT EXISTS (SELECT 1 FROM json_each(:short) AS word
             WHERE instr(lower({column}), word.value) = 0))"
        )
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
        let words = Words::of(filter.text.as_deref().unwrap_or_default())?;
        let (found, condition) = match &words {
            None => (
                "SELECT NULL AS session, NULL AS message WHERE :indexed IS NOT NULL AND :short IS NOT NULL"
                    .to_owned(),
                "TRUE".to_owned(),
            ),
            Some(words) => (
                format!(
                    "SELECT m.session_key AS session, max(m.key) AS message
                     FROM messages m JOIN sessions s ON s.key = m.session_key
                     WHERE s.tenant_id = :tenant AND s.user_id = :user
                       AND m.deleted_at IS NULL AND {} GROUP BY m.session_key",
                    words.condition("message_texts", "m.key", "m.content")
                ),
                format!(
                    "(found.session IS NOT NULL OR {})",
                    words.condition("session_titles", "sessions.key", "coalesce(title, '')")
                ),
            ),
        };
        let sql = format!(
            "WITH found AS ({found})
             SELECT {COLUMNS}, found.message FROM sessions
             LEFT JOIN found ON found.session = sessions.key
             WHERE tenant_id = :tenant AND user_id = :user AND {THERE}
               AND (:status IS NULL OR status = :status) AND {condition}
             ORDER BY pinned DESC, updated_at DESC, sessions.key DESC
             LIMIT :limit OFFSET :offset"
        );
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(
                named_params! {
                    ":tenant": tenant.as_str(),
                    ":user": user.as_str(),
                    ":now": Time::now().millis(),
                    ":status": filter.status.map(SessionStatus::as_str),
                    ":indexed": words.as_ref().and_then(|words| words.indexed.as_deref()),
                    ":short": words.as_ref().map(|words| words.short.as_str()),
                    ":limit": filter.limit + 1,
                    ":offset": filter.offset,
                },
                |row| Ok((row.get::<_, Option<u64>>(16)?, session(row))),
            )?;
            let mut chats = Vec::new();
            for row in rows {
                let (message, session) = row?;
                let message = message.map(|key| message_at(connection, key)).transpose()?;
                chats.push(FoundChat {
                    session: session?,
                    message,
                });
            }
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
                super::messages::append(transaction, &session.tenant_id, message)?;
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

fn message_at(connection: &rusqlite::Connection, key: u64) -> Result<FoundMessage, StoreError> {
    let (id, role, content) = connection
        .prepare_cached("SELECT id, role, content FROM messages WHERE key = ?1")?
        .query_row([key], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get(2)?,
            ))
        })?;
    Ok(FoundMessage {
        id: id.into(),
        role: Role::parse(&role).ok_or(StoreError::Value(role))?,
        content,
    })
}
