//! How good answers in quotes are, with the settings that a question has when
//! it says nothing: does the first quote hold the words that answer, and is
//! nothing said where there is no answer.

use super::{Bench, Collection, EvalQuestion};
use crate::answer::{Quote, quotes};
use crate::service::ANSWERABLE;
use crate::types::{Passage, SearchOptions};
use anyhow::Result;
use std::io::Write;

/// Counts over the questions of one kind.
#[derive(Default)]
struct Tally {
    questions: u32,
    answered: u32,
    /// A passage of a judged document was among the sources.
    sourced: u32,
    first: u32,
    any: u32,
}

/// Prints a line for the questions with an answer and one for those without.
pub(super) fn measure(bench: &Bench, collection: &Collection, out: &mut dyn Write) -> Result<()> {
    let (mut answerable, mut unanswerable) = (Tally::default(), Tally::default());
    let mut with_words = false;
    for question in &collection.questions {
        let is_answerable = question.grades.values().any(|&grade| grade > 0);
        let tally = if is_answerable {
            &mut answerable
        } else {
            &mut unanswerable
        };
        with_words |= !question.answers.is_empty();
        ask(bench, question, tally)?;
    }
    print("answerable", &answerable, with_words, out)?;
    print("not answerable", &unanswerable, false, out)
}

fn ask(bench: &Bench, question: &EvalQuestion, tally: &mut Tally) -> Result<()> {
    tally.questions += 1;
    let options = SearchOptions::default();
    let found = bench
        .retriever
        .search(&question.text, &bench.scope, &options)?;
    let is_judged = |passage: &Passage| {
        let id = passage.external_id.as_ref();
        id.is_some_and(|id| question.grades.get(id).is_some_and(|&grade| grade > 0))
    };
    tally.sourced += u32::from(found.passages.iter().any(is_judged));
    if found.passages.is_empty() || found.answerable < ANSWERABLE {
        return Ok(());
    }
    let Some(answer) = quotes(&question.text, &found.passages, &bench.encoder)? else {
        return Ok(());
    };
    tally.answered += 1;
    let holds = |quote: &Quote| {
        let has = |words: &String| quote.text.contains(words.as_str());
        is_judged(&found.passages[quote.passage]) && question.answers.iter().any(has)
    };
    tally.first += u32::from(answer.quotes.first().is_some_and(holds));
    tally.any += u32::from(answer.quotes.iter().any(holds));
    Ok(())
}

fn print(name: &str, tally: &Tally, with_words: bool, out: &mut dyn Write) -> Result<()> {
    if tally.questions == 0 {
        return Ok(());
    }
    let of = |count: u32| f64::from(count) / f64::from(tally.questions);
    write!(
        out,
        "{name}: {} questions, answered {:.3}",
        tally.questions,
        of(tally.answered)
    )?;
    if name == "answerable" {
        write!(out, ", a right source shown {:.3}", of(tally.sourced))?;
    }
    if with_words {
        write!(
            out,
            ", answer in the first quote {:.3}, in any {:.3}",
            of(tally.first),
            of(tally.any)
        )?;
    }
    writeln!(out)?;
    Ok(())
}
