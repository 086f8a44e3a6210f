//! How the instance did over the last hour: a sample every few seconds, kept
//! in memory alone and never more than an hour of them. Must hold nothing of
//! what was asked.

use super::{Caller, Inner, Service, Status};
use crate::error::Fault;
use crate::types::Time;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a sample is taken.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);

/// Samples of an hour.
const KEPT: usize = 360;

/// The instance at one moment, and how busy it was since the sample before.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub at: Time,
    pub requests_per_s: f64,
    /// Tokens that the chat model read.
    pub prompt_tokens_per_s: f64,
    /// Tokens that it wrote.
    pub answer_tokens_per_s: f64,
    /// From question to first word, on average; `None`: nothing was answered.
    pub first_token_s: Option<f64>,
    /// Answers that are being written, and those that wait for that.
    pub running: u64,
    pub waiting: u64,
    pub jobs_pending: u64,
    pub memory_bytes: u64,
    pub keyword_bytes: u64,
    pub vector_bytes: u64,
    pub database_bytes: u64,
}

/// What only ever rises; two of them make rates.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    requests: u64,
    prompt_tokens: u64,
    answer_tokens: u64,
    first_tokens: u64,
    first_token_seconds: f64,
}

/// The samples of the last hour.
#[derive(Default)]
pub(super) struct Samples(Mutex<Ring>);

#[derive(Default)]
struct Ring {
    samples: VecDeque<Sample>,
    before: Option<(Totals, Instant)>,
}

impl Samples {
    fn add(&self, status: &Status, totals: Totals, now: Instant) {
        let mut ring = self.lock();
        let (before, seconds) = match ring.before {
            Some((before, then)) => (before, now.duration_since(then).as_secs_f64()),
            None => (totals, 0.0),
        };
        ring.before = Some((totals, now));
        if ring.samples.len() == KEPT {
            ring.samples.pop_front();
        }
        ring.samples
            .push_back(sample(status, totals, before, seconds));
    }

    fn read(&self) -> Vec<Sample> {
        self.lock().samples.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sample(status: &Status, now: Totals, before: Totals, seconds: f64) -> Sample {
    // A model that was exchanged counts from zero again.
    let rate = |now: u64, before: u64| match seconds > 0.0 {
        true => now.saturating_sub(before) as f64 / seconds,
        false => 0.0,
    };
    let answered = now.first_tokens.saturating_sub(before.first_tokens);
    let waited = now.first_token_seconds - before.first_token_seconds;
    let activity = status.activity.unwrap_or_default();
    Sample {
        at: Time::now(),
        requests_per_s: rate(now.requests, before.requests),
        prompt_tokens_per_s: rate(now.prompt_tokens, before.prompt_tokens),
        answer_tokens_per_s: rate(now.answer_tokens, before.answer_tokens),
        first_token_s: (answered > 0).then(|| waited / answered as f64),
        running: activity.running as u64,
        waiting: activity.waiting as u64,
        jobs_pending: status.jobs_pending,
        memory_bytes: status.memory_bytes,
        keyword_bytes: status.indexes.keyword_bytes,
        vector_bytes: status.indexes.vector_bytes,
        database_bytes: status.indexes.database_bytes,
    }
}

impl Service {
    /// Counts a request, of whoever to whatever.
    pub fn count_request(&self) {
        self.inner.figures.note_request();
    }

    /// The samples of the last hour, oldest first.
    pub fn samples(&self, caller: &Caller) -> Result<Vec<Sample>, Fault> {
        caller.require_operator()?;
        Ok(self.inner.samples.read())
    }

    /// Takes a sample now and then, for as long as the service lives.
    pub(super) fn take_samples(&self) {
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            while let Some(inner) = inner.upgrade() {
                let taken = super::off_thread(move || inner.take_sample()).await;
                if let Err(error) = taken {
                    tracing::warn!(%error, "no sample of the figures was taken");
                }
                tokio::time::sleep(SAMPLE_EVERY).await;
            }
        });
    }
}

impl Inner {
    fn take_sample(&self) -> Result<(), Fault> {
        let status = self.status()?;
        let activity = status.activity.unwrap_or_default();
        let first_token = &status.answers.first_token;
        let totals = Totals {
            requests: self.figures.requests(),
            prompt_tokens: activity.prompt_tokens,
            answer_tokens: activity.answer_tokens,
            first_tokens: first_token.count,
            first_token_seconds: first_token.seconds,
        };
        self.samples.add(&status, totals, Instant::now());
        self.models.note_speed()
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Samples, Totals};
    use crate::config::Config;
    use crate::service::Service;
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn rates_come_of_two_samples_and_an_hour_of_them_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: folder.path().to_owned(),
            handbook: false,
            ..Config::default()
        };
        let service = Service::open(config).await.unwrap();
        let status = service.status().await.unwrap();
        let samples = Samples::default();
        let began = Instant::now();
        let mut totals = Totals::default();
        for n in 0..KEPT + 5 {
            samples.add(&status, totals, began + Duration::from_secs(10 * n as u64));
            totals.requests += 20;
            totals.first_tokens += 2;
            totals.first_token_seconds += 3.0;
        }
        let read = samples.read();
        assert_eq!(read.len(), KEPT);
        let last = read.last().unwrap();
        assert_eq!(last.requests_per_s, 2.0);
        assert_eq!(last.first_token_s, Some(1.5));
        assert_eq!(last.answer_tokens_per_s, 0.0);
        assert!(last.database_bytes > 0);
        // What counts from zero again is no negative rate.
        samples.add(
            &status,
            Totals::default(),
            began + Duration::from_secs(9000),
        );
        assert_eq!(samples.read().last().unwrap().requests_per_s, 0.0);
    }
}
