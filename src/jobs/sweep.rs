//! The end of conversations: those whose time to be kept is over are deleted.

use super::{JobsError, Pipeline, Signal};
use crate::types::Time;

/// Conversations that are deleted in one transaction.
const BATCH: usize = 100;

/// Deletes one batch; `false` if none is left.
pub(super) fn work_off(pipeline: &Pipeline, _: &Signal) -> Result<bool, JobsError> {
    let swept = pipeline.store.sweep_sessions(Time::now(), BATCH)?;
    if swept > 0 {
        tracing::info!(
            sessions = swept,
            "conversations were deleted: their time is over"
        );
    }
    Ok(swept == BATCH)
}
