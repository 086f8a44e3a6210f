//! The thread that owns the network. Each step is one pass over all answers
//! that are being written and a slice of the prompts that are being read (Yu et
//! al., 2022: Orca; Agrawal et al., 2023: SARATHI), so that new requests join
//! between steps and a long prompt never holds up a running stream for long.

use super::GenerationEvent;
use super::backend::Backend;
use super::drafter::{Drafter, Wanted};
use super::error::DecoderError;
use super::kept_prefixes::Keeper;
use super::network::{BLOCK_TOKENS, MAX_BATCH, Segment};
use super::pass_costs::PassCosts;
use super::prefix::SharedPrefixes;
use super::queue::{Job, Queue};
use super::sequence::{Progress, Sequence, room};
use crate::guarded::guarded;
use crate::tokens::Tokenizer;
use satchel_types::FinishReason;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Answers that are written at once.
const MAX_RUNNING: usize = 32;

/// How long a slice of a prompt may take while others are being answered, and
/// while nobody is: the latter bounds how soon a request is cancelled or joins.
const SLICE_SECONDS: f32 = 0.2;
const LONE_SLICE_SECONDS: f32 = 1.5;

/// Prompt tokens in a slice, at least, and while nothing has been measured.
const SMALLEST_SLICE: usize = 32;
const UNMEASURED_SLICE: usize = 128;

/// Tokens that an answer is expected to have when it is let in. Few use all
/// that they may; one that finds no room later waits and is read again.
const EXPECTED_TOKENS: usize = 256;

/// Most tokens that are drafted for an answer.
const MAX_DRAFTS: usize = 15;

pub(super) struct Scheduler {
    pub(super) backend: Backend,
    /// A small model that drafts for the network.
    pub(super) drafter: Option<Drafter>,
    pub(super) prefixes: SharedPrefixes,
    pub(super) tokenizer: Arc<Tokenizer>,
    pub(super) queue: Arc<Queue>,
    pub(super) running: Vec<Sequence>,
    /// Answers that were begun and had to give up their room, oldest first.
    pub(super) suspended: VecDeque<Sequence>,
    pub(super) costs: PassCosts,
    pub(super) keeper: Option<Keeper>,
}

/// A sequence's part of a pass.
struct Turn {
    sequence: usize,
    /// Pending tokens that are read.
    take: usize,
    drafts: Vec<u32>,
    /// They are the small model's.
    by_model: bool,
    /// Its next token is chosen from this pass.
    chooses: bool,
}

impl Scheduler {
    /// Serves requests until the queue is closed and empty.
    pub(super) fn run(mut self) {
        if let (Some(keeper), Backend::Cpu { cache, .. }) = (&self.keeper, &mut self.backend) {
            self.prefixes.with(|known| keeper.restore(cache, known));
        }
        loop {
            let idle = self.running.is_empty() && self.suspended.is_empty();
            if idle && !self.queue.wait() {
                break;
            }
            self.drop_left();
            self.resume();
            self.admit();
            let step = guarded(|| Ok::<_, String>(self.step()))
                .unwrap_or_else(|reason| Err(DecoderError::Internal(reason)));
            if let Err(error) = step {
                self.fail_all(&error);
            }
            let running = self.running.len();
            self.queue
                .note_activity(|activity| activity.running = running);
        }
        if let (Some(keeper), Backend::Cpu { cache, .. }) = (&self.keeper, &self.backend) {
            match self.queue.keeps_nothing() {
                true => keeper.remove(),
                false => self.prefixes.with(|known| keeper.save(cache, known)),
            }
        }
        self.queue.end();
    }

    /// Blocks that are free for another answer, those taken into account that
    /// the running ones are expected to need.
    fn free_blocks(&self) -> usize {
        let expected = |one: &Sequence| blocks(one.room.min(one.tokens.len() + EXPECTED_TOKENS));
        let taken: usize = self.running.iter().map(expected).sum();
        self.backend.blocks().saturating_sub(taken)
    }

    /// Goes on with what was suspended, as soon as there is room.
    fn resume(&mut self) {
        while let Some(next) = self.suspended.front() {
            let expected = next.room.min(next.tokens.len() + EXPECTED_TOKENS);
            let first = self.running.is_empty();
            if !first && blocks(expected) > self.free_blocks() {
                return;
            }
            let Some(mut sequence) = self.suspended.pop_front() else {
                return;
            };
            sequence.chain = self.prefixes.find(&sequence.tokens);
            sequence.read = sequence.chain.blocks.len() * BLOCK_TOKENS;
            self.running.push(sequence);
        }
    }

