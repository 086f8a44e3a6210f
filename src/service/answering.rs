//! One answer from its question to the stored message: search, then a chat
//! model's words or quotes, then the check of each sentence.

use super::chat::{Accepted, Question};
use super::concluding::Written;
use super::fitting::{Begun, Haste, Material, Surroundings};
use super::generating::Generated;
use super::history::Past;
use super::reading_whole::Whole;
use super::recording::{Basis, Told};
use super::replaying::Again;
use super::search::{SearchOutcome, SearchRequest, Standing};
use super::writing::{WritingDefaults, WritingOptions};
use super::{Caller, Service};
use crate::answer::{
    InContext, NOT_IN_SELECTION, NOTHING_FOUND, Turn, Verified, asks_for_list, asks_for_overview,
    overview, quotes, render, rests_on_selection,
};
use crate::engine::decoder::{ChatModel, Thinking};
use crate::error::{Fault, Kind};
use crate::types::{
    AnswerEvent, AnswerMode, FinishReason, RecordedWriting, Role, SearchOptions, Stage, TokenUsage,
};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

/// How freely a chat model words its answer: little, for it has sources to keep to.
const DEFAULTS: WritingDefaults = WritingDefaults {
    temperature: 0.2,
    top_p: 0.9,
    seed: 0,
    // The passages are to be quoted, not to be pondered.
    thinking: Thinking::Off,
};

/// An answer that is being made.
pub(super) struct Answering {
    pub(super) service: Service,
    pub(super) caller: Caller,
    pub(super) question: Question,
    /// The question's, and where it leaves them open the conversation's.
    pub(super) options: SearchOptions,
    pub(super) accepted: Accepted,
    pub(super) writing: WritingOptions,
    /// Whether question and answer are stored.
    pub(super) kept: bool,
    /// There for an answer that is made once more, to be compared with the first.
    pub(super) again: Option<Arc<Again>>,
    pub(super) started: Instant,
    pub(super) events: Sender<AnswerEvent>,
    /// Turns true when the asker has had enough.
    pub(super) stop: watch::Receiver<bool>,
}

impl Answering {
    /// Answers; whatever goes wrong becomes the last event.
    pub(super) async fn run(self) {
        if let Err(fault) = self.answer().await {
            if fault.kind().is_ours() {
                tracing::error!(session = %self.accepted.session.id, error = %fault, "an answer failed");
            }
            self.service.inner.figures.note_failure();
            self.fail(&fault).await;
        }
        self.end().await;
    }

    async fn fail(&self, error: &Fault) {
        let (kind, message) = (error.kind(), error.to_string());
        self.send(AnswerEvent::Failed { kind, message }).await;
    }

    /// Hands an event on. That nobody listens any more is seen elsewhere.
    pub(super) async fn send(&self, event: AnswerEvent) {
        let _ = self.events.send(event).await;
    }

    async fn answer(&self) -> Result<(), Fault> {
        let session = &self.accepted.session;
        let figures = &self.service.inner.figures;
        figures.note_first_event(self.started.elapsed());
        self.send(AnswerEvent::Accepted {
            session_id: session.id.clone(),
            title: session.title.clone().unwrap_or_default(),
            new_session: self.accepted.is_new,
            question_id: self.accepted.question_id.clone(),
            answer_id: self.accepted.answer_id.clone(),
            created_at: self.accepted.created_at,
        })
        .await;
        self.send(AnswerEvent::Status(Stage::Searching)).await;
        let found = match self.question.selection.clone() {
            Some(text) => self.read_selection(text).await?,
            None => {
                let meant = self.meant().await;
                self.search(meant).await?
            }
        };
        let model = match self.question.quotes_only {
            true => None,
            false => self.service.inner.models.current(),
        };
        let (found, whole) = match &model {
            Some(model) if found.is_answer() => match self.read_whole(model, found).await? {
                Some(read) => read,
                None => return Ok(()),
            },
            _ => (found, None),
        };
        self.send(AnswerEvent::Sources {
            passages: found.passages.clone(),
            coverage: found.coverage,
            searched_for: found.searched_for.clone(),
        })
        .await;
        if self.is_unwanted() {
            return Ok(());
        }
        match model {
            _ if !found.is_answer() => self.say_nothing_found(&found).await,
            // No prompt has room for all of a list, and a model leaves some out.
            _ if found.is_list() => self.quote(&found).await,
            Some(model) => self.write(model, &found, whole).await,
            None => self.quote(&found).await,
        }
    }

