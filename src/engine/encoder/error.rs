//! What can go wrong with an embedding model.

use crate::error::ErrorKind;
use crate::error::Kind;

/// Why a model could not be loaded or a text not embedded.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// The file is not GGUF, or is cut short.
    #[error("the embedding model cannot be read: {0}")]
    Unreadable(#[from] candle_core::Error),
    /// The file is GGUF, but not of a shape that this encoder runs.
    #[error("the embedding model is not supported: {0}")]
    Unsupported(String),
    /// The tokenizer refused the text or its own vocabulary.
    #[error("the text could not be split into tokens: {0}")]
    Tokenizer(String),
    /// The bundled model and its manifest contradict each other.
    #[error("the bundled embedding model is damaged: {0}")]
    Bundle(String),
}

impl Kind for EncoderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable(_) => ErrorKind::Invalid,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Tokenizer(_) | Self::Bundle(_) => ErrorKind::Internal,
        }
    }
}
