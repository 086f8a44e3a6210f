//! OpenDocument texts (.odt) and presentations (.odp): headings, lists,
//! tables and notes keep their structure; each slide is a page.

use super::{claims, open};
use crate::extract::blocks::Blocks;
use crate::extract::collection::Collection;
use crate::extract::format::{Content, Format, Source, StructuredText};
use crate::extract::table::{self, Row};
use crate::extract::xml::{self, Node};
use crate::extract::{ExtractError, Limits, markdown, pictures};
use crate::types::DocumentMetadata;
use quick_xml::events::BytesStart;

/// Tables, notes and text boxes inside each other.
const MAX_DEPTH: usize = 100;
/// Blanks and cells that a file may repeat with one mark.
const MAX_REPEATED: usize = 50;

/// Centimetres to one of the units in which sizes are given.
const UNITS: [(&str, f64); 5] = [
    ("cm", 1.0),
    ("mm", 0.1),
    ("in", 2.54),
    ("pt", 2.54 / 72.0),
    ("pc", 2.54 / 6.0),
];

/// Text that is not part of the document as it stands: deleted, a comment, or
/// a copy of the headings.
const SKIPPED: [&str; 8] = [
    "tracked-changes",
    "annotation",
    "table-of-content",
    "alphabetical-index",
    "illustration-index",
    "sequence-decls",
    "note-citation",
    "page-number",
];

pub(in crate::extract) struct OpenText;

impl Format for OpenText {
    fn name(&self) -> &'static str {
        "odt"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["odt", "ott"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        claims(source, self.extensions(), "text")
    }

    fn extract(&self, source: &Source<'_>, _limits: &Limits) -> Result<Content, ExtractError> {
        let (content, title) = open(source, "OpenDocument")?;
        let mut writer = Writer::default();
        let read = xml::nodes(&content, |node| writer.node(node));
        read.map_err(|reason| ExtractError::damaged("OpenDocument", reason))?;
        let mut text = writer.finish();
        text.metadata.title = title.or_else(|| markdown::title(&text.headings));
        Ok(Content::Flowing(text))
    }
}

pub(in crate::extract) struct OpenSlides;

