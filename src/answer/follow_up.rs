//! Questions that lean on the conversation ("and in 2022?", "when did she
//! die?"), in words that can be searched for. Must not search, nor ask a model:
//! it prepares and checks what a model makes of such a question.

use super::ellipsis::{is_article, is_preposition, resumed};
use super::terms::{is_function_word, terms};
use std::collections::HashSet;
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
    the same for|same for|dasselbe für|das gleiche für|那么|那|还有|還有|それでは|では|じゃあ|そして";

/// Words that stand for somebody, and for something. Those that often stand for
/// nothing ("it rains", "es gibt", "il y a") only count where nothing is named.
const PERSONS: &str = "he him his she her hers they them their theirs er ihm ihn seine seinen \
    seinem seiner sie ihre ihrem ihren ihrer elle lui leur leurs sa ses él ella ellos ellas su sus \
    lei loro suo sua";
const THINGS: &str = "it its this these those one ones dieser diese dieses diesem diesen davon \
    darüber dazu dafür damit dort deren dessen cela celui celle ceux ce cette esto eso este esta ese esa \
    allí questo questa";
/// Words that say whose something is.
const POSSESSIVES: &str = "its his her their sein seine seinen seinem seiner ihre ihren ihrem ihrer sa \
    ses leur leurs su sus suo sua";
/// German ones that are also other words: only before a noun do they say whose it is.
const POSSESSIVE_BEFORE_NOUN: &str = "sein ihr";
/// Those for which an earlier word of the same question may stand.
const INSIDE: &str = "it its they them their theirs";
/// Words that begin another clause of a question.
const JOINING: &str = "and or but und oder aber";
/// Behind them a noun is what is asked for, and nothing that is known.
const BEFORE_ASKED: &str = "welche welcher welches welchen welchem viele viel";
/// Behind "it" they say that it stands for nothing: what is meant comes after "to".
const EXPLETIVE: &str = "take takes took cost costs possible necessary allowed permitted legal required \
    mandatory important better best normal true worth advisable";
const WEATHER: &str = "rain rains raining rained snow snows snowing snowed";
/// What "these" may stand before and mean what there is, and not what was named.
const DOCUMENTS: &str =
    "documents files texts dokumente dokumenten dateien texte texten unterlagen";
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
pub(super) const ASKING: &str = "who whom whose what which when where why how wer wem wen wessen was welche \
    welcher welches welchen wann wo warum wieso wie wohin woher qui que quoi quel quelle quels quelles \
    quand où pourquoi comment combien quién qué cuál cuáles cuándo dónde cómo cuánto cuántos cuántas";

/// Words that make a short question of a question word: "since when?", "why not?".
const BESIDE_ASKING: &str = "long often much many far old exactly so not else then ever precisely \
    lange oft viel viele vielen weit genau denn nicht sonst noch so alt hoch da";

/// Beginnings of questions whether something is so.
const WHETHER: &str = "is are was were does did do has have had can could will would should may must \
    ist sind war waren hat haben hatte kann können darf dürfen muss müssen gibt wird werden soll est \
    sont peut es son hay puede";

/// What is said before a question and asks for nothing.
const COURTESIES: &str = "thank you very much|thank you|thanks a lot|thanks|okay|ok|great|good|perfect|\
    alright|all right|i see|vielen dank|danke schön|danke|alles klar|in ordnung|gut|super|merci beaucoup|\
    merci|d'accord|muchas gracias|gracias|vale|grazie";

/// Content words beyond which a question without a question word is no ellipsis.
const SHORT: usize = 3;

/// Words between the words of a name.
const OF_NAMES: &str = "von van de da di del";

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
    let question = without_courtesies(question);
    match leaning(question)? {
        Leaning::Elliptic => Some(resumed(behind_opening(question), before.question)),
        Leaning::Pronoun { names } => {
            let subject = Some(subject(before, names)).filter(|subject| !subject.is_empty());
            subject.map(|subject| format!("{subject} {question}"))
        }
        Leaning::More => Some(subject(before, true)).filter(|subject| !subject.is_empty()),
    }
}