    /// Searches for what is meant, else for what is asked.
    async fn search(&self, meant: Option<String>) -> Result<SearchOutcome, Fault> {
        let viewer = self.caller.viewer();
        let request = SearchRequest {
            query: meant
                .clone()
                .unwrap_or_else(|| self.question.message.clone()),
            dataset_ids: self.question.dataset_ids.clone(),
            document_ids: self.question.document_ids.clone(),
            module: self.question.module.clone(),
            chapter: self.question.chapter.clone(),
            options: self.options.clone(),
        };
        let found = self
            .service
            .computing(move |inner| {
                let whole = match asks_for_overview(&request.query) {
                    true => inner.find_overview(&viewer, &request)?,
                    false => match asks_for_list(&request.query) {
                        Some(wanted) => inner.find_list(&viewer, &request, &wanted)?,
                        None => None,
                    },
                };
                match whole {
                    Some(whole) if !whole.is_single() => Ok(whole),
                    single => {
                        let found = inner.find(&viewer, &request)?;
                        Ok(single.filter(|_| !found.is_answer()).unwrap_or(found))
                    }
                }
            })
            .await?;
        Ok(SearchOutcome {
            searched_for: meant,
            ..found
        })
    }

    async fn say_nothing_found(&self, found: &SearchOutcome) -> Result<(), Fault> {
        let first_token_ms = Some(self.elapsed_ms());
        self.send(AnswerEvent::Status(Stage::Writing)).await;
        let text = match self.question.selection {
            Some(_) => NOT_IN_SELECTION,
            None => NOTHING_FOUND,
        };
        self.send(AnswerEvent::Token(text.to_owned())).await;
        let verified = Verified {
            content: text.to_owned(),
            checks: Vec::new(),
            citations: Vec::new(),
        };
        let written = Written {
            mode: AnswerMode::NothingFound,
            finish: FinishReason::Stop,
            verified,
            usage: TokenUsage::default(),
            left_out: None,
            parts: None,
            first_token_ms,
            reasoning: None,
            basis: Basis::Nothing,
        };
        self.conclude(found, written).await
    }

    /// Answers with sentences of the passages.
    async fn quote(&self, found: &SearchOutcome) -> Result<(), Fault> {
        let question = self.question_alone(found).to_owned();
        let (passages, standing) = (found.passages.clone(), found.standing.clone());
        let known = found.known.clone();
        let quoted = self
            .service
            .computing(move |inner| match standing {
                Standing::Documents(documents) => Ok(match documents.leads {
                    Some(leads) => Some(leads.answer(&passages)),
                    None => overview(&passages),
                }),
                Standing::List(statements) => Ok(Some(statements.answer(&passages))),
                Standing::Places => Ok(quotes(&question, &passages, &inner.encoder, known)?),
            })
            .await?;
        let Some(quoted) = quoted else {
            return self.say_nothing_found(found).await;
        };
        let first_token_ms = Some(self.elapsed_ms());
        self.send(AnswerEvent::Status(Stage::Writing)).await;
        let verified = Verified {
            content: quoted.content,
            checks: quoted.checks,
            citations: quoted.citations,
        };
        let verified = self.as_cited(verified);
        let html = render(
            &verified.content,
            &AnswerMode::Quotes,
            &verified.citations,
            &verified.checks,
        );
        // One paragraph is one block.
        let paragraphs = verified.content.split_inclusive("\n\n");
        for (index, (text, html)) in paragraphs.zip(quote_blocks(&html)).enumerate() {
            self.send(AnswerEvent::Token(text.to_owned())).await;
            let html = html.to_owned();
            self.send(AnswerEvent::Block { index, html }).await;
        }
        let written = Written {
            mode: AnswerMode::Quotes,
            finish: FinishReason::Stop,
            verified,
            usage: TokenUsage::default(),
            left_out: None,
            parts: None,
            first_token_ms,
            reasoning: None,
            basis: Basis::Found,
        };
        self.conclude(found, written).await
    }

