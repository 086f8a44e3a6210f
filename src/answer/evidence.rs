//! How far a sentence of an answer is borne out by sentences of the passages:
//! by its words, its numbers and its meaning.

use super::candidates::{Candidate, every_sentence, wording};
use super::figures::{figures, numbers};
use super::roles::Roles;
use super::terms::{Rarity, terms};
use crate::engine::encoder::{Encoder, EncoderError};
use crate::types::{Passage, Support};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Weights of the words that the sentence shares with its evidence, of those
/// that it shares with the evidence and its neighbours, and of the cosine.
const WORDS: f32 = 0.25;
const AROUND: f32 = 0.25;
const MEANING: f32 = 0.5;
/// On ClapNQ 96 % of the sentences that people wrote from a passage reach the
/// first against it; 1 % of sentences about the same topic from elsewhere do,
/// and 10 % of these reach the second.
const SUPPORTED: f32 = 0.55;
const WEAK: f32 = 0.4;
/// Words in common from which a difference in negation is no coincidence.
const SAME_WORDS: f32 = 0.6;
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "none", "nor", "neither", "without", "cannot", "nicht", "kein", "keine",
    "keinen", "nie", "ohne", "pas", "jamais", "sans", "nunca", "sin",
];

/// The best that a passage has for a sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    pub(super) passage: usize,
    /// The characters of the passage that bear the sentence out.
    pub(super) span: Range<usize>,
    /// These with the sentences before and behind them.
    pub(super) around: Range<usize>,
    pub(super) support: Support,
    /// The most that the sentence's numbers allow.
    pub(super) most: Support,
    /// 0-1.
    pub(super) score: f32,
}

impl Evidence {
    /// The same with another support, by which the score is no contradiction.
    pub(super) fn with(self, support: Support) -> Self {
        let score = match support {
            Support::Supported => self.score.max(SUPPORTED),
            Support::Weak => self.score,
            Support::Unsupported => self.score.min(WEAK),
        };
        Self {
            support,
            score,
            ..self
        }
    }
}

/// Puts the best first. Of equals the better ranked passage comes first, if it
/// did before.
pub(super) fn sort(evidence: &mut [Evidence]) {
    evidence.sort_by(|a, b| {
        let by_support = strength(b.support).cmp(&strength(a.support));
        by_support.then(b.score.total_cmp(&a.score))
    });
}

/// A sentence of the answer, prepared for comparison.
struct Claim<'a> {
    terms: Vec<String>,
    /// The readings of each number.
    numbers: Vec<Vec<String>>,
    is_negated: bool,
    roles: Roles,
    vector: &'a [f32],
}

/// The passages, prepared for many comparisons.
pub(super) struct Corpus {
    candidates: Vec<Candidate>,
    roles: Vec<Roles>,
    /// Of each wording, and which of them each candidate has.
    vectors: Vec<Vec<f32>>,
    wordings: Vec<usize>,
    numbers: Vec<HashSet<String>>,
    rarity: Rarity,
}

impl Corpus {
    pub(super) fn new(passages: &[Passage], encoder: &Encoder) -> Result<Self, EncoderError> {
        let candidates = every_sentence(passages);
        // What overlapping passages share is read once, and as rare as it is.
        let (mut known, mut firsts, mut wordings) = (HashMap::new(), Vec::new(), Vec::new());
        for candidate in &candidates {
            let place = *known
                .entry(wording(&candidate.text))
                .or_insert(firsts.len());
            if place == firsts.len() {
                firsts.push(candidate);
            }
            wordings.push(place);
        }
        let texts: Vec<&str> = firsts.iter().map(|first| first.text.as_str()).collect();
        let all = candidates.iter().map(|candidate| &candidate.text);
        Ok(Self {
            vectors: encoder.embed(&texts)?,
            wordings,
            numbers: all.clone().map(|text| numbers(text, true)).collect(),
            roles: all.map(|text| Roles::of(text)).collect(),
            rarity: Rarity::of(firsts.iter().map(|first| first.terms.as_slice())),
            candidates,
        })
    }

    /// The best evidence of each passage, best first.
    pub(super) fn evidence(&self, sentence: &str, vector: &[f32]) -> Vec<Evidence> {
        let claim = Claim {
            terms: terms(sentence),
            numbers: figures(sentence),
            is_negated: is_negated(sentence),
            roles: Roles::of(sentence),
            vector,
        };
        let mut best: Vec<Evidence> = Vec::new();
        for at in 0..self.candidates.len() {
            let found = self.compare(&claim, at);
            match best.iter_mut().find(|other| other.passage == found.passage) {
                Some(other) if is_better(&found, other) => *other = found,
                Some(_) => {}
                None => best.push(found),
            }
        }
        sort(&mut best);
        best
    }

