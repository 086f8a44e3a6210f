//! Answers without a chat model: the sentences of the passages that answer
//! best, word for word, each with its exact place. Writes nothing of its own.

use super::AnswerError;
use super::candidates::{Candidate, candidates, cite, is_statement, one_line};
use super::cite::markers;
use super::terms::{Rarity, terms};
use crate::engine::encoder::{Encoder, Known, late_interaction};
use crate::types::{Citation, Passage, SentenceCheck, Support, char_len};
use std::ops::Range;

/// What is said where the documents have no answer.
pub const NOTHING_FOUND: &str =
    "Your documents do not say. No passage was found that answers this question.";

/// Passages whose sentences are looked at.
const MOST_PASSAGES: usize = 8;
/// Sentences that the encoder reads. On XQuAD twelve keep 98-99 % of the
/// answers that all sentences of four passages hold.
const MOST_ENCODED: usize = 12;
/// Quotes in an answer.
const MOST_QUOTES: usize = 4;
/// Neighbouring sentences in one quote.
const MOST_JOINED: usize = 3;
/// How far below the best sentence a quote may be.
const MARGIN: f32 = 0.2;
/// Late interaction below which a sentence without a word of the question
/// answers nothing.
const LEAST: f32 = 0.3;
/// Weight of the question's words, and of the passage's own relevance, beside
/// late interaction; tuned on one half of XQuAD's articles, flat around here.
const WORDS: f32 = 0.25;
const PASSAGE: f32 = 0.2;

/// A quoted span of a passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Index of the passage; its number is one more.
    pub passage: usize,
    /// First character in the page's text.
    pub start: usize,
    /// One past the last character in the page's text.
    pub end: usize,
    /// The text between them.
    pub text: String,
    /// How well it answers, 0-1; comparable within one answer.
    pub score: f32,
}

/// An answer made of quotes.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotedAnswer {
    /// A paragraph for each quote, ending in its marker.
    pub content: String,
    /// Best first.
    pub quotes: Vec<Quote>,
    /// One for each quote, in the same order.
    pub citations: Vec<Citation>,
    /// One for each quote: its paragraph is supported by its citation.
    pub checks: Vec<SentenceCheck>,
}

/// Answers `question` from `passages`, best first; `None` if they hold nothing
/// that answers it. What the search has read is not read again.
pub fn quotes(
    question: &str,
    passages: &[Passage],
    encoder: &Encoder,
    mut known: Known,
) -> Result<Option<QuotedAnswer>, AnswerError> {
    let passages = &passages[..passages.len().min(MOST_PASSAGES)];
    let ranked = rank(question, passages, encoder, &mut known)?;
    let Some(best) = ranked.first() else {
        return Ok(None);
    };
    let least = best.score - MARGIN;
    let mut chosen: Vec<&Ranked> = Vec::new();
    for sentence in ranked.iter().take_while(|s| s.score >= least) {
        let is_new = |other: &&Ranked| !is_alike(&other.candidate, &sentence.candidate);
        if chosen.iter().all(is_new) && chosen.len() < MOST_QUOTES {
            chosen.push(sentence);
        }
    }
    let quotes = join(&chosen, passages);
    Ok(Some(compose(quotes, passages)))
}

struct Ranked {
    candidate: Candidate,
    score: f32,
}

/// The sentences that may answer, best first.
fn rank(
    question: &str,
    passages: &[Passage],
    encoder: &Encoder,
    known: &mut Known,
) -> Result<Vec<Ranked>, AnswerError> {
    let all = candidates(passages);
    let wanted = terms(question);
    let rarity = Rarity::of(all.iter().map(|candidate| candidate.terms.as_slice()));
    let covered: Vec<f32> = all
        .iter()
        .map(|candidate| rarity.coverage(&wanted, &candidate.terms))
        .collect();
    let chosen = preselect(all, &covered);
    let mut texts = vec![question];
    texts.extend(chosen.iter().map(|(candidate, _)| candidate.text.as_str()));
    let encoded = encoder.encode_with(&texts, known)?;
    let Some((asked, encoded)) = encoded.split_first() else {
        return Ok(Vec::new());
    };
    let top = passages
        .iter()
        .map(|passage| passage.score)
        .fold(0.0, f32::max);
    let mut ranked = Vec::with_capacity(encoded.len());
    for ((candidate, covered), encoding) in chosen.into_iter().zip(encoded) {
        let near = late_interaction(&asked.tokens, &encoding.tokens);
        if near < LEAST && covered == 0.0 {
            continue;
        }
        let passage = passages[candidate.passage].score / top.max(f32::EPSILON);
        let score = (near + WORDS * covered + PASSAGE * passage) / (1.0 + WORDS + PASSAGE);
        ranked.push(Ranked { candidate, score });
    }
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(ranked)
}

