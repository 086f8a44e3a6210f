//! A question in a person's words to a query: a sum of weighted terms inside
//! the filter. Must not parse syntax: no character of a question is special but
//! the quotation marks around a phrase.

use super::index::Fields;
use super::{Filter, Subject, analysis};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhraseQuery, Query, RegexQuery, TermQuery,
    TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::{TextAnalyzer, TokenStream};
use tantivy::{Searcher, Term};

/// Terms of a question beyond this many, the commonest first, are left out.
const MAX_TERMS: usize = 64;

/// Characters of a question that are looked at.
const MAX_CHARS: usize = 8_000;

/// Weight of a match in the title or a heading against one in the text. Without
/// it keywords put the right passage first for .33 of Cranfield's questions
/// instead of .37, with a weight of 1 for .35.
const TITLE_WEIGHT: f32 = 0.3;
const HEADINGS_WEIGHT: f32 = 0.3;

/// Weight of a phrase in quotation marks, on top of its words, and of one word there.
const PHRASE_WEIGHT: f32 = 2.0;

/// Weight of a piece of a word, times its rarity. German XQuAD's right paragraph
/// comes first by keywords for .884 of the questions without pieces, from .08 to
/// .5 for .92-.93.
const PIECE_WEIGHT: f32 = 0.25;

/// A piece that more than one chunk in so many has is an ending and no word. It
/// costs most time, and without it a question in two hundred more is right.
const COMMON_PIECE: u64 = 12;

/// Pieces of a question beyond this many, the commonest first, are left out.
const MAX_PIECES: usize = 64;

/// Characters of a question of nothing but single ones that are searched for in
/// pairs: for each the terms of the index are gone through.
const MAX_SINGLES: usize = 8;

/// Weight of words that carry grammar and not a subject. In a large collection
/// their frequency says so; in one of ten chunks it does not. Between 0 and 0.4
/// XQuAD and Cranfield hardly care; a weight of 1 costs half a point and two.
const FUNCTION_WORD_WEIGHT: f32 = 0.1;

/// Function words of English and German questions, folded and stemmed.
const FUNCTION_WORDS: &str = "a about all also am an and ani are as at be been befor but by can \
    could did do doe dure for from had has have he her his how i if in into is it its itself may me \
    might must my no not of on one or our s shall she should so some such t than that the their them \
    then there these they this those to under up us use was we were what when where which while who \
    whom whose whi will with would you your auf aus bei das dem den der des die ein eine einem einen \
    einer ein es fur hat ist im mit nach sich sie sind und uber um von vor war warum was welch welche \
    welchem welchen welcher wann wer werden wie wird wo wurd wurde wurden zu zum zur";

/// Chunks from which on words of grammar are not searched for at all, where the
/// question has others: reading which chunks have them takes longer than all else.
const MANY_CHUNKS: u64 = 20_000;

/// A term of the question.
#[derive(Debug, Clone)]
pub(super) struct QueryTerm {
    pub(super) text: String,
    /// Position in the question, for phrases.
    pub(super) position: usize,
    /// Its bytes in the question.
    pub(super) span: Range<usize>,
    phrase: Option<usize>,
    weight: f32,
    idf: f32,
    /// The word's stem in another language.
    pub(super) other: Option<String>,
    /// A single character of a script without spaces, of which texts have pairs.
    single: bool,
}

impl QueryTerm {
    /// What it counts for among the question's terms. In a small collection a
    /// subject is in every chunk: it must count all the same.
    pub(super) fn worth(&self) -> f32 {
        self.weight * (self.idf + 1.0)
    }

    /// Whether it is among the terms of a text, as a word or in a pair.
    fn is_among(&self, words: &HashSet<String>) -> bool {
        let stems = std::iter::once(&self.text).chain(&self.other);
        stems.into_iter().any(|stem| words.contains(stem))
            || (self.single && words.iter().any(|word| word.contains(&self.text)))
    }
}

/// The distinct terms of the question, the rarest first if there are too many.
pub(super) fn terms(
    question: &str,
    analyzer: &mut TextAnalyzer,
    searcher: &Searcher,
    fields: Fields,
) -> tantivy::Result<Vec<QueryTerm>> {
    let question = cut(question);
    let phrases = quoted(question);
    let function_words: HashSet<&str> = FUNCTION_WORDS.split_whitespace().collect();
    let mut terms: Vec<QueryTerm> = Vec::new();
    let mut stream = analyzer.token_stream(question);
    while stream.advance() {
        let token = stream.token();
        let inside =
            |span: &(usize, usize)| span.0 <= token.offset_from && token.offset_to <= span.1;
        let mut term = QueryTerm {
            text: token.text.clone(),
            position: token.position,
            span: token.offset_from..token.offset_to,
            phrase: phrases.iter().position(inside),
            weight: if function_words.contains(token.text.as_str()) {
                FUNCTION_WORD_WEIGHT
            } else {
                1.0
            },
            idf: 0.0,
            other: None,
            single: analysis::is_single(&question[token.offset_from..token.offset_to]),
        };
        if let Some(first) = terms.last_mut().filter(|first| first.span == term.span) {
            // Two stems of one word share its weight. A phrase needs but one,
            // which texts of all languages have.
            term.weight = term.weight.min(first.weight) / 2.0;
            first.weight = term.weight;
            term.phrase = None;
            term.other = Some(first.text.clone());
            first.other = Some(term.text.clone());
        }
        terms.push(term);
    }
    let chunks = searcher.num_docs() as f32;
    for term in &mut terms {
        let found = searcher.doc_freq(&Term::from_field_text(fields.text, &term.text))? as f32;
        term.idf = idf(chunks, found);
    }
    Ok(terms)
}

