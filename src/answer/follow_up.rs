//! Questions that lean on the conversation ("and in 2022?", "when did she
//! die?"), in words that can be searched for. Must not search, nor ask a model:
//! it prepares and checks what a model makes of such a question.

use super::terms::{is_function_word, terms};
use std::collections::HashSet;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// What came before in the conversation, as far as a question may lean on it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Before<'a> {
    /// The question before, as it was searched for.
    pub question: &'a str,
    /// What was first said in answer.
    pub answer: &'a str,
}

/// How a question leans on what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaning {
    /// It asks the same of something else: "and in 2022?".
    Elliptic,
    /// A pronoun stands for something that was named before; with `names` for
    /// somebody or a place, whom the answer may have named.
    Pronoun { names: bool },
    /// It asks for more of the same and names nothing: "tell me more".
    More,
}

/// Openings of a question that goes on where another ended.
const OPENINGS: &str = "and what about|what about|and how about|how about|and|or|but|also|then|\
    und was ist mit|was ist mit|und wie ist es mit|wie ist es mit|und wie sieht es mit|und|oder|aber|\
    et qu'en est-il de|qu'en est-il de|et pour|et|ou|mais|y qué hay de|¿y|y|¿o|pero|e per|e|ma|\
    那么|那|还有|還有|それでは|では|じゃあ|そして";

/// Words that stand for somebody, and for something. Those that often stand for
/// nothing ("it rains", "es gibt", "il y a") only count where nothing is named.
const PERSONS: &str = "he him his she her hers they them their theirs er ihm ihn seine seinen \
    seinem seiner sie ihre ihrem ihren ihrer elle lui leur leurs sa ses él ella ellos ellas su sus \
    lei loro suo sua";
const THINGS: &str = "it its this these those one ones dieser diese dieses diesem diesen davon \
    darüber dazu dafür damit dort deren dessen cela celui celle ceux ce cette esto eso este esta ese esa \
    allí questo questa";
/// How people are addressed in German: no pronoun for anybody, but for its capital.
const POLITE: &str = "Sie Ihnen Ihr Ihre Ihrem Ihren Ihrer Ihres";
/// Verbs and what else stands behind a "that" which is no conjunction, article or
/// relative pronoun: behind "does that", behind "is that", and where it is first or
/// behind "what".
const THAT_DOES: &str = "mean work happen cost take change matter affect apply help end start begin \
    last stop look sound include cover require lead cause come go have do compare differ depend";
const THAT_IS: &str = "correct true right wrong so important necessary possible allowed safe normal \
    enough dangerous because before after the a an still really also";
const THAT_ALONE: &str = "is was means works happens happened sounds";
/// Words with which "there" is no place: "how many are there?".
const BEING: &str = "is are was were be been isn't aren't wasn't weren't";
/// Questions that ask for nothing but more, without their punctuation.
const MORE: &str = "tell me more|please tell me more|tell me more please|can you tell me more|\
    could you tell me more|more details|more details please|give me more details|erzähl mir mehr|\
    erzählen sie mir mehr|mehr dazu|dis m'en plus|dites m'en plus|cuéntame más|dime más";
/// The same in scripts without blanks, where a short question names nothing else.
const UNSPACED: [&str; 10] = [
    "它", "他", "她", "这", "這", "其", "それ", "これ", "その", "この",
];
const SHORT_UNSPACED: usize = 14;

/// Words that begin a question of its own.
const ASKING: &str = "who whom whose what which when where why how wer wem wen wessen was welche \
    welcher welches welchen wann wo warum wieso wie wohin woher qui que quoi quel quelle quels quelles \
    quand où pourquoi comment combien quién qué cuál cuáles cuándo dónde cómo cuánto cuántos cuántas";

/// Words before what an ellipsis is about.
const PREPOSITIONS: &str = "in of for on at by with to from during since until under after before \
    von für bei mit zu aus nach seit vor im am en de pour chez à avec depuis du des por con desde para \
    del di per nel della";

/// Content words beyond which a question without a question word is no ellipsis.
const SHORT: usize = 3;

/// Names that are taken over from the answer.
const MOST_NAMES: usize = 2;

/// Part of a rewritten question's words that must have been said before.
const SAID: f32 = 0.8;

/// Longest rewritten question, in characters.
const LONGEST: usize = 300;

/// What to search for instead of a question that leans on what came before;
/// `None` if it stands for itself. What it lacks is carried over: names and
/// numbers where a pronoun stands for them, the whole earlier question where
/// only a part of it was asked anew.
pub fn carried_over(question: &str, before: Before<'_>) -> Option<String> {
    if before.question.trim().is_empty() {
        return None;
    }
    match leaning(question)? {
        Leaning::Elliptic => Some(resumed(question, before.question)),
        Leaning::Pronoun { names } => {
            let subject = subject(before, names);
            Some(format!("{subject} {}", question.trim()))
        }
        Leaning::More => Some(subject(before, true)).filter(|subject| !subject.is_empty()),
    }
}

