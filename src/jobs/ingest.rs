//! The first step: from the original to pages and chunks.

use super::reasons::{NOT_READ, NOT_STORED};
use super::steps::Step;
use super::{JobsError, MAX_ATTEMPTS, Pipeline, Signal};
use crate::error::Kind;
use crate::extract::{Limits, SplitOptions, extract, split};
use crate::store::{Job, NewText, StoreError, StoredChunk};
use crate::types::{Document, DocumentStatus};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Reads one waiting document; `false` if none waits.
pub(super) fn work_off(pipeline: &Pipeline, _signal: &Signal) -> Result<bool, JobsError> {
    let Some(job) = pipeline.store.take_extract_job()? else {
        return Ok(false);
    };
    let Some(mut document) = pipeline.store.document_by_key(job.document_key)? else {
        return Ok(true);
    };
    document.status = DocumentStatus::Extracting;
    pipeline
        .store
        .set_document_status(document.key, document.status, None)?;
    pipeline.announce(&document);
    let outcome = if job.attempts > MAX_ATTEMPTS {
        Err(
            "reading this file was begun several times and never ended, so it is not tried again"
                .to_owned(),
        )
    } else {
        // A hostile file must not take anything else down with it.
        catch_unwind(AssertUnwindSafe(|| read(pipeline, &job, &document)))
            .unwrap_or_else(|_| Err("the file could not be read: it is damaged".to_owned()))
    };
    let outcome = match outcome {
        Ok(Err(error)) if job.attempts >= MAX_ATTEMPTS => Err(format!("{NOT_STORED}{error}")),
        outcome => outcome,
    };
    conclude(pipeline, &job, &document, outcome)
}

/// Stores pages and chunks; an error is the reason for people.
fn read(
    pipeline: &Pipeline,
    job: &Job,
    document: &Document,
) -> Result<Result<bool, JobsError>, String> {
    if let Err(error) = pipeline.originals.settle(&document.id, &document.sha256) {
        return Ok(Err(error.into()));
    }
    let path = pipeline.originals.path(&document.id);
    // A line of a `.jsonl` file was stored as its text.
    let name = match document.external_id {
        Some(_) => "record.txt",
        None => document.filename.as_str(),
    };
    let limits = Limits {
        // The upload was let in: how large a file may be is said there.
        max_bytes: document.bytes,
        ..Limits::default()
    };
    let steps = &pipeline.steps;
    let extracted = steps
        .time(Step::Extract, || extract(&path, name, &limits))
        .map_err(|error| match error.kind().is_ours() {
            true => format!("{NOT_READ}{error}"),
            false => error.to_string(),
        })?;
    steps.count_pages(extracted.pages.len());
    let encoder = &pipeline.encoder;
    let mut options = SplitOptions::default();
    // A chunk is read to its end, whichever model reads it.
    options.max_tokens = options.max_tokens.min(encoder.room());
    options.target_tokens = options.target_tokens.min(options.max_tokens);
    let chunks = steps.time(Step::Split, || {
        split(&extracted, &options, &|text| encoder.count_tokens(text))
    });
    let language = extracted.language();
    let metadata = document.metadata.clone().or(extracted.metadata);
    let before = pipeline.store.document_chunks(document.key, None);
    let text = NewText {
        file_type: extracted.file_type,
        paged: extracted.paged,
        language,
        metadata: &metadata,
        pages: &extracted.pages,
        chunks: &chunks,
    };
    let stored = steps.time(Step::Store, || pipeline.store.store_extraction(job, &text));
    let unread = extracted
        .pages
        .iter()
        .filter(|page| !page.outcome.is_read())
        .count();
    tracing::info!(
        document = %document.id,
        pages = extracted.pages.len(),
        unread,
        chunks = chunks.len(),
        language,
        "text extracted"
    );
    Ok(replaced(pipeline, before, stored))
}

/// What was in the indexes of an earlier reading is taken out of them, if this
/// one has `ended` the document's job.
fn replaced(
    pipeline: &Pipeline,
    before: Result<Vec<StoredChunk>, StoreError>,
    ended: Result<bool, StoreError>,
) -> Result<bool, JobsError> {
    let before: Vec<u64> = before?.iter().map(|stored| stored.chunk.key).collect();
    let ended = ended?;
    if ended {
        pipeline.forget(&before)?;
    }
    Ok(ended)
}

fn conclude(
    pipeline: &Pipeline,
    job: &Job,
    document: &Document,
    outcome: Result<Result<bool, JobsError>, String>,
) -> Result<bool, JobsError> {
    match outcome {
        Ok(stored) => {
            stored?;
        }
        Err(reason) => {
            tracing::warn!(document = %document.id, %reason, "document failed");
            let before = pipeline.store.document_chunks(document.key, None);
            let failed = pipeline.store.fail_extraction(job, &reason);
            replaced(pipeline, before, failed)?;
        }
    }
    pipeline.announce_key(document.key)?;
    Ok(true)
}
