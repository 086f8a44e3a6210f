//! Vector search over chunks: the only module that names usearch. Vectors are
//! kept as rows of half-precision numbers and compared one by one, which is
//! exact and takes a millisecond for ten thousand. A large collection gets a
//! graph beside the rows; both then stay on the disk. All of it is a cache of
//! what the database holds, and belongs to one embedding model: files of another
//! are thrown away. Must not know where vectors come from.

mod dot;
mod file;
mod graph;
mod index;
mod rows;
mod segment;
mod values;

pub use index::Vectors;
pub use rows::has_direction;

use crate::error::{ErrorKind, Kind};

/// A chunk's vector and what filters ask of it.
#[derive(Debug, Clone, Copy)]
pub struct VectorEntry<'a> {
    /// Key of the chunk.
    pub chunk: u64,
    /// Key of its document.
    pub document: u64,
    /// Key of its dataset.
    pub dataset: u64,
    pub vector: &'a [f32],
}

/// What may be found. `None` is no restriction, an empty list lets nothing pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Keys of datasets.
    pub datasets: Option<Vec<u64>>,
    /// Keys of documents.
    pub documents: Option<Vec<u64>>,
}

/// A chunk near the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub chunk: u64,
    /// Cosine of query and chunk.
    pub similarity: f32,
}

/// How a row differs from the entry that it should be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFault {
    /// It is not what was written.
    Damaged,
    /// It is of another document or dataset.
    Misplaced,
    /// It is another vector.
    Other,
}

/// Why the vector index did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    #[error("the vector index folder cannot be used: {0}")]
    Io(#[from] std::io::Error),
    #[error("the vector index holds vectors of {expected} numbers, and was given {given}")]
    Width { expected: usize, given: usize },
    #[error("a vector without direction cannot be searched: it is zero or not finite")]
    NoDirection,
    #[error("the vector graph failed: {0}")]
    Graph(String),
    #[error("the vector index is full")]
    Full,
    #[error("the vector index cannot be read: {0}")]
    Damaged(&'static str),
}

impl Kind for VectorsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Width { .. } | Self::NoDirection => ErrorKind::Invalid,
            Self::Io(_) | Self::Graph(_) | Self::Full | Self::Damaged(_) => ErrorKind::Storage,
        }
    }
}

/// What a function of this module gives back.
pub type Result<T> = std::result::Result<T, VectorsError>;

#[cfg(test)]
mod mapped_tests;
#[cfg(test)]
mod tests;
