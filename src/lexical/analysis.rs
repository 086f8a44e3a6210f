//! Text to index terms: words folded to lower case without accents, names with
//! digits, hyphens or inner capitals (`P-40`, `E-1042`, `CamelCase`, `a_b`) both
//! whole and in parts, and scripts written without spaces as pairs of characters.
//! Must not know an index.

use super::{pieces, stemming};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Name under which the analyzer is registered; part of the schema, so that an
/// index made by another analyzer is recognised. Raise it with every change here.
pub(super) const NAME: &str = "satchel-2";

/// Longer words are noise (encoded data, broken extraction).
const MAX_CHARS: usize = 64;

/// Words and identifiers, reduced to their stems.
pub(super) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(WordTokenizer::default()).build()
}

/// The analyzers under their names, for an index to find them.
pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(NAME, analyzer());
    manager.register(pieces::NAME, pieces::analyzer());
    manager
}

/// The folded words and identifiers of `text`, in place of what `tokens` held.
pub(super) fn scan(text: &str, tokens: &mut Vec<Token>) {
    tokens.clear();
    Scan::new(text, tokens).run();
}

#[derive(Clone, Default)]
struct WordTokenizer {
    tokens: Vec<Token>,
}

/// The terms of a text that was analysed as a whole.
pub(super) struct TermStream<'a> {
    tokens: &'a mut Vec<Token>,
    /// One past the current token.
    next: usize,
}

impl<'a> TermStream<'a> {
    pub(super) fn over(tokens: &'a mut Vec<Token>) -> Self {
        Self { tokens, next: 0 }
    }
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        scan(text, &mut self.tokens);
        stemming::reduce(text, &mut self.tokens);
        TermStream::over(&mut self.tokens)
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        let more = self.next < self.tokens.len();
        self.next += usize::from(more);
        more
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokens[self.next - 1]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a word.
    Word,
    /// Of a script that does not separate words.
    Unspaced,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' // Hangul: particles cling to the words
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3134f}' => Kind::Unspaced,
        _ if c.is_alphanumeric() || is_combining_mark(c) || is_invisible(c) => Kind::Word,
        _ => Kind::Other,
    }
}

/// Whether a word is one character of a script that does not separate words.
pub(super) fn is_single(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| kind(c) == Kind::Unspaced) && chars.next().is_none()
}

/// Soft hyphen, joiners and the like: inside words, and to be dropped from them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
    )
}

/// Whether `c` between two word characters binds them into one name.
fn binds(c: char, before: char, after: char) -> bool {
    match c {
        '-' | '_' | '.' | '/' | ':' | '@' | '&' | '\'' | '’' | '\u{2010}' | '\u{2011}' => true,
        ',' => before.is_numeric() && after.is_numeric(),
        _ => false,
    }
}

/// Appends `c` in lower case and without accents.
pub(super) fn fold(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    if is_invisible(c) {
        return;
    }
    for part in std::iter::once(c)
        .nfkd()
        .flat_map(char::to_lowercase)
        .nfkd()
    {
        match part {
            '\u{300}'..='\u{36f}' => {}
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ı' => out.push('i'),
            'þ' => out.push_str("th"),
            other => out.push(other),
        }
    }
}

