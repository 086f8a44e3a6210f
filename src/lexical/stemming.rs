//! Words to their stems, by the language of the text that they stand in. Must
//! not split text into words.

use super::analysis::fold;
use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::Token;
use unicode_normalization::UnicodeNormalization;
use whichlang::{Lang, detect_language};

/// Words below which nobody can tell a text's language.
const SHORTEST: usize = 3;

/// Reduces the folded tokens of `text` to their English stems. Where the text is
/// of another language, a word whose stem is another there has both, the second
/// in the same place: the language of a table, or of a question of two words, is
/// a guess, and a wrong one must not hide what the English stem finds.
pub(super) fn reduce(text: &str, tokens: &mut Vec<Token>) {
    let english = Stemmer::new(Algorithm::English);
    let own = match tokens.last().map_or(0, |last| last.position + 1) {
        0..SHORTEST => None,
        _ => algorithm(detect_language(text)).map(Stemmer::new),
    };
    let mut reduced = Vec::with_capacity(tokens.len());
    for mut token in tokens.drain(..) {
        let word = &text[token.offset_from..token.offset_to];
        let own = own.and_then(|own| stem(own, word));
        token.text = english.stem(&token.text).into_owned();
        let second = own.filter(|own| *own != token.text).map(|own| Token {
            text: own,
            ..token.clone()
        });
        reduced.push(token);
        reduced.extend(second);
    }
    *tokens = reduced;
}

/// Whether `text` seems to be of a language that writes compounds as one word.
pub(super) fn has_compounds(text: &str) -> bool {
    matches!(detect_language(text), Lang::Deu | Lang::Nld | Lang::Swe)
}

/// The folded stem of a word. The rules of most languages look at accents, so
/// they are folded afterwards. Names in several parts have no stem.
fn stem(stemmer: Stemmer, word: &str) -> Option<String> {
    let lower: String = word.nfkc().flat_map(char::to_lowercase).collect();
    if !lower.chars().all(char::is_alphabetic) {
        return None;
    }
    let mut folded = String::with_capacity(lower.len());
    for c in stemmer.stem(&lower).chars() {
        fold(c, &mut folded);
    }
    Some(folded).filter(|stem| !stem.is_empty())
}

/// The rules of a language other than English, where there are any.
fn algorithm(language: Lang) -> Option<Algorithm> {
    match language {
        Lang::Ara => Some(Algorithm::Arabic),
        Lang::Deu => Some(Algorithm::German),
        Lang::Fra => Some(Algorithm::French),
        Lang::Ita => Some(Algorithm::Italian),
        Lang::Nld => Some(Algorithm::Dutch),
        Lang::Por => Some(Algorithm::Portuguese),
        Lang::Rus => Some(Algorithm::Russian),
        Lang::Spa => Some(Algorithm::Spanish),
        Lang::Swe => Some(Algorithm::Swedish),
        Lang::Tur => Some(Algorithm::Turkish),
        Lang::Eng | Lang::Cmn | Lang::Hin | Lang::Jpn | Lang::Kor | Lang::Vie => None,
    }
}
