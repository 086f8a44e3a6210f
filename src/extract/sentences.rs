//! Where sentences begin and end. Rests on the Unicode rules (UAX 29) and
//! repairs what they get wrong: abbreviations, initials, numbering, text in
//! lower case, text wrapped in lines, headings, lists and tables.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Longest row of a table that stays whole, in bytes.
const LONGEST_ROW: usize = 800;

/// The sentences of `text` as ranges of characters, without surrounding white
/// space. Every character that is not white space is in exactly one of them.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut characters = 0;
    let mut byte = 0;
    let mut position = |target: usize| {
        characters += text[byte..target].chars().count();
        byte = target;
        characters
    };
    let ranges = sentence_bytes(text).into_iter();
    ranges
        .map(|range| position(range.start)..position(range.end))
        .collect()
}

/// The same as ranges of bytes.
pub fn sentence_bytes(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut paragraph: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            paragraph_sentences(text, &paragraph, &mut found);
            paragraph.clear();
        } else {
            paragraph.push(at..at + line.len());
        }
        at += line.len();
    }
    paragraph_sentences(text, &paragraph, &mut found);
    found
}

/// Joins the lines of a paragraph to units that no sentence crosses, and
/// splits each unit.
fn paragraph_sentences(text: &str, lines: &[Range<usize>], found: &mut Vec<Range<usize>>) {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return;
    };
    let widths = lines
        .iter()
        .map(|line| text[line.clone()].trim().chars().count());
    let widest = widths.max().unwrap_or(0);
    let mut start = first.start;
    for pair in lines.windows(2) {
        let [previous, next] = pair else { continue };
        if is_border(
            text[previous.clone()].trim(),
            text[next.clone()].trim(),
            widest,
        ) {
            unit_sentences(text, start..previous.end, found);
            start = next.start;
        }
    }
    unit_sentences(text, start..last.end, found);
}

/// Whether a sentence ends between two lines whatever their words are.
fn is_border(previous: &str, next: &str, widest: usize) -> bool {
    stands_alone(previous)
        || stands_alone(next)
        || begins_item(next, previous)
        || is_deliberate_break(previous, next, widest)
}

/// Headings, rows of tables, fences of code, rules.
fn stands_alone(line: &str) -> bool {
    let heading = line.starts_with('#') && line.trim_start_matches('#').starts_with(' ');
    let row = is_row(line);
    let fence = line.starts_with("```") || line.starts_with("~~~");
    heading || row || fence || !line.chars().any(char::is_alphanumeric)
}

/// A row of a table, which is answered from as a whole.
fn is_row(line: &str) -> bool {
    line.starts_with('|') || line.contains('\t')
}

/// `- item`, `3. item`, `(b) item`.
fn begins_item(line: &str, previous: &str) -> bool {
    let mut characters = line.chars();
    let bullet = characters.next().is_some_and(is_bullet);
    if bullet && characters.next().is_some_and(char::is_whitespace) {
        return true;
    }
    let Some(label) = line.split_whitespace().next() else {
        return false;
    };
    let inner = label.trim_start_matches('(');
    let short = |stem: &str| {
        (1..=3).contains(&stem.len()) && stem.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if let Some(stem) = inner.strip_suffix(')') {
        return short(stem) && label.len() < line.len();
    }
    // A year or a quantity at the start of a wrapped line is no number of an
    // item: only short ones count, and only after something complete.
    let number = label.strip_suffix('.').is_some_and(|stem| {
        (1..=2).contains(&stem.len()) && stem.bytes().all(|b| b.is_ascii_digit())
    });
    number && (previous.ends_with(['.', ':', ';', '?', '!']) || begins_item(previous, ":"))
}

fn is_bullet(c: char) -> bool {
    matches!(
        c,
        '-' | '*' | '+' | '•' | '‣' | '◦' | '▪' | '●' | '○' | '■' | '–' | '—' | '·'
    )
}

/// A line that ends although the next word would have fitted is no wrapped
/// line: addresses, labels, titles above a paragraph.
fn is_deliberate_break(previous: &str, next: &str, widest: usize) -> bool {
    if widest < 40 || previous.ends_with([',', '-']) {
        return false;
    }
    let begins = next.chars().next();
    let fresh = begins.is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
    let word = next.split_whitespace().next().unwrap_or("");
    fresh && (previous.chars().count() + 1 + word.chars().count()) * 4 < widest * 3
}

/// Splits text that holds no border but those of sentences.
fn unit_sentences(text: &str, unit: Range<usize>, found: &mut Vec<Range<usize>>) {
    let raw = &text[unit.clone()];
    let whole = trim(text, unit.clone());
    if is_row(&text[whole.clone()]) && whole.len() <= LONGEST_ROW {
        found.push(whole);
        return;
    }
    // The Unicode rules end a sentence at each line end; here a line end is a space.
    let flat: String = raw
        .chars()
        .map(|c| {
            if matches!(c, '\n' | '\r' | '\t') {
                ' '
            } else {
                c
            }
        })
        .collect();
    let lower_case = !flat.chars().any(char::is_uppercase);
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for (at, piece) in flat.split_sentence_bound_indices() {
        let joins = pieces
            .last()
            .is_some_and(|last| continues(&flat[last.clone()], piece));
        match pieces.last_mut() {
            Some(last) if joins => last.end = at + piece.len(),
            _ => pieces.push(at..at + piece.len()),
        }
    }
    for piece in pieces {
        for part in lower_case_sentences(&flat[piece.clone()], lower_case) {
            let part = piece.start + part.start..piece.start + part.end;
            let trimmed = trim(&flat, part);
            if !trimmed.is_empty() {
                found.push(unit.start + trimmed.start..unit.start + trimmed.end);
            }
        }
    }
}

/// The range without white space at its ends.
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    start..start + slice.trim().len()
}

