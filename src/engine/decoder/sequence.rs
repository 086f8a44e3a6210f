//! One answer while it is written: its tokens, which of them the network has
//! read, and what its asker has been told.

use super::drafter::DraftState;
use super::prefix::Chain;
use super::queue::Job;
use super::{GenerationEvent, TokenLogprob};
use crate::sampler::{AnswerPiece, AnswerStream, PromptLookup, Sampled, Sampler};
use crate::tokens::Tokenizer;
use satchel_types::{FinishReason, TokenUsage};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// An answer being written.
pub(super) struct Sequence {
    /// Prompt and answer.
    pub(super) tokens: Vec<u32>,
    /// How many of them have keys and values.
    pub(super) read: usize,
    pub(super) chain: Chain,
    /// Most tokens that it will ever have.
    pub(super) room: usize,
    pub(super) sampler: Sampler,
    pub(super) lookup: PromptLookup,
    /// What a small model has read of it.
    pub(super) draft: DraftState,
    pub(super) begun: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) usage: TokenUsage,
    limit: u64,
    stream: AnswerStream,
    close_thinking: Vec<u32>,
    events: UnboundedSender<GenerationEvent>,
    is_stopped: bool,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Goes,
    Ends(FinishReason),
    /// Nobody listens any more.
    Left,
}

impl Sequence {
    /// Begins an answer of which `chain` has been read before.
    pub(super) fn new(job: Job, chain: Chain, reused: usize) -> Self {
        Self {
            read: reused,
            chain,
            room: room(&job),
            sampler: job.sampler,
            lookup: PromptLookup::new(&job.prompt),
            draft: DraftState::default(),
            begun: Instant::now(),
            deadline: job.deadline,
            usage: TokenUsage {
                prompt: job.prompt.len() as u64,
                reused: reused as u64,
                ..TokenUsage::default()
            },
            limit: job.limit as u64,
            tokens: job.prompt,
            stream: job.stream,
            close_thinking: job.close_thinking,
            events: job.events,
            is_stopped: false,
        }
    }

    /// Tokens that the network has not read.
    pub(super) fn pending(&self) -> usize {
        self.tokens.len() - self.read
    }

    /// Whether the asker has gone.
    pub(super) fn is_left(&self) -> bool {
        self.events.is_closed()
    }

    /// How many more tokens the answer may have.
    pub(super) fn left(&self) -> usize {
        self.limit.saturating_sub(self.usage.completion) as usize
    }

    /// Tells the asker something.
    pub(super) fn tell(&self, event: GenerationEvent) -> Progress {
        match self.events.send(event) {
            Ok(()) => Progress::Goes,
            Err(_) => Progress::Left,
        }
    }

    /// Takes in a token that was chosen and accepted.
    pub(super) fn write(
        &mut self,
        tokenizer: &Tokenizer,
        token: u32,
        details: Option<&Sampled>,
    ) -> Progress {
        self.usage.completion += 1;
        if tokenizer.is_end(token) {
            return Progress::Ends(FinishReason::Stop);
        }
        self.tokens.push(token);
        self.lookup.push(token);
        let bytes = tokenizer.bytes_of(token);
        let piece = self.stream.push(&bytes);
        let logprobs: Vec<TokenLogprob> = details
            .and_then(|details| TokenLogprob::of(tokenizer, details))
            .into_iter()
            .collect();
        let told = self.tell_piece(piece.thinking, piece.text, logprobs);
        if told == Progress::Left {
            return told;
        }
        if piece.stopped {
            self.is_stopped = true;
            return Progress::Ends(FinishReason::Stop);
        }
        if piece.close_thinking {
            return self.end_thinking(tokenizer);
        }
        match self.left() {
            0 => Progress::Ends(FinishReason::Length),
            _ => Progress::Goes,
        }
    }

    /// Writes the mark that ends the thinking in the model's stead.
    fn end_thinking(&mut self, tokenizer: &Tokenizer) -> Progress {
        for token in std::mem::take(&mut self.close_thinking) {
            if self.sampler.accept(token).is_err() {
                return Progress::Ends(FinishReason::Error);
            }
            self.tokens.push(token);
            self.lookup.push(token);
            let piece = self.stream.push(&tokenizer.bytes_of(token));
            if self.tell_piece(piece.thinking, piece.text, Vec::new()) == Progress::Left {
                return Progress::Left;
            }
        }
        match self.left() {
            0 => Progress::Ends(FinishReason::Length),
            _ => Progress::Goes,
        }
    }

    /// Tells the rest of the text.
    pub(super) fn finish(&mut self, finish: FinishReason) {
        let piece = match self.is_stopped {
            // What a stop string cut off stays off.
            true => AnswerPiece::default(),
            false => self.stream.finish(),
        };
        let told = self.tell_piece(piece.thinking, piece.text, Vec::new());
        if told == Progress::Goes {
            self.tell(GenerationEvent::Done {
                finish,
                usage: self.usage,
            });
        }
    }

    fn tell_piece(&self, thinking: String, text: String, logprobs: Vec<TokenLogprob>) -> Progress {
        if !thinking.is_empty() && self.tell(GenerationEvent::Thinking(thinking)) == Progress::Left
        {
            return Progress::Left;
        }
        match text.is_empty() && logprobs.is_empty() {
            true if self.is_left() => Progress::Left,
            true => Progress::Goes,
            false => self.tell(GenerationEvent::Token { text, logprobs }),
        }
    }
}

/// Most tokens that a request will have in all.
pub(super) fn room(job: &Job) -> usize {
    job.prompt.len() + job.limit + job.close_thinking.len()
}
