//! Contract 3: `/sessions…`. Storage alone: nothing here makes an answer.

pub(crate) mod handlers;
pub(crate) mod openapi;
mod wire;

use super::{Dialect, Outward};
use serde_json::{Value, json};

/// Names the dialect.
pub(crate) struct ChatStore;

impl Dialect for ChatStore {
    fn body(failure: &Outward<'_>) -> Value {
        match failure.request_id {
            Some(id) => json!({"error": failure.message, "request_id": id}),
            None => json!({"error": failure.message}),
        }
    }
}
