//! Contract 4: `/chat/query`, `/chat/selected-text`, `/chat/history/…`,
//! `/chat/feedback`.

pub(crate) mod chat;
pub(crate) mod feedback;
mod frames;
pub(crate) mod history;
pub(crate) mod openapi;
mod wire;

use super::{Dialect, Outward};
use crate::error::{ErrorKind, Fault, Kind};
use crate::http::failure::code_of;
use crate::types::SessionId;
use serde_json::{Value, json};

/// Names the dialect.
pub(crate) struct Orchestration;

impl Dialect for Orchestration {
    fn body(failure: &Outward<'_>) -> Value {
        let code = failure.code.unwrap_or(match (failure.kind, failure.field) {
            (ErrorKind::Invalid, Some("session_id")) => "invalid_session_id",
            (kind, _) => word_of(kind),
        });
        let mut error = json!({"code": code, "message": failure.message});
        if let Some(id) = failure.request_id {
            error["request_id"] = json!(id);
        }
        json!({"error": error})
    }
}

/// The word for a kind of failure; those of the contract first.
fn word_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Busy | ErrorKind::ModelMissing | ErrorKind::Timeout | ErrorKind::Cancelled => {
            "model_unavailable"
        }
        kind => code_of(kind),
    }
}

/// A session's name as the client gave it.
fn session_id(given: Option<&str>) -> Result<SessionId, Fault> {
    SessionId::parse(given.unwrap_or_default()).ok_or_else(|| {
        let message = "session_id: 1 to 128 letters, digits, or any of . _ : - are needed";
        Fault::invalid(message)
            .about("session_id")
            .coded("invalid_session_id")
    })
}

/// What went wrong with a session, in the contract's word: one that the caller
/// does not have, or that takes no questions.
fn about_session(fault: Fault) -> Fault {
    match fault.kind() {
        ErrorKind::NotFound | ErrorKind::Conflict if fault.code() != Some("unknown_response") => {
            fault.coded("invalid_session_id")
        }
        ErrorKind::Invalid if fault.code() == Some("session_expired") => {
            fault.coded("invalid_session_id")
        }
        _ => fault,
    }
}