/// The rarity of what `found` of so many chunks have.
fn idf(chunks: f32, found: f32) -> f32 {
    let odds = (1.0 + (chunks - found).max(0.0) + 0.5) / (found + 0.5);
    odds.ln().max(0.0)
}

/// Pieces of the question's words that some chunks have, each with its score.
pub(super) fn pieces(
    question: &str,
    analyzer: &mut TextAnalyzer,
    searcher: &Searcher,
    fields: Fields,
) -> tantivy::Result<Vec<(Term, f32)>> {
    let chunks = searcher.num_docs();
    let common = (chunks / COMMON_PIECE).max(1);
    let mut seen = HashSet::new();
    let mut pieces = Vec::new();
    let mut stream = analyzer.token_stream(cut(question));
    while stream.advance() {
        let piece = &stream.token().text;
        if !seen.insert(piece.clone()) {
            continue;
        }
        let term = Term::from_field_text(fields.pieces, piece);
        let found = searcher.doc_freq(&term)?;
        if (1..=common).contains(&found) {
            pieces.push((term, PIECE_WEIGHT * idf(chunks as f32, found as f32)));
        }
    }
    pieces.sort_by(|a, b| b.1.total_cmp(&a.1));
    pieces.truncate(MAX_PIECES);
    Ok(pieces)
}

/// The query for these terms and pieces in an index of `chunks`; `None` if it
/// cannot match anything.
pub(super) fn build(
    terms: &[QueryTerm],
    pieces: Vec<(Term, f32)>,
    chunks: u64,
    filter: &Filter,
    fields: Fields,
) -> Option<BooleanQuery> {
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let carries = |term: &QueryTerm| term.weight > FUNCTION_WORD_WEIGHT;
    let grammar_too = chunks < MANY_CHUNKS || !terms.iter().any(carries);
    for term in distinct(terms) {
        if !grammar_too && !carries(term) {
            continue;
        }
        let weights = [
            (fields.text, 1.0),
            (fields.headings, HEADINGS_WEIGHT),
            (fields.title, TITLE_WEIGHT),
        ];
        for (field, weight) in weights {
            let query = TermQuery::new(
                Term::from_field_text(field, &term.text),
                IndexRecordOption::WithFreqs,
            );
            clauses.push(should(query, weight * term.weight));
        }
    }
    for phrase in phrases(terms, fields.text) {
        clauses.push(should(PhraseQuery::new_with_offset(phrase), PHRASE_WEIGHT));
    }
    for word in quoted_words(terms) {
        let term = Term::from_field_text(fields.text, &word.text);
        let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
        clauses.push(should(query, PHRASE_WEIGHT * word.weight));
    }
    if terms.iter().all(|term| term.single) {
        for term in distinct(terms).into_iter().take(MAX_SINGLES) {
            let pairs = pairs_with(term, fields.text);
            clauses.extend(pairs.map(|query| should(query, 1.0)));
        }
    }
    for (piece, score) in pieces {
        let query = TermQuery::new(piece, IndexRecordOption::Basic);
        let query = ConstScoreQuery::new(Box::new(query), score);
        clauses.push((Occur::Should, Box::new(query)));
    }
    if clauses.is_empty() {
        return None;
    }
    let mut all: Vec<(Occur, Box<dyn Query>)> =
        vec![(Occur::Must, Box::new(BooleanQuery::new(clauses)))];
    for (field, keys) in [
        (fields.dataset, &filter.datasets),
        (fields.document, &filter.documents),
    ] {
        if let Some(keys) = keys {
            all.push((Occur::Must, one_of(field, keys)?));
        }
    }
    Some(BooleanQuery::new(all))
}

/// The words of the question that carry a subject, and whether `text` has each.
pub(super) fn subjects(question: &str, text: &str, analyzer: &mut TextAnalyzer) -> Vec<Subject> {
    let function_words: HashSet<&str> = FUNCTION_WORDS.split_whitespace().collect();
    let known = words(text, analyzer);
    let mut found: Vec<(Subject, bool)> = Vec::new();
    let mut stream = analyzer.token_stream(cut(question));
    while stream.advance() {
        let token = stream.token();
        let span = token.offset_from..token.offset_to;
        let is_known = known.contains(&token.text);
        let is_grammar = function_words.contains(token.text.as_str());
        match found.last_mut().filter(|(last, _)| last.span == span) {
            // The second stem of the same word.
            Some((last, grammar)) => {
                last.known |= is_known;
                *grammar |= is_grammar;
            }
            None => found.push((
                Subject {
                    span,
                    known: is_known,
                },
                is_grammar,
            )),
        }
    }
    found.retain(|(_, grammar)| !grammar);
    found.into_iter().map(|(subject, _)| subject).collect()
}

