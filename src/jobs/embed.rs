//! The second step: from chunks to vectors and into both indexes. Documents
//! are taken in groups, because a commit of the keyword index costs about
//! 100 ms whatever is in it, and a batch of the encoder pays off when full.

use super::pipeline::{lock, places};
use super::reasons::NOT_INDEXED;
use super::steps::Step;
use super::{JobsError, MAX_ATTEMPTS, Pipeline, Signal, caught, memory};
use crate::store::Job;
use crate::types::{Document, DocumentStatus};
use crate::vectors::has_direction;

/// Chunks that are embedded before the queue is looked at again: a few seconds.
const GROUP_CHUNKS: u64 = 256;

/// Chunks that go through the encoder at once, and whose vectors are stored in
/// one transaction.
const BATCH_CHUNKS: usize = 16;

/// Why a document cannot be found by meaning.
const WITHOUT_DIRECTION: &str = "the embedding model gave no usable vector for one of its passages: \
     the model's file may be damaged";

/// Takes deleted documents out of the keyword index, then embeds and indexes
/// one group of documents; `false` if none waits.
pub(super) fn work_off(pipeline: &Pipeline, signal: &Signal) -> Result<bool, JobsError> {
    pipeline.tidy()?;
    let jobs = pipeline.store.take_embed_jobs(GROUP_CHUNKS)?;
    if jobs.is_empty() {
        if pipeline.vectors.catch_up() {
            return Ok(true);
        }
        if pipeline.vectors.is_dirty() {
            pipeline.vectors.save()?;
            pipeline.lexical.release_writer()?;
            memory::give_back();
        }
        return Ok(false);
    }
    // Whatever has failed before is taken alone.
    let last = match jobs.as_slice() {
        [job] if job.attempts >= MAX_ATTEMPTS => Some(job.clone()),
        _ => None,
    };
    match (caught(|| work_group(pipeline, signal, jobs)), last) {
        (Err(error), Some(job)) => fail(pipeline, &job, &format!("{NOT_INDEXED}{error}"))?,
        (outcome, _) => outcome?,
    }
    memory::give_back();
    Ok(true)
}

/// Embeds one group of documents and puts those that are whole into the indexes.
fn work_group(pipeline: &Pipeline, signal: &Signal, jobs: Vec<Job>) -> Result<(), JobsError> {
    let mut works = begin(pipeline, jobs)?;
    embed(pipeline, signal, &mut works)?;
    let mut embedded = Vec::new();
    for work in works {
        if let Some(reason) = &work.fault {
            fail(pipeline, &work.job, reason)?;
        } else if work.left > 0 {
            pipeline.store.release_job(&work.job)?;
        } else if let Some(document) = pipeline.store.document_by_key(work.job.document_key)? {
            embedded.push((work.job, document));
        }
    }
    pipeline.steps.time(Step::Index, || {
        publish(pipeline, &embedded)?;
        pipeline.vectors.catch_up();
        Ok(())
    })
}

/// One document of the group.
struct Work {
    job: Job,
    /// Chunks to embed now: key and text.
    chunks: Vec<(u64, String)>,
    /// Chunks that have no vector yet: those, and one more if there are more.
    left: usize,
    /// Why it failed, if it did.
    fault: Option<String>,
}

/// What each document lacks, cut off where the group is full.
fn begin(pipeline: &Pipeline, jobs: Vec<Job>) -> Result<Vec<Work>, JobsError> {
    let fingerprint = pipeline.encoder.fingerprint();
    let mut room = GROUP_CHUNKS as usize;
    let mut works = Vec::with_capacity(jobs.len());
    for job in jobs {
        // One more than there is room for tells whether any is left.
        let mut chunks =
            pipeline
                .store
                .chunks_without_vector(fingerprint, job.document_key, room + 1)?;
        let left = chunks.len();
        chunks.truncate(room);
        room -= chunks.len();
        works.push(Work {
            job,
            chunks,
            left,
            fault: None,
        });
    }
    Ok(works)
}

