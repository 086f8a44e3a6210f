//! The tokens that may be drawn and their weights: temperature, then top-k,
//! then top-p, then min-p. Everything is linear in the vocabulary: nothing is
//! sorted but what top-k keeps, and the buffers are kept from step to step.

use super::SamplingOptions;
use std::cmp::Ordering;

/// Exponents below this add less than rounding to a sum of weights.
const NEGLIGIBLE: f32 = -30.0;
/// Top-k collects at least so many candidates before it drops the worse.
const LEAST_ROOM: usize = 256;

/// A token and what it weighs: its score, or later its share of probability
/// relative to the likeliest token's.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    token: u32,
    weight: f32,
}

impl Candidate {
    /// Likelier first; of equals the one with the lower id.
    fn rank(&self, other: &Self) -> Ordering {
        let by_weight = other.weight.total_cmp(&self.weight);
        by_weight.then(self.token.cmp(&other.token))
    }
}

/// The candidates of one step, in the order of their ids. That order, and not
/// the order of likelihood, makes a draw stable: where rounding swaps two
/// neighbours in likelihood, the drawn token stays the same.
#[derive(Default)]
pub(super) struct Shortlist {
    kept: Vec<Candidate>,
    ranked: Vec<Candidate>,
}

impl Shortlist {
    /// Keeps what `options` allow of a row of scores whose highest is `highest`.
    pub(super) fn fill(&mut self, logits: &[f32], highest: f32, options: &SamplingOptions) {
        self.kept.clear();
        self.kept.reserve(logits.len());
        let total = if (1..logits.len()).contains(&options.top_k) {
            self.keep_top(logits, highest, options)
        } else {
            self.keep_all(logits, highest, options)
        };
        if options.top_p < 1.0 {
            self.keep_nucleus(f64::from(options.top_p) * total);
        }
        if options.min_p > 0.0 {
            let least = options.min_p;
            self.kept.retain(|candidate| candidate.weight >= least);
        }
    }

    /// The token at which the weights add up to `share` of their sum.
    pub(super) fn draw(&self, share: f64) -> Option<u32> {
        let mut left = share * sum(&self.kept);
        for candidate in &self.kept {
            left -= f64::from(candidate.weight);
            if left < 0.0 {
                return Some(candidate.token);
            }
        }
        self.kept.last().map(|candidate| candidate.token)
    }

    /// Takes the top k; the sum of their weights.
    fn keep_top(&mut self, logits: &[f32], highest: f32, options: &SamplingOptions) -> f64 {
        best(logits, options.top_k, &mut self.ranked);
        self.ranked
            .sort_unstable_by_key(|candidate| candidate.token);
        let weighed = self.ranked.iter().map(|candidate| Candidate {
            token: candidate.token,
            weight: ((candidate.weight - highest) / options.temperature).exp(),
        });
        self.kept.extend(weighed);
        sum(&self.kept)
    }

    /// Takes all that the other cuts can possibly leave; the sum of all weights.
    fn keep_all(&mut self, logits: &[f32], highest: f32, options: &SamplingOptions) -> f64 {
        // All tokens below this together weigh less than top-p leaves out.
        let beyond_nucleus = ((1.0 - options.top_p) / logits.len() as f32).ln();
        let least = beyond_nucleus.max(options.min_p.ln()).max(NEGLIGIBLE);
        let mut total = 0.0;
        for (token, logit) in logits.iter().enumerate() {
            let exponent = (logit - highest) / options.temperature;
            if exponent >= NEGLIGIBLE {
                let weight = exponent.exp();
                total += f64::from(weight);
                if exponent >= least - 0.001 {
                    let token = token as u32;
                    self.kept.push(Candidate { token, weight });
                }
            }
        }
        total
    }

    /// Keeps the fewest likeliest candidates that weigh `target` together.
    fn keep_nucleus(&mut self, target: f64) {
        let ranked = &mut self.ranked;
        ranked.clear();
        ranked.reserve(self.kept.capacity());
        ranked.extend_from_slice(&self.kept);
        if ranked.is_empty() || sum(ranked) <= target {
            return;
        }
        // The last one to keep lies between `from` and `to`; all before
        // `from` rank before it and weigh `before`.
        let (mut from, mut to, mut before) = (0, ranked.len(), 0.0);
        while to - from > 1 {
            let step = ((to - from) / 2).min((4 * from).max(LEAST_ROOM));
            ranked[from..to].select_nth_unstable_by(step, Candidate::rank);
            let weight = sum(&ranked[from..from + step]);
            if before + weight >= target {
                to = from + step;
            } else {
                before += weight;
                from += step;
            }
        }
        let last = ranked[from];
        self.kept
            .retain(|candidate| candidate.rank(&last) != Ordering::Greater);
    }
}

fn sum(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|one| f64::from(one.weight)).sum()
}

/// Collects the `count` highest scores in `found`, in no order.
fn best(logits: &[f32], count: usize, found: &mut Vec<Candidate>) {
    let room = count.saturating_add(count.max(LEAST_ROOM));
    found.clear();
    found.reserve(room.min(logits.len()));
    let mut threshold = f32::NEG_INFINITY;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > threshold {
            found.push(Candidate {
                token: token as u32,
                weight: *logit,
            });
            if found.len() == room {
                threshold = keep_best(found, count).unwrap_or(threshold);
            }
        }
    }
    keep_best(found, count);
}

