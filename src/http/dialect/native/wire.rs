//! The JSON of datasets, documents and what is found in them.

use crate::types::{
    Chunk, Coverage, Dataset, DatasetId, Document, DocumentId, DocumentMetadata, DocumentProgress,
    DocumentStatus, PageOutcome, PageSummary, Passage, PassageScores, Placement, SearchTimes,
    UserId, Visibility,
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What was done, in words.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Said {
    pub(super) message: &'static str,
}

/// A document in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentWire<'a> {
    id: &'a DocumentId,
    dataset_id: &'a DatasetId,
    filename: &'a str,
    title: &'a str,
    file_type: &'a str,
    bytes: u64,
    /// SHA-256 of the original in hexadecimal digits; of a line of a `.jsonl` file, of the record.
    sha256: &'a str,
    #[schema(value_type = DocumentStatus)]
    status: &'static str,
    error: Option<&'a str>,
    paged: bool,
    page_count: u64,
    pages_without_text: u64,
    characters: u64,
    chunk_count: u64,
    embedded_count: u64,
    /// What most of its text is written in (BCP 47); `null`: nobody can tell, or it was
    /// added before satchel looked for it.
    language: Option<&'a str>,
    /// How often its content was replaced, and one.
    version: u32,
    metadata: &'a DocumentMetadata,
    external_id: Option<&'a str>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl<'a> From<&'a Document> for DocumentWire<'a> {
    fn from(document: &'a Document) -> Self {
        Self {
            id: &document.id,
            dataset_id: &document.dataset_id,
            filename: &document.filename,
            title: document.display_name(),
            file_type: &document.file_type,
            bytes: document.bytes,
            sha256: &document.sha256,
            status: document.status.as_str(),
            error: document.error.as_deref(),
            paged: document.paged,
            page_count: document.pages,
            pages_without_text: document.pages_without_text,
            characters: document.characters,
            chunk_count: document.chunks,
            embedded_count: document.embedded,
            language: document.language.as_deref(),
            version: document.version,
            metadata: &document.metadata,
            external_id: document.external_id.as_deref(),
            created_at: document.created_at.to_string(),
            updated_at: document.updated_at.to_string(),
        }
    }
}

/// A step of a document's ingestion.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressWire<'a> {
    document_id: &'a DocumentId,
    dataset_id: &'a DatasetId,
    filename: &'a str,
    #[schema(value_type = DocumentStatus)]
    status: &'static str,
    error: Option<&'a str>,
    page_count: u64,
    pages_without_text: u64,
    chunk_count: u64,
    embedded_count: u64,
    /// The document is gone.
    deleted: bool,
}

impl<'a> From<&'a DocumentProgress> for ProgressWire<'a> {
    fn from(step: &'a DocumentProgress) -> Self {
        Self {
            document_id: &step.document_id,
            dataset_id: &step.dataset_id,
            filename: &step.filename,
            status: step.status.as_str(),
            error: step.error.as_deref(),
            page_count: step.pages,
            pages_without_text: step.pages_without_text,
            chunk_count: step.chunks,
            embedded_count: step.embedded,
            deleted: step.deleted,
        }
    }
}

/// The word for what became of a page, and the reason where it failed.
pub(crate) fn outcome(outcome: &PageOutcome) -> (&'static str, Option<&str>) {
    match outcome {
        PageOutcome::Text => ("text", None),
        PageOutcome::Partial(missing) => ("text", Some(missing)),
        PageOutcome::NoText => ("no_text", None),
        PageOutcome::Failed(reason) => ("failed", Some(reason)),
    }
}

/// A page in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageSummaryWire<'a> {
    number: u32,
    characters: u64,
    chunks: u64,
    /// `text`, `no_text` or `failed`
    outcome: &'static str,
    /// Why it failed.
    reason: Option<&'a str>,
}

impl<'a> From<&'a PageSummary> for PageSummaryWire<'a> {
    fn from(page: &'a PageSummary) -> Self {
        let (outcome, reason) = outcome(&page.outcome);
        Self {
            number: page.number,
            characters: page.characters,
            chunks: page.chunks,
            outcome,
            reason,
        }
    }
}

/// Where a chunk is on its page, in characters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChunkSpan<'a> {
    chunk_index: u32,
    start: usize,
    /// One past the last character.
    end: usize,
    heading_path: &'a [String],
}

impl<'a> From<&'a Chunk> for ChunkSpan<'a> {
    fn from(chunk: &'a Chunk) -> Self {
        Self {
            chunk_index: chunk.index,
            start: chunk.start,
            end: chunk.end,
            heading_path: &chunk.heading_path,
        }
    }
}

/// A dataset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatasetWire<'a> {
    id: &'a DatasetId,
    name: &'a str,
    description: &'a str,
    builtin: bool,
    #[schema(value_type = Visibility)]
    visibility: &'static str,
    owner_id: Option<&'a UserId>,
    document_count: u64,
    page_count: u64,
    pages_without_text: u64,
    chunk_count: u64,
    /// Documents by their language (BCP 47), where that is known.
    languages: &'a BTreeMap<String, u64>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> From<&'a Dataset> for DatasetWire<'a> {
    fn from(dataset: &'a Dataset) -> Self {
        Self {
            id: &dataset.id,
            name: &dataset.name,
            description: &dataset.description,
            builtin: dataset.builtin,
            visibility: dataset.visibility.as_str(),
            owner_id: dataset.owner_id.as_ref(),
            document_count: dataset.documents,
            page_count: dataset.pages,
            pages_without_text: dataset.pages_without_text,
            chunk_count: dataset.chunks,
            languages: &dataset.languages,
            created_at: dataset.created_at.to_string(),
        }
    }
}

/// A passage that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hit<'a> {
    document_id: &'a DocumentId,
    external_id: Option<&'a str>,
    dataset_id: &'a DatasetId,
    filename: &'a str,
    title: &'a str,
    chunk_index: u32,
    page: u32,
    page_number: Option<u32>,
    score: f32,
    scores: &'a PassageScores,
    heading_path: &'a [String],
    #[serde(flatten)]
    placement: &'a Placement,
    text: &'a str,
    start: usize,
    end: usize,
}

impl<'a> From<&'a Passage> for Hit<'a> {
    fn from(passage: &'a Passage) -> Self {
        Self {
            document_id: &passage.document_id,
            external_id: passage.external_id.as_deref(),
            dataset_id: &passage.dataset_id,
            filename: &passage.filename,
            title: &passage.title,
            chunk_index: passage.chunk_index,
            page: passage.page,
            page_number: passage.page_number,
            score: passage.score,
            scores: &passage.scores,
            heading_path: &passage.heading_path,
            placement: &passage.placement,
            text: &passage.text,
            start: passage.start,
            end: passage.end,
        }
    }
}

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchAnswer<'a> {
    pub(crate) results: Vec<Hit<'a>>,
    pub(crate) took_ms: f64,
    pub(crate) times: SearchTimes,
    pub(crate) coverage: &'a Coverage,
    /// How likely it is that the documents answer the query at all, 0-1.
    #[schema(required)]
    pub(crate) answerable: Option<f32>,
    /// Whether they are taken to: a question that says so is answered.
    pub(crate) answers: bool,
}
