//! Answer events as the data objects of contract 4: `start`, `token`,
//! `citations`, `end`; `error` before the end where something went wrong. A
//! state machine without input or output.

use super::wire::CitationWire;
use super::word_of;
use crate::error::{ErrorKind, Fault};
use crate::http::failure::public_message;
use crate::http::sse::Frame;
use crate::types::{AnswerEvent, AnswerMode, AnswerSummary, MessageId, SessionId, Time};
use serde::Serialize;

/// Where a stream is.
#[derive(Debug)]
pub(crate) struct Frames {
    origin: String,
    /// What it means that there is no answer: a code of the contract.
    no_answer: &'static str,
    /// Whether the answer has citations to tell.
    cites: bool,
    session: Option<SessionId>,
    query: Option<MessageId>,
    response: Option<MessageId>,
    ended: bool,
}

/// One object of the stream.
#[derive(Serialize)]
struct Chunk<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    content: &'a str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    citations: Option<Vec<CitationWire<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_id: Option<&'a MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_id: Option<&'a MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl<'a> Chunk<'a> {
    fn new(kind: &'static str, content: &'a str) -> Self {
        Self {
            kind,
            content,
            timestamp: Time::now().to_string(),
            citations: None,
            session_id: None,
            query_id: None,
            response_id: None,
            code: None,
        }
    }
}

impl Frames {
    /// For a client that found the server at `origin`; `no_answer` is the code
    /// that says that there is nothing to answer from.
    pub(crate) fn new(origin: String, no_answer: &'static str, cites: bool) -> Self {
        Self {
            origin,
            no_answer,
            cites,
            session: None,
            query: None,
            response: None,
            ended: false,
        }
    }

    /// The frames of the next event.
    pub(crate) fn next(&mut self, event: AnswerEvent) -> Vec<Frame> {
        match event {
            AnswerEvent::Accepted {
                session_id,
                question_id,
                answer_id,
                ..
            } => {
                self.session = Some(session_id);
                self.query = Some(question_id);
                self.response = Some(answer_id);
                vec![self.bounded(Chunk::new("start", ""))]
            }
            AnswerEvent::Token(text) => vec![Frame::unnamed(Chunk::new("token", &text))],
            AnswerEvent::Done {
                content, summary, ..
            } => self.done(&content, &summary),
            AnswerEvent::Failed { kind, message } => self.failed(kind, word_of(kind), &message),
            AnswerEvent::Status(_)
            | AnswerEvent::Thinking(_)
            | AnswerEvent::Sources { .. }
            | AnswerEvent::Block { .. } => Vec::new(),
        }
    }

    /// The frames after the last event: none, unless the end is missing.
    pub(crate) fn end(&mut self) -> Vec<Frame> {
        match self.ended {
            true => Vec::new(),
            false => {
                let kind = ErrorKind::Cancelled;
                self.failed(kind, word_of(kind), "the answer was cut off")
            }
        }
    }

    fn done(&mut self, content: &str, summary: &AnswerSummary) -> Vec<Frame> {
        if summary.mode == AnswerMode::NothingFound {
            return self.failed(ErrorKind::NotFound, self.no_answer, content);
        }
        self.ended = true;
        let mut frames = Vec::new();
        if self.cites {
            let cited = CitationWire::all(&summary.citations, &self.origin);
            frames.push(Frame::unnamed(Chunk {
                citations: Some(cited),
                ..Chunk::new("citations", "")
            }));
        }
        frames.push(self.bounded(Chunk::new("end", content)));
        frames
    }

    fn failed(&mut self, kind: ErrorKind, code: &'static str, message: &str) -> Vec<Frame> {
        self.ended = true;
        let message = public_message(&Fault::new(kind, message));
        let error = Frame::unnamed(Chunk {
            code: Some(code),
            ..Chunk::new("error", &message)
        });
        vec![error, self.bounded(Chunk::new("end", ""))]
    }

    /// The first and the last object tell what the answer is called.
    fn bounded(&self, chunk: Chunk<'_>) -> Frame {
        Frame::unnamed(Chunk {
            session_id: self.session.as_ref(),
            query_id: self.query.as_ref(),
            response_id: self.response.as_ref(),
            ..chunk
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;
    use crate::error::ErrorKind;
    use crate::http::sse::Frame;
    use crate::types::{
        AnswerEvent, AnswerMode, AnswerSummary, Coverage, FinishReason, Time, TokenUsage,
    };
    use serde_json::Value;

    fn frames() -> Frames {
        let mut frames = Frames::new("http://here".to_owned(), "no_relevant_content", true);
        let start = frames.next(AnswerEvent::Accepted {
            session_id: "s".into(),
            title: "What?".into(),
            new_session: true,
            question_id: "q".into(),
            answer_id: "a".into(),
            created_at: Time::from_millis(0),
        });
        assert_eq!(told(&start), ["start"]);
        frames
    }

    fn done(mode: AnswerMode) -> AnswerEvent {
        AnswerEvent::Done {
            answer_id: "a".into(),
            content: "It is so.".into(),
            html: String::new(),
            summary: Box::new(AnswerSummary {
                mode,
                finish_reason: FinishReason::Stop,
                citations: Vec::new(),
                checks: Vec::new(),
                usage: TokenUsage::default(),
                coverage: Coverage::default(),
                left_out: None,
                parts: None,
                answerable: Some(0.9),
                answered: Some(true),
                first_token_ms: None,
                total_ms: 1.0,
                sources: Vec::new(),
                searched_for: None,
                reasoning: None,
            }),
        }
    }

    fn data(frame: &Frame) -> Value {
        serde_json::from_str(&frame.data).unwrap()
    }

    fn told(frames: &[Frame]) -> Vec<String> {
        let kind = |frame| data(frame)["type"].as_str().unwrap().to_owned();
        frames.iter().map(kind).collect()
    }

    #[test]
    fn answer_ends_with_its_citations_and_the_whole() {
        let mut frames = frames();
        let token = frames.next(AnswerEvent::Token("It".into()));
        assert_eq!(data(&token[0])["content"], "It");
        let last = frames.next(done(AnswerMode::Quotes));
        assert_eq!(told(&last), ["citations", "end"]);
        let end = data(&last[1]);
        assert_eq!(
            (&end["content"], &end["response_id"], &end["query_id"]),
            (&"It is so.".into(), &"a".into(), &"q".into())
        );
        assert!(frames.end().is_empty());
    }

    #[test]
    fn missing_answer_is_an_error_with_the_code_of_the_contract() {
        let last = frames().next(done(AnswerMode::NothingFound));
        assert_eq!(told(&last), ["error", "end"]);
        assert_eq!(data(&last[0])["code"], "no_relevant_content");
    }

    #[test]
    fn failure_and_break_off_end_the_stream_properly() {
        for kind in [ErrorKind::Busy, ErrorKind::Timeout] {
            let message = "the model is busy".to_owned();
            let last = frames().next(AnswerEvent::Failed { kind, message });
            assert_eq!(told(&last), ["error", "end"]);
            assert_eq!(data(&last[0])["code"], "model_unavailable");
        }
        let mut frames = frames();
        assert_eq!(told(&frames.end()), ["error", "end"]);
        assert!(frames.end().is_empty());
    }
}
