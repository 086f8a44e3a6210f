//! Runs work on hostile input: in its own thread with a large stack, with
//! panics caught and a time limit.

use super::error::ExtractError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// Address space, not memory: pages are mapped when they are touched.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Name of the worker threads, by which a log can tell their panics.
const THREAD_NAME: &str = "extract";

/// Runs `work`. A thread that does not end in time is left behind.
pub(super) fn run<T, W>(limit: Duration, work: W) -> Result<T, ExtractError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, ExtractError> + Send + 'static,
{
    let (sender, receiver) = sync_channel(1);
    let body = move || {
        let outcome = caught(work).unwrap_or_else(|reason| {
            Err(ExtractError::Damaged {
                format: "given",
                reason,
            })
        });
        // Nobody waits any more after a timeout.
        let _ = sender.send(outcome);
    };
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .stack_size(STACK_BYTES)
        .spawn(body)
        .map_err(|error| ExtractError::Thread(error.to_string()))?;
    match receiver.recv_timeout(limit) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => Err(ExtractError::Timeout { limit }),
        Err(RecvTimeoutError::Disconnected) => Err(ExtractError::Damaged {
            format: "given",
            reason: "its reader stopped".to_owned(),
        }),
    }
}

/// Runs `work` and turns a panic into its message.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| "its content is not understood".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::extract::ExtractError;
    use std::time::Duration;

    #[test]
    fn a_panic_becomes_an_error() {
        let outcome: Result<(), _> = run(Duration::from_secs(5), || panic!("boom"));
        assert!(matches!(outcome, Err(ExtractError::Damaged { reason, .. }) if reason == "boom"));
    }

    #[test]
    fn work_that_hangs_ends_in_a_timeout() {
        let outcome: Result<(), _> = run(Duration::from_millis(20), || {
            std::thread::sleep(Duration::from_secs(2));
            Ok(())
        });
        assert!(matches!(outcome, Err(ExtractError::Timeout { .. })));
    }
}
