//! Beginnings of the reasons of documents that failed though nothing is wrong with
//! them: the disk or the database did not do its work.

pub(super) const NOT_READ: &str = "its original could not be read: ";
pub(super) const NOT_STORED: &str = "its text could not be stored: ";
pub(super) const NOT_INDEXED: &str = "its passages could not be indexed: ";

/// Whether a document that failed for this reason failed by no fault of its own.
pub fn is_ours(reason: &str) -> bool {
    let ours = [NOT_READ, NOT_STORED, NOT_INDEXED];
    ours.iter().any(|beginning| reason.starts_with(beginning))
}
