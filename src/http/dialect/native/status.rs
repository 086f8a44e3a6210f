//! The JSON of the state of the instance.

use crate::service::{
    AnswerFigures, EmbedderFacts, Examination, IndexFacts, ModelActivity, ModelFacts, SAMPLE_EVERY,
    Sample, Status,
};
use crate::types::{DocumentId, RecordedModel};
use serde::Serialize;
use std::path::PathBuf;
use utoipa::ToSchema;

/// How the instance is at the moment.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusWire<'a> {
    version: &'a str,
    uptime_s: u64,
    chat_model: Option<ChatModelWire<'a>>,
    /// Why there is none.
    chat_model_error: Option<&'a str>,
    chat_activity: Option<ActivityWire>,
    answers: AnswersWire,
    indexes: IndexesWire,
    embedder: EmbedderWire<'a>,
    /// What judges whether sentences follow from their sources; `null`: words and
    /// meaning alone are compared.
    entailment_model: Option<&'a RecordedModel>,
    documents: u64,
    chunks: u64,
    jobs_pending: u64,
    memory_bytes: u64,
    data_dir: Option<String>,
}

impl<'a> From<&'a Status> for StatusWire<'a> {
    fn from(status: &'a Status) -> Self {
        let folder = status.data_dir.as_ref();
        Self {
            version: &status.version,
            uptime_s: status.uptime_s,
            chat_model: status.chat_model.as_ref().map(ChatModelWire::from),
            chat_model_error: status.chat_model_error.as_deref(),
            chat_activity: status.activity.as_ref().map(ActivityWire::from),
            answers: AnswersWire::from(&status.answers),
            indexes: IndexesWire::from(&status.indexes),
            embedder: EmbedderWire::from(&status.embedder),
            entailment_model: status.entailment_model.as_ref(),
            documents: status.documents,
            chunks: status.chunks,
            jobs_pending: status.jobs_pending,
            memory_bytes: status.memory_bytes,
            data_dir: folder.map(|folder| folder.display().to_string()),
        }
    }
}

/// The loaded chat model.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChatModelWire<'a> {
    name: &'a str,
    architecture: &'a str,
    quantization: &'a str,
    context_tokens: usize,
    file_bytes: u64,
    /// What it runs on.
    device: &'a str,
    /// Why that is not the GPU that was asked for, or that could have been.
    device_note: Option<&'a str>,
}

impl<'a> From<&'a ModelFacts> for ChatModelWire<'a> {
    fn from(model: &'a ModelFacts) -> Self {
        Self {
            name: &model.name,
            architecture: &model.architecture,
            quantization: &model.quantization,
            context_tokens: model.context_tokens,
            file_bytes: model.file_bytes,
            device: &model.device,
            device_note: model.device_note.as_deref(),
        }
    }
}

/// What the chat model does.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActivityWire {
    running: usize,
    waiting: usize,
    prompt_tokens: u64,
    reused_tokens: u64,
    answer_tokens: u64,
    drafted_tokens: u64,
    accepted_tokens: u64,
    kv_blocks: usize,
    kv_blocks_used: usize,
    kv_blocks_kept: usize,
    prompt_tokens_per_second: Option<f32>,
    answer_tokens_per_second: Option<f32>,
}

impl From<&ModelActivity> for ActivityWire {
    fn from(activity: &ModelActivity) -> Self {
        Self {
            running: activity.running,
            waiting: activity.waiting,
            prompt_tokens: activity.prompt_tokens,
            reused_tokens: activity.reused_tokens,
            answer_tokens: activity.answer_tokens,
            drafted_tokens: activity.drafted_tokens,
            accepted_tokens: activity.accepted_tokens,
            kv_blocks: activity.cache_blocks,
            kv_blocks_used: activity.cache_blocks_used,
            kv_blocks_kept: activity.cache_blocks_kept,
            prompt_tokens_per_second: activity.prompt_tokens_per_second,
            answer_tokens_per_second: activity.answer_tokens_per_second,
        }
    }
}

/// What has been answered since the start.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnswersWire {
    by_model: u64,
    quotes: u64,
    nothing_found: u64,
    plain_chats: u64,
    failed: u64,
    prompt_tokens: u64,
    reused_tokens: u64,
    answer_tokens: u64,
}

impl From<&AnswerFigures> for AnswersWire {
    fn from(answers: &AnswerFigures) -> Self {
        Self {
            by_model: answers.by_model,
            quotes: answers.quotes,
            nothing_found: answers.nothing_found,
            plain_chats: answers.plain_chats,
            failed: answers.failed,
            prompt_tokens: answers.prompt_tokens,
            reused_tokens: answers.reused_tokens,
            answer_tokens: answers.answer_tokens,
        }
    }
}

/// How large what is stored is.
#[derive(Serialize, ToSchema)]
pub(crate) struct IndexesWire {
    keyword_chunks: u64,
    keyword_bytes: u64,
    vectors: u64,
    vector_bytes: u64,
    database_bytes: u64,
}