/// The distinct terms of a text.
fn words(text: &str, analyzer: &mut TextAnalyzer) -> HashSet<String> {
    let mut words = HashSet::new();
    let mut stream = analyzer.token_stream(text);
    while stream.advance() {
        words.insert(stream.token().text.clone());
    }
    words
}

/// The share of the terms' weight that is found in `text`.
pub(super) fn coverage(terms: &[QueryTerm], text: &str, analyzer: &mut TextAnalyzer) -> f32 {
    let words = words(text, analyzer);
    let (mut found, mut all) = (0.0, 0.0);
    for term in distinct(terms) {
        let weight = term.worth();
        all += weight;
        found += weight * f32::from(term.is_among(&words));
    }
    if all > 0.0 { found / all } else { 0.0 }
}

/// Finds a single character in the pairs that texts have of it. Only where a
/// question has nothing else: beside other words a particle would find all.
fn pairs_with(term: &QueryTerm, field: Field) -> Option<RegexQuery> {
    // Folded, a character is up to three: a Hangul syllable in its letters.
    let pattern = format!(".?.?.?{}.?.?.?", term.text);
    RegexQuery::from_pattern(&pattern, field).ok()
}

fn should(query: impl Query, weight: f32) -> (Occur, Box<dyn Query>) {
    (
        Occur::Should,
        Box::new(BoostQuery::new(Box::new(query), weight)),
    )
}

/// Passes chunks whose `field` is one of `keys`, without touching the score.
fn one_of(field: Field, keys: &[u64]) -> Option<Box<dyn Query>> {
    let mut terms = keys.iter().map(|&key| Term::from_field_u64(field, key));
    let inner: Box<dyn Query> = match keys.len() {
        0 => return None,
        1 => Box::new(TermQuery::new(terms.next()?, IndexRecordOption::Basic)),
        _ => Box::new(TermSetQuery::new(terms)),
    };
    Some(Box::new(ConstScoreQuery::new(inner, 0.0)))
}

/// Each term once; of too many, the rarest.
pub(super) fn distinct(terms: &[QueryTerm]) -> Vec<&QueryTerm> {
    let mut seen = HashSet::new();
    let mut distinct: Vec<&QueryTerm> = terms
        .iter()
        .filter(|term| seen.insert(term.text.as_str()))
        .collect();
    if distinct.len() > MAX_TERMS {
        distinct.sort_by(|a, b| (b.idf * b.weight).total_cmp(&(a.idf * a.weight)));
        distinct.truncate(MAX_TERMS);
    }
    distinct
}

/// The terms of each quoted phrase of two words or more, with their offsets.
fn phrases(terms: &[QueryTerm], field: Field) -> Vec<Vec<(usize, Term)>> {
    let mut phrases: HashMap<usize, Vec<(usize, Term)>> = HashMap::new();
    for term in terms {
        if let Some(phrase) = term.phrase {
            let place = (term.position, Term::from_field_text(field, &term.text));
            phrases.entry(phrase).or_default().push(place);
        }
    }
    let mut phrases: Vec<_> = phrases.into_iter().collect();
    phrases.sort_by_key(|(number, _)| *number);
    phrases
        .into_iter()
        .map(|(_, mut places)| {
            places.truncate(MAX_TERMS);
            let first = places[0].0;
            places.iter_mut().for_each(|place| place.0 -= first);
            places
        })
        .filter(|places| places.len() > 1)
        .collect()
}

/// Words that stand alone in quotation marks and are no words of grammar.
fn quoted_words(terms: &[QueryTerm]) -> impl Iterator<Item = &QueryTerm> {
    let mut words: HashMap<usize, usize> = HashMap::new();
    for phrase in terms.iter().filter_map(|term| term.phrase) {
        *words.entry(phrase).or_default() += 1;
    }
    terms.iter().filter(move |term| {
        let alone = term.phrase.is_some_and(|phrase| words[&phrase] == 1);
        alone && term.weight > FUNCTION_WORD_WEIGHT
    })
}

/// Byte spans between pairs of quotation marks.
fn quoted(question: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in question.char_indices() {
        let mark = matches!(
            c,
            '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』'
        );
        if mark {
            match open.take() {
                Some(start) => spans.push((start, at)),
                None => open = Some(at + c.len_utf8()),
            }
        }
    }
    spans
}

fn cut(question: &str) -> &str {
    match question.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => &question[..end],
        None => question,
    }
}
