//! A text that somebody selected, read as the only source of an answer: cut
//! into passages, and judged whether it answers a question at all.

use super::AnswerError;
use super::candidates::{candidates, is_statement};
use super::cite::markers;
use super::terms::{Rarity, terms};
use super::verify::{Verified, is_refusal};
use crate::engine::encoder::{Encoder, late_interaction};
use crate::extract::{Extracted, SplitOptions, split};
use crate::types::{
    DatasetId, DocumentId, DocumentMetadata, NewChunk, Page, PageOutcome, Passage, PassageScores,
    Placement, SentenceCheck, Support, char_len,
};

/// What is said where the selection has no answer.
pub const NOT_IN_SELECTION: &str = "The selected text does not answer this question.";

/// Passages of a long selection that are kept: those with most of the
/// question's words.
const MOST_PASSAGES: usize = 8;

/// Sentences that the encoder reads, chosen likewise.
const MOST_SENTENCES: usize = 16;

/// What a selection has for a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// In the order of the text.
    pub passages: Vec<Passage>,
    pub evidence: SelectionEvidence,
}

/// How near a selection comes to a question; each 0-1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SelectionEvidence {
    /// Cosine of the nearest passage.
    pub cosine: f32,
    /// Late interaction of the nearest sentence.
    pub sentence: f32,
    /// The share of the question's words that the selection has, by weight.
    pub covered: f32,
}

/// Coefficients of [`SelectionEvidence::answerable`], a logistic regression over
/// ClapNQ's questions with their passages (answerable or not) and over English
/// XQuAD's, with the paragraph that answers and with another one of the article.
/// At [`BOUND`] 91 % of ClapNQ's and 94 % of XQuAD's questions are
/// answered from the right text; of the wrong ones 27 % and 10 %, and none if the
/// text is about something else. Area under the curve .888 and .978.
const COSINE: f32 = 5.9;
const SENTENCE: f32 = 6.6;
const COVERED: f32 = 2.87;
const INTERCEPT: f32 = -7.11;
const BOUND: f32 = 0.5;

impl SelectionEvidence {
    /// How likely it is that the selection answers the question, 0-1.
    pub fn answerable(&self) -> f32 {
        let evidence =
            COSINE * self.cosine + SENTENCE * self.sentence + COVERED * self.covered + INTERCEPT;
        1.0 / (1.0 + (-evidence).exp())
    }

    /// Whether it is taken to.
    pub fn answers(&self) -> bool {
        self.answerable() >= BOUND
    }
}

/// Reads `text` for what answers `question`.
pub fn read_selection(
    question: &str,
    text: &str,
    encoder: &Encoder,
) -> Result<Reading, AnswerError> {
    let wanted = terms(question);
    let passages = nearest(cut(text, encoder), &wanted);
    let mut sentences = candidates(&passages);
    if sentences.iter().any(is_statement) {
        sentences.retain(is_statement);
    }
    let rarity = Rarity::of(sentences.iter().map(|one| one.terms.as_slice()));
    let everything: Vec<String> = sentences
        .iter()
        .flat_map(|one| one.terms.iter().cloned())
        .collect();
    let covered = rarity.coverage(&wanted, &everything);
    sentences.sort_by_cached_key(|one| {
        let share = rarity.coverage(&wanted, &one.terms);
        std::cmp::Reverse((share * 1000.0) as u32)
    });
    sentences.truncate(MOST_SENTENCES);
    let mut texts = vec![question];
    texts.extend(passages.iter().map(|passage| passage.text.as_str()));
    texts.extend(sentences.iter().map(|one| one.text.as_str()));
    let encoded = encoder.encode(&texts)?;
    let mut evidence = SelectionEvidence {
        covered,
        ..SelectionEvidence::default()
    };
    if let Some((asked, rest)) = encoded.split_first() {
        let (whole, single) = rest.split_at(passages.len());
        let best = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, f32::max);
        evidence.cosine = best(&mut whole.iter().map(|one| dot(&one.pooled, &asked.pooled)));
        let late = |tokens| late_interaction(&asked.tokens, tokens);
        evidence.sentence = best(&mut single.iter().map(|one| late(&one.tokens)));
    }
    Ok(Reading { passages, evidence })
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// Of too many passages those with most of the wanted words, in their order.
fn nearest(passages: Vec<Passage>, wanted: &[String]) -> Vec<Passage> {
    if passages.len() <= MOST_PASSAGES {
        return passages;
    }
    let own: Vec<Vec<String>> = passages.iter().map(|one| terms(&one.text)).collect();
    let rarity = Rarity::of(own.iter().map(Vec::as_slice));
    let mut order: Vec<(usize, f32)> = own
        .iter()
        .map(|terms| rarity.coverage(wanted, terms))
        .enumerate()
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.truncate(MOST_PASSAGES);
    let kept = |index: usize| order.iter().any(|(at, _)| *at == index);
    let numbered = passages.into_iter().enumerate();
    numbered
        .filter(|(index, _)| kept(*index))
        .map(|(_, passage)| passage)
        .collect()
}

