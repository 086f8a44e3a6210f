//! What ingestion has done since the start and where its time went, for
//! monitoring. Times of threads that work side by side are added up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A part of ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// From bytes to the text of pages.
    Extract,
    /// From pages to chunks.
    Split,
    /// From chunks to vectors.
    Embed,
    /// Into the database.
    Store,
    /// Into both indexes.
    Index,
}

/// Names of the steps, in the order of [`Step`].
const NAMES: [&str; 5] = ["extract", "split", "embed", "store", "index"];

/// Counters of what was done.
#[derive(Debug, Default)]
pub struct Steps {
    nanoseconds: [AtomicU64; NAMES.len()],
    pages: AtomicU64,
    chunks: AtomicU64,
}

/// What ingestion has done since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestionFigures {
    /// Pages whose text was extracted, or found missing.
    pub pages: u64,
    /// Chunks that were embedded.
    pub chunks: u64,
    /// Seconds that each step took.
    pub seconds: Vec<(&'static str, f64)>,
}

impl Steps {
    /// Does `work` as a part of `step`.
    pub(super) fn time<T>(&self, step: Step, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds[step as usize].fetch_add(took, Ordering::Relaxed);
        done
    }

    pub(super) fn count_pages(&self, pages: usize) {
        self.pages.fetch_add(pages as u64, Ordering::Relaxed);
    }

    pub(super) fn count_chunks(&self, chunks: usize) {
        self.chunks.fetch_add(chunks as u64, Ordering::Relaxed);
    }

    /// What was done so far.
    pub fn read(&self) -> IngestionFigures {
        let seconds = |spent: &AtomicU64| spent.load(Ordering::Relaxed) as f64 / 1e9;
        IngestionFigures {
            pages: self.pages.load(Ordering::Relaxed),
            chunks: self.chunks.load(Ordering::Relaxed),
            seconds: NAMES
                .into_iter()
                .zip(self.nanoseconds.iter().map(seconds))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, Steps};
    use std::time::Duration;

    #[test]
    fn time_is_counted_where_it_was_spent() {
        let steps = Steps::default();
        let made = steps.time(Step::Embed, || {
            std::thread::sleep(Duration::from_millis(2));
            7
        });
        steps.count_chunks(3);
        let read = steps.read();
        assert_eq!((made, read.chunks, read.pages), (7, 3, 0));
        for (name, seconds) in read.seconds {
            assert_eq!(seconds >= 0.002, name == "embed", "{name}");
        }
    }
}
