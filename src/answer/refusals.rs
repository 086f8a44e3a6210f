//! Sentences of an answer that say that the passages do not hold what was asked:
//! no passage could bear them out. In English and German. By whole words in their
//! order, because "text" is in "textile", and a mill may be unable to pay.

use super::patterns::{after, matched, words};
use super::terms::{is_function_word, terms};

/// Content words before such a clause: "based on the provided passages". A
/// sentence with more of them states something else as well.
const MOST_BEFORE: usize = 3;

/// Words that may stand anywhere and change nothing.
const FILLERS: &str = "any actually also anywhere clearly directly explicitly however itself \
    specifically themselves therefore unfortunately allerdings ausdrücklich darüber dazu direkt \
    explizit hierzu jedoch leider";

/// What goes on with these states something.
const CONTRASTS: &str = "but whereas aber sondern";

const APOLOGIES: &[&str] = &[
    "i'm|i am? sorry|afraid|apologize|apologise but|that?",
    "sorry but?",
    "es? tut mir leid aber|doch?",
];

/// The passages, as answers name them.
const ENGLISH_SOURCES: &[&str] = &[
    "the|these|this|those|your \
     provided|given|available|supplied|selected|retrieved|relevant|above? \
     passages|passage|documents|document|excerpts|excerpt|texts|text|sources|source|context|\
     snippets|materials|material \
     provided|given|available|supplied|above|you|i? provided|gave|have?",
    "the|this provided|given|available|supplied information",
    "the|this information provided|given|available|supplied|above",
];
const GERMAN_SOURCES: &[&str] = &[
    "die|der|den|das|dem|des|im|diese|dieser|diesen|dieses|diesem|ihre|ihren|ihrem|deine|deinen \
     bereitgestellten|bereitgestellte|vorliegenden|vorliegende|gegebenen|gegebene|verfügbaren|\
     ausgewählten|ausgewählte? \
     dokumente|dokumenten|dokument|dokuments|passagen|passage|textstellen|textstelle|texte|texten|\
     text|textes|quellen|quelle|auszüge|auszügen|auszug|unterlagen|kontext|informationen",
];

const NONE_OF: &[&str] = &["none|neither of", "keine|keiner|keines"];
const NO_SOURCE: &[&str] =
    &["no passage|passages|document|documents|source|sources|excerpt|text that?"];

/// What sources do with what they hold.
const SAYING: &[&str] = &[
    "address|addresses|answer|answers|clarify|clarifies|contain|contains|cover|covers|\
     describe|describes|discuss|discusses|explain|explains|give|gives|have|has|identify|\
     identifies|include|includes|indicate|indicates|list|lists|mention|mentions|name|names|\
     offer|offers|provide|provides|say|says|specify|specifies|state|states|tell|tells",
];
const GERMAN_SAYING: &[&str] = &[
    "beantworten|beantwortet|behandeln|behandelt|beinhalten|beinhaltet|beschreiben|beschreibt|\
     bieten|bietet|enthalten|enthält|erklären|erklärt|erwähnen|erwähnt|geben|gibt|liefern|\
     liefert|machen|macht|nennen|nennt|sagen|sagt",
];

/// A source that is said to hold nothing, or not enough.
const HOLDING_NOTHING: &[&str] = &[
    "contain|contains|give|gives|have|has|include|includes|make|makes|offer|offers|\
     provide|provides|say|says no|nothing",
    "is|are not enough|sufficient",
    "is|are insufficient|silent",
];
const GERMAN_NOTHING: &[&str] = &["nicht|nichts|kein|keine|keinen|keinerlei"];
const NO_STATEMENT: &[&str] = &["kein|keine|keinen|keinerlei \
     angabe|angaben|antwort|antworten|aussage|aussagen|erwähnung|hinweis|hinweise|information|\
     informationen"];

/// Who answers says that nothing was found: these, and then what was not possible.
const SPEAKING: &[&str] = &[
    "i can|could|do|did|have not",
    "i am|was not able to",
    "i'm not able to",
    "i'm|i am|was? unable to",
    "it is|was not possible to",
];
const FINDING: &[&str] =
    &["answer|determine|find|found|have|identify|know|locate|provide|say|see|tell"];
/// The same in German, with a denial behind.
const GERMAN_SPEAKING: &[&str] = &[
    "ich fand|finde|habe|kann|konnte|weiß",
    "fand|finde|habe|kann|konnte ich",
    "diese|die|ihre|deine frage kann|konnte|lässt|wird",
];
const NOTHING_THERE: &[&str] = &[
    "there is|are|was|were no|not enough|sufficient? information|mention|answer",
    "this|that|the|your question can|could not be answered",
    "i found|have|see no|nothing",
];

/// What says so only where a sentence begins with it: "she gave no answer" does not.
const OUTRIGHT: &[&str] = &[
    "no information|mention|answer about|on|of|regarding|concerning|to|is|was|can|could|found|\
     provided|given|available",
    "not enough|sufficient information|context",
    "keine angabe|angaben|antwort|information|informationen",
];

const PREPOSITIONS: &[&str] =
    &["in|from|by|within|on|with|using|anhand|auf|aus|durch|mit|mithilfe|von"];
