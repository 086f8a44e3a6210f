//! The body of a Word document as Markdown.

use super::styles::Styles;
use crate::extract::pictures::{self, Picture};
use crate::extract::table::{self, Row, cell};
use crate::extract::xml;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

/// Paragraphs and tables inside each other, as in text boxes and cells.
const MAX_DEPTH: usize = 200;
/// Deepest level that Markdown has.
const MAX_HEADING: u8 = 6;

/// Text that is not part of the document as it stands: deleted or moved away,
/// and what is there twice for the sake of older programs.
const SKIPPED: [&str; 4] = ["del", "moveFrom", "Fallback", "instrText"];

/// Units in which drawings are measured, to a centimetre.
const UNITS: f64 = 360_000.0;

/// The whole body, and the pictures in it.
pub(super) fn markdown(source: &str, styles: &Styles) -> Result<(String, Vec<Picture>), String> {
    let mut writer = Writer::new(styles);
    xml::walk(source, |event| writer.event(event))?;
    Ok(writer.finish())
}

/// The footnotes, each with its number.
pub(super) fn footnotes(source: &str, styles: &Styles) -> Result<String, String> {
    let mut notes = Vec::new();
    let mut writer = Writer::new(styles);
    let mut number = None;
    xml::walk(source, |event| {
        match &event {
            Event::Start(element) if element.local_name().into_inner() == "footnote" => {
                // Separators of footnotes have a type.
                let is_text = xml::attribute(element, "type").is_none();
                number = xml::attribute(element, "id").filter(|_| is_text);
                writer = Writer::new(styles);
            }
            Event::End(element) if element.local_name().into_inner() == "footnote" => {
                let written = std::mem::replace(&mut writer, Writer::new(styles))
                    .finish()
                    .0;
                if let Some(number) = number.take().filter(|_| !written.is_empty()) {
                    notes.push(format!("[^{number}]: {}", written.replace("\n\n", "\n")));
                }
            }
            _ => {}
        }
        writer.event(event)
    })?;
    Ok(notes.join("\n\n"))
}

#[derive(Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    style: Option<String>,
    numbering: Option<String>,
    item_level: u8,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
}

/// A drawing that is being read: its share of a page and what describes it.
#[derive(Default)]
struct Drawing {
    share: Option<f64>,
    words: String,
}

struct Writer<'a> {
    styles: &'a Styles,
    /// Finished blocks; the flag tells items of a list, which stand close.
    blocks: Vec<(String, bool)>,
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    counters: HashMap<(String, u8), u32>,
    /// Pictures, each with the number of the block that it stands in.
    pictures: Vec<(usize, Picture)>,
    drawing: Drawing,
    /// Elements around that are skipped.
    skipping: usize,
    in_text: bool,
}

