//! Tables as text. Each row becomes a line that can be answered from alone:
//! every value with its column's name before it. Cells are divided by tabs, by
//! which sentences and quotes know a row.

use super::period;
use super::xml::one_line;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// Length from which the cells of a row go on in another line, in bytes.
const LONG_LINE: usize = 500;
/// Longest text that names a column, in characters.
const LONGEST_NAME: usize = 80;
/// Rows of titles and notes above the names of the columns, at most.
const ROWS_ABOVE: usize = 8;

/// Megabytes, and bytes, of all cells of a document. A text that many cells share,
/// or that a mark repeats, stands in the file once.
pub(super) const MAX_MEGABYTES: usize = 64;
pub(super) const MAX_BYTES: usize = MAX_MEGABYTES * 1024 * 1024;

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
    let (names, below) = (&rows[at], &rows[at + 1..]);
    let used: BTreeSet<usize> = below
        .iter()
        .flat_map(|row| (0..row.len()).filter(|column| !row[*column].is_empty()))
        .collect();
    let named = used
        .iter()
        .filter(|column| names.get(**column).is_some_and(|name| !name.is_empty()));
    let enough = !used.is_empty() && named.count() * 2 >= used.len();
    (enough && are_names(names, below)).then_some(at)
}

/// Whether cells can be the names of columns: short, different, and labels for
/// what stands below. Years are names where there is more than one.
fn are_names(cells: &[String], below: &[Row]) -> bool {
    let filled = || cells.iter().filter(|cell| !cell.is_empty());
    let distinct: HashSet<String> = filled().map(|cell| cell.to_lowercase()).collect();
    let short = filled().all(|cell| cell.chars().count() <= LONGEST_NAME);
    // Merged cells repeat their name.
    let different = distinct.len() * 2 > filled().count();
    let words = filled().any(|cell| !is_value(cell));
    let years = filled().filter(|cell| is_year(cell)).count();
    let is_name = |cell: &str| !is_value(cell) || (words && years > 1 && is_year(cell));
    let others: Vec<usize> = (0..cells.len())
        .filter(|column| !is_name(&cells[*column]))
        .collect();
    let named = match others.is_empty() {
        true => words,
        false => are_periods(cells, &others, below),
    };
    short && different && named
}

/// Whether the cells of these columns are times, each with numbers for that
/// time below it, in a table whose rows begin with what the numbers are of.
fn are_periods(cells: &[String], columns: &[usize], below: &[Row]) -> bool {
    let labelled = cells.first().is_some_and(|first| !is_value(first));
    let under = |column: usize| {
        let cells = below.iter().filter_map(move |row| row.get(column));
        cells.filter(|cell| !cell.is_empty())
    };
    // A column of times is data, its first cell like the others.
    let heads = |column: &usize| {
        period::is_period(&cells[*column]) && !under(*column).any(|cell| period::is_period(cell))
    };
    let valued = |column: &usize| under(*column).any(|cell| is_value(cell));
    labelled && columns.iter().all(heads) && columns.iter().any(valued)
}

fn is_year(cell: &str) -> bool {
    cell.len() == 4 && cell.parse().is_ok_and(period::is_year)
}

/// Numbers, amounts, dates, times, yes and no.
pub(super) fn is_value(cell: &str) -> bool {
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
    fn times_above_numbers_name_their_columns() {
        for names in [
            ["Region", "Q1", "Q2"],
            ["Region", "H1", "H2"],
            ["Region", "FY24", "FY 2025"],
            ["Region", "2024-01", "2024-02"],
            ["Region", "Jan 2024", "March 2024"],
            ["Region", "2024-01-01", "2024-02-01"],
            ["Region", "2024", "Total"],
            ["", "2024", "2025"],
        ] {
            let table = rows(&[&names, &["North", "5", "6"], &["South", "7", ""]]);
            let found = lines(&table);
            let [first, one, two] = names;
            let label = if first.is_empty() { "" } else { "Region: " };
            assert_eq!(
                found,
                [
                    format!("{label}North;\t{one}: 5;\t{two}: 6"),
                    format!("{label}South;\t{one}: 7")
                ]
            );
        }
    }

    #[test]
    fn data_in_the_first_row_names_no_columns() {
        for data in [
            [["North", "5", "6"], ["South", "7", "8"]],
            [["North", "Q1", "5"], ["South", "Q2", "7"]],
            [["Ann", "1987", "Chair"], ["Ben", "1990", "Clerk"]],
            [["Rent", "2024-01", "900"], ["Gas", "2024-02", "80"]],
            [["2024", "North", "5"], ["2025", "South", "7"]],
            [["P-40", "1999.95", "12"], ["P-41", "120.50", "3"]],
            [["", "1999", "2001"], ["", "2002", "2005"]],
        ] {
            let table = rows(&[&data[0], &data[1]]);
            assert_eq!(lines(&table), data.map(|row| row.join("\t")));
        }
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
