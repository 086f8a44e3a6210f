//! What is drawn follows the distribution that the options describe, told
//! here a second time, slowly and by the book.

use super::random::Random;
use super::{Sampler, SamplerError, SamplingOptions};
use satchel_types::error::Kind;

/// The probability of each token by the definitions of the options.
pub(super) fn expected(
    logits: &[f32],
    prompt: &[u32],
    answer: &[u32],
    options: &SamplingOptions,
) -> Vec<f64> {
    let mut scores: Vec<f64> = logits.iter().map(|logit| f64::from(*logit)).collect();
    for (token, score) in scores.iter_mut().enumerate() {
        let token = token as u32;
        if prompt.contains(&token) || answer.contains(&token) {
            let penalty = f64::from(options.repetition_penalty);
            *score = if *score > 0.0 {
                *score / penalty
            } else {
                *score * penalty
            };
        }
        let times = answer.iter().filter(|said| **said == token).count();
        if times > 0 {
            *score -= f64::from(options.presence_penalty);
            *score -= f64::from(options.frequency_penalty) * times as f64;
        }
    }
    let temperature = f64::from(options.temperature);
    let weights = scores.iter().map(|score| (score / temperature).exp());
    let mut ranked: Vec<(usize, f64)> = weights.enumerate().collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    if options.top_k > 0 {
        ranked.truncate(options.top_k);
    }
    normalise(&mut ranked);
    let mut before = 0.0;
    ranked.retain(|(_, probability)| {
        let kept = before < f64::from(options.top_p) || before == 0.0;
        before += probability;
        kept
    });
    let least = f64::from(options.min_p) * ranked[0].1;
    ranked.retain(|(_, probability)| *probability >= least);
    normalise(&mut ranked);
    let mut probabilities = vec![0.0; logits.len()];
    for (token, probability) in ranked {
        probabilities[token] = probability;
    }
    probabilities
}

fn normalise(ranked: &mut [(usize, f64)]) {
    let sum: f64 = ranked.iter().map(|(_, weight)| weight).sum();
    for (_, weight) in ranked {
        *weight /= sum;
    }
}

/// Fails where counts are further from what is expected than one experiment in
/// 30,000 would be (Pearson's chi-square, its quantile by Wilson and Hilferty).
pub(super) fn assert_follows(counts: &[u64], probabilities: &[f64]) {
    let total = counts.iter().sum::<u64>() as f64;
    let (mut statistic, mut cells) = (0.0, 0);
    // Cells that are too small for the test are joined.
    let (mut small_count, mut small_expected) = (0.0, 0.0);
    for (count, probability) in counts.iter().zip(probabilities) {
        let (count, expected) = (*count as f64, probability * total);
        if *probability == 0.0 {
            assert_eq!(count, 0.0, "the impossible was drawn");
        } else if expected < 8.0 {
            small_count += count;
            small_expected += expected;
        } else {
            statistic += (count - expected).powi(2) / expected;
            cells += 1;
        }
    }
    if small_expected >= 8.0 {
        statistic += f64::powi(small_count - small_expected, 2) / small_expected;
        cells += 1;
    }
    let freedom = f64::from(cells - 1);
    if freedom == 0.0 {
        return;
    }
    let spread = 2.0 / (9.0 * freedom);
    let most = freedom * (1.0 - spread + 4.0 * spread.sqrt()).powi(3);
    assert!(statistic < most, "{statistic} of {most}, {cells} cells");
}

/// Scores of a made-up model.
pub(super) fn scores(seed: u64, count: usize, spread: f64) -> Vec<f32> {
    let random = Random::new(seed);
    let score = |at| ((random.uniform(at) - 0.5) * spread) as f32;
    (0..count as u64).map(score).collect()
}

fn assert_drawn_as_expected(
    logits: &[f32],
    prompt: &[u32],
    answer: &[u32],
    options: SamplingOptions,
) {
    let mut counts = vec![0; logits.len()];
    for seed in 0..20_000 {
        let options = SamplingOptions {
            seed,
            ..options.clone()
        };
        let mut sampler = Sampler::new(&options, None, prompt).unwrap();
        for token in answer {
            sampler.accept(*token).unwrap();
        }
        let drawn = sampler.sample(&mut logits.to_vec()).unwrap();
        counts[drawn.token as usize] += 1;
    }
    assert_follows(&counts, &expected(logits, prompt, answer, &options));
}

fn warm() -> SamplingOptions {
    SamplingOptions {
        temperature: 1.0,
        ..SamplingOptions::default()
    }
}

#[test]
fn draws_follow_the_models_distribution() {
    assert_drawn_as_expected(&scores(1, 50, 6.0), &[], &[], warm());
}

#[test]
fn temperature_sharpens_and_flattens() {
    for temperature in [0.3, 0.7, 1.9] {
        let options = SamplingOptions {
            temperature,
            ..warm()
        };
        assert_drawn_as_expected(&scores(2, 50, 6.0), &[], &[], options);
    }
}

