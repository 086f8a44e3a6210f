//! Conversations: making, listing, reading, changing, deleting. A conversation
//! belongs to one user; administrators and services may act for any user of
//! their tenant, but only where they name that user ([`Service::acting_for`]).

use super::chats::check_prompt;
use super::{Caller, Inner, Service};
use crate::answer::render;
use crate::error::{ErrorKind, Fault};
use crate::store::{Branch, MessageFilter, SessionChange, SessionFilter, SessionPage, UserRole};
use crate::types::{
    AnswerMode, Citation, Message, MessageId, PartialSearchOptions, Role, Session, SessionId,
    SessionStatus, Time, UserId,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Longest title that a client may give, in characters.
pub(super) const MAX_TITLE_CHARS: usize = 200;

/// Longest name of an agent or a user outside, in characters.
const MAX_NAME_CHARS: usize = 256;

/// A conversation to be made.
#[derive(Debug, Clone, Default)]
pub struct NewSession {
    /// As the client wants it (see [`SessionId::parse`]); `None` for a new one.
    pub id: Option<String>,
    /// `None`: the first question becomes the title.
    pub title: Option<String>,
    pub system_prompt: Option<String>,
    /// How its answers are searched for, where a question does not say.
    pub search: PartialSearchOptions,
    pub agent_id: Option<String>,
    pub external_user_id: Option<String>,
    /// A JSON object, or null for an empty one.
    pub metadata: Value,
    /// From then on it takes no messages, but stays readable.
    pub expires_at: Option<Time>,
    /// It is deleted when nothing happened in it for so many seconds.
    pub keep_seconds: Option<i64>,
}

/// A conversation and what its answers cite.
#[derive(Debug, Clone)]
pub struct SessionView {
    pub session: Session,
    /// Every cited passage once, in the order of the answers.
    pub documents: Vec<Citation>,
}

/// A message ready to be shown.
#[derive(Debug, Clone)]
pub struct MessageView {
    pub message: Message,
    /// The message that it follows.
    pub parent_id: Option<MessageId>,
    /// For what an assistant wrote: rendered and marked with its checks.
    pub html: Option<String>,
}

impl Service {
    /// The caller's conversations, latest first.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let all = SessionFilter::default();
            let page = inner
                .store
                .sessions(&caller.tenant_id, &caller.user_id, &all)?;
            let mut cited: HashMap<SessionId, Vec<Citation>> = HashMap::new();
            for (session, answer) in inner.store.answers(&caller.tenant_id, &caller.user_id)? {
                cited.entry(session).or_default().extend(answer.citations);
            }
            let view = |session: Session| SessionView {
                documents: distinct(cited.remove(&session.id).unwrap_or_default()),
                session,
            };
            Ok(page.sessions.into_iter().map(view).collect())
        })
        .await
    }

    /// A conversation that the caller may see, with the messages of `branch`.
    pub async fn session(
        &self,
        caller: &Caller,
        id: &SessionId,
        branch: Branch,
    ) -> Result<(SessionView, Vec<MessageView>), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let session = inner.visible_session(&caller, &id)?;
            let filter = MessageFilter {
                branch,
                ..MessageFilter::default()
            };
            let messages = inner
                .store
                .messages(&caller.tenant_id, &session.id, &filter)?;
            let mut parents = inner.store.parents(&caller.tenant_id, &session.id)?;
            let answers = messages.iter().filter_map(|one| one.answer.as_ref());
            let documents = distinct(answers.flat_map(|one| one.citations.clone()).collect());
            let view = SessionView { session, documents };
            let messages = messages.into_iter().map(|message| {
                let parent_id = parents.remove(&message.id).flatten();
                shown(message, parent_id)
            });
            Ok((view, messages.collect()))
        })
        .await
    }

    /// Deletes a conversation of the caller with its messages.
    pub async fn delete_session(&self, caller: &Caller, id: &SessionId) -> Result<(), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let session = inner.own_session(&caller, &id)?;
            inner.store.delete_session(&caller.tenant_id, &session.id)?;
            inner.running.stop_in(&caller.tenant_id, &session.id);
            inner.history.forget(&session.uuid);
            Ok(())
        })
        .await
    }

    /// Makes a conversation of the caller. An id that the tenant has already is
    /// a [`ErrorKind::Conflict`].
    pub async fn create_session(&self, caller: &Caller, new: NewSession) -> Result<Session, Fault> {
        let session = checked(caller, new)?;
        self.blocking(move |inner| {
            inner.store.insert_session(&session)?;
            Ok(session)
        })
        .await
    }

    /// A conversation that the caller may see, by its id or its UUID.
    pub async fn find_session(&self, caller: &Caller, id: &SessionId) -> Result<Session, Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| inner.visible_session(&caller, &id))
            .await
    }

    /// The caller's own conversations that `filter` lets through, latest first,
    /// a page at a time.
    pub async fn list_sessions(
        &self,
        caller: &Caller,
        filter: SessionFilter,
    ) -> Result<SessionPage, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let (tenant, user) = (&caller.tenant_id, &caller.user_id);
            Ok(inner.store.sessions(tenant, user, &filter)?)
        })
        .await
    }

    /// Changes a conversation of the caller.
    pub async fn change_session(
        &self,
        caller: &Caller,
        id: &SessionId,
        change: SessionChange,
    ) -> Result<Session, Fault> {
        if let Some(Some(title)) = &change.title {
            check_length("title", title, MAX_TITLE_CHARS)?;
        }
        if let Some(metadata) = &change.metadata {
            check_object(metadata)?;
        }
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let session = inner.own_session(&caller, &id)?;
            Ok(inner
                .store
                .change_session(&caller.tenant_id, &session.id, &change)?)
        })
        .await
    }

    /// The caller in the name of `user`, which is a user's id or name, or for
    /// administrators and services whatever they call somebody outside. Anybody
    /// else may name but itself. Who names a user has the rights of that user alone.
    pub async fn acting_for(&self, caller: &Caller, user: &str) -> Result<Caller, Fault> {
        check_length("user_id", user, MAX_NAME_CHARS)?;
        if user == caller.user_id.as_str() || user.eq_ignore_ascii_case(&caller.username) {
            return Ok(Caller {
                role: UserRole::User,
                ..caller.clone()
            });
        }
        if !matches!(caller.role, UserRole::Admin | UserRole::Service) {
            let message = "user_id: only a service or an administrator may act for somebody else";
            return Err(Fault::new(ErrorKind::Forbidden, message).about("user_id"));
        }
        let (caller, user) = (caller.clone(), user.to_owned());
        self.blocking(move |inner| {
            let named = inner.store.user_by_name(&user)?;
            let named = named.filter(|found| found.tenant_id == caller.tenant_id);
            Ok(Caller {
                user_id: named.map_or_else(|| UserId::from(user.as_str()), |found| found.id),
                username: user,
                role: UserRole::User,
                ..caller
            })
        })
        .await
    }
}

