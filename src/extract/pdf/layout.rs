//! From characters with places to lines in reading order. Columns of prose
//! are read one after the other; the cells of a table row stay in one line,
//! with a tab between them.

use super::bidi;
use super::columns::{self, Row};
use super::glyphs::Glyph;
use std::ops::Range;

/// A wider gap than this, in parts of the type size, is a space.
const SPACE: f64 = 0.17;
/// A wider gap parts cells of a table, or a label from what it labels; with
/// white space shown in it, as in justified text, it must be wider still.
const CELL: f64 = 1.0;
const SPACED_CELL: f64 = 1.8;
/// Type below this size and this part of the usual one is not to be seen:
/// marks that a program left for itself.
const TINY: f64 = 2.0;
const TINY_PART: f64 = 0.25;
/// Columns inside columns.
const MAX_DEPTH: usize = 4;

/// A line of text in its column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) left: f64,
    pub(super) right: f64,
    /// Base line; larger is higher.
    pub(super) y: f64,
    pub(super) size: f64,
    /// Lines of one number stand in one column.
    pub(super) column: u32,
    /// Quarter turns of the text against the page.
    pub(super) turn: u8,
    /// All of it is in bold type.
    pub(super) bold: bool,
    /// Where its parts between tabs stand; nothing where that is not known.
    pub(super) cells: Vec<Range<f64>>,
}

/// The lines of a page in reading order: upright text first, then turned text.
pub(super) fn lines(glyphs: &[Glyph]) -> Vec<Line> {
    let mut out = Vec::new();
    let mut column = 0;
    let tiny = TINY.min(TINY_PART * usual_size(glyphs));
    for turn in 0..4 {
        let shown = |glyph: &&Glyph| glyph.turn == turn && glyph.size >= tiny;
        let runs = runs(glyphs.iter().filter(shown));
        let first = out.len();
        region(runs, &mut column, 0, &mut out);
        out[first..].iter_mut().for_each(|line| line.turn = turn);
        column += 1;
    }
    out
}

/// The size in the middle of all.
fn usual_size(glyphs: &[Glyph]) -> f64 {
    let mut sizes: Vec<f64> = glyphs.iter().map(|glyph| glyph.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
}

/// Characters that follow each other on one base line.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    /// White space was shown before it.
    spaced: bool,
    /// How many of its characters are in bold type.
    bold: usize,
}

fn runs<'a>(glyphs: impl Iterator<Item = &'a Glyph>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut spaced = false;
    for glyph in glyphs {
        if glyph.text.trim().is_empty() {
            spaced = true;
            continue;
        }
        let end = glyph.x + glyph.width;
        let bold = if glyph.bold {
            glyph.text.chars().count()
        } else {
            0
        };
        match runs.last_mut() {
            Some(run) if follows(run, glyph) => {
                let gap = glyph.x - run.right;
                if (spaced && gap > -SPACE * glyph.size) || gap > SPACE * glyph.size {
                    run.text.push(' ');
                }
                run.text.push_str(&seen(glyph));
                run.right = run.right.max(end);
                run.size = run.size.max(glyph.size);
                run.bold += bold;
            }
            last => {
                // White space that was shown before it may stand at its right.
                let before = last.is_none_or(|run| run.left < glyph.x);
                runs.push(Run {
                    text: seen(glyph),
                    left: glyph.x,
                    right: end,
                    y: glyph.y,
                    size: glyph.size,
                    spaced: spaced && (before || !glyph.text.contains(bidi::is_rtl)),
                    bold,
                });
            }
        }
        spaced = false;
    }
    runs
}

/// The letters of a glyph from left to right.
fn seen(glyph: &Glyph) -> String {
    match glyph.text.contains(bidi::is_rtl) {
        true => glyph.text.chars().rev().collect(),
        false => glyph.text.clone(),
    }
}

fn follows(run: &Run, glyph: &Glyph) -> bool {
    let size = run.size.max(glyph.size);
    let gap = glyph.x - run.right;
    (glyph.y - run.y).abs() < 0.1 * size && (-0.3 * size..0.7 * size).contains(&gap)
}

/// Groups runs to rows from top to bottom, each from left to right.
fn rows(mut runs: Vec<Run>) -> Vec<Vec<Run>> {
    runs.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.left.total_cmp(&b.left)));
    let mut rows: Vec<(Range<f64>, Vec<Run>)> = Vec::new();
    for run in runs {
        let height = run.y - 0.2 * run.size..run.y + 0.75 * run.size;
        let same = rows.last_mut().filter(|(row, _)| {
            let shared = row.end.min(height.end) - row.start.max(height.start);
            let smaller = (row.end - row.start).min(height.end - height.start);
            shared > 0.5 * smaller
        });
        match same {
            Some((row, members)) => {
                // A large initial must not draw the lines beside it together.
                if height.end - height.start < 1.3 * (row.end - row.start) {
                    row.start = row.start.min(height.start).max(row.end - 2.0 * run.size);
                }
                members.push(run);
            }
            None => rows.push((height, vec![run])),
        }
    }
    let members = rows.into_iter().map(|(_, mut row)| {
        row.sort_by(|a, b| a.left.total_cmp(&b.left));
        row
    });
    members.collect()
}

