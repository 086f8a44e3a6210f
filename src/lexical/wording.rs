//! How a passage words what a question asks: whether words that stand together in
//! the question do so there, and how many one sentence has. Which words a question
//! has is not decided here.

use super::query::{QueryTerm, distinct};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use tantivy::tokenizer::{TextAnalyzer, TokenStream};

/// How a passage has the words of a question, by their weight.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wording {
    /// The share of the pairs of neighbours in the question that are neighbours
    /// in the passage too, 0-1.
    pub pairs: f32,
    /// The share of the question's words that the best sentence has, 0-1.
    pub sentence: f32,
}

/// Where a text has a term.
#[derive(Debug, Clone, Copy)]
struct Place {
    byte: usize,
    position: usize,
}

/// The places of each of a question's terms in a text.
type Places<'a> = HashMap<&'a str, Vec<Place>>;

/// How `text`, whose sentences are these ranges of bytes, has the terms.
pub(super) fn wording(
    terms: &[QueryTerm],
    text: &str,
    sentences: &[Range<usize>],
    analyzer: &mut TextAnalyzer,
) -> Wording {
    let keys = terms.iter().map(|term| (term.text.as_str(), Vec::new()));
    let mut places: Places = keys.collect();
    let mut stream = analyzer.token_stream(text);
    while stream.advance() {
        let token = stream.token();
        if let Some(places) = places.get_mut(token.text.as_str()) {
            places.push(Place {
                byte: token.offset_from,
                position: token.position,
            });
        }
    }
    Wording {
        pairs: pairs(terms, &places),
        sentence: best_sentence(terms, &places, sentences),
    }
}

/// The share of the pairs of neighbours that are neighbours in the text. A word
/// in several forms is found by any of them.
fn pairs(terms: &[QueryTerm], places: &Places) -> f32 {
    let mut words: BTreeMap<usize, Vec<&QueryTerm>> = BTreeMap::new();
    for term in terms {
        words.entry(term.position).or_default().push(term);
    }
    let positions = |forms: &[&QueryTerm]| -> HashSet<usize> {
        let found = forms
            .iter()
            .filter_map(|form| places.get(form.text.as_str()));
        found.flatten().map(|place| place.position).collect()
    };
    let (mut kept, mut all) = (0.0, 0.0);
    for (position, first) in &words {
        let Some(second) = words.get(&(position + 1)) else {
            continue;
        };
        let weight: f32 = first.iter().chain(second).map(|term| term.worth()).sum();
        all += weight;
        let ends = positions(second);
        if positions(first).iter().any(|at| ends.contains(&(at + 1))) {
            kept += weight;
        }
    }
    share(kept, all)
}

/// The share of the terms that the sentence has that has most.
fn best_sentence(terms: &[QueryTerm], places: &Places, sentences: &[Range<usize>]) -> f32 {
    let mut sums = vec![0.0; sentences.len()];
    let mut all = 0.0;
    for term in distinct(terms) {
        all += term.worth();
        let forms = [Some(&term.text), term.other.as_ref()];
        let found = forms.into_iter().flatten();
        let found = found.filter_map(|form| places.get(form.as_str())).flatten();
        let having: HashSet<usize> = found
            .map(|place| sentences.partition_point(|sentence| sentence.end <= place.byte))
            .collect();
        for sentence in having {
            if let Some(sum) = sums.get_mut(sentence) {
                *sum += term.worth();
            }
        }
    }
    share(sums.into_iter().fold(0.0, f32::max), all)
}

fn share(part: f32, all: f32) -> f32 {
    if all > 0.0 { part / all } else { 0.0 }
}
