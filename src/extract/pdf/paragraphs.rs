//! From lines to readable text: wrapped lines joined, words that a line end
//! hyphenates put together, paragraphs parted by blank lines, tables written as
//! rows, headings noted.

use super::glyphs::is_unspaced;
use super::headings::{self, Body};
use super::layout::Line;
use super::tables;
use crate::extract::Heading;
use crate::types::char_len;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Type this much larger than that of the body marks a heading.
const HEADING_SIZE: f64 = 1.15;
/// Longest heading, in characters.
const HEADING_CHARS: usize = 160;
/// A longer one, in characters, that ends like a statement is a paragraph.
const STATEMENT_CHARS: usize = 60;
/// Levels of headings that are told apart by their size.
const MAX_LEVEL: u8 = 4;
/// Lines of one text are no further from each other, in parts of their size.
const LARGEST_PITCH: f64 = 3.0;
/// What a word that goes on in the next line ends with.
const HYPHENS: [char; 3] = ['-', '\u{ad}', '\u{2010}'];
/// Sizes beyond this are one: files name any number.
const MAX_SIZE: f64 = 100_000.0;
/// Depths by number that headings of one size may have.
const DEPTHS: u32 = 5;

/// What stands between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// They are one wrapped line.
    Nothing,
    LineEnd,
    BlankLine,
}

/// Writes the text of pages with what it knows of the whole document.
pub(super) struct Composer {
    /// Every word, to tell a hyphen of a word from one of a line end.
    words: HashSet<String>,
    body_size: f64,
    body: Body,
    /// The rank beside each heading; levels follow from all of them.
    found: Vec<(u32, Heading)>,
}

