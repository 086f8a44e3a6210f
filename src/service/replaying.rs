//! An answer made once more, with the options, the seed and the conversation of
//! the first time, and what differs. Nothing of it is stored.

use super::answering::Answering;
use super::branching::{QuestionPlace, QuestionScope};
use super::chat::{Accepted, EVENT_BACKLOG, Question, nobody_stops};
use super::difference::{Change, Difference};
use super::differing::{Made, changes, differences};
use super::fitting::{Haste, Surroundings};
use super::history::Past;
use super::writing::WritingOptions;
use super::{Caller, Inner, Service};
use crate::answer::{Turn, turn, widened};
use crate::error::{ErrorKind, Fault, Kind};
use crate::types::{
    AnswerEvent, AnswerMode, AnswerRecord, Message, MessageId, Neighbour, PartialSearchOptions,
    Passage, RecordedWriting, Role, Session,
};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, channel};

/// An answer, made twice.
#[derive(Debug, Clone)]
pub struct Replay {
    pub question: Message,
    /// As it is stored.
    pub first: Made,
    pub again: Made,
    pub differences: Vec<Difference>,
    /// The sentences of both, where they are not the same.
    pub changes: Vec<Change>,
}

/// What an answer takes over from the first time.
pub(super) struct Again {
    first: AnswerRecord,
    past: Option<Past>,
    record: OnceLock<AnswerRecord>,
}

impl Again {
    /// As many passages are left out as the first time.
    pub(super) fn haste(&self) -> Haste {
        let writing = self.first.writing.as_ref();
        writing.map_or(Haste::Measured, |first| Haste::Again(first.slow_passages))
    }

    /// The same chunks beside the passages as the first time.
    pub(super) fn surroundings(&self) -> Surroundings {
        let shown = self.first.shown.iter();
        match self.first.writing {
            Some(_) => Surroundings::Again(shown.flat_map(|one| one.shown_with.clone()).collect()),
            None => Surroundings::Fitting,
        }
    }

    /// What was sent of the conversation, where a model was sent any.
    pub(super) fn past(&self) -> Option<Past> {
        self.past.clone()
    }

    /// Takes the record of the answer.
    pub(super) fn made(&self, record: AnswerRecord) {
        // An answer is concluded once.
        let _ = self.record.set(record);
    }
}

/// All that is stored of an answer.
struct Stored {
    session: Session,
    question: Message,
    answer: Message,
    record: AnswerRecord,
    /// The messages before the question.
    earlier: Vec<Message>,
    /// What a model was sent of them.
    past: Option<Past>,
    /// Some of that cannot be sent as it was.
    past_is_lost: bool,
}

impl Service {
    /// How an answer of the caller came about.
    pub async fn answer_record(
        &self,
        caller: &Caller,
        id: &MessageId,
    ) -> Result<AnswerRecord, Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| Ok(inner.recorded_answer(&caller, &id)?.2))
            .await
    }

    /// Makes an answer of the caller once more and says what differs.
    pub async fn replay(&self, caller: &Caller, id: &MessageId) -> Result<Replay, Fault> {
        let (asker, id) = (caller.clone(), id.clone());
        let stored = self
            .blocking(move |inner| inner.stored_answer(&asker, &id))
            .await?;
        let again = Arc::new(Again {
            first: stored.record.clone(),
            past: stored.past.clone(),
            record: OnceLock::new(),
        });
        let (answering, receiver) = self.answering_again(caller, &stored, &again);
        tokio::spawn(answering.run());
        let content = content_of(receiver).await?;
        let record = again.record.get().cloned();
        let record = record.ok_or_else(|| Fault::internal("an answer has no record"))?;
        let first = Made {
            content: stored.answer.content,
            record: stored.record,
        };
        let again = Made { content, record };
        let viewer = caller.viewer();
        let ids = first.record.documents.iter().map(|one| one.id.clone());
        let ids = ids.collect();
        let now = self
            .blocking(move |inner| inner.documents_now(&viewer, ids))
            .await?;
        Ok(Replay {
            differences: differences(&first, &again, &now, stored.past_is_lost),
            changes: changes(&first.content, &again.content),
            question: stored.question,
            first,
            again,
        })
    }

    /// The answer to be made, and where it is heard.
    fn answering_again(
        &self,
        caller: &Caller,
        stored: &Stored,
        again: &Arc<Again>,
    ) -> (Answering, Receiver<AnswerEvent>) {
        let record = &stored.record;
        let scope = record.scope.clone();
        let (events, receiver) = channel(EVENT_BACKLOG);
        let question = Question {
            message: stored.question.content.clone(),
            dataset_ids: scope.dataset_ids,
            document_ids: scope.document_ids,
            module: scope.module,
            chapter: scope.chapter,
            selection: QuestionScope::of(&stored.question)
                .selected_text
                .filter(|_| scope.selection),
            quotes_only: scope.quotes_only,
            options: PartialSearchOptions::default(),
            ..Question::default()
        };
        let answering = Answering {
            service: self.clone(),
            caller: caller.clone(),
            options: record.search.clone(),
            question,
            accepted: Accepted {
                session: stored.session.clone(),
                is_new: false,
                question: Question::default(),
                question_id: stored.question.id.clone(),
                answer_id: MessageId::generate(),
                created_at: stored.question.created_at,
                earlier: stored.earlier.clone(),
            },
            writing: record.writing.as_ref().map(as_written).unwrap_or_default(),
            kept: false,
            again: Some(Arc::clone(again)),
            started: Instant::now(),
            events,
            stop: nobody_stops(),
        };
        (answering, receiver)
    }
}

