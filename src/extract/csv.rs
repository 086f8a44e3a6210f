//! Comma-separated values and their kin: divided by commas, semicolons, tabs
//! or bars, in any charset, with or without names of columns.

use super::format::{Content, Format, Source, StructuredText};
use super::table::{self, Row};
use super::{ExtractError, Limits, charset};
use crate::types::DocumentMetadata;

pub(super) struct Csv;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// What is looked at to find the delimiter.
const SAMPLE_BYTES: usize = 64 * 1024;
const SAMPLE_ROWS: usize = 50;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "tsv", "tab"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        source.has_extension(self.extensions())
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        charset::refuse_binary(source.bytes)?;
        let text = charset::decode(source.bytes, None);
        Ok(Content::Flowing(StructuredText {
            text: read(&text, limits)?,
            headings: Vec::new(),
            pictures: Vec::new(),
            metadata: DocumentMetadata::default(),
        }))
    }
}

fn read(source: &str, limits: &Limits) -> Result<String, ExtractError> {
    let (source, delimiter) = named_delimiter(source);
    let delimiter = delimiter.unwrap_or_else(|| delimiter_of(source));
    let mut records = reader(source, delimiter);
    let mut record = csv::StringRecord::new();
    let mut head: Vec<Row> = Vec::new();
    let mut names: Option<Row> = None;
    let mut out = String::new();
    // The first rows decide which of them names the columns; the rest follows
    // row by row, so that a long file is not held twice.
    while records.read_record(&mut record).map_err(damaged)? {
        let row: Row = record.iter().map(table::cell).collect();
        match &names {
            Some(names) => append(&mut out, names, &row),
            None if head.len() < SAMPLE_ROWS => head.push(row),
            None => {
                names = Some(begin(&mut out, std::mem::take(&mut head)));
                append(&mut out, names.as_deref().unwrap_or_default(), &row);
            }
        }
        if out.len() as u64 > limits.max_unpacked_bytes {
            let limit = limits.max_unpacked_bytes;
            return Err(ExtractError::TooLargeUnpacked { limit });
        }
    }
    if names.is_none() {
        begin(&mut out, head);
    }
    Ok(out.trim_end().to_owned())
}

fn damaged(error: csv::Error) -> ExtractError {
    ExtractError::damaged("CSV", error.to_string())
}

fn reader(source: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(source.as_bytes())
}

/// Writes the first rows; gives back the names of the columns, none if there
/// are none.
fn begin(out: &mut String, head: Vec<Row>) -> Row {
    let found = table::header(&head);
    let start = found.map_or(0, |at| at + 1);
    let names = found.map(|at| head[at].clone()).unwrap_or_default();
    for row in head[..start.saturating_sub(1)].iter().chain(&head[start..]) {
        append(out, &names, row);
    }
    if out.is_empty() {
        append(out, &[], &names);
    }
    names
}

fn append(out: &mut String, names: &[String], row: &[String]) {
    if row.iter().any(|cell| !cell.is_empty()) {
        match names.is_empty() {
            true => out.push_str(row.join("\t").trim_end()),
            false => out.push_str(&table::record(names, row)),
        }
        out.push('\n');
    }
}

/// Spreadsheet programs let a file name its delimiter in a first line.
fn named_delimiter(source: &str) -> (&str, Option<u8>) {
    let first = source.lines().next().unwrap_or("");
    match first.strip_prefix("sep=").map(str::as_bytes) {
        Some([delimiter]) => (&source[first.len()..], Some(*delimiter)),
        _ => (source, None),
    }
}

/// The delimiter that divides the first rows into most cells, and into equally
/// many.
fn delimiter_of(source: &str) -> u8 {
    let sample = &source[..source.floor_char_boundary(SAMPLE_BYTES)];
    let score = |delimiter: u8| {
        let rows = reader(sample, delimiter).into_records().take(SAMPLE_ROWS);
        let widths: Vec<usize> = rows.filter_map(Result::ok).map(|row| row.len()).collect();
        let widest = widths.iter().copied().max().unwrap_or(1);
        let usual = widths.iter().filter(|width| **width == widest).count();
        match widest {
            1 => 0,
            _ => usual * 1000 / widths.len().max(1) + widest.min(100),
        }
    };
    let best = DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|delimiter| score(*delimiter));
    best.unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::extract::Limits;

    fn text(source: &str) -> String {
        read(source, &Limits::default()).unwrap()
    }

    #[test]
    fn every_delimiter_is_found() {
        for mark in [",", ";", "\t", "|"] {
            let source = format!("Part{mark}Price\nP-40{mark}\"1,5; a|b\"\nP-41{mark}3\n");
            assert_eq!(
                text(&source),
                "Part: P-40;\tPrice: 1,5; a|b\nPart: P-41;\tPrice: 3"
            );
        }
        assert_eq!(text("sep=#\nA#B\nx#y z\n"), "A: x;\tB: y z");
    }

    #[test]
    fn quoted_line_ends_stay_in_their_row() {
        assert_eq!(
            text("Name,Note\nAnn,\"two\nlines, \"\"quoted\"\"\"\n"),
            "Name: Ann;\tNote: two lines, \"quoted\""
        );
    }

    #[test]
    fn rows_without_names_and_names_without_rows_are_read() {
        assert_eq!(text("1,2\n3,4\n"), "1\t2\n3\t4");
        assert_eq!(text("Name,Role\n"), "Name\tRole");
    }

    #[test]
    fn long_file_keeps_its_names() {
        let rows: String = (0..500).map(|at| format!("P-{at},{at}\n")).collect();
        let read = text(&format!("Part,Stock\n{rows}"));
        assert_eq!(read.lines().count(), 500);
        assert_eq!(read.lines().last(), Some("Part: P-499;\tStock: 499"));
    }
}
