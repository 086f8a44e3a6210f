//! The first passage, read for what is asked: sentence by sentence, and word by
//! word of the question. Two numbers come of it, which tell best whether the
//! documents answer at all; `calibrate` weighs them.

use super::{Candidate, RetrieveError, Retriever};
use crate::engine::encoder::{Encoding, Known, TokenVectors, best_matches};
use crate::extract::sentences;
use crate::lexical::Subject;
use crate::types::slice_chars;

/// Weight of a word that the titles above the passage have: it names the subject,
/// and what is asked of the subject is in the others. Without a difference (1) the
/// area under ClapNQ's curve is .008 less, at 0 a question of one other word
/// hangs on that word.
const TITLE_WEIGHT: f32 = 0.25;

/// How well such a word is matched at least: sentences seldom repeat the title.
const TITLE_MATCH: f32 = 0.9;

/// How well a word with a digit is matched that the passage has in a form that
/// the keyword index takes for the same, as `e1042` and `E-1042`: the model has
/// never seen either.
const NUMBER_MATCH: f32 = 1.0;

/// How near a passage comes to answering a question.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Cosine of the question and the nearest sentence.
    pub sentence: f32,
    /// How well the passage matches what is asked of its subject: the mean over
    /// the question's words, without those that carry grammar, of the best cosine
    /// among the tokens of all sentences.
    pub asked: f32,
}

impl Retriever {
    /// Reads a passage for what is asked.
    pub(super) fn read_for(
        &self,
        query: &str,
        question: &Encoding,
        candidate: &Candidate,
        known: &mut Known,
    ) -> Result<Reading, RetrieveError> {
        let text = &candidate.stored.chunk.text;
        let spans = sentences(text).into_iter();
        let sentences: Vec<&str> = spans.map(|span| slice_chars(text, span)).collect();
        let encodings = self.encoder.encode_with(&sentences, known)?;
        let cosine = |encoding: &Encoding| {
            let pairs = encoding.pooled.iter().zip(&question.pooled);
            pairs.map(|(a, b)| a * b).sum::<f32>()
        };
        let tokens: Vec<&TokenVectors> = encodings.iter().map(|one| &one.tokens).collect();
        Ok(Reading {
            sentence: encodings.iter().copied().map(cosine).fold(0.0, f32::max),
            asked: self.asked(query, candidate, &best_matches(&question.tokens, &tokens)),
        })
    }

    /// The weighted mean of the matches, one for each token of the question.
    fn asked(&self, query: &str, candidate: &Candidate, matches: &[f32]) -> f32 {
        let titles = self.lexical.subjects(query, &candidate.titles());
        let text = self.lexical.subjects(query, &candidate.stored.chunk.text);
        let (mut sum, mut weights) = (0.0, 0.0);
        let mut rest = matches.iter();
        for (start, word) in words(query) {
            let inside = |subject: &&Subject| {
                subject.span.start < start + word.len() && start < subject.span.end
            };
            let is_subject = titles.iter().any(|subject| inside(&subject));
            let in_titles = titles.iter().filter(inside).all(|subject| subject.known);
            let in_text = text.iter().filter(inside).any(|subject| subject.known);
            let is_number = word.contains(|c: char| c.is_numeric());
            let (weight, least) = match (is_subject, in_titles) {
                (false, _) => (0.0, 0.0),
                (_, true) => (TITLE_WEIGHT, TITLE_MATCH),
                _ if is_number && in_text => (1.0, NUMBER_MATCH),
                _ => (1.0, -1.0),
            };
            for value in rest.by_ref().take(self.encoder.count_tokens(word)) {
                sum += weight * value.max(least);
                weights += weight;
            }
        }
        match weights > 0.0 {
            true => sum / weights,
            // Grammar alone.
            false => matches.iter().sum::<f32>() / matches.len().max(1) as f32,
        }
    }
}

/// The pieces that the bundled model's tokenizer never joins: runs of letters
/// and digits, and single signs; each with its first byte.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let length = match first.is_alphanumeric() {
            true => rest.find(|c: char| !c.is_alphanumeric()),
            false => Some(first.len_utf8()),
        };
        let (word, after) = rest.split_at(length.unwrap_or(rest.len()));
        let start = text.len() - rest.len();
        rest = after;
        Some((start, word))
    })
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::engine::encoder::Encoder;

    #[test]
    fn words_are_runs_of_letters_and_digits_with_their_places() {
        let text = "Was kostet  die P-40?";
        let found: Vec<(usize, &str)> = words(text).collect();
        let expected = [(0, "Was"), (4, "kostet"), (12, "die"), (16, "P"), (17, "-")];
        assert_eq!(found[..5], expected);
        assert_eq!(found[5..], [(18, "40"), (20, "?")]);
        assert_eq!(words(" \n").count(), 0);
    }

    #[test]
    fn words_have_together_as_many_tokens_as_the_text() {
        let encoder = Encoder::bundled().unwrap();
        for text in [
            "How many CO2-neutral buildings did O'Neill plan in São Paulo?",
            "whats the e-mail of (the) Ministry, e.g. 3.5% & more?!",
            "谁赢了比赛？",
        ] {
            let sum: usize = words(text)
                .map(|(_, word)| encoder.count_tokens(word))
                .sum();
            assert_eq!(sum, encoder.count_tokens(text), "{text}");
        }
    }
}
