//! Why a chat model could not be loaded or could not write. Every panic of the
//! inference library is turned into such an error here.

use super::Architecture;
use crate::error::{ErrorKind, Kind};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why the chat model failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecoderError {
    #[error("there is no model file {path}")]
    ModelMissing { path: String },
    #[error("the model file {path} cannot be read: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("the model file {file} is damaged: {reason}")]
    Damaged { file: String, reason: String },
    #[error("the model file {file} lacks {what}, without which it cannot be used")]
    Missing { file: String, what: String },
    #[error(
        "the model file {file} has the architecture {found:?}, which is not supported; supported are {}",
        Architecture::list()
    )]
    UnsupportedArchitecture { file: String, found: String },
    #[error("the model file {file} is not supported: {what}")]
    Unsupported { file: String, what: String },
    #[error(
        "the prompt has {tokens} tokens, but the model's context holds {context}, answer included"
    )]
    PromptTooLong { tokens: usize, context: usize },
    #[error("{0}")]
    Invalid(String),
    #[error("the chat model has too many requests waiting; try again in {retry_after} s")]
    Busy { retry_after: u64 },
    #[error("the chat model failed: {0}")]
    Internal(String),
}

impl Kind for DecoderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ModelMissing { .. } => ErrorKind::ModelMissing,
            Self::UnsupportedArchitecture { .. } | Self::Unsupported { .. } => {
                ErrorKind::Unsupported
            }
            Self::Damaged { .. }
            | Self::Missing { .. }
            | Self::PromptTooLong { .. }
            | Self::Invalid(_) => ErrorKind::Invalid,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Unreadable { .. } => ErrorKind::Storage,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

/// Runs `work` and turns its error, or its panic, into a sentence.
pub(super) fn guarded<T, E: std::fmt::Display>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| first_line(&error.to_string())),
        Err(payload) => Err(payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "an unexpected stop".to_owned())),
    }
}

/// The library appends backtraces to its messages; people need the first line.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
