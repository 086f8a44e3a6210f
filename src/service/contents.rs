//! What the content of a file is called before it is added, so that who has
//! the file can tell whether its documents are there.

use super::records;
use crate::error::Fault;
use crate::jobs::JobsError;
use crate::service::tokens::hex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// The `sha256` of the documents that a file would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// One document.
    Whole(String),
    /// A document a line.
    Records(Vec<String>),
}

impl Contents {
    /// Reads a file and names its content. Fails where adding it would.
    pub fn of(path: &Path) -> Result<Self, Fault> {
        if records::is_jsonl(&path.to_string_lossy()) && records::are_documents(path) {
            return Ok(Self::Records(records::hashes(path)?));
        }
        let mut file = File::open(path).map_err(JobsError::Files)?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; BUFFER_BYTES]);
        loop {
            match file.read(&mut buffer).map_err(JobsError::Files)? {
                0 => return Ok(Self::Whole(hex(&hash.finalize()))),
                bytes => hash.update(&buffer[..bytes]),
            }
        }
    }

    /// The names.
    pub fn hashes(&self) -> &[String] {
        match self {
            Self::Whole(hash) => std::slice::from_ref(hash),
            Self::Records(hashes) => hashes,
        }
    }
}
