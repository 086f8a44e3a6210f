//! Finds headings that are no larger than the text below them: short lines of
//! their own in bold type, or with a number like 3.2, before text that is
//! neither. Heads of tables, labels, captions, words at the beginning of a
//! paragraph and paragraphs in bold type are none.

use super::layout::Line;

/// Lines, words and characters of a heading at most.
const MAX_LINES: usize = 2;
const MAX_WORDS: usize = 16;
const MAX_CHARS: usize = 120;
/// Characters of the text below a heading at least, unless it has another below it.
const TEXT: usize = 25;
/// Type of this size, in parts of the body's, may be a heading by being bold.
const SIZES: std::ops::Range<f64> = 0.9..1.15;
/// Among so many characters of a document in a hundred bold type says nothing.
const BOLD_SHARE: usize = 40;
/// Distance to the line before, in parts of the usual one, that parts paragraphs.
const GAP: f64 = 1.35;
/// What captions begin with, before a number.
const CAPTIONS: [&str; 10] = [
    "table",
    "figure",
    "fig",
    "tabelle",
    "abbildung",
    "abb",
    "tableau",
    "tabla",
    "figura",
    "exhibit",
];

/// What tells headings from text in one document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body {
    size: f64,
    /// Bold type is rare enough to mean something.
    bold_is_rare: bool,
}

impl Body {
    pub(super) fn of<'a>(pages: impl Iterator<Item = &'a [Line]>, size: f64) -> Self {
        let (mut all, mut bold) = (0_usize, 0_usize);
        for line in pages.flatten() {
            let characters = line.text.chars().count();
            all += characters;
            bold += if line.bold { characters } else { 0 };
        }
        Self {
            size,
            bold_is_rare: bold * 100 <= all * BOLD_SHARE,
        }
    }

    fn is_bold(&self, line: &Line) -> bool {
        self.bold_is_rare && line.bold && self.has_size(line)
    }

    fn has_size(&self, line: &Line) -> bool {
        self.size > 0.0 && SIZES.contains(&(line.size / self.size))
    }
}

/// For each line of a page that belongs to such a heading, how deep it is by its
/// number: 1 for one without.
pub(super) fn found(lines: &[Line], body: Body, pitch: f64) -> Vec<Option<u8>> {
    let mut found = vec![None; lines.len()];
    // From the end: what follows a heading may be another.
    let mut end = lines.len();
    while end > 0 {
        let start = block(&lines[..end], body, pitch);
        let follows = lines.get(end).map(|next| (next, found[end].is_some()));
        let above = start.checked_sub(1).map(|at| &lines[at]);
        let depth = depth(&lines[start..end], above, follows, body, pitch);
        found[start..end].fill(depth);
        end = start;
    }
    found
}

/// Where the last block of lines begins: bold ones that belong together, or one line.
fn block(lines: &[Line], body: Body, pitch: f64) -> usize {
    let mut start = lines.len() - 1;
    while let Some(above) = start.checked_sub(1) {
        let (first, line) = (&lines[above], &lines[start]);
        let together = body.is_bold(first)
            && body.is_bold(line)
            && is_next(first, line, pitch)
            && number(&line.text).is_none();
        if !together {
            break;
        }
        start = above;
    }
    start
}

/// Whether a line follows another without a gap.
fn is_next(first: &Line, line: &Line, pitch: f64) -> bool {
    let step = first.y - line.y;
    first.column == line.column && step > 0.0 && step <= GAP * pitch.max(line.size)
}

fn depth(
    block: &[Line],
    above: Option<&Line>,
    follows: Option<(&Line, bool)>,
    body: Body,
    pitch: f64,
) -> Option<u8> {
    let (first, last) = (block.first()?, block.last()?);
    let (next, is_heading) = follows?;
    let number = number(&first.text);
    let (title, depth) = number.map_or((first.text.as_str(), 0), |(depth, rest)| (rest, depth));
    let has_cells = |line: &Line| line.text.contains('\t');
    let beside_cells = above.is_some_and(|above| has_cells(above) && is_next(above, first, pitch));
    let is_text = next.text.chars().count() >= TEXT && !has_cells(next) && !body.is_bold(next);
    let leads = is_heading || is_text || (number.is_some() && has_cells(next));
    let stands_out = match body.is_bold(first) {
        true => !beside_cells,
        // Without bold type it takes a number of parts and space on both sides.
        false => {
            let apart = |above: &Line, line: &Line| {
                above.column != line.column || above.y - line.y > GAP * pitch.max(line.size)
            };
            depth > 1
                && body.has_size(first)
                && above.is_none_or(|above| apart(above, first))
                && apart(last, next)
        }
    };
    let short = block.len() <= MAX_LINES && is_short(block);
    let is_title =
        begins_title(title) && !ends_text(&last.text) && !block.iter().skip(1).any(has_cells);
    (stands_out && leads && short && is_title && !is_caption(title)).then_some(depth.max(1))
}

fn is_short(block: &[Line]) -> bool {
    let words: usize = block
        .iter()
        .map(|line| line.text.split_whitespace().count())
        .sum();
    let characters: usize = block.iter().map(|line| line.text.chars().count()).sum();
    words <= MAX_WORDS && characters <= MAX_CHARS
}

fn begins_title(title: &str) -> bool {
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    let begins = title
        .chars()
        .next()
        .is_some_and(|c| !c.is_lowercase() && !is_bullet(c));
    letters >= 2 && begins && !title.contains('\t')
}

