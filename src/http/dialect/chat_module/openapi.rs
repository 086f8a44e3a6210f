//! Contract 5, described.

use super::wire::{
    ChatAnswer, ChatBody, MessageWire, MessagesQuery, NewMessageBody, NewSessionBody, SessionWire,
    SessionsQuery,
};
use crate::http::dialect::Tongue;
use crate::http::openapi::{Description, Operation, Shape};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// All that this dialect says about itself.
pub(crate) fn description() -> Description {
    Description {
        tongue: Tongue::ChatModule,
        tag: "chat-module",
        about: "Chats of people who have not signed in, for public pages. Who knows the name of a \
            session may use it; answers come from public datasets alone. The setting `public-chat` \
            may keep the list of sessions for administrators, or turn all of it off (404).",
        failure: Shape::named("Failure", failure()),
        operations: sessions().into_iter().chain(messages()).collect(),
        more: Shape::of::<SessionWire<'_>>()
            .into_definitions()
            .into_iter()
            .chain(Shape::of::<MessageWire<'_>>().into_definitions())
            .collect(),
    }
}

fn list_of(name: &str) -> Shape {
    let one = json!({"$ref": format!("#/components/schemas/{name}")});
    Shape::written(json!({"type": "array", "items": one}))
}

fn sessions() -> Vec<Operation> {
    vec![
        Operation::of(
            "list visitors' sessions",
            "All sessions, latest first. Where `public-chat` is not `full`, it wants the token of \
             an administrator.",
        )
        .query::<SessionsQuery>()
        .answers_shape(200, JSON, list_of("SessionWire"))
        .refuses(&[401, 403, 404]),
        Operation::of(
            "make a visitor's session",
            "A session that takes messages for a day.",
        )
        .takes::<NewSessionBody>()
        .answers::<SessionWire<'_>>(201)
        .refuses(&[404]),
        Operation::of(
            "read a visitor's session",
            "A session, by its `id` or `session_id`.",
        )
        .answers::<SessionWire<'_>>(200),
        Operation::of(
            "delete a visitor's session",
            "Deletes a session with all its messages.",
        )
        .answers_nothing(204),
    ]
}

fn messages() -> Vec<Operation> {
    vec![
        Operation::of(
            "list a visitor's messages",
            "The messages of a session, oldest first.",
        )
        .query::<MessagesQuery>()
        .answers_shape(200, JSON, list_of("MessageWire"))
        .refuses(&[404]),
        Operation::of(
            "add a visitor's message",
            "Stores a message, which nothing answers.",
        )
        .takes::<NewMessageBody>()
        .answers::<MessageWire<'_>>(201)
        .refuses(&[404, 409]),
        Operation::of("read a visitor's message", "One message.").answers::<MessageWire<'_>>(200),
        Operation::of(
            "delete a visitor's message",
            "Takes a message out of every list and out of what later answers are told.",
        )
        .answers_nothing(204),
        Operation::of(
            "ask as a visitor",
            "Answers as one body; both messages are stored.",
        )
        .takes::<ChatBody>()
        .answers::<ChatAnswer<'_>>(200)
        .refuses(&[404, 409, 503, 504]),
        Operation::of(
            "ask as a visitor, streamed",
            "The same as unnamed events; the last one has `done`.",
        )
        .takes::<ChatBody>()
        .streams([("", Shape::named("Chunk", chunk()))])
        .refuses(&[404, 409, 503]),
    ]
}

fn chunk() -> Value {
    let id = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["chunk", "done", "message_id"],
        "properties": {
            "chunk": {"type": "string", "description": "The next piece of the answer"},
            "done": {"type": "boolean", "description": "Whether this is the last event"},
            "message_id": {"type": ["string", "null"], "description": "Of the stored question"},
            "response_id": id,
            "response": {"type": "string", "description": "The whole answer as it is stored, its \
                citations corrected; in the last event"},
            "error": {"type": "string", "description": "What went wrong; such an event is the last"},
        },
    })
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "string", "minLength": 1},
            "request_id": {"type": "string", "description": "Of a failure of the server"},
        },
    })
}
