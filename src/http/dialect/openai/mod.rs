//! The public OpenAI API as its official clients use it: `/v1/models`,
//! `/v1/chat/completions`, `/v1/embeddings`. What those clients can ask for
//! and this product cannot do is refused by name.

mod annotations;
mod frames;
pub(crate) mod handlers;
pub(crate) mod openapi;
mod piece;
mod whole;
mod wire;

use super::{Dialect, Outward};
use crate::error::{ErrorKind, Kind};
use crate::http::failure::public_message;
use serde_json::{Value, json};

/// The model that answers from the documents.
const GROUNDED: &str = "satchel";

/// Names the dialect.
pub(crate) struct OpenAi;

impl Dialect for OpenAi {
    fn body(failure: &Outward<'_>) -> Value {
        let (family, usual) = words(failure.kind);
        let mut error = json!({
            "message": failure.message,
            "type": family,
            "param": failure.field,
            "code": failure.code.or(usual),
        });
        if let Some(id) = failure.request_id {
            error["request_id"] = json!(id);
        }
        json!({"error": error})
    }
}

/// The envelope around an error that comes after the first byte.
fn envelope(error: &dyn Kind) -> Value {
    OpenAi::body(&Outward {
        kind: error.kind(),
        message: &public_message(error),
        field: error.field(),
        code: error.code(),
        request_id: None,
    })
}

/// The `type` of a kind of failure, and its usual `code`.
fn words(kind: ErrorKind) -> (&'static str, Option<&'static str>) {
    const REQUEST: &str = "invalid_request_error";
    match kind {
        ErrorKind::Unauthorized => (REQUEST, Some("invalid_api_key")),
        ErrorKind::Forbidden => (REQUEST, Some("insufficient_permissions")),
        ErrorKind::NotFound
        | ErrorKind::Invalid
        | ErrorKind::TooLarge
        | ErrorKind::Unsupported
        | ErrorKind::Conflict => (REQUEST, None),
        ErrorKind::RateLimited => ("requests", Some("rate_limit_exceeded")),
        ErrorKind::ModelMissing => ("server_error", Some("model_not_loaded")),
        ErrorKind::Busy => ("server_error", Some("server_overloaded")),
        ErrorKind::Timeout | ErrorKind::Cancelled | ErrorKind::Storage | ErrorKind::Internal => {
            ("server_error", None)
        }
    }
}
