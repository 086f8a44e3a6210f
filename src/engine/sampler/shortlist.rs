//! The tokens that may be drawn and their weights: temperature, then top-k,
//! then top-p, then min-p. Everything is linear in the vocabulary: nothing is
//! sorted but what top-k keeps, and the buffers are kept from step to step.

use super::SamplingOptions;
use super::weights::{exponential, highest, index_at, weigh, weight_sum};
use std::cmp::Ordering;

/// Top-k collects at least so many candidates before it drops the worse, and
/// top-p looks for its border in steps of at least so many.
const LEAST_ROOM: usize = 256;
/// Weights whose bits agree but for so many of the last are counted together.
const HISTOGRAM_SHIFT: u32 = 18;

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

    /// A class that is higher for higher weights.
    fn class(&self) -> usize {
        (self.weight.to_bits() >> HISTOGRAM_SHIFT) as usize
    }
}

/// The candidates of one step, in the order of their ids. That order, and not
/// the order of likelihood, makes a draw stable: where rounding swaps two
/// neighbours in likelihood, the drawn token stays the same.
#[derive(Default)]
pub(super) struct Shortlist {
    /// What each token of the vocabulary weighs, where top-k does not decide.
    weights: Vec<f32>,
    /// Nothing is cut: the draw is from all weights.
    whole: bool,
    kept: Vec<Candidate>,
    ranked: Vec<Candidate>,
    histogram: Vec<f64>,
}

impl Shortlist {
    /// Keeps what `options` allow of a row of scores whose highest is `highest`.
    pub(super) fn fill(&mut self, logits: &[f32], highest: f32, options: &SamplingOptions) {
        let (top_p, min_p) = (options.top_p, options.min_p);
        let limited = (1..logits.len()).contains(&options.top_k);
        self.whole = !limited && top_p >= 1.0 && min_p <= 0.0;
        self.kept.clear();
        let total = if limited {
            self.keep_top(logits, highest, options)
        } else {
            weigh(logits, highest, options.temperature, &mut self.weights)
        };
        if self.whole {
            return;
        }
        if !limited {
            // All tokens below the first of these weigh less together than
            // top-p leaves out, so that none of them stays.
            let least = ((1.0 - top_p) / logits.len() as f32).max(min_p) * 0.999;
            self.keep_heavy(least);
        }
        if top_p < 1.0 {
            self.keep_nucleus(f64::from(top_p) * total);
        }
        if min_p > 0.0 {
            self.kept.retain(|candidate| candidate.weight >= min_p);
        }
    }

    /// The token at which the weights add up to `share` of their sum.
    pub(super) fn draw(&self, share: f64) -> Option<u32> {
        if self.whole {
            return index_at(share, &self.weights).map(|token| token as u32);
        }
        let mut left = share * sum(&self.kept);
        for candidate in &self.kept {
            left -= f64::from(candidate.weight);
            if left < 0.0 {
                return Some(candidate.token);
            }
        }
        self.kept.last().map(|candidate| candidate.token)
    }

    /// Keeps the top k; the sum of their weights.
    fn keep_top(&mut self, logits: &[f32], highest: f32, options: &SamplingOptions) -> f64 {
        best(logits, options.top_k, &mut self.ranked);
        self.ranked
            .sort_unstable_by_key(|candidate| candidate.token);
        let weighed = self.ranked.iter().map(|candidate| Candidate {
            token: candidate.token,
            weight: exponential((candidate.weight - highest) / options.temperature),
        });
        self.kept.extend(weighed.filter(|one| one.weight > 0.0));
        sum(&self.kept)
    }

    /// Keeps what weighs at least so much.
    fn keep_heavy(&mut self, least: f32) {
        self.kept.reserve(self.weights.len());
        for (token, weight) in self.weights.iter().enumerate() {
            if *weight >= least && *weight > 0.0 {
                self.kept.push(Candidate {
                    token: token as u32,
                    weight: *weight,
                });
            }
        }
    }

    /// Keeps the fewest likeliest candidates that weigh `target` together.
    fn keep_nucleus(&mut self, target: f64) {
        let Some((class, mut before)) = self.border_class(target) else {
            return;
        };
        let ranked = &mut self.ranked;
        ranked.clear();
        ranked.reserve(self.kept.capacity());
        ranked.extend(self.kept.iter().filter(|one| one.class() == class));
        // The last one to keep lies between `from` and `to`; all that rank
        // before `from` weigh `before`.
        let (mut from, mut to) = (0, ranked.len());
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

    /// The class of weights in which the heaviest come to weigh `target`
    /// together, and what the classes above weigh; none if all weigh less.
    fn border_class(&mut self, target: f64) -> Option<(usize, f64)> {
        let classes = (1.0_f32.to_bits() >> HISTOGRAM_SHIFT) as usize + 1;
        self.histogram.clear();
        self.histogram.resize(classes, 0.0);
        for candidate in &self.kept {
            self.histogram[candidate.class().min(classes - 1)] += f64::from(candidate.weight);
        }
        let mut before = 0.0;
        for (class, weight) in self.histogram.iter().enumerate().rev() {
            if *weight > 0.0 && before + weight >= target {
                return Some((class, before));
            }
            before += weight;
        }
        None
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

/// Natural logarithms of the probabilities that a row of scores stands for.
pub(super) struct LogProbabilities<'a> {
    logits: &'a [f32],
    log_sum: f32,
}

impl<'a> LogProbabilities<'a> {
    pub(super) fn new(logits: &'a [f32]) -> Option<Self> {
        let (_, highest) = highest(logits)?;
        let log_sum = highest + weight_sum(logits, highest).ln() as f32;
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
    use crate::sampler::distribution_tests::{expected, scores};
    use crate::sampler::random::Random;

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
            let mut kept = vec![0.0; count];
            if list.whole {
                let weights = list.weights.iter().map(|weight| f64::from(*weight));
                kept = weights.collect();
            }
            for one in &list.kept {
                kept[one.token as usize] = f64::from(one.weight);
            }
            let sum: f64 = kept.iter().sum();
            kept.iter_mut().for_each(|weight| *weight /= sum);
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
                let buffers = [list.weights.capacity(), list.kept.capacity()];
                capacities.push((buffers, list.ranked.capacity(), list.histogram.capacity()));
            }
            assert!(capacities.iter().all(|capacity| *capacity == capacities[0]));
        }
    }
}
