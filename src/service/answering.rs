//! One answer from its question to the stored message: search, then a chat
//! model's words or quotes, then the check of each sentence.

use super::chat::{Accepted, Question};
use super::search::{SearchOutcome, SearchRequest};
use super::writing::{WritingDefaults, WritingOptions, generation_request};
use super::{Caller, Service};
use crate::answer::{
    BlockStream, MarkerFilter, NOTHING_FOUND, Prompt, PromptBudget, Turn, Verified, build, quotes,
    render, verify,
};
use crate::engine::decoder::{
    ChatMessage, ChatModel, DecoderError, Generation, GenerationEvent, Thinking,
};
use crate::error::{Fault, Kind};
use crate::types::{
    AnswerEvent, AnswerMode, AnswerSummary, FinishReason, Message, MessageId, Passage, Role, Stage,
    Time, TokenUsage,
};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::Sender;

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
    pub(super) accepted: Accepted,
    pub(super) writing: WritingOptions,
    /// Whether question and answer are stored.
    pub(super) kept: bool,
    pub(super) answer_id: MessageId,
    pub(super) started: Instant,
    pub(super) events: Sender<AnswerEvent>,
}

/// What was written, before it is stored.
struct Written {
    mode: AnswerMode,
    finish: FinishReason,
    verified: Verified,
    usage: TokenUsage,
    first_token_ms: Option<f64>,
}

/// What came of a chat model's generation.
struct Generated {
    /// As the model wrote it.
    raw: String,
    /// With only the markers that number a source.
    content: String,
    finish: FinishReason,
    usage: TokenUsage,
    first_token_ms: Option<f64>,
    error: Option<DecoderError>,
}

impl Answering {
    /// Answers; whatever goes wrong becomes the last event.
    pub(super) async fn run(self) {
        if let Err(fault) = self.answer().await {
            if fault.kind().is_ours() {
                tracing::error!(session = %self.accepted.session.id, error = %fault, "an answer failed");
            }
            self.fail(&fault).await;
        }
    }

    async fn fail(&self, error: &Fault) {
        let (kind, message) = (error.kind(), error.to_string());
        self.send(AnswerEvent::Failed { kind, message }).await;
    }

    /// Hands an event on. That nobody listens any more is seen elsewhere.
    async fn send(&self, event: AnswerEvent) {
        let _ = self.events.send(event).await;
    }

    async fn answer(&self) -> Result<(), Fault> {
        let session = &self.accepted.session;
        self.send(AnswerEvent::Accepted {
            session_id: session.id.clone(),
            title: session.title.clone().unwrap_or_default(),
            new_session: self.accepted.is_new,
            question_id: self.accepted.question_id.clone(),
            answer_id: self.answer_id.clone(),
            created_at: self.accepted.created_at,
        })
        .await;
        self.send(AnswerEvent::Status(Stage::Searching)).await;
        let found = self.search().await?;
        self.send(AnswerEvent::Sources {
            passages: found.passages.clone(),
            coverage: found.coverage,
        })
        .await;
        if self.events.is_closed() {
            return Ok(());
        }
        let model = match self.question.quotes_only {
            true => None,
            false => self.service.inner.models.current(),
        };
        match model {
            _ if !found.is_answer() => self.say_nothing_found(&found).await,
            Some(model) => self.write(model, &found).await,
            None => self.quote(&found).await,
        }
    }

    async fn search(&self) -> Result<SearchOutcome, Fault> {
        let viewer = self.caller.viewer();
        let request = SearchRequest {
            query: self.question.message.clone(),
            dataset_id: self.question.dataset_id.clone(),
            document_ids: Vec::new(),
            module: None,
            chapter: None,
            options: self.question.options.clone(),
        };
        self.service
            .computing(move |inner| inner.find(&viewer, &request))
            .await
    }

