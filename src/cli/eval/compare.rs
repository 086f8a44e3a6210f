//! Whether one way of searching is better than another on the same questions,
//! or only luckier.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

/// How often the signs are drawn; the smallest p is one over one more.
const DRAWS: u32 = 10_000;

/// What differs between two ways, measured question by question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// Mean of the first less that of the second.
    pub difference: f64,
    /// The same as a share of the second's mean; absent where that is zero.
    pub relative: Option<f64>,
    /// How likely chance alone makes a difference as large, either way.
    pub p: f64,
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
    use super::compare;

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
    fn one_lucky_question_of_many_may_be_chance() {
        let mut first = [0.0; 50];
        first[7] = 1.0;
        assert_eq!(compare(&first, &[0.0; 50]).p, 1.0);
    }
}
