//! Whether what is not answered is what the documents do not answer: the share
//! of the unanswerable questions that are refused against the share of the
//! answerable ones, for every bound that there is.

use super::bench::Bench;
use super::features::Among;
use super::{Collection, EvalQuestion};
use crate::service::ANSWERABLE;
use crate::types::{SearchOptions, SearchScope};
use anyhow::Result;
use std::io::Write;

/// False refusals for which the curve is printed.
const ALLOWED: [f64; 5] = [0.02, 0.05, 0.10, 0.15, 0.20];

/// Scores of the questions of both kinds, falling ones first to be refused.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refusal {
    /// In rising order.
    answerable: Vec<f32>,
    unanswerable: Vec<f32>,
}

/// What a bound does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Scores below it are refused.
    pub bound: f32,
    /// The share of the answerable questions that are refused.
    pub false_refusals: f64,
    /// The share of the unanswerable questions that are refused.
    pub refused: f64,
}

impl Point {
    /// The mean of the shares of both kinds that are decided rightly.
    pub fn balanced_accuracy(&self) -> f64 {
        (1.0 - self.false_refusals + self.refused) / 2.0
    }
}

impl Refusal {
    /// Of scores and of whether the question is answerable.
    pub fn of(scores: &[f32], answerable: &[bool]) -> Self {
        let of_kind = |kind: bool| {
            let both = scores.iter().zip(answerable);
            let mut found: Vec<f32> = both
                .filter_map(|(&score, &is)| (is == kind).then_some(score))
                .collect();
            found.sort_by(f32::total_cmp);
            found
        };
        Self {
            answerable: of_kind(true),
            unanswerable: of_kind(false),
        }
    }

    /// What this bound does.
    pub fn at(&self, bound: f32) -> Point {
        let share = |scores: &[f32]| {
            scores.partition_point(|&score| score < bound) as f64 / scores.len().max(1) as f64
        };
        Point {
            bound,
            false_refusals: share(&self.answerable),
            refused: share(&self.unanswerable),
        }
    }

    /// The highest bound with at most this share of false refusals.
    pub fn allowing(&self, false_refusals: f64) -> Point {
        let most = (false_refusals * self.answerable.len() as f64 + 1e-9) as usize;
        self.at(self.answerable.get(most).copied().unwrap_or(f32::INFINITY))
    }

    /// The probability that an answerable question has the higher score: the
    /// area under the curve.
    pub fn area(&self) -> f64 {
        let below: usize = self
            .answerable
            .iter()
            .map(|&score| {
                let less = self.unanswerable.partition_point(|&other| other < score);
                less + self.unanswerable.partition_point(|&other| other <= score)
            })
            .sum();
        let pairs = self.answerable.len() * self.unanswerable.len();
        below as f64 / (2 * pairs.max(1)) as f64
    }
}

/// Prints the curve of the collection's questions. Where all are answerable, the
/// same are asked again of the documents of other titles, if there are any.
pub(super) fn measure(bench: &Bench, collection: &Collection, out: &mut dyn Write) -> Result<()> {
    let is_answerable = |question: &EvalQuestion| question.grades.values().any(|&grade| grade > 0);
    let mut labels: Vec<bool> = collection.questions.iter().map(is_answerable).collect();
    let mut scores = Vec::new();
    for question in &collection.questions {
        scores.push(score(bench, &bench.scope, question)?);
    }
    let mut unanswerable = "not answered by their passage";
    if labels.iter().all(|&answerable| answerable) {
        if !collection.shares_titles() {
            return Ok(());
        }
        unanswerable = "asked of documents of other titles";
        for question in &collection.questions {
            let scope = Among::OtherTitles.scope(bench, collection, question);
            scores.push(score(bench, &scope, question)?);
            labels.push(false);
        }
    }
    print(&Refusal::of(&scores, &labels), unanswerable, out)
}

/// How sure the product is that it has an answer, as it decides by default: a
/// question without any passage above the threshold is not answered either.
fn score(bench: &Bench, scope: &SearchScope, question: &EvalQuestion) -> Result<f32> {
    let options = SearchOptions::default();
    let found = bench.retriever.search(&question.text, scope, &options)?;
    Ok(match found.passages.is_empty() {
        true => 0.0,
        false => found.answerable,
    })
}

fn print(refusal: &Refusal, unanswerable: &str, out: &mut dyn Write) -> Result<()> {
    let (answerable, others) = (refusal.answerable.len(), refusal.unanswerable.len());
    writeln!(
        out,
        "refusal: {answerable} answerable questions, {others} {unanswerable}; area under the curve {:.3}",
        refusal.area()
    )?;
    let mut line = |name: &str, point: Point| {
        let right = point.balanced_accuracy();
        let Point {
            bound,
            false_refusals,
            refused,
        } = point;
        writeln!(
            out,
            "{name:<24} bound {bound:.3}: refused {refused:.3}, falsely {false_refusals:.3}, \
             balanced accuracy {right:.3}"
        )
    };
    for allowed in ALLOWED {
        let name = format!("false refusals {:.0} %", allowed * 100.0);
        line(&name, refusal.allowing(allowed))?;
    }
    line("in force", refusal.at(ANSWERABLE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Refusal;

    fn refusal() -> Refusal {
        let scores = [0.9, 0.8, 0.7, 0.2, 0.75, 0.3, 0.1, 0.2];
        let answerable = [true, true, true, true, false, false, false, false];
        Refusal::of(&scores, &answerable)
    }

    #[test]
    fn bound_refuses_what_is_below_it() {
        let point = refusal().at(0.5);
        assert_eq!((point.false_refusals, point.refused), (0.25, 0.75));
        assert_eq!(point.balanced_accuracy(), 0.75);
    }

    #[test]
    fn bound_is_as_high_as_false_refusals_allow() {
        let refusal = refusal();
        assert_eq!(refusal.allowing(0.0).bound, 0.2);
        assert_eq!(refusal.allowing(0.0).refused, 0.25);
        let quarter = refusal.allowing(0.25);
        assert_eq!((quarter.bound, quarter.refused), (0.7, 0.75));
        assert_eq!(refusal.allowing(1.0).refused, 1.0);
    }

    #[test]
    fn area_counts_pairs_in_the_right_order_and_equal_ones_half() {
        assert_eq!(refusal().area(), (4.0 + 4.0 + 3.0 + 1.5) / 16.0);
        assert_eq!(Refusal::of(&[], &[]).area(), 0.0);
    }
}
