//! Answers as the public API writes them: chunks of a stream, or one whole
//! completion. State machines without input or output.

use super::annotations::annotations;
use super::envelope;
use crate::error::{ErrorKind, Fault};
use crate::http::sse::Frame;
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
    content: String,
    summary: AnswerSummary,
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
    origin: String,
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

    fn body(&self, object: &str, choices: Value) -> Value {
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

/// Where a stream of chunks is.
#[derive(Debug)]
pub(super) struct Chunks {
    head: Head,
    /// Whether a last chunk tells the tokens that were used.
    include_usage: bool,
    text: String,
    ended: bool,
}

impl Chunks {
    /// A stream that has not begun.
    pub(super) fn new(head: Head, include_usage: bool) -> Self {
        Self {
            head,
            include_usage,
            text: String::new(),
            ended: false,
        }
    }

    /// The chunk before all others.
    pub(super) fn begin(&self) -> Frame {
        self.chunk(
            json!({"role": "assistant", "content": ""}),
            Value::Null,
            None,
        )
    }

    /// The chunks of the next piece.
    pub(super) fn next(&mut self, piece: Piece) -> Vec<Frame> {
        match piece {
            Piece::Thinking(text) => {
                vec![self.chunk(json!({"reasoning_content": text}), Value::Null, None)]
            }
            Piece::Text { text, likelihoods } => {
                let likelihoods = logprobs(&likelihoods);
                let frame = self.chunk(json!({"content": text}), likelihoods, None);
                self.text.push_str(&text);
                vec![frame]
            }
            Piece::End {
                finish,
                usage,
                grounding,
            } => match finish_word(finish) {
                Ok(word) => self.end_with(word, usage, grounding.as_deref()),
                Err(fault) => self.failed(&fault),
            },
            Piece::Failed(fault) => self.failed(&fault),
        }
    }

    /// The chunks after the last piece: none, unless the end is missing.
    pub(super) fn end(&mut self) -> Vec<Frame> {
        match self.ended {
            true => Vec::new(),
            false => self.failed(&cut_off()),
        }
    }

    fn end_with(
        &mut self,
        word: &str,
        usage: TokenUsage,
        grounding: Option<&Grounding>,
    ) -> Vec<Frame> {
        self.ended = true;
        let mut frames = Vec::new();
        if let Some(grounding) = grounding {
            let Grounding { content, summary } = grounding;
            let found = annotations(&self.text, content, &summary.citations, &self.head.origin);
            let mut chunk = self.body(json!({"annotations": found}), Value::Null, None);
            chunk["satchel"] = about(summary);
            // What was sent cannot be corrected any more.
            chunk["satchel"]["content"] = json!(content);
            frames.push(Frame::unnamed(chunk));
        }
        frames.push(self.chunk(json!({}), Value::Null, Some(word)));
        if self.include_usage {
            let mut last = self.head.body("chat.completion.chunk", json!([]));
            last["usage"] = usage_body(usage);
            frames.push(Frame::unnamed(last));
        }
        frames.push(done());
        frames
    }

    fn failed(&mut self, fault: &Fault) -> Vec<Frame> {
        self.ended = true;
        vec![Frame::unnamed(envelope(fault)), done()]
    }

    fn chunk(&self, delta: Value, logprobs: Value, finish: Option<&str>) -> Frame {
        Frame::unnamed(self.body(delta, logprobs, finish))
    }

    fn body(&self, delta: Value, logprobs: Value, finish: Option<&str>) -> Value {
        let choice = json!({
            "index": 0,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish,
        });
        let mut body = self.head.body("chat.completion.chunk", json!([choice]));
        if self.include_usage {
            body["usage"] = Value::Null;
        }
        body
    }
}

/// What ends a stream.
fn done() -> Frame {
    Frame {
        name: None,
        data: "[DONE]".to_owned(),
    }
}

fn cut_off() -> Fault {
    Fault::new(ErrorKind::Cancelled, "the answer was cut off")
}

/// An answer that is given as one.
#[derive(Debug, Default)]
pub(super) struct Whole {
    text: String,
    thinking: String,
    likelihoods: Vec<TokenLikelihood>,
}

impl Whole {
    /// Takes the next piece; the body when it was the last.
    pub(super) fn next(&mut self, piece: Piece, head: &Head) -> Result<Option<Value>, Fault> {
        match piece {
            Piece::Thinking(text) => self.thinking.push_str(&text),
            Piece::Text { text, likelihoods } => {
                self.text.push_str(&text);
                self.likelihoods.extend(likelihoods);
            }
            Piece::End {
                finish,
                usage,
                grounding,
            } => {
                let word = finish_word(finish)?;
                return Ok(Some(self.body(head, word, usage, grounding.as_deref())));
            }
            Piece::Failed(fault) => return Err(fault),
        }
        Ok(None)
    }

    /// What to say when no last piece came.
    pub(super) fn missing_end() -> Fault {
        cut_off()
    }

    fn body(
        &self,
        head: &Head,
        word: &str,
        usage: TokenUsage,
        grounding: Option<&Grounding>,
    ) -> Value {
        let content = grounding.map_or(&self.text, |grounding| &grounding.content);
        let found = grounding.map(|grounding| {
            let citations = &grounding.summary.citations;
            annotations(content, content, citations, &head.origin)
        });
        let mut message = json!({
            "role": "assistant",
            "content": content,
            "refusal": null,
            "annotations": found.unwrap_or_default(),
        });
        if !self.thinking.is_empty() {
            message["reasoning_content"] = json!(self.thinking);
        }
        let choice = json!({
            "index": 0,
            "message": message,
            "logprobs": logprobs(&self.likelihoods),
            "finish_reason": word,
        });
        let mut body = head.body("chat.completion", json!([choice]));
        body["usage"] = usage_body(usage);
        if let Some(grounding) = grounding {
            body["satchel"] = about(&grounding.summary);
        }
        body
    }
}

/// The public API's word for the end of an answer, if it has come to one.
fn finish_word(finish: FinishReason) -> Result<&'static str, Fault> {
    match finish {
        FinishReason::Stop => Ok("stop"),
        FinishReason::Length => Ok("length"),
        FinishReason::Cancelled | FinishReason::Error => Err(cut_off()),
    }
}

