//! Answer events as the chunks of contract 5. A state machine without input or
//! output.

use crate::error::{ErrorKind, Fault};
use crate::http::failure::public_message;
use crate::http::sse::Frame;
use crate::types::{AnswerEvent, MessageId};
use serde::Serialize;

/// Where a stream of chunks is.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    question: Option<MessageId>,
    ended: bool,
}

#[derive(Serialize)]
struct Chunk<'a> {
    chunk: &'a str,
    done: bool,
    message_id: Option<&'a MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_id: Option<&'a MessageId>,
    /// The answer as it is stored: markers of sources that its sentences do not
    /// rest on are corrected or gone, which no chunk can take back.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a str>,
    /// What went wrong; such a chunk is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Frames {
    /// The chunks of the next event.
    pub(crate) fn next(&mut self, event: AnswerEvent) -> Vec<Frame> {
        match event {
            AnswerEvent::Accepted { question_id, .. } => {
                self.question = Some(question_id);
                // An empty chunk says at once that the message is stored.
                vec![Frame::unnamed(self.chunk("", false))]
            }
            AnswerEvent::Token(text) => vec![Frame::unnamed(self.chunk(&text, false))],
            AnswerEvent::Done {
                answer_id, content, ..
            } => {
                self.ended = true;
                vec![Frame::unnamed(Chunk {
                    response_id: Some(&answer_id),
                    response: Some(&content),
                    ..self.chunk("", true)
                })]
            }
            AnswerEvent::Failed { kind, message } => self.failed(kind, &message),
            AnswerEvent::Status(_)
            | AnswerEvent::Thinking(_)
            | AnswerEvent::Sources { .. }
            | AnswerEvent::Block { .. } => Vec::new(),
        }
    }

    /// The chunks after the last event: none, unless the end is missing.
    pub(crate) fn end(&mut self) -> Vec<Frame> {
        match self.ended {
            true => Vec::new(),
            false => self.failed(ErrorKind::Cancelled, "the answer was cut off"),
        }
    }

    fn failed(&mut self, kind: ErrorKind, message: &str) -> Vec<Frame> {
        self.ended = true;
        let error = public_message(&Fault::new(kind, message));
        vec![Frame::unnamed(Chunk {
            error: Some(&error),
            ..self.chunk("", true)
        })]
    }

    fn chunk<'a>(&'a self, chunk: &'a str, done: bool) -> Chunk<'a> {
        Chunk {
            chunk,
            done,
            message_id: self.question.as_ref(),
            response_id: None,
            response: None,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;
    use crate::error::ErrorKind;
    use crate::types::{
        AnswerEvent, AnswerMode, AnswerSummary, Coverage, FinishReason, Time, TokenUsage,
    };
    use serde_json::{Value, json};

    fn frames() -> Frames {
        let mut frames = Frames::default();
        let first = frames.next(AnswerEvent::Accepted {
            session_id: "s".into(),
            title: "What?".into(),
            new_session: false,
            question_id: "q".into(),
            answer_id: "a".into(),
            created_at: Time::from_millis(0),
        });
        let opening = json!({"chunk": "", "done": false, "message_id": "q"});
        assert_eq!(only(&first), opening, "before anything is found");
        frames
    }

    fn only(frames: &[crate::http::sse::Frame]) -> Value {
        assert_eq!(frames.len(), 1);
        serde_json::from_str(&frames[0].data).unwrap()
    }

    #[test]
    fn pieces_of_text_are_chunks_that_name_the_question() {
        let chunk = only(&frames().next(AnswerEvent::Token("Once".into())));
        let wanted = json!({"chunk": "Once", "done": false, "message_id": "q"});
        assert_eq!(chunk, wanted);
    }

    #[test]
    fn last_chunk_has_the_answer_with_its_markers_put_right() {
        let mut frames = frames();
        frames.next(AnswerEvent::Token("It is lit. [2]".into()));
        let summary = AnswerSummary {
            mode: AnswerMode::Quotes,
            finish_reason: FinishReason::Stop,
            citations: Vec::new(),
            checks: Vec::new(),
            usage: TokenUsage::default(),
            coverage: Coverage::default(),
            left_out: None,
            parts: None,
            answerable: Some(1.0),
            answered: Some(true),
            first_token_ms: None,
            total_ms: 1.0,
            sources: Vec::new(),
            searched_for: None,
            reasoning: None,
        };
        let last = only(&frames.next(AnswerEvent::Done {
            answer_id: "a".into(),
            content: "It is lit. [1]".into(),
            html: String::new(),
            summary: Box::new(summary),
        }));
        let wanted = json!({"chunk": "", "done": true, "message_id": "q", "response_id": "a",
                            "response": "It is lit. [1]"});
        assert_eq!(last, wanted);
        assert!(frames.end().is_empty());
    }

    #[test]
    fn failure_is_the_last_chunk_and_hides_our_own_details() {
        let mut frames = frames();
        let message = "disk /dev/sda died".to_owned();
        let kind = ErrorKind::Storage;
        let chunk = only(&frames.next(AnswerEvent::Failed { kind, message }));
        assert_eq!(
            (&chunk["done"], &chunk["chunk"]),
            (&json!(true), &json!(""))
        );
        assert!(!chunk["error"].as_str().unwrap().contains("sda"));
        assert!(frames.end().is_empty());
    }

    #[test]
    fn stream_that_breaks_off_still_ends_properly() {
        let mut frames = frames();
        let chunk = only(&frames.end());
        assert_eq!(chunk["done"], true);
        assert!(frames.end().is_empty());
    }
}