impl Composer {
    pub(super) fn new<'a>(pages: impl Iterator<Item = &'a [Line]> + Clone) -> Self {
        let mut words = HashSet::new();
        let mut is_broken = false;
        for line in pages.clone().flatten() {
            let edge = |c: char| !c.is_alphanumeric();
            // The last word may be half of one, and then the next the other half.
            let complete = line.text.rsplit_once(' ').map_or("", |(rest, _)| rest);
            let parts = complete.split(|c: char| c.is_whitespace() || c == '/');
            let parts = parts.skip(usize::from(is_broken));
            words.extend(parts.map(|word| word.trim_matches(edge).to_lowercase()));
            is_broken = line.text.ends_with(HYPHENS);
        }
        let body_size = body_size(pages.clone());
        Self {
            words,
            body_size,
            body: Body::of(pages, body_size),
            found: Vec::new(),
        }
    }

    /// The text of one page.
    pub(super) fn page(&mut self, number: u32, lines: &[Line]) -> String {
        let edges = right_edges(lines);
        let pitch = pitch(lines);
        let deep = headings::found(lines, self.body, pitch);
        let mut text = String::new();
        let mut open: Option<Heading> = None;
        let mut index = 0;
        while let Some(line) = lines.get(index) {
            let above = index.checked_sub(1);
            let previous = above.and_then(|at| lines.get(at));
            let edge = edges.get(&line.column).copied().unwrap_or(line.right);
            let changes = above.is_some_and(|at| deep[at].is_some() != deep[index].is_some());
            let between = previous.map(|previous| match changes {
                true => Between::BlankLine,
                false => self.between(previous, line, edge, pitch),
            });
            self.part(&mut text, between, &line.text);
            let begins = previous.is_none_or(|previous| !tables::is_row_above(previous, line));
            if let Some(table) = begins.then(|| tables::at(&lines[index..])).flatten() {
                self.close(open.take(), above.map(|at| (&lines[at], deep[at])));
                text.push_str(&table.rows.join("\n"));
                index += table.lines;
                continue;
            }
            if between != Some(Between::Nothing) {
                self.close(open.take(), above.map(|at| (&lines[at], deep[at])));
                let is_heading = deep[index].is_some() || self.is_heading(line);
                open = is_heading.then(|| Heading {
                    page: number,
                    start: char_len(&text),
                    level: 1,
                    text: line.text.replace('\t', " "),
                });
            } else if let Some(heading) = &mut open {
                heading.text.push(' ');
                heading.text.push_str(&line.text);
            }
            text.push_str(&line.text);
            index += 1;
        }
        self.close(open, lines.last().zip(deep.last().copied()));
        text
    }

    /// Writes what stands between two lines.
    fn part(&self, text: &mut String, between: Option<Between>, next: &str) {
        match between {
            None => {}
            Some(Between::Nothing) => self.join(text, next),
            Some(Between::LineEnd) => text.push('\n'),
            Some(Between::BlankLine) => text.push_str("\n\n"),
        }
    }

    /// Takes back the headings of a page.
    pub(super) fn forget(&mut self, page: u32) {
        self.found.retain(|(_, heading)| heading.page != page);
    }

    /// The headings of all pages; the largest type is the first level.
    pub(super) fn headings(self) -> Vec<Heading> {
        let ranks: BTreeSet<u32> = self.found.iter().map(|(rank, _)| *rank).collect();
        let level = |rank: u32| {
            let above = ranks
                .range(rank + 1..)
                .count()
                .min(usize::from(MAX_LEVEL) - 1);
            above as u8 + 1
        };
        let found = self.found.iter().cloned();
        found
            .map(|(rank, heading)| Heading {
                level: level(rank),
                ..heading
            })
            .collect()
    }

    fn is_heading(&self, line: &Line) -> bool {
        let letters = line.text.chars().filter(|c| c.is_alphabetic()).count();
        line.size >= self.body_size * HEADING_SIZE && letters >= 2 && !line.text.contains('\t')
    }

    /// Ends a heading, given its last line and how deep its number says it is.
    fn close(&mut self, heading: Option<Heading>, line: Option<(&Line, Option<u8>)>) {
        if let (Some(heading), Some((line, depth))) = (heading, line)
            && char_len(&heading.text) <= HEADING_CHARS
            && !is_statement(&heading.text)
        {
            // Sizes that differ by less than a point are one size, within which
            // numbers tell.
            let within = DEPTHS - u32::from(depth.unwrap_or(0));
            let size = line.size.round().min(MAX_SIZE) as u32;
            let rank = size * (DEPTHS + 1) + within;
            self.found.push((rank, heading));
        }
    }

    fn between(&self, previous: &Line, line: &Line, edge: f64, pitch: f64) -> Between {
        let size = line.size.max(previous.size);
        let other_size = (line.size - previous.size).abs() > 0.12 * size;
        let words = line.text.as_str();
        let goes_on = !ends_sentence(&previous.text) && words.starts_with(char::is_lowercase);
        let tabular = previous.text.contains('\t') || words.contains('\t');
        if line.column != previous.column {
            let joined = goes_on && !other_size && !tabular;
            return if joined {
                Between::Nothing
            } else {
                Between::BlankLine
            };
        }
        let step = previous.y - line.y;
        if other_size || step > 1.35 * pitch.max(size) || step < -0.5 * size {
            return Between::BlankLine;
        }
        if tabular || begins_item(words) {
            return Between::LineEnd;
        }
        let indented = line.left > previous.left + 0.8 * size && !begins_item(&previous.text);
        if indented && ends_sentence(&previous.text) {
            return Between::BlankLine;
        }
        let next_word = match words.starts_with(is_unspaced) {
            true => 1.0,
            false => words.split(' ').next().unwrap_or("").chars().count() as f64,
        };
        let characters = words.chars().count().max(1) as f64;
        let width = (line.right - line.left) / characters * next_word;
        let fitted = previous.right + 0.25 * size + width < edge - size;
        match fitted {
            true if ends_sentence(&previous.text) => Between::BlankLine,
            true if !goes_on => Between::LineEnd,
            _ => Between::Nothing,
        }
    }

    /// Ends a wrapped line: a space, or the hyphen of the line end taken away.
    fn join(&self, text: &mut String, next: &str) {
        if text.ends_with(is_unspaced) && next.starts_with(is_unspaced) {
            return;
        }
        let Some(stem) = text.strip_suffix(HYPHENS) else {
            text.push(' ');
            return;
        };
        let soft = text.ends_with('\u{ad}');
        let letter = |c: char| c.is_alphabetic();
        let hyphenated = stem.ends_with(letter) && next.starts_with(char::is_lowercase);
        if !hyphenated && !soft {
            if stem.ends_with(char::is_whitespace) {
                text.push(' ');
            }
            return;
        }
        let first = stem
            .rsplit(|c: char| !letter(c))
            .next()
            .unwrap_or("")
            .to_lowercase();
        let second = next
            .split(|c: char| !letter(c))
            .next()
            .unwrap_or("")
            .to_lowercase();
        let seen = |word: &String| self.words.contains(word);
        let compound = seen(&format!("{first}-{second}"))
            || (!seen(&format!("{first}{second}")) && seen(&first) && seen(&second));
        if soft || !compound {
            let kept = stem.len();
            text.truncate(kept);
        }
    }
}

/// The size of most type.
pub(super) fn body_size<'a>(pages: impl Iterator<Item = &'a [Line]>) -> f64 {
    let mut sizes: HashMap<u32, usize> = HashMap::new();
    for line in pages.flatten() {
        *sizes.entry(tenths(line.size)).or_default() += line.text.chars().count();
    }
    let most = sizes
        .into_iter()
        .max_by_key(|(size, count)| (*count, *size));
    most.map_or(0.0, |(size, _)| f64::from(size) / 10.0)
}

fn tenths(size: f64) -> u32 {
    (size * 10.0).round() as u32
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '’', ')', ']'])
        .ends_with(['.', '!', '?', ':', ';', '。', '！', '？'])
}

