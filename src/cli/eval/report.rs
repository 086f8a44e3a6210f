//! What an evaluation found: printed as a table, written as JSON, and read
//! again to be compared with another run.

use super::compare::compare;
use super::metrics::percentile;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// What is measured of a ranking, by the names it is printed under.
pub const METRICS: [&str; 5] = ["nDCG@10", "R@10", "R@100", "MRR", "first"];

/// A file of reports: one run over one or more collections.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportFile {
    /// The version that measured.
    pub satchel: String,
    pub collections: Vec<Report>,
}

/// One collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub collection: String,
    pub documents: usize,
    pub questions: usize,
    /// What tells these questions and judgements from others; absent in files of
    /// versions that did not say it.
    pub questions_sha256: Option<String>,
    pub methods: Vec<MethodReport>,
    pub answers: AnswersReport,
    /// Absent where there are no questions of both kinds.
    pub refusal: Option<RefusalReport>,
}

/// One way of searching.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    pub name: String,
    /// In the order of [`METRICS`].
    pub metrics: Vec<MetricReport>,
    /// Of one question, its embedding included.
    pub milliseconds: Milliseconds,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricReport {
    pub name: String,
    pub mean: f64,
    /// One a question that has an answer, in the order of the collection.
    pub scores: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Milliseconds {
    pub median: f64,
    pub p95: f64,
}

/// Answers in quotes, as shares of the questions of their kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswersReport {
    /// Questions that a document answers.
    pub answerable: usize,
    pub answered: f64,
    /// A passage of a document that answers was among the sources.
    pub right_source: f64,
    /// The words that answer were in the first quote, in the first two, in any;
    /// absent where the collection does not say the words.
    pub span_in_first: Option<f64>,
    pub span_in_first_two: Option<f64>,
    pub span_in_any: Option<f64>,
    /// Of the quotes, those from a document that answers; of the questions, those
    /// for which such a document is quoted.
    pub citation_precision: f64,
    pub citation_recall: f64,
    /// Questions that no document answers, and the share that was answered.
    pub unanswerable: usize,
    pub unanswerable_answered: f64,
}

/// What is refused, of the questions that the documents answer and of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefusalReport {
    pub answerable: usize,
    pub unanswerable: usize,
    /// Which questions count as unanswerable.
    pub unanswerable_are: String,
    /// The area under the curve.
    pub area: f64,
    pub points: Vec<RefusalPoint>,
}

/// A point of the curve: what is refused at this bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefusalPoint {
    pub name: String,
    pub bound: f32,
    /// The share of the answerable questions that are refused.
    pub false_refusals: f64,
    /// The share of the unanswerable questions that are refused.
    pub refused: f64,
    pub balanced_accuracy: f64,
}

impl MethodReport {
    /// `scores` has a row of [`METRICS`] for each question.
    pub(super) fn new(name: &str, scores: &[[f64; METRICS.len()]], mut millis: Vec<f64>) -> Self {
        let metric = |(column, name): (usize, &&str)| {
            let scores: Vec<f64> = scores.iter().map(|row| row[column]).collect();
            MetricReport {
                name: (*name).to_owned(),
                mean: scores.iter().sum::<f64>() / scores.len().max(1) as f64,
                scores,
            }
        };
        Self {
            name: name.to_owned(),
            metrics: METRICS.iter().enumerate().map(metric).collect(),
            milliseconds: Milliseconds {
                median: percentile(&mut millis, 0.5),
                p95: percentile(&mut millis, 0.95),
            },
        }
    }

    fn metric(&self, name: &str) -> Option<&MetricReport> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// Prints the row of a table.
    pub(super) fn print(&self, out: &mut dyn Write) -> Result<()> {
        write!(out, "{:<14}", self.name)?;
        for metric in &self.metrics {
            write!(out, " {:>8.4}", metric.mean)?;
        }
        let Milliseconds { median, p95 } = self.milliseconds;
        writeln!(out, " {median:>8.1} {p95:>8.1}")?;
        Ok(())
    }
}

/// Prints the head of that table.
pub(super) fn print_head(out: &mut dyn Write) -> Result<()> {
    write!(out, "{:<14}", "")?;
    for name in METRICS {
        write!(out, " {name:>8}")?;
    }
    writeln!(out, " {:>8} {:>8}", "ms p50", "ms p95")?;
    Ok(())
}