impl From<&IndexFacts> for IndexesWire {
    fn from(indexes: &IndexFacts) -> Self {
        Self {
            keyword_chunks: indexes.keyword_chunks,
            keyword_bytes: indexes.keyword_bytes,
            vectors: indexes.vectors,
            vector_bytes: indexes.vector_bytes,
            database_bytes: indexes.database_bytes,
        }
    }
}

/// The embedding model.
#[derive(Serialize, ToSchema)]
pub(crate) struct EmbedderWire<'a> {
    name: &'a str,
    dimensions: usize,
    fingerprint: &'a str,
    /// Whether it is known to have learnt English and nothing else.
    english_only: bool,
}

impl<'a> From<&'a EmbedderFacts> for EmbedderWire<'a> {
    fn from(embedder: &'a EmbedderFacts) -> Self {
        Self {
            name: &embedder.name,
            dimensions: embedder.dimensions,
            fingerprint: &embedder.fingerprint,
            english_only: embedder.english_only,
        }
    }
}

/// The last hour.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryWire {
    /// Seconds from one sample to the next.
    interval_s: u64,
    samples: Vec<SampleWire>,
}

impl From<&[Sample]> for HistoryWire {
    fn from(samples: &[Sample]) -> Self {
        Self {
            interval_s: SAMPLE_EVERY.as_secs(),
            samples: samples.iter().map(SampleWire::from).collect(),
        }
    }
}

/// How the instance was at a moment.
#[derive(Serialize, ToSchema)]
pub(crate) struct SampleWire {
    #[schema(format = DateTime)]
    at: String,
    requests_per_s: f64,
    prompt_tokens_per_s: f64,
    answer_tokens_per_s: f64,
    /// From question to first word, on average; `null`: nothing was answered.
    first_token_s: Option<f64>,
    running: u64,
    waiting: u64,
    jobs_pending: u64,
    memory_bytes: u64,
    keyword_bytes: u64,
    vector_bytes: u64,
    database_bytes: u64,
}

impl From<&Sample> for SampleWire {
    fn from(sample: &Sample) -> Self {
        Self {
            at: sample.at.to_string(),
            requests_per_s: sample.requests_per_s,
            prompt_tokens_per_s: sample.prompt_tokens_per_s,
            answer_tokens_per_s: sample.answer_tokens_per_s,
            first_token_s: sample.first_token_s,
            running: sample.running,
            waiting: sample.waiting,
            jobs_pending: sample.jobs_pending,
            memory_bytes: sample.memory_bytes,
            keyword_bytes: sample.keyword_bytes,
            vector_bytes: sample.vector_bytes,
            database_bytes: sample.database_bytes,
        }
    }
}

/// What a check of all that is stored found.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExaminationWire<'a> {
    consistent: bool,
    database_faults: &'a [String],
    chunk_faults: &'a [String],
    keywords_missing: usize,
    keywords_extra: usize,
    vectors_missing: usize,
    vectors_extra: usize,
    /// Entries of the indexes that differed at the start and were brought in line.
    differed_at_start: usize,
    /// Files of the keyword index that are not what was written.
    keyword_files_damaged: &'a [String],
    /// Passages of which the keyword index has other words.
    keywords_differing: usize,
    /// Why the file of the vector index is not the one that was saved.
    vector_file_damaged: Option<&'a str>,
    /// Passages whose place in the vector index is damaged or another's.
    vectors_damaged: usize,
    /// Passages of which the vector index and the database have different vectors.
    vectors_differing: usize,
    /// Passages that are indexed and of which the database has no vector.
    vectors_unstored: usize,
    originals_missing: &'a [DocumentId],
    /// Documents whose original is not the file that was added.
    originals_changed: &'a [DocumentId],
    /// What is wrong with originals, by the name of the document.
    original_faults: &'a [String],
    #[schema(value_type = [String])]
    models: &'a [PathBuf],
    /// Cosine of two texts that mean the same: clearly above 0.5 when the
    /// embedding model computes rightly.
    encoder_cosine: f32,
}

impl<'a> From<&'a Examination> for ExaminationWire<'a> {
    fn from(found: &'a Examination) -> Self {
        let (differences, deviations) = (&found.differences, &found.deviations);
        Self {
            consistent: found.is_consistent(),
            database_faults: &found.database_faults,
            chunk_faults: &found.chunk_faults,
            keywords_missing: differences.keywords_missing.len(),
            keywords_extra: differences.keywords_extra.len(),
            vectors_missing: differences.vectors_missing.len(),
            vectors_extra: differences.vectors_extra.len(),
            differed_at_start: found.differed_at_start,
            keyword_files_damaged: &deviations.keyword_files,
            keywords_differing: deviations.keywords.len(),
            vector_file_damaged: deviations.vector_file.as_deref(),
            vectors_damaged: deviations.rows.len(),
            vectors_differing: deviations.vectors.len(),
            vectors_unstored: deviations.vectors_unstored.len(),
            originals_missing: &found.originals_missing,
            originals_changed: &found.originals_changed,
            original_faults: &found.original_faults,
            models: &found.models,
            encoder_cosine: found.encoder_cosine,
        }
    }
}
