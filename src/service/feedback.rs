//! What people think of answers: taken from who asked, read by administrators.

use super::{Caller, Service};
use crate::error::{ErrorKind, Fault};
use crate::store::{FeedbackFilter, FeedbackPage, MessageFilter};
use crate::types::{
    Feedback, FeedbackId, FeedbackKind, MessageId, Role, SessionId, Time, char_len,
};

/// Longest remark, in characters.
const MAX_TEXT_CHARS: usize = 2_000;

/// A verdict to be stored.
#[derive(Debug, Clone)]
pub struct NewFeedback {
    pub session_id: SessionId,
    pub query_id: MessageId,
    pub response_id: MessageId,
    pub kind: FeedbackKind,
    pub text: Option<String>,
}

impl Service {
    /// Stores what the caller thinks of an answer that it was given.
    pub async fn add_feedback(&self, caller: &Caller, new: NewFeedback) -> Result<Feedback, Fault> {
        let NewFeedback {
            session_id,
            query_id,
            response_id,
            kind,
            text,
        } = new;
        let text = text.filter(|text| !text.trim().is_empty());
        let chars = text.as_deref().map_or(0, char_len);
        if chars > MAX_TEXT_CHARS {
            let message = format!(
                "feedback_text: it has {chars} characters, at most {MAX_TEXT_CHARS} are allowed"
            );
            let fault = Fault::invalid(message).about("feedback_text");
            return Err(fault.coded("feedback_too_long"));
        }
        let caller = caller.clone();
        self.blocking(move |inner| {
            let session = inner.own_session(&caller, &session_id)?;
            let all = MessageFilter::default();
            let messages = inner.store.messages(&caller.tenant_id, &session.id, &all)?;
            let place = |id: &MessageId, role: Role| {
                let mut messages = messages.iter();
                messages.position(|one| one.id == *id && one.role == role)
            };
            let query =
                place(&query_id, Role::User).ok_or_else(|| unknown("query_id", "question"))?;
            place(&response_id, Role::Assistant)
                .filter(|response| *response > query)
                .ok_or_else(|| unknown("response_id", "answer to it"))?;
            let feedback = Feedback {
                id: FeedbackId::generate(),
                session_id: session.id,
                user_id: caller.user_id,
                query_id,
                response_id,
                kind,
                text,
                created_at: Time::now(),
            };
            inner.store.insert_feedback(&caller.tenant_id, &feedback)?;
            Ok(feedback)
        })
        .await
    }

    /// The tenant's feedback for its administrators, latest first.
    pub async fn feedback(
        &self,
        caller: &Caller,
        filter: FeedbackFilter,
    ) -> Result<FeedbackPage, Fault> {
        caller.require_admin()?;
        let tenant = caller.tenant_id.clone();
        self.blocking(move |inner| Ok(inner.store.feedback(&tenant, &filter)?))
            .await
    }
}

fn unknown(field: &str, what: &str) -> Fault {
    let message = format!("{field}: the session has no such {what}");
    let fault = Fault::new(ErrorKind::NotFound, message);
    fault.about(field).coded("unknown_response")
}
