//! Why a model's tokenizer or chat template cannot be used.

use satchel_types::error::{ErrorKind, Kind};

/// What is wrong. Which file it was is known to whoever opened it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokensError {
    #[error("it lacks {0}")]
    Missing(String),
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it is not supported: {0}")]
    Unsupported(String),
    /// A conversation that the model cannot be given.
    #[error("{0}")]
    Invalid(String),
    #[error("the tokenizer failed: {0}")]
    Internal(String),
}

impl Kind for TokensError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing(_) | Self::Damaged(_) | Self::Invalid(_) => ErrorKind::Invalid,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }
}
