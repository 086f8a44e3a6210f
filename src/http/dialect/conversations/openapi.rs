//! Contract 1, described. Its schemas are those of `/v1/schemas`.

use super::schemas::own_definitions;
use super::wire::{ListQuery, UserQuery};
use crate::http::dialect::Tongue;
use crate::http::openapi::{Description, Operation, Shape};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// The events of an answer, in the order in which they come.
const EVENTS: [(&str, &str); 6] = [
    ("message_start", "event_message_start"),
    ("status", "event_status"),
    ("citations", "event_citations"),
    ("token", "event_token"),
    ("message_end", "event_message_end"),
    ("error", "event_error"),
];

/// All that this dialect says about itself.
pub(crate) fn description() -> Description {
    Description {
        tongue: Tongue::Conversations,
        tag: "conversations",
        about: "Conversations that are kept for a time, listed by pages, archived and answered as \
            one body or as a stream of named events.",
        failure: named("error"),
        operations: conversations().into_iter().chain(service()).collect(),
        more: own_definitions().into_iter().collect(),
    }
}

/// A schema of `schemas.json`.
fn named(name: &str) -> Shape {
    Shape::written(json!({"$ref": format!("#/components/schemas/{name}")}))
}

fn conversations() -> Vec<Operation> {
    vec![
        Operation::of(
            "list conversations",
            "The caller's conversations, latest first.",
        )
        .query::<ListQuery>()
        .answers_shape(200, JSON, named("conversation_list"))
        .refuses(&[403]),
        Operation::of(
            "make a conversation",
            "Makes a conversation; no field is needed.",
        )
        .takes_shape(false, JSON, named("create_request"))
        .answers_shape(201, JSON, named("conversation"))
        .refuses(&[403, 409]),
        Operation::of("read a conversation", "A conversation with its messages.")
            .query::<UserQuery>()
            .answers_shape(200, JSON, named("conversation_history"))
            .refuses(&[403]),
        Operation::of(
            "change a conversation",
            "Changes title, status or metadata.",
        )
        .takes_shape(true, JSON, named("change_request"))
        .answers_shape(200, JSON, named("conversation"))
        .refuses(&[403]),
        Operation::of(
            "delete a conversation",
            "Deletes a conversation with all its messages.",
        )
        .query::<UserQuery>()
        .answers_nothing(204)
        .refuses(&[403]),
        Operation::of(
            "ask in a conversation",
            "Stores a message and answers it: as a stream of events with `stream` or \
             `Accept: text/event-stream`, else as one body.",
        )
        .takes_shape(true, JSON, named("message_request"))
        .answers_shape(200, JSON, named("answer"))
        .streams(EVENTS.map(|(event, schema)| (event, named(schema))))
        .refuses(&[403, 409, 503, 504]),
    ]
}

fn service() -> Vec<Operation> {
    vec![
        Operation::of("health of the service", "Answers whenever the server does.").answers_shape(
            200,
            JSON,
            named("health"),
        ),
        Operation::of(
            "status of the service",
            "What is loaded, how much there is, what is being done.",
        )
        .answers_shape(200, JSON, named("system_status")),
        Operation::of("list schemas", "The names of all JSON Schemas.").answers_shape(
            200,
            JSON,
            Shape::named("schema_list", schema_list()),
        ),
        Operation::of("read a schema", "One of them, complete in itself.").answers_shape(
            200,
            "application/schema+json",
            Shape::written(json!({"type": "object"})),
        ),
    ]
}

fn schema_list() -> Value {
    let one = json!({
        "type": "object",
        "required": ["name", "path"],
        "properties": {"name": {"type": "string"}, "path": {"type": "string"}},
    });
    json!({
        "type": "object",
        "required": ["schemas"],
        "properties": {"schemas": {"type": "array", "items": one}},
    })
}
