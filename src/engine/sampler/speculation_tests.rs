//! Drafts change how fast an answer comes and nothing else.

use super::distribution_tests::{assert_follows, expected, scores};
use super::random::Random;
use super::{Constraint, PromptLookup, Sampler, SamplerError, SamplingOptions, TokenTable};
use serde_json::json;
use std::sync::Arc;

/// A made-up model of few tokens whose scores depend on the whole text so far.
struct Model {
    tokens: usize,
    spread: f64,
}

impl Model {
    fn scores(&self, text: &[u32]) -> Vec<f32> {
        let folded = text.iter().fold(17_u64, |folded, token| {
            folded
                .wrapping_mul(1_000_003)
                .wrapping_add(u64::from(*token) + 1)
        });
        scores(folded, self.tokens, self.spread)
    }

    /// The rows of one pass over `text` and `drafts`.
    fn pass(&self, text: &[u32], drafts: &[u32]) -> Vec<f32> {
        let mut text = text.to_vec();
        let mut rows = self.scores(&text);
        for draft in drafts {
            text.push(*draft);
            rows.extend(self.scores(&text));
        }
        rows
    }
}

/// Some drafts: good, bad and of all lengths.
fn some_drafts(model: &Model, text: &[u32], seed: u64) -> Vec<u32> {
    let random = Random::new(seed.wrapping_mul(31).wrapping_add(text.len() as u64));
    let count = (random.uniform(0) * 5.0) as u64;
    let mut text = text.to_vec();
    let mut drafts = Vec::new();
    for at in 1..=count {
        let row = model.scores(&text);
        let likeliest = (0..row.len())
            .max_by(|a, b| row[*a].total_cmp(&row[*b]))
            .unwrap();
        let any = (random.uniform(2 * at) * model.tokens as f64) as usize;
        let draft = if random.uniform(2 * at + 1) < 0.6 {
            likeliest
        } else {
            any
        };
        drafts.push(draft as u32);
        text.push(draft as u32);
    }
    drafts
}

/// Writes at least `length` tokens, by drafts if a seed for them is given; the
/// text and how many of its tokens were drafts.
fn write(
    model: &Model,
    sampler: &mut Sampler,
    prompt: &[u32],
    length: usize,
    drafting: Option<u64>,
) -> (Vec<u32>, usize) {
    let mut text = prompt.to_vec();
    let mut accepted = 0;
    while text.len() < prompt.len() + length {
        let drafts = drafting.map_or_else(Vec::new, |seed| some_drafts(model, &text, seed));
        let mut rows = model.pass(&text, &drafts);
        let verified = sampler.verify(&drafts, &mut rows).unwrap();
        sampler.accept(verified.next.token).unwrap();
        text.extend_from_slice(&drafts[..verified.accepted]);
        text.push(verified.next.token);
        accepted += verified.accepted;
    }
    text.drain(..prompt.len());
    text.truncate(length);
    (text, accepted)
}

fn warm() -> SamplingOptions {
    SamplingOptions {
        temperature: 0.9,
        ..SamplingOptions::default()
    }
}

fn penalised() -> SamplingOptions {
    SamplingOptions {
        repetition_penalty: 1.4,
        presence_penalty: 0.3,
        frequency_penalty: 0.2,
        top_k: 6,
        top_p: 0.95,
        min_p: 0.02,
        ..warm()
    }
}

/// Writes three tokens 40,000 times with drafts and compares the frequencies
/// of all texts with the product of the probabilities of their tokens.
fn assert_texts_follow(options: &SamplingOptions) {
    let model = Model {
        tokens: 7,
        spread: 4.0,
    };
    let prompt = [2, 5];
    let mut counts = vec![0; 343];
    let mut accepted = 0;
    for seed in 0..40_000 {
        let options = SamplingOptions {
            seed,
            ..options.clone()
        };
        let mut sampler = Sampler::new(&options, None, &prompt).unwrap();
        let (text, drafted) = write(&model, &mut sampler, &prompt, 3, Some(seed));
        let cell = text
            .iter()
            .fold(0, |cell, token| cell * 7 + *token as usize);
        counts[cell] += 1;
        accepted += drafted;
    }
    assert!(accepted > 20_000, "{accepted}");
    let mut probabilities = vec![1.0; 343];
    for (cell, probability) in probabilities.iter_mut().enumerate() {
        let text = [cell / 49, cell / 7 % 7, cell % 7].map(|token| token as u32);
        for at in 0..3 {
            let said = [prompt.as_slice(), &text[..at]].concat();
            let row = expected(&model.scores(&said), &prompt, &text[..at], options);
            *probability *= row[text[at] as usize];
        }
    }
    assert_follows(&counts, &probabilities);
}

