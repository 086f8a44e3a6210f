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
                vec![self.chunk("", false, None, None)]
            }
            AnswerEvent::Token(text) => vec![self.chunk(&text, false, None, None)],
            AnswerEvent::Done { answer_id, .. } => {
                self.ended = true;
                vec![self.chunk("", true, Some(&answer_id), None)]
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
        vec![self.chunk("", true, None, Some(&error))]
    }

    fn chunk(
        &self,
        chunk: &str,
        done: bool,
        response_id: Option<&MessageId>,
        error: Option<&str>,
    ) -> Frame {
        Frame::unnamed(Chunk {
            chunk,
            done,
            message_id: self.question.as_ref(),
            response_id,
            error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;
    use crate::error::ErrorKind;
    use crate::types::{AnswerEvent, Time};
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
