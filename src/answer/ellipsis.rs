//! Elliptic questions ("and in 2023?"): what they ask anew, put in the place of
//! what it replaces in the question before. Must not decide whether a question is
//! elliptic.

use super::follow_up::{ASKING, begins_with_capital, is_in};
use super::terms::is_function_word;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Words before what an ellipsis is about.
const PREPOSITIONS: &str = "in of for on at by with to from during since until under after before \
    about between without per against \
    von vom für bei beim mit zu zum zur aus nach seit vor im am an auf ab bis über ohne während \
    en de pour chez à avec depuis du des sans par con desde para del hasta sin por \
    di per nel della";

/// Prepositions that are the same where they stand before an article that is
/// written with them.
const CONTRACTED: [(&str, &str); 7] = [
    ("im", "in"),
    ("am", "an"),
    ("vom", "von"),
    ("beim", "bei"),
    ("zum", "zu"),
    ("zur", "zu"),
    ("du", "de"),
];

const ARTICLES: &str = "the a an der die das den dem des ein eine einen einem einer le la les un une el los \
    las una il lo gli";

/// When something is, in words: no place and no name replaces it.
const TIMES: &str = "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays \
    wednesdays thursdays fridays saturdays sundays weekend weekends january february march april may \
    june july august september october november december spring summer autumn fall winter morning \
    evening night today tomorrow yesterday year month week quarter easter christmas \
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag wochenende feiertag \
    feiertagen januar februar märz mai juni juli oktober dezember frühling frühjahr sommer herbst \
    abend nacht heute morgen gestern jahr monat woche quartal ostern weihnachten";

const ORDINALS: &str = "first second third fourth fifth sixth seventh eighth ninth tenth last next \
    previous erste ersten erster erstes zweite zweiten zweiter zweites dritte dritten dritter drittes \
    vierte vierten vierter viertes fünfte fünften letzte letzten letzter letztes nächste nächsten \
    vorige vorigen";

/// What a part of a question is of: a part only takes the place of one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Year,
    Time,
    /// An identifier or another number: `P-40`, `3.2`.
    Code,
    Other,
}

pub(super) fn is_preposition(word: &str) -> bool {
    is_in(PREPOSITIONS, word)
}

pub(super) fn is_article(word: &str) -> bool {
    is_in(ARTICLES, word)
}

