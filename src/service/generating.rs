//! What a chat model writes, passed on while it writes. Must not decide what it is
//! asked, nor what becomes of its text.

use super::answering::Answering;
use crate::answer::{BlockStream, MarkerFilter, Prompt};
use crate::engine::decoder::{DecoderError, Generation, GenerationEvent};
use crate::types::{AnswerEvent, FinishReason, Passage, PromptReading, Stage, TokenUsage};

/// What came of a chat model's generation.
pub(super) struct Generated {
    /// As the model wrote it.
    pub(super) raw: String,
    pub(super) reasoning: String,
    /// With only the markers that number a source.
    pub(super) content: String,
    pub(super) finish: FinishReason,
    pub(super) usage: TokenUsage,
    pub(super) first_token_ms: Option<f64>,
    pub(super) error: Option<DecoderError>,
}

impl Answering {
    /// Passes on what the model writes, until it ends or nobody listens.
    pub(super) async fn generate(
        &self,
        mut generation: Generation,
        prompt: &Prompt,
        passages: &[Passage],
    ) -> Generated {
        let mut filter = MarkerFilter::new(|number| prompt.source_of(number));
        let mut blocks = BlockStream::new(passages);
        let mut generated = Generated {
            raw: String::new(),
            reasoning: String::new(),
            content: String::new(),
            finish: FinishReason::Cancelled,
            usage: TokenUsage::default(),
            first_token_ms: None,
            error: None,
        };
        let mut reading = PromptReading {
            sources: prompt.used.len(),
            ..PromptReading::default()
        };
        loop {
            match self.heard(&mut generation).await {
                Some(
                    event @ (GenerationEvent::Prefill { .. } | GenerationEvent::Reading { .. }),
                ) => {
                    reading = progress(reading, &event);
                    generated.usage.prompt = reading.tokens;
                    generated.usage.reused = reading.reused;
                    self.tell_reading(reading).await;
                }
                Some(GenerationEvent::Thinking(text)) => {
                    generated.reasoning.push_str(&text);
                    self.send(AnswerEvent::Thinking(text)).await;
                }
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

    /// What the model says next; `None`: nothing more, or nobody waits for it.
    pub(super) async fn heard(&self, generation: &mut Generation) -> Option<GenerationEvent> {
        tokio::select! {
            event = generation.next() => event,
            () = self.events.closed() => None,
            () = self.stopped() => None,
        }
    }

    /// Is done when the asker wants no more.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // Without anybody who could stop it, it is never done.
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Says how far the model is in reading a prompt.
    pub(super) async fn tell_reading(&self, reading: PromptReading) {
        self.send(AnswerEvent::Status(Stage::Reading(reading)))
            .await;
    }

    async fn pass_on(&self, text: String, generated: &mut Generated, blocks: &mut BlockStream) {
        if text.is_empty() {
            return;
        }
        generated.content.push_str(&text);
        if self.question.selection.is_some() {
            return;
        }
        let changed = blocks.push(&text);
        self.send(AnswerEvent::Token(text)).await;
        for (index, html) in changed {
            self.send(AnswerEvent::Block { index, html }).await;
        }
    }
}

/// How far a prompt is read, once `event` has told it.
pub(super) fn progress(before: PromptReading, event: &GenerationEvent) -> PromptReading {
    match *event {
        GenerationEvent::Prefill {
            tokens,
            reused,
            seconds,
        } => PromptReading {
            tokens: tokens as u64,
            reused: reused as u64,
            read: reused as u64,
            seconds,
            ..before
        },
        GenerationEvent::Reading { read, seconds } => PromptReading {
            read: read as u64,
            seconds,
            ..before
        },
        _ => before,
    }
}
