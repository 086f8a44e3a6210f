//! Finds tables with names of columns among the lines of a page, and writes their
//! rows like those of every other format: each value after its column's name.
//! A table in which any cell is in doubt stays as its lines are.

use super::layout::Line;
use crate::extract::table::{self, Row};
use std::ops::Range;

/// Rows below the names; fewer say too little, unless the names are in bold type.
const ROWS: usize = 2;
/// The same for two columns, which a list of labels has, too.
const ROWS_OF_TWO: usize = 3;
/// Columns and rows of a table at most.
const MAX_COLUMNS: usize = 40;
const MAX_ROWS: usize = 300;
/// Distance of two rows, in parts of their type's size.
const STEP: f64 = 3.2;
/// Lines of one cell are less far from each other than this part of the largest
/// distance of two rows.
const CLOSE: f64 = 0.9;
/// Distance of the lines of one cell, in parts of their type's size.
const CELL_STEP: f64 = 1.6;
/// Cells that overlap by less stand in columns of their own, in points.
const TOUCH: f64 = 0.5;

/// A table at the beginning of some lines.
pub(super) struct Table {
    /// Its rows, as they are to be read.
    pub(super) rows: Vec<String>,
    /// How many lines it is made of.
    pub(super) lines: usize,
}

/// The table that begins with the first line, if one does.
pub(super) fn at(lines: &[Line]) -> Option<Table> {
    let count = length(lines);
    let lines = &lines[..count];
    let (head, below) = lines.split_first()?;
    if below.is_empty() || head.text.contains(":\t") || head.text.ends_with(':') {
        return None;
    }
    let columns = columns(lines)?;
    let named = cells(head, &columns.all)?;
    let names: Row = columns.joined(named)?;
    let steps = lines.windows(2).map(|pair| pair[0].y - pair[1].y);
    let widest = steps.fold(0.0, f64::max);
    let mut rows: Vec<Row> = Vec::new();
    for (line, above) in below.iter().zip(lines) {
        let row = columns.joined(cells(line, &columns.all)?)?;
        let is_close = above.y - line.y < CLOSE * widest;
        match rows.last_mut() {
            Some(last) if goes_on(&row, is_close) => extend(last, row),
            _ => rows.push(row),
        }
    }
    let is_bold = head.bold && !below.iter().all(|line| line.bold);
    if !are_rows_of(&names, &rows, is_bold) {
        return None;
    }
    Some(Table {
        rows: rows.iter().map(|row| written(&names, row)).collect(),
        lines: count,
    })
}

/// Whether a line goes on with the rows of the line above it.
pub(super) fn is_row_above(above: &Line, line: &Line) -> bool {
    above.text.contains('\t') && is_near(above, line)
}

fn is_near(above: &Line, line: &Line) -> bool {
    let step = above.y - line.y;
    let same = line.column == above.column && line.turn == above.turn;
    same && step > 0.0 && step < STEP * line.size.max(above.size)
}

/// How many lines from the first on may belong to one table.
fn length(lines: &[Line]) -> usize {
    let Some(head) = lines.first().filter(|line| line.cells.len() > 1) else {
        return 0;
    };
    let mut count = 1;
    for (at, pair) in lines.windows(2).enumerate().take(MAX_ROWS) {
        let [above, line] = pair else { break };
        let step = above.y - line.y;
        // A line of one part is a label or the rest of a cell above it, and
        // belongs to the table only if a row follows.
        let width = head.cells.last().map_or(0.0, |cell| cell.end) - head.left;
        let narrow = line.right - line.left < 0.5 * width;
        match line.cells.len() {
            _ if !is_near(above, line) => break,
            0 => break,
            1 if !narrow => break,
            1 if line.left > head.cells[0].end && step < CELL_STEP * line.size => count = at + 2,
            1 => {}
            _ => count = at + 2,
        }
    }
    count
}

