//! Whether one way of searching is better than another on the same questions,
//! or only luckier.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// How often the signs are drawn; the smallest p is one over one more.
const DRAWS: u32 = 10_000;

/// How it is found out what chance could explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    #[serde(rename = "Fisher's randomization test")]
    Randomization,
    #[serde(rename = "McNemar's exact test")]
    McNemar,
}

/// What differs between two ways, measured question by question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// Mean of the first less that of the second.
    pub difference: f64,
    /// The same as a share of the second's mean; absent where that is zero.
    pub relative: Option<f64>,
    /// How likely chance alone makes a difference as large, either way.
    pub p: f64,
    pub test: Test,
}

/// Compares yes and no (1 and 0) of two ways on the same questions by McNemar's
/// test (1947) in its exact form: were both the same, each question on which they
/// differ could as well differ the other way.
pub fn compare_yes_or_no(first: &[f64], second: &[f64]) -> Comparison {
    let pairs = || first.iter().zip(second);
    let gained = pairs().filter(|(a, b)| a > b).count();
    let lost = pairs().filter(|(a, b)| a < b).count();
    let count = pairs().count().max(1) as f64;
    let difference = (gained as f64 - lost as f64) / count;
    let mean = pairs().map(|(_, b)| b).sum::<f64>() / count;
    Comparison {
        difference,
        relative: (mean > 0.0).then(|| difference / mean),
        p: both_tails(gained.min(lost), gained + lost),
        test: Test::McNemar,
    }
}

/// How likely a fair coin falls on its rarer side `few` times of `all` or less.
fn both_tails(few: usize, all: usize) -> f64 {
    // By logarithms: half to the power of some thousand is no number any more.
    let mut ways = 0.0_f64;
    let mut tail = 0.0_f64;
    for place in 0..=few {
        tail += (ways - all as f64 * std::f64::consts::LN_2).exp();
        ways += ((all - place) as f64 / (place + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// Compares the scores of two ways on the same questions, in the same order, by
/// Fisher's randomization test (Smucker, Allan and Carterette 2007): were both
/// the same, each difference could as well have the other sign. The same scores
/// always give the same p.
pub fn compare(first: &[f64], second: &[f64]) -> Comparison {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let count = differences.len().max(1) as f64;
    let sum: f64 = differences.iter().sum();
    let mean: f64 = second.iter().take(differences.len()).sum::<f64>() / count;
    // Sums of the same numbers in another order differ in their last digits.
    let seen = sum.abs() * (1.0 - 1e-9);
    let mut chance = StdRng::seed_from_u64(DRAWS.into());
    let mut as_large = 0;
    for _ in 0..DRAWS {
        let drawn: f64 = differences
            .chunks(64)
            .map(|chunk| signed_sum(chunk, chance.random()))
            .sum();
        as_large += u32::from(drawn.abs() >= seen);
    }
    Comparison {
        difference: sum / count,
        relative: (mean > 0.0).then(|| sum / count / mean),
        p: f64::from(as_large + 1) / f64::from(DRAWS + 1),
        test: Test::Randomization,
    }
}

/// The sum of at most 64 numbers, each with the sign that its bit says.
fn signed_sum(numbers: &[f64], signs: u64) -> f64 {
    let signed = |(bit, number): (usize, &f64)| match signs >> bit & 1 {
        0 => *number,
        _ => -number,
    };
    numbers.iter().enumerate().map(signed).sum()
}

#[cfg(test)]
mod tests {
    use super::{compare, compare_yes_or_no};

    #[test]
    fn same_scores_do_not_differ() {
        let scores = [0.5, 0.0, 1.0, 0.25];
        let found = compare(&scores, &scores);
        assert_eq!((found.difference, found.relative), (0.0, Some(0.0)));
        assert_eq!(found.p, 1.0);
    }

    #[test]
    fn better_on_every_question_is_no_chance() {
        let worse: Vec<f64> = (0..100).map(|n| f64::from(n % 7) / 10.0).collect();
        let better: Vec<f64> = worse.iter().map(|score| score + 0.1).collect();
        let found = compare(&better, &worse);
        assert!((found.difference - 0.1).abs() < 1e-12);
        assert!(found.relative.unwrap() > 0.3);
        assert!(found.p < 0.001, "{found:?}");
        assert_eq!(found.p, compare(&worse, &better).p);
    }

    #[test]
    fn p_is_that_of_all_sign_patterns() {
        // Of the 16 patterns of 1, 2, 3 and 4, four have a sum of 8 or more
        // either way: all plus, the 1 minus, and their mirror images.
        let found = compare(&[-1.0, 2.0, 3.0, 4.0], &[0.0; 4]);
        assert!((found.p - 0.25).abs() < 0.02, "{found:?}");
        assert_eq!(found.relative, None);
    }

    #[test]
    fn p_of_yes_and_no_is_that_of_a_fair_coin() {
        // Two against eight: twice the (1 + 10 + 45) of the 1024 ways.
        let of = |gained: usize, lost: usize, same: usize| {
            let first = [vec![1.0; gained], vec![0.0; lost], vec![1.0; same]].concat();
            let second = [vec![0.0; gained], vec![1.0; lost], vec![1.0; same]].concat();
            compare_yes_or_no(&first, &second)
        };
        let found = of(2, 8, 90);
        assert!((found.p - 112.0 / 1024.0).abs() < 1e-12, "{found:?}");
        assert!((found.difference + 0.06).abs() < 1e-12, "{found:?}");
        assert!((of(8, 2, 0).p - found.p).abs() < 1e-12);
        assert_eq!((of(0, 0, 5).p, of(3, 3, 0).p), (1.0, 1.0));
        assert!(of(3000, 2000, 0).p < 1e-40, "of many questions too");
    }

    #[test]
    fn one_lucky_question_of_many_may_be_chance() {
        let mut first = [0.0; 50];
        first[7] = 1.0;
        assert_eq!(compare(&first, &[0.0; 50]).p, 1.0);
    }
}
