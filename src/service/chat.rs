//! A question: checked, stored, and then answered as a stream of events.

use super::answering::Answering;
use super::branching::{QuestionPlace, QuestionScope, Standing};
use super::running::{Heard, Starting};
use super::sessions::{ill_formed_id, no_session};
use super::writing::WritingOptions;
use super::{Caller, Inner, Service};
use crate::error::Fault;
use crate::store::{SessionChange, StoreError};
use crate::types::{
    AnswerEvent, DatasetId, DocumentId, Message, MessageId, PartialSearchOptions, Role,
    SearchOptions, Session, SessionId, SessionStatus, Time,
};
use futures_util::Stream;
use serde_json::json;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::watch;

/// Events that wait for a slow reader before the answer waits for it.
pub(super) const EVENT_BACKLOG: usize = 64;

/// Longest title made from a question, in characters.
const MAX_TITLE_CHARS: usize = 80;

/// How much a chat model may think about a question, where it is to think.
const THINKING_TOKENS: usize = 1024;

/// How freely an answer is worded when the question was answered before.
const ANOTHER_TEMPERATURE: f32 = 0.6;

/// What somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub message: String,
    /// `None` starts a conversation.
    pub session_id: Option<SessionId>,
    /// Where in its conversation it stands; all but the newest place need the
    /// session's id.
    pub place: QuestionPlace,
    /// A session that is not there is made, under the id that was given.
    pub opens_session: bool,
    /// Only documents of this module and this chapter.
    pub module: Option<String>,
    pub chapter: Option<String>,
    /// Answer from this text and nothing else.
    pub selection: Option<String>,
    /// Only these; empty: the tenant's own documents, else the handbook.
    pub dataset_ids: Vec<DatasetId>,
    /// Only these of them; empty: all.
    pub document_ids: Vec<DocumentId>,
    /// What is left open here is as the conversation wishes it.
    pub options: PartialSearchOptions,
    /// Answer in quotes even if there is a chat model.
    pub quotes_only: bool,
    /// Let the chat model think first.
    pub thinks: bool,
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
    /// What is asked; of a question that is asked again, as it was stored.
    pub(super) question: Question,
    pub(super) question_id: MessageId,
    /// The id that the answer gets.
    pub(super) answer_id: MessageId,
    pub(super) created_at: Time,
    /// The messages before the question.
    pub(super) earlier: Vec<Message>,
}

impl Service {
    /// Stores a question and starts to answer it. An error means that nothing
    /// was stored.
    pub async fn ask(&self, caller: &Caller, question: Question) -> Result<AnswerStream, Fault> {
        let (answering, receiver) = self.accept(caller, question).await?;
        tokio::spawn(answering.run());
        Ok(AnswerStream(receiver))
    }

    /// The same for an answer that goes on when nobody listens, until it is
    /// complete or stopped ([`Self::stop_answer`]). A question that comes again
    /// with the same `key` of the same caller, because its connection broke
    /// before a word of the answer arrived, is not asked again: its answer is
    /// heard from the beginning.
    pub async fn ask_and_keep_running(
        &self,
        caller: &Caller,
        question: Question,
        key: Option<String>,
    ) -> Result<impl Stream<Item = Heard> + use<>, Fault> {
        let attempt = self.inner.running.attempt(caller, key);
        let (service, asker) = (self.clone(), caller.clone());
        // In a task of its own, so that who hangs up in the middle leaves no
        // question without an answer.
        let begun = tokio::spawn(async move {
            let begin = || service.begin_running(&asker, question);
            let begun = attempt.answer.get_or_try_init(begin).await.cloned();
            if begun.is_err() {
                service.inner.running.forget_attempt(&attempt);
            }
            begun
        });
        let answer = begun
            .await
            .map_err(|error| Fault::internal(format!("a question was not stored: {error}")))??;
        self.follow(caller, &answer)
    }

    /// Stores a question and starts an answer that nobody needs to listen to.
    async fn begin_running(&self, caller: &Caller, question: Question) -> Result<MessageId, Fault> {
        let most = self.inner.config.streams_per_user;
        self.inner.running.check_room(caller, most)?;
        let (mut answering, receiver) = self.accept(caller, question).await?;
        let (stop, stopped) = watch::channel(false);
        answering.stop = stopped;
        let answer_id = answering.accepted.answer_id.clone();
        let starting = Starting {
            caller,
            session_id: answering.accepted.session.id.clone(),
            question_id: answering.accepted.question_id.clone(),
            answer_id: answer_id.clone(),
            stop,
        };
        self.start_running(starting, receiver);
        tokio::spawn(answering.run());
        Ok(answer_id)
    }