/// The columns of a table.
struct Columns {
    /// Where the cells of each stand, from left to right.
    all: Vec<Range<f64>>,
    /// The one in whose place it counts: names and numbers that are aligned at
    /// different sides do not stand below each other.
    merged: Vec<usize>,
}

impl Columns {
    /// The cells by the columns that count; nothing if two fall into one.
    fn joined(&self, cells: Vec<(usize, &str)>) -> Option<Row> {
        let count = self.merged.last().map_or(0, |last| last + 1);
        let mut row = vec![String::new(); count];
        for (column, text) in cells {
            let cell = row.get_mut(*self.merged.get(column)?)?;
            if !cell.is_empty() {
                return None;
            }
            *cell = table::cell(text);
        }
        Some(row)
    }
}

/// The columns in which the cells of all lines stand below each other.
fn columns(lines: &[Line]) -> Option<Columns> {
    let mut cells: Vec<Range<f64>> = lines.iter().flat_map(|line| line.cells.clone()).collect();
    cells.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut all: Vec<Range<f64>> = Vec::new();
    for cell in cells {
        match all.last_mut() {
            Some(last) if cell.start < last.end - TOUCH => last.end = last.end.max(cell.end),
            _ => all.push(cell),
        }
    }
    if !(2..=MAX_COLUMNS).contains(&all.len()) {
        return None;
    }
    let (head, below) = lines.split_first()?;
    let used = |line: &Line, column: &Range<f64>| line.cells.iter().any(|cell| is_in(cell, column));
    let named: Vec<bool> = all.iter().map(|column| used(head, column)).collect();
    let filled: Vec<bool> = all
        .iter()
        .map(|column| below.iter().any(|line| used(line, column)))
        .collect();
    let mut merged = Vec::with_capacity(all.len());
    let mut next = 0;
    for at in 0..all.len() {
        let is_half = |at: usize| named[at] != filled[at];
        // A name alone and values alone beside each other are one column.
        let joins = at > 0
            && is_half(at)
            && is_half(at - 1)
            && named[at] != named[at - 1]
            && (at < 2 || merged[at - 1] != merged[at - 2]);
        // What stands left of all names says what the rows are of.
        let labels = at == 1 && !named[0];
        next += usize::from(at > 0 && (!joins || labels));
        merged.push(next);
    }
    // With a column that has a name and no values, others may have the wrong name.
    let is_alone = |at: usize| merged.iter().filter(|other| **other == merged[at]).count() == 1;
    let empty = (0..all.len()).any(|at| named[at] && !filled[at] && is_alone(at));
    let is_certain = !empty || next + 1 == all.len();
    is_certain.then_some(Columns { all, merged })
}

fn is_in(cell: &Range<f64>, column: &Range<f64>) -> bool {
    cell.start >= column.start && cell.end <= column.end
}

/// The parts of a line with their columns.
fn cells<'a>(line: &'a Line, columns: &[Range<f64>]) -> Option<Vec<(usize, &'a str)>> {
    let parts = line.text.split('\t').zip(&line.cells);
    let placed = parts.map(|(text, cell)| {
        let column = columns.iter().position(|column| is_in(cell, column))?;
        Some((column, text))
    });
    placed.collect()
}

/// Whether a line is the rest of cells that were broken: it has no first cell, and
/// is closer to the line above it than rows are, or has one cell alone.
fn goes_on(row: &Row, is_close: bool) -> bool {
    let filled: Vec<&String> = row.iter().filter(|cell| !cell.is_empty()).collect();
    let is_text = filled.iter().all(|cell| !table::is_value(cell));
    row[0].is_empty() && is_text && (is_close || filled.len() == 1)
}

fn extend(row: &mut Row, rest: Row) {
    for (cell, more) in row.iter_mut().zip(rest) {
        if !cell.is_empty() && !more.is_empty() {
            cell.push(' ');
        }
        cell.push_str(&more);
    }
}

