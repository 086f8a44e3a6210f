//! Which passages answer which questions, and which questions the documents do
//! not answer, as people say.

use super::{DatasetId, DocumentId, JudgementId, MessageId, Time, UserId};

/// Somebody's word on the question of an answer: this passage answers it, or the
/// documents do not answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub id: JudgementId,
    pub answer_id: MessageId,
    pub user_id: UserId,
    /// `None`: the documents do not answer the question.
    pub passage: Option<JudgedPassage>,
    pub created_at: Time,
}

/// A place in a document, with the hash of its words: by it the place is found
/// again when the document was read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedPassage {
    pub document_id: DocumentId,
    pub dataset_id: DatasetId,
    pub filename: String,
    /// Which of the document's stored pages it is on, 1 for the first.
    pub page: u32,
    /// First character in the page's text.
    pub start: usize,
    /// One past the last character in the page's text.
    pub end: usize,
    pub sha256: String,
}