/// The few sentences worth encoding, by the question's words in them and
/// around them and by their passage's rank. Headings and scraps only where
/// there is nothing else.
fn preselect(mut all: Vec<Candidate>, covered: &[f32]) -> Vec<(Candidate, f32)> {
    let neighbour = |at: usize, other: usize| {
        let same = |o: &Candidate| o.passage == all[at].passage;
        all.get(other)
            .filter(|o| same(o))
            .map_or(0.0, |_| covered[other])
    };
    let mut order: Vec<(usize, f32)> = (0..all.len())
        .map(|at| {
            let before = neighbour(at, at.wrapping_sub(1));
            let around = before.max(neighbour(at, at + 1));
            let rank = all[at].passage as f32 / MOST_PASSAGES as f32;
            (at, covered[at] + 0.1 * around - 0.3 * rank)
        })
        .collect();
    if all.iter().any(is_statement) {
        order.retain(|(at, _)| is_statement(&all[*at]));
    }
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.truncate(MOST_ENCODED);
    order.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    // From the back, so that the indexes before stay right.
    let taken = order
        .iter()
        .map(|(at, _)| (all.swap_remove(*at), covered[*at]));
    let mut taken: Vec<_> = taken.collect();
    taken.reverse();
    taken
}

/// Whether two sentences say the same, as overlapping or repeated text does.
fn is_alike(left: &Candidate, right: &Candidate) -> bool {
    let shared = left
        .terms
        .iter()
        .filter(|term| right.terms.contains(term))
        .count();
    let most = left.terms.len().max(right.terms.len());
    shared * 10 >= most * 8
}

/// Joins chosen sentences that follow each other in their passage; each quote
/// takes the rank of its best sentence.
fn join(chosen: &[&Ranked], passages: &[Passage]) -> Vec<Quote> {
    let mut runs: Vec<(usize, Range<usize>, Range<usize>, f32)> = Vec::new();
    for ranked in chosen {
        let Candidate {
            passage,
            place,
            span,
            ..
        } = &ranked.candidate;
        let run = runs.iter_mut().find(|(of, places, _, _)| {
            let touches = places.end == *place || place + 1 == places.start;
            of == passage && touches && places.len() < MOST_JOINED
        });
        match run {
            Some((_, places, characters, _)) => {
                *places = places.start.min(*place)..places.end.max(place + 1);
                *characters = characters.start.min(span.start)..characters.end.max(span.end);
            }
            None => runs.push((*passage, *place..place + 1, span.clone(), ranked.score)),
        }
    }
    let quote = |(index, _, span, score): (usize, _, Range<usize>, f32)| {
        let citation = cite(passages, index, &span)?;
        Some(Quote {
            passage: index,
            start: citation.start,
            end: citation.end,
            text: citation.text,
            score,
        })
    };
    runs.into_iter().filter_map(quote).collect()
}

pub(super) fn compose(quotes: Vec<Quote>, passages: &[Passage]) -> QuotedAnswer {
    compose_with(quotes, passages, |_| None)
}

/// The same, with a paragraph before a quote where `above` has one for its passage.
pub(super) fn compose_with<'a>(
    quotes: Vec<Quote>,
    passages: &'a [Passage],
    above: impl Fn(&'a Passage) -> Option<&'a str>,
) -> QuotedAnswer {
    let mut content = String::new();
    let (mut citations, mut checks) = (Vec::new(), Vec::new());
    for quote in &quotes {
        if !content.is_empty() {
            content.push_str("\n\n");
        }
        if let Some(above) = above(&passages[quote.passage]) {
            content.push_str(&format!("{}:\n\n", without_markers(&one_line(above))));
        }
        let start = char_len(&content);
        let number = quote.passage as u32 + 1;
        content.push_str(&format!(
            "{} [{number}]",
            without_markers(&one_line(&quote.text))
        ));
        let offset = passages[quote.passage].start;
        let span = quote.start - offset..quote.end - offset;
        citations.extend(cite(passages, quote.passage, &span));
        checks.push(SentenceCheck {
            start,
            end: char_len(&content),
            support: Support::Supported,
            citations: vec![number],
            score: 1.0,
        });
    }
    QuotedAnswer {
        content,
        quotes,
        citations,
        checks,
    }
}

