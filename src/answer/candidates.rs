//! The sentences of passages, ready to be ranked or compared.

use super::terms::terms;
use crate::extract::sentences;
use crate::types::{Citation, Passage, Placement, slice_chars};
use std::collections::HashSet;
use std::ops::Range;

/// Longest sentence, in characters. Longer ones are tables or lists that lost
/// their line ends; they are cut, because a quote should fit the eye.
const LONGEST: usize = 600;

/// A sentence of a passage.
pub(super) struct Candidate {
    /// Index of the passage.
    pub(super) passage: usize,
    /// Which sentence of the passage it is.
    pub(super) place: usize,
    /// Its characters in the passage.
    pub(super) span: Range<usize>,
    pub(super) text: String,
    pub(super) terms: Vec<String>,
}

/// All sentences of `passages` in reading order. A sentence that overlapping
/// passages share is listed once, with the first of them.
pub(super) fn candidates(passages: &[Passage]) -> Vec<Candidate> {
    let mut seen = HashSet::new();
    let mut found = every_sentence(passages);
    found.retain(|one| seen.insert(wording(&one.text)));
    found
}

/// The same with those that several passages share listed for each of them.
pub(super) fn every_sentence(passages: &[Passage]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (index, passage) in passages.iter().enumerate() {
        let all = sentences(&passage.text).into_iter();
        let cut = all.flat_map(|span| shorten(&passage.text, span));
        for (place, span) in cut.enumerate() {
            let text = slice_chars(&passage.text, span.clone()).to_owned();
            let terms = terms(&text);
            found.push(Candidate {
                passage: index,
                place,
                span,
                text,
                terms,
            });
        }
    }
    found
}

/// What sentences have in common that say the same in the same words.
pub(super) fn wording(text: &str) -> String {
    one_line(text).to_lowercase()
}

/// Whether the text reads as a statement: not a heading, a page number or a
/// scrap.
pub(super) fn is_statement(candidate: &Candidate) -> bool {
    let text = candidate.text.trim();
    if text.starts_with('#') || candidate.terms.len() < 2 {
        return false;
    }
    let is_row = text.contains('|') || text.contains('\t');
    let ends = |c: char| ".!?:;。！？\"”»)]…".contains(c);
    is_row
        || text.ends_with(ends)
        || text.split_whitespace().count() > 7
        || text.chars().count() > 60
}

/// The place in the document that a span of a passage's characters is.
pub(super) fn cite(passages: &[Passage], index: usize, span: &Range<usize>) -> Option<Citation> {
    let passage = passages.get(index)?;
    Some(Citation {
        number: index as u32 + 1,
        document_id: passage.document_id.clone(),
        filename: passage.filename.clone(),
        title: passage.title.clone(),
        chunk_index: passage.chunk_index,
        page: passage.page,
        page_number: passage.page_number,
        start: passage.start + span.start,
        end: passage.start + span.end,
        text: slice_chars(&passage.text, span.clone()).to_owned(),
        score: passage.score,
        placement: Placement {
            section: section(passage, span.start),
            ..passage.placement.clone()
        },
    })
}

/// The section of the passage's character `at`: as it was given with the document,
/// else the last heading before it. Short sections share a passage.
fn section(passage: &Passage, at: usize) -> Option<String> {
    let known = passage.placement.section.clone();
    let given = known.as_ref() != passage.heading_path.last();
    let heading = |line: &str| {
        let line = line.trim();
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        let marked = (1..=6).contains(&level) && title.starts_with(' ');
        marked.then(|| title.trim_end_matches('#').trim().to_owned())
    };
    let before = slice_chars(&passage.text, 0..at);
    let above = || before.lines().rev().find_map(heading);
    match given {
        true => known,
        false => above().or(known),
    }
}

/// Text with each run of white space as one blank.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cuts what is too long at line ends, or else between words.
fn shorten(text: &str, span: Range<usize>) -> Vec<Range<usize>> {
    if span.len() <= LONGEST {
        return vec![span];
    }
    let (mut parts, mut start, mut last_gap) = (Vec::new(), span.start, None);
    let inside = slice_chars(text, span.clone()).chars().enumerate();
    for (at, c) in inside.map(|(at, c)| (span.start + at, c)) {
        if c == '\n' && at - start > LONGEST / 4 {
            parts.push(start..at);
            (start, last_gap) = (at + 1, None);
        } else if at - start >= LONGEST {
            let end = last_gap.unwrap_or(at);
            parts.push(start..end);
            (start, last_gap) = (end, None);
        } else if c.is_whitespace() && at > start {
            last_gap = Some(at);
        }
    }
    parts.push(start..span.end);
    parts
        .into_iter()
        .map(|part| trim(text, part))
        .filter(|part| !part.is_empty())
        .collect()
}

fn trim(text: &str, span: Range<usize>) -> Range<usize> {
    let part = slice_chars(text, span.clone());
    let before = part.chars().take_while(|c| c.is_whitespace()).count();
    let start = span.start + before;
    start..start + part.trim().chars().count()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, section, shorten};
    use crate::answer::fixtures::passage;
    use crate::types::{Passage, char_len, slice_chars};

    #[test]
    fn section_is_the_given_one_or_the_last_heading_above() {
        let text = "# Lamp\n\nIt burns oil.\n\n## Keepers ##\n\nThe first was Grenn.";
        let mut passage = passage("d", 0, text);
        passage.heading_path = vec!["Lamp".to_owned()];
        passage.placement.section = Some("Lamp".to_owned());
        let at = |passage: &Passage, words: &str| section(passage, text.find(words).unwrap());
        assert_eq!(at(&passage, "It burns").as_deref(), Some("Lamp"));
        assert_eq!(at(&passage, "The first").as_deref(), Some("Keepers"));
        passage.placement.section = Some("Given".to_owned());
        assert_eq!(at(&passage, "The first").as_deref(), Some("Given"));
    }

    #[test]
    fn overlong_sentence_is_cut_without_loss() {
        let text = "añb ccc\n".repeat(400);
        let parts = shorten(&text, 0..char_len(&text));
        assert!(parts.iter().all(|part| part.len() <= LONGEST));
        let words = |text: &str| text.split_whitespace().count();
        let kept: usize = parts
            .iter()
            .map(|part| words(slice_chars(&text, part.clone())))
            .sum();
        assert_eq!(kept, 800);
        let solid = "x".repeat(2 * LONGEST + 1);
        assert_eq!(
            shorten(&solid, 0..solid.len())
                .iter()
                .map(ExactSizeIterator::len)
                .sum::<usize>(),
            solid.len()
        );
    }
}