    /// Takes the blocks from the answer that came last; what they hold is read
    /// again later (recomputation: Kwon et al., 2023).
    fn suspend_last(&mut self) {
        let Some(mut sequence) = self.running.pop() else {
            return;
        };
        self.prefixes.release(std::mem::take(&mut sequence.chain));
        sequence.read = 0;
        if let Some(drafter) = &mut self.drafter {
            drafter.release(&mut sequence.draft);
        }
        self.suspended.push_front(sequence);
        self.queue
            .note_activity(|activity| activity.suspensions += 1);
    }

    /// Lets requests in, in order, while there is room for what they are
    /// expected to need, and nobody waits who had begun.
    fn admit(&mut self) {
        while self.running.len() < MAX_RUNNING && self.suspended.is_empty() {
            let free = self.free_blocks();
            let first = self.running.is_empty();
            let fits = |job: &Job| {
                let expected = job.prompt.len() + job.limit.min(EXPECTED_TOKENS);
                first || blocks(room(job).min(expected)) <= free
            };
            let Some(job) = self.queue.take_if(fits) else {
                return;
            };
            let chain = self.prefixes.find(&job.prompt);
            let reused = chain.blocks.len() * BLOCK_TOKENS;
            let sequence = Sequence::new(job, chain, reused);
            let tokens = sequence.pending();
            sequence.tell(GenerationEvent::Prefill {
                tokens: tokens + reused,
                reused,
                seconds: self.queue.prefill_seconds(tokens),
            });
            self.queue.note_activity(|activity| {
                activity.prompt_tokens += tokens as u64;
                activity.reused_tokens += reused as u64;
            });
            self.running.push(sequence);
        }
    }

    /// Ends what nobody waits for, and what took too long.
    fn drop_left(&mut self) {
        let now = Instant::now();
        for index in (0..self.running.len()).rev() {
            let sequence = &self.running[index];
            if sequence.is_left() {
                self.remove(index);
            } else if sequence.deadline.is_some_and(|deadline| deadline <= now) {
                sequence.tell(GenerationEvent::Failed(DecoderError::Deadline));
                self.remove(index);
            }
        }
        self.suspended.retain(|sequence| {
            let late = sequence.deadline.is_some_and(|deadline| deadline <= now);
            if late {
                sequence.tell(GenerationEvent::Failed(DecoderError::Deadline));
            }
            !late && !sequence.is_left()
        });
    }

    fn remove(&mut self, index: usize) {
        let mut sequence = self.running.remove(index);
        self.queue.note_request(sequence.begun.elapsed());
        if let Some(drafter) = &mut self.drafter {
            drafter.release(&mut sequence.draft);
        }
        self.prefixes.release(sequence.chain);
    }

    /// After a fault nothing that was read can be trusted.
    fn fail_all(&mut self, error: &DecoderError) {
        tracing::error!(%error, "a pass of the chat model failed");
        for sequence in self.running.drain(..).chain(self.suspended.drain(..)) {
            sequence.tell(GenerationEvent::Failed(error.clone()));
        }
        self.prefixes.forget();
        if let Some(drafter) = &mut self.drafter {
            drafter.clear();
        }
    }

