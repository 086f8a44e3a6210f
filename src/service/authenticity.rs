//! Whether the originals are still the files that were added. What was added is
//! known by its hash; nothing here can bring a lost file back.

use super::contents::Contents;
use super::{Inner, records};
use crate::error::Fault;
use crate::extract::{Limits, extract};
use crate::jobs::JobsError;
use crate::types::{Document, DocumentStatus};
use std::path::Path;

/// Chunks of the documents that are listed at a time, about.
const BATCH_CHUNKS: u64 = 10_000;

/// What is wrong with an original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OriginalFault {
    Missing,
    /// It is not the file that was added, or cannot be read.
    Changed,
}

impl OriginalFault {
    /// For people, behind the name of the document.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Missing => "its original is missing",
            Self::Changed => "its original is not the file that was added",
        }
    }
}

impl Inner {
    /// The documents with something wrong about their original; with `contents`
    /// each original is read to its end.
    pub(super) fn original_faults(
        &self,
        contents: bool,
    ) -> Result<Vec<(Document, OriginalFault)>, Fault> {
        let (until, _) = self.store.last_document()?;
        let (mut after, mut faults) = (0, Vec::new());
        loop {
            let listed = self.store.documents_between(after, until, BATCH_CHUNKS)?;
            let Some(last) = listed.last() else {
                return Ok(faults);
            };
            after = last.key;
            for step in listed {
                faults.extend(self.original_fault(step.key, contents)?);
            }
        }
    }

    /// What is wrong with the original of one document, if it is there at all.
    fn original_fault(
        &self,
        key: u64,
        contents: bool,
    ) -> Result<Option<(Document, OriginalFault)>, Fault> {
        let Some(document) = self.store.document_by_key(key)? else {
            return Ok(None);
        };
        let path = self.jobs.pipeline().originals.path(&document.id);
        let fault = if !path.is_file() {
            OriginalFault::Missing
        } else if contents && !is_coming(&document) && !self.is_what_was_added(&document, &path) {
            OriginalFault::Changed
        } else {
            return Ok(None);
        };
        // It may have been deleted or replaced meanwhile.
        let now = self.store.document_by_key(key)?;
        let same = now.filter(|now| now.sha256 == document.sha256);
        Ok(same.map(|document| (document, fault)))
    }

    fn is_what_was_added(&self, document: &Document, path: &Path) -> bool {
        match document.external_id {
            Some(_) => self.is_record(document, path).unwrap_or(false),
            None => Contents::of(path)
                .is_ok_and(|contents| contents.hashes() == std::slice::from_ref(&document.sha256)),
        }
    }

    /// Whether a file is the line of a `.jsonl` file that a document was.
    fn is_record(&self, document: &Document, path: &Path) -> Result<bool, Fault> {
        let text = std::fs::read(path).map_err(JobsError::Files)?;
        if text.len() as u64 != document.bytes {
            return Ok(false);
        }
        // A line without an id goes by its number, and its title may be another's.
        for id in [document.external_id.as_deref(), None] {
            for title in [document.metadata.title.as_deref(), None] {
                if records::hash(id, title, &text) == document.sha256 {
                    return Ok(true);
                }
            }
        }
        // Its title may have been changed since: what is read of it tells.
        let limits = Limits {
            max_bytes: document.bytes,
            ..Limits::default()
        };
        let Ok(read) = extract(path, records::RECORD_NAME, &limits) else {
            return Ok(document.status == DocumentStatus::Failed);
        };
        let pages: Vec<&str> = read.pages.iter().map(|page| page.text.as_str()).collect();
        Ok(pages.join("\n\n") == self.store.document_text(document.key)?)
    }
}

/// Whether the original may be about to be put in place.
fn is_coming(document: &Document) -> bool {
    matches!(
        document.status,
        DocumentStatus::Queued | DocumentStatus::Extracting
    )
}
