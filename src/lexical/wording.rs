//! How a passage words what a question asks: whether words that stand together in
//! the question do so there, how many one sentence has, and whether they are
//! spelled as they are asked. Which words a question has is not decided here.

use super::analysis::fold;
use super::query::{QueryTerm, distinct};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use tantivy::tokenizer::{TextAnalyzer, TokenStream};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text with the ranges of bytes of its sentences.
pub(super) type Sentences<'a> = (&'a str, Vec<Range<usize>>);

/// How a passage has the words of a question, by their weight.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wording {
    /// The share of the pairs of neighbours in the question that are neighbours
    /// in the passage too, 0-1.
    pub pairs: f32,
    /// The share of the question's words that the best sentence has, 0-1.
    pub sentence: f32,
    /// The share of the question's words that the passage spells as the question
    /// does while another passage has them with other accents alone, 0-1.
    pub spelling: f32,
}

/// Where a text has a term.
#[derive(Debug)]
struct Place {
    bytes: Range<usize>,
    position: usize,
}

/// How a text spells a word of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    AsAsked,
    /// The same word to the index, but with other accents.
    OtherAccents,
    /// Not at all, or in another inflection.
    Absent,
}

/// The places of each of a question's terms in a text.
type Places<'a> = HashMap<&'a str, Vec<Place>>;

/// How each text has the terms of `question`.
pub(super) fn wordings(
    question: &str,
    terms: &[QueryTerm],
    texts: &[Sentences<'_>],
    analyzer: &mut TextAnalyzer,
) -> Vec<Wording> {
    let found: Vec<Places> = texts
        .iter()
        .map(|(text, _)| places(terms, text, analyzer))
        .collect();
    let spellings = spellings(question, terms, texts, &found);
    let found = texts.iter().zip(&found).zip(spellings);
    found
        .map(|(((_, sentences), places), spelling)| Wording {
            pairs: pairs(terms, places),
            sentence: best_sentence(terms, places, sentences),
            spelling,
        })
        .collect()
}

fn places<'a>(terms: &'a [QueryTerm], text: &str, analyzer: &mut TextAnalyzer) -> Places<'a> {
    let keys = terms.iter().map(|term| (term.text.as_str(), Vec::new()));
    let mut places: Places = keys.collect();
    let mut stream = analyzer.token_stream(text);
    while stream.advance() {
        let token = stream.token();
        if let Some(places) = places.get_mut(token.text.as_str()) {
            places.push(Place {
                bytes: token.offset_from..token.offset_to,
                position: token.position,
            });
        }
    }
    places
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
            .map(|place| sentences.partition_point(|sentence| sentence.end <= place.bytes.start))
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

/// For each text the share of the terms that it spells as the question does. Only
/// terms that another text has with other accents alone count: elsewhere spelling
/// tells nothing apart.
fn spellings(
    question: &str,
    terms: &[QueryTerm],
    texts: &[Sentences<'_>],
    places: &[Places],
) -> Vec<f32> {
    let mut sums = vec![0.0; texts.len()];
    // Without accents there is but one spelling.
    if question.is_ascii() && texts.iter().all(|(text, _)| text.is_ascii()) {
        return sums;
    }
    let mut all = 0.0;
    for term in distinct(terms) {
        all += term.worth();
        let same = terms.iter().filter(|other| other.text == term.text);
        let asked: Vec<String> = same.map(|one| plain(&question[one.span.clone()])).collect();
        let found: Vec<Spelling> = texts
            .iter()
            .zip(places)
            .map(|((text, _), places)| spelling(&asked, text, &places[term.text.as_str()]))
            .collect();
        if found.contains(&Spelling::OtherAccents) {
            for (sum, found) in sums.iter_mut().zip(found) {
                *sum += term.worth() * f32::from(found == Spelling::AsAsked);
            }
        }
    }
    sums.into_iter().map(|sum| share(sum, all)).collect()
}

/// How `text` spells a word that is asked for in these spellings.
fn spelling(asked: &[String], text: &str, places: &[Place]) -> Spelling {
    let mut found = Spelling::Absent;
    for place in places {
        let here = plain(&text[place.bytes.clone()]);
        if asked.contains(&here) {
            return Spelling::AsAsked;
        }
        if asked.iter().any(|one| folded(one) == folded(&here)) {
            found = Spelling::OtherAccents;
        }
    }
    found
}

/// The letters of a word with their accents, in lower case: without what joins
/// the parts of a name, and however its accents are encoded.
fn plain(word: &str) -> String {
    word.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric() || is_combining_mark(*c))
        .collect()
}

fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars() {
        fold(c, &mut folded);
    }
    folded
}
