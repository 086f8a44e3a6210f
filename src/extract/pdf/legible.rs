//! Tells text that a page shows from codes whose characters nobody knows. Each
//! font of a page is judged by itself, so that one without a map takes only its
//! own text with it.

use super::glyphs::{Glyph, NOTHING};
use super::typeface::Typeface;

/// Visible characters from which on their kinds say something.
const JUDGED: usize = 20;
/// Letters of the Latin script from which on their mixture says something.
const JUDGED_LETTERS: usize = 40;
/// Vowels among a hundred letters: every language that is written so has more
/// than the first and less than the second.
const VOWELS: std::ops::Range<usize> = 25..70;

/// Whether a character stands for one that is not known.
fn is_unknown(c: char) -> bool {
    matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..) || c.is_control()
}

/// How many characters there are of which kind.
#[derive(Debug, Clone, Default)]
struct Kinds {
    all: usize,
    unknown: usize,
    /// Codes that no character has.
    nothing: usize,
    signs: usize,
    letters: usize,
    digits: usize,
    latin: usize,
    vowels: usize,
}

impl Kinds {
    fn add(&mut self, c: char) {
        if NOTHING.contains(c) {
            self.nothing += 1;
        }
        if c.is_whitespace() || NOTHING.contains(c) {
            return;
        }
        self.all += 1;
        self.unknown += usize::from(is_unknown(c));
        self.letters += usize::from(c.is_alphabetic());
        self.digits += usize::from(c.is_ascii_digit());
        // Rules and leaders are drawn with signs, too.
        self.signs += usize::from(!c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'));
        let latin = c.is_ascii_alphabetic() || ('\u{c0}'..='\u{24f}').contains(&c);
        self.latin += usize::from(latin);
        // Letters with accents are nearly all vowels.
        let vowel = !c.is_ascii() || "aeiouyAEIOUY".contains(c);
        self.vowels += usize::from(latin && vowel);
    }

    fn are_unknown(&self) -> bool {
        self.unknown * 5 > self.all
    }

    /// The same for the text of one font, of which there may be little. A few codes
    /// that no character has stand in readable text, too: ends of lines, as programs
    /// write them into strings.
    fn are_unknown_here(&self, told: bool) -> bool {
        let all = self.all + self.nothing;
        match (all >= JUDGED, told) {
            (true, _) => self.unknown * 5 > all || self.nothing * 2 > all,
            (false, true) => self.unknown * 2 > self.all,
            (false, false) => (self.unknown + self.nothing) * 2 > all,
        }
    }

    fn are_signs(&self) -> bool {
        self.all >= JUDGED && self.signs * 10 > self.all * 6
    }

    /// Whether letters and digits are too few, or letters too unlike those of any
    /// language.
    fn are_no_words(&self) -> bool {
        let few = self.all >= JUDGED && (self.letters + self.digits) * 10 < self.all * 4;
        let mixed = self.latin >= JUDGED_LETTERS
            && self.latin * 2 > self.letters
            && !VOWELS.contains(&(self.vowels * 100 / self.latin));
        few || mixed
    }
}

/// Whether the characters of a page are not those that it shows: they are
/// unknown, or nearly all are signs, as where the codes of a font are only numbers.
pub(super) fn is_garbage(text: &str) -> bool {
    let mut kinds = Kinds::default();
    text.chars().for_each(|c| kinds.add(c));
    kinds.are_unknown() || kinds.are_signs()
}

/// Takes out the characters of fonts that do not tell them; gives back how many
/// of these stand beside another, as letters of words do and bullets do not.
pub(super) fn sift(glyphs: &mut Vec<Glyph>, fonts: &[Typeface]) -> usize {
    let mut kinds = vec![Kinds::default(); fonts.len()];
    let mut words = vec![0_usize; fonts.len()];
    let mut before: Option<(&Glyph, bool)> = None;
    for glyph in glyphs.iter() {
        let Some(kinds) = kinds.get_mut(glyph.font) else {
            continue;
        };
        glyph.text.chars().for_each(|c| kinds.add(c));
        if glyph.text.trim().is_empty() {
            continue;
        }
        let (follows, first) = match before {
            Some((last, counted)) if is_beside(last, glyph) => (true, !counted),
            _ => (false, false),
        };
        words[glyph.font] += usize::from(follows) + usize::from(first);
        before = Some((glyph, follows));
    }
    let is_unreadable = |font: usize| {
        let (kinds, told) = (&kinds[font], fonts[font].told);
        let wrong = kinds.are_unknown_here(told) || (!told && kinds.are_no_words());
        words[font] > 0 && wrong
    };
    let unreadable: Vec<bool> = (0..fonts.len()).map(is_unreadable).collect();
    let is_lost = |font: usize| unreadable.get(font).copied().unwrap_or(false);
    glyphs.retain(|glyph| glyph.text != NOTHING && !is_lost(glyph.font));
    let lost = words.iter().enumerate().filter(|(font, _)| is_lost(*font));
    lost.map(|(_, count)| count).sum()
}

/// Whether a character follows another of its font in one line.
fn is_beside(last: &Glyph, glyph: &Glyph) -> bool {
    let gap = glyph.x - (last.x + last.width);
    last.font == glyph.font
        && last.turn == glyph.turn
        && (last.y - glyph.y).abs() < 0.5 * glyph.size
        && gap.abs() < 2.0 * glyph.size
}

#[cfg(test)]
mod tests {
    use super::{Glyph, NOTHING, Typeface, sift};

