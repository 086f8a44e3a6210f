//! Citation markers in text that a model wrote: finds them in all the spellings
//! that models use, and filters a stream so that only the canonical `[n]` of a
//! known source comes out. Does not judge whether a marker is right.

use std::ops::Range;

/// Longest spelling that is taken for a marker, in bytes.
const LONGEST_MARKER: usize = 64;
/// Words that models put before the number.
const LABELS: &[&str] = &[
    "source", "sources", "passage", "passages", "document", "doc", "ref", "citation", "quelle",
    "quellen", "来源", "资料",
];

/// A marker and the sources it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Its bytes in the text, brackets included.
    pub range: Range<usize>,
    pub numbers: Vec<u32>,
}

/// Every marker of `text`, in order. Code is left alone: `a[1]` in backticks or
/// between fences is not a citation.
pub fn markers(text: &str) -> Vec<Marker> {
    let mut found = Vec::new();
    scan(text, &mut Code::default(), true, |piece| {
        if let Piece::Marker { range, numbers } = piece {
            found.push(Marker { range, numbers });
        }
    });
    found
}

/// Where a marker begins that the end of `text` may cut short; the length of
/// `text` if there is none.
pub fn complete_until(text: &str) -> usize {
    scan(text, &mut Code::default(), false, |_| ())
}

/// Rewrites the markers of a stream: every spelling becomes `[n]`, and numbers
/// that `known` maps to nothing disappear together with the blank before them.
pub struct MarkerFilter<F> {
    known: F,
    held: String,
    code: Code,
}

impl<F: Fn(u32) -> Option<u32>> MarkerFilter<F> {
    /// `known` gives the number to show for a number that the model wrote.
    pub fn new(known: F) -> Self {
        Self {
            known,
            held: String::new(),
            code: Code::default(),
        }
    }

    /// Takes the next token; gives the text that can be shown now. The start
    /// of what may become a marker is held back.
    pub fn push(&mut self, token: &str) -> String {
        self.held.push_str(token);
        self.drain(false)
    }

    /// The rest, when no token follows.
    pub fn finish(&mut self) -> String {
        self.drain(true)
    }

    fn drain(&mut self, last: bool) -> String {
        let mut out = String::with_capacity(self.held.len());
        let known = &self.known;
        let used = scan(&self.held, &mut self.code, last, |piece| match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Marker { numbers, .. } => {
                let mut shown: Vec<u32> = numbers.into_iter().filter_map(known).collect();
                let mut seen = Vec::new();
                shown.retain(|number| {
                    let new = !seen.contains(number);
                    seen.push(*number);
                    new
                });
                if shown.is_empty() {
                    out.truncate(out.trim_end_matches(' ').len());
                }
                for number in shown {
                    out.push_str(&format!("[{number}]"));
                }
            }
        });
        self.held.drain(..used);
        out
    }
}

enum Piece<'a> {
    Text(&'a str),
    Marker {
        range: Range<usize>,
        numbers: Vec<u32>,
    },
}