/// Drops all but the `count` best; the score of the worst that stays.
fn keep_best(found: &mut Vec<Candidate>, count: usize) -> Option<f32> {
    if (1..found.len()).contains(&count) {
        found.select_nth_unstable_by(count - 1, Candidate::rank);
    }
    found.truncate(count);
    found.last().map(|worst| worst.weight)
}

/// The index and value of the highest score, the first of equals.
pub(super) fn highest(logits: &[f32]) -> Option<(u32, f32)> {
    const LANES: usize = 16;
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = logits.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = if *logit > *lane { *logit } else { *lane };
        }
    }
    let highest = lanes
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, |highest, logit| {
            if logit > highest { logit } else { highest }
        });
    let token = logits.iter().position(|logit| *logit == highest)?;
    highest.is_finite().then_some((token as u32, highest))
}

/// Natural logarithms of the probabilities that a row of scores stands for.
pub(super) struct LogProbabilities<'a> {
    logits: &'a [f32],
    log_sum: f32,
}

impl<'a> LogProbabilities<'a> {
    pub(super) fn new(logits: &'a [f32]) -> Option<Self> {
        let (_, highest) = highest(logits)?;
        let exponents = logits.iter().map(|logit| logit - highest);
        let counting = exponents.filter(|exponent| *exponent >= NEGLIGIBLE);
        let sum: f64 = counting.map(|exponent| f64::from(exponent.exp())).sum();
        let log_sum = highest + sum.ln() as f32;
        Some(Self { logits, log_sum })
    }

    pub(super) fn of(&self, token: u32) -> Option<f32> {
        let logit = self.logits.get(token as usize)?;
        Some(logit - self.log_sum)
    }

    /// The `count` likeliest tokens, likeliest first.
    pub(super) fn top(&self, count: usize) -> Vec<(u32, f32)> {
        let mut found = Vec::new();
        best(self.logits, count, &mut found);
        found.sort_unstable_by(Candidate::rank);
        let top = found
            .iter()
            .map(|one| (one.token, one.weight - self.log_sum));
        top.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{SamplingOptions, Shortlist, best, highest};
    use crate::engine::sampler::distribution_tests::{expected, scores};
    use crate::engine::sampler::random::Random;

    fn options(seed: u64) -> SamplingOptions {
        let draw = |at| Random::new(seed).uniform(at);
        SamplingOptions {
            temperature: 0.1 + draw(0) as f32 * 1.9,
            top_k: if draw(1) < 0.5 {
                0
            } else {
                1 + (draw(2) * 900.0) as usize
            },
            top_p: if draw(3) < 0.3 { 1.0 } else { draw(4) as f32 },
            min_p: if draw(5) < 0.5 {
                0.0
            } else {
                draw(6) as f32 * 0.3
            },
            ..SamplingOptions::default()
        }
    }

    #[test]
    fn tokens_and_weights_that_are_kept_are_those_of_the_definition() {
        let mut list = Shortlist::default();
        for seed in 0..400 {
            let count = 1 + (Random::new(seed).uniform(9) * 3000.0) as usize;
            let logits = scores(seed, count, if seed % 2 == 0 { 12.0 } else { 1.0 });
            let options = options(seed);
            let (_, top) = highest(&logits).unwrap();
            list.fill(&logits, top, &options);
            let sum = super::sum(&list.kept);
            let mut kept = vec![0.0; count];
            for one in &list.kept {
                kept[one.token as usize] = f64::from(one.weight) / sum;
            }
            let expected = expected(&logits, &[], &[], &options);
            for (kept, expected) in kept.iter().zip(expected) {
                let same = (kept - expected).abs() <= 1e-4 * expected + 1e-10;
                assert!(same, "seed {seed}: {kept} {expected}");
            }
        }
    }

    #[test]
    fn best_scores_are_found_in_any_order_of_scores() {
        let mut rising: Vec<f32> = (0..5000).map(|score| score as f32).collect();
        let falling: Vec<f32> = rising.iter().rev().copied().collect();
        let mut found = Vec::new();
        best(&falling, 300, &mut found);
        assert!(found.len() == 300 && found.iter().all(|one| one.token < 300));
        best(&rising, 300, &mut found);
        assert!(found.len() == 300 && found.iter().all(|one| one.token >= 4700));
        rising.fill(1.0);
        best(&rising, 300, &mut found);
        assert!(found.len() == 300 && found.iter().all(|one| one.token < 300));
    }

    #[test]
    fn highest_score_is_found_at_any_place() {
        for place in 0..70 {
            let mut logits = vec![-1.0; 70];
            (logits[place], logits[0]) = (3.0, if place == 0 { 3.0 } else { f32::NAN });
            assert_eq!(highest(&logits), Some((place as u32, 3.0)));
        }
    }

    #[test]
    fn after_the_first_step_nothing_is_allocated() {
        let mut list = Shortlist::default();
        for top_k in [0, 40] {
            let mut capacities = Vec::new();
            for seed in 0..20 {
                let logits = scores(seed, 32_000, 40.0 - 2.0 * seed as f64);
                let options = SamplingOptions {
                    temperature: 1.0,
                    top_p: 0.95,
                    top_k,
                    ..SamplingOptions::default()
                };
                list.fill(&logits, highest(&logits).unwrap().1, &options);
                capacities.push((list.kept.capacity(), list.ranked.capacity()));
            }
            assert!(capacities.iter().all(|capacity| *capacity == capacities[0]));
        }
    }
}
