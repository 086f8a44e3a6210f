//! What is measured of each question's answer, and how long each step took.
//! Citations are measured as ALCE does (Gao, Yen, Yu and Chen 2023, "Enabling
//! Large Language Models to Generate Text with Citations"), with people's
//! judgements in place of a model's: precision is the share of the citations
//! that are relevant, recall the share of what has to be cited that is.

use super::metrics::percentile;
use super::{MetricReport, Milliseconds, StepReport};
use crate::types::SearchTimes;

/// The steps of a search; an answer has one more.
pub(super) const STEPS: [&str; 4] = ["embedding", "keywords", "vectors", "reading"];

/// How one question was answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answered {
    pub(super) answerable: bool,
    pub(super) answered: bool,
    /// A relevant passage was among the sources.
    pub(super) sourced: bool,
    /// Whether the words that answer are cited; `None`: nobody says the words.
    pub(super) span: Option<bool>,
    pub(super) cited: Cited,
}

/// The share of the citations that are relevant, and of the relevant passages
/// that are cited.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cited {
    pub(super) precision: f64,
    pub(super) recall: f64,
}

impl Cited {
    /// `is` says whether a citation is such a relevant passage. The relevant
    /// passages come as the ways to answer: of one of them all have to be cited,
    /// and that of which most are cited counts. An answer that cites nothing has
    /// neither precision nor recall.
    pub(super) fn of<C, R>(citations: &[C], ways: &[Vec<R>], is: impl Fn(&C, &R) -> bool) -> Self {
        let relevant = |one: &&C| ways.iter().flatten().any(|passage| is(one, passage));
        let right = citations.iter().filter(relevant).count();
        let share = |way: &Vec<R>| {
            let cited = |passage: &&R| citations.iter().any(|one| is(one, passage));
            way.iter().filter(cited).count() as f64 / way.len().max(1) as f64
        };
        Self {
            precision: right as f64 / citations.len().max(1) as f64,
            recall: ways.iter().map(share).fold(0.0, f64::max),
        }
    }
}

/// What is measured, with the scores of the questions that it is measured on.
pub(super) fn measures(all: &[Answered]) -> Vec<MetricReport> {
    let answerable = || all.iter().filter(|one| one.answerable);
    let others = all.iter().filter(|one| !one.answerable);
    let yes_or_no = |name: &str, said: Vec<bool>| {
        let scores = said.into_iter().map(|yes| f64::from(u8::from(yes)));
        MetricReport::new(name, true, scores.collect())
    };
    let share = |name: &str, scores: Vec<f64>| MetricReport::new(name, false, scores);
    let decided = all.iter().map(|one| one.answered == one.answerable);
    let measured = [
        yes_or_no("decided rightly", decided.collect()),
        yes_or_no("answered", answerable().map(|one| one.answered).collect()),
        yes_or_no("refused", others.map(|one| !one.answered).collect()),
        yes_or_no(
            "right source",
            answerable().map(|one| one.sourced).collect(),
        ),
        yes_or_no(
            "answer span",
            answerable().filter_map(|one| one.span).collect(),
        ),
        share(
            "citation precision",
            answerable().map(|one| one.cited.precision).collect(),
        ),
        share(
            "citation recall",
            answerable().map(|one| one.cited.recall).collect(),
        ),
    ];
    let is_measured = |one: &MetricReport| !one.scores.is_empty();
    measured.into_iter().filter(is_measured).collect()
}

/// How long each step of each question took, in milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Stopwatch {
    steps: Vec<(&'static str, Vec<f64>)>,
}

impl Stopwatch {
    pub(super) fn note(&mut self, step: &'static str, milliseconds: f64) {
        match self.steps.iter_mut().find(|(name, _)| *name == step) {
            Some((_, each)) => each.push(milliseconds),
            None => self.steps.push((step, vec![milliseconds])),
        }
    }

    /// The steps of a search.
    pub(super) fn note_search(&mut self, times: &SearchTimes) {
        let taken = [
            times.embedding_ms,
            times.keywords_ms,
            times.vectors_ms,
            times.reading_ms,
        ];
        for (step, milliseconds) in STEPS.into_iter().zip(taken) {
            self.note(step, milliseconds);
        }
    }

    pub(super) fn report(self) -> Vec<StepReport> {
        let step = |(name, each): (&str, Vec<f64>)| StepReport {
            name: name.to_owned(),
            milliseconds: milliseconds(each.clone()),
            each,
        };
        self.steps.into_iter().map(step).collect()
    }
}

/// The median and the 95th percentile.
fn milliseconds(mut each: Vec<f64>) -> Milliseconds {
    Milliseconds {
        median: percentile(&mut each, 0.5),
        p95: percentile(&mut each, 0.95),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answered, Cited, Stopwatch, measures};

    fn cited(citations: &[&str], ways: &[&[&str]]) -> (f64, f64) {
        let ways: Vec<Vec<&str>> = ways.iter().map(|way| way.to_vec()).collect();
        let found = Cited::of(citations, &ways, |one, passage| one == passage);
        (found.precision, found.recall)
    }

    #[test]
    fn citation_precision_counts_citations_and_recall_what_had_to_be_cited() {
        assert_eq!(cited(&["a", "x"], &[&["a", "b"]]), (0.5, 0.5));
        assert_eq!(cited(&["a", "b", "x", "y"], &[&["a", "b"]]), (0.5, 1.0));
        assert_eq!(cited(&[], &[&["a"]]), (0.0, 0.0));
        assert_eq!(cited(&["x"], &[&["a"]]), (0.0, 0.0));
    }

    #[test]
    fn best_way_to_answer_counts_for_recall_and_each_for_precision() {
        assert_eq!(cited(&["c", "a"], &[&["a", "b"], &["c"]]), (1.0, 1.0));
    }

    #[test]
    fn refusal_is_right_where_nothing_answers_and_answers_are_measured_elsewhere() {
        let found = measures(&[
            Answered {
                answerable: true,
                answered: true,
                sourced: true,
                span: Some(false),
                cited: Cited {
                    precision: 0.5,
                    recall: 1.0,
                },
            },
            Answered::default(),
            Answered {
                answered: true,
                ..Answered::default()
            },
        ]);
        let scores: Vec<(&str, &[f64])> = found.iter().map(|m| (&*m.name, &*m.scores)).collect();
        let wanted: [(&str, &[f64]); 7] = [
            ("decided rightly", &[1.0, 1.0, 0.0]),
            ("answered", &[1.0]),
            ("refused", &[1.0, 0.0]),
            ("right source", &[1.0]),
            ("answer span", &[0.0]),
            ("citation precision", &[0.5]),
            ("citation recall", &[1.0]),
        ];
        assert_eq!(scores, wanted);
        assert!(measures(&[]).is_empty());
    }

    #[test]
    fn each_step_has_its_median_and_its_slowest() {
        let mut watch = Stopwatch::default();
        for milliseconds in [3.0, 1.0, 2.0] {
            watch.note("all", milliseconds);
        }
        let report = watch.report();
        assert_eq!(
            (report[0].milliseconds.median, report[0].milliseconds.p95),
            (2.0, 3.0)
        );
        assert_eq!(
            report[0].each,
            [3.0, 1.0, 2.0],
            "in the order of the questions"
        );
    }
}
