//! The requests that wait for the model, and how fast it has been: what an
//! asker is told about waiting is measured here.

use super::GenerationEvent;
use super::error::DecoderError;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// Requests that may wait at once.
pub(super) const CAPACITY: usize = 32;
/// Weight that measurements keep when a new one arrives.
const MEMORY: f32 = 0.7;
/// What a request is taken to last while none has been measured.
const UNMEASURED: Duration = Duration::from_secs(5);

/// A request, ready for the worker.
pub(super) struct Job {
    pub(super) prompt: Vec<u32>,
    /// Most tokens of the answer.
    pub(super) limit: usize,
    pub(super) sampling: candle_transformers::generation::Sampling,
    pub(super) seed: u64,
    pub(super) stop: Vec<String>,
    pub(super) events: UnboundedSender<GenerationEvent>,
}

/// The queue between the askers and the worker.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    closed: bool,
    running_since: Option<Instant>,
    /// Duration of a request, smoothed.
    request: Option<Duration>,
    /// Prompt tokens and the seconds they took, fading.
    prefill: (f32, f32),
}

impl Queue {
    /// Adds a request, or says in how many seconds there may be room.
    pub(super) fn put(&self, job: Job) -> Result<(), DecoderError> {
        let mut state = self.lock();
        if state.waiting.len() >= CAPACITY {
            state.waiting.retain(|job| !job.events.is_closed());
        }
        if state.waiting.len() >= CAPACITY {
            return Err(DecoderError::Busy {
                retry_after: state.seconds_until_room(),
            });
        }
        state.waiting.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next request that someone still wants; `None` when the
    /// queue is closed and empty.
    pub(super) fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        if let Some(since) = state.running_since.take() {
            state.note_request(since.elapsed());
        }
        loop {
            while let Some(job) = state.waiting.pop_front() {
                if !job.events.is_closed() {
                    state.running_since = Some(Instant::now());
                    return Some(job);
                }
            }
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets the worker end once nothing waits.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Remembers how long reading a prompt took.
    pub(super) fn note_prefill(&self, tokens: usize, took: Duration) {
        let mut state = self.lock();
        state.prefill.0 = state.prefill.0 * MEMORY + tokens as f32;
        state.prefill.1 = state.prefill.1 * MEMORY + took.as_secs_f32();
    }

    /// How long reading a prompt will take, once one has been read.
    pub(super) fn prefill_seconds(&self, tokens: usize) -> Option<f32> {
        let (read, seconds) = self.lock().prefill;
        (read > 0.0).then(|| tokens as f32 * seconds / read)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note_request(&mut self, took: Duration) {
        self.request = Some(match self.request {
            Some(usual) => usual.mul_f32(MEMORY) + took.mul_f32(1.0 - MEMORY),
            None => took,
        });
    }

    /// The running request has to end first.
    fn seconds_until_room(&self) -> u64 {
        let usual = self.request.unwrap_or(UNMEASURED);
        let elapsed = self
            .running_since
            .map_or(Duration::ZERO, |since| since.elapsed());
        let left = usual.saturating_sub(elapsed).as_secs_f32().ceil();
        (left as u64).max(1)
    }
}
