//! Contract 4, described.

use super::wire::{
    AnswerWire, CitationWire, FeedbackBody, FeedbackTaken, HistoryWire, QueryBody, SelectionBody,
};
use crate::http::dialect::Tongue;
use crate::http::openapi::{Description, Operation, Shape};
use serde_json::{Value, json};

/// All that this dialect says about itself.
pub(crate) fn description() -> Description {
    Description {
        tongue: Tongue::Orchestration,
        tag: "orchestration",
        about: "Questions within a module or a chapter, questions about a selected text, and \
            verdicts on answers. With `Accept: text/event-stream` an answer is a stream.",
        failure: Shape::named("Failure", failure()),
        operations: operations(),
        more: Shape::of::<CitationWire<'_>>().into_definitions(),
    }
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::of(
            "ask within a session",
            "Answers from the documents of a module and a chapter. Where nothing in them bears on \
             the question, it is 404 with the code `no_relevant_content`.",
        )
        .takes::<QueryBody>()
        .answers::<AnswerWire<'_>>(200)
        .streams(events(true))
        .refuses(&[404, 409, 503]),
        Operation::of(
            "ask a selected text",
            "Answers from the selected text and nothing else. Where it does not tell, it is 422 \
             with the code `answer_not_in_selection`.",
        )
        .takes::<SelectionBody>()
        .answers::<AnswerWire<'_>>(200)
        .streams(events(false))
        .refuses(&[404, 409, 422, 503]),
        Operation::of("read a history", "The questions and answers of a session.")
            .variable(
                "session_id",
                json!({"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}),
            )
            .answers::<HistoryWire<'_>>(200),
        Operation::of(
            "judge an answer",
            "Stores a verdict on an answer, which administrators read.",
        )
        .takes::<FeedbackBody>()
        .answers::<FeedbackTaken<'_>>(200)
        .refuses(&[404]),
    ]
}

/// The objects of a stream, told apart by `type`.
fn events(cites: bool) -> Vec<(&'static str, Shape)> {
    let bounds = ["session_id", "query_id", "response_id"];
    let citation = json!({"$ref": "#/components/schemas/CitationWire"});
    let mut events = vec![
        ("ChunkStart", chunk("start", &bounds, json!({}))),
        ("ChunkToken", chunk("token", &[], json!({}))),
        ("ChunkEnd", chunk("end", &bounds, json!({}))),
        ("ChunkError", chunk("error", &["code"], json!({}))),
    ];
    if cites {
        let citations = json!({"citations": {"type": "array", "items": citation}});
        let chunk = chunk("citations", &["citations"], citations);
        events.insert(2, ("ChunkCitations", chunk));
    }
    let named = events.into_iter();
    named
        .map(|(name, schema)| ("", Shape::named(name, schema)))
        .collect()
}

/// An object of a stream: what all have, these texts, and `more`.
fn chunk(kind: &str, texts: &[&str], more: Value) -> Value {
    let common = ["type", "content", "timestamp"];
    let required: Vec<_> = common.iter().chain(texts).collect();
    let mut properties = json!({
        "type": {"const": kind},
        "content": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
    });
    for text in texts {
        properties[*text] = json!({"type": "string"});
    }
    for (name, schema) in more.as_object().into_iter().flatten() {
        properties[name] = schema.clone();
    }
    json!({"type": "object", "required": required, "properties": properties})
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {
                    "type": "string",
                    "pattern": "^[a-z_]+$",
                    "description": "Such as `invalid_session_id`, `empty_question`, \
                        `empty_selection`, `no_relevant_content`, `answer_not_in_selection`, \
                        `model_unavailable`, `rate_limited`, `invalid_feedback_type`, \
                        `feedback_too_long`, `unknown_response`",
                },
                "message": {"type": "string", "minLength": 1},
                "request_id": {"type": "string", "description": "Of a failure of the server"},
            },
        }},
    })
}