    /// One pass.
    fn step(&mut self) -> Result<(), DecoderError> {
        let turns = self.plan()?;
        if turns.is_empty() {
            return Ok(());
        }
        for turn in &turns {
            let sequence = &mut self.running[turn.sequence];
            let end = sequence.read + turn.take + turn.drafts.len();
            if !self.prefixes.extend(&mut sequence.chain, end) {
                return self.make_room();
            }
        }
        for turn in &turns {
            self.running[turn.sequence].tokens.extend(&turn.drafts);
        }
        let begun = Instant::now();
        let running = &self.running;
        let segments: Vec<Segment<'_>> = turns
            .iter()
            .map(|turn| {
                let sequence = &running[turn.sequence];
                let end = sequence.read + turn.take + turn.drafts.len();
                Segment {
                    tokens: &sequence.tokens[sequence.read..end],
                    position: sequence.read,
                    blocks: &sequence.chain.blocks,
                    logits: if turn.chooses {
                        1 + turn.drafts.len()
                    } else {
                        0
                    },
                }
            })
            .collect();
        let vocabulary = self.backend.shape().vocabulary;
        let logits = self.backend.forward(&segments)?;
        let took = begun.elapsed();
        let mut rest = logits;
        let mut ended = Vec::new();
        let mut written = 0;
        for turn in &turns {
            let rows = if turn.chooses {
                1 + turn.drafts.len()
            } else {
                0
            };
            let (own, others) = rest.split_at_mut(rows * vocabulary);
            rest = others;
            let sequence = &mut self.running[turn.sequence];
            let before = sequence.usage.completion;
            let progress = advance(sequence, &self.tokenizer, turn, own)?;
            written += sequence.usage.completion - before;
            let known = sequence.read.min(sequence.tokens.len());
            self.prefixes
                .enter(&mut sequence.chain, &sequence.tokens[..known]);
            if progress != Progress::Goes {
                ended.push((turn.sequence, progress));
            }
        }
        self.note(&turns, written, took);
        self.tell_progress(&turns);
        ended.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        for (index, progress) in ended {
            if let Progress::Ends(finish) = progress {
                self.running[index].finish(finish);
            }
            self.remove(index);
        }
        Ok(())
    }

    /// The cache is full: one of several answers has to wait.
    fn make_room(&mut self) -> Result<(), DecoderError> {
        if self.running.len() < 2 {
            return Err(DecoderError::Internal("the cache is full".to_owned()));
        }
        self.suspend_last();
        Ok(())
    }

    /// Who takes part in the next pass, and with how much.
    fn plan(&mut self) -> Result<Vec<Turn>, DecoderError> {
        let mut turns = Vec::new();
        let writing = self.running.iter().filter(|one| one.pending() == 1).count();
        for (index, sequence) in self.running.iter_mut().enumerate() {
            if sequence.pending() != 1 {
                continue;
            }
            turns.push(Turn {
                sequence: index,
                take: 1,
                drafts: drafts(sequence, &self.costs, writing),
                by_model: false,
                chooses: true,
            });
        }
        self.draft_with_model(&mut turns)?;
        let rows: usize = turns.iter().map(|turn| 1 + turn.drafts.len()).sum();
        let mut slice = self.slice(writing > 0).min(MAX_BATCH - rows);
        for (index, sequence) in self.running.iter().enumerate() {
            let pending = sequence.pending();
            if pending == 1 || slice == 0 {
                continue;
            }
            let take = pending.min(slice);
            slice -= take;
            turns.push(Turn {
                sequence: index,
                take,
                drafts: Vec::new(),
                by_model: false,
                chooses: take == pending,
            });
        }
        Ok(turns)
    }

