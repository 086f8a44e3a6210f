//! From characters with places to lines in reading order. Columns of prose
//! are read one after the other; the cells of a table row stay in one line,
//! with a tab between them.

use super::glyphs::Glyph;
use std::ops::Range;

/// A wider gap than this, in parts of the type size, is a space.
const SPACE: f64 = 0.17;
/// A wider gap parts cells of a table, or a label from what it labels; with
/// white space shown in it, as in justified text, it must be wider still.
const CELL: f64 = 1.0;
const SPACED_CELL: f64 = 1.8;
/// Width of the strips in which columns are looked for, in points.
const STRIP: f64 = 2.0;
/// Mean characters of a line, above which a column holds prose.
const PROSE: usize = 18;
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
}

/// The lines of a page in reading order: upright text first, then turned text.
pub(super) fn lines(glyphs: &[Glyph]) -> Vec<Line> {
    let mut out = Vec::new();
    let mut column = 0;
    for turn in 0..4 {
        let runs = runs(glyphs.iter().filter(|glyph| glyph.turn == turn));
        region(runs, &mut column, 0, &mut out);
        column += 1;
    }
    out
}

/// Characters that follow each other on one base line.
#[derive(Debug, Clone)]
struct Run {
    text: String,
    left: f64,
    right: f64,
    y: f64,
    size: f64,
    /// White space was shown before it.
    spaced: bool,
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
        match runs.last_mut() {
            Some(run) if follows(run, glyph) => {
                let gap = glyph.x - run.right;
                if (spaced && gap > -SPACE * glyph.size) || gap > SPACE * glyph.size {
                    run.text.push(' ');
                }
                run.text.push_str(&glyph.text);
                run.right = run.right.max(end);
                run.size = run.size.max(glyph.size);
            }
            _ => runs.push(Run {
                text: glyph.text.clone(),
                left: glyph.x,
                right: end,
                y: glyph.y,
                size: glyph.size,
                spaced,
            }),
        }
        spaced = false;
    }
    runs
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

/// Part of a row without wide gaps.
struct Segment {
    left: f64,
    right: f64,
    characters: usize,
}

fn segments(row: &[Run]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for run in row {
        let characters = run.text.chars().count();
        match segments.last_mut() {
            Some(last) if run.left - last.right < run.size => {
                last.right = last.right.max(run.right);
                last.characters += characters + 1;
            }
            _ => segments.push(Segment {
                left: run.left,
                right: run.right,
                characters,
            }),
        }
    }
    segments
}

/// Emits the lines of a region, cut into columns where it has them.
fn region(runs: Vec<Run>, column: &mut u32, depth: usize, out: &mut Vec<Line>) {
    let rows = rows(runs);
    let cut: Vec<Vec<Segment>> = rows.iter().map(|row| segments(row)).collect();
    let gutter = (depth < MAX_DEPTH).then(|| gutter(&cut)).flatten();
    let Some(gutter) = gutter else {
        *column += 1;
        out.extend(rows.into_iter().filter_map(|row| line(row, *column)));
        return;
    };
    let crosses = |row: &[Segment]| row.iter().any(|s| s.left < gutter && s.right > gutter);
    let mut rows = rows.into_iter().zip(cut).peekable();
    while let Some((row, cells)) = rows.next() {
        let crossing = crosses(&cells);
        let mut band = vec![(row, cells)];
        while let Some(next) = rows.next_if(|(_, cells)| crosses(cells) == crossing) {
            band.push(next);
        }
        let columns = !crossing && is_prose(band.iter().map(|(_, cells)| cells.as_slice()), gutter);
        let runs = band.into_iter().map(|(row, _)| row);
        if columns {
            let (left, right) = runs.flatten().partition(|run| run.right <= gutter);
            region(left, column, depth + 1, out);
            region(right, column, depth + 1, out);
        } else {
            *column += 1;
            out.extend(runs.filter_map(|row| line(row, *column)));
        }
    }
}

/// The place of a white strip down the middle, crossed by few lines only.
fn gutter(rows: &[Vec<Segment>]) -> Option<f64> {
    let all = || rows.iter().flatten();
    let left = all().map(|s| s.left).min_by(f64::total_cmp)?;
    let right = all().map(|s| s.right).max_by(f64::total_cmp)?;
    let count = ((right - left) / STRIP) as usize;
    if rows.len() < 6 || !(40..4000).contains(&count) {
        return None;
    }
    let mut cover = vec![0_usize; count + 1];
    for segment in all() {
        let first = ((segment.left - left) / STRIP) as usize;
        let last = ((segment.right - left) / STRIP) as usize;
        cover[first.min(count)..=last.min(count)]
            .iter_mut()
            .for_each(|strip| *strip += 1);
    }
    let middle = count / 5..count * 4 / 5;
    let least = cover[middle.clone()].iter().copied().min()?;
    let start = middle.clone().find(|at| cover[*at] == least)?;
    let length = cover[start..].iter().take_while(|c| **c == least).count();
    let most = |side: &[usize]| side.iter().copied().max().unwrap_or(0);
    let beside = most(&cover[..start]).min(most(&cover[start + length..]));
    let found = length >= 2 && beside >= 5 && least * 10 <= beside * 4;
    found.then(|| left + (start as f64 + length as f64 / 2.0) * STRIP)
}

