//! How the instance is: what is loaded, how much there is, and whether it is
//! all consistent.

use super::authenticity::OriginalFault;
use super::{AnswerFigures, Caller, Inner, Service};
use crate::engine::decoder::{ModelActivity, installed};
use crate::engine::encoder::Encoder;
use crate::error::Fault;
use crate::jobs::{Deviations, Differences, IngestionFigures, JobsError};
use crate::types::{DocumentId, RecordedModel, Time};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The loaded chat model.
#[derive(Debug, Clone)]
pub struct ModelFacts {
    pub name: String,
    pub architecture: String,
    pub quantization: String,
    pub context_tokens: usize,
    pub file_bytes: u64,
    /// What it runs on.
    pub device: String,
    /// Why that is not the GPU that was asked for, or that could have been.
    pub device_note: Option<String>,
}

/// The embedding model.
#[derive(Debug, Clone)]
pub struct EmbedderFacts {
    pub name: String,
    pub dimensions: usize,
    pub fingerprint: String,
    /// Tokens of a text that are read, the two that frame it included.
    pub window: usize,
    /// Whether it is known to have learnt English and nothing else.
    pub english_only: bool,
}

/// How large what is stored is.
#[derive(Debug, Clone)]
pub struct IndexFacts {
    pub keyword_chunks: u64,
    pub keyword_bytes: u64,
    pub vectors: u64,
    pub vector_bytes: u64,
    pub database_bytes: u64,
}

/// How the instance is at the moment.
#[derive(Debug, Clone)]
pub struct Status {
    pub version: String,
    pub uptime_s: u64,
    pub chat_model: Option<ModelFacts>,
    /// Why there is no chat model although a file for it is there.
    pub chat_model_error: Option<String>,
    /// What the chat model has done since it was loaded, and does.
    pub activity: Option<ModelActivity>,
    pub answers: AnswerFigures,
    pub embedder: EmbedderFacts,
    /// What judges whether sentences follow from their sources.
    pub entailment_model: Option<RecordedModel>,
    pub indexes: IndexFacts,
    pub documents: u64,
    pub chunks: u64,
    pub jobs_pending: u64,
    /// Memory that the process holds; 0 where the system does not tell.
    pub memory_bytes: u64,
    /// `None`: not the caller's concern.
    pub data_dir: Option<PathBuf>,
}

/// What a check of all that is stored found.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What SQLite finds wrong with its file; empty when it is sound.
    pub database_faults: Vec<String>,
    /// Chunks whose place or text does not agree with their page.
    pub chunk_faults: Vec<String>,
    /// How the indexes differ from the database.
    pub differences: Differences,
    /// Entries of the indexes that differed at the start and were brought in line.
    pub differed_at_start: usize,
    /// How what stands in the indexes deviates from it.
    pub deviations: Deviations,
    /// Documents whose original is not there.
    pub originals_missing: Vec<DocumentId>,
    /// Documents whose original is not what was added.
    pub originals_changed: Vec<DocumentId>,
    /// Both for people, by the name of the document.
    pub original_faults: Vec<String>,
    /// Chat model files, newest first.
    pub models: Vec<PathBuf>,
    /// Cosine of two texts that mean the same, as the embedding model sees
    /// them: clearly above 0.5 when it computes rightly.
    pub encoder_cosine: f32,
}

impl Examination {
    /// Whether nothing is wrong with what is stored.
    pub fn is_consistent(&self) -> bool {
        self.database_faults.is_empty()
            && self.chunk_faults.is_empty()
            && self.differences.is_empty()
            && self.deviations.is_empty()
            && self.original_faults.is_empty()
    }
}

impl Service {
    /// When this instance began to work.
    pub fn started_at(&self) -> Time {
        self.inner.started_at
    }

    /// How the instance is.
    pub async fn status(&self) -> Result<Status, Fault> {
        self.blocking(|inner| inner.status()).await
    }

