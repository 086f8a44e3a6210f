//! Answer events as the events of contract 1: a state machine without input or
//! output. The stream is `message_start`, `status`…, `citations`, `token`…, and
//! at last `message_end` or `error`.

use super::envelope;
use super::wire::AnswerWire;
use crate::error::{ErrorKind, Fault};
use crate::http::failure::{code_of, public_message};
use crate::http::sse::Frame;
use crate::types::{AnswerEvent, MessageId, Passage, SessionId, Stage};
use serde::Serialize;
use serde_json::{Value, json};

/// Where a stream of frames is.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Of the request, for the error.
    request_id: Option<String>,
    session: Option<SessionId>,
    question: Option<MessageId>,
    ended: bool,
}

impl Frames {
    /// The frames of the answer to a request.
    pub(crate) fn new(request_id: Option<String>) -> Self {
        Self {
            request_id,
            ..Self::default()
        }
    }

    /// The frames of the next event.
    pub(crate) fn next(&mut self, event: AnswerEvent) -> Option<Frame> {
        match event {
            AnswerEvent::Accepted {
                session_id,
                title,
                question_id,
                answer_id,
                created_at,
                ..
            } => {
                let start = json!({
                    "conversation_id": session_id,
                    "title": title,
                    "message_id": answer_id,
                    "user_message_id": question_id,
                    "role": "assistant",
                    "created_at": created_at.to_string(),
                });
                self.session = Some(session_id);
                self.question = Some(question_id);
                Some(Frame::named("message_start", start))
            }
            AnswerEvent::Status(stage) => Some(Frame::named("status", status(&stage))),
            AnswerEvent::Sources { passages, .. } => {
                let citations: Vec<_> = passages.iter().enumerate().map(Source::new).collect();
                Some(Frame::named("citations", json!({"citations": citations})))
            }
            AnswerEvent::Token(token) => Some(Frame::named("token", json!({"token": token}))),
            // The contract has text alone.
            AnswerEvent::Thinking(_) | AnswerEvent::Block { .. } => None,
            AnswerEvent::Done {
                answer_id,
                content,
                summary,
                ..
            } => {
                self.ended = true;
                let (session, question) = (self.session.as_ref(), self.question.as_ref());
                let answer = AnswerWire::new(session, question, &answer_id, &content, &summary);
                Some(Frame::named("message_end", answer))
            }
            AnswerEvent::Failed { kind, message } => Some(self.failed(kind, &message)),
        }
    }

    /// The frame after the last event: none, unless the end is missing.
    pub(crate) fn end(&mut self) -> Option<Frame> {
        let cut_off = || "the answer was cut off";
        (!self.ended).then(|| self.failed(ErrorKind::Cancelled, cut_off()))
    }

    fn failed(&mut self, kind: ErrorKind, message: &str) -> Frame {
        self.ended = true;
        let message = public_message(&Fault::new(kind, message));
        let id = self.request_id.clone();
        Frame::named("error", envelope(code_of(kind), &message, id, json!({})))
    }
}

fn status(stage: &Stage) -> Value {
    match stage {
        Stage::Searching => json!({"status": "searching"}),
        Stage::Reading(reading) => json!({
            "status": "reading",
            "sources": reading.sources,
            "seconds": reading.seconds,
            "prompt_tokens": reading.tokens,
            "reused_tokens": reading.reused,
            "read_tokens": reading.read,
        }),
        Stage::Writing => json!({"status": "writing"}),
    }
}

/// A passage in the form of a citation: what the answer may rest on.
#[derive(Debug, Serialize)]
struct Source<'a> {
    number: usize,
    document_id: &'a str,
    filename: &'a str,
    title: &'a str,
    chunk_index: u32,
    page: u32,
    page_number: Option<u32>,
    start: usize,
    end: usize,
    text: &'a str,
    score: f32,
}

impl<'a> Source<'a> {
    fn new((index, passage): (usize, &'a Passage)) -> Self {
        Self {
            number: index + 1,
            document_id: passage.document_id.as_str(),
            filename: &passage.filename,
            title: &passage.title,
            chunk_index: passage.chunk_index,
            page: passage.page,
            page_number: passage.page_number,
            start: passage.start,
            end: passage.end,
            text: &passage.text,
            score: passage.score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;
    use crate::error::ErrorKind;
    use crate::http::sse::Frame;
    use crate::types::{
        AnswerEvent, AnswerMode, AnswerSummary, Coverage, FinishReason, Stage, Time, TokenUsage,
    };
    use serde_json::{Value, json};

    fn accepted() -> AnswerEvent {
        AnswerEvent::Accepted {
            session_id: "c".into(),
            title: "What?".into(),
            new_session: false,
            question_id: "q".into(),
            answer_id: "a".into(),
            created_at: Time::from_millis(0),
        }
    }

    fn done() -> AnswerEvent {
        AnswerEvent::Done {
            answer_id: "a".into(),
            content: "So.".into(),
            html: String::new(),
            summary: Box::new(AnswerSummary {
                mode: AnswerMode::Model { name: "m".into() },
                finish_reason: FinishReason::Length,
                citations: Vec::new(),
                checks: Vec::new(),
                usage: TokenUsage {
                    prompt: 5,
                    completion: 2,
                    reused: 1,
                },
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
        }
    }

    fn seen(frame: Option<Frame>) -> (&'static str, Value) {
        let frame = frame.unwrap();
        (
            frame.name.unwrap_or(""),
            serde_json::from_str(&frame.data).unwrap(),
        )
    }

    #[test]
    fn stream_begins_with_message_start_and_ends_with_message_end() {
        let mut frames = Frames::new(None);
        let (name, start) = seen(frames.next(accepted()));
        assert_eq!((name, &start["message_id"]), ("message_start", &json!("a")));
        let (name, _) = seen(frames.next(AnswerEvent::Status(Stage::Writing)));
        assert_eq!(name, "status");
        let token = seen(frames.next(AnswerEvent::Token("So.".into())));
        assert_eq!(token, ("token", json!({"token": "So."})));
        let (name, end) = seen(frames.next(done()));
        assert_eq!(name, "message_end");
        assert_eq!(
            end,
            json!({
                "conversation_id": "c", "message_id": "a", "user_message_id": "q",
                "role": "assistant", "content": "So.", "citations": [],
                "tokens_used": {"prompt": 5, "completion": 2, "total": 7},
                "finish_reason": "length", "mode": "model", "model": "m",
            })
        );
        assert!(frames.end().is_none());
    }

    #[test]
    fn failure_is_one_event_with_the_envelope_and_the_request_id() {
        let mut frames = Frames::new(Some("r".into()));
        frames.next(accepted());
        let failed = AnswerEvent::Failed {
            kind: ErrorKind::Storage,
            message: "disk /dev/sda died".into(),
        };
        let (name, error) = seen(frames.next(failed));
        assert_eq!(name, "error");
        assert_eq!(error["error"]["code"], "internal");
        assert_eq!(error["error"]["request_id"], "r");
        assert!(!error.to_string().contains("sda"));
        assert!(frames.end().is_none());
    }

    #[test]
    fn stream_that_breaks_off_still_ends_with_an_error() {
        let mut frames = Frames::new(None);
        frames.next(accepted());
        let (name, error) = seen(frames.end());
        assert_eq!(
            (name, &error["error"]["code"]),
            ("error", &json!("cancelled"))
        );
        assert!(frames.end().is_none());
    }
}