impl<'a> Writer<'a> {
    fn new(styles: &'a Styles) -> Self {
        Self {
            styles,
            blocks: Vec::new(),
            paragraphs: Vec::new(),
            tables: Vec::new(),
            counters: HashMap::new(),
            pictures: Vec::new(),
            drawing: Drawing::default(),
            skipping: 0,
            in_text: false,
        }
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(element) => {
                let name = element.local_name().into_inner().to_owned();
                self.skipping += usize::from(SKIPPED.contains(&name.as_str()));
                if self.skipping == 0 {
                    self.start(&name)?;
                    self.single(&name, &element);
                }
            }
            Event::Empty(element) => {
                let name = element.local_name().into_inner();
                if self.skipping == 0 {
                    self.single(name, &element);
                }
            }
            Event::End(element) => {
                let name = element.local_name().into_inner();
                if SKIPPED.contains(&name) {
                    self.skipping = self.skipping.saturating_sub(1);
                } else if self.skipping == 0 {
                    self.end(name);
                }
            }
            Event::Text(text) if self.in_text => {
                self.add(&text.xml_content(XmlVersion::Implicit1_0))
            }
            Event::CData(text) if self.in_text => {
                self.add(&text.xml_content(XmlVersion::Implicit1_0))
            }
            Event::GeneralRef(reference) if self.in_text => {
                if let Some(c) = xml::referred(&reference) {
                    self.add(c.encode_utf8(&mut [0; 4]));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, name: &str) -> Result<(), String> {
        if self.paragraphs.len() + self.tables.len() > MAX_DEPTH {
            return Err("its tables and text boxes are nested too deeply".to_owned());
        }
        match name {
            "p" => self.paragraphs.push(Paragraph::default()),
            "drawing" | "pict" => self.drawing = Drawing::default(),
            "t" => self.in_text = true,
            "tbl" => self.tables.push(Table::default()),
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    table.rows.push(Vec::new());
                }
            }
            "tc" => {
                if let Some(row) = self.tables.last_mut().and_then(|t| t.rows.last_mut()) {
                    row.push(String::new());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Elements that say all with their name and attributes.
    fn single(&mut self, name: &str, element: &BytesStart<'_>) {
        self.draw(name, element);
        let Some(paragraph) = self.paragraphs.last_mut() else {
            return;
        };
        match name {
            "tab" if element.attributes().next().is_none() => paragraph.text.push(' '),
            "br" | "cr" => paragraph.text.push('\n'),
            "noBreakHyphen" => paragraph.text.push('-'),
            "pStyle" => paragraph.style = xml::value(element),
            "outlineLvl" => {
                let level = xml::value(element).and_then(|value| value.parse::<u8>().ok());
                paragraph.level = level.filter(|level| *level < 9).map(|level| level + 1);
            }
            "numId" => paragraph.numbering = xml::value(element),
            "ilvl" => {
                let level = xml::value(element).and_then(|value| value.parse().ok());
                paragraph.item_level = level.unwrap_or(0).min(8);
            }
            "footnoteReference" => {
                if let Some(id) = xml::attribute(element, "id") {
                    paragraph.text.push_str(&format!("[^{id}]"));
                }
            }
            _ => {}
        }
    }

    /// Elements of a drawing, of today or of older programs: its size, what
    /// describes it, the picture or the chart itself.
    fn draw(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "extent" => {
                let side = |name| Some(xml::number::<f64>(element, name)? / UNITS);
                let sides = side("cx").zip(side("cy"));
                self.drawing.share = sides.map(|(wide, high)| pictures::share_of_sheet(wide, high));
            }
            "docPr" => self.describe(xml::attribute(element, "descr")),
            "shape" | "rect" => self.describe(xml::attribute(element, "alt")),
            "blip" | "imagedata" | "chart" | "relIds" => {
                let Drawing { share, words } = std::mem::take(&mut self.drawing);
                let picture = Picture::new(share, &words);
                self.pictures.push((self.blocks.len(), picture));
            }
            _ => {}
        }
    }

    /// The description stands where the drawing does.
    fn describe(&mut self, description: Option<String>) {
        let words = pictures::words(&description.unwrap_or_default());
        if !words.is_empty() {
            self.add(&format!("\n{words}\n"));
        }
        self.drawing.words = words;
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.finish_paragraph(paragraph);
                }
            }
            "tbl" => {
                if let Some(table) = self.tables.pop() {
                    self.finish_table(table);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn cell(&mut self) -> Option<&mut String> {
        self.tables.last_mut()?.rows.last_mut()?.last_mut()
    }

    fn finish_paragraph(&mut self, paragraph: Paragraph) {
        let lines = paragraph.text.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ")
        });
        let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return;
        }
        if let Some(cell) = self.cell() {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(&lines.join(" "));
            return;
        }
        let style = paragraph.style.as_deref().unwrap_or("");
        let level = paragraph.level.or_else(|| self.styles.heading_level(style));
        if let Some(level) = level {
            let marks = "#".repeat(usize::from(level.min(MAX_HEADING)));
            self.blocks
                .push((format!("{marks} {}", lines.join(" ")), false));
            return;
        }
        let numbering = paragraph
            .numbering
            .or_else(|| self.styles.numbering_of(style));
        match numbering.filter(|id| id != "0") {
            Some(numbering) => {
                let label = self.label(numbering, paragraph.item_level);
                let indent = "  ".repeat(usize::from(paragraph.item_level));
                let text = lines.join(&format!("\n{indent}  "));
                self.blocks.push((format!("{indent}{label} {text}"), true));
            }
            None => self.blocks.push((lines.join("\n"), false)),
        }
    }

    /// The bullet or the number of the next item.
    fn label(&mut self, numbering: String, level: u8) -> String {
        if !self.styles.is_numbered(&numbering, level) {
            return "-".to_owned();
        }
        self.counters
            .retain(|(id, at), _| *id != numbering || *at <= level);
        let count = self.counters.entry((numbering, level)).or_default();
        *count += 1;
        format!("{count}.")
    }

    fn finish_table(&mut self, table: Table) {
        if let Some(cell) = self.cell() {
            // A table in a cell: its words, row by row.
            let rows = table.rows.iter().map(|row| row.join(", "));
            let text = rows.collect::<Vec<_>>().join("; ");
            cell.push_str(if cell.is_empty() { "" } else { " " });
            cell.push_str(&text);
            return;
        }
        let rows = table.rows.iter();
        let rows: Vec<Row> = rows
            .map(|row| row.iter().map(|text| cell(text)).collect())
            .collect();
        let lines = table::lines(&rows);
        if !lines.is_empty() {
            self.blocks.push((table::join(&lines), false));
        }
    }

    fn finish(self) -> (String, Vec<Picture>) {
        let mut text = String::new();
        let mut after_item = false;
        let mut places = Vec::with_capacity(self.blocks.len());
        for (block, is_item) in self.blocks {
            if !text.is_empty() {
                text.push_str(if after_item && is_item { "\n" } else { "\n\n" });
            }
            places.push(text.len());
            text.push_str(&block);
            after_item = is_item;
        }
        let pictures = self.pictures.into_iter().map(|(block, picture)| {
            // A picture behind all blocks stands at the end.
            let at = places.get(block).copied().unwrap_or(text.len());
            Picture { at, ..picture }
        });
        let pictures = pictures.collect();
        (text, pictures)
    }
}
