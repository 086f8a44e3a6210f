//! Answer events as the frames of contract 2: a state machine without input or
//! output, so that the order of frames can be tested.

use super::summary::{FinalAnswer, SummaryWire};
use super::wire::Source;
use crate::error::{ErrorKind, Fault};
use crate::http::failure::{code_of, public_message};
use crate::http::sse::Frame;
use crate::types::{AnswerEvent, AnswerSummary, MessageId, PromptReading, SessionId, Stage};
use serde_json::{Value, json};

/// Seconds of waiting that nobody needs to be told about.
const WORTH_SAYING: f32 = 1.0;

/// Where a stream of frames is.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    session: Option<SessionId>,
    answer: Option<MessageId>,
    ended: bool,
}

impl Frames {
    /// The frames of the next event.
    pub(crate) fn next(&mut self, event: AnswerEvent) -> Vec<Frame> {
        match event {
            AnswerEvent::Accepted {
                session_id,
                title,
                new_session,
                question_id,
                answer_id,
                created_at,
            } => {
                let mut frames = Vec::new();
                if new_session {
                    let session = json!({"session_id": session_id, "title": title});
                    frames.push(Frame::unnamed(session));
                }
                frames.push(Frame::named(
                    "accepted",
                    json!({
                        "session_id": session_id,
                        "title": title,
                        "new_session": new_session,
                        "question_id": question_id,
                        "answer_id": answer_id,
                        "created_at": created_at.to_string(),
                    }),
                ));
                self.session = Some(session_id);
                self.answer = Some(answer_id);
                frames
            }
            AnswerEvent::Status(stage) => vec![Frame::unnamed(status(&stage))],
            AnswerEvent::Sources {
                passages,
                coverage,
                searched_for,
            } => {
                let sources: Vec<_> = passages
                    .iter()
                    .enumerate()
                    .map(|(index, passage)| Source::new(index, passage))
                    .collect();
                #[derive(serde::Serialize)]
                struct Sources<'a, C> {
                    sources: Vec<Source<'a>>,
                    coverage: C,
                    searched_for: Option<String>,
                }
                vec![Frame::named(
                    "sources",
                    Sources {
                        sources,
                        coverage,
                        searched_for,
                    },
                )]
            }
            AnswerEvent::Thinking(text) => {
                vec![Frame::named("thinking", json!({"text": text}))]
            }
            AnswerEvent::Token(token) => vec![Frame::unnamed(json!({"token": token}))],
            AnswerEvent::Block { index, html } => {
                vec![Frame::named("block", json!({"index": index, "html": html}))]
            }
            AnswerEvent::Done {
                answer_id,
                content,
                html,
                summary,
            } => self.done(answer_id, &content, &html, &summary),
            AnswerEvent::Failed { kind, message } => self.failed(kind, &message),
        }
    }

    /// The frames after the last event: none, unless the end is missing.
    pub(crate) fn end(&mut self) -> Vec<Frame> {
        if self.ended {
            return Vec::new();
        }
        self.failed(ErrorKind::Cancelled, "the answer was cut off")
    }

    fn done(
        &mut self,
        answer_id: MessageId,
        content: &str,
        html: &str,
        summary: &AnswerSummary,
    ) -> Vec<Frame> {
        self.ended = true;
        let citations = summary.citations.iter();
        let mut frames: Vec<_> = citations.map(|one| Frame::named("citation", one)).collect();
        frames.push(Frame::unnamed(FinalAnswer {
            content,
            citations: &summary.citations,
            session_id: self.session.as_ref(),
            message_id: &answer_id,
            summary: SummaryWire::new(html, summary),
        }));
        frames.push(Frame::named("done", json!({"message_id": answer_id})));
        frames
    }

    fn failed(&mut self, kind: ErrorKind, message: &str) -> Vec<Frame> {
        self.ended = true;
        let error = public_message(&Fault::new(kind, message));
        vec![
            Frame::named("error", json!({"error": error, "code": code_of(kind)})),
            Frame::named("done", json!({"message_id": self.answer})),
        ]
    }
}

fn status(stage: &Stage) -> Value {
    match stage {
        Stage::Searching => {
            json!({"status": "Searching your documents", "stage": "searching"})
        }
        Stage::Reading(reading) => reading_status(reading),
        Stage::Writing => json!({"status": "Writing", "stage": "writing"}),
    }
}