    /// Answers with a chat model.
    async fn write(
        &self,
        model: Arc<ChatModel>,
        found: &SearchOutcome,
        whole: Option<Whole>,
    ) -> Result<(), Fault> {
        let bound = self.question.selection.is_some();
        let material = self.material(found, whole.as_ref());
        let Begun {
            shown,
            past,
            generation,
            left_out,
            recorded,
        } = self.service.begin(&model, material).await?;
        let InContext { prompt, passages } = shown;
        let generated = self.generate(generation, &prompt, &found.passages).await;
        let Generated {
            raw,
            reasoning,
            content,
            finish,
            mut usage,
            first_token_ms,
            error,
        } = generated;
        if content.trim().is_empty() && finish == FinishReason::Cancelled {
            return Ok(());
        }
        // What stands in notes is checked by the passages that they are on.
        let passages = match &whole {
            Some(_) => found.passages.clone(),
            None => passages,
        };
        let verified = self
            .service
            .computing(move |inner| inner.verified(&content, &passages))
            .await?;
        let mut verified = self.as_cited(verified);
        let unread = whole.as_ref().and_then(|whole| whole.unread.as_ref());
        if let Some(unread) = unread.filter(|_| !verified.content.trim().is_empty()) {
            let paragraph = format!("\n\n{unread}");
            verified.content.push_str(&paragraph);
            self.send(AnswerEvent::Token(paragraph)).await;
        }
        if bound {
            // Not a word is shown before it is known to rest on the selection.
            if !rests_on_selection(&verified) {
                return match error {
                    None => self.say_nothing_found(found).await,
                    Some(error) => Err(error.into()),
                };
            }
            self.send(AnswerEvent::Token(verified.content.clone()))
                .await;
        } else if self.again.is_none() && whole.is_none() {
            let (name, [asked, answered]) = self.named_with(&verified.content);
            let mut turns = past.after(prompt.dropped_turns);
            turns.push((asked, prompt.turn.clone()));
            turns.push((answered, Turn::plain(Role::Assistant, raw.clone())));
            self.service.inner.history.keep(&name, turns);
        }
        let whole = whole.unwrap_or_default();
        usage += whole.usage();
        let told = Told {
            writing: RecordedWriting {
                parts: whole.parts.clone(),
                raw: (raw != verified.content).then_some(raw),
                ..recorded
            },
            new: prompt.turn.shown,
            neighbours: prompt.turn.neighbours,
            used: prompt.used,
        };
        let written = Written {
            mode: AnswerMode::Model {
                name: model.info().name.clone(),
            },
            finish,
            verified,
            usage,
            left_out: whole.left_out(left_out),
            parts: whole.read,
            first_token_ms,
            reasoning: Some(reasoning).filter(|text| !text.trim().is_empty()),
            basis: Basis::Prompt(Box::new(told)),
        };
        match error {
            None => self.conclude(found, written).await,
            Some(error) => {
                self.store(found, written).await?;
                Err(error.into())
            }
        }
    }

    /// What the model is to write from.
    fn material(&self, found: &SearchOutcome, whole: Option<&Whole>) -> Material {
        let bound = self.question.selection.is_some();
        let given = whole.and_then(|whole| whole.given.as_ref());
        Material {
            question: match whole {
                Some(_) => self.question_alone(found).to_owned(),
                None => self.question.message.clone(),
            },
            system: self.accepted.session.system_prompt.clone(),
            passages: given.unwrap_or(&found.passages).clone(),
            // The room is for the text.
            past: match bound || whole.is_some() {
                true => Past::default(),
                false => self.past(self.service.config().history_messages),
            },
            haste: match &self.again {
                // Who asks for whole documents waits for them.
                _ if whole.is_some() => Haste::None,
                Some(again) => again.haste(),
                None if bound || self.options.all_passages => Haste::None,
                None => Haste::Measured,
            },
            surroundings: match &self.again {
                _ if bound || whole.is_some() => Surroundings::None,
                Some(again) => again.surroundings(),
                None => Surroundings::Fitting,
            },
            writing: self.writing.clone(),
            defaults: DEFAULTS,
        }
    }

    /// What is asked, for who does not know the conversation.
    pub(super) fn question_alone<'a>(&'a self, found: &'a SearchOutcome) -> &'a str {
        found
            .searched_for
            .as_ref()
            .unwrap_or(&self.question.message)
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_unwanted(&self) -> bool {
        self.events.is_closed() || *self.stop.borrow()
    }

    pub(super) fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }
}

/// Rendered quotes block by block: each is a quote, or a paragraph that says
/// something of one.
fn quote_blocks(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let end = match rest.starts_with("<blockquote") {
            true => "</blockquote>",
            false => "</p>",
        };
        let at = rest.find(end)? + end.len();
        let (block, behind) = rest.split_at(at);
        rest = behind.trim_start();
        Some(block)
    })
}

#[cfg(test)]
mod tests {
    use super::quote_blocks;

    #[test]
    fn quotes_and_what_is_said_of_them_are_blocks_of_their_own() {
        let blocks = [
            "<p>bees:</p>",
            "<blockquote class=\"quote\"><p>They dance.</p></blockquote>",
            "<blockquote class=\"quote\"><p>They sting.</p></blockquote>",
            "<p>And 2 more.</p>",
        ];
        let html = blocks.concat();
        assert_eq!(quote_blocks(&html).collect::<Vec<_>>(), blocks);
        assert_eq!(quote_blocks("").count(), 0);
    }
}
