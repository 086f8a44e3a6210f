//! What has been answered since the start, and how soon: figures for whoever
//! runs the instance. Must hold nothing of what was asked.

use crate::telemetry::{Histogram, HistogramReading};
use crate::types::{AnswerMode, AnswerSummary, TokenUsage};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds for what is to be quick, in seconds.
const QUICK: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Bounds for the wait for a first word, in seconds.
const WAITS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 60.0, 120.0,
];

/// Counts while the service runs.
pub(super) struct Figures {
    requests: AtomicU64,
    by_model: AtomicU64,
    quotes: AtomicU64,
    nothing_found: AtomicU64,
    failed: AtomicU64,
    plain_chats: AtomicU64,
    prompt_tokens: AtomicU64,
    reused_tokens: AtomicU64,
    answer_tokens: AtomicU64,
    first_event: Histogram,
    first_token: Histogram,
}

/// What was counted since the start.
#[derive(Debug, Clone)]
pub struct AnswerFigures {
    /// Answers from the documents, by who wrote them.
    pub by_model: u64,
    pub quotes: u64,
    pub nothing_found: u64,
    pub failed: u64,
    /// Plain conversations that a model continued.
    pub plain_chats: u64,
    /// Tokens of prompts, those of them that were cached, and of answers.
    pub prompt_tokens: u64,
    pub reused_tokens: u64,
    pub answer_tokens: u64,
    /// From the question to the first event of its stream.
    pub first_event: HistogramReading,
    /// From the question to the first piece of text.
    pub first_token: HistogramReading,
}

impl Default for Figures {
    fn default() -> Self {
        let zero = AtomicU64::default;
        Self {
            requests: zero(),
            by_model: zero(),
            quotes: zero(),
            nothing_found: zero(),
            failed: zero(),
            plain_chats: zero(),
            prompt_tokens: zero(),
            reused_tokens: zero(),
            answer_tokens: zero(),
            first_event: Histogram::new(QUICK),
            first_token: Histogram::new(WAITS),
        }
    }
}

impl Figures {
    /// A request was answered.
    pub(super) fn note_request(&self) {
        add(&self.requests, 1);
    }

    /// Requests since the start.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// A stream has begun.
    pub(super) fn note_first_event(&self, after: Duration) {
        self.first_event.note(after);
    }

    /// The first piece of text of a plain conversation is there.
    pub(super) fn note_first_token(&self, after: Duration) {
        self.first_token.note(after);
    }

    /// An answer from the documents is complete, or as complete as it gets.
    pub(super) fn note_answer(&self, summary: &AnswerSummary) {
        let mode = match summary.mode {
            AnswerMode::Model { .. } => &self.by_model,
            AnswerMode::Quotes => &self.quotes,
            AnswerMode::NothingFound => &self.nothing_found,
        };
        add(mode, 1);
        self.note_tokens(summary.usage);
        if let Some(after) = summary.first_token_ms {
            self.first_token
                .note(Duration::from_secs_f64(after.max(0.0) / 1000.0));
        }
    }

    /// A plain conversation was continued.
    pub(super) fn note_plain_chat(&self, usage: TokenUsage) {
        add(&self.plain_chats, 1);
        self.note_tokens(usage);
    }

    /// A question got no answer, or only a part of one.
    pub(super) fn note_failure(&self) {
        add(&self.failed, 1);
    }

    fn note_tokens(&self, usage: TokenUsage) {
        add(&self.prompt_tokens, usage.prompt);
        add(&self.reused_tokens, usage.reused);
        add(&self.answer_tokens, usage.completion);
    }

    /// What has been counted.
    pub(super) fn read(&self) -> AnswerFigures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AnswerFigures {
            by_model: of(&self.by_model),
            quotes: of(&self.quotes),
            nothing_found: of(&self.nothing_found),
            failed: of(&self.failed),
            plain_chats: of(&self.plain_chats),
            prompt_tokens: of(&self.prompt_tokens),
            reused_tokens: of(&self.reused_tokens),
            answer_tokens: of(&self.answer_tokens),
            first_event: self.first_event.read(),
            first_token: self.first_token.read(),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