    /// Lets the small model, if there is one, draft for the answers for which
    /// the prompt gave nothing.
    fn draft_with_model(&mut self, turns: &mut [Turn]) -> Result<(), DecoderError> {
        let Some(drafter) = &mut self.drafter else {
            return Ok(());
        };
        let writing = turns.len();
        let mut wanted = Vec::new();
        let mut wanting = Vec::new();
        for (index, sequence) in self.running.iter_mut().enumerate() {
            let turn = turns.iter().position(|turn| turn.sequence == index);
            let Some(turn) = turn.filter(|turn| turns[*turn].drafts.is_empty()) else {
                continue;
            };
            let most = most_drafts(sequence, writing);
            let costs = drafter.costs(&self.costs.of(writing, most));
            let length = sequence.draft.payoff.length(&costs);
            if length > 0 {
                wanting.push(turn);
                wanted.push(Wanted {
                    state: &mut sequence.draft,
                    tokens: &sequence.tokens,
                    length,
                });
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        for (turn, drafts) in wanting.into_iter().zip(drafter.draft(&mut wanted)?) {
            let turn = &mut turns[turn];
            let sampler = &mut self.running[turn.sequence].sampler;
            let allowed = sampler.allowed_drafts(&drafts).unwrap_or(0);
            turn.drafts = drafts[..allowed].to_vec();
            turn.by_model = !turn.drafts.is_empty();
        }
        Ok(())
    }

    /// How many tokens of prompts may be read in a pass.
    fn slice(&self, others_wait: bool) -> usize {
        let seconds = match others_wait {
            true => SLICE_SECONDS,
            false => LONE_SLICE_SECONDS,
        };
        match self.queue.activity().prompt_tokens_per_second {
            Some(speed) => ((speed * seconds) as usize).clamp(SMALLEST_SLICE, MAX_BATCH),
            None => UNMEASURED_SLICE,
        }
    }

    /// Remembers what a pass took and did.
    fn note(&mut self, turns: &[Turn], written: u64, took: std::time::Duration) {
        let reads = |turn: &&Turn| turn.take > 1;
        let read: usize = turns.iter().filter(reads).map(|turn| turn.take).sum();
        let rows: usize = turns.iter().map(|turn| turn.take + turn.drafts.len()).sum();
        let drafted: usize = turns.iter().map(|turn| turn.drafts.len()).sum();
        let accepted =
            written.saturating_sub(turns.iter().filter(|turn| turn.chooses).count() as u64);
        if read == 0 {
            self.costs.note(rows, took);
            self.queue.note_decode(written as usize, took);
        } else if read * 4 > rows * 3 {
            self.queue.note_prefill(read, took);
        }
        self.queue.note_activity(|activity| {
            activity.answer_tokens += written;
            activity.drafted_tokens += drafted as u64;
            activity.accepted_tokens += accepted.min(drafted as u64);
        });
    }
}

impl Scheduler {
    /// Tells those whose prompts are not read to their end how far they are.
    fn tell_progress(&self, turns: &[Turn]) {
        for turn in turns.iter().filter(|turn| !turn.chooses) {
            let sequence = &self.running[turn.sequence];
            // One who has left is dropped before the next pass.
            sequence.tell(GenerationEvent::Reading {
                read: sequence.read,
                seconds: self.queue.prefill_seconds(sequence.pending()),
            });
        }
    }
}

/// Blocks that hold so many tokens.
fn blocks(tokens: usize) -> usize {
    tokens.div_ceil(BLOCK_TOKENS)
}

/// Tokens that may follow, as many as pay.
fn drafts(sequence: &mut Sequence, costs: &PassCosts, writing: usize) -> Vec<u32> {
    let most = most_drafts(sequence, writing);
    if most == 0 {
        return Vec::new();
    }
    let drafts = sequence.lookup.draft(&costs.of(writing, most)).to_vec();
    if drafts.is_empty() {
        return drafts;
    }
    let allowed = sequence.sampler.allowed_drafts(&drafts).unwrap_or(0);
    drafts[..allowed.min(most)].to_vec()
}

/// Drafts that an answer can use while so many are being written.
fn most_drafts(sequence: &Sequence, writing: usize) -> usize {
    MAX_DRAFTS
        .min(sequence.left().saturating_sub(1))
        .min(MAX_BATCH / 2 / writing - 1)
}

/// Takes a pass's result into a sequence.
fn advance(
    sequence: &mut Sequence,
    tokenizer: &Tokenizer,
    turn: &Turn,
    logits: &mut [f32],
) -> Result<Progress, DecoderError> {
    let drafted = turn.drafts.len();
    sequence.read += turn.take;
    if !turn.chooses {
        return Ok(Progress::Goes);
    }
    let kept = sequence.tokens.len() - drafted;
    sequence.tokens.truncate(kept);
    let verified = sequence
        .sampler
        .verify(&turn.drafts, logits)
        .map_err(|error| DecoderError::Internal(error.to_string()))?;
    match turn.by_model {
        true => sequence.draft.payoff.verified(drafted, verified.accepted),
        false if drafted > 0 => sequence.lookup.verified(drafted, verified.accepted),
        false => {}
    }
    for (n, draft) in turn.drafts[..verified.accepted].iter().enumerate() {
        // Its keys and values were made in this pass.
        let progress = sequence.write(tokenizer, *draft, verified.details.get(n));
        if progress != Progress::Goes {
            return Ok(progress);
        }
        if sequence.tokens.len() != kept + n + 1 {
            // The thinking was closed: what was drafted behind it is void.
            sequence.read += n + 1;
            return Ok(Progress::Goes);
        }
    }
    sequence.read += verified.accepted;
    let next = verified.next;
    sequence
        .sampler
        .accept(next.token)
        .map_err(|error| DecoderError::Internal(error.to_string()))?;
    let details = next.logprob.is_some().then_some(&next);
    match sequence.write(tokenizer, next.token, details) {
        Progress::Goes if sequence.left() == 0 => Ok(Progress::Ends(FinishReason::Length)),
        progress => Ok(progress),
    }
}
