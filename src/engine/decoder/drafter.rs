//! A small model that drafts for a large one (Leviathan et al., 2023): it
//! writes a few tokens ahead, which the large one checks in a single pass. Owns
//! the small network and its cache; must not decide which token an answer gets.

use super::backend::Backend;
use super::error::DecoderError;
use super::model_file::ModelFile;
use super::network::{BLOCK_TOKENS, MAX_BATCH, Segment};
use super::prefix::{Chain, Prefixes};
use super::shape::Shape;
use super::{CacheRoom, LoadOptions, architecture_of};
use crate::sampler::DraftPayoff;
use crate::tokens::Tokenizer;
use std::path::Path;
use std::time::Instant;

/// Tokens of an answer's past that are read in a step: running answers wait.
const CATCH_UP: usize = 128;

/// Weight that a pass's duration keeps when a new one is measured.
const MEMORY: f32 = 0.9;

/// The small model.
pub(super) struct Drafter {
    backend: Backend,
    prefixes: Prefixes,
    /// Numbers of tokens that the large model knows.
    vocabulary: usize,
    /// Seconds of a pass that drafts one token for each answer.
    pass_seconds: Option<f32>,
}

/// What the small model has read of one answer.
#[derive(Default)]
pub(super) struct DraftState {
    chain: Option<Chain>,
    /// Tokens of prompt and answer that it has read.
    read: usize,
    /// Its own drafts that it has read behind them.
    ahead: Vec<u32>,
    pub(super) payoff: DraftPayoff,
}

/// An answer for which tokens are wanted.
pub(super) struct Wanted<'a> {
    pub(super) state: &'a mut DraftState,
    pub(super) tokens: &'a [u32],
    /// How many tokens to draft.
    pub(super) length: usize,
}

impl Wanted<'_> {
    /// Tokens that the small model has not read.
    fn behind(&self) -> usize {
        self.tokens.len() - self.state.read
    }
}

impl Drafter {
    /// Loads the small model. [`DecoderError::Unsupported`] if its tokens are
    /// not those of the large one.
    pub(super) fn load(
        path: &Path,
        tokenizer: &Tokenizer,
        room: CacheRoom,
        options: &LoadOptions,
    ) -> Result<Self, DecoderError> {
        let mut file = ModelFile::open(path)?;
        let shape = Shape::read(&file, architecture_of(&file)?)?;
        let own = Tokenizer::take(&mut file.content.metadata)
            .map_err(|error| DecoderError::of_tokens(&file.name, error))?;
        if !own.agrees_with(tokenizer) {
            let reason = "its tokens are not those of the chat model, so it cannot draft for it";
            return Err(file.unsupported(reason.to_owned()));
        }
        if shape.context < room.context {
            return Err(file.unsupported(format!(
                "it reads {} tokens, and the chat model {}, so it cannot draft for it",
                shape.context, room.context
            )));
        }
        let vocabulary = own.vocabulary_size().min(tokenizer.vocabulary_size());
        let (backend, _) = Backend::load(&file, shape, room, options)?;
        Ok(Self {
            prefixes: Prefixes::new(backend.blocks()),
            backend,
            vocabulary,
            pass_seconds: None,
        })
    }

    /// What drafting 0, 1, … tokens and checking them costs, in seconds, where
    /// `checks` are the costs of the checks; nothing but the first while
    /// drafting has not been measured, and one more to measure it.
    pub(super) fn costs(&self, checks: &[f32]) -> Vec<f32> {
        let Some(pass) = self.pass_seconds else {
            return checks.iter().take(2).copied().collect();
        };
        let with_drafts = |(drafts, check): (usize, &f32)| check + pass * drafts as f32;
        checks.iter().enumerate().map(with_drafts).collect()
    }

