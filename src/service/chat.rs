//! A question: checked, stored, and then answered as a stream of events.

use super::answering::Answering;
use super::sessions::{ill_formed_id, no_session};
use super::writing::WritingOptions;
use super::{Caller, Inner, Service};
use crate::error::Fault;
use crate::store::{MessageFilter, SessionChange, StoreError};
use crate::types::{
    AnswerEvent, DatasetId, Message, MessageId, PartialSearchOptions, Role, SearchOptions, Session,
    SessionId, SessionStatus, Time,
};
use futures_util::Stream;
use serde_json::json;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, channel};

/// Events that wait for a slow reader before the answer waits for it.
const EVENT_BACKLOG: usize = 64;

/// Longest title made from a question, in characters.
const MAX_TITLE_CHARS: usize = 80;

/// What somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub message: String,
    /// `None` starts a conversation.
    pub session_id: Option<SessionId>,
    /// A session that is not there is made, under the id that was given.
    pub opens_session: bool,
    /// Only documents of this module and this chapter.
    pub module: Option<String>,
    pub chapter: Option<String>,
    /// Answer from this text and nothing else.
    pub selection: Option<String>,
    /// `None`: the tenant's own documents, else the handbook.
    pub dataset_id: Option<DatasetId>,
    /// What is left open here is as the conversation wishes it.
    pub options: PartialSearchOptions,
    /// Answer in quotes even if there is a chat model.
    pub quotes_only: bool,
}

/// A question with the conversation before it, of which nothing is stored.
#[derive(Debug, Clone)]
pub struct PassingQuestion {
    pub message: String,
    /// Questions and answers, oldest first.
    pub earlier: Vec<(Role, String)>,
    /// What the asker wishes beside the product's own instructions.
    pub system_prompt: Option<String>,
    pub dataset_id: Option<DatasetId>,
    pub options: SearchOptions,
    /// Answer in quotes even if there is a chat model.
    pub quotes_only: bool,
    pub writing: WritingOptions,
}

/// The events of an answer. Dropping it stops the answer; what was written
/// until then is kept.
pub struct AnswerStream(Receiver<AnswerEvent>);

impl Stream for AnswerStream {
    type Item = AnswerEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        self.0.poll_recv(context)
    }
}

/// A question with all that its answer needs.
pub(super) struct Accepted {
    pub(super) session: Session,
    pub(super) is_new: bool,
    pub(super) question_id: MessageId,
    pub(super) created_at: Time,
    /// The messages before the question.
    pub(super) earlier: Vec<Message>,
}

impl Service {
    /// Stores a question and starts to answer it. An error means that nothing
    /// was stored.
    pub async fn ask(&self, caller: &Caller, question: Question) -> Result<AnswerStream, Fault> {
        let started = Instant::now();
        self.check_text("message", &question.message)?;
        let accepted = {
            let (caller, question) = (caller.clone(), question.clone());
            self.blocking(move |inner| inner.accept(&caller, &question))
                .await?
        };
        let wishes = accepted.session.search.clone();
        let (events, receiver) = channel(EVENT_BACKLOG);
        let answering = Answering {
            service: self.clone(),
            caller: caller.clone(),
            options: question.options.clone().or(wishes).complete(),
            question,
            accepted,
            writing: WritingOptions::default(),
            kept: true,
            answer_id: MessageId::generate(),
            started,
            events,
        };
        tokio::spawn(answering.run());
        Ok(AnswerStream(receiver))
    }

    /// Answers a question without storing it, nor its answer.
    pub async fn ask_in_passing(
        &self,
        caller: &Caller,
        question: PassingQuestion,
    ) -> Result<AnswerStream, Fault> {
        let started = Instant::now();
        self.check_text("message", &question.message)?;
        let PassingQuestion {
            message,
            earlier,
            system_prompt,
            dataset_id,
            options,
            quotes_only,
            writing,
        } = question;
        if let Some(id) = dataset_id.clone() {
            let viewer = caller.viewer();
            self.blocking(move |inner| inner.dataset(&viewer, &id))
                .await?;
        }
        let now = Time::now();
        let session = Session {
            system_prompt,
            ..new_session(caller, &message, now)
        };
        let message_of = |(role, content)| Message {
            id: MessageId::generate(),
            session_id: session.id.clone(),
            user_id: caller.user_id.clone(),
            role,
            content,
            metadata: json!({}),
            created_at: now,
            deleted_at: None,
            answer: None,
        };
        let accepted = Accepted {
            earlier: earlier.into_iter().map(message_of).collect(),
            session,
            is_new: true,
            question_id: MessageId::generate(),
            created_at: now,
        };
        let (events, receiver) = channel(EVENT_BACKLOG);
        let answering = Answering {
            service: self.clone(),
            caller: caller.clone(),
            question: Question {
                message,
                session_id: None,
                dataset_id,
                quotes_only,
                ..Question::default()
            },
            options,
            accepted,
            writing,
            kept: false,
            answer_id: MessageId::generate(),
            started,
            events,
        };
        tokio::spawn(answering.run());
        Ok(AnswerStream(receiver))
    }

