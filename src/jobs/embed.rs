//! The second step: from chunks to vectors and into both indexes. Documents
//! are taken in groups, because a commit of the keyword index costs about
//! 100 ms whatever is in it, and a batch of the encoder pays off when full.

use super::{JobsError, Pipeline, Signal};
use crate::store::Job;
use crate::types::{Document, DocumentStatus};

/// Chunks that are embedded before the queue is looked at again: a few seconds.
const GROUP_CHUNKS: u64 = 256;

/// Chunks that go through the encoder at once, and whose vectors are stored in
/// one transaction.
const BATCH_CHUNKS: usize = 16;

/// Embeds and indexes one group of documents; `false` if none waits.
pub(super) fn work_off(pipeline: &Pipeline, signal: &Signal) -> Result<bool, JobsError> {
    let jobs = pipeline.store.take_embed_jobs(GROUP_CHUNKS)?;
    if jobs.is_empty() {
        if pipeline.vectors.is_dirty() {
            pipeline.vectors.save()?;
            pipeline.lexical.release_writer()?;
        }
        return Ok(false);
    }
    let mut embedded = Vec::new();
    for job in &jobs {
        match embed(pipeline, signal, job) {
            Ok(Some(document)) => embedded.push((job, document)),
            Ok(None) => pipeline.store.release_job(job)?,
            Err(error) => fail(pipeline, job, &error.to_string())?,
        }
    }
    publish(pipeline, &embedded)?;
    Ok(true)
}

/// Embeds what a document still lacks. `None`: not all of it, the rest waits.
fn embed(pipeline: &Pipeline, signal: &Signal, job: &Job) -> Result<Option<Document>, JobsError> {
    let fingerprint = pipeline.encoder.fingerprint();
    let lacking = pipeline
        .store
        .chunks_without_vector(fingerprint, job.document_key)?;
    let now = lacking.len().min(GROUP_CHUNKS as usize);
    for batch in lacking[..now].chunks(BATCH_CHUNKS) {
        if signal.is_stopping() {
            return Ok(None);
        }
        let texts: Vec<&str> = batch.iter().map(|(_, text)| text.as_str()).collect();
        let vectors = pipeline.encoder.embed(&texts)?;
        let keyed: Vec<(u64, Vec<f32>)> = batch.iter().map(|(key, _)| *key).zip(vectors).collect();
        pipeline
            .store
            .insert_vectors(fingerprint, job.document_key, &keyed)?;
        pipeline.announce_key(job.document_key)?;
    }
    if now < lacking.len() {
        return Ok(None);
    }
    Ok(pipeline.store.document_by_key(job.document_key)?)
}

/// Indexes whole documents with one commit, then calls them ready.
fn publish(pipeline: &Pipeline, documents: &[(&Job, Document)]) -> Result<(), JobsError> {
    let mut keys = Vec::with_capacity(documents.len());
    for (_, document) in documents {
        let chunks = pipeline.store.document_chunks(document.key, None)?;
        let chunks: Vec<u64> = chunks.iter().map(|stored| stored.chunk.key).collect();
        let entries = pipeline.store.index_entries(&chunks)?;
        pipeline.index_keywords(&entries)?;
        pipeline.index_vectors(&entries)?;
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