/// Cuts `text` into markers and the rest and gives how many bytes were used.
/// Unless this is the `last` of the text, blanks and an unfinished marker at
/// the end are kept for the next call.
fn scan(text: &str, code: &mut Code, last: bool, mut each: impl FnMut(Piece<'_>)) -> usize {
    let (mut plain, mut at) = (0, 0);
    let mut blanks = None;
    while let Some(c) = text[at..].chars().next() {
        let here = at;
        at += c.len_utf8();
        if c == ' ' {
            blanks.get_or_insert(here);
            code.feed(c);
            continue;
        }
        if is_open(c) && !code.inside() {
            match parse(&text[here..]) {
                Parsed::Marker { length, numbers } => {
                    if plain < here {
                        each(Piece::Text(&text[plain..here]));
                    }
                    let range = here..here + length;
                    at = range.end;
                    plain = at;
                    blanks = None;
                    each(Piece::Marker { range, numbers });
                    code.feed(']');
                    continue;
                }
                Parsed::Unfinished if !last => {
                    let keep = blanks.unwrap_or(here).max(plain);
                    if plain < keep {
                        each(Piece::Text(&text[plain..keep]));
                    }
                    return keep;
                }
                Parsed::Unfinished | Parsed::Other => {}
            }
        }
        blanks = None;
        code.feed(c);
    }
    let keep = if last {
        text.len()
    } else {
        blanks.unwrap_or(text.len())
    };
    if plain < keep {
        each(Piece::Text(&text[plain..keep]));
    }
    keep
}

enum Parsed {
    Marker { length: usize, numbers: Vec<u32> },
    Unfinished,
    Other,
}

fn is_open(c: char) -> bool {
    matches!(c, '[' | '【' | '［')
}

/// What may follow a label, as in `[ref. 1]` or `[^1]`.
const LABEL_ENDS: &[char] = &['.', ':', '#', '^'];

fn is_label(word: &str) -> bool {
    let label = word.trim_end_matches(LABEL_ENDS);
    label.is_empty() || LABELS.contains(&label)
}

fn begins_label(word: &str) -> bool {
    let begin = word.trim_end_matches(LABEL_ENDS);
    LABELS.iter().any(|label| label.starts_with(begin))
}

/// Reads one marker at the start of `text`.
fn parse(text: &str) -> Parsed {
    let mut numbers: Vec<u32> = Vec::new();
    let (mut digits, mut word) = (String::new(), String::new());
    let (mut depth, mut span, mut tail) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        if at > LONGEST_MARKER {
            return Parsed::Other;
        }
        if let Some(digit) = c.to_digit(10).filter(|_| !tail) {
            if digits.len() == 3 || !is_label(&word) {
                return Parsed::Other;
            }
            word.clear();
            digits.push(char::from(b'0' + digit as u8));
            continue;
        }
        let separates = matches!(c, ',' | ';' | '、' | '，' | '&' | '-' | '–');
        let closes = matches!(c, ']' | '】' | '］');
        if !digits.is_empty() && (separates || closes || c == ' ' || c == '†') {
            let number: u32 = digits.parse().unwrap_or_default();
            match numbers.last().filter(|_| span) {
                Some(&first) if first < number && number - first < 20 => {
                    numbers.extend(first + 1..=number);
                }
                _ => numbers.push(number),
            }
            digits.clear();
            span = false;
        }
        if closes {
            depth = depth.saturating_sub(1);
            if numbers.is_empty() || !word.is_empty() {
                return Parsed::Other;
            }
            if depth == 0 {
                let length = at + c.len_utf8();
                return Parsed::Marker { length, numbers };
            }
        } else if is_open(c) && numbers.is_empty() && word.is_empty() && depth < 2 {
            depth += 1;
        } else if c == '†' && !numbers.is_empty() {
            tail = true;
        } else if tail {
            if c == '\n' {
                return Parsed::Other;
            }
        } else if separates && !numbers.is_empty() && word.is_empty() {
            span = matches!(c, '-' | '–');
        } else if c != ' ' {
            word.extend(c.to_lowercase());
            if !(numbers.is_empty() && digits.is_empty() && begins_label(&word)) {
                return Parsed::Other;
            }
        }
    }
    Parsed::Unfinished
}

/// Whether the reading position is inside Markdown code.
struct Code {
    line_start: bool,
    blank_line: bool,
    run: Option<(char, usize, bool)>,
    fence: Option<(char, usize)>,
    inline: Option<usize>,
}

impl Default for Code {
    fn default() -> Self {
        Self {
            line_start: true,
            blank_line: true,
            run: None,
            fence: None,
            inline: None,
        }
    }
}

impl Code {
    fn feed(&mut self, c: char) {
        match &mut self.run {
            Some((of, length, _)) if *of == c => {
                *length += 1;
                return;
            }
            _ => self.settle(),
        }
        match c {
            '`' => self.run = Some((c, 1, self.line_start)),
            '~' if self.line_start => self.run = Some((c, 1, true)),
            '\n' => {
                if self.blank_line {
                    self.inline = None;
                }
                (self.line_start, self.blank_line) = (true, true);
                return;
            }
            ' ' => return,
            _ => {}
        }
        (self.line_start, self.blank_line) = (false, false);
    }

    /// Decides what a run of backticks or tildes meant, now that it has ended.
    fn settle(&mut self) {
        let Some((of, length, at_line_start)) = self.run.take() else {
            return;
        };
        match self.fence {
            Some((open, least)) => {
                if at_line_start && of == open && length >= least {
                    self.fence = None;
                }
            }
            None if at_line_start && length >= 3 => self.fence = Some((of, length)),
            None if of == '~' => {}
            None => match self.inline {
                None => self.inline = Some(length),
                Some(open) if open == length => self.inline = None,
                Some(_) => {}
            },
        }
    }