/// The selection as passages that the encoder can read.
fn cut(text: &str, encoder: &Encoder) -> Vec<Passage> {
    let page = Page {
        number: 1,
        text: text.to_owned(),
        outcome: PageOutcome::Text,
    };
    let extracted = Extracted {
        file_type: "text",
        paged: false,
        pages: vec![page],
        headings: Vec::new(),
        metadata: DocumentMetadata::default(),
    };
    let options = SplitOptions::default();
    let chunks = split(&extracted, &options, &|text| encoder.count_tokens(text));
    chunks.into_iter().enumerate().map(passage).collect()
}

fn passage((index, chunk): (usize, NewChunk)) -> Passage {
    Passage {
        chunk_key: index as u64,
        document_id: DocumentId::from("selection"),
        external_id: None,
        dataset_id: DatasetId::from("selection"),
        filename: String::new(),
        title: "the selected text".to_owned(),
        chunk_index: index as u32,
        page: chunk.page,
        page_number: None,
        start: chunk.start,
        end: chunk.end,
        heading_path: Vec::new(),
        placement: Placement::default(),
        text: chunk.text,
        score: 1.0,
        scores: PassageScores::default(),
    }
}

/// Whether a chat model's answer says something that the selection bears out,
/// and not that there is no answer.
pub fn rests_on_selection(answer: &Verified) -> bool {
    let states = |check: &SentenceCheck| check.support != Support::Unsupported;
    let borne_out = answer.checks.is_empty() || answer.checks.iter().any(states);
    !answer.content.trim().is_empty() && !is_refusal(&answer.content) && borne_out
}

/// The same answer without its markers and citations; checks keep their sentences.
pub fn uncited(answer: Verified) -> Verified {
    let mut content = String::with_capacity(answer.content.len());
    // Characters that were taken out, each run with where it began.
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for marker in markers(&answer.content) {
        let before = answer.content[at..marker.range.start].trim_end_matches(' ');
        content.push_str(before);
        let start = at + before.len();
        let position = char_len(&answer.content[..start]);
        let length = char_len(&answer.content[start..marker.range.end]);
        taken.push((position, length));
        at = marker.range.end;
    }
    content.push_str(&answer.content[at..]);
    let moved = |position: usize| {
        let before = taken.iter().filter(|(start, _)| *start < position);
        position
            - before
                .map(|(start, length)| (*length).min(position - start))
                .sum::<usize>()
    };
    let checks = answer.checks.into_iter().map(|check| SentenceCheck {
        start: moved(check.start),
        end: moved(check.end),
        citations: Vec::new(),
        ..check
    });
    Verified {
        checks: checks.collect(),
        citations: Vec::new(),
        content,
    }
}

#[cfg(test)]
mod tests {
    use super::{read_selection, rests_on_selection, uncited};
    use crate::answer::Verified;
    use crate::answer::fixtures::encoder;
    use crate::types::{SentenceCheck, Support, slice_chars};

    fn check(start: usize, end: usize, support: Support) -> SentenceCheck {
        SentenceCheck {
            start,
            end,
            support,
            citations: vec![1],
            score: 0.8,
        }
    }

    #[test]
    fn markers_are_taken_out_and_checks_keep_their_sentences() {
        let content = "Größe ist 7 [1]. Sie wächst [2][3].";
        let cited = Verified {
            content: content.to_owned(),
            checks: vec![
                check(0, 16, Support::Supported),
                check(17, 35, Support::Weak),
            ],
            citations: Vec::new(),
        };
        let plain = uncited(cited);
        assert_eq!(plain.content, "Größe ist 7. Sie wächst.");
        let sentences: Vec<&str> = plain
            .checks
            .iter()
            .map(|check| slice_chars(&plain.content, check.start..check.end))
            .collect();
        assert_eq!(sentences, ["Größe ist 7.", "Sie wächst."]);
        assert!(plain.checks.iter().all(|check| check.citations.is_empty()));
    }

    #[test]
    fn answer_of_which_nothing_is_borne_out_does_not_rest_on_the_selection() {
        let answer = |content: &str, support| Verified {
            content: content.to_owned(),
            checks: vec![check(0, content.len(), support)],
            citations: Vec::new(),
        };
        assert!(rests_on_selection(&answer("It is red.", Support::Weak)));
        assert!(!rests_on_selection(&answer(
            "It is red.",
            Support::Unsupported
        )));
        assert!(!rests_on_selection(&answer(" ", Support::Supported)));
        assert!(!rests_on_selection(&answer(
            "The text does not mention it.",
            Support::Supported
        )));
    }

    #[test]
    fn long_selection_keeps_the_passages_that_share_words_with_the_question() {
        let filler = "The weather of that day was calm and nothing happened at all. ".repeat(600);
        let text = format!("{filler}The pump stops at 7.1 mm/s of vibration. {filler}");
        let read = read_selection("At which vibration does the pump stop?", &text, encoder());
        let read = read.unwrap();
        assert!(read.passages.len() <= super::MOST_PASSAGES);
        assert!(read.passages.iter().any(|one| one.text.contains("7.1")));
    }

    #[test]
    fn empty_selection_answers_nothing() {
        let read = read_selection("Who?", "  \n", encoder()).unwrap();
        assert!(read.passages.is_empty());
    }
}
