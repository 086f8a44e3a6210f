//! What is kept of how an answer came about: what it was made with, and which
//! passages were there to make it from. Enough to make it once more and to say
//! what differs. Holds no text of a document.

use super::{
    AnswerMode, DatasetId, DocumentId, FinishReason, MessageId, SearchOptions, SentenceCheck,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an answer came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerRecord {
    /// The version of satchel that made it.
    pub version: String,
    pub mode: AnswerMode,
    pub finish_reason: FinishReason,
    pub scope: RecordedScope,
    /// The search options in force.
    pub search: SearchOptions,
    pub retrieval: RecordedRetrieval,
    /// What was searched for, where it is not what was asked.
    #[schema(required)]
    pub searched_for: Option<String>,
    /// How likely it seemed that the documents answer the question at all, 0-1; null
    /// where that is no question, as for a list.
    #[schema(required)]
    pub answerable: Option<f32>,
    /// Whether the question was answered: not where nothing was found, nor where a
    /// chat model says that the passages do not tell; null: the answer is older than
    /// that.
    #[serde(default)]
    #[schema(required)]
    pub answered: Option<bool>,
    /// What checking each sentence found; null: the record is older than that.
    #[serde(default)]
    #[schema(required)]
    pub checks: Option<Vec<SentenceCheck>>,
    /// How a chat model wrote it; null: none did.
    #[schema(required)]
    pub writing: Option<RecordedWriting>,
    /// The entailment model that judged whether what the chat model wrote follows
    /// from its sources; null: none did, words and meaning alone were compared.
    #[schema(required)]
    pub entailment_model: Option<RecordedModel>,
    /// The passages that it was made from, best first.
    pub shown: Vec<RecordedPassage>,
    /// Those that were found and not used for it.
    pub skipped: Vec<RecordedPassage>,
    /// The best of those that were ranked and not taken.
    pub considered: Vec<RecordedPassage>,
    /// How many were ranked in all.
    pub ranked: usize,
    /// The documents of the passages that were found, as they were.
    pub documents: Vec<RecordedDocument>,
}

impl AnswerRecord {
    /// The passages that were found, best first.
    pub fn found(&self) -> Vec<&RecordedPassage> {
        let mut found: Vec<_> = self.shown.iter().chain(&self.skipped).collect();
        found.sort_by_key(|passage| passage.rank);
        found
    }
}

/// Where an answer was looked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct RecordedScope {
    /// The datasets that were asked for; empty: none in particular.
    pub dataset_ids: Vec<DatasetId>,
    /// The documents that were asked for; empty: all.
    pub document_ids: Vec<DocumentId>,
    #[schema(required)]
    pub module: Option<String>,
    #[schema(required)]
    pub chapter: Option<String>,
    /// The datasets that were searched.
    pub searched: Vec<DatasetId>,
    /// It was to rest on a selected text and nothing else.
    pub selection: bool,
    /// It was to be quotes even if there is a chat model.
    pub quotes_only: bool,
}

/// What finds and orders passages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedRetrieval {
    /// The model that made the vectors.
    pub embedder: RecordedModel,
    /// The model that reads sentences closely.
    pub reader: RecordedModel,
    /// The model that reads question and passage together, if there was one.
    #[schema(required)]
    pub reranker: Option<String>,
    /// How the keyword index takes words from texts.
    pub analysis: String,
}

/// A model, and what tells it from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedModel {
    pub name: String,
    pub fingerprint: String,
}

/// How a chat model wrote an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordedWriting {
    pub model: RecordedModel,
    pub file: String,
    pub quantization: String,
    /// What it ran on.
    pub device: String,
    /// Tokens of prompt and answer together.
    pub context_tokens: usize,
    /// SHA-256 of the prompt's tokens, four bytes each, the lowest first.
    pub prompt_sha256: String,
    pub prompt_tokens: usize,
    pub temperature: f32,
    pub top_p: f32,
    pub seed: u64,
    pub max_tokens: usize,
    /// Most tokens of thinking; null: what the product does by itself.
    #[schema(required)]
    pub thinking_tokens: Option<usize>,
    /// Passages that were left out because reading them would have taken too long.
    pub slow_passages: usize,
    /// What was read part by part before it was written, in that order; of notes
    /// that were read again, too.
    #[serde(default)]
    #[schema(required)]
    pub parts: Vec<RecordedPart>,
    /// The messages before the question that were there to be sent, oldest first.
    pub earlier: Vec<RecordedTurn>,
    /// What the model wrote, where it is not what was answered.
    #[schema(required)]
    pub raw: Option<String>,
}

/// A part of whole documents that a chat model took notes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedPart {
    /// Names its first passage in the indexes.
    pub first_chunk: u64,
    pub passages: usize,
    /// It consists of notes on earlier parts.
    pub of_notes: bool,
    /// SHA-256 of the prompt's tokens, as for the answer's.
    pub prompt_sha256: String,
    pub prompt_tokens: usize,
    /// SHA-256 of what the model wrote.
    pub notes_sha256: String,
}

/// A message of the conversation before a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedTurn {
    pub message_id: MessageId,
    /// It was sent as it is stored, and not with its passages or in the model's
    /// own words.
    pub as_stored: bool,
}

/// A passage without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordedPassage {
    /// 1 for the best; of those that were found, the number that citations have.
    pub rank: usize,
    /// Names it in the indexes; never used twice.
    pub chunk: u64,
    pub document_id: DocumentId,
    pub filename: String,
    pub chunk_index: u32,
    #[schema(required)]
    pub page_number: Option<u32>,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Calibrated relevance, 0-1.
    pub score: f32,
    /// The number that it had in the chat model's prompt.
    #[schema(required)]
    pub prompt_number: Option<u32>,
    /// An earlier turn of the prompt had its text already.
    pub told_before: bool,
    /// The chunks right before and behind it that the chat model was shown with it.
    #[serde(default)]
    #[schema(required)]
    pub shown_with: Vec<u64>,
    /// Why it was not used.
    #[schema(required)]
    pub omitted: Option<Omission>,
}

/// Why a passage was not used for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Omission {
    /// It is not relevant enough.
    BelowThreshold,
    /// Others were taken.
    Outranked,
    /// A better one has the same text.
    Repeated,
    /// The chat model had no room or no time for it.
    LeftOut,
    /// The documents were taken not to answer the question.
    Unanswered,
}

/// A document as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedDocument {
    pub id: DocumentId,
    pub filename: String,
    /// SHA-256 of its original.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use crate::SearchOptions;

    #[test]
    fn options_come_back_from_a_record_as_they_were() {
        let options = SearchOptions {
            score_threshold: 0.35,
            ..SearchOptions::default()
        };
        let kept = serde_json::to_string(&options).unwrap();
        let read: SearchOptions = serde_json::from_str(&kept).unwrap();
        assert_eq!(read, options);
    }
}