/// The question without what is said before it out of politeness.
fn without_courtesies(question: &str) -> &str {
    let mut rest = question.trim();
    loop {
        let lower = rest.to_lowercase();
        let said = COURTESIES.split('|').find(|said| {
            let behind = lower.strip_prefix(said);
            behind.is_some_and(|behind| behind.starts_with([',', '.', '!', ';', '\u{2013}']))
        });
        let behind = said.and_then(|said| rest.get(said.len()..));
        let behind = behind.map(|behind| behind.trim_start_matches(|c: char| !c.is_alphanumeric()));
        match behind.filter(|behind| !behind.is_empty()) {
            Some(behind) => rest = behind,
            None => return rest,
        }
    }
}

/// What follows the opening, if there is one.
fn behind_opening(question: &str) -> &str {
    let skip = opening(&question.to_lowercase()).map_or(0, str::len);
    // Lower case may be longer in bytes than the question was.
    question.get(skip..).unwrap_or(question)
}

/// What the conversation was about, also by the answer's names if they are wanted.
fn subject(before: Before<'_>, with_names: bool) -> String {
    let mut carried = subjects(before.question);
    if with_names {
        let known = terms(before.question);
        let mut new = names(before.answer);
        new.retain(|name| {
            let said = terms(name);
            !said.is_empty() && !said.iter().all(|term| known.contains(term))
        });
        // Of more than one word: a name of somebody, and no German noun.
        new.sort_by_key(|name| !name.contains(' '));
        carried.extend(new.into_iter().take(MOST_NAMES));
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
    let begins_whether = |text: &str| {
        let first = text.unicode_words().next();
        first.is_some_and(|first| is_in(WHETHER, first))
    };
    let elliptic = match opening(&lower).map(|opening| &lower[opening.len()..]) {
        // "And who was the first keeper?" asks on its own, and so does "And does
        // the pump have a warranty?".
        Some(rest) => {
            let is_own = asks(rest) || (content > 1 && begins_whether(rest));
            content == 0 || is_remainder(&words[1..]) || !is_own
        }
        None => {
            let is_short = content == 0 && words.len() <= 3;
            is_short || is_remainder(&words) || (!asks(&lower) && is_preposition(first))
        }
    };
    let owned = behind_opening(question);
    match elliptic && content <= SHORT {
        // "And its weight?" asks for something else of the same.
        true if !begins_with_possessive(owned) => Some(Leaning::Elliptic),
        _ => pronoun(question),
    }
}

/// Whether a question word stands with nothing that names anything: "since when?".
fn is_remainder(words: &[&str]) -> bool {
    let is_bare =
        |word: &&str| is_in(ASKING, word) || is_in(BESIDE_ASKING, word) || is_preposition(word);
    let asks = words.iter().any(|word| is_in(ASKING, word));
    asks && words.len() <= 3 && words.iter().all(is_bare)
}

fn begins_with_possessive(rest: &str) -> bool {
    let first = rest.unicode_words().next().map(str::to_lowercase);
    first.is_some_and(|first| is_in(POSSESSIVES, &first))
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
        if is_polite(word, &question[..*place]) || is_idle(&lower, at, &question[..*place]) {
            continue;
        }
        let capital = |at: usize| {
            words
                .get(at)
                .is_some_and(|(_, word)| begins_with_capital(word))
        };
        let owns = is_in(POSSESSIVE_BEFORE_NOUN, &lower[at]) && capital(at + 1);
        let names = is_in(PERSONS, &lower[at]) || owns || is_there(&lower, at);
        if names || is_in(THINGS, &lower[at]) || is_that(&lower, at) {
            let is_inside = is_in(INSIDE, &lower[at]) && has_antecedent(&lower[..at], &lower[at]);
            return (!is_inside).then_some(Leaning::Pronoun { names });
        }
        // A name, or in German a noun, that a pronoun behind it stands for.
        let named = word.chars().any(char::is_numeric) || (at > 0 && begins_with_capital(word));
        let is_asked = at > 0 && is_in(BEFORE_ASKED, &lower[at - 1]);
        if named && !is_asked && !is_function_word(&lower[at]) {
            return None;
        }
    }
    None
}

