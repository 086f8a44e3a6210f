//! Conversations: listing, reading, deleting.

use super::{Caller, Inner, Service};
use crate::answer::render;
use crate::error::Fault;
use crate::types::{Citation, Message, Session, SessionId};
use std::collections::{HashMap, HashSet};

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
    /// For an answer: rendered and marked with its checks.
    pub html: Option<String>,
}

impl Service {
    /// The caller's conversations, latest first.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let sessions = inner.store.sessions(&caller.tenant_id, &caller.user_id)?;
            let mut cited: HashMap<SessionId, Vec<Citation>> = HashMap::new();
            for (session, answer) in inner.store.answers(&caller.tenant_id, &caller.user_id)? {
                cited.entry(session).or_default().extend(answer.citations);
            }
            let view = |session: Session| SessionView {
                documents: distinct(cited.remove(&session.id).unwrap_or_default()),
                session,
            };
            Ok(sessions.into_iter().map(view).collect())
        })
        .await
    }

    /// A conversation of the caller with all its messages.
    pub async fn session(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<(SessionView, Vec<MessageView>), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let session = inner.own_session(&caller, &id)?;
            let messages = inner.store.messages(&caller.tenant_id, &id, None)?;
            let answers = messages.iter().filter_map(|one| one.answer.as_ref());
            let documents = distinct(answers.flat_map(|one| one.citations.clone()).collect());
            let view = SessionView { session, documents };
            Ok((view, messages.into_iter().map(shown).collect()))
        })
        .await
    }

    /// Deletes a conversation of the caller.
    pub async fn delete_session(&self, caller: &Caller, id: &SessionId) -> Result<(), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            inner.own_session(&caller, &id)?;
            inner.store.delete_session(&caller.tenant_id, &id)?;
            inner.history.forget(&id);
            Ok(())
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
            .ok_or_else(|| Fault::not_found("the session does not exist"))
    }
}

fn shown(message: Message) -> MessageView {
    let html = message.answer.as_ref().map(|answer| {
        render(
            &message.content,
            &answer.mode,
            &answer.citations,
            &answer.checks,
        )
    });
    MessageView { message, html }
}

/// Each cited passage once.
fn distinct(mut citations: Vec<Citation>) -> Vec<Citation> {
    let mut seen = HashSet::new();
    citations.retain(|one| seen.insert((one.document_id.clone(), one.chunk_index)));
    citations
}