/// Whether a text in large type is a sentence of a text and no title.
fn is_statement(text: &str) -> bool {
    let closing = ['"', '”', '’', ')', ']'];
    char_len(text) > STATEMENT_CHARS && text.trim_end_matches(closing).ends_with('.')
}

fn begins_item(text: &str) -> bool {
    let label = text.split(' ').next().unwrap_or("");
    if label.len() == text.len() {
        return false;
    }
    let mut characters = label.chars();
    let sign = |c| {
        matches!(
            c,
            '•' | '‣' | '◦' | '▪' | '●' | '○' | '■' | '□' | '–' | '-' | '*' | 'o'
        )
    };
    if let (Some(c), None) = (characters.next(), characters.next()) {
        return sign(c);
    }
    let stem = label.trim_start_matches('(').trim_end_matches([')', '.']);
    let short = (1..=3).contains(&stem.len()) && stem.bytes().all(|b| b.is_ascii_alphanumeric());
    let digits = stem.bytes().all(|b| b.is_ascii_digit()) && stem.len() < 3;
    short && (label.ends_with(')') || (label.ends_with('.') && digits))
}

/// Where the text of each column ends at the right.
fn right_edges(lines: &[Line]) -> HashMap<u32, f64> {
    let mut edges = HashMap::new();
    for line in lines {
        let edge = edges.entry(line.column).or_insert(line.right);
        *edge = line.right.max(*edge);
    }
    edges
}

/// The usual distance of two lines.
fn pitch(lines: &[Line]) -> f64 {
    let pairs = lines.windows(2).filter_map(|pair| match pair {
        [a, b] if a.column == b.column && a.y > b.y => {
            Some(a.y - b.y).filter(|step| *step <= LARGEST_PITCH * b.size)
        }
        _ => None,
    });
    let mut steps: Vec<f64> = pairs.collect();
    steps.sort_by(f64::total_cmp);
    // Distances between paragraphs are the larger ones: the lower third is safe.
    steps.get(steps.len() / 3).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{Composer, Line};

    fn line(row: u32, text: &str) -> Line {
        Line {
            text: text.to_owned(),
            left: 50.0,
            right: 50.0 + 5.0 * text.chars().count() as f64,
            y: 700.0 - 12.0 * f64::from(row),
            size: 10.0,
            column: 1,
            turn: 0,
            bold: false,
            cells: Vec::new(),
        }
    }

    fn compose(lines: &[Line]) -> (String, Vec<crate::extract::Heading>) {
        let mut composer = Composer::new([lines].into_iter());
        let text = composer.page(1, lines);
        (text, composer.headings())
    }

    #[test]
    fn wrapped_lines_are_joined_and_their_hyphens_removed() {
        let lines = [
            line(
                0,
                "The measurement of the pressure is a long-term effort of the com-",
            ),
            line(1, "pany and its partners. It needs a long-"),
            line(2, "term view."),
        ];
        let mut lines = lines.to_vec();
        lines[1].right = lines[0].right;
        let (text, _) = compose(&lines);
        assert!(
            text.contains("the company and its partners. It needs a long-term view."),
            "{text}"
        );
    }

    #[test]
    fn lines_that_end_early_stay_lines_and_gaps_part_paragraphs() {
        let full = "This line reaches the right edge of the column as far as it can go and";
        let lines = [
            line(0, "Zone Sud"),
            line(1, "200 rue de Paris"),
            line(3, full),
            line(4, "wraps here."),
            line(5, "• an item"),
            line(6, "Label\tvalue"),
        ];
        let (text, _) = compose(&lines);
        let wanted =
            format!("Zone Sud\n200 rue de Paris\n\n{full} wraps here.\n• an item\nLabel\tvalue");
        assert_eq!(text, wanted);
    }

    #[test]
    fn wrapped_lines_of_ideographs_are_joined_without_a_space() {
        let full = "启动电机前请打开吸入阀并检查一次";
        let lines = [line(0, full), line(1, "油位。"), line(2, "每隔一天。")];
        let (text, _) = compose(&lines);
        assert_eq!(text, format!("{full}油位。\n\n每隔一天。"));
    }

    #[test]
    fn statement_in_larger_type_is_no_heading() {
        let mut lines = vec![
            line(
                0,
                "The pump was lost in what its keepers called \"bad weather of the spring.\"",
            ),
            line(2, &"Body text of the page, and enough of it. ".repeat(4)),
        ];
        lines[0].size = 14.0;
        assert_eq!(compose(&lines).1, []);
    }

    #[test]
    fn larger_type_is_a_heading_where_it_stands() {
        let mut lines = vec![
            line(0, "Größe"),
            line(2, "Body text of the page, and enough of it."),
        ];
        lines[0].size = 14.0;
        let (text, headings) = compose(&lines);
        assert_eq!(text, "Größe\n\nBody text of the page, and enough of it.");
        assert_eq!(
            (
                headings[0].start,
                headings[0].level,
                headings[0].text.as_str()
            ),
            (0, 1, "Größe")
        );
    }
}
