//! Whether what is not answered is what the documents do not answer: the share
//! of the unanswerable questions that are refused against the share of the
//! answerable ones, for every bound that there is.

use super::bench::Bench;
use super::features::Among;
use super::{Collection, EvalQuestion, RefusalPoint, RefusalReport};
use crate::retrieve::answerable_bound;
use crate::types::{SearchOptions, SearchScope};
use anyhow::Result;
use std::io::Write;

/// False refusals for which the curve is reported.
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

    /// What is told of the curve: the highest bounds that allow so many false
    /// refusals, and the bound in force.
    fn report(&self, unanswerable_are: &str) -> RefusalReport {
        let named = |name: String, point: Point| RefusalPoint {
            name,
            bound: point.bound,
            false_refusals: point.false_refusals,
            refused: point.refused,
            balanced_accuracy: point.balanced_accuracy(),
        };
        let allowing = ALLOWED.map(|allowed| {
            let name = format!("false refusals {:.0} %", allowed * 100.0);
            named(name, self.allowing(allowed))
        });
        let in_force = named("in force".into(), self.at(answerable_bound()));
        RefusalReport {
            answerable: self.answerable.len(),
            unanswerable: self.unanswerable.len(),
            unanswerable_are: unanswerable_are.to_owned(),
            area: self.area(),
            points: allowing.into_iter().chain([in_force]).collect(),
        }
    }
}

/// The curve of the collection's questions. Where all are answerable, the same
/// are asked again of the documents of other titles; where there are none, or
/// no question is answerable, there is no curve.
pub(super) fn measure(bench: &Bench, collection: &Collection) -> Result<Option<RefusalReport>> {
    let questions = &collection.questions;
    let mut labels: Vec<bool> = questions.iter().map(EvalQuestion::is_answerable).collect();
    let all_answerable = !labels.contains(&false);
    if !labels.contains(&true) || (all_answerable && !collection.shares_titles()) {
        return Ok(None);
    }
    let mut scores = Vec::new();
    for question in questions {
        scores.push(score(bench, &bench.scope, question)?);
    }
    let mut unanswerable = "not answered by their passage";
    if all_answerable {
        unanswerable = "asked of documents of other titles";
        for question in questions {
            let scope = Among::OtherTitles.scope(bench, collection, question);
            scores.push(score(bench, &scope, question)?);
            labels.push(false);
        }
    }
    Ok(Some(Refusal::of(&scores, &labels).report(unanswerable)))
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

/// Prints the curve, a line for each of its points.
pub(super) fn print(report: &RefusalReport, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "refusal: {} answerable questions, {} {}; area under the curve {:.3}",
        report.answerable, report.unanswerable, report.unanswerable_are, report.area
    )?;
    for RefusalPoint {
        name,
        bound,
        false_refusals,
        refused,
        balanced_accuracy,
    } in &report.points
    {
        writeln!(
            out,
            "{name:<24} bound {bound:.3}: refused {refused:.3}, falsely {false_refusals:.3}, \
             balanced accuracy {balanced_accuracy:.3}"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Refusal, RefusalReport};

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

    #[test]
    fn report_names_each_point_and_can_be_read_again() {
        let report = refusal().report("not answered");
        let names: Vec<&str> = report.points.iter().map(|point| &*point.name).collect();
        assert_eq!((names[0], names[5]), ("false refusals 2 %", "in force"));
        assert_eq!((report.answerable, report.unanswerable), (4, 4));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["area"], 0.78125);
        assert_eq!(json["points"][0]["refused"], 0.25);
        assert_eq!(json["points"][0]["balanced_accuracy"], 0.625);
        let again: RefusalReport = serde_json::from_value(json).unwrap();
        assert_eq!(again, report);
    }
}
