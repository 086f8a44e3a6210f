//! How good answers in quotes are, with the settings that a question has when
//! it says nothing: do the first quotes hold the words that answer, are they
//! from documents that answer, and is nothing said where there is no answer.

use super::measures::{Answered, Cited, Stopwatch, measures};
use super::{AnswersReport, Bench, Collection, EvalQuestion};
use crate::answer::{Quote, quotes};
use crate::retrieve::answerable_bound;
use crate::types::{Passage, SearchOptions};
use anyhow::Result;
use std::io::Write;
use std::time::Instant;

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
    /// Each question, those that no document answers too.
    each: Vec<Answered>,
    took: Stopwatch,
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
            let (_, quotes) = ask(bench, question, &mut tally.took)?;
            let answered = !quotes.is_empty();
            unanswerable_answered += usize::from(answered);
            tally.each.push(Answered {
                answered,
                ..Answered::default()
            });
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
        written_by: None,
        measures: measures(&tally.each),
        steps: tally.took.report(),
    })
}

/// The passages that are shown, and the quotes of the answer: none if the
/// question is refused.
fn ask(
    bench: &Bench,
    question: &EvalQuestion,
    took: &mut Stopwatch,
) -> Result<(Vec<Passage>, Vec<Quote>)> {
    let options = SearchOptions::default();
    let begun = Instant::now();
    let found = bench
        .retriever
        .search(&question.text, &bench.scope, &options)?;
    took.note_search(&found.times);
    let searched = Instant::now();
    let answer = match found.passages.is_empty() || found.answerable < answerable_bound() {
        true => None,
        false => quotes(&question.text, &found.passages, &bench.encoder, found.known)?,
    };
    took.note("quoting", searched.elapsed().as_secs_f64() * 1000.0);
    took.note("all", begun.elapsed().as_secs_f64() * 1000.0);
    Ok((found.passages, answer.map_or_else(Vec::new, |a| a.quotes)))
}

impl Tally {
    fn add(&mut self, bench: &Bench, question: &EvalQuestion) -> Result<()> {
        let (passages, quotes) = ask(bench, question, &mut self.took)?;
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
        let words = !question.answers.is_empty();
        self.each.push(Answered {
            answerable: true,
            answered: !quotes.is_empty(),
            sourced: passages.iter().any(is_right),
            span: words.then(|| quotes.iter().any(holds)),
            cited: cited(question, &passages, &quotes),
        });
        Ok(())
    }
}

/// How well the quotes are what has to be cited: where the collection tells the
/// words or the sentences that answer, these, else its documents.
fn cited(question: &EvalQuestion, passages: &[Passage], quotes: &[Quote]) -> Cited {
    let grades = &question.grades;
    let document = |quote: &Quote| passages[quote.passage].external_id.as_ref();
    let right = |quote: &Quote| document(quote).is_some_and(|id| grades.get(id) > Some(&0));
    if question.evidence.is_empty() {
        let relevant = grades.iter().filter(|(_, grade)| **grade > 0);
        let ids: Vec<&String> = relevant.map(|(id, _)| id).collect();
        return Cited::of(quotes, &[ids], |quote, id| document(quote) == Some(*id));
    }
    // A quote is a sentence: it has the words, or is of the sentences, that answer.
    Cited::of(quotes, &question.evidence, |quote, words| {
        let (quoted, words) = (quote.text.trim(), words.trim());
        right(quote) && (quoted.contains(words) || words.contains(quoted))
    })
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
    report.print_measures(out)
}
