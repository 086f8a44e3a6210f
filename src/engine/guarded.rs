//! A panic of an inference library costs the request that met it, not the
//! process: it becomes a sentence.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work` and turns its error, or its panic, into a sentence.
pub(crate) fn guarded<T, E: std::fmt::Display>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| first_line(&error.to_string())),
        Err(payload) => Err(payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "an unexpected stop".to_owned())),
    }
}

/// The library appends backtraces to its messages; people need the first line.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