/// A document's own `[2]` must not read as a citation of ours.
fn without_markers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut at = 0;
    for marker in markers(text) {
        plain.push_str(&text[at..marker.range.start]);
        let inside = text[marker.range.clone()].trim_matches(|c| "[]【】［］".contains(c));
        plain.push_str(&format!("({inside})"));
        at = marker.range.end;
    }
    plain.push_str(&text[at..]);
    plain
}

#[cfg(test)]
mod tests {
    use super::{QuotedAnswer, quotes};
    use crate::answer::fixtures::{encoder, passage};
    use crate::answer::markers;
    use crate::engine::encoder::Known;
    use crate::types::{Passage, slice_chars};

    const PUMP: &str = "# Vibration limits\n\nThe P-40 pump is mounted on a baseplate. \
        Stop the pump when vibration stays above 7.1 mm/s for more than 10 seconds. \
        Readings are taken on the drive-end bearing housing.";
    const OIL: &str = "Lubrication schedule\n\nChange the oil every 2,000 hours. Use grade 46 [2].";

    fn ask(question: &str, passages: &[Passage]) -> Option<QuotedAnswer> {
        quotes(question, passages, encoder(), Known::default()).unwrap()
    }

    #[test]
    fn best_sentence_comes_first_with_its_exact_place() {
        let passages = [passage("oil", 0, OIL), passage("pump", 100, PUMP)];
        let answer = ask("At which vibration must the pump be stopped?", &passages).unwrap();
        let first = &answer.quotes[0];
        assert!(first.text.contains("7.1 mm/s"), "{first:?}");
        assert_eq!(first.passage, 1);
        assert_eq!(
            slice_chars(PUMP, first.start - 100..first.end - 100),
            first.text
        );
        let citation = &answer.citations[0];
        assert_eq!(
            (citation.number, citation.start, citation.end),
            (2, first.start, first.end)
        );
    }

    #[test]
    fn every_paragraph_has_one_marker_and_one_check() {
        let passages = [passage("oil", 0, OIL), passage("pump", 0, PUMP)];
        let answer = ask("Which oil grade and how often is it changed?", &passages).unwrap();
        let found = markers(&answer.content);
        assert_eq!(found.len(), answer.quotes.len());
        assert!(
            answer.content.contains("grade 46 (2)."),
            "{}",
            answer.content
        );
        for (check, quote) in answer.checks.iter().zip(&answer.quotes) {
            let paragraph = slice_chars(&answer.content, check.start..check.end);
            assert!(paragraph.ends_with(&format!("[{}]", quote.passage + 1)));
        }
    }

    #[test]
    fn sentence_shared_by_overlapping_passages_is_quoted_once() {
        let tail = &PUMP[PUMP.find("Stop").unwrap()..];
        let passages = [passage("pump", 0, PUMP), passage("pump", 60, tail)];
        let answer = ask("At which vibration must the pump be stopped?", &passages).unwrap();
        assert_eq!(
            answer.content.matches("7.1 mm/s").count(),
            1,
            "{}",
            answer.content
        );
    }

    #[test]
    fn headings_are_not_quoted() {
        let answer = ask("vibration limits", &[passage("pump", 0, PUMP)]).unwrap();
        assert!(!answer.content.contains('#'), "{}", answer.content);
    }

    #[test]
    fn passages_that_have_nothing_to_do_with_the_question_give_no_quote() {
        let passages = [passage("oil", 0, OIL)];
        assert!(ask("Who painted the ceiling of the Sistine Chapel?", &passages).is_none());
        assert!(ask("Who?", &[]).is_none());
        assert!(ask("", &[passage("empty", 0, "")]).is_none());
    }
}
