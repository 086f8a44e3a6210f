//! Bytes to pages of text, and pages to chunks with exact character spans.
//! Owns every file format (one file each), sentence borders and the cut into
//! chunks. Must not know where files or chunks are stored.

mod archive;
mod blocks;
mod charset;
mod code;
mod collection;
mod csv;
mod eml;
mod epub;
mod error;
mod format;
mod guard;
mod html;
mod image;
mod json;
mod jsonl;
mod language;
mod markdown;
mod office;
mod opendocument;
mod parts;
mod pdf;
mod period;
mod pictures;
mod plain;
mod pptx;
mod rtf;
mod sentences;
mod split;
mod table;
mod word;
mod xlsx;
mod xml;
mod zipped;

pub use error::ExtractError;
pub use format::extensions;
pub use image::{is_icon, is_image_extension};
pub use jsonl::{JsonlRecord, jsonl_records};
pub use sentences::{sentence_bytes, sentences};
pub use split::{SplitOptions, split};

use crate::types::{DocumentMetadata, Page, PageOutcome};
use archive::Budget;
use format::{Content, Source};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// The text of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Extracted {
    /// What the content was recognised as, e.g. `pdf`.
    pub file_type: &'static str,
    /// Whether the pages are pages of the original and not just parts.
    pub paged: bool,
    pub pages: Vec<Page>,
    /// In the order of the text.
    pub headings: Vec<Heading>,
    pub metadata: DocumentMetadata,
}

impl Extracted {
    /// What most of the text is written in (BCP 47), if that can be told.
    pub fn language(&self) -> Option<&'static str> {
        match self.file_type {
            // The words of a programming language are English, and no text.
            "code" => None,
            _ => language::of(&self.pages),
        }
    }
}

/// A heading and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Number of its page.
    pub page: u32,
    /// Its first character in the page's text.
    pub start: usize,
    /// 1 for the outermost.
    pub level: u8,
    pub text: String,
}

/// How much work a file may cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file.
    pub max_bytes: u64,
    /// Size of all that is unpacked from it.
    pub max_unpacked_bytes: u64,
    pub max_pages: u64,
    /// Time for the whole file.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 200 * 1024 * 1024,
            max_unpacked_bytes: 512 * 1024 * 1024,
            max_pages: 20_000,
            timeout: Duration::from_secs(300),
        }
    }
}

/// Reads the text of the file at `path`, which its owner calls `filename`.
pub fn extract(path: &Path, filename: &str, limits: &Limits) -> Result<Extracted, ExtractError> {
    let bytes = read(path, limits)?;
    let filename = filename.to_owned();
    let inner = limits.clone();
    guard::run(limits.timeout, move || {
        extract_bytes(&bytes, &filename, &inner)
    })
}

fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, ExtractError> {
    let failed = |error: std::io::Error| ExtractError::Read(error.to_string());
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let limit = limits.max_bytes;
    if bytes > limit {
        return Err(ExtractError::TooLarge { bytes, limit });
    }
    let mut content = Vec::with_capacity(bytes as usize);
    file.take(limit).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

fn extract_bytes(bytes: &[u8], filename: &str, limits: &Limits) -> Result<Extracted, ExtractError> {
    let budget = Budget::new(bytes.len() as u64, limits.max_unpacked_bytes);
    read_source(&Source::new(bytes, filename, &budget), limits)
}

/// Reads a file, or one that is inside of another.
fn read_source(source: &Source<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
    if source.bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ExtractError::Empty);
    }
    let format = format::recognise(source)?;
    let extracted = match format.extract(source, limits)? {
        Content::Flowing(text) => parts::cut(format.name(), text),
        Content::Paged {
            numbered,
            pages,
            headings,
            metadata,
        } => Extracted {
            file_type: format.name(),
            paged: numbered,
            pages,
            headings,
            metadata,
        },
    };
    let blank = |page: &Page| page.text.trim().is_empty() && page.outcome == PageOutcome::Text;
    if !extracted.paged && extracted.pages.iter().all(blank) {
        return Err(ExtractError::NoText);
    }
    Ok(extracted)
}

#[cfg(test)]
mod fixtures_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod pdf_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unread_tests;
