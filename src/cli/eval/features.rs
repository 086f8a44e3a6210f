//! What the calibration is fitted on (`tests/bench/fit_calibration.py`): a line
//! for each of the first candidates of each question.

use super::bench::Bench;
use super::{Collection, EvalQuestion, METHODS, Models, rank_in};
use crate::types::SearchScope;
use anyhow::Result;
use std::io::Write;
use std::path::Path;

/// Candidates whose features are printed.
const FEATURED: usize = 10;

/// Which documents the questions of a collection are asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// All of them.
    All,
    /// All but those that answer: what is left is about the subject at most.
    Unjudged,
    /// All but those of the title of one that answers: what is left is about
    /// something else.
    OtherTitles,
}

impl Among {
    fn suffix(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Unjudged => "-unjudged",
            Self::OtherTitles => "-other-titles",
        }
    }

    /// The part of the collection that the question is asked of.
    pub(super) fn scope(
        self,
        bench: &Bench,
        collection: &Collection,
        question: &EvalQuestion,
    ) -> SearchScope {
        match self {
            Self::All => bench.scope.clone(),
            Self::Unjudged => bench.scope_without(&collection.right_documents(question)),
            Self::OtherTitles => bench.scope_without(&collection.of_the_same_title(question)),
        }
    }
}

/// Prints the features of each collection's questions, asked in each of these
/// ways.
pub fn features(
    collections: &[Collection],
    ways: &[Among],
    folder: &Path,
    out: &mut dyn Write,
) -> Result<()> {
    writeln!(
        out,
        "collection\tquestion\tgroup\tanswerable\trank\tgrade\tbm25\tcosine\tcoverage\tfused\t\
         abroad\tsentence\tasked"
    )?;
    for collection in collections {
        let folder = folder.join(&collection.name);
        std::fs::create_dir_all(&folder)?;
        let bench = Bench::build(&folder, collection, &Models::default())?;
        for &among in ways {
            for number in 0..collection.questions.len() {
                print(&bench, collection, among, number, out)?;
            }
        }
    }
    Ok(())
}

fn print(
    bench: &Bench,
    collection: &Collection,
    among: Among,
    number: usize,
    out: &mut dyn Write,
) -> Result<()> {
    let question = &collection.questions[number];
    let scope = among.scope(bench, collection, question);
    let ranked = rank_in(bench, &scope, &question.text, &METHODS[2])?;
    let reading = ranked.reading.unwrap_or_default();
    let is_answerable = among == Among::All && question.is_answerable();
    // Questions about documents of one title are fitted or tested together.
    let group = collection.of_the_same_title(question);
    let group = group.first().map_or(number, |&place| place);
    for (place, candidate) in ranked.candidates.iter().take(FEATURED).enumerate() {
        let id = candidate.stored.external_id.as_deref().unwrap_or_default();
        writeln!(
            out,
            "{}{}\t{number}\t{group}\t{}\t{place}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            collection.name,
            among.suffix(),
            u8::from(is_answerable),
            question.grades.get(id).copied().unwrap_or(0),
            candidate.bm25.unwrap_or(0.0),
            candidate.cosine.unwrap_or(0.0),
            candidate.coverage,
            candidate.fused,
            ranked.abroad,
            reading.sentence,
            reading.asked,
        )?;
    }
    Ok(())
}
