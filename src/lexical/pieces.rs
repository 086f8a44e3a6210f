//! Pieces of words, for languages that write compounds as one word: `Waldbrand`
//! and `Brände im Wald` share no word, but most of their pieces. Other texts have
//! none. Must not know an index.

use super::analysis::{self, TermStream};
use super::stemming;
use tantivy::tokenizer::{TextAnalyzer, Token, Tokenizer};

/// Name under which the analyzer is registered; part of the schema. Raise it with
/// every change here.
pub(super) const NAME: &str = "satchel-pieces-1";

/// Characters of a piece. With 5 keywords find German XQuAD's right paragraph
/// first for one question in a hundred less.
const LENGTH: usize = 4;

/// Shortest word that has pieces, in characters.
const SHORTEST: usize = 5;

/// The runs of [`LENGTH`] characters of each longer word.
pub(super) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(PieceTokenizer::default()).build()
}

#[derive(Clone, Default)]
struct PieceTokenizer {
    words: Vec<Token>,
    pieces: Vec<Token>,
}

impl Tokenizer for PieceTokenizer {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        self.pieces.clear();
        if stemming::has_compounds(text) {
            analysis::scan(text, &mut self.words);
            for word in &self.words {
                self.pieces.extend(pieces(&word.text).map(|piece| Token {
                    text: piece.to_owned(),
                    ..word.clone()
                }));
            }
        }
        TermStream::over(&mut self.pieces)
    }
}

/// The pieces of a folded word; numbers and identifiers have none.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let is_long = word.chars().nth(SHORTEST - 1).is_some();
    let has_pieces = is_long && word.chars().all(char::is_alphabetic);
    let starts = word.char_indices().map(|(at, _)| at);
    let ends = starts.clone().skip(LENGTH).chain([word.len()]);
    starts
        .zip(ends)
        .filter(move |_| has_pieces)
        .map(|(start, end)| &word[start..end])
}

#[cfg(test)]
mod tests {
    use super::{analyzer, pieces};
    use tantivy::tokenizer::TokenStream;

    fn terms(text: &str) -> Vec<String> {
        let mut analyzer = analyzer();
        let mut stream = analyzer.token_stream(text);
        let mut terms = Vec::new();
        while stream.advance() {
            terms.push(stream.token().text.clone());
        }
        terms
    }

    #[test]
    fn word_of_five_letters_has_two_pieces_and_a_shorter_one_none() {
        assert_eq!(pieces("brand").collect::<Vec<_>>(), ["bran", "rand"]);
        assert_eq!(pieces("пожар").collect::<Vec<_>>(), ["пожа", "ожар"]);
        for none in ["wald", "", "e1042", "1990er"] {
            assert_eq!(pieces(none).count(), 0, "{none}");
        }
    }

    #[test]
    fn compound_shares_pieces_with_the_words_that_it_is_made_of() {
        let apart = terms("Welche Schäden haben die Brände in den Wäldern verursacht?");
        let compound = terms("Wie oft gab es im Sommer einen Waldbrand?");
        assert!(compound.contains(&"bran".into()), "{compound:?}");
        assert!(apart.contains(&"bran".into()), "{apart:?}");
    }

    #[test]
    fn text_of_a_language_without_compounds_has_no_pieces() {
        for text in [
            "How many forest fires were there in the summer of that year?",
            "Combien d'incendies de forêt y a-t-il eu cet été ?",
            "今年夏天发生了多少起森林火灾？",
            "",
        ] {
            assert_eq!(terms(text), [""; 0], "{text}");
        }
    }
}