    /// An error unless `text`, which the client calls `field`, may be a message.
    pub fn check_text(&self, field: &str, text: &str) -> Result<(), Fault> {
        let longest = self.inner.config.max_message_chars;
        if text.trim().is_empty() {
            return Err(Fault::invalid(format!("{field}: it is empty")).about(field));
        }
        let chars = text.chars().count();
        if chars > longest {
            let message =
                format!("{field}: it has {chars} characters, at most {longest} are allowed");
            return Err(Fault::invalid(message).about(field));
        }
        Ok(())
    }
}

impl Inner {
    /// Whether no session of the tenant has this name.
    fn is_free(&self, caller: &Caller, id: &SessionId) -> Result<bool, Fault> {
        Ok(self.store.session(&caller.tenant_id, id)?.is_none())
    }

    /// Stores a session. A name that another one took in between is as one that
    /// it always had.
    fn insert_session(&self, session: &Session) -> Result<(), Fault> {
        match self.store.insert_session(session) {
            Err(StoreError::Duplicate(_)) => {
                let known = self.store.session(&session.tenant_id, &session.id)?;
                let own = known.filter(|known| known.user_id == session.user_id);
                own.map(drop).ok_or_else(no_session)
            }
            other => Ok(other?),
        }
    }

    fn accept(&self, caller: &Caller, question: &Question) -> Result<Accepted, Fault> {
        if let Some(id) = &question.dataset_id {
            self.dataset(&caller.viewer(), id)?;
        }
        let now = Time::now();
        let (session, earlier, is_new) = match &question.session_id {
            Some(id) if question.opens_session && self.is_free(caller, id)? => {
                let session = named_session(caller, id, &question.message, now)?;
                (session, Vec::new(), true)
            }
            Some(id) => {
                let mut session = self.open_session(caller, id)?;
                let all = MessageFilter::default();
                let earlier = self.store.messages(&caller.tenant_id, &session.id, &all)?;
                if session.title.is_none() {
                    let change = SessionChange {
                        title: Some(Some(title(&question.message))),
                        ..SessionChange::default()
                    };
                    session = self
                        .store
                        .change_session(&caller.tenant_id, &session.id, &change)?;
                }
                (session, earlier, false)
            }
            None => (
                new_session(caller, &question.message, now),
                Vec::new(),
                true,
            ),
        };
        if is_new {
            self.insert_session(&session)?;
        }
        let message = Message {
            id: MessageId::generate(),
            session_id: session.id.clone(),
            user_id: caller.user_id.clone(),
            role: Role::User,
            content: question.message.clone(),
            metadata: match &question.selection {
                Some(text) => json!({"selected_text": text}),
                None => json!({}),
            },
            created_at: now,
            deleted_at: None,
            answer: None,
        };
        let created_at = self.store.append_message(&caller.tenant_id, &message)?;
        Ok(Accepted {
            session,
            is_new,
            question_id: message.id,
            created_at,
            earlier,
        })
    }
}

/// A conversation that `message` starts under a name that the client chose.
fn named_session(
    caller: &Caller,
    id: &SessionId,
    message: &str,
    now: Time,
) -> Result<Session, Fault> {
    let id = SessionId::parse(id.as_str()).ok_or_else(ill_formed_id)?;
    Ok(Session {
        id,
        ..new_session(caller, message, now)
    })
}

fn new_session(caller: &Caller, message: &str, now: Time) -> Session {
    let id = SessionId::generate();
    Session {
        uuid: id.clone(),
        id,
        tenant_id: caller.tenant_id.clone(),
        user_id: caller.user_id.clone(),
        title: Some(title(message)),
        system_prompt: None,
        pinned: false,
        search: PartialSearchOptions::default(),
        metadata: json!({}),
        agent_id: None,
        external_user_id: None,
        status: SessionStatus::Active,
        expires_at: None,
        keep_seconds: None,
        created_at: now,
        updated_at: now,
    }
}

/// The question as a title: one line, cut between words.
pub(super) fn title(message: &str) -> String {
    let mut title = String::new();
    let mut chars = 0;
    for word in message.split_whitespace() {
        let gap = usize::from(!title.is_empty());
        let length = word.chars().count();
        if chars + gap + length > MAX_TITLE_CHARS {
            let room = MAX_TITLE_CHARS.saturating_sub(1);
            if title.is_empty() {
                title.extend(word.chars().take(room));
            }
            title.push('…');
            break;
        }
        if gap == 1 {
            title.push(' ');
        }
        title.push_str(word);
        chars += gap + length;
    }
    title
}

#[cfg(test)]
mod tests {
    use super::{MAX_TITLE_CHARS, title};

    #[test]
    fn title_is_one_line_and_is_cut_between_words() {
        assert_eq!(title("  What is\n this? "), "What is this?");
        let long = title(&"word ".repeat(50));
        assert!(long.ends_with("word…") && long.chars().count() <= MAX_TITLE_CHARS + 1);
        assert!(title(&"x".repeat(500)).chars().count() <= MAX_TITLE_CHARS);
    }
}