impl Inner {
    /// An answer of the caller with the record of how it came about.
    fn recorded_answer(
        &self,
        caller: &Caller,
        id: &MessageId,
    ) -> Result<(Session, Message, AnswerRecord), Fault> {
        let answer = self.store.message(&caller.tenant_id, id)?;
        let answer = answer.filter(|one| one.role == Role::Assistant);
        let answer = answer.ok_or_else(no_answer)?;
        let session = self
            .own_session(caller, &answer.session_id)
            .map_err(|_| no_answer())?;
        let record = self.store.answer_record(&caller.tenant_id, id)?;
        let record = record.ok_or_else(|| {
            Fault::not_found(
                "nothing is known of how this answer came about: it was cut off, imported, or \
                 made before that was kept",
            )
        })?;
        let record = completed(record, &answer);
        Ok((session, answer, record))
    }

    fn stored_answer(&self, caller: &Caller, id: &MessageId) -> Result<Stored, Fault> {
        let (session, answer, record) = self.recorded_answer(caller, id)?;
        let parents = self.store.parents(&caller.tenant_id, &session.id)?;
        let question = parents.get(id).cloned().flatten();
        let place = question.map(QuestionPlace::Again);
        let standing = place.map(|place| self.standing(caller, &session, &place));
        let standing = match standing.transpose() {
            Err(fault) if fault.kind() == ErrorKind::NotFound => None,
            standing => standing?,
        };
        let asked = standing.and_then(|standing| Some((standing.asked?, standing.earlier)));
        let Some((question, earlier)) = asked else {
            let message = "the question of this answer was deleted";
            return Err(Fault::new(ErrorKind::Conflict, message));
        };
        let viewer = caller.viewer();
        for dataset in &record.scope.dataset_ids {
            if self.store.dataset(&viewer, dataset)?.is_none() {
                let message = "a dataset that the question was restricted to is there no more";
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
        }
        let told = record.writing.as_ref();
        let told = told.map(|writing| self.past_of(caller, writing, &earlier));
        let told = told.transpose()?;
        Ok(Stored {
            past_is_lost: told.as_ref().is_some_and(|(_, lost)| *lost),
            past: told.map(|(past, _)| past),
            session,
            question,
            answer,
            record,
            earlier,
        })
    }

    /// What a model was sent of the messages before a question, made again; and
    /// whether some of it cannot be.
    fn past_of(
        &self,
        caller: &Caller,
        writing: &RecordedWriting,
        earlier: &[Message],
    ) -> Result<(Past, bool), Fault> {
        let (mut past, mut lost) = (Past::default(), false);
        let find = |id: &MessageId| earlier.iter().find(|message| message.id == *id);
        for pair in writing.earlier.chunks(2) {
            let [asked, answered] = pair else { continue };
            let (Some(question), Some(answer)) =
                (find(&asked.message_id), find(&answered.message_id))
            else {
                lost = true;
                continue;
            };
            let record = match asked.as_stored && answered.as_stored {
                true => None,
                false => self.store.answer_record(&caller.tenant_id, &answer.id)?,
            };
            let sent = match (&record, asked.as_stored) {
                (_, true) => None,
                (Some(record), false) => self.turn_of(question, record)?,
                (None, false) => None,
            };
            lost |= sent.is_none() && !asked.as_stored;
            let plain = |message: &Message| Turn::plain(message.role, message.content.clone());
            past.push(question, sent.unwrap_or_else(|| plain(question)));
            let raw = record.and_then(|record| record.writing?.raw);
            let raw = raw.filter(|_| !answered.as_stored);
            lost |= raw.is_none() && !answered.as_stored;
            past.push(
                answer,
                raw.map_or_else(|| plain(answer), |raw| Turn::plain(Role::Assistant, raw)),
            );
        }
        Ok((past, lost))
    }

    /// A question as it was sent, with its passages; `None` where one of them is gone.
    fn turn_of(&self, question: &Message, record: &AnswerRecord) -> Result<Option<Turn>, Fault> {
        let new = record.shown.iter().filter(|one| !one.told_before);
        let keys: Vec<u64> = new.map(|one| one.chunk).collect();
        let neighbours = self.neighbours_of(record, &keys)?;
        let passages = widened(&self.retriever.passages(&keys)?, &neighbours);
        let passages: HashMap<u64, &Passage> =
            passages.iter().map(|one| (one.chunk_key, one)).collect();
        let mut told = Vec::new();
        for one in &record.shown {
            let Some(number) = one.prompt_number else {
                return Ok(None);
            };
            match (one.told_before, passages.get(&one.chunk)) {
                (true, _) => told.push((number, None)),
                (false, Some(passage)) => told.push((number, Some(*passage))),
                (false, None) => return Ok(None),
            }
        }
        Ok(Some(Turn {
            neighbours,
            ..turn(&question.content, &told)
        }))
    }

    /// What was shown beside the passages with these keys.
    fn neighbours_of(&self, record: &AnswerRecord, keys: &[u64]) -> Result<Vec<Neighbour>, Fault> {
        let mut neighbours = self.store.neighbours(keys)?;
        neighbours.retain(|neighbour| {
            let mut shown = record.shown.iter();
            shown.any(|one| {
                one.chunk == neighbour.beside && one.shown_with.contains(&neighbour.chunk_key)
            })
        });
        Ok(neighbours)
    }
}

/// The record with what older ones do not hold and the answer does.
fn completed(mut record: AnswerRecord, answer: &Message) -> AnswerRecord {
    let summary = answer.answer.as_ref();
    let checks = summary.map(|summary| summary.checks.clone());
    let answered = match record.mode {
        AnswerMode::NothingFound => Some(false),
        AnswerMode::Quotes => Some(true),
        AnswerMode::Model { .. } => None,
    };
    record.checks = record.checks.or(checks);
    record.answered = record.answered.or(answered);
    record
}

/// The same wording as the first time.
fn as_written(first: &RecordedWriting) -> WritingOptions {
    WritingOptions {
        max_tokens: Some(first.max_tokens),
        temperature: Some(first.temperature),
        top_p: Some(first.top_p),
        seed: Some(first.seed),
        thinking_tokens: first.thinking_tokens,
        ..WritingOptions::default()
    }
}

/// Hears an answer to its end.
async fn content_of(mut events: Receiver<AnswerEvent>) -> Result<String, Fault> {
    while let Some(event) = events.recv().await {
        match event {
            AnswerEvent::Done { content, .. } => return Ok(content),
            AnswerEvent::Failed { kind, message } => return Err(Fault::new(kind, message)),
            _ => {}
        }
    }
    Err(Fault::internal("an answer ended before it was complete"))
}

fn no_answer() -> Fault {
    Fault::not_found("the answer does not exist")
}