impl Report {
    /// Prints whether both together find more than the better of the two, and
    /// whether reading closely adds to that.
    pub(super) fn print_gains(&self, out: &mut dyn Write) -> Result<()> {
        let by_name = |name: &str| {
            let method = self.methods.iter().find(|method| method.name == name)?;
            method.metric(METRICS[0])
        };
        let (Some(hybrid), Some(similarity), Some(keyword)) =
            (by_name("hybrid"), by_name("similarity"), by_name("keyword"))
        else {
            return Ok(());
        };
        let (better, name) = match similarity.mean > keyword.mean {
            true => (similarity, "similarity"),
            false => (keyword, "keyword"),
        };
        print_comparison(&format!("hybrid over {name}"), hybrid, better, out)?;
        match by_name("hybrid+rerank") {
            Some(reranked) => print_comparison("rerank over hybrid", reranked, hybrid, out),
            None => Ok(()),
        }
    }

    /// Prints what differs from an earlier run over the same questions.
    pub fn print_against(&self, earlier: &ReportFile, out: &mut dyn Write) -> Result<()> {
        let other = self.same_in(earlier)?;
        writeln!(out, "against the run of satchel {}:", earlier.satchel)?;
        for method in &self.methods {
            let before = other.methods.iter().find(|one| one.name == method.name);
            let Some(before) = before else { continue };
            for metric in &method.metrics {
                if let Some(old) = before.metric(&metric.name) {
                    print_comparison(&method.name, metric, old, out)?;
                }
            }
        }
        Ok(())
    }

    /// The report of the same questions: scores are compared one by one.
    fn same_in<'a>(&self, earlier: &'a ReportFile) -> Result<&'a Self> {
        let name = &self.collection;
        let mut same = earlier.collections.iter();
        let Some(other) = same.find(|other| other.collection == *name) else {
            bail!("the earlier run has no collection {name:?} to compare with");
        };
        ensure!(
            other.questions == self.questions && other.documents == self.documents,
            "{name}: the earlier run had {} documents and {} questions, this one {} and {}; \
             only the same collection can be compared",
            other.documents,
            other.questions,
            self.documents,
            self.questions
        );
        ensure!(
            other.questions_sha256.is_some(),
            "{name}: the earlier run does not say which questions it asked, for an older version \
             wrote it; measure it again to compare with it"
        );
        ensure!(
            other.questions_sha256 == self.questions_sha256,
            "{name}: the earlier run had other questions, or other judgements of what answers \
             them; only the same ones can be compared"
        );
        Ok(other)
    }
}

fn print_comparison(
    name: &str,
    first: &MetricReport,
    second: &MetricReport,
    out: &mut dyn Write,
) -> Result<()> {
    let found = compare(&first.scores, &second.scores);
    let relative = found.relative.map_or(String::new(), |relative| {
        format!(" ({:+.1} %)", relative * 100.0)
    });
    writeln!(
        out,
        "{name}: {} {:+.4}{relative}, p = {:.4}",
        first.name, found.difference, found.p
    )?;
    Ok(())
}

impl ReportFile {
    pub fn new(collections: Vec<Report>) -> Self {
        Self {
            satchel: env!("CARGO_PKG_VERSION").to_owned(),
            collections,
        }
    }

    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} was not written by satchel eval", path.display()))
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::{AnswersReport, MethodReport, Report, ReportFile};

    fn report(questions_sha256: Option<&str>, score: f64) -> Report {
        Report {
            collection: "tower".into(),
            documents: 3,
            questions: 2,
            questions_sha256: questions_sha256.map(str::to_owned),
            methods: vec![MethodReport::new("hybrid", &[[score; 5]], vec![1.0])],
            answers: AnswersReport::default(),
            refusal: None,
        }
    }

    fn against(earlier: Report) -> anyhow::Result<String> {
        let mut out = Vec::new();
        report(Some("same"), 1.0).print_against(&ReportFile::new(vec![earlier]), &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn only_runs_over_the_same_questions_are_compared() {
        let table = against(report(Some("same"), 0.5)).unwrap();
        assert!(table.contains("hybrid: nDCG@10 +0.5000"), "{table}");
        let error = against(report(Some("other"), 0.5)).unwrap_err();
        assert!(error.to_string().contains("other questions"), "{error}");
    }

    #[test]
    fn run_that_does_not_say_its_questions_is_not_compared() {
        let mut older = serde_json::to_value(report(None, 0.5)).unwrap();
        let fields = older.as_object_mut().unwrap();
        for newer in ["questions_sha256", "refusal"] {
            fields.remove(newer);
        }
        let error = against(serde_json::from_value(older).unwrap()).unwrap_err();
        assert!(error.to_string().contains("measure it again"), "{error}");
    }
}
