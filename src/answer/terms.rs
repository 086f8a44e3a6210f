//! The words of a text as they are compared here: folded, roughly stemmed,
//! function words left out. Only for ranking and checking sentences; the
//! keyword index has an analysis of its own.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// Words that carry no content, in the languages with the most documents.
const FUNCTION_WORDS: &str = "\
a an and are as at be been being but by can could did do does for from had has have he her him his \
how i if in into is it its may me might more most must my no not of on one or our out over s shall \
she should so some such t than that the their them then there these they this those to under up us \
was we were what when where which while who whom whose why will with would you your about after also \
any all before between both during each much many name called according \
aber als am auch auf aus bei bis da das dass dem den der des die dies diese dieser durch ein eine \
einem einen einer eines er es fur hat hatte ich ihr im ist kann man mit nach nicht noch nur oder \
sich sie sind so uber um und unter vom von vor wann war waren was wenn wer werden wie wird wo wurde \
wurden zu zum zur \
au aux avec ce ces cette dans de du elle en est et il ils la le les leur lui mais ne nous on ou ont \
par pas plus pour qu que qui sa sera ses son sont sur un une vous quel quelle \
al como con cual cuando del desde donde el ella era es esta este fue ha las lo los mas muy o para \
pero por quien se ser sin sobre su sus una uno y \
che chi con cosa da dei della delle di dove gli i il io nel nella non per piu quale quando sono su \
tra";

/// The content words of `text` in order. East Asian text, which has no blanks,
/// gives pairs of characters.
pub(super) fn terms(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before: Option<(usize, char)> = None;
    for (at, word) in text.unicode_word_indices() {
        let mut characters = word.chars();
        let alone = characters.next().filter(|_| characters.next().is_none());
        if let Some(c) = alone.filter(|c| is_unspaced(*c)) {
            match before {
                Some((end, previous)) if end == at => found.push([previous, c].iter().collect()),
                _ => {}
            }
            before = Some((at + word.len(), c));
            continue;
        }
        before = None;
        let folded = fold(word);
        if !is_function_word(&folded) {
            found.push(stem(&folded));
        }
    }
    found
}

/// A word as it is compared, those of grammar as they stand.
pub(super) fn compared(word: &str) -> String {
    let folded = fold(word);
    match is_function_word(&folded) {
        true => folded,
        false => stem(&folded),
    }
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Lower case without accents; compatibility forms and typographic
/// apostrophes made plain.
pub(super) fn fold(word: &str) -> String {
    let folded = word
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase);
    let folded: String = folded.map(|c| if c == '’' { '\'' } else { c }).collect();
    let bare = folded.strip_suffix("'s").unwrap_or(&folded);
    bare.to_owned()
}

pub(super) fn is_function_word(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> =
        LazyLock::new(|| FUNCTION_WORDS.split_whitespace().collect());
    WORDS.contains(word)
}

/// Cuts the endings that inflection adds in English, and in part elsewhere.
/// Numbers and short words stay whole.
fn stem(word: &str) -> String {
    if !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    for (ending, shortest, instead) in [
        ("ations", 3, "at"),
        ("ation", 3, "at"),
        ("ingly", 3, ""),
        ("edly", 3, ""),
        ("ies", 2, "y"),
        ("ied", 2, "y"),
        ("sses", 2, "ss"),
        ("ing", 3, ""),
        ("ed", 3, ""),
        ("ly", 3, ""),
        ("es", 3, ""),
        ("ss", 2, "ss"),
        ("s", 3, ""),
        ("e", 3, ""),
    ] {
        if let Some(stem) = word.strip_suffix(ending).filter(|s| s.len() >= shortest) {
            return undouble(&format!("{stem}{instead}"));
        }
    }
    undouble(word)
}

/// `stopp` and `stop` are one stem.
fn undouble(stem: &str) -> String {
    let bytes = stem.as_bytes();
    match bytes {
        [.., a, b] if a == b && bytes.len() > 3 && !b"aeiou".contains(a) => {
            stem[..stem.len() - 1].to_owned()
        }
        _ => stem
            .strip_suffix('e')
            .filter(|s| s.len() > 3)
            .unwrap_or(stem)
            .to_owned(),
    }
}

/// How rare each term is among the texts of one answer.
pub(super) struct Rarity {
    frequency: HashMap<String, usize>,
    texts: usize,
}

impl Rarity {
    /// Counts in how many of `texts` each term occurs.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a [String]>) -> Self {
        let mut rarity = Self {
            frequency: HashMap::new(),
            texts: 0,
        };
        for text in texts {
            let mut own: Vec<&String> = text.iter().collect();
            own.sort_unstable();
            own.dedup();
            for term in own {
                *rarity.frequency.entry(term.clone()).or_insert(0) += 1;
            }
            rarity.texts += 1;
        }
        rarity
    }

    /// Inverse document frequency, always above zero.
    pub(super) fn weight(&self, term: &str) -> f32 {
        let found = self.frequency.get(term).copied().unwrap_or(0) as f32;
        (1.0 + (self.texts as f32 - found + 0.5) / (found + 0.5)).ln()
    }

    /// Which part of `wanted`, by weight, `offered` has; 0-1.
    pub(super) fn coverage(&self, wanted: &[String], offered: &[String]) -> f32 {
        let mut own: Vec<&String> = wanted.iter().collect();
        own.sort_unstable();
        own.dedup();
        let (mut all, mut covered) = (0.0, 0.0);
        for term in own {
            let weight = self.weight(term);
            all += weight;
            if offered.contains(term) {
                covered += weight;
            }
        }
        if all > 0.0 { covered / all } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rarity, terms};

    #[test]
    fn inflected_forms_are_one_term() {
        for [left, right] in [
            ["stopped", "stops"],
            ["stopping", "stop"],
            ["pumps", "pump"],
            ["companies", "company"],
            ["located", "locate"],
            ["measures", "measuring"],
            ["Käfer", "kafer"],
            ["O’Neil’s", "O'Neil"],
        ] {
            assert_eq!(terms(left), terms(right), "{left} {right}");
        }
    }

    #[test]
    fn function_words_are_no_terms() {
        assert_eq!(terms("What is the limit of it?"), ["limit"]);
        assert_eq!(terms("Wo ist die Pumpe?"), terms("pumpe"));
    }

    #[test]
    fn east_asian_text_gives_pairs_of_characters() {
        assert_eq!(
            terms("振动超过 7.1 毫米"),
            ["振动", "动超", "超过", "7.1", "毫米"]
        );
    }

    #[test]
    fn rare_terms_weigh_more() {
        let texts = [terms("pump limit"), terms("pump seal"), terms("pump oil")];
        let rarity = Rarity::of(texts.iter().map(Vec::as_slice));
        assert!(rarity.weight("limit") > 2.0 * rarity.weight("pump"));
        assert!(rarity.coverage(&terms("pump limit"), &terms("a limit")) > 0.6);
        assert_eq!(rarity.coverage(&[], &texts[0]), 0.0);
    }
}
