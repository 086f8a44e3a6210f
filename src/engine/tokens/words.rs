//! Cutting text into words, stage by stage: each stage is a regular expression
//! whose matches become words of their own, as does what lies between them.
//! Must not know which model wants which expressions.
//!
//! The published expressions end in `\s+(?!\S)|\s+`: a run of spaces leaves its
//! last one to the word behind it. Looking ahead costs a backtracking engine,
//! which a long run of spaces can bring to its knees; here the expression says
//! `\s+` and the last space is handed back afterwards, so that the time is
//! linear in the text whatever it holds.

use regex::Regex;

/// What becomes of the last space of a run with more text behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastSpace {
    /// It stays with the run.
    Stays,
    /// It goes to the word behind.
    GoesOn,
    /// It goes to the word behind unless it ends a line.
    GoesOnInLine,
}

/// A stage as a rule describes it.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) pattern: String,
    pub(super) last_space: LastSpace,
}

/// A rule made ready.
pub(super) struct WordCutter {
    stages: Vec<(Regex, LastSpace)>,
}

impl WordCutter {
    pub(super) fn new(stages: &[Stage]) -> Result<Self, regex::Error> {
        let ready = |stage: &Stage| Ok((Regex::new(&stage.pattern)?, stage.last_space));
        Ok(Self {
            stages: stages.iter().map(ready).collect::<Result<_, _>>()?,
        })
    }

    /// The words of a text; together they are the text.
    pub(super) fn cut<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut words = vec![text];
        for (pattern, last_space) in &self.stages {
            let mut finer = Vec::with_capacity(words.len());
            for word in words {
                cut_once(word, pattern, *last_space, &mut finer);
            }
            words = finer;
        }
        words
    }
}

fn cut_once<'a>(text: &'a str, pattern: &Regex, last_space: LastSpace, words: &mut Vec<&'a str>) {
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = pattern.find_at(text, at) {
        let mut end = found.end();
        if end < text.len() {
            end -= handed_on(found.as_str(), last_space);
        }
        if from < found.start() {
            words.push(&text[from..found.start()]);
        }
        if found.start() < end {
            words.push(&text[found.start()..end]);
        }
        from = end;
        let step = text[end..].chars().next().map_or(1, char::len_utf8);
        at = if found.is_empty() { end + step } else { end };
        if at > text.len() {
            break;
        }
    }
    if from < text.len() {
        words.push(&text[from..]);
    }
}

/// Length of the last space if it goes to the word behind.
fn handed_on(run: &str, last_space: LastSpace) -> usize {
    let Some(last) = run.chars().next_back() else {
        return 0;
    };
    let goes_on = match last_space {
        LastSpace::Stays => false,
        LastSpace::GoesOn => true,
        LastSpace::GoesOnInLine => !matches!(last, '\r' | '\n'),
    };
    let has_more = run.len() > last.len_utf8();
    if goes_on && has_more && last.is_whitespace() && run.chars().all(char::is_whitespace) {
        last.len_utf8()
    } else {
        0
    }
}
