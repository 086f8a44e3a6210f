//! How a caller wants a text written, and the one place where that becomes a
//! request of the engine.

use crate::engine::decoder::{ChatMessage, GenerationRequest};
use crate::error::Fault;
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
    /// JSON that fits this schema, and nothing else.
    pub json_schema: Option<Value>,
}

/// What holds where the caller leaves it open.
#[derive(Debug, Clone, Copy)]
pub(super) struct WritingDefaults {
    pub(super) temperature: f32,
    pub(super) top_p: f32,
    pub(super) seed: u64,
}

/// What the engine cannot do is refused, never left out.
pub(super) fn check(options: &WritingOptions) -> Result<(), Fault> {
    let beyond = [
        ("presence_penalty", options.presence_penalty != 0.0),
        ("frequency_penalty", options.frequency_penalty != 0.0),
        ("logprobs", options.top_logprobs.is_some()),
        ("response_format", options.json_schema.is_some()),
    ];
    if let Some((field, _)) = beyond.iter().find(|(_, asked)| *asked) {
        let message = format!("{field}: the inference engine of this version cannot do that");
        return Err(Fault::invalid(message).about(*field));
    }
    Ok(())
}

/// The request to the engine, for at most `max_tokens`.
pub(super) fn generation_request(
    messages: Vec<ChatMessage>,
    max_tokens: usize,
    options: &WritingOptions,
    defaults: WritingDefaults,
) -> Result<GenerationRequest, Fault> {
    check(options)?;
    Ok(GenerationRequest {
        messages,
        max_tokens,
        temperature: options.temperature.unwrap_or(defaults.temperature),
        top_p: options.top_p.unwrap_or(defaults.top_p),
        top_k: 0,
        seed: options.seed.unwrap_or(defaults.seed),
        stop: options.stop.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::{WritingDefaults, WritingOptions, generation_request};
    use crate::error::Kind;

    const DEFAULTS: WritingDefaults = WritingDefaults {
        temperature: 0.2,
        top_p: 0.9,
        seed: 3,
    };

    #[test]
    fn caller_comes_before_the_default() {
        let options = WritingOptions {
            temperature: Some(0.0),
            ..WritingOptions::default()
        };
        let request = generation_request(Vec::new(), 7, &options, DEFAULTS).unwrap();
        assert_eq!((request.temperature, request.max_tokens), (0.0, 7));
        assert_eq!((request.top_p, request.seed), (0.9, 3));
    }

    #[test]
    fn what_the_engine_cannot_do_is_refused_by_name() {
        let options = WritingOptions {
            top_logprobs: Some(0),
            ..WritingOptions::default()
        };
        let refused = generation_request(Vec::new(), 7, &options, DEFAULTS).unwrap_err();
        assert_eq!(refused.field(), Some("logprobs"));
    }
}