fn usage_body(usage: TokenUsage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.reused},
    })
}

/// Likelihoods as the public API writes them; null if there are none.
fn logprobs(tokens: &[TokenLikelihood]) -> Value {
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
fn about(summary: &AnswerSummary) -> Value {
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
        "coverage": summary.coverage,
    })
}

#[cfg(test)]
mod tests {
    use super::{Chunks, Head, Piece, Whole};
    use crate::error::{ErrorKind, Fault};
    use crate::http::sse::Frame;
    use crate::service::TokenLikelihood;
    use crate::types::{
        AnswerEvent, AnswerMode, AnswerSummary, Citation, Coverage, FinishReason, TokenUsage,
    };
    use serde_json::{Value, json};

    fn head() -> Head {
        Head::new("tiny", "http://here".to_owned())
    }

    fn text(text: &str) -> Piece {
        Piece::Text {
            text: text.to_owned(),
            likelihoods: Vec::new(),
        }
    }

    fn end(finish: FinishReason) -> Piece {
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

    fn grounded_end(content: &str) -> Piece {
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
                answerable: 0.9,
                first_token_ms: None,
                total_ms: 2.5,
            }),
        };
        Piece::grounded(done).unwrap()
    }

    fn data(frame: &Frame) -> Value {
        serde_json::from_str(&frame.data).unwrap_or_else(|_| json!(frame.data))
    }

    #[test]
    fn stream_begins_with_the_role_and_ends_with_the_reason_the_usage_and_done() {
        let mut chunks = Chunks::new(head(), true);
        let first = data(&chunks.begin());
        assert_eq!(first["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(
            (first["usage"].clone(), &first["object"]),
            (Value::Null, &json!("chat.completion.chunk"))
        );
        let middle = data(&chunks.next(text("Hi"))[0]);
        assert_eq!(middle["choices"][0]["delta"], json!({"content": "Hi"}));
        assert_eq!(middle["id"], first["id"]);
        let last: Vec<Value> = chunks
            .next(end(FinishReason::Length))
            .iter()
            .map(data)
            .collect();
        assert_eq!(last[0]["choices"][0]["finish_reason"], "length");
        assert_eq!(last[1]["choices"], json!([]));
        assert_eq!(last[1]["usage"]["total_tokens"], 11);
        assert_eq!(
            last[1]["usage"]["prompt_tokens_details"]["cached_tokens"],
            4
        );
        assert_eq!(last[2], "[DONE]");
        assert!(chunks.end().is_empty());
    }

    #[test]
    fn usage_is_told_only_to_who_asks() {
        let mut chunks = Chunks::new(head(), false);
        assert_eq!(data(&chunks.begin()).get("usage"), None);
        assert_eq!(chunks.next(end(FinishReason::Stop)).len(), 2);
    }

    #[test]
    fn failure_in_a_stream_is_an_error_object_and_the_end() {
        let mut chunks = Chunks::new(head(), false);
        let frames = chunks.next(Piece::Failed(Fault::new(
            ErrorKind::Storage,
            "disk /dev/sda died",
        )));
        assert_eq!(data(&frames[0])["error"]["type"], "server_error");
        assert!(!frames[0].data.contains("sda"));
        assert_eq!(frames[1].data, "[DONE]");
        let mut broken = Chunks::new(head(), false);
        broken.next(text("It"));
        assert!(data(&broken.end()[0])["error"]["message"].is_string());
    }

    #[test]
    fn citations_of_a_stream_come_before_its_end() {
        let mut chunks = Chunks::new(head(), false);
        chunks.next(text("It is so [1]."));
        let frames = chunks.next(grounded_end("It is so [1]."));
        let first = data(&frames[0]);
        let annotation = &first["choices"][0]["delta"]["annotations"][0];
        assert_eq!(annotation["type"], "url_citation");
        let place = &annotation["url_citation"];
        assert_eq!(
            (&place["start_index"], &place["end_index"]),
            (&json!(9), &json!(12))
        );
        assert_eq!(place["url"], "http://here/#/documents/d");
        assert_eq!(place["citation"]["page_number"], 2);
        assert_eq!(first["satchel"]["mode"], "quotes");
        assert_eq!(data(&frames[1])["choices"][0]["finish_reason"], "stop");
    }

    #[test]
    fn whole_answer_has_the_corrected_text() {
        let (mut whole, head) = (Whole::default(), head());
        assert!(whole.next(text("It is so [7]."), &head).unwrap().is_none());
        let body = whole
            .next(grounded_end("It is so [1]."), &head)
            .unwrap()
            .unwrap();
        let message = &body["choices"][0]["message"];
        assert_eq!(message["content"], "It is so [1].");
        assert_eq!(message["annotations"][0]["url_citation"]["start_index"], 9);
        assert_eq!(body["object"], "chat.completion");
    }

    #[test]
    fn whole_answer_that_was_cut_off_is_a_failure() {
        let (mut whole, head) = (Whole::default(), head());
        assert!(whole.next(end(FinishReason::Cancelled), &head).is_err());
    }

    #[test]
    fn likelihoods_come_with_their_bytes_and_thoughts_apart() {
        let (mut whole, head) = (Whole::default(), head());
        whole.next(Piece::Thinking("hm".into()), &head).unwrap();
        let likelihoods = vec![TokenLikelihood {
            text: "ñ".into(),
            logprob: -0.5,
            top: vec![("n".into(), -1.0)],
        }];
        let piece = Piece::Text {
            text: "ñ".into(),
            likelihoods,
        };
        whole.next(piece, &head).unwrap();
        let body = whole.next(end(FinishReason::Stop), &head).unwrap().unwrap();
        let choice = &body["choices"][0];
        assert_eq!(choice["message"]["reasoning_content"], "hm");
        let token = &choice["logprobs"]["content"][0];
        assert_eq!(token["bytes"], json!([195, 177]));
        assert_eq!(token["top_logprobs"][0]["token"], "n");
    }
}