fn is_bullet(c: char) -> bool {
    matches!(
        c,
        '•' | '‣' | '◦' | '▪' | '●' | '○' | '■' | '□' | '–' | '-' | '*' | '\u{e000}'..='\u{f8ff}'
    )
}

fn ends_text(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '”', '’', '\'', ')', ']', '»']);
    text.ends_with([
        '.', ',', ';', ':', '-', '\u{ad}', '。', '，', '、', '；', '：',
    ])
}

fn is_caption(title: &str) -> bool {
    let mut words = title.split_whitespace();
    let first = words
        .next()
        .unwrap_or("")
        .trim_end_matches('.')
        .to_lowercase();
    let second = words.next().unwrap_or("");
    CAPTIONS.contains(&first.as_str()) && second.starts_with(|c: char| c.is_ascii_digit())
}

/// The parts of the number that a title begins with, and the title: `3.2`, `4.`,
/// `A.1`, `12`.
fn number(text: &str) -> Option<(u8, &str)> {
    let (label, rest) = text.split_once([' ', '\t'])?;
    let stem = label.strip_suffix('.').unwrap_or(label);
    let parts = stem.split('.').count();
    let digits =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let letter = |part: &str| part.len() == 1 && part.bytes().all(|b| b.is_ascii_uppercase());
    let fits = stem.split('.').enumerate().all(|(at, part)| {
        digits(part) || (at == 0 && letter(part) && (parts > 1 || stem.len() < label.len()))
    });
    (fits && parts <= 5).then_some((parts as u8, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::{Body, Line, found, number};

    const TEXT: &str = "The pressure was measured at every pump of the station,";

    /// Lines of text; `*` before one makes it bold, `^` leaves a gap above it.
    fn lines(source: &[&str]) -> Vec<Line> {
        let mut y = 800.0;
        let line = |source: &&str| {
            let text = source.trim_start_matches(['*', '^']);
            let marks = &source[..source.len() - text.len()];
            y -= if marks.contains('^') { 24.0 } else { 12.0 };
            Line {
                text: text.to_owned(),
                left: 50.0,
                right: 50.0 + 5.0 * text.chars().count() as f64,
                y,
                size: 10.0,
                column: 1,
                turn: 0,
                bold: marks.contains('*'),
                cells: Vec::new(),
            }
        };
        source.iter().map(line).collect()
    }

    fn headings<'a>(source: &[&'a str]) -> Vec<(&'a str, u8)> {
        let lines = lines(source);
        // Most of a document is not in bold type.
        let body = Body {
            size: 10.0,
            bold_is_rare: true,
        };
        let found = found(&lines, body, 12.0);
        let named = source.iter().zip(found);
        named
            .filter_map(|(text, depth)| Some((text.trim_start_matches(['*', '^']), depth?)))
            .collect()
    }

    #[test]
    fn bold_lines_of_their_own_before_text_are_headings() {
        let source = [
            "*^3 Results",
            "*^3.2 Pressure",
            TEXT,
            "as the table says.",
            "*^Outlook",
            TEXT,
        ];
        let wanted = [("3 Results", 1), ("3.2 Pressure", 2), ("Outlook", 1)];
        assert_eq!(headings(&source), wanted);
        let wrapped = [
            "*Of the pressure at the pumps and",
            "*of what it says",
            TEXT,
        ];
        assert_eq!(headings(&wrapped).len(), 2);
    }

    #[test]
    fn bold_paragraphs_labels_captions_and_heads_of_tables_are_none() {
        for source in [
            [
                "*Whoever enters the station wears",
                "*a helmet and a lamp, and tells",
                "*the control room",
                TEXT,
            ]
            .as_slice(),
            &["*Read the manual before you start.", TEXT],
            &["*It was lost in \"bad weather.\"", TEXT],
            &["*Warning:", TEXT],
            &["*Table 3 Pressures of all pumps", TEXT],
            &["*Part\tPrice\tStock", "P-40\t118\t12"],
            &["*Unit price", "P-40\t118\t12"],
            &["Part\tPrice", "*Sum of all parts", TEXT],
            &["*Name", "Ann Lee"],
            &["*• An item of a list", TEXT],
            &["*The last line of a page"],
            &["3.2 Pressure", TEXT],
        ] {
            assert_eq!(headings(source), [], "{source:?}");
        }
    }

    #[test]
    fn number_of_parts_and_space_make_a_heading_without_bold_type() {
        let source = [
            TEXT,
            "^3.2 Pressure",
            "^The pressure was measured at every pump.",
        ];
        assert_eq!(headings(&source), [("3.2 Pressure", 2)]);
        assert_eq!(
            headings(&[
                TEXT,
                "^3. Close the valve",
                "^The pressure was measured at last."
            ]),
            []
        );
    }

    #[test]
    fn bold_type_says_nothing_where_most_is_bold() {
        let source = lines(&[
            "*Outlook",
            TEXT,
            "*The pressure was measured at every pump of it.",
        ]);
        let body = Body::of([source.as_slice()].into_iter(), 10.0);
        assert!(!body.bold_is_rare);
    }

    #[test]
    fn numbers_of_sections_are_told_from_words() {
        assert_eq!(number("3.2 Results"), Some((2, "Results")));
        assert_eq!(number("A.1. Terms"), Some((2, "Terms")));
        assert_eq!(number("A. Terms"), Some((1, "Terms")));
        for text in [
            "A new method",
            "1998 was dry",
            "3.2",
            "P-40 pump",
            "3,2 bar",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