    /// Drafts for several answers at once. An answer whose past the small model
    /// has still to read gets none.
    pub(super) fn draft(
        &mut self,
        wanted: &mut [Wanted<'_>],
    ) -> Result<Vec<Vec<u32>>, DecoderError> {
        let mut drafts = vec![Vec::new(); wanted.len()];
        let (mut budget, mut rows) = (CATCH_UP, 0);
        let mut ready = Vec::new();
        for (index, one) in wanted.iter_mut().enumerate() {
            if self.prepare(one, &mut budget)? && rows + one.behind() <= MAX_BATCH {
                rows += one.behind();
                ready.push(index);
            }
        }
        let longest = ready.iter().map(|index| wanted[*index].length).max();
        for round in 0..longest.unwrap_or(0) {
            ready.retain(|index| {
                let one = &mut wanted[*index];
                let end = one.tokens.len() + round;
                round < one.length && self.reserve(one.state, end)
            });
            if ready.is_empty() {
                break;
            }
            let begun = Instant::now();
            for (index, token) in ready.iter().zip(self.next(&ready, wanted, &drafts)?) {
                drafts[*index].push(token);
            }
            // A few tokens cost what one does; many would mislead.
            if round > 0 || rows <= 4 * ready.len() {
                self.note(begun.elapsed().as_secs_f32());
            }
        }
        for (one, drafts) in wanted.iter_mut().zip(&drafts) {
            if let (Some(_), [ahead @ .., _]) = (&one.state.chain, &drafts[..]) {
                one.state.read = one.tokens.len();
                one.state.ahead = ahead.to_vec();
            }
        }
        Ok(drafts)
    }

    /// Forgets an answer.
    pub(super) fn release(&mut self, state: &mut DraftState) {
        if let Some(chain) = state.chain.take() {
            self.prefixes.release(chain);
        }
        (state.read, state.ahead) = (0, Vec::new());
    }

    /// Forgets everything that was read; no answer may be there any more.
    pub(super) fn clear(&mut self) {
        self.prefixes = Prefixes::new(self.backend.blocks());
    }

    /// Brings the small model up to the answer's last tokens, or nearer to
    /// them; whether it is there.
    fn prepare(&mut self, one: &mut Wanted<'_>, budget: &mut usize) -> Result<bool, DecoderError> {
        let (state, tokens) = (&mut *one.state, one.tokens);
        let last = tokens.len() - 1;
        match &state.chain {
            Some(_) => {
                let ahead = std::mem::take(&mut state.ahead);
                let behind = tokens.get(state.read..last).unwrap_or_default();
                let right = ahead.iter().zip(behind);
                state.read += right.take_while(|(draft, token)| draft == token).count();
                state.read = state.read.min(last);
            }
            None => {
                let chain = self.prefixes.find(tokens);
                state.read = chain.blocks.len() * BLOCK_TOKENS;
                state.chain = Some(chain);
            }
        }
        if let Some(chain) = &mut state.chain {
            self.prefixes.enter(chain, &tokens[..state.read]);
        }
        let behind = tokens.len() - state.read;
        if behind <= CATCH_UP / 4 {
            return Ok(true);
        }
        let take = (behind - 1).min(*budget);
        let end = state.read + take;
        if take > 0 && self.reserve(state, end) {
            let segment = Segment {
                tokens: &tokens[state.read..end],
                position: state.read,
                blocks: blocks(state),
                logits: 0,
            };
            self.backend.forward(&[segment])?;
            state.read = end;
            *budget -= take;
        }
        Ok(false)
    }

    /// Room for an answer's tokens. One that finds none starts anew later.
    fn reserve(&mut self, state: &mut DraftState, tokens: usize) -> bool {
        let enough = match &mut state.chain {
            Some(chain) => self.prefixes.extend(chain, tokens),
            None => false,
        };
        if !enough {
            self.release(state);
        }
        enough
    }

    /// The likeliest next token of each ready answer behind its drafts.
    fn next(
        &mut self,
        ready: &[usize],
        wanted: &[Wanted<'_>],
        drafts: &[Vec<u32>],
    ) -> Result<Vec<u32>, DecoderError> {
        let width = self.backend.shape().vocabulary;
        let segments: Vec<Segment<'_>> = ready
            .iter()
            .map(|index| {
                let (one, drafts) = (&wanted[*index], &drafts[*index]);
                let (tokens, position) = match drafts.len() {
                    0 => (&one.tokens[one.state.read..], one.state.read),
                    n => (&drafts[n - 1..], one.tokens.len() + n - 1),
                };
                Segment {
                    tokens,
                    position,
                    blocks: blocks(one.state),
                    logits: 1,
                }
            })
            .collect();
        debug_assert!(segments.iter().map(|one| one.tokens.len()).sum::<usize>() <= MAX_BATCH);
        let logits = self.backend.forward(&segments)?;
        let rows = logits.chunks_exact(width);
        Ok(rows.map(|row| likeliest(&row[..self.vocabulary])).collect())
    }

    fn note(&mut self, seconds: f32) {
        let usual = self.pass_seconds.unwrap_or(seconds);
        self.pass_seconds = Some(usual * MEMORY + seconds * (1.0 - MEMORY));
    }
}

fn blocks(state: &DraftState) -> &[super::network::BlockId] {
    state.chain.as_ref().map_or(&[], |chain| &chain.blocks)
}

fn likeliest(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(token, _)| token as u32)
}
