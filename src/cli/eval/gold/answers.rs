//! The answers to the gold set's questions, as people ask who set nothing: in
//! quotes, and where the data folder has a chat model, what that writes. They are
//! asked in passing: nothing of them is kept.

use super::{Found, GoldQuestion, milliseconds, patiently, search};
use crate::cli::connection::Connection;
use crate::cli::eval::AnswersReport;
use crate::cli::eval::measures::{Answered, Cited, Stopwatch, measures};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// An answer, as far as it is measured.
struct Given {
    answered: bool,
    /// The places that it cites.
    cited: Vec<Found>,
    took: Duration,
}

/// Counts over the questions that a passage answers.
#[derive(Default)]
struct Tally {
    questions: usize,
    answered: usize,
    sourced: usize,
    /// Questions with the passage in the first quote, the first two, any.
    spans: [usize; 3],
    quotes: usize,
    right_quotes: usize,
}

/// Asks every question: always in quotes; and what is measured question by
/// question is of the chat model's answers where there is one.
pub(super) fn measure(
    connection: &Connection,
    questions: &[GoldQuestion],
) -> Result<AnswersReport> {
    let (status, _) = patiently(|| connection.get("/api/status"))?;
    let written_by = status["chat_model"]["name"].as_str().map(str::to_owned);
    let (mut tally, mut watch, mut each) = (Tally::default(), Stopwatch::default(), Vec::new());
    let (mut unanswerable, mut unanswerable_answered) = (0, 0);
    for question in questions {
        let (shown, times, _) = search(connection, &question.question, &json!({}))?;
        watch.note_search(&times);
        let quoted = asked(connection, &question.question, "quotes")?;
        if question.unanswerable {
            unanswerable += 1;
            unanswerable_answered += usize::from(quoted.answered);
        } else {
            tally.add(question, &shown, &quoted);
        }
        let given = match &written_by {
            Some(_) => asked(connection, &question.question, "auto")?,
            None => quoted,
        };
        watch.note("all", milliseconds(given.took));
        each.push(of_question(question, &shown, &given));
    }
    let of = |count: usize, all: usize| count as f64 / all.max(1) as f64;
    let span = |place: usize| of(tally.spans[place], tally.questions);
    Ok(AnswersReport {
        answerable: tally.questions,
        answered: of(tally.answered, tally.questions),
        right_source: of(tally.sourced, tally.questions),
        span_in_first: Some(span(0)),
        span_in_first_two: Some(span(1)),
        span_in_any: Some(span(2)),
        citation_precision: of(tally.right_quotes, tally.quotes),
        citation_recall: span(2),
        unanswerable,
        unanswerable_answered: of(unanswerable_answered, unanswerable),
        written_by,
        measures: measures(&each),
        steps: watch.report(),
    })
}

impl GoldQuestion {
    fn has(&self, place: &Found) -> bool {
        self.passages.iter().any(|one| one.is_at(place))
    }
}

impl Tally {
    fn add(&mut self, question: &GoldQuestion, shown: &[Found], quoted: &Given) {
        let is_right = |place: &Found| question.has(place);
        self.questions += 1;
        self.answered += usize::from(quoted.answered);
        self.sourced += usize::from(shown.iter().any(is_right));
        self.quotes += quoted.cited.len();
        self.right_quotes += quoted.cited.iter().filter(|place| is_right(place)).count();
        for (count, of_first) in self.spans.iter_mut().zip([1, 2, usize::MAX]) {
            *count += usize::from(quoted.cited.iter().take(of_first).any(is_right));
        }
    }
}

fn of_question(question: &GoldQuestion, shown: &[Found], given: &Given) -> Answered {
    let ways = [question.passages.iter().collect::<Vec<_>>()];
    let cites = || given.cited.iter().any(|place| question.has(place));
    Answered {
        answerable: !question.unanswerable,
        answered: given.answered,
        sourced: shown.iter().any(|place| question.has(place)),
        span: (!question.unanswerable).then(cites),
        cited: Cited::of(&given.cited, &ways, |place, passage| passage.is_at(place)),
    }
}

fn asked(connection: &Connection, question: &str, mode: &str) -> Result<Given> {
    let body = json!({"model": "satchel", "answer_mode": mode,
        "messages": [{"role": "user", "content": question}]});
    let (answer, took) = patiently(|| connection.post("/v1/chat/completions", &body))?;
    let annotations = answer["choices"][0]["message"]["annotations"].as_array();
    let citations = annotations.into_iter().flatten();
    let places = citations
        .map(|one| serde_json::from_value(one["url_citation"]["citation"].clone()))
        .collect::<Result<_, _>>();
    Ok(Given {
        cited: places.context("the server's answer has no places")?,
        answered: answer["satchel"]["answered"] == Value::Bool(true),
        took,
    })
}

/// Prints a line for the quotes, one for the passages in them, and each measure.
pub(super) fn print(report: &AnswersReport, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "answers in quotes: {:.3} of the questions, the passage among the sources shown {:.3}, \
         quotes from the passage {:.3} (precision)",
        report.answered, report.right_source, report.citation_precision
    )?;
    let [first, two, any] = [
        report.span_in_first,
        report.span_in_first_two,
        report.span_in_any,
    ]
    .map(Option::unwrap_or_default);
    writeln!(
        out,
        "the passage: in the first quote {first:.3}, in the first two {two:.3}, in any {any:.3}"
    )?;
    if report.unanswerable > 0 {
        writeln!(
            out,
            "not answerable: {} questions, answered {:.3}",
            report.unanswerable, report.unanswerable_answered
        )?;
    }
    report.print_measures(out)
}
