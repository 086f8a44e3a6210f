//! Documents, their pages and their chunks.

use super::{DatasetId, DocumentId, TenantId, Time, UserId, Visibility};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A named collection of documents inside a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Row key, used by the indexes as a filter.
    pub key: u64,
    pub id: DatasetId,
    pub tenant_id: TenantId,
    pub name: String,
    pub description: String,
    /// The user who made it; `None`: the product.
    pub owner_id: Option<UserId>,
    pub visibility: Visibility,
    pub created_at: Time,
    /// Made by the product itself (the handbook): cannot be deleted or filled by users.
    pub builtin: bool,
    pub documents: u64,
    pub pages: u64,
    pub pages_without_text: u64,
    pub chunks: u64,
    /// Documents by their language, where that is known.
    pub languages: BTreeMap<String, u64>,
}

/// How far the ingestion of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentStatus {
    Queued,
    Extracting,
    Embedding,
    Ready,
    Failed,
}

impl DocumentStatus {
    /// Each status, in the order in which a document passes them.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Extracting,
        Self::Embedding,
        Self::Ready,
        Self::Failed,
    ];

    /// The word used in the database and on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Extracting => "extracting",
            Self::Embedding => "embedding",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing more will happen to the document by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Failed)
    }
}

/// What is known about a document beside its text: given at upload or read
/// from front matter. Unknown keys are kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DocumentMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chapter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

impl DocumentMetadata {
    /// Fills what is absent here from `below`.
    pub fn or(self, below: Self) -> Self {
        let Self {
            title,
            module,
            chapter,
            section,
            page_url,
            other,
        } = self;
        let mut merged = below.other;
        merged.extend(other);
        Self {
            title: title.or(below.title),
            module: module.or(below.module),
            chapter: chapter.or(below.chapter),
            section: section.or(below.section),
            page_url: page_url.or(below.page_url),
            other: merged,
        }
    }
}

/// A document as the product knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Row key, used by the indexes as a filter.
    pub key: u64,
    pub id: DocumentId,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub dataset_key: u64,
    /// The user who added it.
    pub user_id: UserId,
    /// The owner of its dataset, where that is private.
    pub private_to: Option<UserId>,
    /// The `id` of a line of a `.jsonl` file.
    pub external_id: Option<String>,
    pub filename: String,
    /// What the content was recognised as, e.g. `pdf`, `markdown`.
    pub file_type: String,
    /// Size of the original in bytes.
    pub bytes: u64,
    /// SHA-256 of the original, lower-case hex.
    pub sha256: String,
    pub status: DocumentStatus,
    /// Why ingestion failed, for people.
    pub error: Option<String>,
    /// Whether its pages are pages of the original (PDF) and not just parts.
    pub paged: bool,
    pub pages: u64,
    pub pages_without_text: u64,
    pub characters: u64,
    pub chunks: u64,
    /// Chunks that have their vector.
    pub embedded: u64,
    /// What most of its text is written in, as BCP 47 says it; `None`: nobody
    /// can tell, or it has not been read since that is looked for.
    pub language: Option<String>,
    /// 1 until its content is replaced.
    pub version: u32,
    pub metadata: DocumentMetadata,
    pub created_at: Time,
    pub updated_at: Time,
}

impl Document {
    /// What to call it in front of people: its title, else its file name.
    pub fn display_name(&self) -> &str {
        self.metadata.title.as_deref().unwrap_or(&self.filename)
    }
}

/// What a document was, or is: facts of one of its contents, without the content.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentVersion {
    /// 1 for what was added first.
    pub number: u32,
    /// What it was called last.
    pub filename: String,
    /// Size of its original in bytes.
    pub bytes: u64,
    /// SHA-256 of its original, lower-case hex.
    pub sha256: String,
    /// `None`: it is not read to its end, or was replaced before that.
    pub pages: Option<u64>,
    /// The same.
    pub chunks: Option<u64>,
    /// Who brought it; `None`: somebody whose data were erased.
    pub user_id: Option<UserId>,
    pub since: Time,
    /// When the next one took its place; `None`: it is the one in force.
    pub until: Option<Time>,
}

/// A step of the ingestion of a document, as its watchers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentProgress {
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub document_id: DocumentId,
    /// The owner of its dataset, where that is private.
    pub private_to: Option<UserId>,
    pub filename: String,
    pub status: DocumentStatus,
    pub error: Option<String>,
    pub pages: u64,
    pub pages_without_text: u64,
    pub chunks: u64,
    pub embedded: u64,
    /// The document is gone.
    pub deleted: bool,
}

/// What became of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageOutcome {
    /// It has text.
    Text,
    /// It has text, and something on it was not read: what.
    Partial(String),
    /// It has no text that could be read: blank, or an image of a page.
    NoText,
    /// It could not be read, and why. What little text stands beside that, as the
    /// stamp of a scan, is kept and searched.
    Failed(String),
}

impl PageOutcome {
    /// Whether it counts as read: its text is all that it says, or most of it.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Text | Self::Partial(_))
    }
}

/// One page of a document, with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// 1 for the first.
    pub number: u32,
    pub text: String,
    pub outcome: PageOutcome,
}

/// What the ledger says of one page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageSummary {
    pub number: u32,
    pub characters: u64,
    pub chunks: u64,
    pub outcome: PageOutcome,
}

/// A passage of a page that is embedded and indexed as one, before it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChunk {
    /// Page number, 1 for the first. A chunk never crosses a page.
    pub page: u32,
    /// First character in the page's text.
    pub start: usize,
    /// One past the last character in the page's text.
    pub end: usize,
    /// Headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// Exactly the page's text between `start` and `end`.
    pub text: String,
    /// Length in tokens of the bundled encoder, without special tokens.
    pub tokens: u32,
}

/// A stored passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Row key: names the chunk in both indexes; never used twice.
    pub key: u64,
    pub document_key: u64,
    pub dataset_key: u64,
    pub document_id: DocumentId,
    /// 0 for the document's first chunk.
    pub index: u32,
    pub page: u32,
    pub start: usize,
    pub end: usize,
    pub heading_path: Vec<String>,
    pub text: String,
}