/// Splits further at full stops that the Unicode rules pass over because the
/// next word is in lower case: where white space stands before the stop, or
/// where the whole text has no capital.
fn lower_case_sentences(piece: &str, lower_case: bool) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, mark) in piece.match_indices(['.', '?', '!']) {
        let end = at + mark.len();
        let (before, after) = (&piece[start..at], &piece[end..]);
        let spaced = before.ends_with(char::is_whitespace);
        let next = after.trim_start().chars().next();
        let border = (spaced || lower_case)
            && after.starts_with(char::is_whitespace)
            && next.is_some_and(|c| c.is_alphabetic() || matches!(c, '(' | '"'));
        let words = before.split_whitespace();
        let last = words.clone().next_back().unwrap_or("");
        let long_enough = words.take(2).count() == 2;
        if border && long_enough && !is_abbreviation(last) {
            parts.push(start..end);
            start = end;
        }
    }
    parts.push(start..piece.len());
    parts
}

fn is_abbreviation(word: &str) -> bool {
    let word = bare(word);
    let single = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    single || word.contains('.') || is_any(&word, NEVER_LAST) || is_any(&word, BEFORE_NUMBER)
}

/// Whether `next` goes on with the sentence that seemed to end in `previous`.
fn continues(previous: &str, next: &str) -> bool {
    let (previous, next) = (previous.trim_end(), next.trim_start());
    if !next.chars().any(char::is_alphanumeric) {
        return true;
    }
    let Some(stem) = previous.strip_suffix('.') else {
        let exclaims = previous.ends_with(['!', '?']) && !previous.ends_with([' ']);
        return exclaims
            && next.starts_with(char::is_lowercase)
            && next.contains(char::is_uppercase);
    };
    let word = stem.split_whitespace().next_back().unwrap_or("");
    let plain = bare(word);
    let begins_anew = || {
        let first = next
            .split(|c: char| !c.is_alphanumeric())
            .find(|w| !w.is_empty());
        first.is_some_and(|first| STARTERS.contains(&first))
    };
    if is_numbering(stem) || is_any(&plain, NEVER_LAST) {
        return true;
    }
    if is_any(&plain, BEFORE_NUMBER) {
        return next.starts_with(|c: char| c.is_ascii_digit());
    }
    if plain.len() <= 2 && !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) {
        let month = next
            .split(|c: char| !c.is_alphabetic())
            .next()
            .unwrap_or("");
        return GERMAN_MONTHS.contains(&month);
    }
    let initial = plain.split('.').all(|part| part.chars().count() == 1)
        && word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '(' | '"' | '“'))
        && plain.chars().all(|c| c.is_alphabetic() || c == '.');
    (initial || is_any(&plain, SOMETIMES_LAST)) && !begins_anew()
}