    async fn say_nothing_found(&self, found: &SearchOutcome) -> Result<(), Fault> {
        let first_token_ms = Some(self.elapsed_ms());
        self.send(AnswerEvent::Status(Stage::Writing)).await;
        self.send(AnswerEvent::Token(NOTHING_FOUND.to_owned()))
            .await;
        let verified = Verified {
            content: NOTHING_FOUND.to_owned(),
            checks: Vec::new(),
            citations: Vec::new(),
        };
        let written = Written {
            mode: AnswerMode::NothingFound,
            finish: FinishReason::Stop,
            verified,
            usage: TokenUsage::default(),
            first_token_ms,
        };
        self.conclude(found, written).await
    }

    /// Answers with sentences of the passages.
    async fn quote(&self, found: &SearchOutcome) -> Result<(), Fault> {
        let (question, passages) = (self.question.message.clone(), found.passages.clone());
        let quoted = self
            .service
            .computing(move |inner| Ok(quotes(&question, &passages, &inner.encoder)?))
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
        let html = render(
            &verified.content,
            &AnswerMode::Quotes,
            &verified.citations,
            &verified.checks,
        );
        let paragraphs = verified.content.split_inclusive("\n\n");
        // One quote is one paragraph and one block.
        for (index, (text, html)) in paragraphs
            .zip(html.split_inclusive("</blockquote>"))
            .enumerate()
        {
            self.send(AnswerEvent::Token(text.to_owned())).await;
            let html = html.to_owned();
            self.send(AnswerEvent::Block { index, html }).await;
        }
        let written = Written {
            mode: AnswerMode::Quotes,
            finish: FinishReason::Stop,
            verified,
            usage: TokenUsage::default(),
            first_token_ms,
        };
        self.conclude(found, written).await
    }

    /// Answers with a chat model.
    async fn write(&self, model: Arc<ChatModel>, found: &SearchOutcome) -> Result<(), Fault> {
        let session = &self.accepted.session;
        let history = &self.service.inner.history;
        let turns = history.turns(&session.id, &self.accepted.earlier);
        let (prompt, generation) = self.start(&model, &turns, &found.passages).await?;
        let generated = self.generate(generation, &prompt, &found.passages).await;
        let Generated {
            raw,
            content,
            finish,
            usage,
            first_token_ms,
            error,
        } = generated;
        if content.trim().is_empty() && finish == FinishReason::Cancelled {
            return Ok(());
        }
        let passages = found.passages.clone();
        let verified = self
            .service
            .computing(move |inner| Ok(verify(&content, &passages, &inner.encoder)?))
            .await?;
        if self.kept {
            let mut turns = turns;
            turns.push(prompt.turn);
            turns.push(Turn::plain(Role::Assistant, raw));
            history.keep(&session.id, turns);
        }
        let written = Written {
            mode: AnswerMode::Model {
                name: model.info().name.clone(),
            },
            finish,
            verified,
            usage,
            first_token_ms,
        };
        match error {
            None => self.conclude(found, written).await,
            Some(error) => {
                self.store(found, written).await?;
                Err(error.into())
            }
        }
    }

    async fn start(
        &self,
        model: &Arc<ChatModel>,
        turns: &[Turn],
        passages: &[Passage],
    ) -> Result<(Prompt, Generation), Fault> {
        let config = &self.service.inner.config;
        let context_tokens = model.info().context_tokens;
        let budget = PromptBudget {
            context_tokens,
            // A small context is shared out evenly.
            answer_tokens: self
                .writing
                .max_tokens
                .unwrap_or(config.answer_tokens)
                .min(context_tokens / 2),
        };
        let writing = self.writing.clone();
        let newest = turns.len().saturating_sub(config.history_messages);
        let turns = turns[newest..].to_vec();
        let (model, passages) = (Arc::clone(model), passages.to_vec());
        let question = self.question.message.clone();
        let system = self.accepted.session.system_prompt.clone();
        self.service
            .blocking(move |_| {
                let count = |text: &str| model.count_tokens(text);
                let system = system.as_deref();
                let prompt = build(&question, &turns, &passages, system, budget, &count)?;
                let messages = prompt
                    .messages
                    .iter()
                    .map(|(role, content)| ChatMessage::new(*role, content.as_str()));
                let most = budget.answer_tokens;
                let request = generation_request(messages.collect(), most, &writing, DEFAULTS);
                let generation = model.generate(request)?;
                Ok((prompt, generation))
            })
            .await
    }

