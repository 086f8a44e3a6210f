//! How fast chat models write on this machine. Where one has written, that was
//! measured and is remembered; of others it is estimated: to write a token
//! alone, a model reads all of its weights once, so memory sets the pace. Must
//! not run a model to find out.

use crate::store::{Store, StoreError};
use std::hint::black_box;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// Share of the bandwidth of plain reading that writing reaches. Models of 0.5
/// and 1.5 billion parameters reached .9 on two cores; keys and values of a
/// conversation take some of it too.
const REACHED: f64 = 0.85;

/// What each thread reads to find out how fast memory is; larger than caches.
const PROBE_BYTES: usize = 48 * 1024 * 1024;

/// How often it reads that; the fastest time counts.
const PROBES: usize = 3;

/// Change of a speed that is worth remembering.
const NEWS: f64 = 0.05;

/// Before the names of the settings that remember what was measured.
const SETTING: &str = "speed:";

/// Tokens a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    pub tokens_per_second: f64,
    /// Whether it was measured on this machine, or follows from the size of
    /// the model and the speed of memory.
    pub measured: bool,
}

/// What is known of speeds.
pub(super) struct Speeds {
    store: Arc<Store>,
    threads: usize,
    /// Bytes a second.
    bandwidth: OnceLock<f64>,
    /// What was remembered last.
    noted: Mutex<Option<(String, f64)>>,
}

impl Speeds {
    pub(super) fn new(store: Arc<Store>, threads: usize) -> Self {
        Self {
            store,
            threads,
            bandwidth: OnceLock::new(),
            noted: Mutex::default(),
        }
    }

    /// Remembers how fast a file wrote, if that is news.
    pub(super) fn note(&self, file: &str, tokens_per_second: f64) -> Result<(), StoreError> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = noted.as_ref().is_some_and(|(known, speed)| {
            known == file && (speed / tokens_per_second - 1.0).abs() < NEWS
        });
        if is_known {
            return Ok(());
        }
        *noted = Some((file.to_owned(), tokens_per_second));
        let name = format!("{SETTING}{file}");
        self.store
            .set_setting(&name, &format!("{tokens_per_second:.2}"))
    }

    /// How fast a file writes, or would.
    pub(super) fn of(&self, file: &str, bytes: u64) -> Result<Speed, StoreError> {
        let kept = self.store.setting(&format!("{SETTING}{file}"))?;
        if let Some(measured) = kept.and_then(|text| text.parse().ok()) {
            return Ok(Speed {
                tokens_per_second: measured,
                measured: true,
            });
        }
        let bandwidth = self.bandwidth.get_or_init(|| read_speed(self.threads));
        Ok(Speed {
            tokens_per_second: bandwidth * REACHED / bytes.max(1) as f64,
            measured: false,
        })
    }
}

/// Bytes a second that so many threads read from memory together.
fn read_speed(threads: usize) -> f64 {
    let best = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(probe)).collect();
        let speeds = readers.into_iter().map(|reader| reader.join());
        // A probe that died counts for nothing.
        speeds.map(|speed| speed.unwrap_or(0.0)).sum::<f64>()
    });
    best.max(1.0)
}

fn probe() -> f64 {
    let numbers: Vec<u64> = (0..PROBE_BYTES / size_of::<u64>())
        .map(|n| n as u64)
        .collect();
    let times = (0..PROBES).map(|_| {
        let began = Instant::now();
        black_box(numbers.iter().fold(0_u64, |sum, n| sum.wrapping_add(*n)));
        began.elapsed().as_secs_f64()
    });
    let fastest = times.fold(f64::INFINITY, f64::min);
    PROBE_BYTES as f64 / fastest.max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::Speeds;
    use crate::store::Store;
    use std::sync::Arc;

    #[test]
    fn smaller_model_is_expected_to_be_faster_and_what_was_measured_counts() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("x.db")).unwrap());
        let speeds = Speeds::new(store, 2);
        let small = speeds.of("small.gguf", 1_000_000_000).unwrap();
        let large = speeds.of("large.gguf", 4_000_000_000).unwrap();
        assert!(!small.measured && !large.measured);
        assert!((small.tokens_per_second / large.tokens_per_second - 4.0).abs() < 0.01);
        assert!(small.tokens_per_second > 0.1);
        speeds.note("large.gguf", 7.5).unwrap();
        let large = speeds.of("large.gguf", 4_000_000_000).unwrap();
        assert_eq!((large.tokens_per_second, large.measured), (7.5, true));
    }
}
