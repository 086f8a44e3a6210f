//! Why a file could not be read, in sentences for the person who gave it.

use crate::error::{ErrorKind, Kind};
use std::time::Duration;

/// Names of the file types that are read, for messages.
pub(super) const HANDLED: &str = "PDF, Word (.docx), Excel (.xlsx), PowerPoint (.pptx), OpenDocument (.odt, .ods, .odp), RTF, \
     EPUB, mail (.eml, .mbox), CSV, JSON, HTML, Markdown, plain text, source code, and .zip of these";

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    #[error("the file cannot be opened: {0}")]
    Read(String),
    #[error("the file is empty")]
    Empty,
    #[error("the file has {bytes} bytes; at most {limit} are read")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("unpacked, the file has more than {limit} bytes; it is not read")]
    TooLargeUnpacked { limit: u64 },
    #[error("the document has {pages} pages; at most {limit} are read")]
    TooManyPages { pages: u64, limit: u64 },
    #[error("the archive holds {members} files; at most {limit} are read")]
    TooManyMembers { members: usize, limit: usize },
    #[error("{what} is not a type that can be read; these are: {HANDLED}")]
    Unsupported { what: String },
    #[error("the document is protected by a password; remove the password and add it again")]
    Encrypted,
    #[error("the {format} file is damaged: {reason}")]
    Damaged {
        format: &'static str,
        reason: String,
    },
    #[error("no text was found in the document")]
    NoText,
    #[error("line {line} is not a document: {reason}")]
    Record { line: usize, reason: String },
    #[error("reading the document took longer than {} seconds; it was given up", limit.as_secs())]
    Timeout { limit: Duration },
    #[error("no thread could be started to read the document: {0}")]
    Thread(String),
}

impl ExtractError {
    pub(super) fn damaged(format: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Damaged { format, reason }
    }
}

impl Kind for ExtractError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Read(_) => ErrorKind::Storage,
            Self::Thread(_) => ErrorKind::Internal,
            Self::TooLarge { .. }
            | Self::TooLargeUnpacked { .. }
            | Self::TooManyPages { .. }
            | Self::TooManyMembers { .. } => ErrorKind::TooLarge,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Empty
            | Self::Encrypted
            | Self::Damaged { .. }
            | Self::NoText
            | Self::Record { .. } => ErrorKind::Invalid,
        }
    }
}
