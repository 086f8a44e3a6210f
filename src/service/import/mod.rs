//! Conversations from elsewhere: exports of this product, of ChatGPT and of
//! Open WebUI, as JSON or as the archives that those hand out. What they hold
//! is text of strangers: read leniently, stored as it is, and believed in nothing.

mod chatgpt;
mod open_webui;
mod own;
mod reading;

use super::chat::title;
use super::chats::check_prompt;
use super::sessions::MAX_TITLE_CHARS;
use super::{Caller, Inner, Service};
use crate::error::{Fault, Kind};
use crate::types::{
    AnswerSummary, Message, MessageId, PartialSearchOptions, Role, Session, SessionId,
    SessionStatus, Time,
};
use serde_json::{Value, json};

/// A conversation as another place kept it.
#[derive(Debug, Default)]
struct Foreign {
    /// What it is called there, after the name of the place.
    name: Option<String>,
    title: Option<String>,
    system_prompt: Option<String>,
    search: PartialSearchOptions,
    pinned: bool,
    archived: bool,
    created_at: Option<Time>,
    messages: Vec<Said>,
}

/// A message as another place kept it.
#[derive(Debug)]
struct Said {
    role: Role,
    content: String,
    created_at: Option<Time>,
    model: Option<String>,
    answer: Option<AnswerSummary>,
}

/// What came of an import.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    pub sessions: Vec<SessionId>,
    /// How many were there already.
    pub known: usize,
    /// Why others were not taken, for people; not more than a few.
    pub refused: Vec<String>,
    pub refused_count: usize,
}

/// Refusals that are told one by one.
const MOST_REASONS: usize = 20;

impl Imported {
    fn refuse(&mut self, reason: String) {
        self.refused_count += 1;
        if self.refused.len() < MOST_REASONS {
            self.refused.push(reason);
        }
    }
}

impl Service {
    /// Takes the conversations of an export in as the caller's own. One that
    /// was taken in before is left as it is.
    pub async fn import_chats(&self, caller: &Caller, file: Vec<u8>) -> Result<Imported, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| inner.import(&caller, &file))
            .await
    }
}

impl Inner {
    fn import(&self, caller: &Caller, file: &[u8]) -> Result<Imported, Fault> {
        let mut imported = Imported::default();
        let (tenant, user) = (&caller.tenant_id, &caller.user_id);
        let mut known = self.store.imported_chats(tenant, user)?;
        let read = reading::each(file, &mut |number, foreign| {
            let foreign = match foreign {
                Ok(foreign) if foreign.messages.is_empty() => {
                    imported.refuse(format!("conversation {number} has no messages"));
                    return Ok(());
                }
                Ok(foreign) => foreign,
                Err(reason) => {
                    imported.refuse(format!("conversation {number}: {reason}"));
                    return Ok(());
                }
            };
            if let Some(name) = &foreign.name
                && (known.contains(name) || self.is_still_here(caller, name)?)
            {
                imported.known += 1;
                return Ok(());
            }
            known.extend(foreign.name.clone());
            let (session, messages) = adopted(caller, foreign);
            self.store.insert_chat(&session, &messages)?;
            imported.sessions.push(session.id);
            Ok(())
        });
        match read {
            // What came before the fault is there, and is said.
            Err(fault) if !fault.kind().is_ours() && !imported.sessions.is_empty() => {
                imported.refuse(fault.to_string());
            }
            other => other?,
        }
        Ok(imported)
    }

    /// Whether an export of our own names a conversation that the caller has.
    fn is_still_here(&self, caller: &Caller, name: &str) -> Result<bool, Fault> {
        let Some(uuid) = name.strip_prefix(own::PLACE) else {
            return Ok(false);
        };
        let uuid = SessionId::from(uuid.trim_start_matches(':'));
        let session = self.store.session(&caller.tenant_id, &uuid)?;
        Ok(session.is_some_and(|session| session.user_id == caller.user_id))
    }
}

/// The conversation as one of the caller's.
fn adopted(caller: &Caller, foreign: Foreign) -> (Session, Vec<Message>) {
    let now = Time::now();
    let first = foreign.messages.iter().find_map(|one| one.created_at);
    let created_at = foreign.created_at.or(first).unwrap_or(now).min(now);
    let asked = foreign.messages.iter().find(|one| one.role == Role::User);
    let given = foreign.title.filter(|title| !title.trim().is_empty());
    let titled = given.map(|title| title.trim().chars().take(MAX_TITLE_CHARS).collect());
    let id = SessionId::generate();
    let session = Session {
        uuid: id.clone(),
        id,
        tenant_id: caller.tenant_id.clone(),
        user_id: caller.user_id.clone(),
        title: titled.or_else(|| asked.map(|one| title(&one.content))),
        system_prompt: foreign
            .system_prompt
            .filter(|text| check_prompt(text).is_ok()),
        pinned: foreign.pinned,
        search: foreign.search,
        metadata: match foreign.name {
            Some(name) => json!({"imported": {"id": name}}),
            None => json!({"imported": {}}),
        },
        agent_id: None,
        external_user_id: None,
        status: match foreign.archived {
            true => SessionStatus::Archived,
            false => SessionStatus::Active,
        },
        expires_at: None,
        keep_seconds: None,
        created_at,
        updated_at: created_at,
    };
    let mut written = created_at;
    let mut adopt = |said: Said| {
        written = said.created_at.unwrap_or(written).min(now).max(written);
        Message {
            id: MessageId::generate(),
            session_id: session.id.clone(),
            user_id: caller.user_id.clone(),
            role: said.role,
            content: said.content,
            metadata: said
                .model
                .map_or(json!({}), |model| json!({"model": model})),
            created_at: written,
            deleted_at: None,
            answer: said.answer,
        }
    };
    let messages = foreign.messages.into_iter().map(&mut adopt).collect();
    (session, messages)
}

/// A time in seconds since the Unix epoch, as exports have it; some have
/// milliseconds or nanoseconds.
fn time(value: &Value) -> Option<Time> {
    let number = value.as_f64().filter(|number| *number > 0.0)?;
    let millis = match number {
        ..1e11 => number * 1e3,
        ..1e14 => number,
        _ => number / 1e6,
    };
    Some(Time::from_millis(millis as i64))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Whether there is anything to read in `text`.
fn says_something(text: &str) -> bool {
    !text.trim().is_empty()
}
