//! Contract 2: `/chat/…`, `/documents/…`, `/health`.

pub(crate) mod chat;
pub(crate) mod files;
mod frames;
pub(crate) mod health;
pub(crate) mod openapi;
pub(crate) mod running;
pub(crate) mod sessions;
mod summary;
mod wire;

use super::{Dialect, Outward};
use serde_json::{Value, json};

/// Names the dialect.
pub(crate) struct RagChat;

impl Dialect for RagChat {
    fn body(failure: &Outward<'_>) -> Value {
        match failure.request_id {
            Some(id) => json!({"detail": failure.message, "request_id": id}),
            None => json!({"detail": failure.message}),
        }
    }
}