/// Whether the text is nothing but the number of what follows: `1`, `iv`,
/// `2.3`, `Section 4`.
fn is_numbering(stem: &str) -> bool {
    let mut words = stem.split_whitespace().rev();
    let Some(number) = words.next() else {
        return true;
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let roman = number.len() <= 4 && number.bytes().all(|b| b"ivxIVX".contains(&b));
    let letter = number.len() == 1 && number.bytes().all(|b| b.is_ascii_alphabetic());
    let appended = number.len() <= 3 && number.starts_with(|c: char| c.is_ascii_digit());
    if !(digits || roman || letter || appended) {
        return false;
    }
    match (words.next(), words.next()) {
        (None, _) => number.len() <= 12,
        (Some(label), None) => is_any(&bare(label), LABELS),
        _ => false,
    }
}

/// The word in lower case without opening brackets and quotes.
fn bare(word: &str) -> String {
    let start = |c: char| matches!(c, '(' | '[' | '{' | '"' | '“' | '‘' | '„' | '«' | '*' | '_');
    word.trim_start_matches(start).to_lowercase()
}

fn is_any(word: &str, list: &[&str]) -> bool {
    list.contains(&word)
}

/// Abbreviations that something always follows.
const NEVER_LAST: &[&str] = &[
    "e.g", "i.e", "cf", "vs", "viz", "approx", "dr", "mr", "mrs", "ms", "messrs", "prof", "st",
    "gen", "col", "capt", "lt", "sgt", "sen", "rep", "gov", "hon", "rev", "mt", "ft", "ca", "resp",
    "z.b", "d.h", "u.a", "s.o", "s.u", "bzw", "vgl", "evtl", "ggf", "inkl", "zzgl", "sog", "abb",
    "p.ej", "c.-à-d", "m", "mme", "mlle",
];

/// Abbreviations that a number follows.
const BEFORE_NUMBER: &[&str] = &[
    "no", "nos", "nr", "fig", "figs", "eq", "eqs", "eqn", "sec", "secs", "sect", "ch", "chap",
    "vol", "vols", "pp", "p", "pg", "pt", "art", "arts", "para", "app", "ref", "refs", "tab", "ex",
    "abs", "bd", "kap", "ziff", "art", "cap", "núm", "div",
];

/// Abbreviations that may end a sentence.
const SOMETIMES_LAST: &[&str] = &[
    "etc", "al", "inc", "corp", "ltd", "co", "llc", "bros", "dept", "univ", "assn", "jr", "sr",
    "ph.d", "m.d", "a.m", "p.m", "est", "ed", "eds", "usw", "jan", "feb", "mar", "apr", "jun",
    "jul", "aug", "sep", "sept", "oct", "nov", "dec", "ave", "blvd", "rd", "min", "max", "incl",
];

/// Words that name a numbered thing at the start of a heading.
const LABELS: &[&str] = &[
    "note",
    "item",
    "section",
    "part",
    "chapter",
    "article",
    "table",
    "figure",
    "step",
    "appendix",
    "exhibit",
    "annex",
    "clause",
    "rule",
    "question",
    "strategy",
    "task",
    "tactic",
    "goal",
    "objective",
    "kapitel",
    "abschnitt",
    "artikel",
    "anhang",
];

const GERMAN_MONTHS: &[&str] = &[
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// Words that, with a capital, begin a new sentence and hardly ever a name.
const STARTERS: &[&str] = &[
    "The",
    "This",
    "These",
    "Those",
    "That",
    "There",
    "Then",
    "Thus",
    "Therefore",
    "A",
    "An",
    "In",
    "It",
    "Its",
    "If",
    "Is",
    "As",
    "At",
    "On",
    "For",
    "From",
    "By",
    "To",
    "But",
    "And",
    "Or",
    "We",
    "Our",
    "He",
    "His",
    "She",
    "Her",
    "They",
    "Their",
    "You",
    "Your",
    "When",
    "While",
    "Where",
    "What",
    "Which",
    "Who",
    "How",
    "Why",
    "However",
    "Such",
    "All",
    "Each",
    "Some",
    "Most",
    "Many",
    "Both",
    "After",
    "Before",
    "During",
    "Since",
    "Although",
    "Under",
    "With",
    "Not",
    "Other",
    "Der",
    "Die",
    "Das",
    "Ein",
    "Eine",
    "Im",
    "Es",
    "Sie",
    "Wir",
    "Er",
    "Und",
    "Aber",
    "Le",
    "La",
    "Les",
    "Il",
    "Elle",
    "El",
    "Los",
];

#[cfg(test)]
#[path = "sentences_tests.rs"]
mod tests;
