//! How a caller wants a text written, and the one place where that becomes a
//! request of the engine.

use crate::engine::decoder::{ChatMessage, GenerationRequest, Thinking};
use crate::engine::sampler::SamplingOptions;
use serde_json::Value;

/// What a caller may ask of the way in which a text is written. What is not
/// given is left to the product.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WritingOptions {
    pub max_tokens: Option<usize>,
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub seed: Option<u64>,
    /// Texts before which the writing ends.
    pub stop: Vec<String>,
    pub presence_penalty: f32,
    pub frequency_penalty: f32,
    /// `Some(n)`: with the log probability of each token and of `n` others.
    pub top_logprobs: Option<usize>,
    /// Most tokens that the model thinks before it answers; 0: it does not.
    pub thinking_tokens: Option<usize>,
    /// JSON that fits this schema, and nothing else.
    pub json_schema: Option<Value>,
}

/// What holds where the caller leaves it open.
#[derive(Debug, Clone, Copy)]
pub(super) struct WritingDefaults {
    pub(super) temperature: f32,
    pub(super) top_p: f32,
    pub(super) seed: u64,
    pub(super) thinking: Thinking,
}

impl WritingOptions {
    /// How much the model may think.
    pub(super) fn thinking(&self, default: Thinking) -> Thinking {
        match self.thinking_tokens {
            None => default,
            Some(0) => Thinking::Off,
            Some(tokens) => Thinking::Bounded(tokens),
        }
    }

    /// Most tokens to write, thinking included, if `usual` is what an answer
    /// may have.
    pub(super) fn most_tokens(&self, usual: usize) -> usize {
        let with_thinking = usual + self.thinking_tokens.unwrap_or_default();
        self.max_tokens.unwrap_or(with_thinking)
    }
}

/// The request to the engine, for at most `max_tokens`.
pub(super) fn generation_request(
    messages: Vec<ChatMessage>,
    max_tokens: usize,
    options: &WritingOptions,
    defaults: WritingDefaults,
) -> GenerationRequest {
    GenerationRequest {
        messages,
        max_tokens,
        sampling: SamplingOptions {
            temperature: options.temperature.unwrap_or(defaults.temperature),
            top_p: options.top_p.unwrap_or(defaults.top_p),
            seed: options.seed.unwrap_or(defaults.seed),
            presence_penalty: options.presence_penalty,
            frequency_penalty: options.frequency_penalty,
            top_logprobs: options.top_logprobs,
            json_schema: options.json_schema.clone(),
            ..SamplingOptions::default()
        },
        stop: options.stop.clone(),
        thinking: options.thinking(defaults.thinking),
        deadline: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Thinking, WritingDefaults, WritingOptions, generation_request};

    const DEFAULTS: WritingDefaults = WritingDefaults {
        temperature: 0.2,
        top_p: 0.9,
        seed: 3,
        thinking: Thinking::Off,
    };

    #[test]
    fn caller_comes_before_the_default() {
        let mut options = WritingOptions {
            temperature: Some(0.0),
            ..WritingOptions::default()
        };
        assert_eq!(options.thinking(Thinking::Default), Thinking::Default);
        assert_eq!(options.most_tokens(100), 100);
        options.thinking_tokens = Some(50);
        assert_eq!(options.thinking(Thinking::Off), Thinking::Bounded(50));
        assert_eq!(options.most_tokens(100), 150);
        options.thinking_tokens = Some(0);
        let request = generation_request(Vec::new(), 7, &options, DEFAULTS);
        assert_eq!(request.max_tokens, 7);
        let sampling = request.sampling;
        assert_eq!(
            (sampling.temperature, sampling.top_p, sampling.seed),
            (0.0, 0.9, 3)
        );
    }
}
