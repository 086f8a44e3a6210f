//! Why an answer could not be made.

use crate::engine::encoder::EncoderError;
use crate::error::{ErrorKind, Kind};

/// What can go wrong between passages and an answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    #[error(
        "the question has {tokens} tokens, and the model has room for {room}; \
         ask a shorter one or raise `context-tokens`"
    )]
    QuestionTooLong { tokens: usize, room: usize },
}

impl Kind for AnswerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Encoder(error) => error.kind(),
            Self::QuestionTooLong { .. } => ErrorKind::TooLarge,
        }
    }
}
