//! Durations counted by length, in the form in which monitoring takes them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts durations; many threads may at once.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds in seconds, rising.
    bounds: &'static [f64],
    /// One for each bound, and one for what is longer than all.
    counts: Box<[AtomicU64]>,
    micros: AtomicU64,
}

/// What a histogram has counted.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramReading {
    /// Upper bounds in seconds, and how many were not longer.
    pub up_to: Vec<(f64, u64)>,
    pub count: u64,
    pub seconds: f64,
}

impl Histogram {
    /// Counts nothing yet.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            micros: AtomicU64::new(0),
        }
    }

    /// Counts a duration.
    pub fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = self.bounds.partition_point(|bound| *bound < seconds);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        let micros = took.as_micros().try_into().unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What has been counted.
    pub fn read(&self) -> HistogramReading {
        let mut count = 0;
        let mut so_far = Vec::with_capacity(self.counts.len());
        for one in &self.counts {
            count += one.load(Ordering::Relaxed);
            so_far.push(count);
        }
        HistogramReading {
            up_to: self.bounds.iter().copied().zip(so_far).collect(),
            count,
            seconds: self.micros.load(Ordering::Relaxed) as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;
    use std::time::Duration;

    #[test]
    fn durations_are_counted_under_every_bound_that_they_do_not_exceed() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for millis in [50, 100, 700, 5000] {
            histogram.note(Duration::from_millis(millis));
        }
        let read = histogram.read();
        assert_eq!(read.up_to, [(0.1, 2), (1.0, 3)]);
        assert_eq!((read.count, read.seconds), (4, 5.85));
    }
}
