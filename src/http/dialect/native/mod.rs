//! The product's own dialect: what the page, administrators and scripts need
//! beside the contracts.

pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod backups;
pub(crate) mod chats;
pub(crate) mod custody;
pub(crate) mod datasets;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod feedback;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod originals;
pub(crate) mod search_models;
pub(crate) mod sign_ins;
pub(crate) mod system;
pub(crate) mod tenants;
pub(crate) mod users;
mod wire;

use super::{Dialect, Outward};
use serde_json::{Value, json};

/// Names the dialect.
pub(crate) struct Native;

impl Dialect for Native {
    fn body(failure: &Outward<'_>) -> Value {
        match failure.request_id {
            Some(id) => json!({"detail": failure.message, "request_id": id}),
            None => json!({"detail": failure.message}),
        }
    }
}