/// One pass over a text.
struct Scan<'a> {
    text: &'a str,
    chars: Vec<(usize, char)>,
    tokens: &'a mut Vec<Token>,
    position: usize,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, tokens: &'a mut Vec<Token>) -> Self {
        Self {
            text,
            chars: text.char_indices().collect(),
            tokens,
            position: 0,
        }
    }

    fn run(&mut self) {
        let mut at = 0;
        while at < self.chars.len() {
            at = match kind(self.chars[at].1) {
                Kind::Word => self.name(at),
                Kind::Unspaced => self.unspaced(at),
                Kind::Other => at + 1,
            };
        }
    }

    fn kind_at(&self, at: usize) -> Kind {
        self.chars.get(at).map_or(Kind::Other, |&(_, c)| kind(c))
    }

    fn end_of(&self, start: usize, kind: Kind) -> usize {
        (start..=self.chars.len())
            .find(|&at| at == self.chars.len() || self.kind_at(at) != kind)
            .unwrap_or(self.chars.len())
    }

    fn byte(&self, at: usize) -> usize {
        self.chars
            .get(at)
            .map_or(self.text.len(), |&(byte, _)| byte)
    }

    fn folded(&self, start: usize, end: usize) -> String {
        let mut text = String::with_capacity(self.byte(end) - self.byte(start));
        for &(_, c) in &self.chars[start..end] {
            fold(c, &mut text);
        }
        text
    }

    fn push(&mut self, text: String, start: usize, end: usize, position: usize) {
        if text.is_empty() || text.chars().nth(MAX_CHARS).is_some() {
            return;
        }
        self.tokens.push(Token {
            offset_from: self.byte(start),
            offset_to: self.byte(end),
            position,
            text,
            position_length: 1,
        });
    }

    /// Pairs of neighbouring characters; a single character stands alone.
    fn unspaced(&mut self, start: usize) -> usize {
        let end = self.end_of(start, Kind::Unspaced);
        let last = (end - 1).max(start + 1);
        for at in start..last {
            let stop = (at + 2).min(end);
            let pair = self.folded(at, stop);
            self.push(pair, at, stop, self.position);
            self.position += 1;
        }
        end
    }

    /// A word, or several bound into a name: the whole, then the parts, the
    /// whole at the first part's position so that phrases match either way.
    fn name(&mut self, start: usize) -> usize {
        let (words, end) = self.words_of_name(start);
        let parts: Vec<(usize, usize)> = words
            .iter()
            .flat_map(|&(from, to)| self.parts_of_word(from, to))
            .collect();
        let first = self.position;
        if parts.len() > 1 {
            let whole = self.whole(&words);
            self.push(whole, start, end, first);
        }
        let mut end = end;
        if let &[(from, to)] = parts.as_slice() {
            end = self.sign_after_letter(from, to).unwrap_or(end);
        }
        for (from, to) in parts {
            let part = self.folded(from, to);
            self.push(part, from, to, self.position);
            self.position += 1;
        }
        end
    }

    /// `C++`, `C#`, `F#`: the sign belongs to the name.
    fn sign_after_letter(&mut self, from: usize, to: usize) -> Option<usize> {
        let sign: String = self.chars[to..]
            .iter()
            .map(|&(_, c)| c)
            .take_while(|c| matches!(c, '+' | '#'))
            .take(3)
            .collect();
        let end = to + sign.len();
        let named = to - from == 1 && matches!(sign.as_str(), "++" | "#");
        (named && self.kind_at(end) != Kind::Word).then(|| {
            let whole = self.folded(from, to) + &sign;
            self.push(whole, from, end, self.position);
            end
        })
    }

    /// The words from `start` on that are bound to each other, and the end of
    /// the last; a possessive `'s` is left out.
    fn words_of_name(&self, start: usize) -> (Vec<(usize, usize)>, usize) {
        let mut end = self.end_of(start, Kind::Word);
        let mut words = vec![(start, end)];
        while self.kind_at(end + 1) == Kind::Word
            && binds(
                self.chars[end].1,
                self.chars[end - 1].1,
                self.chars[end + 1].1,
            )
        {
            let next = self.end_of(end + 1, Kind::Word);
            let possessive = matches!(self.chars[end].1, '\'' | '’')
                && next == end + 2
                && matches!(self.chars[end + 1].1, 's' | 'S');
            if !possessive {
                words.push((end + 1, next));
            }
            end = next;
        }
        (words, end)
    }

    /// The words joined, without what binds them except between digits: `p40`
    /// for `P-40`, `7.1` for `7.1`, `1000` for `1,000`.
    fn whole(&self, words: &[(usize, usize)]) -> String {
        let mut text = String::new();
        let mut previous: Option<usize> = None;
        for &(from, to) in words {
            if let Some(end) = previous {
                let joint = self.chars[end].1;
                let digits = self.chars[end - 1].1.is_numeric() && self.chars[from].1.is_numeric();
                if digits && joint != ',' {
                    text.push(joint);
                }
            }
            text += &self.folded(from, to);
            previous = Some(to);
        }
        text
    }

    /// Splits a word where letters meet digits and where capitals begin anew.
    fn parts_of_word(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let c = |at: usize| self.chars[at].1;
        let mut parts = Vec::new();
        let mut from = start;
        for at in start + 1..end {
            let (before, here) = (c(at - 1), c(at));
            let digit_edge = before.is_numeric() != here.is_numeric()
                && !is_combining_mark(here)
                && !is_invisible(here)
                && !is_invisible(before);
            let new_capital = here.is_uppercase()
                && (before.is_lowercase()
                    || (before.is_uppercase()
                        && at + 2 < end
                        && c(at + 1).is_lowercase()
                        && c(at + 2).is_lowercase()));
            if digit_edge || new_capital {
                parts.push((from, at));
                from = at;
            }
        }
        parts.push((from, end));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::analyzer;

    fn terms(text: &str) -> Vec<String> {
        let mut analyzer = analyzer();
        let mut stream = analyzer.token_stream(text);
        let mut terms = Vec::new();
        while stream.advance() {
            let token = stream.token();
            terms.push(format!("{}@{}", token.text, token.position));
        }
        terms
    }

    #[test]
    fn words_are_folded_and_stemmed() {
        assert_eq!(terms("Die Größe"), ["die@0", "gross@1"]);
        assert_eq!(
            terms("Die Häuser der Stadt wurden verkauft"),
            [
                "die@0",
                "hauser@1",
                "haus@1",
                "der@2",
                "stadt@3",
                "wurden@4",
                "wurd@4",
                "verkauft@5"
            ]
        );
        assert_eq!(terms("Cafe\u{301}s running"), ["cafe@0", "run@1"]);
        assert_eq!(terms("ﬁnal ＡＢＣ"), ["final@0", "abc@1"]);
    }

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        assert_eq!(terms("P-40 x"), ["p40@0", "p@0", "40@1", "x@2"]);
        assert_eq!(terms("P40"), ["p40@0", "p@0", "40@1"]);
        assert_eq!(terms("E-1042"), ["e1042@0", "e@0", "1042@1"]);
        assert_eq!(terms("CamelCase"), ["camelcas@0", "camel@0", "case@1"]);
        assert_eq!(terms("a_b"), ["ab@0", "a@0", "b@1"]);
        assert_eq!(terms("7.1"), ["7.1@0", "7@0", "1@1"]);
        assert_eq!(terms("1,000"), ["1000@0", "1@0", "000@1"]);
    }

    #[test]
    fn apostrophes_do_not_hide_a_word() {
        assert_eq!(terms("Bell’s theorem"), ["bell@0", "theorem@1"]);
        assert_eq!(terms("l'avion"), ["lavion@0", "l@0", "avion@1"]);
    }

    #[test]
    fn signs_belong_to_the_names_of_languages() {
        assert_eq!(
            terms("C++, C# and C"),
            ["c++@0", "c@0", "c#@1", "c@1", "and@2", "c@3"]
        );
    }

    #[test]
    fn scripts_without_spaces_become_pairs() {
        assert_eq!(terms("黑豹队 x"), ["黑豹@0", "豹队@1", "x@2"]);
        assert_eq!(terms("水"), ["水@0"]);
        assert_eq!(terms("第7章"), ["第@0", "7@1", "章@2"]);
    }

    #[test]
    fn endless_words_are_dropped() {
        assert!(terms(&"x".repeat(5000)).is_empty());
        assert_eq!(terms(&"a-".repeat(3)), ["aaa@0", "a@0", "a@1", "a@2"]);
    }
}
