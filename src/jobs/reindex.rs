//! Making both indexes anew from SQLite while they serve: the documents take
//! the place of what the indexes have of them, one batch after another, and in
//! the end nothing is left of what was written before. How far it is stands in
//! the database, so that another start goes on where this one ended.

use super::pipeline::{lock, places};
use super::{JobsError, Pipeline, Signal, prune, reconcile};
use crate::store::StoreError;
use serde::{Deserialize, Serialize};

/// The setting that says how far it is, while it is under way.
const SETTING: &str = "reindexing";

/// Chunks of one batch, about: a second of work.
const BATCH_CHUNKS: u64 = 2_000;

/// How far the indexes are being made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reindexing {
    /// Whether the vectors are computed anew too.
    pub embeddings: bool,
    /// Documents that are done.
    pub done: u64,
    /// Those that there are to do.
    pub total: u64,
    /// Key of the last document that is done.
    after: u64,
    /// Key of the last document to do; later ones are indexed when they come.
    until: u64,
}

impl Pipeline {
    /// Begins to make the indexes anew, from the start if that is under way in
    /// another manner; the caller wakes the workers.
    pub fn begin_reindexing(&self, embeddings: bool) -> Result<Reindexing, JobsError> {
        let _publishing = lock(&self.publishing);
        if let Some(running) = self.reindexing()?
            && running.embeddings == embeddings
        {
            return Ok(running);
        }
        let (until, total) = self.store.last_document()?;
        let begun = Reindexing {
            embeddings,
            done: 0,
            total,
            after: 0,
            until,
        };
        note(self, &begun)?;
        Ok(begun)
    }

    /// How far the indexes are being made anew, if they are.
    pub fn reindexing(&self) -> Result<Option<Reindexing>, JobsError> {
        let noted = self.store.setting(SETTING)?;
        noted
            .map(|text| serde_json::from_str(&text).map_err(unreadable))
            .transpose()
    }
}

/// Takes one batch, also of what the start left to do, and when nothing else is
/// left of what is to be forgotten; `false` if there is nothing to do.
pub(super) fn work_off(pipeline: &Pipeline, _: &Signal) -> Result<bool, JobsError> {
    if reconcile::work_off(pipeline)? {
        return Ok(true);
    }
    let Some(mut state) = pipeline.reindexing()? else {
        return prune::work_off(pipeline);
    };
    let documents = pipeline
        .store
        .documents_between(state.after, state.until, BATCH_CHUNKS)?;
    let Some(last) = documents.last() else {
        finish(pipeline)?;
        return Ok(true);
    };
    state.after = last.key;
    state.done += documents.len() as u64;
    let ready = documents.iter().filter(|one| one.is_ready);
    let ready: Vec<u64> = ready.map(|one| one.key).collect();
    if state.embeddings {
        for &key in &ready {
            // It stays in both indexes until it is embedded.
            let fingerprint = pipeline.encoder.fingerprint();
            pipeline.store.discard_embedding(fingerprint, key)?;
        }
    }
    let _publishing = lock(&pipeline.publishing);
    index(pipeline, &ready)?;
    // Somebody may have asked for another manner meanwhile.
    let now = pipeline.reindexing()?;
    if now.is_some_and(|now| now.embeddings == state.embeddings && now.done <= state.done) {
        note(pipeline, &state)?;
    }
    Ok(true)
}

/// Puts whole documents into both indexes, in place of what they have of them.
fn index(pipeline: &Pipeline, documents: &[u64]) -> Result<(), JobsError> {
    let mut keys = Vec::new();
    for &document in documents {
        let chunks = pipeline.store.document_chunks(document, None)?;
        keys.extend(chunks.iter().map(|stored| stored.chunk.key));
    }
    if keys.is_empty() {
        return Ok(());
    }
    let entries = pipeline.store.index_entries(&keys)?;
    pipeline.index_keywords(&entries)?;
    let lacking = pipeline.index_vectors(&places(&entries))?;
    pipeline.lexical.commit()?;
    let fingerprint = pipeline.encoder.fingerprint();
    pipeline.store.requeue_lacking(fingerprint, lacking)?;
    pipeline.forget_gone(&keys)
}

/// Takes out what belongs to no document, and what lies about of the old indexes.
fn finish(pipeline: &Pipeline) -> Result<(), JobsError> {
    let _publishing = lock(&pipeline.publishing);
    let differences = reconcile::compare(pipeline)?;
    reconcile::repair(pipeline, &differences)?;
    if let Err(error) = pipeline.lexical.purge() {
        tracing::warn!(%error, "old files of the keyword index are removed later");
    }
    prune::forget_former(pipeline)?;
    pipeline.store.remove_setting(SETTING)?;
    tracing::info!("the indexes were made anew");
    Ok(())
}

fn note(pipeline: &Pipeline, state: &Reindexing) -> Result<(), JobsError> {
    let text = serde_json::to_string(state).map_err(unreadable)?;
    Ok(pipeline.store.set_setting(SETTING, &text)?)
}

fn unreadable(error: serde_json::Error) -> JobsError {
    StoreError::Value(error.to_string()).into()
}
