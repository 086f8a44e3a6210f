//! The gold set that people collect by marking passages, asked of the data
//! folder's own documents through its server. What is right here is a passage,
//! and not a document; a question without one is one that people say the
//! documents do not answer. A report of it holds scores and no texts.

mod answers;

use super::collection::{parsed, read};
use super::fingerprint::{fingerprint, hash};
use super::measures::Stopwatch;
use super::report::{self, METRICS, MethodReport, Report, ReportFile};
use super::{DEPTH, ndcg, recall, reciprocal_rank};
use crate::cli::connection::{Connection, Refusal};
use crate::types::{SearchTimes, slice_chars};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use ureq::http::StatusCode;

/// The ways of searching, their words on the wire, and whether they read closely.
const METHODS: [(&str, &str, bool); 3] = [
    ("similarity", "SIMILARITY", false),
    ("hybrid", "HYBRID", false),
    ("hybrid+rerank", "HYBRID", true),
];

/// How long to wait where the server takes no more requests for now, and how
/// often: its limits are counted by the minute.
const WAIT: Duration = Duration::from_secs(1);
const WAITS: u32 = 180;

/// A line of the gold set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct GoldQuestion {
    question: String,
    passages: Vec<GoldPassage>,
    /// The documents do not answer it.
    #[serde(default)]
    unanswerable: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct GoldPassage {
    document_id: String,
    /// Absent with start and end where the document no longer has the words.
    page: Option<u32>,
    start: Option<usize>,
    end: Option<usize>,
    sha256: String,
    grade: u32,
}

/// A place that a search or an answer names.
#[derive(Debug, Deserialize)]
struct Found {
    document_id: String,
    page: u32,
    start: usize,
    end: usize,
}

impl GoldPassage {
    /// Whether a place is this one: at least half of the shorter is in both.
    fn is_at(&self, found: &Found) -> bool {
        let (Some(page), Some(start), Some(end)) = (self.page, self.start, self.end) else {
            return false;
        };
        let both = end.min(found.end).saturating_sub(start.max(found.start));
        let shorter = (end - start).min(found.end.saturating_sub(found.start));
        self.document_id == found.document_id && page == found.page && both * 2 >= shorter.max(1)
    }
}

/// Measures the gold set of `file`, else that of the data folder, and prints a
/// line for each way of searching and one for the answers.
pub(in crate::cli) fn run(
    connection: &Connection,
    file: Option<&Path>,
    earlier: Option<&ReportFile>,
    out: &mut dyn Write,
) -> Result<Report> {
    let (text, name) = match file {
        Some(path) => (read(path)?, path.display().to_string()),
        None => (exported(connection)?, "the gold set".to_owned()),
    };
    let all: Vec<GoldQuestion> = parsed(&text, &name)?;
    let (questions, lost) = still_there(connection, all)?;
    let unanswerable = questions.iter().filter(|one| one.unanswerable).count();
    if unanswerable == questions.len() {
        bail!("{name} has no question whose passage is among the documents of the data folder");
    }
    let documents: HashSet<&str> = questions
        .iter()
        .flat_map(|question| &question.passages)
        .map(|passage| passage.document_id.as_str())
        .collect();
    let mut report = Report {
        collection: "gold".into(),
        documents: documents.len(),
        questions: questions.len(),
        questions_sha256: Some(fingerprint(questions.iter().map(judged))),
        ..Report::default()
    };
    if let Some(earlier) = earlier {
        earlier.of_the_same(report.asked())?;
    }
    writeln!(
        out,
        "gold: passages of {} documents, {} questions",
        report.documents, report.questions
    )?;
    if unanswerable > 0 {
        writeln!(
            out,
            "{unanswerable} of the questions are not answered by the documents, as people say; \
             rankings are measured on the others"
        )?;
    }
    if lost > 0 {
        writeln!(
            out,
            "left out, for their words are no longer there: {lost} passages"
        )?;
    }
    report::print_head(out)?;
    for method in METHODS {
        let measured = measure(connection, &questions, method)?;
        measured.print(out)?;
        report.methods.push(measured);
    }
    report::print_steps(&report.methods, out)?;
    report.answers = answers::measure(connection, &questions)?;
    answers::print(&report.answers, out)?;
    if let Some(earlier) = earlier {
        report.compare_with(earlier, out)?;
    }
    Ok(report)
}