/// How far the model is, and how long it still takes where that is worth a word.
fn reading_status(reading: &PromptReading) -> Value {
    let sources = reading.sources;
    let noun = if sources == 1 { "source" } else { "sources" };
    let left = reading.seconds.filter(|seconds| *seconds >= WORTH_SAYING);
    let left = left.map(|seconds| format!(", about {:.0} s", seconds.ceil()));
    let status = match reading.part {
        None => format!("Reading {sources} {noun}{}", left.unwrap_or_default()),
        // What is left of one part says nothing of the whole.
        Some(part) => {
            let what = if part.of_notes {
                "its notes, part"
            } else {
                "part"
            };
            format!("Reading {what} {} of {}", part.number, part.of)
        }
    };
    let mut told = json!({
        "status": status,
        "stage": "reading",
        "sources": sources,
        "seconds": reading.seconds,
        "estimated_seconds": reading.seconds,
        "prompt_tokens": reading.tokens,
        "reused_tokens": reading.reused,
        "read_tokens": reading.read,
    });
    if let Some(part) = reading.part {
        told["part"] = json!(part.number);
        told["parts"] = json!(part.of);
        told["of_notes"] = json!(part.of_notes);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::Frames;
    use crate::error::ErrorKind;
    use crate::http::sse::Frame;
    use crate::types::{
        AnswerEvent, AnswerMode, AnswerSummary, Citation, Coverage, FinishReason, LeftOut,
        PartReading, Placement, PromptReading, Stage, Time, TokenUsage,
    };
    use serde_json::{Value, json};

    fn accepted(new_session: bool) -> AnswerEvent {
        AnswerEvent::Accepted {
            session_id: "s".into(),
            title: "What?".into(),
            new_session,
            question_id: "q".into(),
            answer_id: "a".into(),
            created_at: Time::from_millis(0),
        }
    }

    fn done() -> AnswerEvent {
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
        AnswerEvent::Done {
            answer_id: "a".into(),
            content: "It is so [1].".into(),
            html: "<p>It is so</p>".into(),
            summary: Box::new(AnswerSummary {
                mode: AnswerMode::Quotes,
                finish_reason: FinishReason::Stop,
                citations: vec![citation],
                checks: Vec::new(),
                usage: TokenUsage::default(),
                coverage: Coverage::default(),
                left_out: Some(LeftOut {
                    for_time: 3,
                    for_context: 0,
                    for_bound: 0,
                    of: 8,
                    seconds: 5.0,
                }),
                parts: None,
                answerable: Some(0.9),
                answered: Some(true),
                first_token_ms: Some(1.5),
                total_ms: 2.5,
                sources: Vec::new(),
                searched_for: None,
                reasoning: None,
            }),
        }
    }

    fn data(frame: &Frame) -> Value {
        serde_json::from_str(&frame.data).unwrap()
    }

    fn names(frames: &[Frame]) -> Vec<&str> {
        frames.iter().map(|one| one.name.unwrap_or("")).collect()
    }

    #[test]
    fn new_chat_begins_with_the_unnamed_session() {
        let frames = Frames::default().next(accepted(true));
        assert_eq!(names(&frames), ["", "accepted"]);
        let session = json!({"session_id": "s", "title": "What?"});
        assert_eq!(data(&frames[0]), session);
        assert_eq!(data(&frames[1])["created_at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(
            names(&Frames::default().next(accepted(false))),
            ["accepted"]
        );
    }

    #[test]
    fn answer_ends_with_citations_the_whole_and_done() {
        let mut frames = Frames::default();
        frames.next(accepted(true));
        let last = frames.next(done());
        assert_eq!(names(&last), ["citation", "", "done"]);
        let whole = data(&last[1]);
        assert_eq!(whole["session_id"], "s");
        assert_eq!(whole["citations"][0], data(&last[0]));
        assert_eq!(whole["mode"], "quotes");
        assert_eq!(whole["model"], Value::Null);
        assert_eq!(
            whole["left_out"],
            json!({
                "note": "3 of 8 passages were left out so that the answer starts within about 5 s",
                "passages": 3, "for_time": 3, "for_context": 0, "for_bound": 0, "of": 8,
                "first_token_seconds": 5.0,
            })
        );
        assert!(last[1].data.contains("\"score\":0.7,") || last[1].data.contains("\"score\":0.7}"));
        assert_eq!(data(&last[2]), json!({"message_id": "a"}));
        assert!(frames.end().is_empty());
    }

    #[test]
    fn failure_is_an_event_and_hides_our_own_details() {
        let mut frames = Frames::default();
        frames.next(accepted(false));
        let failed = |kind, message: &str| AnswerEvent::Failed {
            kind,
            message: message.into(),
        };
        let busy = frames.next(failed(ErrorKind::Busy, "all slots are taken"));
        assert_eq!(names(&busy), ["error", "done"]);
        let error = json!({"error": "all slots are taken", "code": "busy"});
        assert_eq!(data(&busy[0]), error);
        let ours = Frames::default().next(failed(ErrorKind::Storage, "disk /dev/sda died"));
        assert!(!ours[0].data.contains("sda"));
        assert_eq!(data(&ours[0])["code"], "internal");
    }

    #[test]
    fn stream_that_breaks_off_still_ends_properly() {
        let mut frames = Frames::default();
        frames.next(accepted(false));
        frames.next(AnswerEvent::Token("It".into()));
        assert_eq!(names(&frames.end()), ["error", "done"]);
        assert!(frames.end().is_empty());
    }

    #[test]
    fn stages_are_told_in_words() {
        let mut frames = Frames::default();
        let mut told = |seconds| {
            let reading = PromptReading {
                sources: 1,
                tokens: 900,
                reused: 64,
                read: 192,
                seconds,
                part: None,
            };
            let frame = frames.next(AnswerEvent::Status(Stage::Reading(reading)));
            data(&frame[0])
        };
        assert_eq!(
            told(None),
            json!({
                "status": "Reading 1 source", "stage": "reading", "sources": 1, "seconds": null,
                "estimated_seconds": null, "prompt_tokens": 900, "reused_tokens": 64,
                "read_tokens": 192,
            })
        );
        assert_eq!(told(Some(0.5))["status"], "Reading 1 source");
        assert_eq!(told(Some(7.5))["status"], "Reading 1 source, about 8 s");
        let part = PartReading {
            number: 3,
            of: 9,
            of_notes: false,
        };
        let mut told = |of_notes| {
            let reading = PromptReading {
                part: Some(PartReading { of_notes, ..part }),
                ..PromptReading::default()
            };
            let frame = frames.next(AnswerEvent::Status(Stage::Reading(reading)));
            data(&frame[0])
        };
        let first = told(false);
        assert_eq!(first["status"], "Reading part 3 of 9");
        assert_eq!(
            (&first["stage"], &first["parts"]),
            (&json!("reading"), &json!(9))
        );
        assert_eq!(told(true)["status"], "Reading its notes, part 3 of 9");
    }
}