impl Inner {
    /// A conversation that belongs to the caller; another's does not exist for it.
    pub(super) fn own_session(&self, caller: &Caller, id: &SessionId) -> Result<Session, Fault> {
        let session = self.store.session(&caller.tenant_id, id)?;
        session
            .filter(|session| session.user_id == caller.user_id)
            .ok_or_else(no_session)
    }

    /// A conversation that the caller may read: its own, and for administrators
    /// every one of the tenant.
    pub(super) fn visible_session(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<Session, Fault> {
        let session = self.store.session(&caller.tenant_id, id)?;
        session
            .filter(|session| caller.is_admin() || session.user_id == caller.user_id)
            .ok_or_else(no_session)
    }

    /// A conversation of the caller that takes messages.
    pub(super) fn open_session(&self, caller: &Caller, id: &SessionId) -> Result<Session, Fault> {
        let session = self.own_session(caller, id)?;
        if session.has_expired(Time::now()) {
            let message = "the session has expired: it can be read, but takes no more messages";
            return Err(Fault::invalid(message).coded("session_expired"));
        }
        if session.status == SessionStatus::Archived {
            let message = "the session is archived: make it active again to go on with it";
            return Err(Fault::new(ErrorKind::Conflict, message).coded("session_archived"));
        }
        Ok(session)
    }
}

pub(super) fn ill_formed_id() -> Fault {
    let message = "session_id: it must be 1 to 128 letters, digits, or any of . _ : -";
    Fault::invalid(message).about("session_id")
}

pub(super) fn no_session() -> Fault {
    Fault::not_found("the session does not exist")
}

/// The session that `new` describes, if it may be.
fn checked(caller: &Caller, new: NewSession) -> Result<Session, Fault> {
    let NewSession {
        id,
        title,
        system_prompt,
        search,
        agent_id,
        external_user_id,
        metadata,
        expires_at,
        keep_seconds,
    } = new;
    let uuid = SessionId::generate();
    let id = match id {
        None => uuid.clone(),
        Some(text) => SessionId::parse(&text).ok_or_else(ill_formed_id)?,
    };
    if let Some(title) = &title {
        check_length("title", title, MAX_TITLE_CHARS)?;
    }
    if let Some(prompt) = &system_prompt {
        check_prompt(prompt)?;
    }
    if let Some(agent) = &agent_id {
        check_length("agent_id", agent, MAX_NAME_CHARS)?;
    }
    if let Some(external) = &external_user_id {
        check_length("external_user_id", external, MAX_NAME_CHARS)?;
    }
    let metadata = match metadata {
        Value::Null => Value::Object(serde_json::Map::new()),
        given => given,
    };
    check_object(&metadata)?;
    let now = Time::now();
    Ok(Session {
        id,
        uuid,
        tenant_id: caller.tenant_id.clone(),
        user_id: caller.user_id.clone(),
        title,
        system_prompt,
        pinned: false,
        search,
        metadata,
        agent_id,
        external_user_id,
        status: SessionStatus::Active,
        expires_at,
        keep_seconds,
        created_at: now,
        updated_at: now,
    })
}

/// An error unless `text` has 1 to `longest` characters, not all of them blank.
pub(super) fn check_length(field: &str, text: &str, longest: usize) -> Result<(), Fault> {
    if text.trim().is_empty() {
        return Err(Fault::invalid(format!("{field}: it is empty")).about(field));
    }
    let chars = text.chars().count();
    if chars > longest {
        let message = format!("{field}: it has {chars} characters, at most {longest} are allowed");
        return Err(Fault::invalid(message).about(field));
    }
    Ok(())
}

/// An error unless `metadata` is a JSON object.
pub(super) fn check_object(metadata: &Value) -> Result<(), Fault> {
    match metadata.is_object() {
        true => Ok(()),
        false => Err(Fault::invalid("metadata: it must be an object").about("metadata")),
    }
}

fn shown(message: Message, parent_id: Option<MessageId>) -> MessageView {
    let html = match &message.answer {
        Some(answer) => Some(render(
            &message.content,
            &answer.mode,
            &answer.citations,
            &answer.checks,
        )),
        // What was only stored, by a client or by an import, was written by some model.
        None if message.role == Role::Assistant => {
            let name = String::new();
            Some(render(
                &message.content,
                &AnswerMode::Model { name },
                &[],
                &[],
            ))
        }
        None => None,
    };
    MessageView {
        message,
        parent_id,
        html,
    }
}

/// Each cited passage once.
fn distinct(mut citations: Vec<Citation>) -> Vec<Citation> {
    let mut seen = HashSet::new();
    citations.retain(|one| seen.insert((one.document_id.clone(), one.chunk_index)));
    citations
}