/// Whether the names are those of the rows' columns. A page does not say so: there
/// must be numbers below words, and two columns, which lists beside each other and
/// labels have as well, must have nothing but numbers, or names in bold type.
fn are_rows_of(names: &Row, rows: &[Row], is_bold: bool) -> bool {
    let all: Vec<Row> = std::iter::once(names).chain(rows).cloned().collect();
    let unnamed = names.iter().skip(1).any(String::is_empty);
    if unnamed || !are_words(names) || table::header(&all) != Some(0) {
        return false;
    }
    let labels = rows.iter().filter(|row| row[0].ends_with(':')).count();
    let values = |column: usize| {
        let cells = rows.iter().map(|row| row[column].as_str());
        let filled: Vec<&str> = cells.filter(|cell| !cell.is_empty()).collect();
        let values = filled.iter().filter(|cell| table::is_value(cell)).count();
        (values, filled.len())
    };
    let is_valued = |column: usize| {
        let (values, filled) = values(column);
        values > 0 && values * 10 >= filled * 6
    };
    let told = match (names.len(), is_bold) {
        (2, true) => is_valued(0) || is_valued(1),
        (2, false) => rows.len() >= ROWS_OF_TWO && values(1).0 == rows.len() && values(0).0 == 0,
        (_, true) => true,
        (_, false) => rows.len() >= ROWS && (1..names.len()).any(is_valued),
    };
    labels * 2 < rows.len() && told
}

/// Whether all names have letters or are times, and begin alike: one in lower
/// case beside others is the rest of a sentence.
fn are_words(names: &Row) -> bool {
    let filled = || names.iter().filter(|name| !name.is_empty());
    let begins = |test: fn(char) -> bool| filled().any(|name| name.starts_with(test));
    let mixed = begins(char::is_uppercase) && begins(char::is_lowercase);
    !mixed && filled().all(|name| name.contains(char::is_alphanumeric))
}

