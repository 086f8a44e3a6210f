//! Excel workbooks (.xlsx): each sheet a page, each row a line with the names
//! of its columns. Formulas give their stored values.

use super::archive::Package;
use super::collection::Collection;
use super::format::{Content, Format, Source, StructuredText};
use super::table::{self, Row};
use super::{ExtractError, Limits, office, xml};
use crate::types::DocumentMetadata;
use calamine::{DataRef, Dimensions, ExcelDateTime, Reader, SheetType, Xlsx};
use quick_xml::events::Event;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Cursor;

pub(super) struct Excel;

/// Cells of a workbook that are read.
const MAX_CELLS: usize = 2_000_000;
/// Cells of a sheet, empty ones between filled ones counted.
const MAX_AREA: usize = 8_000_000;
/// Cells that all merged areas of a sheet may fill.
const MAX_MERGED: u64 = 200_000;
/// The part with the texts that cells share, and the least bytes of one text.
const SHARED_TEXTS: &str = "sharedstrings.xml";
const LEAST_TEXT: u64 = "<si/>".len() as u64;

type Cells = BTreeMap<u32, BTreeMap<u32, String>>;
type Workbook<'a> = Xlsx<Cursor<&'a [u8]>>;

impl Format for Excel {
    fn name(&self) -> &'static str {
        "xlsx"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["xlsx", "xlsm", "xltx"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        office::claims(source, self.extensions(), "xl/workbook")
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        office::refuse_compound(source.bytes, "an Excel file of before 2007 (.xls)")?;
        let title = check(source)?;
        let mut workbook: Workbook<'_> =
            Xlsx::new(Cursor::new(source.bytes)).map_err(|error| damaged(error.to_string()))?;
        let mut collection = Collection::new(limits);
        let mut room = Room {
            cells: MAX_CELLS,
            bytes: table::MAX_BYTES,
        };
        for sheet in workbook.sheets_metadata().to_vec() {
            if sheet.typ != SheetType::WorkSheet {
                collection.unread(format!("{}: a sheet without cells", sheet.name))?;
                continue;
            }
            match cells(&mut workbook, &sheet.name, &mut room) {
                Ok((cells, missing)) => {
                    let (rows, dropped) = rows(cells);
                    let dropped = dropped.map(|kept| {
                        format!("only the first {kept} columns of the sheet were read")
                    });
                    collection.add_named(&sheet.name, text(&rows), missing.or(dropped))?;
                }
                Err(reason) => collection.unread(format!("{}: {reason}", sheet.name))?,
            }
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

/// What of a workbook may still be read.
struct Room {
    cells: usize,
    bytes: usize,
}

impl Room {
    /// Takes a cell with its text, if there is room for it.
    fn take(&mut self, text: &str) -> Option<()> {
        self.cells = self.cells.checked_sub(1)?;
        self.bytes = self.bytes.checked_sub(text.len())?;
        Some(())
    }
}

fn damaged(reason: impl Into<String>) -> ExtractError {
    ExtractError::damaged("Excel", reason)
}

/// Unpacks all members once, so that what they unpack to is known before they
/// are read: any of them may be named as a sheet. Gives back the title.
fn check(source: &Source<'_>) -> Result<Option<String>, ExtractError> {
    let mut package = Package::open(source.bytes, source.budget, "Excel")?;
    for member in package.entries() {
        if member.encrypted {
            return Err(ExtractError::Encrypted);
        }
        match package.beginning_at(member.index) {
            Ok((bytes, _)) if member.name.to_ascii_lowercase().ends_with(SHARED_TEXTS) => {
                refuse_false_count(&bytes)?;
            }
            Err(error @ ExtractError::TooLargeUnpacked { .. }) => return Err(error),
            // What is damaged shows when it is read, unless it is not needed.
            _ => {}
        }
    }
    let properties = package.part("docProps/core.xml").ok().flatten();
    Ok(properties.and_then(|properties| xml::text_of(&properties, "title")))
}

/// Refuses a part of shared texts that says it has more than can be in it: room
/// for that many is made at once, and where there is none the process ends.
/// Some programs count the uses of the texts, hence the cells that are read.
fn refuse_false_count(part: &[u8]) -> Result<(), ExtractError> {
    let possible = (part.len() as u64 / LEAST_TEXT).max(MAX_CELLS as u64);
    match claimed_texts(part) {
        Some(claimed) if claimed > possible => Err(damaged(format!(
            "it says that its cells share {claimed} texts, and has no room for them"
        ))),
        _ => Ok(()),
    }
}

/// How many texts the part says it has. It is found as calamine finds it, which
/// looks over wrong end tags and wrong attributes.
fn claimed_texts(part: &[u8]) -> Option<u64> {
    let mut reader = quick_xml::Reader::from_reader(part);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element) | Event::Empty(element))
                if element.local_name().into_inner() == "sst" =>
            {
                let places = element.split("uniqueCount").skip(1);
                let sign = |c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | '+');
                let digits = places.map(|place| {
                    let number = place.trim_start_matches(sign);
                    let end = number.find(|c: char| !c.is_ascii_digit());
                    &number[..end.unwrap_or(number.len())]
                });
                return digits.filter_map(|digits| digits.parse().ok()).max();
            }
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// The filled cells of a sheet, and what of it was not read.
fn cells(
    workbook: &mut Workbook<'_>,
    name: &str,
    room: &mut Room,
) -> Result<(Cells, Option<String>), String> {
    let mut found = Cells::new();
    let mut missing = None;
    let merged = workbook.merge_cells_by_sheet_name(name).unwrap_or_default();
    let mut reader = workbook
        .worksheet_cells_reader(name)
        .map_err(|error| error.to_string())?;
    loop {
        let cell = match reader.next_cell() {
            Ok(Some(cell)) => cell,
            Ok(None) => break,
            Err(error) if found.is_empty() => return Err(error.to_string()),
            Err(error) => {
                missing = Some(format!("the rest of the sheet could not be read: {error}"));
                break;
            }
        };
        let (row, column) = cell.get_position();
        let text = shown(cell.get_value());
        if text.is_empty() {
            continue;
        }
        if room.take(&text).is_none() {
            missing = Some(full());
            break;
        }
        found.entry(row).or_default().insert(column, text);
    }
    if spread(&mut found, &merged, room).is_none() {
        missing = missing.or_else(|| Some(full()));
    }
    Ok((found, missing))
}

fn full() -> String {
    let megabytes = table::MAX_MEGABYTES;
    format!(
        "only the first {MAX_CELLS} cells, or {megabytes} MB of text, of the workbook were read"
    )
}

/// Gives the value of a merged area to each of its cells in rows that have any;
/// `None` if there was no room for its text.
fn spread(cells: &mut Cells, merged: &[Dimensions], room: &mut Room) -> Option<()> {
    let mut area_left = MAX_MERGED;
    for area in merged {
        let (top, left) = area.start;
        let Some(value) = cells.get(&top).and_then(|row| row.get(&left)).cloned() else {
            continue;
        };
        let width = u64::from(area.end.1.saturating_sub(left)) + 1;
        for (_, row) in cells.range_mut(top..=area.end.0.max(top)) {
            let Some(left_over) = area_left.checked_sub(width) else {
                return Some(());
            };
            area_left = left_over;
            for column in left..=area.end.1.max(left) {
                if let Entry::Vacant(cell) = row.entry(column) {
                    room.bytes = room.bytes.checked_sub(value.len())?;
                    cell.insert(value.clone());
                }
            }
        }
    }
    Some(())
}

/// Rows with the columns that any of them uses; gaps between rows are empty
/// rows. Of a sheet that is nearly all gaps only the first columns are kept,
/// and their number is told.
fn rows(cells: Cells) -> (Vec<Row>, Option<usize>) {
    let mut columns: Vec<u32> = cells.values().flat_map(|row| row.keys().copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    let most = (MAX_AREA / cells.len().max(1)).max(1);
    let dropped = (columns.len() > most).then_some(most);
    columns.truncate(most);
    let mut rows = Vec::with_capacity(cells.len());
    let mut next = None;
    for (number, mut row) in cells {
        if next.is_some_and(|next| next != number) {
            rows.push(Row::new());
        }
        next = number.checked_add(1);
        let last = row.keys().next_back().copied().unwrap_or(0);
        let used = columns.iter().take_while(|column| **column <= last);
        rows.push(
            used.map(|column| row.remove(column).unwrap_or_default())
                .collect(),
        );
    }
    (rows, dropped)
}

fn text(rows: &[Row]) -> StructuredText {
    StructuredText {
        text: table::join(&table::lines(rows)),
        ..StructuredText::default()
    }
}

/// A value as people write it.
fn shown(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => self::number(*number),
        DataRef::String(text) => table::cell(text),
        DataRef::SharedString(text) => table::cell(text),
        DataRef::Bool(true) => "yes".to_owned(),
        DataRef::Bool(false) => "no".to_owned(),
        DataRef::DateTime(moment) => self::moment(moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => table::cell(text),
        DataRef::Error(error) => error.to_string(),
    }
}

/// Without the digits that binary fractions add: 0.1 + 0.2 is 0.3.
fn number(value: f64) -> String {
    let rounded = format!("{value:.9}");
    let plain = rounded.trim_end_matches('0').trim_end_matches('.');
    let close = plain
        .parse()
        .is_ok_and(|back: f64| (back - value).abs() <= value.abs() * 1e-12);
    match close {
        true => plain.to_owned(),
        false => value.to_string(),
    }
}

fn moment(value: &ExcelDateTime) -> String {
    if value.is_duration() {
        let seconds = (value.as_f64() * 86_400.0).round() as i64;
        let (hours, rest) = (seconds / 3600, seconds % 3600);
        return format!("{hours}:{:02}:{:02}", rest / 60, rest % 60);
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match (value.as_f64() < 1.0, hour + minute + second) {
        (true, _) => clock,
        (false, 0) => date,
        (false, _) => format!("{date} {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(1200.0), "1200");
        assert_eq!(number(1e-14), "0.00000000000001");
        assert_eq!(number(7.25), "7.25");
    }
}
