//! Sentences of an answer that are said to the asker and state nothing: greetings,
//! offers, "here is what I found". In English and German.

use super::patterns::{after, words};
use super::terms::terms;

/// Words beyond which a sentence says more than a courtesy.
const LONGEST: usize = 14;
/// Content words that may follow "here is": "a summary of the passages".
const MOST_SHOWN: usize = 2;

/// What is said before something, and may be all that is said.
const INTERJECTIONS: &[&str] = &[
    "sure thing?",
    "certainly|absolutely|yes|no|ok|okay|sorry|thanks|please",
    "of course",
    "hello|hi|hey there?",
    "good|great question",
    "natürlich|gerne|gern|klar|sicher|ja|nein|danke|bitte|hallo",
    "guten tag|morgen|abend",
];

/// Behind these a name may follow.
const GREETINGS: &[&str] = &["hello|hi|hey|hallo", "guten tag|morgen|abend"];

/// How sentences begin that speak of the answer and its asker alone.
const ADDRESSES: &[&str] = &[
    "i hope",
    "let me know",
    "feel free",
    "you're welcome",
    "you are welcome",
    "thank you",
    "thanks for",
    "i'm|i am? sorry",
    "i'm|i'd|i'll|i am|would|will? be? happy|glad to",
    "i'll|i can|will? help",
    "happy|glad to help",
    "if you have|need|want|would like? any|some? more|further|other|additional? \
     question|questions|detail|details|information|help|clarification",
    "ich hoffe",
    "ich helfe",
    "beantworte|helfe|gebe|erkläre|zeige ich",
    "lassen sie es? mich|mir wissen",
    "lass es? mich|mir wissen",
    "wenn|falls|bei sie|du? noch? weitere|weiteren? fragen",
    "vielen dank",
];

const SHOWING: &[&str] = &["here is|are", "here's", "hier ist|sind"];

/// Whether the sentence is a courtesy and nothing else. "Sure, the tower fell"
/// states something.
pub(super) fn is_courtesy(text: &str) -> bool {
    let all = words(text);
    if all.len() > LONGEST || text.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut rest = all.as_slice();
    while let Some(after) = after(rest, INTERJECTIONS) {
        rest = after;
    }
    let says_at_most = |rest: &[String], most| terms(&rest.join(" ")).len() <= most;
    let ends = rest.len() < all.len() && says_at_most(rest, 0);
    let greets = after(&all, GREETINGS).is_some_and(|name| name.len() <= 1);
    let shows = after(rest, SHOWING).is_some_and(|shown| says_at_most(shown, MOST_SHOWN));
    let addresses = [&all, rest]
        .iter()
        .any(|words| after(words, ADDRESSES).is_some());
    ends || greets || shows || addresses
}

#[cfg(test)]
mod tests {
    use super::is_courtesy;

    #[test]
    fn greetings_offers_and_introductions_are_courtesies() {
        for text in [
            "Sure!",
            "Sure, I can help with that.",
            "Of course, here is what I found.",
            "Hello there!",
            "Hi Anna!",
            "Yes.",
            "Here are the steps.",
            "Here’s a summary of the passages.",
            "I hope this helps!",
            "You're welcome.",
            "Thanks for asking!",
            "If you have any further questions, feel free to ask.",
            "Gerne beantworte ich Ihre Frage.",
            "Natürlich, hier ist die Antwort.",
            "Ich hoffe, das hilft.",
        ] {
            assert!(is_courtesy(text), "{text}");
        }
    }

    #[test]
    fn sentences_that_only_begin_like_a_courtesy_are_none() {
        for text in [
            "Surely the tower was built by monks.",
            "Thanksgiving falls on a Thursday.",
            "Thanks to the new keeper the lamp burned.",
            "Sure, the tower fell.",
            "Yes, Paris.",
            "Of course the king died in battle.",
            "Here are buried the kings of France.",
            "If you have a fever, call a doctor.",
            "Natürlich fiel der Turm im Krieg.",
            "Gernrode liegt im Harz.",
        ] {
            assert!(!is_courtesy(text), "{text}");
        }
    }
}