/// The earlier question with `rest`, which is asked anew, in the place of what it
/// replaces; at its end if that is nothing.
pub(super) fn resumed(rest: &str, earlier: &str) -> String {
    let rest = rest.trim_matches(|c: char| c.is_whitespace() || "?!.,;:？，。".contains(c));
    let earlier = earlier.trim().trim_end_matches(['?', '？', '!', '.']);
    let (mut head, mut tail) = match replaced(rest, earlier) {
        Some(span) => (earlier[..span.start].trim(), earlier[span.end..].trim()),
        None => (earlier, ""),
    };
    let (first, last) = (first_word(rest), last_word(rest));
    if is_article(&first) && is_article(&last_word(head)) {
        head = head.rsplit_once(' ').map_or("", |(before, _)| before);
    }
    if !tail.is_empty() && first_word(tail) == last {
        tail = tail.split_once(' ').map_or("", |(_, behind)| behind);
    }
    let parts = [head.trim(), rest, tail.trim()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// What of the earlier question the rest of the new one replaces.
fn replaced(rest: &str, earlier: &str) -> Option<Range<usize>> {
    let words: Vec<(usize, &str)> = earlier.unicode_word_indices().collect();
    let kind = kind(rest);
    let first = first_word(rest);
    if let Some(phrase) = same_preposition(&first, kind, &words, earlier) {
        return Some(phrase);
    }
    match kind {
        Kind::Year => return years(earlier).last(),
        Kind::Time => return None,
        Kind::Code => {
            if let Some(code) = codes(earlier).last() {
                return Some(code.clone());
            }
        }
        Kind::Other => {}
    }
    if rest.unicode_words().any(is_ordinal) {
        let ordinal = words.iter().rfind(|(_, word)| is_ordinal(word));
        if let Some((at, word)) = ordinal {
            return Some(*at..at + word.len());
        }
    }
    match rest.unicode_words().any(is_name) {
        true => named(&first, &words, earlier),
        false => None,
    }
}

/// What stands behind the preposition `first`, with it: the last of its kind.
fn same_preposition(
    first: &str,
    kind: Kind,
    words: &[(usize, &str)],
    earlier: &str,
) -> Option<Range<usize>> {
    if !is_preposition(first) {
        return None;
    }
    let is_same = |word: &str| bare_preposition(&word.to_lowercase()) == bare_preposition(first);
    let places = (0..words.len()).filter(|at| is_same(words[*at].1));
    let mut phrases = places.rev().map(|at| phrase(at, words));
    phrases.find(|phrase| self::kind(&earlier[phrase.clone()]) == kind)
}

/// A preposition and all behind it up to the next.
fn phrase(at: usize, words: &[(usize, &str)]) -> Range<usize> {
    let end = |(at, word): &(usize, &str)| at + word.len();
    let behind = words[at + 1..].iter();
    let last = behind
        .take_while(|(_, word)| !is_preposition(&word.to_lowercase()))
        .last();
    words[at].0..last.map_or(end(&words[at]), end)
}

/// The last name: where the new question begins with a preposition that the
/// earlier one lacks, one with a preposition of its own, or what was carried over; where it begins with an
/// article, one with an article if there is one.
fn named(first: &str, words: &[(usize, &str)], earlier: &str) -> Option<Range<usize>> {
    let lower = |at: usize| words[at].1.to_lowercase();
    // The first word has its capital because it is the first, unless it was carried
    // over before the question: "Skerry Point How high is its tower?".
    let carried = words.iter().position(|(_, word)| !is_name(word));
    let carried =
        carried.filter(|at| is_in(ASKING, &lower(*at)) && begins_with_capital(words[*at].1));
    let is_of_name = |at: usize| (at > 0 || carried.is_some()) && is_name(words[at].1);
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in (0..words.len()).filter(|at| is_of_name(*at)) {
        match runs.last_mut().filter(|run| run.end == at) {
            Some(run) => run.end = at + 1,
            None => runs.push(at..at + 1),
        }
    }
    let span = |run: &Range<usize>| {
        let last = words[run.end - 1];
        words[run.start].0..last.0 + last.1.len()
    };
    let last = runs.last()?;
    if is_preposition(first) {
        let before = (0..last.start).rev();
        let mut before = before.skip_while(|at| is_article(&lower(*at)));
        let Some(at) = before.next().filter(|at| is_preposition(&lower(*at))) else {
            return runs.first().filter(|run| run.start == 0).map(span);
        };
        let phrase = phrase(at, words);
        return (kind(&earlier[phrase.clone()]) == Kind::Other).then_some(phrase);
    }
    let has_article = |run: &&Range<usize>| run.start > 0 && is_article(&lower(run.start - 1));
    let with_article = runs.iter().rev().find(has_article);
    let chosen = match is_article(first) {
        true => with_article.unwrap_or(last),
        false => last,
    };
    Some(span(chosen))
}

fn kind(text: &str) -> Kind {
    if years(text).next().is_some() {
        Kind::Year
    } else if text
        .unicode_words()
        .any(|word| is_in(TIMES, &word.to_lowercase()))
    {
        Kind::Time
    } else if !codes(text).is_empty() {
        Kind::Code
    } else {
        Kind::Other
    }
}

/// Where years stand; the digits of `E-1042` are none.
fn years(text: &str) -> impl Iterator<Item = Range<usize>> {
    let words = text.unicode_word_indices();
    let years = words.filter(|(at, word)| {
        let is_joined = text[..*at].ends_with(['-', '_', '/', '#']);
        is_year(word) && !is_joined
    });
    years.map(|(at, word)| at..at + word.len())
}

/// Where words stand that have a digit and are no year, whole between blanks.
fn codes(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let bare = piece.trim_start_matches(|c: char| !c.is_alphanumeric());
        let start = at + piece.len() - bare.len();
        let bare = bare.trim_end_matches(|c: char| !c.is_alphanumeric());
        at += piece.len();
        if bare.contains(|c: char| c.is_ascii_digit()) && !is_year(bare) {
            found.push(start..start + bare.len());
        }
    }
    found
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_ordinal(word: &str) -> bool {
    is_in(ORDINALS, &word.to_lowercase())
}

/// Whether the word is part of a name, or in German a noun.
fn is_name(word: &str) -> bool {
    let lower = word.to_lowercase();
    let is_acronym = word.len() > 1 && word.chars().all(char::is_uppercase);
    let is_small = !is_acronym && is_function_word(&lower);
    let is_other = is_in(ASKING, &lower) || is_preposition(&lower) || is_small;
    begins_with_capital(word) && !is_other
}

fn bare_preposition(word: &str) -> &str {
    let found = CONTRACTED.iter().find(|(whole, _)| *whole == word);
    found.map_or(word, |(_, bare)| bare)
}

fn first_word(text: &str) -> String {
    let first = text.unicode_words().next();
    first.map(str::to_lowercase).unwrap_or_default()
}

fn last_word(text: &str) -> String {
    let last = text.unicode_words().next_back();
    last.map(str::to_lowercase).unwrap_or_default()
}