pub(super) fn begins_with_capital(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// Whether a word that may stand for something stands for nothing here: "how long
/// does it take to charge the battery", "…, damit die Pumpe läuft", "these documents".
fn is_idle(words: &[String], at: usize, before: &str) -> bool {
    let next = words.get(at + 1).map(String::as_str).unwrap_or_default();
    match words[at].as_str() {
        "it" => is_in(WEATHER, next) || (is_in(EXPLETIVE, next) && says_what(&words[at + 2..])),
        "damit" => before.trim_end().ends_with(','),
        "these" | "those" | "diese" | "diesen" | "dieser" => is_in(DOCUMENTS, next),
        _ => false,
    }
}

/// Whether "to" comes, and behind it enough to be about something of its own.
fn says_what(words: &[String]) -> bool {
    let to = words
        .iter()
        .position(|word| ["to", "that"].contains(&word.as_str()));
    to.is_some_and(|to| {
        let behind = &words[to + 1..];
        let has_article = behind.iter().any(|word| is_article(word));
        has_article || terms(&behind.join(" ")).len() > 1
    })
}

/// Whether the words before a pronoun have what it stands for: "what is a chunk and
/// how is it made", "does the pump lose its oil".
fn has_antecedent(before: &[String], pronoun: &str) -> bool {
    let names_something = |words: &[String]| {
        let mut pairs = words.windows(2);
        pairs.any(|pair| is_article(&pair[0]) && !is_function_word(&pair[1]))
    };
    let joint = before.iter().rposition(|word| is_in(JOINING, word));
    let in_clause_before = joint.is_some_and(|joint| names_something(&before[..joint]));
    let owner =
        is_in(POSSESSIVES, pronoun) && !before.last().is_some_and(|word| is_preposition(word));
    in_clause_before || (owner && names_something(before))
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
/// where another follows it, or a digit is in it.
fn names(text: &str) -> Vec<String> {
    let pieces: Vec<(usize, &str)> = text.split_word_bound_indices().collect();
    let mut found: Vec<String> = Vec::new();
    let mut run: Option<Run> = None;
    let mut begins = true;
    for (at, (place, piece)) in pieces.iter().enumerate() {
        if !piece.chars().next().is_some_and(char::is_alphanumeric) {
            let ends = piece.contains(['.', '?', '!', '\n']);
            if ends || !piece.trim().is_empty() && !"-'’".contains(piece) {
                close(run.take(), text, &mut found);
            }
            begins |= ends;
            continue;
        }
        let lower = piece.to_lowercase();
        let behind = |by: usize| pieces.get(at + by).map_or("", |(_, piece)| *piece);
        let capital =
            is_marked(piece) || (behind(1) == "-" && behind(2).contains(char::is_numeric));
        let joins = run.is_some() && is_in(OF_NAMES, &lower) && is_marked(behind(2));
        let tells = capital && !is_function_word(&lower) && !is_in(ASKING, &lower);
        let end = place + piece.len();
        match &mut run {
            Some(run) if tells || joins => {
                run.words += 1;
                run.end = end;
            }
            None if tells => {
                run = Some(Run {
                    start: *place,
                    end,
                    words: 1,
                    opens: begins,
                });
            }
            _ => close(run.take(), text, &mut found),
        }
        begins = false;
    }
    close(run.take(), text, &mut found);
    found
}

/// A run of words that may be a name.
struct Run {
    start: usize,
    end: usize,
    words: usize,
    /// Whether a sentence begins with it.
    opens: bool,
}

/// Takes a run for a name, if it is one.
fn close(run: Option<Run>, text: &str, found: &mut Vec<String>) {
    let Some(run) = run else { return };
    let name = text[run.start..run.end].to_owned();
    let is_name = run.words > 1 || !run.opens || name.contains(char::is_numeric);
    if is_name && !found.contains(&name) {
        found.push(name);
    }
}

fn is_marked(word: &str) -> bool {
    word.chars().any(|c| c.is_uppercase() || c.is_numeric())
}

pub(super) fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

#[cfg(test)]
#[path = "follow_up_tests.rs"]
mod tests;
