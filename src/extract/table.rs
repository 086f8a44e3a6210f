//! Tables as text. Each row becomes a line that can be answered from alone:
//! every value with its column's name before it. Cells are divided by tabs, by
//! which sentences and quotes know a row.

use super::xml::one_line;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// Length from which the cells of a row go on in another line, in bytes.
const LONG_LINE: usize = 500;
/// Longest text that names a column, in characters.
const LONGEST_NAME: usize = 80;
/// Rows of titles and notes above the names of the columns, at most.
const ROWS_ABOVE: usize = 8;

/// A row of cells; an empty text is an empty cell.
pub(super) type Row = Vec<String>;

/// A cell's text as it stands in a row.
pub(super) fn cell(text: &str) -> String {
    one_line(text)
}

/// The lines of a table whose blocks may be divided by empty rows.
pub(super) fn lines(rows: &[Row]) -> Vec<String> {
    let mut found = Vec::new();
    let mut names: Option<&Row> = None;
    let is_empty = |row: &Row| row.iter().all(String::is_empty);
    for block in rows.split(is_empty).filter(|block| !block.is_empty()) {
        if !found.is_empty() {
            found.push(String::new());
        }
        let start = match header(block) {
            Some(at) => {
                found.extend(block[..at].iter().map(|row| bare(row)));
                names = Some(&block[at]);
                at + 1
            }
            None => 0,
        };
        // A block without names goes on with those above if it has their columns.
        let fits = |names: &&Row| block.iter().all(|row| row.len() <= names.len());
        let named = names.filter(|names| start > 0 || fits(names));
        let first = found.len();
        for row in block[start..].iter().filter(|row| !is_empty(row)) {
            match named {
                Some(names) => found.push(record(names, row)),
                None => found.push(bare(row)),
            }
        }
        if found.len() == first {
            found.extend(named.map(|names| bare(names)));
        }
    }
    found
}

/// Which row names the columns: the first with more than one cell, if all of
/// its cells look like names and not like values.
pub(super) fn header(rows: &[Row]) -> Option<usize> {
    let filled = |row: &Row| row.iter().filter(|cell| !cell.is_empty()).count();
    let at = rows
        .iter()
        .take(ROWS_ABOVE)
        .position(|row| filled(row) > 1)?;
    let names = &rows[at];
    let used: BTreeSet<usize> = rows[at + 1..]
        .iter()
        .flat_map(|row| (0..row.len()).filter(|column| !row[*column].is_empty()))
        .collect();
    let named = used
        .iter()
        .filter(|column| names.get(**column).is_some_and(|name| !name.is_empty()));
    let enough = !used.is_empty() && named.count() * 2 >= used.len();
    (enough && are_names(names)).then_some(at)
}

/// Whether cells can be the names of columns: short, different, not numbers.
/// Years are names where there is more than one.
pub(super) fn are_names(cells: &[String]) -> bool {
    let filled = || cells.iter().filter(|cell| !cell.is_empty());
    let distinct: HashSet<String> = filled().map(|cell| cell.to_lowercase()).collect();
    let short = filled().all(|cell| cell.chars().count() <= LONGEST_NAME);
    let years = filled().filter(|cell| is_year(cell)).count();
    let values = filled().any(|cell| is_value(cell) && !is_year(cell));
    let words = filled().any(|cell| !is_value(cell));
    // Merged cells repeat their name.
    let different = distinct.len() * 2 > filled().count();
    short && different && words && !values && years != 1
}

fn is_year(cell: &str) -> bool {
    cell.len() == 4
        && cell
            .parse()
            .is_ok_and(|year: u16| (1900..2100).contains(&year))
}

/// Numbers, amounts, dates, times, yes and no.
fn is_value(cell: &str) -> bool {
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let truth = ["true", "false", "yes", "no", "n/a"];
    (digits > 0 && letters <= digits && letters <= 3)
        || truth.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// A row whose columns have no names. One text in all cells is a merged title.
fn bare(row: &[String]) -> String {
    let mut filled = row.iter().filter(|cell| !cell.is_empty());
    let first = filled.next().map_or("", String::as_str);
    match filled.all(|cell| cell == first) {
        true => first.to_owned(),
        false => row.join("\t").trim_end().to_owned(),
    }
}

/// A row with the names of its columns.
pub(super) fn record(names: &[String], row: &[String]) -> String {
    let cells = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    line(cells.map(|(column, cell)| {
        let name = names.get(column).map_or("", String::as_str);
        (Cow::Borrowed(name), Cow::Borrowed(cell.as_str()))
    }))
}

/// Named values as one line. A long one goes on in lines that repeat the first
/// value, by which it is known what they belong to.
pub(super) fn line<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> String {
    let mut text = String::new();
    let mut first = String::new();
    let mut length = 0;
    for (name, value) in pairs {
        let name = name.trim_end_matches(':');
        let pair = match name.is_empty() {
            true => value.into_owned(),
            false => format!("{name}: {value}"),
        };
        if text.is_empty() {
            first = pair.clone();
        } else if length + pair.len() > LONG_LINE && first.len() < LONG_LINE / 4 {
            text.push('\n');
            text.push_str(&first);
            text.push_str(";\t");
            length = first.len();
        } else {
            text.push_str(";\t");
        }
        text.push_str(&pair);
        length += pair.len();
    }
    text
}

/// Lines that are no row, and rows, as the paragraphs of a page.
pub(super) fn join(lines: &[String]) -> String {
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Row, lines};

    fn rows(source: &[&[&str]]) -> Vec<Row> {
        let row = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
        source.iter().map(row).collect()
    }

    #[test]
    fn each_row_carries_the_names_of_its_columns() {
        let table = rows(&[
            &["Price list"],
            &["Part", "Price", "Stock"],
            &["P-40", "12.5", ""],
            &["P-41", "", "3"],
        ]);
        assert_eq!(
            lines(&table),
            [
                "Price list",
                "Part: P-40;\tPrice: 12.5",
                "Part: P-41;\tStock: 3"
            ]
        );
    }

    #[test]
    fn values_in_the_first_row_are_no_names() {
        let table = rows(&[&["P-40", "12.5"], &["P-41", "13"]]);
        assert_eq!(lines(&table), ["P-40\t12.5", "P-41\t13"]);
    }

    #[test]
    fn years_name_columns_and_blocks_go_on_after_an_empty_row() {
        let table = rows(&[
            &["Region", "2022", "2023"],
            &["North", "5", "6"],
            &["", "", ""],
            &["South", "7", "8"],
            &[""],
            &["Name", "Role"],
            &["Ann", "Chair"],
        ]);
        assert_eq!(
            lines(&table),
            [
                "Region: North;\t2022: 5;\t2023: 6",
                "",
                "Region: South;\t2022: 7;\t2023: 8",
                "",
                "Name: Ann;\tRole: Chair"
            ]
        );
    }

    #[test]
    fn long_row_repeats_what_it_is_about() {
        let names: Vec<String> = (0..40).map(|at| format!("Column {at}")).collect();
        let cells: Vec<String> = (0..40).map(|at| format!("value of cell {at}")).collect();
        let all = lines(&[names, cells]);
        let parts: Vec<&str> = all[0].lines().collect();
        assert!(parts.len() > 1);
        assert!(
            parts
                .iter()
                .all(|part| part.starts_with("Column 0: value of cell 0;\t"))
        );
    }
}
