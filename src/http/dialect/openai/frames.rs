//! Answers as a stream of chunks: a state machine without input or output.

use super::annotations::annotations;
use super::envelope;
use super::piece::{Grounding, Head, Piece, about, cut_off, finish_word, logprobs, usage_body};
use crate::error::Fault;
use crate::http::sse::Frame;
use crate::types::TokenUsage;
use serde_json::{Value, json};

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

#[cfg(test)]
mod tests {
    use super::Chunks;
    use crate::error::{ErrorKind, Fault};
    use crate::http::dialect::openai::piece::Piece;
    use crate::http::dialect::openai::piece::samples::{end, grounded_end, head, text};
    use crate::http::sse::Frame;
    use crate::types::FinishReason;
    use serde_json::{Value, json};

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
}
