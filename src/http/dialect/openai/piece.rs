//! The parts that every answer of the public API is made of, streamed or whole.

use crate::error::{ErrorKind, Fault};
use crate::service::{TokenLikelihood, WritingEvent};
use crate::types::{AnswerEvent, AnswerMode, AnswerSummary, FinishReason, Time, TokenUsage};
use serde_json::{Value, json};
use uuid::Uuid;

/// What the answer of a chat model and one from the documents have in common.
#[derive(Debug)]
pub(super) enum Piece {
    Thinking(String),
    Text {
        text: String,
        likelihoods: Vec<TokenLikelihood>,
    },
    End {
        finish: FinishReason,
        usage: TokenUsage,
        grounding: Option<Box<Grounding>>,
    },
    Failed(Fault),
}

/// What an answer from the documents rests on.
#[derive(Debug)]
pub(super) struct Grounding {
    /// The answer with its markers put right.
    pub(super) content: String,
    pub(super) summary: AnswerSummary,
}

impl Piece {
    /// What a chat model did.
    pub(super) fn written(event: WritingEvent) -> Self {
        match event {
            WritingEvent::Thinking(text) => Self::Thinking(text),
            WritingEvent::Text { text, likelihoods } => Self::Text { text, likelihoods },
            WritingEvent::Done { finish, usage } => Self::End {
                finish,
                usage,
                grounding: None,
            },
            WritingEvent::Failed { kind, message } => Self::Failed(Fault::new(kind, message)),
        }
    }

    /// What happened to an answer from the documents, as far as this API has a
    /// place for it.
    pub(super) fn grounded(event: AnswerEvent) -> Option<Self> {
        Some(match event {
            AnswerEvent::Accepted { .. }
            | AnswerEvent::Status(_)
            | AnswerEvent::Sources { .. }
            | AnswerEvent::Thinking(_)
            | AnswerEvent::Block { .. } => return None,
            AnswerEvent::Token(text) => Self::Text {
                text,
                likelihoods: Vec::new(),
            },
            AnswerEvent::Done {
                content, summary, ..
            } => Self::End {
                finish: summary.finish_reason,
                usage: summary.usage,
                grounding: Some(Box::new(Grounding {
                    content,
                    summary: *summary,
                })),
            },
            AnswerEvent::Failed { kind, message } => Self::Failed(Fault::new(kind, message)),
        })
    }
}

/// What stands on every part of an answer.
#[derive(Debug, Clone)]
pub(super) struct Head {
    id: String,
    created: i64,
    model: String,
    /// Where this server is, for links to documents.
    pub(super) origin: String,
}

impl Head {
    /// Of a new answer by `model`.
    pub(super) fn new(model: &str, origin: String) -> Self {
        Self {
            id: format!("chatcmpl-{}", Uuid::now_v7().simple()),
            created: Time::now().seconds(),
            model: model.to_owned(),
            origin,
        }
    }

    /// A body of the kind `object`.
    pub(super) fn body(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": concat!("satchel-", env!("CARGO_PKG_VERSION")),
            "choices": choices,
        })
    }
}

/// An answer whose end is missing.
pub(super) fn cut_off() -> Fault {
    Fault::new(ErrorKind::Cancelled, "the answer was cut off")
}

/// The public API's word for the end of an answer, if it has come to one.
pub(super) fn finish_word(finish: FinishReason) -> Result<&'static str, Fault> {
    match finish {
        FinishReason::Stop => Ok("stop"),
        FinishReason::Length => Ok("length"),
        FinishReason::Cancelled | FinishReason::Error => Err(cut_off()),
    }
}

/// The tokens that an answer took.
pub(super) fn usage_body(usage: TokenUsage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.reused},
    })
}

/// Likelihoods as the public API writes them; null if there are none.
pub(super) fn logprobs(tokens: &[TokenLikelihood]) -> Value {
    if tokens.is_empty() {
        return Value::Null;
    }
    let one = |text: &str, logprob: f32| json!({"token": text, "logprob": logprob, "bytes": text.as_bytes()});
    let content: Vec<Value> = tokens
        .iter()
        .map(|token| {
            let top = token.top.iter().map(|(text, logprob)| one(text, *logprob));
            let mut entry = one(&token.text, token.logprob);
            entry["top_logprobs"] = top.collect();
            entry
        })
        .collect();
    json!({"content": content, "refusal": null})
}

/// What only we tell of an answer.
pub(super) fn about(summary: &AnswerSummary) -> Value {
    let (mode, model) = match &summary.mode {
        AnswerMode::Quotes => ("quotes", None),
        AnswerMode::Model { name } => ("model", Some(name)),
        AnswerMode::NothingFound => ("nothing_found", None),
    };
    json!({
        "mode": mode,
        "model": model,
        "checks": summary.checks,
        "answerable": summary.answerable,
        "answered": summary.answered,
        "coverage": summary.coverage,
        "left_out": summary.left_out.map(|left_out| json!({
            "note": left_out.note(),
            "passages": left_out.passages(),
            "of": left_out.of,
        })),
        "parts": summary.parts.map(|read| json!({
            "parts": read.parts,
            "passages": read.passages,
            "usage": usage_body(read.usage),
        })),
    })
}

#[cfg(test)]
pub(super) mod samples {
    //! Pieces for the tests of those who put them together.

    use super::{Head, Piece};
    use crate::types::{
        AnswerEvent, AnswerMode, AnswerSummary, Citation, Coverage, FinishReason, Placement,
        TokenUsage,
    };

    pub(crate) fn head() -> Head {
        Head::new("tiny", "http://here".to_owned())
    }

    pub(crate) fn text(text: &str) -> Piece {
        Piece::Text {
            text: text.to_owned(),
            likelihoods: Vec::new(),
        }
    }

    pub(crate) fn end(finish: FinishReason) -> Piece {
        let usage = TokenUsage {
            prompt: 9,
            completion: 2,
            reused: 4,
        };
        Piece::End {
            finish,
            usage,
            grounding: None,
        }
    }

    pub(crate) fn grounded_end(content: &str) -> Piece {
        let citation = Citation {
            number: 1,
            document_id: "d".into(),
            filename: "f.pdf".into(),
            title: "F".into(),
            chunk_index: 3,
            page: 2,
            page_number: Some(2),
            start: 5,
            end: 9,
            text: "text".into(),
            score: 0.7,
            placement: Placement::default(),
        };
        let done = AnswerEvent::Done {
            answer_id: "a".into(),
            content: content.into(),
            html: String::new(),
            summary: Box::new(AnswerSummary {
                mode: AnswerMode::Quotes,
                finish_reason: FinishReason::Stop,
                citations: vec![citation],
                checks: Vec::new(),
                usage: TokenUsage::default(),
                coverage: Coverage::default(),
                left_out: None,
                parts: None,
                answerable: Some(0.9),
                answered: Some(true),
                first_token_ms: None,
                total_ms: 2.5,
                sources: Vec::new(),
                searched_for: None,
                reasoning: None,
            }),
        };
        Piece::grounded(done).unwrap()
    }
}
