//! What is asked of a chat model, and what it tells while it answers.

use super::DecoderError;
use crate::sampler::{Sampled, SamplingOptions};
use crate::tokens::{ChatMessage, Tokenizer};
use satchel_types::{FinishReason, TokenUsage};
use sha2::{Digest, Sha256};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedReceiver;

/// How much a model may think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Thinking {
    /// As the model does by itself.
    #[default]
    Default,
    Off,
    /// At most so many tokens.
    Bounded(usize),
}

/// What to write, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationRequest {
    pub messages: Vec<ChatMessage>,
    /// Most tokens of the answer, thinking included.
    pub max_tokens: usize,
    pub sampling: SamplingOptions,
    /// Texts before which the answer ends.
    pub stop: Vec<String>,
    pub thinking: Thinking,
    /// When the answer is given up.
    pub deadline: Option<Instant>,
}

/// A token and how likely it was.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLogprob {
    pub text: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The likeliest tokens in its place, likeliest first.
    pub top: Vec<(String, f32)>,
}

impl TokenLogprob {
    pub(super) fn of(tokenizer: &Tokenizer, sampled: &Sampled) -> Option<Self> {
        let text = |token| String::from_utf8_lossy(&tokenizer.bytes_of(token)).into_owned();
        Some(Self {
            text: text(sampled.token),
            logprob: sampled.logprob?,
            top: sampled
                .top
                .iter()
                .map(|(token, logprob)| (text(*token), *logprob))
                .collect(),
        })
    }
}

/// What happens while an answer is written. `Done` and `Failed` are last.
#[derive(Debug, Clone, PartialEq)]
pub enum GenerationEvent {
    /// The model starts reading the prompt.
    Prefill {
        tokens: usize,
        /// How many of them it still knows.
        reused: usize,
        /// How long the rest will take, judged by earlier prompts.
        seconds: Option<f32>,
    },
    /// A part of the prompt has been read: so many tokens of it, the cached
    /// ones included, and how long the rest will take.
    Reading {
        read: usize,
        seconds: Option<f32>,
    },
    /// The next piece of what the model thinks before it answers.
    Thinking(String),
    /// The next piece of text, and the tokens of it if that was asked for.
    Token {
        text: String,
        logprobs: Vec<TokenLogprob>,
    },
    Done {
        finish: FinishReason,
        usage: TokenUsage,
    },
    Failed(DecoderError),
}

/// What reading a prompt would take now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrefillEstimate {
    pub tokens: usize,
    /// How many of them are cached.
    pub reused: usize,
    /// How long the rest would take, where the speed has been measured.
    pub seconds: Option<f32>,
}

/// What tells a prompt from every other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFacts {
    pub tokens: usize,
    /// SHA-256 in hexadecimal digits of its tokens, each as four bytes, the
    /// lowest first.
    pub sha256: String,
}

impl PromptFacts {
    pub(super) fn of(tokens: &[u32]) -> Self {
        let mut digest = Sha256::new();
        for token in tokens {
            digest.update(token.to_le_bytes());
        }
        Self {
            tokens: tokens.len(),
            sha256: hexadecimal(&digest.finalize()),
        }
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An answer being written; dropping it stops the model within one step.
#[derive(Debug)]
pub struct Generation {
    pub(super) events: UnboundedReceiver<GenerationEvent>,
    pub(super) prompt: PromptFacts,
}

impl Generation {
    /// The prompt, as the model reads it.
    pub fn prompt(&self) -> &PromptFacts {
        &self.prompt
    }

    /// The next event; `None` after the last one.
    pub async fn next(&mut self) -> Option<GenerationEvent> {
        self.events.recv().await
    }
}