/// What the conversation was about, also by the answer's names if they are wanted.
fn subject(before: Before<'_>, with_names: bool) -> String {
    let mut carried = subjects(before.question);
    if with_names {
        let known = terms(before.question);
        let new = names(before.answer).into_iter().filter(|name| {
            let said = terms(name);
            !said.is_empty() && !said.iter().all(|term| known.contains(term))
        });
        carried.extend(new.take(MOST_NAMES));
    }
    carried.join(" ")
}

/// Whether a model's rewriting of a question is used: one line that asks for
/// nothing that was not said. Models make things up.
pub fn is_faithful(rewritten: &str, question: &str, said: &[&str]) -> bool {
    let wanted = terms(rewritten);
    if rewritten.contains('\n') || rewritten.chars().count() > LONGEST || wanted.is_empty() {
        return false;
    }
    let asked = terms(question);
    let known: HashSet<String> = said
        .iter()
        .flat_map(|text| terms(text))
        .chain(asked.iter().cloned())
        .collect();
    let found = wanted.iter().filter(|term| known.contains(*term)).count();
    let keeps = asked.is_empty() || asked.iter().any(|term| wanted.contains(term));
    keeps && found as f32 >= SAID * wanted.len() as f32
}

/// The instruction for a model to write such a question out.
pub const REWRITE: &str = "Write the last question of this conversation so that it can be \
    understood without the conversation: put names in place of pronouns and add what it leaves out. \
    Keep its language. Answer with the question alone.";

fn leaning(question: &str) -> Option<Leaning> {
    let lower = question.trim().to_lowercase();
    let words: Vec<&str> = lower.unicode_words().collect();
    let first = words.first()?;
    let spoken = words.join(" ");
    if MORE.split('|').any(|more| more == spoken) {
        return Some(Leaning::More);
    }
    let content = terms(&lower).len();
    let asks = |text: &str| text.unicode_words().any(|word| is_in(ASKING, word));
    let elliptic = match opening(&lower) {
        // "And who was the first keeper?" asks on its own.
        Some(opening) => content == 0 || !asks(&lower[opening.len()..]),
        None => (content == 0 && words.len() <= 3) || (!asks(&lower) && is_in(PREPOSITIONS, first)),
    };
    if elliptic && content <= SHORT {
        return Some(Leaning::Elliptic);
    }
    pronoun(question)
}

/// The opening, if the question has one and something follows.
fn opening(lower: &str) -> Option<&'static str> {
    let mut openings = OPENINGS.split('|');
    openings.find(|opening| {
        lower.strip_prefix(opening).is_some_and(|rest| {
            let ends = rest.chars().next().is_none_or(|c| !c.is_alphanumeric());
            ends || opening.chars().all(|c| !c.is_ascii())
        })
    })
}

/// A pronoun before which nothing is named.
fn pronoun(question: &str) -> Option<Leaning> {
    let short = question.chars().count() <= SHORT_UNSPACED;
    if short && UNSPACED.iter().any(|word| question.contains(word)) {
        return Some(Leaning::Pronoun { names: true });
    }
    let words: Vec<(usize, &str)> = question.unicode_word_indices().collect();
    let lower: Vec<String> = words.iter().map(|(_, word)| word.to_lowercase()).collect();
    for (at, (place, word)) in words.iter().enumerate() {
        if is_polite(word, &question[..*place]) {
            continue;
        }
        let names = is_in(PERSONS, &lower[at]) || is_there(&lower, at);
        if names || is_in(THINGS, &lower[at]) || is_that(&lower, at) {
            return Some(Leaning::Pronoun { names });
        }
        // A name, or in German a noun, that a pronoun behind it stands for.
        let named = word.chars().any(char::is_numeric)
            || (at > 0 && word.chars().next().is_some_and(char::is_uppercase));
        if named && !is_function_word(&lower[at]) {
            return None;
        }
    }
    None
}

/// Whether a word addresses the one who is asked; where a sentence begins its
/// capital says nothing.
fn is_polite(word: &str, before: &str) -> bool {
    let before = before.trim_end();
    let begins = before.is_empty() || before.ends_with(['.', '!', '?', ':', '"', '„', '“', '»']);
    !begins && is_in(POLITE, word)
}

