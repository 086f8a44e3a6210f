//! The requests that wait for the model, and how fast it has been: what an
//! asker is told about waiting is measured here.

use super::GenerationEvent;
use super::error::DecoderError;
use crate::sampler::{AnswerStream, Sampler};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// Requests that may wait at once.
pub(super) const CAPACITY: usize = 32;
/// Weight that measurements keep when a new one arrives.
const MEMORY: f32 = 0.7;
/// What a request is taken to last while none has been measured.
const UNMEASURED: Duration = Duration::from_secs(5);

/// A request, ready for the scheduler.
pub(super) struct Job {
    pub(super) prompt: Vec<u32>,
    /// Most tokens of the answer.
    pub(super) limit: usize,
    pub(super) sampler: Sampler,
    pub(super) stream: AnswerStream,
    /// What to write when the thinking has to end.
    pub(super) close_thinking: Vec<u32>,
    pub(super) deadline: Option<Instant>,
    pub(super) events: UnboundedSender<GenerationEvent>,
}

/// What a model has done since it was loaded, and does now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ModelActivity {
    pub running: usize,
    pub waiting: usize,
    /// Prompt tokens that were read, and those that were still cached.
    pub prompt_tokens: u64,
    pub reused_tokens: u64,
    pub answer_tokens: u64,
    /// Answer tokens that were drafted from the prompt, and those that were right.
    pub drafted_tokens: u64,
    pub accepted_tokens: u64,
    /// How often an answer had to give up its room in the cache for a while.
    pub suspensions: u64,
    /// Blocks of the cache of keys and values; those that answers in progress
    /// use, and those that are kept for prompts that begin alike.
    pub cache_blocks: usize,
    pub cache_blocks_used: usize,
    pub cache_blocks_kept: usize,
    /// Measured of late.
    pub prompt_tokens_per_second: Option<f32>,
    pub answer_tokens_per_second: Option<f32>,
}

/// The queue between the askers and the scheduler.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

/// The end of a model's thread, which others may wait for.
pub struct Ending(Arc<Queue>);

impl Ending {
    pub(super) fn of(queue: &Arc<Queue>) -> Self {
        Self(Arc::clone(queue))
    }

    /// Waits until the thread has done everything, but not longer than this;
    /// whether it has.
    pub fn wait(self, patience: Duration) -> bool {
        let state = self.0.lock();
        let goes_on = |state: &mut State| !state.ended;
        let waited = self.0.changed.wait_timeout_while(state, patience, goes_on);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    closed: bool,
    ended: bool,
    keeps_nothing: bool,
    activity: ModelActivity,
    /// Duration of a request, smoothed.
    request: Option<Duration>,
    last_end: Option<Instant>,
    /// Tokens and the seconds they took, fading.
    prefill: (f32, f32),
    decode: (f32, f32),
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
        self.changed.notify_all();
        Ok(())
    }

    /// Waits until there is a request; whether there will ever be one.
    pub(super) fn wait(&self) -> bool {
        let mut state = self.lock();
        loop {
            state.waiting.retain(|job| !job.events.is_closed());
            if !state.waiting.is_empty() {
                return true;
            }
            if state.closed {
                return false;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next request that someone still wants, if it fits.
    pub(super) fn take_if(&self, fits: impl Fn(&Job) -> bool) -> Option<Job> {
        let mut state = self.lock();
        state.waiting.retain(|job| !job.events.is_closed());
        match state.waiting.front() {
            Some(job) if fits(job) => state.waiting.pop_front(),
            _ => None,
        }
    }

    /// Nothing that was read may be kept at the end.
    pub(super) fn keep_nothing(&self) {
        self.lock().keeps_nothing = true;
    }

    /// Whether [`Self::keep_nothing`] was said.
    pub(super) fn keeps_nothing(&self) -> bool {
        self.lock().keeps_nothing
    }

    /// Lets the scheduler end once nothing waits.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The scheduler has ended.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Remembers how long a request took.
    pub(super) fn note_request(&self, took: Duration) {
        let mut state = self.lock();
        state.request = Some(match state.request {
            Some(usual) => usual.mul_f32(MEMORY) + took.mul_f32(1.0 - MEMORY),
            None => took,
        });
        state.last_end = Some(Instant::now());
    }

    /// Remembers how long reading tokens of prompts took.
    pub(super) fn note_prefill(&self, tokens: usize, took: Duration) {
        note(&mut self.lock().prefill, tokens, took);
    }

    /// Remembers how long writing tokens took.
    pub(super) fn note_decode(&self, tokens: usize, took: Duration) {
        note(&mut self.lock().decode, tokens, took);
    }

    /// Changes what is told about the model's activity.
    pub(super) fn note_activity(&self, change: impl FnOnce(&mut ModelActivity)) {
        change(&mut self.lock().activity);
    }

    /// What the model has done and does.
    pub(super) fn activity(&self) -> ModelActivity {
        let state = self.lock();
        let speed = |(tokens, seconds): (f32, f32)| (seconds > 0.0).then(|| tokens / seconds);
        ModelActivity {
            waiting: state.waiting.len(),
            prompt_tokens_per_second: speed(state.prefill),
            answer_tokens_per_second: speed(state.decode),
            ..state.activity
        }
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

fn note(measured: &mut (f32, f32), tokens: usize, took: Duration) {
    measured.0 = measured.0 * MEMORY + tokens as f32;
    measured.1 = measured.1 * MEMORY + took.as_secs_f32();
}

impl State {
    /// One of the running requests has to end first.
    fn seconds_until_room(&self) -> u64 {
        let usual = self.request.unwrap_or(UNMEASURED);
        let apart = usual.div_f32(self.activity.running.max(1) as f32);
        let since = self.last_end.map_or(Duration::ZERO, |end| end.elapsed());
        let left = apart.saturating_sub(since).as_secs_f32().ceil();
        (left as u64).max(1)
    }
}