    fn inside(&mut self) -> bool {
        self.settle();
        self.fence.is_some() || self.inline.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{MarkerFilter, complete_until, markers};

    fn numbers(text: &str) -> Vec<Vec<u32>> {
        markers(text).into_iter().map(|m| m.numbers).collect()
    }

    fn four(number: u32) -> Option<u32> {
        (1..=4).contains(&number).then_some(number)
    }

    fn filtered(tokens: &[&str]) -> String {
        let mut filter = MarkerFilter::new(four);
        let mut out: String = tokens.iter().map(|token| filter.push(token)).collect();
        out.push_str(&filter.finish());
        out
    }

    #[test]
    fn every_usual_spelling_is_a_marker() {
        for (text, expected) in [
            ("a [1].", vec![vec![1]]),
            ("a[1][2]", vec![vec![1], vec![2]]),
            ("a [1, 2]", vec![vec![1, 2]]),
            ("a [1,2 ; 3]", vec![vec![1, 2, 3]]),
            ("a [1-3]", vec![vec![1, 2, 3]]),
            ("a 【1】", vec![vec![1]]),
            ("a 【2†source】", vec![vec![2]]),
            ("a ［3］", vec![vec![3]]),
            ("a [[4]]", vec![vec![4]]),
            ("a [^2]", vec![vec![2]]),
            ("a [Source 2]", vec![vec![2]]),
            ("a [Passages 1, 3]", vec![vec![1, 3]]),
            ("a [ 1 ]", vec![vec![1]]),
        ] {
            assert_eq!(numbers(text), expected, "{text}");
        }
    }

    #[test]
    fn other_brackets_are_text() {
        for text in [
            "[x]", "[]", "[2024]", "[see 4]", "[1 of 2]", "(1)", "[a1]", "[1.5]", "[,1]",
            "[ ] todo",
        ] {
            assert!(numbers(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn code_has_no_markers() {
        assert_eq!(numbers("`a[1]` is first [2]"), [[2]]);
        assert_eq!(numbers("```\na[1]\n```\nso [2]"), [[2]]);
        assert_eq!(numbers("~~~\na[1]\n~~~\nso [2]"), [[2]]);
        assert_eq!(numbers("a lone ` here\n\nand [3]"), [[3]]);
    }

    #[test]
    fn split_marker_comes_out_whole_and_canonical() {
        assert_eq!(
            filtered(&["It is so ", "[", "1", ", ", "2", "]", "."]),
            "It is so [1][2]."
        );
        assert_eq!(filtered(&["是", "【", "1", "】", "。"]), "是[1]。");
    }

    #[test]
    fn unknown_number_goes_with_its_blank() {
        assert_eq!(
            filtered(&["It is", " ", "[", "9", "]", ". Yes"]),
            "It is. Yes"
        );
        assert_eq!(filtered(&["It is [9, 2]."]), "It is [2].");
        assert_eq!(filtered(&["It is [0]"]), "It is");
    }

    #[test]
    fn text_is_only_held_back_while_it_may_become_a_marker() {
        let mut filter = MarkerFilter::new(four);
        assert_eq!(filter.push("see [the"), "see [the");
        assert_eq!(filter.push(" list"), " list");
        assert_eq!(filter.push(" [1"), "");
        assert_eq!(filter.push("0 apples"), " [10 apples");
        assert_eq!(filter.finish(), "");
    }

    #[test]
    fn any_split_of_a_text_gives_the_same_text() {
        let text = "A `x[1]` is [1][9]. B [2, 3] [7]\n\n```\ny[2]\n```\nC 【4】 and [ open";
        let whole = filtered(&[text]);
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            assert_eq!(
                filtered(&[&text[..at], &text[at..]]),
                whole,
                "split at {at}"
            );
        }
        let tokens: Vec<String> = text.chars().map(String::from).collect();
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        assert_eq!(filtered(&tokens), whole);
    }

    #[test]
    fn unfinished_marker_at_the_end_is_known() {
        assert_eq!(complete_until("so it is [1"), 8);
        assert_eq!(complete_until("so it is [1]"), 12);
        assert_eq!(complete_until("so it is"), 8);
    }
}
