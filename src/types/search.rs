//! What is asked of retrieval, and what it gives back.

use super::{DatasetId, DocumentId, TenantId, Viewer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How candidates are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchType {
    /// Vectors alone.
    Similarity,
    /// BM25 alone.
    Keyword,
    /// Vectors and BM25, their normalised scores fused.
    #[default]
    Hybrid,
    /// Hybrid candidates, picked for relevance and diversity
    /// (maximal marginal relevance, Carbonell and Goldstein 1998).
    Mmr,
}

/// Settings of one search. Defaults are those of contract 2. Kept as it is with
/// each answer, so that every field is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecordedSearch)]
pub struct SearchOptions {
    #[schema(value_type = String, pattern = "^(similarity|keyword|hybrid|mmr)$")]
    pub search_type: SearchType,
    /// Passages to return.
    pub k: usize,
    /// Least calibrated relevance, 0-1.
    pub score_threshold: f32,
    /// Candidates that MMR and reranking choose from.
    pub fetch_k: usize,
    /// MMR: 1 is relevance alone, 0 is diversity alone.
    pub lambda_mult: f32,
    /// Reorder the candidates by late interaction.
    pub rerank: bool,
    /// Give a chat model all that is found, however long it reads.
    pub all_passages: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            search_type: SearchType::Hybrid,
            k: 4,
            score_threshold: 0.7,
            fetch_k: 20,
            lambda_mult: 0.5,
            rerank: false,
            all_passages: false,
        }
    }
}

/// Settings of which some are left open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PartialSearchOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_type: Option<SearchType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch_k: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda_mult: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_passages: Option<bool>,
}

impl PartialSearchOptions {
    /// Takes what is left open from `below`.
    pub fn or(self, below: Self) -> Self {
        Self {
            search_type: self.search_type.or(below.search_type),
            k: self.k.or(below.k),
            score_threshold: self.score_threshold.or(below.score_threshold),
            fetch_k: self.fetch_k.or(below.fetch_k),
            lambda_mult: self.lambda_mult.or(below.lambda_mult),
            rerank: self.rerank.or(below.rerank),
            all_passages: self.all_passages.or(below.all_passages),
        }
    }

    /// Takes what is left open from the defaults.
    pub fn complete(self) -> SearchOptions {
        let default = SearchOptions::default();
        let k = self.k.unwrap_or(default.k);
        SearchOptions {
            search_type: self.search_type.unwrap_or(default.search_type),
            k,
            score_threshold: self.score_threshold.unwrap_or(default.score_threshold),
            // Fewer candidates than results would make no sense.
            fetch_k: self.fetch_k.unwrap_or(default.fetch_k).max(k),
            lambda_mult: self.lambda_mult.unwrap_or(default.lambda_mult),
            rerank: self.rerank.unwrap_or(default.rerank),
            all_passages: self.all_passages.unwrap_or(default.all_passages),
        }
    }
}

/// Which passages may be found at all.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchScope {
    pub viewer: Viewer,
    /// Restrict to these datasets; empty: all that the viewer sees.
    pub datasets: Vec<DatasetId>,
    /// Restrict to these documents; empty: all.
    pub documents: Vec<DocumentId>,
    pub module: Option<String>,
    pub chapter: Option<String>,
}

/// How long the steps of a search took, in milliseconds. What is left of the
/// whole went into reading passages from the database and ranking them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct SearchTimes {
    /// Making vectors of the question.
    pub embedding_ms: f64,
    /// Asking the keyword index; zero where it was not asked.
    pub keywords_ms: f64,
    /// Asking the vector index; zero where it was not asked.
    pub vectors_ms: f64,
    /// Reading closely: the best passage, and more where reranking is wanted.
    pub reading_ms: f64,
}

impl SearchScope {
    /// Everything that the tenant has.
    pub fn tenant(tenant_id: TenantId) -> Self {
        Self {
            viewer: Viewer::whole_tenant(tenant_id),
            datasets: Vec::new(),
            documents: Vec::new(),
            module: None,
            chapter: None,
        }
    }
}

/// The scores of each stage, for "why this passage".
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct PassageScores {
    /// BM25, unbounded; `None` where keywords did not find the passage.
    pub bm25: Option<f32>,
    /// Cosine of query and passage, on the bundled model's scale; `None` where it
    /// was not computed.
    pub cosine: Option<f32>,
    /// Weighted sum of both after min-max normalisation.
    pub fused: f32,
    /// Late-interaction score, if reranked.
    pub late_interaction: Option<f32>,
    /// Score of the reranking model, 0-1, if reranked by one.
    #[serde(default)]
    pub reranked: Option<f32>,
}

/// Where a passage stands in the course, book or site that its document is of;
/// given with the document, the section also by its headings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Placement {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chapter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
}

/// A passage that retrieval found.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    pub chunk_key: u64,
    pub document_id: DocumentId,
    pub external_id: Option<String>,
    pub dataset_id: DatasetId,
    pub filename: String,
    /// What to call the document in front of people.
    pub title: String,
    pub chunk_index: u32,
    /// Which of the document's stored pages it is on, 1 for the first.
    pub page: u32,
    /// Page of the original, where the original has pages.
    pub page_number: Option<u32>,
    /// First character in the page's text.
    pub start: usize,
    /// One past the last character in the page's text.
    pub end: usize,
    pub heading_path: Vec<String>,
    pub placement: Placement,
    pub text: String,
    /// Calibrated relevance, 0-1.
    pub score: f32,
    pub scores: PassageScores,
}

/// A chunk right before or behind another, on its page and under its headings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    pub chunk_key: u64,
    /// The chunk that it stands beside.
    pub beside: u64,
    pub is_before: bool,
    /// What the page has from its start to that chunk, or from that chunk to its
    /// end: sentences that both have are not in it.
    pub text: String,
}

/// A place in a document that an answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// The number shown, 1 for the first source of the answer.
    pub number: u32,
    pub document_id: DocumentId,
    pub filename: String,
    pub title: String,
    pub chunk_index: u32,
    pub page: u32,
    #[schema(required)]
    pub page_number: Option<u32>,
    /// First character in the page's text.
    pub start: usize,
    /// One past the last character in the page's text.
    pub end: usize,
    /// The text between `start` and `end`.
    pub text: String,
    /// Calibrated relevance of the passage, 0-1.
    pub score: f32,
    #[serde(flatten)]
    pub placement: Placement,
}
