//! Whose vectors are kept: those of the embedding model in force, and of the one
//! before it, so that going back costs nothing. Those of other models are removed
//! when a change has come to its end; who has the indexes made anew has the one
//! before forgotten too, and the room given back to the disk.

use super::{JobsError, Pipeline};
use crate::store::StoreError;
use std::sync::atomic::Ordering;

/// The setting that names the models whose vectors are kept, the last one first.
const SETTING: &str = "embedders_kept";

/// The setting that says that the file is to be made smaller afterwards.
const SHRINKING: &str = "embedders_forgotten";

/// Models whose vectors are kept.
const KEPT: usize = 2;

/// Vectors that are removed at a time: others write in between.
const AT_ONCE: usize = 2_000;

/// Notes that the model in force is used.
pub(super) fn note_use(pipeline: &Pipeline) -> Result<(), JobsError> {
    let mut kept = match kept(pipeline)? {
        kept if kept.is_empty() => pipeline.store.embedders()?,
        kept => kept,
    };
    let current = pipeline.encoder.fingerprint();
    kept.retain(|one| one != current);
    kept.insert(0, current.to_owned());
    kept.truncate(KEPT);
    note(pipeline, &kept)
}

/// Has the vectors of all other models than the one in force removed.
pub(super) fn forget_former(pipeline: &Pipeline) -> Result<(), JobsError> {
    let current = pipeline.encoder.fingerprint().to_owned();
    let all = pipeline.store.embedders()?;
    if all.iter().any(|one| *one != current) {
        note(pipeline, &[current])?;
        pipeline.store.set_setting(SHRINKING, "true")?;
        pipeline.pruned.store(false, Ordering::Release);
    }
    Ok(())
}

/// Removes some vectors of models that are not kept, once the vectors of the one in
/// force are whole; `false` if there is nothing to do.
pub(super) fn work_off(pipeline: &Pipeline) -> Result<bool, JobsError> {
    if pipeline.pruned.load(Ordering::Acquire) || pipeline.unembedded()? > 0 {
        return Ok(false);
    }
    let kept = kept(pipeline)?;
    if pipeline.store.remove_vectors_but(&kept, AT_ONCE)? {
        return Ok(true);
    }
    pipeline.pruned.store(true, Ordering::Release);
    if pipeline.store.setting(SHRINKING)?.is_some() {
        if let Err(error) = pipeline.store.purge() {
            tracing::warn!(%error, "the database keeps the room of vectors that were removed for others");
        }
        pipeline.store.remove_setting(SHRINKING)?;
    }
    Ok(false)
}

fn kept(pipeline: &Pipeline) -> Result<Vec<String>, JobsError> {
    let noted = pipeline.store.setting(SETTING)?;
    Ok(noted.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str(&text).map_err(unreadable)
    })?)
}

fn note(pipeline: &Pipeline, kept: &[String]) -> Result<(), JobsError> {
    let text = serde_json::to_string(kept).map_err(unreadable)?;
    Ok(pipeline.store.set_setting(SETTING, &text)?)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Value(error.to_string())
}
