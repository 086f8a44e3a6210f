//! Contract 5: `/api/chats/sessions/…` and `/api/chats/messages/…`, for people
//! who have not signed in. Who knows a session's name may use the session.

pub(crate) mod chat;
mod frames;
pub(crate) mod messages;
pub(crate) mod openapi;
pub(crate) mod sessions;
mod visitor;
mod wire;

use super::{Dialect, Outward};
use crate::error::Fault;
use crate::types::SessionId;
use serde_json::{Value, json};

/// Names the dialect.
pub(crate) struct ChatModule;

impl Dialect for ChatModule {
    fn body(failure: &Outward<'_>) -> Value {
        match failure.request_id {
            Some(id) => json!({"detail": failure.message, "request_id": id}),
            None => json!({"detail": failure.message}),
        }
    }
}

/// A field that must be there and say something.
fn required(field: &str, given: Option<String>) -> Result<String, Fault> {
    let given = given.filter(|text| !text.trim().is_empty());
    given.ok_or_else(|| {
        let message = format!("{field}: this field is required");
        Fault::invalid(message).about(field)
    })
}

/// The session that a request names, by its UUID or its `session_id`.
fn session_named(given: Option<String>) -> Result<SessionId, Fault> {
    Ok(required("session_id", given)?.into())
}