/// Whether the word is a "that" which stands for what was said: where the question
/// ends, or as what is asked about.
fn is_that(words: &[String], at: usize) -> bool {
    if words[at] != "that" {
        return false;
    }
    let Some(next) = words.get(at + 1) else {
        return at > 0;
    };
    match words[..at].last().map(String::as_str) {
        None | Some("what" | "how" | "why") => is_in(THAT_ALONE, next),
        // "Who did that work?" asks about the work.
        Some("does" | "did") => words[0] != "who" && is_in(THAT_DOES, next),
        // Later in a question it is a conjunction: "the reason is that the pump …".
        Some("is" | "was") => at <= 2 && is_in(THAT_IS, next),
        Some(_) => false,
    }
}

/// Whether the word is a "there" which stands for a place.
fn is_there(words: &[String], at: usize) -> bool {
    let last = at + 1 == words.len() && words[at] == "there";
    last && at > 0 && !is_in(BEING, &words[at - 1])
}

/// The earlier question with what the new one asks anew in the place of what it
/// replaces: what stood behind the same preposition, the same kind of number,
/// else the last name.
fn resumed(question: &str, earlier: &str) -> String {
    let lower = question.trim().to_lowercase();
    let skip = opening(&lower).map_or(0, str::len);
    // Lower case may be longer in bytes than the question was.
    let rest = question.trim().get(skip..).unwrap_or(question);
    let rest = rest.trim_matches(|c: char| c.is_whitespace() || "?!.,;:？，。".contains(c));
    let earlier = earlier.trim().trim_end_matches(['?', '？', '!', '.']);
    let replaced = replaced(rest, earlier);
    let (head, tail) = match &replaced {
        Some(span) => (&earlier[..span.start], &earlier[span.end..]),
        None => (earlier, ""),
    };
    let parts = [head.trim(), rest, tail.trim()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// What of the earlier question the rest of the new one replaces.
fn replaced(rest: &str, earlier: &str) -> Option<Range<usize>> {
    let words: Vec<(usize, &str)> = earlier.unicode_word_indices().collect();
    let first = rest.unicode_words().next()?.to_lowercase();
    if is_in(PREPOSITIONS, &first) {
        let at = words
            .iter()
            .rposition(|(_, word)| word.to_lowercase() == first);
        if let Some(at) = at {
            let behind = words[at + 1..].iter();
            let end = behind
                .take_while(|(_, word)| !is_in(PREPOSITIONS, &word.to_lowercase()))
                .last();
            let end = end.map_or(words[at].0 + words[at].1.len(), |(at, word)| {
                at + word.len()
            });
            return Some(words[at].0..end);
        }
    }
    let is_year = |word: &str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    if rest.unicode_words().any(is_year) {
        let year = words.iter().rfind(|(_, word)| is_year(word));
        return year.map(|(at, word)| *at..at + word.len());
    }
    let is_name = |word: &str| {
        word.chars().next().is_some_and(char::is_uppercase) && !is_in(ASKING, &word.to_lowercase())
    };
    if !rest.unicode_words().any(is_name) {
        return None;
    }
    let last = words
        .iter()
        .rposition(|(_, word)| is_name(word))
        .filter(|at| *at > 0)?;
    let from = words[..last].iter().rposition(|(_, word)| !is_name(word))? + 1;
    Some(words[from].0..words[last].0 + words[last].1.len())
}

/// What a question is about: its names and numbers, else all its content words.
fn subjects(question: &str) -> Vec<String> {
    let named = names(question);
    if !named.is_empty() {
        return named;
    }
    let words = question.unicode_words();
    words
        .filter(|word| {
            let lower = word.to_lowercase();
            !is_function_word(&lower) && !is_in(ASKING, &lower)
        })
        .map(str::to_owned)
        .collect()
}

/// Runs of words with capitals or digits; the first word of a sentence only
/// where another follows it.
fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut begins = true;
    let mut opened = false;
    let mut close = |run: &mut Vec<&str>, opened: bool| {
        let is_name = run.len() > 1 || (run.len() == 1 && !opened);
        let name = run.join(" ");
        if is_name && !found.contains(&name) {
            found.push(name);
        }
        run.clear();
    };
    for piece in text.split_word_bounds() {
        let word = piece.chars().next().is_some_and(char::is_alphanumeric);
        if !word {
            let ends = piece.contains(['.', '?', '!', '\n']);
            if ends || !piece.trim().is_empty() && !"-'’".contains(piece) {
                close(&mut run, opened);
            }
            begins |= ends;
            continue;
        }
        let lower = piece.to_lowercase();
        let capital = piece.chars().any(|c| c.is_uppercase() || c.is_numeric());
        if capital && !is_function_word(&lower) && !is_in(ASKING, &lower) {
            opened = if run.is_empty() { begins } else { opened };
            run.push(piece);
        } else {
            close(&mut run, opened);
        }
        begins = false;
    }
    close(&mut run, opened);
    found
}

fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

#[cfg(test)]
#[path = "follow_up_tests.rs"]
mod tests;