    /// Passes on what the model writes, until it ends or nobody listens.
    async fn generate(
        &self,
        mut generation: Generation,
        prompt: &Prompt,
        passages: &[Passage],
    ) -> Generated {
        let mut filter = MarkerFilter::new(|number| prompt.source_of(number));
        let mut blocks = BlockStream::new(passages);
        let mut generated = Generated {
            raw: String::new(),
            content: String::new(),
            finish: FinishReason::Cancelled,
            usage: TokenUsage::default(),
            first_token_ms: None,
            error: None,
        };
        loop {
            let event = tokio::select! {
                event = generation.next() => event,
                () = self.events.closed() => None,
            };
            match event {
                Some(GenerationEvent::Prefill {
                    tokens,
                    reused,
                    seconds,
                }) => {
                    generated.usage.prompt = tokens as u64;
                    generated.usage.reused = reused as u64;
                    let sources = prompt.used.len();
                    self.send(AnswerEvent::Status(Stage::Reading { sources, seconds }))
                        .await;
                }
                Some(GenerationEvent::Thinking(_)) => {}
                Some(GenerationEvent::Token { text: token, .. }) => {
                    if generated.first_token_ms.is_none() {
                        generated.first_token_ms = Some(self.elapsed_ms());
                        self.send(AnswerEvent::Status(Stage::Writing)).await;
                    }
                    generated.usage.completion += 1;
                    generated.raw.push_str(&token);
                    let text = filter.push(&token);
                    self.pass_on(text, &mut generated, &mut blocks).await;
                }
                Some(GenerationEvent::Done { finish, usage }) => {
                    generated.finish = finish;
                    generated.usage = usage;
                    break;
                }
                Some(GenerationEvent::Failed(error)) => {
                    generated.finish = FinishReason::Error;
                    generated.error = Some(error);
                    break;
                }
                None => break,
            }
        }
        self.pass_on(filter.finish(), &mut generated, &mut blocks)
            .await;
        for (index, html) in blocks.finish() {
            self.send(AnswerEvent::Block { index, html }).await;
        }
        generated
    }

    async fn pass_on(&self, text: String, generated: &mut Generated, blocks: &mut BlockStream) {
        if text.is_empty() {
            return;
        }
        generated.content.push_str(&text);
        let changed = blocks.push(&text);
        self.send(AnswerEvent::Token(text)).await;
        for (index, html) in changed {
            self.send(AnswerEvent::Block { index, html }).await;
        }
    }

    async fn conclude(&self, found: &SearchOutcome, written: Written) -> Result<(), Fault> {
        let done = self.store(found, written).await?;
        self.send(done).await;
        Ok(())
    }

    /// Stores the answer if it is to be kept, and gives back the event that
    /// says that it is complete.
    async fn store(&self, found: &SearchOutcome, written: Written) -> Result<AnswerEvent, Fault> {
        let Written {
            mode,
            finish,
            verified,
            usage,
            first_token_ms,
        } = written;
        let Verified {
            content,
            checks,
            citations,
        } = verified;
        let html = render(&content, &mode, &citations, &checks);
        let summary = AnswerSummary {
            mode,
            finish_reason: finish,
            citations,
            checks,
            usage,
            coverage: found.coverage,
            answerable: found.answerable,
            first_token_ms,
            total_ms: self.elapsed_ms(),
        };
        if self.kept {
            self.keep(&content, &summary).await?;
        }
        Ok(AnswerEvent::Done {
            answer_id: self.answer_id.clone(),
            content,
            html,
            summary: Box::new(summary),
        })
    }

    async fn keep(&self, content: &str, summary: &AnswerSummary) -> Result<(), Fault> {
        let message = Message {
            id: self.answer_id.clone(),
            session_id: self.accepted.session.id.clone(),
            user_id: self.caller.user_id.clone(),
            role: Role::Assistant,
            content: content.to_owned(),
            created_at: Time::now(),
            answer: Some(summary.clone()),
        };
        let tenant = self.caller.tenant_id.clone();
        self.service
            .blocking(move |inner| Ok(inner.store.append_message(&tenant, &message)?))
            .await
    }

    fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }
}
