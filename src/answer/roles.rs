//! Who does what to whom, as far as the order of names and numbers around the
//! same words says it: "Ada paid Bo" has the words of "Bo paid Ada", and is not
//! borne out by it. Must not decide how much support is left.

use super::terms::{compared, is_function_word};
use std::collections::HashSet;
use std::sync::LazyLock;
use unicode_segmentation::UnicodeSegmentation;

/// Words between two names that say nothing of who does what.
const SILENT: &[&str] = &[
    "a", "an", "the", "has", "have", "had", "did", "do", "does", "will", "would",
];

/// Words between two names with which either may come first: "Ada met Bo", "Ada
/// signed the treaty with Bo".
const EITHER_WAY: &str = "and or nor und oder et ou y with mit avec con against gegen between \
    together near beside next apart meet met marry border adjoin merge equal differ resemble \
    share join similar same different identical synonym neighbour neighbor partner rival twin \
    cousin sibling brother sister friend spouse wife husband distance";

/// Words farther apart than these belong to different things.
const FARTHEST: usize = 8;

/// The words of a sentence in their order.
pub(super) struct Roles {
    words: Vec<Word>,
    /// Those that stand somewhere in small letters, and so are no names.
    small: HashSet<String>,
}

struct Word {
    term: String,
    kind: Kind,
    /// A sign stands before it that ends what came before.
    is_apart: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Written large where nothing else makes it so.
    Name,
    /// Written large as the first word, so that nobody knows.
    First,
    Number,
    /// Of grammar.
    Function,
    Plain,
}

impl Roles {
    pub(super) fn of(text: &str) -> Self {
        let (mut words, mut small) = (Vec::new(), HashSet::new());
        let mut end = 0;
        for (at, word) in text.unicode_word_indices() {
            let term = compared(word);
            let kind = match word.chars().next() {
                Some(c) if c.is_numeric() => Kind::Number,
                _ if is_function_word(&term) => Kind::Function,
                Some(c) if c.is_uppercase() && words.is_empty() => Kind::First,
                Some(c) if c.is_uppercase() => Kind::Name,
                _ => Kind::Plain,
            };
            if kind == Kind::Plain {
                small.insert(term.clone());
            }
            let between = &text[end..at];
            words.push(Word {
                term,
                kind,
                is_apart: between.contains([',', ';', ':', '(', ')', '.', '|', '\t', '\n']),
            });
            end = at + word.len();
        }
        Self { words, small }
    }

    /// Whether two names, or two numbers, stand around the same words as in the
    /// other sentence, but each in the place of the other, and nowhere there as
    /// they stand here.
    pub(super) fn are_turned_round(&self, other: &Self) -> bool {
        let names: HashSet<&str> = self.names(other).chain(other.names(self)).collect();
        let own = self.pairs(&names);
        if own.is_empty() {
            return false;
        }
        let others = other.pairs(&names);
        own.iter().any(|one| {
            let turned = |two: &Pair<'_>| (two.first, two.last) == (one.last, one.first);
            let stands = |two: &Pair<'_>| (two.first, two.last) == (one.first, one.last);
            one.first != one.last
                && others
                    .iter()
                    .any(|two| turned(two) && two.between == one.between)
                && !others.iter().any(stands)
        })
    }

    /// Names for sure: nothing in either sentence says that they are none.
    fn names<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let sure = self.words.iter().filter(|word| word.kind == Kind::Name);
        let sure = sure.map(|word| word.term.as_str());
        sure.filter(|term| !self.small.contains(*term) && !other.small.contains(*term))
    }

    /// All pairs of names, and of numbers, with something between them that says
    /// what the one is to the other.
    fn pairs<'a>(&'a self, names: &HashSet<&str>) -> Vec<Pair<'a>> {
        let is_name = |word: &Word| {
            matches!(word.kind, Kind::Name | Kind::First) && names.contains(word.term.as_str())
        };
        let mut pairs = Vec::new();
        for (at, first) in self.words.iter().enumerate() {
            let (mut between, mut says_something) = (Vec::new(), false);
            for last in self.words.iter().skip(at + 1).take(FARTHEST) {
                if last.is_apart {
                    break;
                }
                let both_are_names = is_name(first) && is_name(last);
                let both_are_numbers = first.kind == Kind::Number && last.kind == Kind::Number;
                if says_something && (both_are_names || both_are_numbers) {
                    pairs.push(Pair::new(first, last, &between));
                }
                if is_name(last) || SILENT.contains(&last.term.as_str()) {
                    continue;
                }
                if either_way().contains(&last.term) {
                    break;
                }
                says_something |= !matches!(last.kind, Kind::Function | Kind::Number);
                between.push(last.term.as_str());
            }
        }
        pairs
    }
}

fn either_way() -> &'static HashSet<String> {
    static WORDS: LazyLock<HashSet<String>> =
        LazyLock::new(|| EITHER_WAY.split_whitespace().map(compared).collect());
    &WORDS
}

/// Two names or numbers with the words between them, sorted.
struct Pair<'a> {
    first: &'a str,
    last: &'a str,
    between: Vec<&'a str>,
}

impl<'a> Pair<'a> {
    fn new(first: &'a Word, last: &'a Word, between: &[&'a str]) -> Self {
        let mut between = between.to_vec();
        between.sort_unstable();
        Self {
            first: &first.term,
            last: &last.term,
            between,
        }
    }
}

#[cfg(test)]
#[path = "roles_tests.rs"]
mod tests;