/// The question with the grades of its passages, by their words: they are the
/// same where a document was added anew or is read in another way.
fn judged(question: &GoldQuestion) -> (&str, Vec<(&str, u32)>) {
    let passages = question.passages.iter();
    let grades = passages.map(|one| (one.sha256.as_str(), one.grade));
    (&question.question, grades.collect())
}

fn exported(connection: &Connection) -> Result<String> {
    let mut bytes = Vec::new();
    connection.download("/api/gold/export", &mut bytes)?;
    String::from_utf8(bytes).context("the gold set is not text")
}

/// The questions with those of their passages whose words are where they were;
/// and how many passages are not.
fn still_there(
    connection: &Connection,
    all: Vec<GoldQuestion>,
) -> Result<(Vec<GoldQuestion>, usize)> {
    let mut pages: HashMap<String, Option<String>> = HashMap::new();
    let (mut kept, mut lost) = (Vec::new(), 0);
    for mut question in all {
        let before = question.passages.len();
        let mut there = Vec::new();
        for passage in question.passages {
            let (Some(page), Some(start), Some(end)) = (passage.page, passage.start, passage.end)
            else {
                continue;
            };
            let path = format!("/documents/{}/pages/{page}", passage.document_id);
            let text = match pages.entry(path) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let text = page_text(connection, place.key())?;
                    place.insert(text)
                }
            };
            let text = text.as_deref().unwrap_or_default();
            if start < end && hash(slice_chars(text, start..end)) == passage.sha256 {
                there.push(passage);
            }
        }
        lost += before - there.len();
        question.passages = there;
        if question.unanswerable || !question.passages.is_empty() {
            kept.push(question);
        }
    }
    Ok((kept, lost))
}

