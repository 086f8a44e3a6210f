//! Contract 3, described.

use super::wire::{
    CreateBody, Deleted, ListQuery, MessageBody, MessageWire, SessionHistory, SessionList,
    SessionWire, UserQuery,
};
use crate::http::dialect::Tongue;
use crate::http::openapi::{Description, Operation, Shape};
use serde_json::json;

/// All that this dialect says about itself.
pub(crate) fn description() -> Description {
    Description {
        tongue: Tongue::ChatStore,
        tag: "chat-store",
        about: "Sessions and messages are stored and never answered. Each call names the user: \
            the caller's own id or name, or anybody if the caller is a service or an administrator.",
        failure: Shape::named("Failure", failure()),
        operations: operations(),
        more: Default::default(),
    }
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::of(
            "list stored sessions",
            "The sessions of a user, latest first; all at once unless `limit` asks for a page.",
        )
        .query::<ListQuery>()
        .answers::<SessionList<'_>>(200)
        .refuses(&[403]),
        Operation::of("make a stored session", "Makes a session of a user.")
            .takes::<CreateBody>()
            .answers::<SessionWire<'_>>(201)
            .refuses(&[403, 409]),
        Operation::of("read a stored session", "A session with its messages.")
            .query::<UserQuery>()
            .answers::<SessionHistory<'_>>(200)
            .refuses(&[403]),
        Operation::of(
            "delete a stored session",
            "Deletes a session with all its messages.",
        )
        .query::<UserQuery>()
        .answers::<Deleted<'_>>(200)
        .refuses(&[403]),
        Operation::of(
            "store a message",
            "Appends a message, which nothing answers.",
        )
        .takes::<MessageBody>()
        .answers::<MessageWire<'_>>(201)
        .refuses(&[403, 409]),
    ]
}

fn failure() -> serde_json::Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {"type": "string", "minLength": 1},
            "request_id": {"type": "string", "description": "Of a failure of the server"},
        },
    })
}