#[test]
fn texts_with_drafts_follow_the_models_distribution() {
    assert_texts_follow(&warm());
}

#[test]
fn texts_with_drafts_follow_the_distribution_with_penalties_and_cuts() {
    assert_texts_follow(&penalised());
}

#[test]
fn each_seed_gives_the_same_text_with_and_without_drafts() {
    let model = Model {
        tokens: 30,
        spread: 9.0,
    };
    let mut accepted = 0;
    for seed in 0..300 {
        let base = [SamplingOptions::default(), warm(), penalised()][seed as usize % 3].clone();
        let options = SamplingOptions { seed, ..base };
        let sampler = || Sampler::new(&options, None, &[1, 2, 3]).unwrap();
        let (plain, _) = write(&model, &mut sampler(), &[1, 2, 3], 40, None);
        let (drafted, hits) = write(&model, &mut sampler(), &[1, 2, 3], 40, Some(seed));
        assert_eq!(drafted, plain, "seed {seed}");
        accepted += hits;
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn draft_is_accepted_with_its_probability_and_replaced_by_the_others() {
    let row = scores(11, 9, 3.0);
    let probabilities = expected(&row, &[4], &[], &penalised());
    for (draft, probability) in probabilities.iter().enumerate() {
        let mut counts = vec![0; row.len()];
        for seed in 0..5_000 {
            let options = SamplingOptions {
                seed,
                ..penalised()
            };
            let mut sampler = Sampler::new(&options, None, &[4]).unwrap();
            let mut rows = [row.as_slice(), &row].concat();
            let verified = sampler.verify(&[draft as u32], &mut rows).unwrap();
            let next = verified.next.token as usize;
            assert!(verified.accepted == 1 || next != draft);
            counts[if verified.accepted == 1 { draft } else { next }] += 1;
        }
        let frequency = counts[draft] as f64 / 5_000.0;
        assert!(
            (frequency - probability).abs() < 0.03,
            "{frequency} {probability}"
        );
        assert_follows(&counts, &probabilities);
    }
}

#[test]
fn greedy_drafts_are_accepted_exactly_where_they_are_the_likeliest() {
    let mut sampler = Sampler::new(&SamplingOptions::default(), None, &[]).unwrap();
    let mut rows = vec![
        0.0, 1.0, 0.0, /**/ 1.0, 0.0, 0.0, /**/ 0.0, 0.0, 1.0, /**/ 1.0, 0.0, 0.0,
    ];
    let verified = sampler.verify(&[1, 0, 1], &mut rows).unwrap();
    assert_eq!((verified.accepted, verified.next.token), (2, 2));
}

#[test]
fn accepted_drafts_come_with_their_probabilities() {
    let options = SamplingOptions {
        top_logprobs: Some(1),
        ..SamplingOptions::default()
    };
    let mut sampler = Sampler::new(&options, None, &[]).unwrap();
    let verified = sampler.verify(&[1], &mut [0.0, 3.0, 0.0, 0.0]).unwrap();
    assert_eq!(verified.accepted, 1);
    let [draft] = verified.details.try_into().unwrap();
    assert_eq!((draft.token, draft.top[0].0), (1, 1));
    assert!(draft.logprob.unwrap() > -0.1);
    assert_eq!(verified.next.logprob, Some(0.5_f32.ln()));
}

#[test]
fn rows_that_do_not_fit_the_drafts_are_refused() {
    let mut sampler = Sampler::new(&warm(), None, &[]).unwrap();
    let refused = sampler.verify(&[1, 2], &mut [0.0; 8]);
    assert_eq!(refused, Err(SamplerError::Rows { scores: 8, rows: 3 }));
    assert!(sampler.verify(&[], &mut []).is_err());
}

/// The numbers that the schema of the next test allows, and the tokens of its
/// vocabulary; the last token ends the answer.
const NUMBERS: [&str; 6] = ["0", "2", "11", "12", "120", "210"];
const TOKENS: [&str; 7] = ["0", "1", "2", "12", "3", "10", ""];
const END: u32 = 6;

/// The tokens that may follow, told without the constraint's library.
fn may_follow(text: &str) -> Vec<bool> {
    let continued = |token: &&str| {
        let next = format!("{text}{token}");
        NUMBERS.iter().any(|number| number.starts_with(&next))
    };
    let mut allowed: Vec<bool> = TOKENS.iter().map(continued).collect();
    allowed[END as usize] = NUMBERS.contains(&text);
    allowed
}

fn spell(tokens: &[u32]) -> String {
    tokens.iter().map(|token| TOKENS[*token as usize]).collect()
}

fn numbers_only() -> Constraint {
    let tokens = TOKENS
        .iter()
        .map(|token| token.as_bytes().to_vec())
        .collect();
    let table: Arc<TokenTable> = TokenTable::new(tokens, &[END]).unwrap();
    let numbers: Vec<u32> = NUMBERS
        .iter()
        .map(|number| number.parse().unwrap())
        .collect();
    Constraint::json_schema(&json!({ "enum": numbers }), &table).unwrap()
}

/// All texts that the constraint allows behind `text` and their probabilities.
fn enumerate(
    model: &Model,
    text: &[u32],
    weight: f64,
    options: &SamplingOptions,
    all: &mut Vec<(Vec<u32>, f64)>,
) {
    if text.last() == Some(&END) {
        all.push((text.to_vec(), weight));
        return;
    }
    let mut row = model.scores(text);
    let allowed = may_follow(&spell(text));
    for (score, allowed) in row.iter_mut().zip(&allowed) {
        *score = if *allowed { *score } else { f32::NEG_INFINITY };
    }
    let probabilities = expected(&row, &[], text, options);
    for (token, probability) in probabilities.into_iter().enumerate() {
        if probability > 0.0 {
            let next = [text, &[token as u32]].concat();
            enumerate(model, &next, weight * probability, options, all);
        }
    }
}

#[test]
fn texts_with_drafts_follow_the_distribution_with_penalties_and_constraint() {
    let model = Model {
        tokens: TOKENS.len(),
        spread: 3.0,
    };
    let options = SamplingOptions {
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        ..penalised()
    };
    let mut texts = Vec::new();
    enumerate(&model, &[], 1.0, &options, &mut texts);
    let constraint = numbers_only();
    let mut counts = vec![0; texts.len()];
    let mut accepted = 0;
    for seed in 0..20_000 {
        let options = SamplingOptions {
            seed,
            ..options.clone()
        };
        let mut sampler = Sampler::new(&options, Some(constraint.clone()), &[]).unwrap();
        let (mut text, drafted) = write(&model, &mut sampler, &[], 5, Some(seed));
        let end = text.iter().position(|token| *token == END).unwrap();
        text.truncate(end + 1);
        let cell = texts.iter().position(|(known, _)| *known == text).unwrap();
        counts[cell] += 1;
        accepted += drafted;
    }
    assert!(accepted > 10_000, "{accepted}");
    let probabilities: Vec<f64> = texts.iter().map(|(_, probability)| *probability).collect();
    assert_follows(&counts, &probabilities);
}

#[test]
fn drafts_that_the_constraint_refuses_are_known_before_the_pass() {
    let mut sampler = Sampler::new(&warm(), Some(numbers_only()), &[]).unwrap();
    assert_eq!(sampler.allowed_drafts(&[1, 2, 0, 0]).unwrap(), 3);
    assert_eq!(sampler.allowed_drafts(&[4]).unwrap(), 0);
    sampler.accept(3).unwrap();
    assert_eq!(sampler.allowed_drafts(&[0, END]).unwrap(), 2);
}

#[test]
fn greedy_answer_by_prompt_lookup_is_the_plain_one_in_fewer_passes() {
    let model = Model {
        tokens: 300,
        spread: 5.0,
    };
    let prompt: Vec<u32> = (0..300).collect();
    // The model copies its prompt wherever it can.
    let copying = |text: &[u32]| {
        let mut row = model.scores(text);
        let next = text.last().map_or(0, |last| last + 1);
        if !next.is_multiple_of(50) {
            row[next as usize % 300] = 9.0;
        }
        row
    };
    let costs = [1.0, 1.02, 1.1, 1.25, 1.4, 1.55, 1.7, 1.85];
    let mut sampler = Sampler::new(&SamplingOptions::default(), None, &prompt).unwrap();
    let mut lookup = PromptLookup::new(&prompt);
    let (mut text, mut passes) = (prompt.clone(), 0);
    while text.len() < 600 {
        let drafts = lookup.draft(&costs).to_vec();
        let mut rows = copying(&text);
        for end in 1..=drafts.len() {
            rows.extend(copying(&[text.as_slice(), &drafts[..end]].concat()));
        }
        let verified = sampler.verify(&drafts, &mut rows).unwrap();
        sampler.accept(verified.next.token).unwrap();
        lookup.verified(drafts.len(), verified.accepted);
        let next = [&drafts[..verified.accepted], &[verified.next.token]].concat();
        next.iter().for_each(|token| lookup.push(*token));
        text.extend(next);
        passes += 1;
    }
    let mut plain = prompt.clone();
    while plain.len() < text.len() {
        let row = copying(&plain);
        let likeliest = (0..300)
            .rev()
            .max_by(|a, b| row[*a].total_cmp(&row[*b]))
            .unwrap();
        plain.push(likeliest as u32);
    }
    assert_eq!(text, plain);
    assert!(passes < 130, "{passes}");
}