impl Format for OpenSlides {
    fn name(&self) -> &'static str {
        "odp"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["odp", "otp"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        claims(source, self.extensions(), "presentation")
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let (content, title) = open(source, "OpenDocument")?;
        let mut writer = Writer::default();
        let mut slides = Vec::new();
        let read = xml::nodes(&content, |node| {
            let ends = matches!(node, Node::Close("page"));
            writer.node(node)?;
            if ends {
                let copied = writer.copied;
                slides.push(std::mem::take(&mut writer).finish());
                writer.copied = copied;
            }
            Ok(())
        });
        let broken = read.err();
        if slides.is_empty() {
            let reason = broken.unwrap_or_else(|| "it has no slides".to_owned());
            return Err(ExtractError::damaged("OpenDocument", reason));
        }
        let mut collection = Collection::new(limits);
        for slide in slides {
            collection.add(slide, None)?;
        }
        if let Some(reason) = broken {
            collection.unread(format!("the rest could not be read: {reason}"))?;
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

/// A table that is being read.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    repeated: usize,
}

/// A paragraph that is being read.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// The level of a heading.
    level: Option<u8>,
}

/// A frame that is being read.
#[derive(Default)]
struct Frame {
    /// How much of a sheet of paper it takes.
    share: Option<f64>,
    is_picture: bool,
    description: String,
}

#[derive(Default)]
struct Writer {
    blocks: Blocks,
    notes: Vec<String>,
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    /// Open lists; each says whether the next paragraph begins an item.
    lists: Vec<bool>,
    skipping: usize,
    /// The text of an open note.
    note: Option<String>,
    /// At the beginning of a slide's notes, which may be empty.
    notes_begin: bool,
    /// Inside of the frame that holds a slide's title.
    in_title: bool,
    frames: Vec<Frame>,
    /// Bytes of cells that were repeated, tables in tables again and again.
    copied: usize,
    /// Inside of what describes a frame.
    describes: bool,
}

impl Writer {
    fn node(&mut self, node: Node<'_>) -> Result<(), String> {
        match node {
            Node::Open(name, _) if SKIPPED.contains(&name) => self.skipping += 1,
            Node::Close(name) if SKIPPED.contains(&name) => {
                self.skipping = self.skipping.saturating_sub(1);
            }
            _ if self.skipping > 0 => {}
            Node::Open(name, element) => self.open(name, element)?,
            Node::Close(name) => {
                self.close(name);
                if self.copied > table::MAX_BYTES {
                    return Err("its tables repeat too much text".to_owned());
                }
            }
            Node::Text(text) if self.describes => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.description.push_str(text);
                }
            }
            Node::Text(text) => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    // A line end in the file is a blank in the text.
                    paragraph.text.push_str(&text.replace('\n', " "));
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), String> {
        let open = [self.paragraphs.len(), self.tables.len(), self.lists.len()];
        if open.iter().sum::<usize>() + self.frames.len() > MAX_DEPTH {
            return Err("its tables and lists are nested too deeply".to_owned());
        }
        match name {
            "h" | "p" => {
                let level = match (name, self.in_title) {
                    ("h", _) => Some(xml::number(element, "outline-level").unwrap_or(1)),
                    (_, true) => Some(1),
                    _ => None,
                };
                self.paragraphs.push(Paragraph {
                    text: String::new(),
                    level,
                });
            }
            "s" => {
                let count = xml::number(element, "c").unwrap_or(1_usize);
                self.add(&" ".repeat(count.min(MAX_REPEATED)));
            }
            "tab" => self.add(" "),
            "line-break" => self.add("\n"),
            "list" => self.lists.push(false),
            "list-item" | "list-header" => {
                if let Some(begins) = self.lists.last_mut() {
                    *begins = true;
                }
            }
            "table" => self.tables.push(Table::default()),
            "table-row" => {
                if let Some(table) = self.tables.last_mut() {
                    table.rows.push(Row::new());
                }
            }
            "table-cell" | "covered-table-cell" => {
                let repeated = xml::number(element, "number-columns-repeated").unwrap_or(1);
                if let Some(table) = self.tables.last_mut() {
                    table.repeated = repeated;
                    if let Some(row) = table.rows.last_mut() {
                        row.push(String::new());
                    }
                }
            }
            "note" => self.note = Some(String::new()),
            "notes" => self.notes_begin = true,
            "frame" => {
                let class = xml::attribute(element, "class");
                self.in_title = class.as_deref() == Some("title");
                self.frames.push(Frame {
                    share: share(element),
                    ..Frame::default()
                });
            }
            // A chart or a formula comes with a picture of itself.
            "image" => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.is_picture = true;
                }
            }
            // Fields of a text have the same name without this prefix.
            "title" | "desc" => {
                let prefix = element.name().prefix();
                let is_of_drawing = prefix.is_some_and(|prefix| prefix.into_inner() == "svg");
                // That of a shape without a frame is text of its paragraph.
                self.describes = is_of_drawing && !self.frames.is_empty();
                if let Some(frame) = self.frames.last_mut().filter(|_| self.describes) {
                    frame.description.push(' ');
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        match name {
            "h" | "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.finish_paragraph(&paragraph);
                }
            }
            "list" => {
                self.lists.pop();
            }
            "frame" => {
                self.in_title = false;
                if let Some(frame) = self.frames.pop() {
                    self.finish_frame(&frame);
                }
            }
            "title" | "desc" => self.describes = false,
            "notes" => self.notes_begin = false,
            "table-cell" | "covered-table-cell" => {
                if let Some(table) = self.tables.last_mut()
                    && let Some(row) = table.rows.last_mut()
                {
                    let more = table.repeated.clamp(1, MAX_REPEATED) - 1;
                    let cell = row.last().cloned().unwrap_or_default();
                    self.copied += more * cell.len();
                    if self.copied <= table::MAX_BYTES {
                        row.extend(std::iter::repeat_n(cell, more));
                    }
                }
            }
            "table" => {
                if let Some(table) = self.tables.pop() {
                    self.finish_table(table);
                }
            }
            "note" => self.finish_note(),
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

    fn finish_paragraph(&mut self, paragraph: &Paragraph) {
        let text = paragraph.text.trim();
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.notes_begin) {
            self.blocks.heading(3, "Notes");
        }
        if let Some(note) = &mut self.note {
            note.push(' ');
            note.push_str(text);
        } else if let Some(cell) = self.cell() {
            let joined = format!("{cell} {text}");
            *cell = table::cell(&joined);
        } else if let Some(level) = paragraph.level {
            self.blocks.heading(level, text);
        } else if let Some(begins) = self.lists.last_mut() {
            let label = if std::mem::take(begins) { "-" } else { " " };
            self.blocks.item(self.lists.len() - 1, label, text);
        } else {
            self.blocks.paragraph(text);
        }
    }

    /// A picture stands before the paragraph that it is part of, what describes it
    /// in a cell within the cell.
    fn finish_frame(&mut self, frame: &Frame) {
        let words = pictures::words(&frame.description);
        if self.note.is_some() || !self.tables.is_empty() {
            self.finish_paragraph(&Paragraph {
                text: words.clone(),
                level: None,
            });
            if frame.is_picture {
                self.blocks.picture_within(frame.share, &words);
            }
        } else if frame.is_picture {
            self.blocks.picture(frame.share, &frame.description);
        } else {
            self.blocks.paragraph(&words);
        }
    }

    fn finish_table(&mut self, table: Table) {
        match self.cell() {
            // A table in a cell: its words, row by row.
            Some(cell) => {
                let rows = table.rows.iter().map(|row| row.join(", "));
                let text = rows.collect::<Vec<_>>().join("; ");
                *cell = table::cell(&format!("{cell} {text}"));
            }
            None => self.blocks.table(&table.rows),
        }
    }

    /// A note stands at the end; its number stays where it was called.
    fn finish_note(&mut self) {
        if let Some(note) = self.note.take().filter(|note| !note.trim().is_empty()) {
            let number = self.notes.len() + 1;
            self.notes.push(format!("[^{number}]: {}", note.trim()));
            self.add(&format!("[^{number}]"));
        }
    }

    fn finish(mut self) -> StructuredText {
        for note in std::mem::take(&mut self.notes) {
            self.blocks.paragraph(&note);
        }
        self.blocks.finish()
    }
}

/// How much of a sheet of paper an element takes by its width and its height.
fn share(element: &BytesStart<'_>) -> Option<f64> {
    let side = |name| {
        let side = xml::attribute(element, name)?;
        let (unit, centimetres) = UNITS.iter().find(|(unit, _)| side.ends_with(unit))?;
        let number: f64 = side.strip_suffix(unit)?.trim().parse().ok()?;
        Some(number * centimetres)
    };
    Some(pictures::share_of_sheet(side("width")?, side("height")?))
}
