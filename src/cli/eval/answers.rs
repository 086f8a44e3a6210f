//! How good answers in quotes are, with the settings that a question has when
//! it says nothing: do the first quotes hold the words that answer, are they
//! from documents that answer, and is nothing said where there is no answer.

use super::{AnswersReport, Bench, Collection, EvalQuestion};
use crate::answer::{Quote, quotes};
use crate::service::ANSWERABLE;
use crate::types::{Passage, SearchOptions};
use anyhow::Result;
use std::io::Write;

/// Counts over the questions that a document answers.
#[derive(Default)]
struct Tally {
    questions: usize,
    answered: usize,
    sourced: usize,
    /// Questions with the words in the first quote, the first two, any.
    spans: [usize; 3],
    quotes: usize,
    right_quotes: usize,
    rightly_quoted: usize,
}

/// Asks every question.
pub(super) fn measure(bench: &Bench, collection: &Collection) -> Result<AnswersReport> {
    let mut tally = Tally::default();
    let (mut unanswerable, mut unanswerable_answered) = (0, 0);
    let mut with_words = false;
    for question in &collection.questions {
        if question.is_answerable() {
            with_words |= !question.answers.is_empty();
            tally.add(bench, question)?;
        } else {
            unanswerable += 1;
            let (_, quotes) = ask(bench, question)?;
            unanswerable_answered += usize::from(!quotes.is_empty());
        }
    }
    let of = |count: usize, all: usize| count as f64 / all.max(1) as f64;
    let span = |place: usize| with_words.then(|| of(tally.spans[place], tally.questions));
    Ok(AnswersReport {
        answerable: tally.questions,
        answered: of(tally.answered, tally.questions),
        right_source: of(tally.sourced, tally.questions),
        span_in_first: span(0),
        span_in_first_two: span(1),
        span_in_any: span(2),
        citation_precision: of(tally.right_quotes, tally.quotes),
        citation_recall: of(tally.rightly_quoted, tally.questions),
        unanswerable,
        unanswerable_answered: of(unanswerable_answered, unanswerable),
    })
}

/// The passages that are shown, and the quotes of the answer: none if the
/// question is refused.
fn ask(bench: &Bench, question: &EvalQuestion) -> Result<(Vec<Passage>, Vec<Quote>)> {
    let options = SearchOptions::default();
    let found = bench
        .retriever
        .search(&question.text, &bench.scope, &options)?;
    if found.passages.is_empty() || found.answerable < ANSWERABLE {
        return Ok((found.passages, Vec::new()));
    }
    let answer = quotes(&question.text, &found.passages, &bench.encoder, found.known)?;
    Ok((found.passages, answer.map_or_else(Vec::new, |a| a.quotes)))
}

impl Tally {
    fn add(&mut self, bench: &Bench, question: &EvalQuestion) -> Result<()> {
        let (passages, quotes) = ask(bench, question)?;
        let is_right = |passage: &Passage| {
            let id = passage.external_id.as_ref();
            id.is_some_and(|id| question.grades.get(id).is_some_and(|&grade| grade > 0))
        };
        let right = |quote: &Quote| is_right(&passages[quote.passage]);
        let holds = |quote: &Quote| {
            let has = |words: &String| quote.text.contains(words.as_str());
            right(quote) && question.answers.iter().any(has)
        };
        self.questions += 1;
        self.answered += usize::from(!quotes.is_empty());
        self.sourced += usize::from(passages.iter().any(is_right));
        for (count, of_first) in self.spans.iter_mut().zip([1, 2, usize::MAX]) {
            *count += usize::from(quotes.iter().take(of_first).any(holds));
        }
        self.quotes += quotes.len();
        let rightly = quotes.iter().filter(|quote| right(quote)).count();
        self.right_quotes += rightly;
        self.rightly_quoted += usize::from(rightly > 0);
        Ok(())
    }
}

/// Prints a line for the questions with an answer and one for those without.
pub(super) fn print(report: &AnswersReport, out: &mut dyn Write) -> Result<()> {
    if report.answerable > 0 {
        writeln!(
            out,
            "answerable: {} questions, answered {:.3}, a right source shown {:.3}, \
             quotes from a right source {:.3} (precision), quoted at all {:.3} (recall)",
            report.answerable,
            report.answered,
            report.right_source,
            report.citation_precision,
            report.citation_recall
        )?;
    }
    if let (Some(first), Some(two), Some(any)) = (
        report.span_in_first,
        report.span_in_first_two,
        report.span_in_any,
    ) {
        writeln!(
            out,
            "the words that answer: in the first quote {first:.3}, in the first two {two:.3}, \
             in any {any:.3}"
        )?;
    }
    if report.unanswerable > 0 {
        writeln!(
            out,
            "not answerable: {} questions, answered {:.3}",
            report.unanswerable, report.unanswerable_answered
        )?;
    }
    Ok(())
}
