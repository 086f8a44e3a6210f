//! Why no token could be chosen.

use satchel_types::error::{ErrorKind, Kind};

/// Why sampling is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// An option is out of range; the sentence says which and what is possible.
    #[error("{0}")]
    Option(String),
    #[error("this JSON schema cannot be used: {0}")]
    Schema(String),
    #[error("the answer can no longer follow its JSON schema: {0}")]
    Constraint(String),
    #[error("the vocabulary cannot be used for constrained answers: {0}")]
    Vocabulary(String),
    #[error("the model's scores leave no token to choose")]
    NoToken,
    #[error("{scores} scores do not make {rows} rows of one vocabulary")]
    Rows { scores: usize, rows: usize },
    #[error("an answer by JSON schema was asked for, but its constraint was not made")]
    ConstraintMissing,
}

impl Kind for SamplerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Option(_) => ErrorKind::Invalid,
            Self::Schema(_) => ErrorKind::Unsupported,
            Self::Constraint(_)
            | Self::Vocabulary(_)
            | Self::NoToken
            | Self::Rows { .. }
            | Self::ConstraintMissing => ErrorKind::Internal,
        }
    }
}
