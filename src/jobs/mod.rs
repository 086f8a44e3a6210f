//! The durable queue: what happens to a document after its upload was
//! acknowledged. Two threads work it off, one reads text, one embeds and
//! indexes, so that a new upload is read at once while a book is still being
//! embedded; a third ends what the start found lacking in the vector index and makes
//! the indexes anew when somebody wants that, a fourth deletes conversations whose
//! time is over. Every step can be cut off at any moment and begun again: the queue
//! and all results are in SQLite, and the indexes are compared with it at each
//! start. Owns the folder of originals. Must not know who asked or over what.

mod embed;
mod ingest;
mod memory;
mod originals;
mod pipeline;
mod prune;
mod reasons;
mod reconcile;
mod reindex;
mod steps;
mod sweep;
mod verify;

pub use originals::Originals;
pub use pipeline::Pipeline;
pub use reasons::is_ours;
pub use reconcile::Differences;
pub use reindex::Reindexing;
pub use steps::IngestionFigures;
pub use verify::Deviations;

use crate::error::{ErrorKind, Kind};
use crate::lexical::LexicalError;
use crate::store::StoreError;
use crate::vectors::VectorsError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a step of a document is begun before it is given up.
const MAX_ATTEMPTS: u32 = 3;

/// How long a worker sleeps at most when nobody wakes it.
const NAP: Duration = Duration::from_secs(5);

/// How long a worker rests after a step that failed: a disk or a database that
/// is in trouble may be out of it by then.
const REST: Duration = Duration::from_secs(1);

/// The running workers. Dropping it without [`Jobs::stop`] leaves them running.
pub struct Jobs {
    pipeline: Arc<Pipeline>,
    signal: Arc<Signal>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Jobs {
    /// Brings the keyword index in line with SQLite, then starts working off the
    /// queue; what the vector index lacks comes in meanwhile.
    pub fn start(pipeline: Pipeline) -> Result<Self, JobsError> {
        let waiting = pipeline.store.requeue_interrupted_jobs()?;
        if waiting > 0 {
            tracing::info!(jobs = waiting, "ingestion continues where it was cut off");
        }
        pipeline.originals.settle_all(|id| {
            let document = pipeline.store.document_by_id(id)?;
            Ok::<_, JobsError>(document.map(|document| document.sha256))
        })?;
        pipeline
            .originals
            .sweep(&pipeline.store.all_document_ids()?)?;
        prune::note_use(&pipeline)?;
        reconcile::begin(&pipeline)?;
        let jobs = Self {
            pipeline: Arc::new(pipeline),
            signal: Arc::new(Signal::default()),
            workers: Mutex::new(Vec::new()),
        };
        jobs.spawn("extract", ingest::work_off)?;
        jobs.spawn("embed", embed::work_off)?;
        jobs.spawn("reindex", reindex::work_off)?;
        jobs.spawn("sweep", sweep::work_off)?;
        Ok(jobs)
    }

    fn spawn(
        &self,
        name: &str,
        work_off: fn(&Pipeline, &Signal) -> Result<bool, JobsError>,
    ) -> Result<(), JobsError> {
        let pipeline = Arc::clone(&self.pipeline);
        let signal = Arc::clone(&self.signal);
        let worker = std::thread::Builder::new()
            .name(format!("satchel-{name}"))
            .spawn(move || run(&pipeline, &signal, work_off))
            .map_err(JobsError::Files)?;
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(worker);
        Ok(())
    }

    /// Says that there is work.
    pub fn wake(&self) {
        self.signal.notify();
    }

    /// What the workers work on.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Ends the workers after the batch in hand and saves the vector index.
    pub fn stop(&self) {
        self.signal.stopping.store(true, Ordering::Release);
        self.signal.notify();
        let workers =
            std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            // Panics of steps are caught; a worker that still died has logged why.
            let _ = worker.join();
        }
        if let Err(error) = self.pipeline.tidy() {
            tracing::warn!(%error, "deleted documents leave the keyword index at the next start");
        }
        if let Err(error) = self.pipeline.vectors.save() {
            tracing::warn!(%error, "the vector index was not saved; it is made again at the next start");
        }
    }
}

/// Takes steps until told to stop; sleeps while there are none.
fn run(
    pipeline: &Pipeline,
    signal: &Signal,
    work_off: fn(&Pipeline, &Signal) -> Result<bool, JobsError>,
) {
    while !signal.is_stopping() {
        let seen = signal.generation();
        // What a step took and did not end, it finds again when it next asks.
        match caught(|| work_off(pipeline, signal)) {
            Ok(true) => signal.notify(),
            Ok(false) => signal.wait(seen),
            Err(error) => {
                tracing::error!(%error, "a step of ingestion failed and will be tried again");
                signal.pause();
            }
        }
    }
}

/// What panics fails: the worker goes on.
fn caught<T>(step: impl FnOnce() -> Result<T, JobsError>) -> Result<T, JobsError> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or(Err(JobsError::Panicked))
}

/// Wakes the workers, and tells them to stop.
#[derive(Default)]
pub(crate) struct Signal {
    generation: Mutex<u64>,
    changed: Condvar,
    stopping: AtomicBool,
}

impl Signal {
    fn notify(&self) {
        *self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    fn generation(&self) -> u64 {
        *self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Sleeps for [`REST`], or until it is time to stop.
    fn pause(&self) {
        let guard = self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let stays = |_: &mut u64| !self.is_stopping();
        drop(self.changed.wait_timeout_while(guard, REST, stays));
    }

    /// Sleeps until something happened since `seen`, or for [`NAP`].
    fn wait(&self, seen: u64) {
        let guard = self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let same = |generation: &mut u64| *generation == seen;
        drop(self.changed.wait_timeout_while(guard, NAP, same));
    }
}

/// Why a step could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lexical(#[from] LexicalError),
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    #[error(transparent)]
    Encoder(#[from] crate::engine::encoder::EncoderError),
    #[error("the folder of original files: {0}")]
    Files(#[from] std::io::Error),
    #[error("satchel made a mistake, which its log describes")]
    Panicked,
}

impl Kind for JobsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Lexical(error) => error.kind(),
            Self::Vectors(error) => error.kind(),
            Self::Encoder(error) => error.kind(),
            Self::Files(_) => ErrorKind::Storage,
            Self::Panicked => ErrorKind::Internal,
        }
    }
}
