//! What an evaluation found: printed as a table, written as JSON, and read
//! again to be compared with another run.

use super::against::{Against, relative};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// What is measured of a ranking, by the names it is printed under.
pub const METRICS: [&str; 5] = ["nDCG@10", "R@10", "R@100", "MRR", FIRST];

/// Whether what is ranked first is relevant: yes or no.
const FIRST: &str = "first";

/// A file of reports: one run over one or more collections.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportFile {
    /// The version that measured.
    pub satchel: String,
    pub collections: Vec<Report>,
}

/// One collection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub collection: String,
    pub documents: usize,
    pub questions: usize,
    /// What tells these questions and judgements from others; absent in files of
    /// versions that did not say it.
    pub questions_sha256: Option<String>,
    /// The models that were tried in place of the built-in ones.
    pub embedder: Option<String>,
    pub reranker: Option<String>,
    pub methods: Vec<MethodReport>,
    pub answers: AnswersReport,
    /// Absent where there are no questions of both kinds.
    pub refusal: Option<RefusalReport>,
    /// Absent where there was no earlier run to compare with.
    pub against: Option<Against>,
}

/// One way of searching.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    pub name: String,
    /// In the order of [`METRICS`].
    pub metrics: Vec<MetricReport>,
    /// Of one question, its embedding included.
    pub milliseconds: Milliseconds,
    /// Of each step, the last one `all` of them.
    #[serde(default)]
    pub steps: Vec<StepReport>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricReport {
    pub name: String,
    /// Whether each score is yes (1) or no (0).
    #[serde(default)]
    pub yes_or_no: bool,
    pub mean: f64,
    /// One a question that it is measured on, in the order of the collection.
    pub scores: Vec<f64>,
}

/// How long a step takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    pub name: String,
    pub milliseconds: Milliseconds,
    /// Of each question, in the order of the collection.
    pub each: Vec<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Milliseconds {
    pub median: f64,
    pub p95: f64,
}

/// Answers in quotes, or from a chat model, as shares of the questions of their kind.
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
    /// The chat model that wrote what `measures` and `steps` measure; absent: they
    /// are of quotes.
    #[serde(default)]
    pub written_by: Option<String>,
    /// Question by question, so that another run can be compared.
    #[serde(default)]
    pub measures: Vec<MetricReport>,
    /// How long each step of an answer takes.
    #[serde(default)]
    pub steps: Vec<StepReport>,
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
    /// `scores` has a row of [`METRICS`] for each question, the last of the steps
    /// is all of them.
    pub(super) fn new(name: &str, scores: &[[f64; METRICS.len()]], steps: Vec<StepReport>) -> Self {
        let metric = |(column, name): (usize, &&str)| {
            let scores = scores.iter().map(|row| row[column]).collect();
            MetricReport::new(name, *name == FIRST, scores)
        };
        Self {
            name: name.to_owned(),
            metrics: METRICS.iter().enumerate().map(metric).collect(),
            milliseconds: steps.last().map(|all| all.milliseconds).unwrap_or_default(),
            steps,
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

/// Prints how long each step takes, a line for each way of searching.
pub(super) fn print_steps(methods: &[MethodReport], out: &mut dyn Write) -> Result<()> {
    writeln!(out, "milliseconds of each step (p50/p95):")?;
    for method in methods {
        write!(out, "{:<14}", method.name)?;
        print_times(&method.steps, out)?;
    }
    Ok(())
}

fn print_times(steps: &[StepReport], out: &mut dyn Write) -> Result<()> {
    for StepReport {
        name, milliseconds, ..
    } in steps
    {
        let Milliseconds { median, p95 } = milliseconds;
        write!(out, " {name} {median:.1}/{p95:.1}")?;
    }
    writeln!(out)?;
    Ok(())
}

impl MetricReport {
    pub(super) fn new(name: &str, yes_or_no: bool, scores: Vec<f64>) -> Self {
        Self {
            name: name.to_owned(),
            yes_or_no,
            mean: scores.iter().sum::<f64>() / scores.len().max(1) as f64,
            scores,
        }
    }
}

impl AnswersReport {
    /// How the answers came about.
    pub(super) fn way(&self) -> &str {
        self.written_by.as_deref().unwrap_or("quotes")
    }

    /// Prints what is measured of each question, and how long it takes.
    pub(super) fn print_measures(&self, out: &mut dyn Write) -> Result<()> {
        writeln!(out, "each question's answer ({}):", self.way())?;
        for MetricReport {
            name, mean, scores, ..
        } in &self.measures
        {
            let questions = scores.len();
            writeln!(out, "{name:<20} {mean:>8.4} of {questions} questions")?;
        }
        write!(out, "{:<14}", "milliseconds")?;
        print_times(&self.steps, out)
    }
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
}

fn print_comparison(
    name: &str,
    first: &MetricReport,
    second: &MetricReport,
    out: &mut dyn Write,
) -> Result<()> {
    let found = first.over(second);
    let relative = relative(found.relative);
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
