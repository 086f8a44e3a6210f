//! Why a chat model could not be loaded or could not write.

use super::Architecture;
use crate::sampler::SamplerError;
use crate::tokens::TokensError;
use satchel_types::error::{ErrorKind, Kind};

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
    #[error("the answer took longer than it may")]
    Deadline,
    #[error(transparent)]
    Sampling(#[from] SamplerError),
    #[error("the chat model failed: {0}")]
    Internal(String),
}

impl DecoderError {
    /// What is wrong with the tokenizer or the template of a file.
    pub(super) fn of_tokens(file: &str, error: TokensError) -> Self {
        let file = file.to_owned();
        match error {
            TokensError::Missing(what) => Self::Missing { file, what },
            TokensError::Damaged(reason) => Self::Damaged { file, reason },
            TokensError::Unsupported(what) => Self::Unsupported { file, what },
            TokensError::Invalid(reason) => Self::Invalid(reason),
            TokensError::Internal(_) => Self::Internal(error.to_string()),
        }
    }
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
            Self::Deadline => ErrorKind::Timeout,
            Self::Sampling(error) => error.kind(),
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
