//! From a row of scores to a token.
//!
//! The order is that of Hugging Face's `generate`: constraint, penalties,
//! temperature, top-k, top-p, min-p. A token is drawn by inverting the
//! cumulated weights at a random number that belongs to the token's position.

use super::constraint::Constraint;
use super::history::History;
use super::random::Random;
use super::shortlist::{LogProbabilities, Shortlist};
use super::weights::highest;
use super::{SamplerError, SamplingOptions};

/// A chosen token. The probabilities are the model's own, before constraint,
/// penalties, temperature and cuts.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    pub token: u32,
    /// Natural logarithm of its probability, if asked for.
    pub logprob: Option<f32>,
    /// The likeliest tokens with theirs, likeliest first, if asked for.
    pub top: Vec<(u32, f32)>,
}

/// What became of drafts.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// So many drafts from the first are part of the answer, and accepted.
    pub accepted: usize,
    /// The token behind them, still to be accepted.
    pub next: Sampled,
    /// The accepted drafts with their probabilities; empty if not asked for.
    pub details: Vec<Sampled>,
}

/// When the constraint is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    No,
    /// Until it is released, or until this token was accepted.
    Until(Option<u32>),
}

/// Chooses the tokens of one answer. What it chooses depends on the request,
/// its seed and the scores alone, and not on how often drafts were offered.
pub struct Sampler {
    options: SamplingOptions,
    constraint: Option<Constraint>,
    hold: Hold,
    history: History,
    random: Random,
    shortlist: Shortlist,
    /// The scores before anything was done to them, where probabilities are told.
    untouched: Vec<f32>,
}

impl Sampler {
    /// A sampler for the answer behind `prompt`.
    pub fn new(
        options: &SamplingOptions,
        constraint: Option<Constraint>,
        prompt: &[u32],
    ) -> Result<Self, SamplerError> {
        options.check()?;
        if options.json_schema.is_some() && constraint.is_none() {
            return Err(SamplerError::ConstraintMissing);
        }
        Ok(Self {
            random: Random::new(options.seed),
            options: options.clone(),
            constraint,
            hold: Hold::No,
            history: History::new(prompt),
            shortlist: Shortlist::default(),
            untouched: Vec::new(),
        })
    }

    /// Suspends the constraint, for thinking ahead of a constrained answer,
    /// until `until` was accepted or [`Self::release_constraint`] is called.
    pub fn hold_constraint(&mut self, until: Option<u32>) {
        self.hold = Hold::Until(until);
    }

    /// Puts the constraint in force for all tokens from here.
    pub fn release_constraint(&mut self) {
        self.hold = Hold::No;
    }

    /// Chooses the next token; the scores are used up. Choosing again without
    /// accepting gives the same token.
    pub fn sample(&mut self, logits: &mut [f32]) -> Result<Sampled, SamplerError> {
        let told = self.options.top_logprobs;
        if told.is_some() {
            self.untouched.clear();
            self.untouched.extend_from_slice(logits);
        }
        let token = self.choose(logits)?;
        let Some(count) = told else {
            return Ok(Sampled {
                token,
                logprob: None,
                top: Vec::new(),
            });
        };
        let model = LogProbabilities::new(&self.untouched).ok_or(SamplerError::NoToken)?;
        Ok(Sampled {
            token,
            logprob: model.of(token),
            top: model.top(count),
        })
    }

    fn choose(&mut self, logits: &mut [f32]) -> Result<u32, SamplerError> {
        if let (Some(constraint), Hold::No) = (&mut self.constraint, self.hold) {
            constraint.mask(logits)?;
        }
        self.history.penalise(logits, &self.options);
        let (likeliest, score) = highest(logits).ok_or(SamplerError::NoToken)?;
        if self.options.temperature == 0.0 {
            return Ok(likeliest);
        }
        self.shortlist.fill(logits, score, &self.options);
        let share = self.random.uniform(self.history.answer_length());
        self.shortlist.draw(share).ok_or(SamplerError::NoToken)
    }

    /// Makes a token part of the answer, be it chosen or forced by the caller.
    pub fn accept(&mut self, token: u32) -> Result<(), SamplerError> {
        self.history.accept(token);
        match (&mut self.constraint, self.hold) {
            (Some(constraint), Hold::No) => constraint.accept(token),
            (_, Hold::Until(Some(last))) if last == token => {
                self.hold = Hold::No;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// How many of `drafts` from the first the constraint does not refuse: a
    /// pass for more is wasted.
    pub fn allowed_drafts(&mut self, drafts: &[u32]) -> Result<usize, SamplerError> {
        match (&mut self.constraint, self.hold) {
            (Some(constraint), Hold::No) => constraint.allowed(drafts),
            _ => Ok(drafts.len()),
        }
    }

    /// Checks drafts against the scores of one pass: `logits` holds a row for
    /// each draft, the scores of its position, and one for the token behind.
    ///
    /// At each position the token is drawn as without drafts, and a draft is
    /// accepted if it is that token. A draft x is so accepted with probability
    /// p(x), and the token that takes a refused draft's place is distributed
    /// as p without x: the rejection rule of Leviathan, Kalman and Matias,
    /// "Fast inference from transformers via speculative decoding" (ICML 2023)
    /// for drafts that are certain. Moreover the answer is, token by token,
    /// the one that the seed gives without drafts.
    ///
    /// An end token among accepted drafts ends the answer as any end token.
    pub fn verify(&mut self, drafts: &[u32], logits: &mut [f32]) -> Result<Verified, SamplerError> {
        let (scores, rows) = (logits.len(), drafts.len() + 1);
        if scores == 0 || !scores.is_multiple_of(rows) {
            return Err(SamplerError::Rows { scores, rows });
        }
        let mut details = Vec::new();
        for (accepted, row) in logits.chunks_exact_mut(scores / rows).enumerate() {
            let next = self.sample(row)?;
            if drafts.get(accepted) != Some(&next.token) {
                return Ok(Verified {
                    accepted,
                    next,
                    details,
                });
            }
            self.accept(next.token)?;
            if self.options.top_logprobs.is_some() {
                details.push(next);
            }
        }
        // There is a row more than there are drafts, so a row had no draft to match.
        Err(SamplerError::Rows { scores, rows })
    }
}
