//! OpenDocument spreadsheets (.ods): each sheet a page, each row a line with
//! the names of its columns. Cells are read as they are shown.

use super::{claims, open};
use crate::extract::collection::Collection;
use crate::extract::format::{Content, Format, Source, StructuredText};
use crate::extract::table::{self, Row};
use crate::extract::xml::{self, Node};
use crate::extract::{ExtractError, Limits};
use crate::types::DocumentMetadata;
use quick_xml::events::BytesStart;
use std::collections::HashMap;

pub(in crate::extract) struct OpenSheet;

/// Columns and rows that a file may repeat with one mark; more are the empty
/// rest of a sheet.
const MAX_REPEATED: usize = 1000;
/// Widest row.
const MAX_COLUMNS: usize = 4000;
/// Columns of one merged cell whose value is repeated, and of all at a time.
const MAX_SPANNED: usize = 100;
const MAX_BELOW: usize = 500;
/// Cells of a document, repeated ones counted.
const MAX_CELLS: usize = 2_000_000;

impl Format for OpenSheet {
    fn name(&self) -> &'static str {
        "ods"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["ods", "ots"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        claims(source, self.extensions(), "spreadsheet")
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let (content, title) = open(source, "OpenDocument")?;
        let mut reader = Sheets {
            room: MAX_CELLS,
            bytes: table::MAX_BYTES,
            ..Sheets::default()
        };
        let read = xml::nodes(&content, |node| reader.node(node));
        let broken = read.err();
        if reader.done.is_empty() && reader.rows.is_empty() {
            let reason = broken.unwrap_or_else(|| "it has no sheets".to_owned());
            return Err(ExtractError::damaged("OpenDocument", reason));
        }
        if broken.is_some() {
            reader.end_sheet();
        }
        let mut collection = Collection::new(limits);
        let last = reader.done.len().saturating_sub(1);
        for (at, (name, rows, full)) in reader.done.into_iter().enumerate() {
            let cut = broken.as_ref().filter(|_| at == last);
            let cut = cut.map(|reason| format!("the rest could not be read: {reason}"));
            let missing = match full {
                true => Some(format!(
                    "only the first {MAX_CELLS} cells, or {} MB of text, of the document were read",
                    table::MAX_MEGABYTES
                )),
                false => cut,
            };
            let text = StructuredText {
                text: table::join(&table::lines(&rows)),
                ..StructuredText::default()
            };
            collection.add_named(&name, text, missing)?;
        }
        Ok(collection.finish(
            true,
            DocumentMetadata {
                title,
                ..DocumentMetadata::default()
            },
        ))
    }
}

/// An open cell.
#[derive(Default)]
struct Cell {
    text: String,
    value: Option<String>,
    repeated: usize,
    columns: usize,
    rows: usize,
}

#[derive(Default)]
struct Sheets {
    /// Finished sheets: name, rows, and whether cells were left out.
    done: Vec<(String, Vec<Row>, bool)>,
    name: String,
    rows: Vec<Row>,
    row: Row,
    row_repeated: usize,
    cell: Option<Cell>,
    /// Values of merged cells that reach into rows below, by column.
    below: HashMap<usize, (String, usize)>,
    in_paragraph: bool,
    /// Inside of a comment or of what a change took out.
    hidden: usize,
    depth: usize,
    /// Cells and bytes of their text that may still be read.
    room: usize,
    bytes: usize,
    full: bool,
}

