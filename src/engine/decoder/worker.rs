//! The thread that owns the model: it takes one request after the other,
//! reads the prompt in slices and writes the answer token by token. Between
//! any two steps it looks whether anyone still listens.

use super::GenerationEvent;
use super::answer_text::AnswerText;
use super::error::DecoderError;
use super::network::Network;
use super::queue::{Job, Queue};
use crate::engine::guarded::guarded;
use crate::engine::tokens::Tokenizer;
use crate::types::{FinishReason, TokenUsage};
use candle_core::Tensor;
use candle_transformers::generation::LogitsProcessor;
use std::sync::Arc;
use std::time::Instant;

/// Sizes of the slices in which a prompt is read. The first bounds how long a
/// cancelled request still occupies the model. The rest is read in multiples
/// of the others, because the library keeps a mask for every pair of slice
/// size and position: with arbitrary rests it would keep ever more of them.
const SLICES: [usize; 4] = [128, 32, 8, 1];

pub(super) struct Worker {
    pub(super) network: Network,
    pub(super) tokenizer: Arc<Tokenizer>,
    pub(super) queue: Arc<Queue>,
    pub(super) context_tokens: usize,
}

/// How an answer ended; nothing if nobody listens any more.
type Ending = Option<(FinishReason, TokenUsage)>;

impl Worker {
    /// Serves requests until the queue is closed.
    pub(super) fn run(mut self) {
        while let Some(job) = self.queue.take() {
            let ending = guarded(|| Ok::<_, String>(self.answer(&job)))
                .unwrap_or_else(|reason| Err(DecoderError::Internal(reason)));
            self.network.forget();
            let last = match ending {
                Ok(Some((finish, usage))) => GenerationEvent::Done { finish, usage },
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(%error, "an answer failed");
                    GenerationEvent::Failed(error)
                }
            };
            // The listener may have left meanwhile, which is no failure.
            let _ = job.events.send(last);
        }
    }

    fn answer(&mut self, job: &Job) -> Result<Ending, DecoderError> {
        let tokens = job.prompt.len();
        let seconds = self.queue.prefill_seconds(tokens);
        let started = GenerationEvent::Prefill { tokens, seconds };
        if job.events.send(started).is_err() {
            return Ok(None);
        }
        match self.read(job)? {
            Some(scores) => self.write(job, scores),
            None => Ok(None),
        }
    }

    /// Reads the prompt; nothing if nobody listens any more.
    fn read(&mut self, job: &Job) -> Result<Option<Tensor>, DecoderError> {
        let begun = Instant::now();
        let mut scores = None;
        let mut position = 0;
        for slice in slices(job.prompt.len()) {
            if job.events.is_closed() {
                return Ok(None);
            }
            let tokens = &job.prompt[position..position + slice];
            scores = Some(self.network.forward(tokens, position)?);
            position += slice;
        }
        self.queue.note_prefill(position, begun.elapsed());
        scores
            .map(Some)
            .ok_or_else(|| DecoderError::Internal("there was no prompt to read".to_owned()))
    }

    /// Writes the answer that follows from the scores behind the prompt.
    fn write(&mut self, job: &Job, mut scores: Tensor) -> Result<Ending, DecoderError> {
        let mut sampler = LogitsProcessor::from_sampling(job.seed, job.sampling.clone());
        let mut text = AnswerText::new(job.stop.clone(), self.tokenizer.starts_with_space());
        let mut position = job.prompt.len();
        let mut usage = TokenUsage {
            prompt: position as u64,
            ..TokenUsage::default()
        };
        let room = self.context_tokens.saturating_sub(position);
        let limit = job.limit.min(room) as u64;
        let finish = loop {
            if usage.completion >= limit {
                break FinishReason::Length;
            }
            let token = guarded(|| sampler.sample(&scores)).map_err(DecoderError::Internal)?;
            usage.completion += 1;
            if self.tokenizer.is_end(token) {
                break FinishReason::Stop;
            }
            let piece = text.push(&self.tokenizer.bytes_of(token));
            if !send_text(job, piece.text) {
                return Ok(None);
            }
            if piece.stopped {
                return Ok(Some((FinishReason::Stop, usage)));
            }
            if usage.completion < limit {
                scores = self.network.forward(&[token], position)?;
                position += 1;
            }
        };
        Ok(send_text(job, text.finish()).then_some((finish, usage)))
    }
}

/// Passes text on; whether someone still listens.
fn send_text(job: &Job, text: String) -> bool {
    if text.is_empty() {
        return !job.events.is_closed();
    }
    job.events.send(GenerationEvent::Token(text)).is_ok()
}

/// Cuts a prompt's length into slices to be read one after the other.
fn slices(length: usize) -> Vec<usize> {
    let [full, medium, small, single] = SLICES;
    let mut slices = vec![full; length / full];
    let mut rest = length % full;
    for step in [medium, small, single] {
        let slice = rest - rest % step;
        if slice > 0 {
            slices.push(slice);
        }
        rest -= slice;
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::slices;

    #[test]
    fn slices_cover_the_prompt_and_single_tokens_come_last() {
        for length in 0..700 {
            let slices = slices(length);
            assert_eq!(slices.iter().sum::<usize>(), length);
            assert!(slices.iter().rev().skip(1).all(|slice| *slice > 1));
            assert!(slices.len() <= length / 128 + 3);
        }
    }
}