/// Whether both sides hold running text: lines long enough, hardly any cells.
fn is_prose<'a>(rows: impl Iterator<Item = &'a [Segment]>, gutter: f64) -> bool {
    // Rows with text, segments, characters; left and right.
    let mut sides = [(0_usize, 0_usize, 0_usize); 2];
    for row in rows {
        for side in [0, 1] {
            let here = |s: &&Segment| usize::from(s.left > gutter) == side;
            let count = row.iter().filter(here).count();
            if count > 0 {
                sides[side].0 += 1;
                sides[side].1 += count;
                sides[side].2 += row.iter().filter(here).map(|s| s.characters).sum::<usize>();
            }
        }
    }
    sides.iter().all(|(rows, segments, characters)| {
        *rows >= 3 && segments * 10 <= rows * 14 && characters / rows >= PROSE
    })
}

fn line(row: Vec<Run>, column: u32) -> Option<Line> {
    let left = row.first()?.left;
    let mut text = String::new();
    let mut right = left;
    // The size of most of its characters.
    let mut main = (0, 0.0);
    let mut y = 0.0;
    for run in row {
        if !text.is_empty() {
            let gap = run.left - right;
            let cell = if run.spaced { SPACED_CELL } else { CELL };
            if gap > cell * run.size && !ends_with_currency(&text) {
                text.push('\t');
            } else if gap > SPACE * run.size || (run.spaced && gap > -SPACE * run.size) {
                text.push(' ');
            }
        }
        text.push_str(&run.text);
        right = right.max(run.right);
        let characters = run.text.chars().count();
        if characters > main.0 {
            main = (characters, run.size);
            y = run.y;
        }
    }
    let text = without_leaders(&text);
    (!text.trim().is_empty()).then_some(Line {
        text,
        left,
        right,
        y,
        size: main.1,
        column,
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
mod tests {
    use super::{lines, without_leaders};
    use crate::extract::pdf::glyphs::Glyph;

    fn write(glyphs: &mut Vec<Glyph>, x: f64, y: f64, text: &str) {
        for (index, c) in text.chars().enumerate() {
            glyphs.push(Glyph {
                text: c.to_string(),
                x: x + 5.0 * index as f64,
                y,
                width: 5.0,
                size: 10.0,
                turn: 0,
            });
        }
    }

    fn texts(glyphs: &[Glyph]) -> Vec<String> {
        lines(glyphs).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn columns_of_prose_are_read_one_after_the_other() {
        let mut glyphs = Vec::new();
        write(
            &mut glyphs,
            50.0,
            700.0,
            &"a title over both columns ".repeat(3),
        );
        for row in 0..8 {
            let y = 680.0 - 12.0 * f64::from(row);
            write(
                &mut glyphs,
                50.0,
                y,
                &format!("left column line number {row} here"),
            );
            write(
                &mut glyphs,
                300.0,
                y - 3.0,
                &format!("right column line number {row}"),
            );
        }
        let read = texts(&glyphs);
        assert_eq!(read.len(), 17);
        assert!(read[1..9].iter().all(|line| line.starts_with("left")));
        assert!(read[9..].iter().all(|line| line.starts_with("right")));
    }

    #[test]
    fn rows_of_a_table_stay_together() {
        let mut glyphs = Vec::new();
        for row in 0..8 {
            let y = 680.0 - 12.0 * f64::from(row);
            write(&mut glyphs, 50.0, y, &format!("Expense number {row}"));
            write(&mut glyphs, 300.0, y, "$");
            write(&mut glyphs, 340.0, y, "1,200");
            write(&mut glyphs, 400.0, y, "(3)");
        }
        assert_eq!(texts(&glyphs)[2], "Expense number 2\t$ 1,200\t(3)");
    }

    #[test]
    fn leaders_of_a_table_of_contents_become_a_tab() {
        assert_eq!(
            without_leaders("1.2. Access ........... 23"),
            "1.2. Access\t23"
        );
        assert_eq!(
            without_leaders("and so on... He left."),
            "and so on... He left."
        );
    }

    #[test]
    fn raised_characters_stay_in_their_line() {
        let mut glyphs = Vec::new();
        write(&mut glyphs, 50.0, 700.0, "water");
        glyphs.push(Glyph {
            text: "2".into(),
            x: 75.5,
            y: 703.5,
            width: 3.0,
            size: 6.0,
            turn: 0,
        });
        write(&mut glyphs, 84.0, 700.0, "flows");
        assert_eq!(texts(&glyphs), ["water2 flows"]);
    }
}
