//! Conversations to take along: as Markdown to read, as JSON to take in again.

use super::export::session_json;
use super::{Caller, Inner, Service};
use crate::error::Fault;
use crate::store::{ChatFilter, MessageFilter};
use crate::types::{Citation, Message, Role, Session, SessionId, Time};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Words of a cited passage that a transcript repeats, in characters.
const QUOTED: usize = 300;

/// How to write a conversation down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptFormat {
    Markdown,
    Json,
}

/// A conversation written down.
#[derive(Debug, Clone)]
pub struct Transcript {
    pub title: Option<String>,
    pub text: String,
}

impl Service {
    /// A conversation that the caller may see, written down.
    pub async fn transcript(
        &self,
        caller: &Caller,
        id: &SessionId,
        format: TranscriptFormat,
    ) -> Result<Transcript, Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let session = inner.visible_session(&caller, &id)?;
            let messages = inner.messages_of(&session)?;
            let text = match format {
                TranscriptFormat::Markdown => markdown(&session, &messages),
                TranscriptFormat::Json => json_text(&[session_json(&session, &messages)])?,
            };
            Ok(Transcript {
                title: session.title,
                text,
            })
        })
        .await
    }

    /// All conversations of the caller as JSON.
    pub async fn transcripts(&self, caller: &Caller) -> Result<String, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let all = ChatFilter {
                limit: i32::MAX as usize,
                ..ChatFilter::default()
            };
            let (tenant, user) = (&caller.tenant_id, &caller.user_id);
            let (chats, _) = inner.store.chats(tenant, user, &all)?;
            let mut sessions = Vec::with_capacity(chats.len());
            for chat in chats {
                let messages = inner.messages_of(&chat.session)?;
                sessions.push(session_json(&chat.session, &messages));
            }
            json_text(&sessions)
        })
        .await
    }
}

impl Inner {
    fn messages_of(&self, session: &Session) -> Result<Vec<Message>, Fault> {
        let all = MessageFilter::default();
        Ok(self.store.messages(&session.tenant_id, &session.id, &all)?)
    }
}

fn json_text(sessions: &[Value]) -> Result<String, Fault> {
    let whole = json!({
        "format": "satchel-chats",
        "version": 1,
        "exported_at": Time::now().to_string(),
        "sessions": sessions,
    });
    serde_json::to_string_pretty(&whole)
        .map_err(|error| Fault::internal(format!("a conversation has no JSON form: {error}")))
}

fn markdown(session: &Session, messages: &[Message]) -> String {
    let mut text = String::new();
    let title = session.title.as_deref().unwrap_or("Untitled");
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "# {}\n\nStarted {}",
        one_line(title),
        session.created_at
    );
    for message in messages {
        let speaker = match (message.role, &message.answer) {
            (Role::User, _) => "Question",
            (Role::Assistant, _) => "Answer",
            (Role::System, _) => "Instructions",
        };
        let _ = writeln!(text, "\n## {speaker}\n\n{}", message.content.trim());
        let citations = message.answer.as_ref().map(|one| one.citations.as_slice());
        let _ = write!(text, "{}", sources(citations.unwrap_or_default()));
    }
    text
}

/// The sources of an answer, each number once.
fn sources(citations: &[Citation]) -> String {
    let numbered: BTreeMap<u32, &Citation> = citations
        .iter()
        .rev()
        .map(|one| (one.number, one))
        .collect();
    let mut text = String::new();
    if !numbered.is_empty() {
        text.push_str("\nSources:\n\n");
    }
    for (number, one) in numbered {
        let page = one.page_number.map(|page| format!(", page {page}"));
        let quoted: String = one_line(&one.text).chars().take(QUOTED).collect();
        let name = one_line(&one.title);
        let _ = writeln!(
            text,
            "{number}. {name}{}: “{quoted}”",
            page.unwrap_or_default()
        );
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
