//! BM25 search over chunks: the only module that names tantivy. The index is a
//! cache of what the database holds: it is thrown away when it is damaged or of
//! another version, and must not be asked for anything but keys and scores.

mod analysis;
mod content;
mod index;
mod pieces;
mod purge;
mod query;
mod stemming;
mod wording;

pub use index::Lexical;
pub use wording::Wording;

use crate::error::{ErrorKind, Kind};
use std::ops::Range;

/// A chunk as it is indexed.
#[derive(Debug, Clone, Copy)]
pub struct LexicalDocument<'a> {
    /// Key of the chunk.
    pub chunk: u64,
    /// Key of its document.
    pub document: u64,
    /// Key of its dataset.
    pub dataset: u64,
    /// Title and file name of the document.
    pub title: &'a str,
    /// Headings above the chunk.
    pub headings: &'a str,
    pub text: &'a str,
}

/// What may be found. `None` is no restriction, an empty list lets nothing pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Keys of datasets.
    pub datasets: Option<Vec<u64>>,
    /// Keys of documents.
    pub documents: Option<Vec<u64>>,
}

/// A chunk that matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub chunk: u64,
    /// BM25, unbounded.
    pub score: f32,
}

/// A word of a question that carries a subject and not grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its bytes in the question.
    pub span: Range<usize>,
    /// Whether the text that it was compared with has it.
    pub known: bool,
}

/// Why the keyword index did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum LexicalError {
    #[error("the keyword index folder cannot be used: {0}")]
    Io(#[from] std::io::Error),
    #[error("the keyword index failed: {0}")]
    Index(#[from] tantivy::TantivyError),
    #[error("the keyword index is damaged: {0}")]
    Damaged(String),
    #[error("a search holds on to deleted parts of the keyword index; try again later")]
    Busy,
}

impl Kind for LexicalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy => ErrorKind::Busy,
            Self::Io(_) | Self::Index(_) | Self::Damaged(_) => ErrorKind::Storage,
        }
    }
}

/// What a function of this module gives back.
pub type Result<T> = std::result::Result<T, LexicalError>;

#[cfg(test)]
mod tests;