impl Sheets {
    fn node(&mut self, node: Node<'_>) -> Result<(), String> {
        match node {
            Node::Open("annotation" | "tracked-changes" | "shapes", _) => self.hidden += 1,
            Node::Close("annotation" | "tracked-changes" | "shapes") => {
                self.hidden = self.hidden.saturating_sub(1);
            }
            _ if self.hidden > 0 => {}
            Node::Open(name, element) => self.open(name, element),
            Node::Close(name) => self.close(name),
            Node::Text(text) => {
                if let Some(cell) = self.cell.as_mut().filter(|_| self.in_paragraph) {
                    cell.text.push_str(text);
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "table" => {
                self.depth += 1;
                if self.depth == 1 {
                    self.name = xml::attribute(element, "name").unwrap_or_default();
                }
            }
            "table-row" => {
                let repeated = xml::number(element, "number-rows-repeated").unwrap_or(1);
                self.row_repeated = repeated;
            }
            "table-cell" | "covered-table-cell" => {
                let count = |name| xml::number(element, name).unwrap_or(1_usize);
                self.cell = Some(Cell {
                    text: String::new(),
                    value: value(element),
                    repeated: count("number-columns-repeated"),
                    columns: count("number-columns-spanned").min(MAX_SPANNED),
                    rows: count("number-rows-spanned"),
                });
            }
            "p" => {
                self.in_paragraph = true;
                self.space();
            }
            "s" | "tab" | "line-break" => self.space(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => self.in_paragraph = false,
            "table-cell" | "covered-table-cell" => self.end_cell(name == "covered-table-cell"),
            "table-row" => self.end_row(),
            "table" => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end_sheet();
                }
            }
            _ => {}
        }
    }

    fn space(&mut self) {
        if let Some(cell) = &mut self.cell {
            cell.text.push(' ');
        }
    }

    fn end_cell(&mut self, covered: bool) {
        let Some(cell) = self.cell.take() else { return };
        let shown = table::cell(&cell.text);
        let shown = match shown.is_empty() {
            true => cell.value.unwrap_or_default(),
            false => shown,
        };
        let count = cell
            .repeated
            .min(MAX_COLUMNS.saturating_sub(self.row.len()));
        // Thousands of empty cells end most rows: they are cut off with the row.
        let count = if shown.is_empty() {
            count
        } else {
            count.min(MAX_REPEATED)
        };
        for _ in 0..count {
            let column = self.row.len();
            let text = match (covered, self.below.get_mut(&column)) {
                (true, Some((value, rows))) if *rows > 0 => {
                    *rows = rows.saturating_sub(1);
                    value.clone()
                }
                _ => shown.clone(),
            };
            if !self.has_room(text.len()) {
                return;
            }
            self.row.push(text);
            let spans = cell.columns > 1 || cell.rows > 1;
            if !covered && spans && !shown.is_empty() && self.below.len() < MAX_BELOW {
                for next in column..column + cell.columns {
                    if !self.has_room(shown.len()) {
                        return;
                    }
                    // The row itself is one of those that it spans.
                    let rows = cell.rows.saturating_sub(usize::from(next == column));
                    self.below.insert(next, (shown.clone(), rows));
                }
            }
        }
    }

    /// Takes so many bytes, or says that cells were left out: from there on all,
    /// because a smaller one would stand in the column of the one that is missing.
    fn has_room(&mut self, bytes: usize) -> bool {
        let left = self.bytes.checked_sub(bytes);
        self.full |= left.is_none();
        self.bytes = left.unwrap_or(0);
        left.is_some()
    }

    fn end_row(&mut self) {
        self.below.retain(|_, (_, rows)| *rows > 0);
        let mut row = std::mem::take(&mut self.row);
        let filled = row.iter().rposition(|cell| !cell.is_empty());
        row.truncate(filled.map_or(0, |at| at + 1));
        let most = if row.is_empty() { 1 } else { MAX_REPEATED };
        let bytes = row.iter().map(String::len).sum();
        for copy in 0..self.row_repeated.min(most) {
            if copy > 0 && !self.has_room(bytes) {
                return;
            }
            let cost = row.len().max(1);
            match self.room.checked_sub(cost) {
                Some(left) => self.room = left,
                None => {
                    self.full = true;
                    return;
                }
            }
            self.rows.push(row.clone());
        }
    }

    fn end_sheet(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let name = std::mem::take(&mut self.name);
        self.below.clear();
        self.done.push((name, rows, std::mem::take(&mut self.full)));
    }
}

/// A value that is not shown as text.
fn value(element: &BytesStart<'_>) -> Option<String> {
    [
        "value",
        "date-value",
        "time-value",
        "boolean-value",
        "string-value",
    ]
    .iter()
    .find_map(|name| xml::attribute(element, name))
}
