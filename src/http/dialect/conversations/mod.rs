//! Contract 1: `/v1/chat/conversations…`, `/v1/health`, `/v1/status`, and the
//! schemas of its bodies.

mod frames;
pub(crate) mod handlers;
pub(crate) mod messages;
pub(crate) mod openapi;
pub(crate) mod schemas;
pub(crate) mod system;
mod wire;

use super::{Dialect, Outward};
use crate::http::failure::code_of;
use crate::http::request_id;
use serde_json::{Value, json};

/// Names the dialect.
pub(crate) struct Conversations;

impl Dialect for Conversations {
    fn body(failure: &Outward<'_>) -> Value {
        let code = failure.code.unwrap_or_else(|| code_of(failure.kind));
        let details = match failure.field {
            Some(field) => json!({"field": field}),
            None => json!({}),
        };
        envelope(code, failure.message, request_id::current(), details)
    }
}

/// The form of every error, also of the event.
fn envelope(code: &str, message: &str, request_id: Option<String>, details: Value) -> Value {
    json!({"error": {
        "code": code,
        "message": message,
        "request_id": request_id,
        "details": details,
    }})
}