/// What is not in the sources that are named right behind.
const ABSENT: &str = "not|nowhere be|been? \
    addressed|answered|available|contained|covered|described|determined|discussed|explained|found|\
    given|identified|included|listed|mentioned|named|provided|specified|stated?";
/// What speaks of what is written, wherever the sources are named.
const UNSAID: &[&str] = &[
    "not be|been? addressed|answered|determined|discussed|mentioned|specified|stated",
    "nicht|nirgends angegeben|aufgeführt|beantwortet|beschrieben|enthalten|erläutert|erwähnt|genannt",
    "steht|stehen|findet|finden sich? nichts",
];

/// Whether the sentence says that the passages do not hold what was asked, and
/// nothing else.
pub(super) fn says_nothing_found(text: &str) -> bool {
    let mut all = words(text);
    all.retain(|word| !is_in(FILLERS, word));
    let said = after(&all, APOLOGIES).unwrap_or(&all);
    if said.iter().any(|word| is_in(CONTRASTS, word)) {
        return false;
    }
    let is_early = |at: &usize| terms(&said[..*at].join(" ")).len() <= MOST_BEFORE;
    let mut clauses = (0..said.len()).take_while(is_early).map(|at| &said[at..]);
    begins_with_denial(said)
        || clauses.any(is_denial)
        || (0..said.len()).any(|at| is_absent_from(said, at))
}

fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

fn begins_with_denial(words: &[String]) -> bool {
    let unable = after(words, &["unable to"]).and_then(|rest| after(rest, FINDING));
    unable.or_else(|| after(words, OUTRIGHT)).is_some()
}

/// Whether the words begin with sources that say nothing, or with somebody who
/// found nothing.
fn is_denial(words: &[String]) -> bool {
    let speaks = after(words, SPEAKING).and_then(|rest| after(rest, FINDING));
    let german = after(words, GERMAN_SPEAKING)
        .is_some_and(|rest| (0..rest.len()).any(|at| after(&rest[at..], GERMAN_NOTHING).is_some()));
    let lacks = after(words, &["es? gibt|liegen|finden es|sich?"])
        .is_some_and(|rest| after(rest, NO_STATEMENT).is_some());
    let there = after(words, NOTHING_THERE).is_some();
    speaks.is_some() || german || lacks || there || source_denies(words) || no_source_says(words)
}

fn after_sources(words: &[String]) -> Option<&[String]> {
    after(words, ENGLISH_SOURCES).or_else(|| after(words, GERMAN_SOURCES))
}

/// "The passages do not mention", "die Dokumente enthalten keine".
fn source_denies(words: &[String]) -> bool {
    let Some(rest) = after_sources(words) else {
        return false;
    };
    let does_not = after(rest, &["do|does|did|can|could not"]);
    let is_german = |rest: &[String]| {
        let anywhere = |at| after(&rest[at..], NO_STATEMENT).is_some();
        after(rest, GERMAN_NOTHING).is_some()
            || rest.last().is_some_and(|last| last == "nicht")
            || (0..rest.len()).any(anywhere)
    };
    does_not.is_some_and(|rest| after(rest, SAYING).is_some())
        || after(rest, HOLDING_NOTHING).is_some()
        || after(rest, GERMAN_SAYING).is_some_and(is_german)
}

/// "None of the passages answers", "no document mentions".
fn no_source_says(words: &[String]) -> bool {
    let none = after(words, NONE_OF).and_then(after_sources);
    none.or_else(|| after(words, NO_SOURCE))
        .is_some_and(|rest| {
            after(rest, SAYING)
                .or_else(|| after(rest, GERMAN_SAYING))
                .is_some()
        })
}

/// Whether the sources are named at the word `at` as where something is not:
/// "is not mentioned in the passages".
fn is_absent_from(words: &[String], at: usize) -> bool {
    if !is_place(&words[at..]) {
        return false;
    }
    let behind = |start: usize| &words[start..];
    (0..at).any(|start| matched(ABSENT, &words[start..at]) == Some(at - start))
        || (0..words.len())
            .map(behind)
            .any(|rest| after(rest, UNSAID).is_some() || after(rest, NO_STATEMENT).is_some())
}

/// Whether the words begin with a place in the sources: "in the passages".
fn is_place(words: &[String]) -> bool {
    let is_one_word = words.first().is_some_and(|word| word == "im");
    let named = match is_one_word {
        true => Some(words),
        false => after(words, PREPOSITIONS),
    };
    // "In the source code": a further noun makes it something else.
    let goes_on = |rest: &&[String]| {
        let is_plural = words[words.len() - rest.len() - 1].ends_with('s');
        let next = rest.first().filter(|_| !is_plural);
        next.is_some_and(|word| word == "of" || !is_function_word(word))
    };
    let english = named.and_then(|named| after(named, ENGLISH_SOURCES));
    let german = named.and_then(|named| after(named, GERMAN_SOURCES));
    german.is_some() || english.is_some_and(|rest| !goes_on(&rest))
}

#[cfg(test)]
#[path = "refusals_tests.rs"]
mod tests;