    fn compare(&self, claim: &Claim<'_>, at: usize) -> Evidence {
        let own = &self.candidates[at];
        let window = self.window(at);
        let near = window
            .clone()
            .flat_map(|other| self.candidates[other].terms.iter().cloned());
        let near: Vec<String> = near.collect();
        let words = self.rarity.coverage(&claim.terms, &own.terms);
        let nearby = self.rarity.coverage(&claim.terms, &near);
        let meaning = dot(claim.vector, &self.vectors[self.wordings[at]]).clamp(0.0, 1.0);
        let score = (WORDS * words + AROUND * nearby + MEANING * meaning).clamp(0.0, 1.0);
        let mut support = match score {
            SUPPORTED.. => Support::Supported,
            WEAK.. => Support::Weak,
            _ => Support::Unsupported,
        };
        let flipped = words >= SAME_WORDS && claim.is_negated != is_negated(&own.text);
        if flipped || claim.roles.are_turned_round(&self.roles[at]) {
            support = weaker(support, Support::Weak);
        }
        let around =
            self.candidates[window.start].span.start..self.candidates[window.end - 1].span.end;
        let most = self.bound_by_numbers(claim, window);
        support = weaker(support, most);
        Evidence {
            passage: own.passage,
            span: own.span.clone(),
            around,
            support,
            most,
            score: if support == Support::Unsupported {
                score.min(WEAK)
            } else {
                score
            },
        }
    }

    /// The sentence and its neighbours in the same passage.
    fn window(&self, at: usize) -> Range<usize> {
        let same = |other: usize| {
            let candidate = self.candidates.get(other);
            candidate.is_some_and(|c| c.passage == self.candidates[at].passage)
        };
        let first = if at > 0 && same(at - 1) { at - 1 } else { at };
        let last = if same(at + 1) { at + 1 } else { at };
        first..last + 1
    }

    /// The most support that a claim can have, given where its numbers are:
    /// near the evidence, somewhere in the passages, or nowhere.
    fn bound_by_numbers(&self, claim: &Claim<'_>, window: Range<usize>) -> Support {
        let has = |range: Range<usize>, readings: &[String]| {
            let mut near = self.numbers[range].iter();
            near.any(|own| readings.iter().any(|one| own.contains(one)))
        };
        if claim
            .numbers
            .iter()
            .all(|number| has(window.clone(), number))
        {
            Support::Supported
        } else if claim
            .numbers
            .iter()
            .all(|number| has(0..self.numbers.len(), number))
        {
            Support::Weak
        } else {
            Support::Unsupported
        }
    }
}

fn is_better(left: &Evidence, right: &Evidence) -> bool {
    let key = |evidence: &Evidence| strength(evidence.support);
    (key(left), left.score) > (key(right), right.score)
}

pub(super) fn strength(support: Support) -> u8 {
    match support {
        Support::Supported => 2,
        Support::Weak => 1,
        Support::Unsupported => 0,
    }
}

pub(super) fn weaker(left: Support, right: Support) -> Support {
    if strength(left) <= strength(right) {
        left
    } else {
        right
    }
}

fn is_negated(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_word = |c: char| c.is_alphanumeric() || c == '\'' || c == '’';
    let mut words = lower.split(|c: char| !is_word(c));
    words.any(|word| NEGATIONS.contains(&word) || word.ends_with("n't") || word.ends_with("n’t"))
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::{is_negated, numbers};

    #[test]
    fn numbers_compare_however_they_are_written() {
        for [left, right] in [
            ["1,000 bar", "1000"],
            ["1'000", "1,000"],
            ["7,1 mm", "7.1 mm/s."],
            ["the 1990s", "in 1990"],
            ["2.000.000", "2,000,000"],
            ["page 3, 4", "3 and 4"],
        ] {
            assert_eq!(
                numbers(left, false),
                numbers(right, false),
                "{left} {right}"
            );
        }
        assert!(numbers("for ten seconds", true).contains("10"));
        assert!(numbers("for ten seconds", false).is_empty());
        assert_ne!(numbers("7.1", false), numbers("71", false));
    }

    #[test]
    fn negation_is_seen() {
        assert!(is_negated("It does not run."));
        assert!(is_negated("It doesn’t run."));
        assert!(!is_negated("A note on knots."));
    }
}
