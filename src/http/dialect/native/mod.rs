//! The product's own dialect: what the page, administrators and scripts need
//! beside the contracts.

pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod backups;
pub(crate) mod chats;
pub(crate) mod custody;
pub(crate) mod datasets;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod feedback;
pub(crate) mod gold;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod openapi;
pub(crate) mod originals;
mod people;
pub(crate) mod search_models;
pub(crate) mod sign_ins;
mod status;
pub(crate) mod system;
pub(crate) mod tenants;
pub(crate) mod upkeep;
pub(crate) mod users;
pub(crate) mod versions;
pub(crate) mod watched_folders;
mod wire;

use super::{Dialect, Outward};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The envelope of errors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refusal<'a> {
    /// What is wrong, for people.
    detail: &'a str,
    /// There for failures of the server's side.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// Names the dialect.
pub(crate) struct Native;

impl Dialect for Native {
    fn body(failure: &Outward<'_>) -> Value {
        json!(Refusal {
            detail: failure.message,
            request_id: failure.request_id,
        })
    }
}