/// Emits the lines of a region, cut into columns where it has them.
fn region(runs: Vec<Run>, column: &mut u32, depth: usize, out: &mut Vec<Line>) {
    let rows = rows(runs).into_iter().map(|row| {
        let cells = columns::segments(&row);
        (row, cells)
    });
    let rows: Vec<Row> = rows.collect();
    let gutter = (depth < MAX_DEPTH)
        .then(|| columns::gutter(&rows))
        .flatten();
    let Some(gutter) = gutter else {
        return as_lines(rows, column, out);
    };
    let mut rows = rows.into_iter().peekable();
    while let Some(first) = rows.next() {
        let is_apart = columns::is_apart(&first.1, gutter);
        let mut band = vec![first];
        while let Some(next) =
            rows.next_if(|(_, cells)| columns::is_apart(cells, gutter) == is_apart)
        {
            band.push(next);
        }
        let end = columns::end(&band, gutter);
        if is_apart || !columns::is_prose(&band[..end], gutter) {
            as_lines(band, column, out);
            continue;
        }
        let tail = band.split_off(end);
        let runs = band.into_iter().flat_map(|(row, _)| row);
        let (left, right) = runs.partition(|run| run.right <= gutter);
        for side in in_order(left, right) {
            region(side, column, depth + 1, out);
        }
        as_lines(tail, column, out);
    }
}

/// Emits each row as a line of one column.
fn as_lines(rows: Vec<Row>, column: &mut u32, out: &mut Vec<Line>) {
    *column += 1;
    out.extend(rows.into_iter().filter_map(|(row, _)| line(row, *column)));
}

/// Two columns as they are read.
fn in_order(left: Vec<Run>, right: Vec<Run>) -> [Vec<Run>; 2] {
    let texts = left.iter().chain(&right).map(|run| run.text.as_str());
    match bidi::leans_left(&texts.collect::<String>()) {
        true => [right, left],
        false => [left, right],
    }
}

fn line(row: Vec<Run>, column: u32) -> Option<Line> {
    let mut left = row.first()?.left;
    let mut text = String::new();
    let mut right = left;
    // The size of most of its characters.
    let mut main = (0, 0.0);
    let mut y = 0.0;
    let mut bold = 0;
    let mut cells: Vec<Range<f64>> = Vec::new();
    for run in row {
        let mut is_cell = cells.is_empty();
        if !text.is_empty() {
            let gap = run.left - right;
            let cell = if run.spaced { SPACED_CELL } else { CELL };
            if gap > cell * run.size && !ends_with_currency(&text) {
                text.push('\t');
                is_cell = true;
            } else if gap > SPACE * run.size || (run.spaced && gap > -SPACE * run.size) {
                text.push(' ');
            }
        }
        text.push_str(&run.text);
        right = right.max(run.right);
        bold += run.bold;
        match cells.last_mut() {
            Some(cell) if !is_cell => cell.end = cell.end.max(run.right),
            _ => cells.push(run.left..run.right),
        }
        let characters = run.text.chars().count();
        if characters > main.0 {
            main = (characters, run.size);
            y = run.y;
        }
    }
    let text = without_leaders(&bidi::logical(&text));
    if bidi::leans_left(&text) {
        // Its end is at the left: places count from the other side.
        (left, right) = (-right, -left);
        cells.clear();
    }
    // Leaders are no borders of cells that were measured.
    if text.split('\t').count() != cells.len() {
        cells.clear();
    }
    let characters = text.chars().filter(|c| !c.is_whitespace()).count();
    (!text.trim().is_empty()).then_some(Line {
        text,
        left,
        right,
        y,
        size: main.1,
        column,
        turn: 0,
        bold: bold > 0 && bold >= characters,
        cells,
    })
}

/// A currency sign belongs to the amount far to its right.
fn ends_with_currency(text: &str) -> bool {
    text.ends_with(['$', '€', '£', '¥'])
}

/// The dots between a title and its page number become a tab.
fn without_leaders(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(['.', ' ', '\u{2026}', '\t']).len();
        let dots = rest[..run].matches(['.', '\u{2026}']).count();
        if c != ' ' && c != '\t' && dots >= 5 {
            let kept = out.trim_end().len();
            out.truncate(kept);
            out.push('\t');
            rest = &rest[run..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
