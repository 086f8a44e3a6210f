//! What can go wrong with an embedding model, a reranker or an entailment model.

use satchel_types::error::ErrorKind;
use satchel_types::error::Kind;

/// Why a model could not be loaded or a text not embedded.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// There is no such file or folder.
    #[error("there is no model {0}")]
    Missing(String),
    /// The file is not GGUF, or is cut short.
    #[error("the model cannot be read: {0}")]
    Unreadable(#[from] candle_core::Error),
    /// A file of the model cannot be read from the disk.
    #[error("the model cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A file of the model contradicts itself.
    #[error("the model is damaged: {0}")]
    Damaged(String),
    /// The model is sound, but not of a shape that this encoder runs.
    #[error("the model is not supported: {0}")]
    Unsupported(String),
    /// The tokenizer refused the text or its own vocabulary.
    #[error("the text could not be split into tokens: {0}")]
    Tokenizer(String),
    /// The bundled model and its manifest contradict each other.
    #[error("the bundled embedding model is damaged: {0}")]
    Bundle(String),
    /// What went wrong, with the model that it went wrong with.
    #[error("{path}: {source}")]
    Of {
        path: String,
        source: Box<EncoderError>,
    },
}

impl EncoderError {
    /// Says which model it was.
    pub(super) fn of(self, path: &std::path::Path) -> Self {
        Self::Of {
            path: path.display().to_string(),
            source: Box::new(self),
        }
    }
}

impl Kind for EncoderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing(_) => ErrorKind::ModelMissing,
            Self::Unreadable(_) | Self::Io(_) | Self::Damaged(_) => ErrorKind::Invalid,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Tokenizer(_) | Self::Bundle(_) => ErrorKind::Internal,
            Self::Of { source, .. } => source.kind(),
        }
    }
}