    /// The text shown in one font after the other, and what was lost of it.
    fn left(texts: &[(&str, bool)]) -> (String, usize) {
        let mut glyphs = Vec::new();
        for (font, (text, _)) in texts.iter().enumerate() {
            for (at, c) in text.chars().enumerate() {
                glyphs.push(Glyph {
                    text: c.to_string(),
                    x: 5.0 * at as f64,
                    y: 700.0 - 20.0 * font as f64,
                    width: 5.0,
                    size: 10.0,
                    turn: 0,
                    font,
                    bold: false,
                });
            }
        }
        let face = |told: bool| Typeface {
            told,
            ..Typeface::default()
        };
        let fonts: Vec<Typeface> = texts.iter().map(|(_, told)| face(*told)).collect();
        let lost = sift(&mut glyphs, &fonts);
        (
            glyphs.iter().map(|glyph| glyph.text.as_str()).collect(),
            lost,
        )
    }

    #[test]
    fn font_without_characters_takes_only_its_own_text_with_it() {
        let known = "The pump was inspected in the spring.";
        assert_eq!(
            left(&[(known, true), ("\u{fffd}\u{fffd}\u{fffd}", false)]),
            (known.to_owned(), 3)
        );
    }

    #[test]
    fn letters_that_are_moved_are_no_words_where_no_map_says_so() {
        let known = "Open the suction valve before the motor is started, then wait for pressure.";
        let moved: String = known
            .chars()
            .map(|c| char::from((c as u8).saturating_sub(29).max(33)))
            .collect();
        assert_eq!(left(&[(known, false), (&moved, false)]).0, known);
        assert_eq!(left(&[(&moved, true)]).1, 0);
    }

    #[test]
    fn bullets_and_numbers_are_no_lost_words() {
        assert_eq!(left(&[("\u{f0a8}", false)]), ("\u{f0a8}".to_owned(), 0));
        for told in [true, false] {
            let (text, lost) = left(&[("1 234,50 567.10 89 12/05/2023", told)]);
            assert_eq!((text.len(), lost), (29, 0));
        }
    }

    #[test]
    fn ends_of_lines_in_strings_take_no_text_with_them() {
        let cells = format!("12{NOTHING}").repeat(10);
        assert_eq!(left(&[(&cells, true)]), ("12".repeat(10), 0));
    }

    #[test]
    fn short_text_without_any_character_is_counted() {
        let known = "The pump was inspected in the spring.";
        let heading = NOTHING.repeat(12);
        let found = left(&[(known, true), (&heading, false)]);
        assert_eq!(found, (known.to_owned(), 12));
    }
}