/// Embeds the group, batch by batch, across the borders of documents: a batch
/// of one costs the encoder nearly as much as a full one.
fn embed(pipeline: &Pipeline, signal: &Signal, works: &mut [Work]) -> Result<(), JobsError> {
    let all: Vec<(usize, u64, String)> = works
        .iter_mut()
        .enumerate()
        .flat_map(|(n, work)| work.chunks.drain(..).map(move |(key, text)| (n, key, text)))
        .collect();
    for batch in all.chunks(BATCH_CHUNKS) {
        if signal.is_stopping() {
            return Ok(());
        }
        let texts: Vec<&str> = batch.iter().map(|(_, _, text)| text.as_str()).collect();
        let steps = &pipeline.steps;
        let vectors = steps.time(Step::Embed, || pipeline.encoder.embed_passages(&texts));
        for part in batch.chunk_by(|a, b| a.0 == b.0) {
            let work = &mut works[part[0].0];
            let first = batch.iter().position(|one| one.0 == part[0].0).unwrap_or(0);
            match &vectors {
                Ok(vectors) => store(pipeline, work, part, &vectors[first..first + part.len()])?,
                Err(error) => work.fault = Some(error.to_string()),
            }
        }
    }
    Ok(())
}

/// Stores the vectors of some chunks of one document.
fn store(
    pipeline: &Pipeline,
    work: &mut Work,
    chunks: &[(usize, u64, String)],
    vectors: &[Vec<f32>],
) -> Result<(), JobsError> {
    if !vectors.iter().all(|vector| has_direction(vector)) {
        work.fault = Some(WITHOUT_DIRECTION.to_owned());
        return Ok(());
    }
    let keys = chunks.iter().map(|(_, key, _)| *key);
    let keyed: Vec<(u64, Vec<f32>)> = keys.zip(vectors.iter().cloned()).collect();
    let fingerprint = pipeline.encoder.fingerprint();
    let document = work.job.document_key;
    let insert = || pipeline.store.insert_vectors(fingerprint, document, &keyed);
    pipeline.steps.time(Step::Store, insert)?;
    pipeline.steps.count_chunks(keyed.len());
    work.left -= keyed.len();
    pipeline.announce_key(work.job.document_key)
}

/// Indexes whole documents with one commit, then calls them ready.
fn publish(pipeline: &Pipeline, documents: &[(Job, Document)]) -> Result<(), JobsError> {
    let _publishing = lock(&pipeline.publishing);
    let mut keys = Vec::with_capacity(documents.len());
    for (_, document) in documents {
        let chunks = pipeline.store.document_chunks(document.key, None)?;
        let chunks: Vec<u64> = chunks.iter().map(|stored| stored.chunk.key).collect();
        let entries = pipeline.store.index_entries(&chunks)?;
        pipeline.index_keywords(&entries)?;
        pipeline.index_vectors(&places(&entries))?;
        keys.push(chunks);
    }
    if documents.is_empty() {
        return Ok(());
    }
    pipeline.lexical.commit()?;
    for ((job, document), chunks) in documents.iter().zip(keys) {
        if document.chunks == 0 {
            fail(pipeline, job, &without_text(document))?;
        } else if pipeline
            .store
            .finish_job(job, DocumentStatus::Ready, None)?
        {
            tracing::info!(document = %document.id, chunks = chunks.len(), "document ready");
            pipeline.announce_key(document.key)?;
        } else {
            // Deleted while it was being indexed.
            pipeline.forget(&chunks)?;
        }
    }
    Ok(())
}

fn fail(pipeline: &Pipeline, job: &Job, reason: &str) -> Result<(), JobsError> {
    tracing::warn!(document_key = job.document_key, %reason, "document failed");
    pipeline
        .store
        .finish_job(job, DocumentStatus::Failed, Some(reason))?;
    pipeline.announce_key(job.document_key)
}

fn without_text(document: &Document) -> String {
    match (document.paged, document.pages) {
        (true, 1) => {
            "its only page has no text: is it a scan? Text recognition is needed".to_owned()
        }
        (true, pages) => format!(
            "none of its {pages} pages has text: are they scans? Text recognition is needed"
        ),
        (false, _) => "there is no text in it".to_owned(),
    }
}