    /// Stores a question; its answer is ready to be made.
    async fn accept(
        &self,
        caller: &Caller,
        question: Question,
    ) -> Result<(Answering, Receiver<AnswerEvent>), Fault> {
        let started = Instant::now();
        let again = matches!(question.place, QuestionPlace::Again(_));
        if !again {
            self.check_text("message", &question.message)?;
        }
        let thinking_tokens = question.thinks.then_some(THINKING_TOKENS);
        let mut accepted = {
            let caller = caller.clone();
            self.blocking(move |inner| inner.accept(&caller, question))
                .await?
        };
        let wishes = accepted.session.search.clone();
        let (events, receiver) = channel(EVENT_BACKLOG);
        let answering = Answering {
            service: self.clone(),
            caller: caller.clone(),
            options: accepted.question.options.clone().or(wishes).complete(),
            question: std::mem::take(&mut accepted.question),
            accepted,
            writing: WritingOptions {
                thinking_tokens,
                ..wording(again)
            },
            kept: true,
            again: None,
            started,
            events,
            stop: nobody_stops(),
        };
        Ok((answering, receiver))
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
        let mut accepted = Accepted {
            earlier: earlier.into_iter().map(message_of).collect(),
            session,
            is_new: true,
            question: Question {
                message,
                dataset_ids: dataset_id.into_iter().collect(),
                quotes_only,
                ..Question::default()
            },
            question_id: MessageId::generate(),
            answer_id: MessageId::generate(),
            created_at: now,
        };
        let (events, receiver) = channel(EVENT_BACKLOG);
        let answering = Answering {
            service: self.clone(),
            caller: caller.clone(),
            question: std::mem::take(&mut accepted.question),
            options,
            accepted,
            writing,
            kept: false,
            again: None,
            started,
            events,
            stop: nobody_stops(),
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

    fn accept(&self, caller: &Caller, mut question: Question) -> Result<Accepted, Fault> {
        let now = Time::now();
        let (session, standing, is_new) = self.session_of(caller, &question, now)?;
        if let Some(asked) = &standing.asked {
            question.message.clone_from(&asked.content);
            QuestionScope::of(asked).restore(&mut question);
        }
        for id in &question.dataset_ids {
            self.dataset(&caller.viewer(), id)?;
        }
        if is_new {
            self.insert_session(&session)?;
        }
        if let Some(asked) = standing.asked {
            return Ok(Accepted {
                session,
                is_new,
                question,
                question_id: asked.id,
                answer_id: MessageId::generate(),
                created_at: asked.created_at,
                earlier: standing.earlier,
            });
        }
        let message = Message {
            id: MessageId::generate(),
            session_id: session.id.clone(),
            user_id: caller.user_id.clone(),
            role: Role::User,
            content: question.message.clone(),
            metadata: QuestionScope::from(&question).metadata(),
            created_at: now,
            deleted_at: None,
            answer: None,
        };
        let answer_id = MessageId::generate();
        let created_at =
            self.store
                .append_question(&caller.tenant_id, &message, &standing.place, &answer_id)?;
        Ok(Accepted {
            session,
            is_new,
            question,
            question_id: message.id,
            answer_id,
            created_at,
            earlier: standing.earlier,
        })
    }

    /// The session of a question, what the question stands on, and whether the
    /// session is still to be made.
    fn session_of(
        &self,
        caller: &Caller,
        question: &Question,
        now: Time,
    ) -> Result<(Session, Standing, bool), Fault> {
        match &question.session_id {
            Some(id) if question.opens_session && self.is_free(caller, id)? => {
                let session = named_session(caller, id, &question.message, now)?;
                Ok((session, Standing::default(), true))
            }
            Some(id) => {
                let mut session = self.open_session(caller, id)?;
                let standing = self.standing(caller, &session, &question.place)?;
                if session.title.is_none() {
                    let change = SessionChange {
                        title: Some(Some(title(standing.text_of(question)))),
                        ..SessionChange::default()
                    };
                    session = self
                        .store
                        .change_session(&caller.tenant_id, &session.id, &change)?;
                }
                Ok((session, standing, false))
            }
            None if question.place == QuestionPlace::Newest => {
                let session = new_session(caller, &question.message, now);
                Ok((session, Standing::default(), true))
            }
            None => {
                let message =
                    "session_id: it is needed to say where in the session the question stands";
                Err(Fault::invalid(message).about("session_id"))
            }
        }
    }
}

/// For an answer that nobody can stop but by no longer listening.
pub(super) fn nobody_stops() -> watch::Receiver<bool> {
    watch::channel(false).1
}

/// How a question is answered: one that is asked again freely enough to differ.
fn wording(again: bool) -> WritingOptions {
    if !again {
        return WritingOptions::default();
    }
    WritingOptions {
        temperature: Some(ANOTHER_TEMPERATURE),
        // As large as every reader of JSON can tell from its neighbours.
        seed: Some(rand::random::<u64>() >> 11),
        ..WritingOptions::default()
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