#[test]
fn top_k_top_p_and_min_p_cut_the_tail() {
    let logits = scores(3, 60, 8.0);
    let cuts = [
        (5, 1.0, 0.0),
        (0, 0.8, 0.0),
        (0, 1.0, 0.2),
        (12, 0.9, 0.0),
        (12, 0.95, 0.1),
        (1, 1.0, 0.0),
        (0, 0.0, 0.0),
    ];
    for (top_k, top_p, min_p) in cuts {
        let options = SamplingOptions {
            top_k,
            top_p,
            min_p,
            temperature: 0.8,
            ..SamplingOptions::default()
        };
        assert_drawn_as_expected(&logits, &[], &[], options);
    }
}

#[test]
fn penalties_shift_the_distribution() {
    let options = SamplingOptions {
        repetition_penalty: 1.3,
        presence_penalty: 0.4,
        frequency_penalty: 0.3,
        top_p: 0.95,
        ..warm()
    };
    assert_drawn_as_expected(&scores(4, 30, 5.0), &[3, 4, 5], &[5, 6, 6, 6, 7], options);
}

#[test]
fn draws_at_successive_positions_are_independent() {
    let logits = scores(5, 12, 3.0);
    let single = expected(&logits, &[], &[], &warm());
    let mut counts = vec![0; 144];
    for seed in 0..30_000 {
        let options = SamplingOptions { seed, ..warm() };
        let mut sampler = Sampler::new(&options, None, &[]).unwrap();
        let mut pair = 0;
        for _ in 0..2 {
            let token = sampler.sample(&mut logits.clone()).unwrap().token;
            sampler.accept(token).unwrap();
            pair = pair * 12 + token as usize;
        }
        counts[pair] += 1;
    }
    let pairs = single
        .iter()
        .flat_map(|left| single.iter().map(move |right| left * right));
    assert_follows(&counts, &pairs.collect::<Vec<_>>());
}

#[test]
fn temperature_zero_takes_the_likeliest_and_the_first_of_equals() {
    let mut sampler = Sampler::new(&SamplingOptions::default(), None, &[]).unwrap();
    let mut logits = scores(6, 1000, 9.0);
    (logits[700], logits[900]) = (7.0, 7.0);
    assert_eq!(sampler.sample(&mut logits).unwrap().token, 700);
}

#[test]
fn same_seed_gives_the_same_text_and_another_seed_another() {
    let write = |seed| -> Vec<u32> {
        let options = SamplingOptions { seed, ..warm() };
        let mut sampler = Sampler::new(&options, None, &[]).unwrap();
        let step = |position| {
            let token = sampler
                .sample(&mut scores(position, 100, 4.0))
                .unwrap()
                .token;
            sampler.accept(token).unwrap();
            token
        };
        (0..30).map(step).collect()
    };
    assert_eq!(write(1), write(1));
    assert_ne!(write(1), write(2));
}

#[test]
fn choosing_again_without_accepting_gives_the_same_token() {
    let mut sampler = Sampler::new(&warm(), None, &[]).unwrap();
    let first = sampler.sample(&mut scores(7, 100, 4.0)).unwrap();
    let second = sampler.sample(&mut scores(7, 100, 4.0)).unwrap();
    assert_eq!(first, second);
}

#[test]
fn told_probabilities_are_the_models_own() {
    let options = SamplingOptions {
        top_logprobs: Some(3),
        repetition_penalty: 1.5,
        top_k: 1,
        ..warm()
    };
    let mut sampler = Sampler::new(&options, None, &[1]).unwrap();
    let logits = [1.0, 2.0, 0.0, -1.0];
    let sampled = sampler.sample(&mut logits.clone()).unwrap();
    let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
    let top: Vec<u32> = sampled.top.iter().map(|(token, _)| *token).collect();
    assert_eq!((sampled.token, top), (1, vec![1, 0, 2]));
    for (token, logprob) in &sampled.top {
        let expected = (logits[*token as usize].exp() / sum).ln();
        assert!((logprob - expected).abs() < 1e-5, "{logprob} {expected}");
    }
    assert_eq!(sampled.logprob, Some(sampled.top[0].1));
}

#[test]
fn probabilities_are_not_told_unless_asked_for() {
    let mut sampler = Sampler::new(&warm(), None, &[]).unwrap();
    let sampled = sampler.sample(&mut scores(8, 10, 1.0)).unwrap();
    assert_eq!((sampled.logprob, sampled.top.len()), (None, 0));
}

#[test]
fn scores_that_are_no_numbers_are_never_chosen() {
    for temperature in [0.0, 1.0] {
        let options = SamplingOptions {
            temperature,
            top_logprobs: Some(2),
            ..SamplingOptions::default()
        };
        let mut sampler = Sampler::new(&options, None, &[]).unwrap();
        let mut logits = [f32::NAN, f32::NEG_INFINITY, 1.0, f32::NAN];
        assert_eq!(sampler.sample(&mut logits).unwrap().token, 2);
        for hopeless in [vec![], vec![f32::NAN; 9], vec![f32::INFINITY; 9]] {
            let refused = sampler.sample(&mut hopeless.clone());
            assert_eq!(refused, Err(SamplerError::NoToken));
        }
    }
}

#[test]
fn wrong_options_are_refused_before_anything_is_chosen() {
    let options = SamplingOptions {
        temperature: -1.0,
        ..SamplingOptions::default()
    };
    let error = Sampler::new(&options, None, &[]).err().unwrap();
    assert_eq!(error.kind(), satchel_types::error::ErrorKind::Invalid);
}