/// A row as a line; a label above other rows stays as it is.
fn written(names: &Row, row: &Row) -> String {
    match row.iter().skip(1).all(String::is_empty) {
        true => row[0].clone(),
        false => table::record(names, row),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, at};

    /// A line whose parts begin at the given places.
    fn line(row: u32, bold: bool, parts: &[(f64, &str)]) -> Line {
        let width = |text: &str| 5.0 * text.chars().count() as f64;
        let texts: Vec<&str> = parts.iter().map(|(_, text)| *text).collect();
        let cells: Vec<_> = parts.iter().map(|(x, text)| *x..x + width(text)).collect();
        Line {
            text: texts.join("\t"),
            left: cells[0].start,
            right: cells[cells.len() - 1].end,
            y: 700.0 - 14.0 * f64::from(row),
            size: 10.0,
            column: 1,
            turn: 0,
            bold,
            cells,
        }
    }

    fn rows(lines: &[Line]) -> Option<(Vec<String>, usize)> {
        at(lines).map(|table| (table.rows, table.lines))
    }

    #[test]
    fn rows_carry_the_names_of_their_columns_and_empty_cells_stay_empty() {
        let lines = [
            line(
                0,
                false,
                &[
                    (50.0, "Part"),
                    (150.0, "Supplier"),
                    (300.0, "Price"),
                    (400.0, "Stock"),
                ],
            ),
            line(
                1,
                false,
                &[
                    (50.0, "P-40"),
                    (150.0, "Hydra"),
                    (310.0, "118"),
                    (415.0, "12"),
                ],
            ),
            line(2, false, &[(50.0, "P-41"), (315.0, "90"), (420.0, "3")]),
            line(
                3,
                false,
                &[(50.0, "What follows the table is a line of text.")],
            ),
        ];
        let wanted = [
            "Part: P-40;\tSupplier: Hydra;\tPrice: 118;\tStock: 12",
            "Part: P-41;\tPrice: 90;\tStock: 3",
        ];
        assert_eq!(rows(&lines), Some((wanted.map(str::to_owned).to_vec(), 3)));
    }

    #[test]
    fn broken_cells_are_put_together_and_names_may_be_aligned_otherwise() {
        let lines = [
            line(
                0,
                true,
                &[(50.0, "Pump"), (150.0, "Supplier"), (300.0, "Bar")],
            ),
            line(1, false, &[(50.0, "P-40"), (150.0, "Hydra"), (340.0, "16")]),
            line(2, false, &[(150.0, "GmbH")]),
            line(
                3,
                false,
                &[(50.0, "P-41"), (150.0, "Sealtec"), (340.0, "25")],
            ),
        ];
        let (rows, count) = rows(&lines).unwrap();
        assert_eq!(
            rows,
            [
                "Pump: P-40;\tSupplier: Hydra GmbH;\tBar: 16",
                "Pump: P-41;\tSupplier: Sealtec;\tBar: 25"
            ]
        );
        assert_eq!(count, 4);
    }

    #[test]
    fn times_name_columns_of_numbers_that_labels_stand_beside() {
        let lines = [
            line(
                0,
                false,
                &[(200.0, "Oct 29, 2023"), (300.0, "Oct 30, 2022")],
            ),
            line(
                1,
                false,
                &[(50.0, "Revenue"), (210.0, "$ 18,120"), (310.0, "$ 5,931")],
            ),
            line(
                2,
                false,
                &[(50.0, "Cost"), (215.0, "4,720"), (315.0, "2,754")],
            ),
        ];
        let (rows, _) = rows(&lines).unwrap();
        assert_eq!(rows[1], "Cost;\tOct 29, 2023: 4,720;\tOct 30, 2022: 2,754");
    }

    #[test]
    fn labels_with_what_they_label_are_no_table() {
        let form = [
            line(0, false, &[(50.0, "Mission"), (200.0, "Training")]),
            line(1, false, &[(50.0, "Aircraft"), (200.0, "Reims F172")]),
            line(2, false, &[(50.0, "Injuries"), (200.0, "2")]),
        ];
        assert_eq!(rows(&form), None);
        let lists = [
            line(0, true, &[(50.0, "Families"), (200.0, "Offices")]),
            line(1, false, &[(50.0, "Children"), (200.0, "Lyon")]),
            line(2, false, &[(50.0, "Parents"), (200.0, "Grenn")]),
        ];
        assert_eq!(rows(&lists), None);
        let balance = [
            line(
                0,
                false,
                &[(50.0, "Preferred stock"), (200.0, "—"), (300.0, "—")],
            ),
            line(
                1,
                false,
                &[(50.0, "Common stock"), (200.0, "2"), (300.0, "2")],
            ),
            line(
                2,
                false,
                &[(50.0, "Retained"), (200.0, "12"), (300.0, "11")],
            ),
        ];
        assert_eq!(rows(&balance), None);
        let form = [
            line(
                0,
                false,
                &[(50.0, "Mission:"), (200.0, "Training"), (300.0, "Fee")],
            ),
            line(
                1,
                false,
                &[(50.0, "Aircraft:"), (200.0, "Reims"), (300.0, "12")],
            ),
            line(
                2,
                false,
                &[(50.0, "Injuries:"), (200.0, "None"), (300.0, "13")],
            ),
        ];
        assert_eq!(rows(&form), None);
    }

    #[test]
    fn names_over_several_columns_leave_the_table_as_it_is() {
        let lines = [
            line(
                0,
                true,
                &[(50.0, "Item"), (200.0, "Three months ended this year")],
            ),
            line(
                1,
                false,
                &[(50.0, "Revenue"), (200.0, "18,120"), (300.0, "5,931")],
            ),
            line(
                2,
                false,
                &[(50.0, "Cost"), (200.0, "4,720"), (300.0, "2,754")],
            ),
        ];
        assert_eq!(rows(&lines), None);
    }
}