/// The text of a page; `None`: it is not there, or no longer.
fn page_text(connection: &Connection, path: &str) -> Result<Option<String>> {
    match patiently(|| connection.get(path)) {
        Ok((page, _)) => Ok(page["text"].as_str().map(str::to_owned)),
        Err(error) if refused_with(&error) == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

fn measure(
    connection: &Connection,
    questions: &[GoldQuestion],
    (name, word, rerank): (&str, &str, bool),
) -> Result<MethodReport> {
    let mut scores = Vec::with_capacity(questions.len());
    let mut watch = Stopwatch::default();
    for question in questions.iter().filter(|one| !one.unanswerable) {
        let options = json!({"search_type": word, "rerank": rerank, "k": DEPTH,
            "score_threshold": 0});
        let (found, times, took) = search(connection, &question.question, &options)?;
        watch.note_search(&times);
        watch.note("all", milliseconds(took));
        scores.push(scores_of(&found, &question.passages));
    }
    Ok(MethodReport::new(name, &scores, watch.report()))
}

/// The places that a search names, best first, and how long it took: each of its
/// steps, and all of it with the way to the server and back.
fn search(
    connection: &Connection,
    query: &str,
    options: &Value,
) -> Result<(Vec<Found>, SearchTimes, Duration)> {
    let body = json!({"query": query, "search_options": options});
    let (answer, took) = patiently(|| connection.post("/api/search", &body))?;
    let found = serde_json::from_value(answer["results"].clone());
    let step = |name: &str| answer["times"][name].as_f64().unwrap_or_default();
    let times = SearchTimes {
        embedding_ms: step("embedding_ms"),
        keywords_ms: step("keywords_ms"),
        vectors_ms: step("vectors_ms"),
        reading_ms: step("reading_ms"),
    };
    Ok((
        found.context("the server's answer has no places")?,
        times,
        took,
    ))
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// A row of [`METRICS`].
fn scores_of(found: &[Found], passages: &[GoldPassage]) -> [f64; METRICS.len()] {
    let names: Vec<String> = (0..passages.len()).map(|n| n.to_string()).collect();
    let named = names.iter().cloned().zip(passages);
    let grades: HashMap<String, u32> = named.map(|(name, one)| (name, one.grade)).collect();
    let ranked = ranked(found, passages, &names);
    let first = ranked.first().is_some_and(|name| !name.is_empty());
    [
        ndcg(&ranked, &grades, 10),
        recall(&ranked, &grades, 10),
        recall(&ranked, &grades, DEPTH),
        reciprocal_rank(&ranked, &grades),
        f64::from(u8::from(first)),
    ]
}

/// What was found by the names of the passages that it is; each passage once,
/// nothing for what is none of them.
fn ranked<'a>(found: &[Found], passages: &[GoldPassage], names: &'a [String]) -> Vec<&'a str> {
    let mut ranked: Vec<&str> = Vec::new();
    for place in found {
        let before = ranked.len();
        for (passage, name) in passages.iter().zip(names) {
            if passage.is_at(place) && !ranked.contains(&name.as_str()) {
                ranked.push(name);
            }
        }
        if ranked.len() == before {
            ranked.push("");
        }
    }
    ranked
}

/// Calls until the server takes the request, and says how long that call took.
fn patiently(call: impl Fn() -> Result<Value>) -> Result<(Value, Duration)> {
    for _ in 0..WAITS {
        let begun = Instant::now();
        match call() {
            Err(error) if refused_with(&error) == Some(StatusCode::TOO_MANY_REQUESTS) => {
                std::thread::sleep(WAIT);
            }
            answer => return Ok((answer?, begun.elapsed())),
        }
    }
    bail!("the server takes no more requests: its limit is too low for this")
}

fn refused_with(error: &anyhow::Error) -> Option<StatusCode> {
    error
        .downcast_ref::<Refusal>()
        .map(|refusal| refusal.status)
}

#[cfg(test)]
mod tests {
    use super::{Found, GoldPassage, scores_of};

    fn gold(page: Option<u32>, start: usize, end: usize, grade: u32) -> GoldPassage {
        GoldPassage {
            document_id: "d".into(),
            page,
            start: Some(start),
            end: Some(end),
            sha256: String::new(),
            grade,
        }
    }

    fn found(document: &str, page: u32, start: usize, end: usize) -> Found {
        Found {
            document_id: document.into(),
            page,
            start,
            end,
        }
    }

    #[test]
    fn place_is_a_passage_if_half_of_the_shorter_is_in_both() {
        let passage = gold(Some(1), 100, 200, 2);
        assert!(passage.is_at(&found("d", 1, 100, 200)));
        assert!(passage.is_at(&found("d", 1, 150, 400)));
        assert!(passage.is_at(&found("d", 1, 180, 190)), "a sentence of it");
        assert!(!passage.is_at(&found("d", 1, 151, 400)));
        assert!(!passage.is_at(&found("d", 2, 100, 200)));
        assert!(!passage.is_at(&found("e", 1, 100, 200)));
        assert!(!gold(None, 100, 200, 2).is_at(&found("d", 1, 100, 200)));
    }

    #[test]
    fn passage_counts_once_and_where_it_is_found_first() {
        let passages = [gold(Some(1), 0, 100, 2)];
        let twice = [
            found("d", 1, 500, 600),
            found("d", 1, 0, 100),
            found("d", 1, 50, 150),
        ];
        let [ndcg, at_10, at_100, reciprocal, first] = scores_of(&twice, &passages);
        assert!((ndcg - 1.0 / 3f64.log2()).abs() < 1e-12, "{ndcg}");
        assert_eq!((at_10, at_100, reciprocal, first), (1.0, 1.0, 0.5, 0.0));
        assert_eq!(scores_of(&twice[..1], &passages), [0.0; 5]);
    }

    #[test]
    fn two_sentences_of_one_passage_are_both_found_with_it() {
        let passages = [gold(Some(1), 10, 40, 1), gold(Some(1), 50, 90, 1)];
        let scores = scores_of(&[found("d", 1, 0, 100)], &passages);
        assert_eq!(scores, [1.0; 5]);
    }
}
