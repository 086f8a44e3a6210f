//! What a question asks for to the letter: identifiers (`E-1042`, `P40`,
//! `max_size`, `CamelCase`, `src/main.rs`) and phrases in quotation marks. A
//! passage that has it comes before all that do not, whatever else they say.

use unicode_normalization::UnicodeNormalization;

/// Shortest identifier and shortest quoted word, in characters, and shortest
/// identifier that is digits alone: less is a number, a year or an abbreviation
/// like any other word.
const SHORTEST: usize = 3;
const SHORTEST_NUMBER: usize = 5;

/// Identifiers and phrases that are looked for, at most.
const MOST: usize = 16;

/// What is looked for, as [`plain`] text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Exact(Vec<String>);

impl Exact {
    /// What `question` has of it.
    pub(super) fn of(question: &str) -> Self {
        let bare = |word: &str| {
            let ends = |c: char| !c.is_alphanumeric();
            word.trim_matches(ends).to_owned()
        };
        let words = question.split_whitespace().map(bare);
        let identifiers = words.filter(|word| is_identifier(word));
        let wanted = phrases(question).into_iter().chain(identifiers);
        let mut found: Vec<String> = Vec::new();
        for text in wanted.map(|text| plain(&text)).take(MOST) {
            if !text.is_empty() && !found.contains(&text) {
                found.push(text);
            }
        }
        Self(found)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which part of it `text` has, 0-1; 0 if nothing is looked for.
    pub(super) fn share(&self, text: &str) -> f32 {
        if self.0.is_empty() {
            return 0.0;
        }
        let text = plain(text);
        let found = self.0.iter().filter(|one| has(&text, one)).count();
        found as f32 / self.0.len() as f32
    }
}

/// Lower case in compatible forms, blanks as one space, without the hyphens and
/// underscores inside names: `P-40` and `P40` are one.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.nfkc().flat_map(char::to_lowercase) {
        match c {
            '-' | '_' | '\u{ad}' | '\u{2010}' | '\u{2011}' => {}
            c if c.is_whitespace() => {
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            c => plain.push(c),
        }
    }
    plain.trim().to_owned()
}

/// Whether `wanted` stands in `text` on its own.
fn has(text: &str, wanted: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && c.is_ascii());
    text.match_indices(wanted).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + wanted.len()..].chars().next();
        !joins(before) && !joins(after)
    })
}

fn is_identifier(word: &str) -> bool {
    let count = word.chars().count();
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    if count < SHORTEST || !word.is_ascii() {
        return false;
    }
    if letters == 0 {
        let joined = word.contains(['-', '/']);
        return digits >= SHORTEST_NUMBER && (joined || digits == count);
    }
    let inner = || word.as_bytes().windows(2);
    let camel = inner().any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    let bound = word.contains(['_', '\\']) || word.contains("::");
    let path = word.contains('/') && word.contains('.');
    (digits > 0 && !is_ordinal(word)) || camel || bound || path
}

/// `19th`, `1990s`, `20th-century`, `5-year`: words of prose.
fn is_ordinal(word: &str) -> bool {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == word.len() {
        return false;
    }
    let rest = rest.to_ascii_lowercase();
    let ending = ["st", "nd", "rd", "th", "s", "'s"];
    let whole = ending.contains(&rest.as_str());
    let begins = ending
        .iter()
        .any(|ending| rest.starts_with(&format!("{ending}-")));
    let counted = rest.starts_with('-') && rest[1..].chars().all(|c| c.is_ascii_lowercase());
    whole || begins || counted
}

/// Between quotation marks: words, or one that is long enough to mean something.
fn phrases(question: &str) -> Vec<String> {
    let marks = ['"', '“', '”', '„', '«', '»', '「', '」', '『', '』'];
    let parts: Vec<&str> = question.split(marks).collect();
    // What stands behind a mark that is not closed is no phrase.
    let closed = parts.len().saturating_sub(1) / 2;
    let inside = parts.iter().skip(1).step_by(2).take(closed);
    let phrase = |text: &&str| {
        let unspaced = text.chars().any(|c| c as u32 > 0x2e80) && text.chars().count() > 1;
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        text.split_whitespace().count() > 1 || unspaced || letters.count() >= SHORTEST
    };
    // Some set the comma of their own sentence inside the marks.
    let ends = |c: char| c.is_whitespace() || ".,;:!?…。，！？".contains(c);
    inside
        .map(|text| text.trim_end_matches(ends))
        .filter(phrase)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Exact;

    fn wanted(question: &str) -> Vec<String> {
        Exact::of(question).0
    }

    #[test]
    fn identifiers_are_told_from_words_and_numbers() {
        assert_eq!(
            wanted("What does error E-1042 in src/main.rs mean for maxSize and max_size?"),
            ["e1042", "src/main.rs", "maxsize"]
        );
        assert_eq!(
            wanted("Order 4711-0815 of part 1234567"),
            ["47110815", "1234567"]
        );
        for question in [
            "Who won Super Bowl 50 in 2016?",
            "What was built in the 19th century, the 1990s or a 20th-century house?",
            "How long is a 5-year plan? Is it OK?",
            "Was kostet die Straße 12?",
        ] {
            assert_eq!(wanted(question), [""; 0], "{question}");
        }
    }

    #[test]
    fn phrases_stand_in_closed_quotation_marks() {
        assert_eq!(wanted("where is “cold  Start” used?"), ["cold start"]);
        assert_eq!(
            wanted("the \"word\" and \"one more\" and \"not closed here"),
            ["word", "one more"]
        );
        assert_eq!(wanted("what do \"a\" and \" \" and \"?!…\" mean?"), [""; 0]);
        assert_eq!(wanted("Who wrote “cold start,” and why?"), ["cold start"]);
        assert_eq!(wanted("「首次启动」在哪里？"), ["首次启动"]);
    }

    #[test]
    fn identifier_is_found_whole_however_it_is_joined() {
        let exact = Exact::of("What is P-40?");
        assert_eq!(exact.share("The P40 pump"), 1.0);
        assert_eq!(exact.share("The p\u{2011}40, new"), 1.0);
        assert_eq!(exact.share("The P-400 pump, the XP-40 pump"), 0.0);
        let two = Exact::of("E-1042 or E-1043?");
        assert_eq!(two.share("Error E-1043 is raised"), 0.5);
        let quoted = Exact::of("Where is \"pump\" defined?");
        assert_eq!(quoted.share("A Pump is what moves water."), 1.0);
        assert_eq!(quoted.share("Pumps are what move water."), 0.0);
        assert_eq!(Exact::of("no such thing").share("anything"), 0.0);
    }
}