    /// The same as far as it is the caller's concern: the operator's is the
    /// whole instance, others count what they see.
    pub async fn status_for(&self, caller: &Caller) -> Result<Status, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let status = inner.status()?;
            if caller.is_operator() {
                return Ok(status);
            }
            let seen = inner.store.visible_counts(&caller.viewer())?;
            Ok(Status {
                documents: seen.documents,
                chunks: seen.chunks,
                jobs_pending: seen.jobs_pending,
                data_dir: None,
                ..status
            })
        })
        .await
    }

    /// Checks all that is stored; takes as long as reading it. With `quick` the
    /// originals and the entries of the indexes are only looked for.
    pub async fn examine(&self, quick: bool) -> Result<Examination, Fault> {
        self.blocking(move |inner| {
            let pipeline = inner.jobs.pipeline();
            let mut database_faults = inner.store.integrity_faults()?;
            database_faults.extend(inner.store.foreign_key_faults()?);
            let originals = inner.original_faults(!quick)?;
            let with = |fault: OriginalFault| {
                let found = originals.iter().filter(|(_, one)| *one == fault);
                found.map(|(document, _)| document.id.clone()).collect()
            };
            let told = originals.iter().map(|(document, fault)| {
                let (name, id) = (&document.filename, &document.id);
                format!("{name} ({id}): {}", fault.text())
            });
            Ok(Examination {
                database_faults,
                chunk_faults: inner.store.chunk_faults()?,
                differences: pipeline.differences()?,
                differed_at_start: pipeline.differed_at_start(),
                deviations: match quick {
                    true => Deviations::default(),
                    false => pipeline.deviations()?,
                },
                originals_missing: with(OriginalFault::Missing),
                originals_changed: with(OriginalFault::Changed),
                original_faults: told.collect(),
                models: installed(&inner.config.models()).map_err(JobsError::Files)?,
                encoder_cosine: encoder_cosine(&inner.embedder)?,
            })
        })
        .await
    }
}

impl Service {
    /// What ingestion has done since the start.
    pub fn ingestion(&self) -> IngestionFigures {
        self.inner.jobs.pipeline().steps.read()
    }

    /// Chat model files in the data folder, newest first.
    pub fn installed_models(&self) -> Result<Vec<PathBuf>, Fault> {
        Ok(installed(&self.inner.config.models()).map_err(JobsError::Files)?)
    }
}

impl Inner {
    pub(super) fn status(&self) -> Result<Status, Fault> {
        let model = self.models.current();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.started.elapsed().as_secs(),
            chat_model: model.as_ref().map(|model| model.info().into()),
            activity: model.as_ref().map(|model| model.activity()),
            answers: self.figures.read(),
            indexes: self.indexes(),
            chat_model_error: self.models.error(),
            embedder: self.embedder_facts(),
            entailment_model: self.entailment_model(),
            documents: self.store.document_count()?,
            chunks: self.store.chunk_count()?,
            jobs_pending: self.pending_jobs()?,
            memory_bytes: memory_bytes(),
            data_dir: Some(self.config.data_dir.clone()),
        })
    }
}

impl Inner {
    /// Documents that wait. What the start left to do for the vector index counts
    /// as one: which documents it is about is not known before it is done.
    fn pending_jobs(&self) -> Result<u64, Fault> {
        let waiting = self.store.pending_jobs()?;
        let unreconciled = self.jobs.pipeline().unreconciled() > 0;
        Ok(waiting.max(u64::from(unreconciled)))
    }

    fn indexes(&self) -> IndexFacts {
        let pipeline = self.jobs.pipeline();
        let folder = |name: &str| bytes_under(&self.config.data_dir.join(name));
        let database = self.config.database();
        let log = database.with_extension("db-wal");
        IndexFacts {
            keyword_chunks: pipeline.lexical.len() as u64,
            keyword_bytes: folder("lexical"),
            vectors: pipeline.vectors.len() as u64,
            vector_bytes: folder("vectors"),
            database_bytes: bytes_under(&database) + bytes_under(&log),
        }
    }
}

/// Size of a file, or of all files in a folder; what is not there has none.
fn bytes_under(path: &Path) -> u64 {
    let entries = WalkDir::new(path).into_iter().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes
        .filter(|metadata| metadata.is_file())
        .map(|metadata| metadata.len())
        .sum()
}

fn encoder_cosine(encoder: &Encoder) -> Result<f32, Fault> {
    let texts = ["The cat sat on the mat.", "A cat was sitting on a mat."];
    let vectors = encoder.embed(&texts)?;
    let cosine = match vectors.as_slice() {
        [one, other] => one.iter().zip(other).map(|(a, b)| a * b).sum(),
        _ => 0.0,
    };
    Ok(cosine)
}

/// Resident memory of this process, from `/proc` (proc_pid_status(5)).
fn memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
