//! PowerPoint presentations (.pptx): each slide a page with its title, text,
//! tables, diagrams and speaker's notes.

use super::archive::Package;
use super::blocks::Blocks;
use super::collection::Collection;
use super::format::{Content, Format, Source, StructuredText};
use super::office::{self, Relation};
use super::table::{self, Row};
use super::xml::{self, Node};
use super::{ExtractError, Limits, pictures};
use crate::types::DocumentMetadata;
use quick_xml::events::BytesStart;
use std::collections::HashMap;

pub(super) struct PowerPoint;

/// Kinds of placeholders that are the same on every slide.
const REPEATED: [&str; 4] = ["sldNum", "dt", "ftr", "hdr"];

impl Format for PowerPoint {
    fn name(&self) -> &'static str {
        "pptx"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["pptx", "pptm", "ppsx", "potx"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        office::claims(source, self.extensions(), "ppt/presentation")
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        office::refuse_compound(source.bytes, "a PowerPoint file of before 2007 (.ppt)")?;
        let mut package = Package::open(source.bytes, source.budget, "PowerPoint")?;
        let mut collection = Collection::new(limits);
        let (slides, size) = slides(&mut package)?;
        for slide in slides {
            match read_slide(&mut package, &slide, size) {
                Ok((text, missing)) => collection.add(text, missing)?,
                Err(error @ ExtractError::TooLargeUnpacked { .. }) => return Err(error),
                Err(error) => collection.unread(error.to_string())?,
            }
        }
        let properties = package.part("docProps/core.xml").ok().flatten();
        let title = properties.and_then(|properties| xml::text_of(&properties, "title"));
        Ok(collection.finish(
            true,
            DocumentMetadata {
                title: title.filter(|title| title != "PowerPoint Presentation"),
                ..DocumentMetadata::default()
            },
        ))
    }
}

/// Names of the slides in the order in which they are shown, and how large they
/// are, where that is said.
fn slides(package: &mut Package<'_>) -> Result<(Vec<String>, Option<f64>), ExtractError> {
    const MAIN: &str = "ppt/presentation.xml";
    let main = package.part(MAIN)?;
    let main = main.ok_or_else(|| package.damaged("it has no slides"))?;
    let related = relations(package, MAIN)?;
    let mut names = Vec::new();
    let mut size = None;
    let read = xml::nodes(&main, |node| {
        if let Node::Open("sldSz", element) = node {
            size = area(element);
        }
        if let Node::Open("sldId", element) = node
            && let Some(relation) = xml::relation(element).and_then(|id| related.get(&id))
        {
            names.push(relation.target.clone());
        }
        Ok(())
    });
    read.map_err(|reason| package.damaged(reason))?;
    match names.is_empty() {
        true => Err(package.damaged("it has no slides")),
        false => Ok((names, size)),
    }
}

/// The product of the sides that an element gives.
fn area(element: &BytesStart<'_>) -> Option<f64> {
    let side = |name| xml::number::<f64>(element, name).filter(|side| *side > 0.0);
    Some(side("cx")? * side("cy")?)
}

fn relations(
    package: &mut Package<'_>,
    of: &str,
) -> Result<HashMap<String, Relation>, ExtractError> {
    let source = package.part(&office::relations_of(of))?.unwrap_or_default();
    office::relations(&source, of).map_err(|reason| package.damaged(reason))
}

/// The text of a slide of this size, and what of it was not read.
fn read_slide(
    package: &mut Package<'_>,
    name: &str,
    size: Option<f64>,
) -> Result<(StructuredText, Option<String>), ExtractError> {
    let source = package.part(name)?;
    let source = source.ok_or_else(|| package.damaged(format!("{name} is not there")))?;
    let mut reader = Shapes::default();
    let read = xml::nodes(&source, |node| reader.node(node));
    let cut = |what: &str, read: Result<(), String>| {
        let reason = read.err()?;
        Some(format!("the rest of {what} is damaged: {reason}"))
    };
    let mut missing: Vec<String> = cut("the slide", read).into_iter().collect();
    let mut blocks = reader.blocks(size);
    // A slide whose relations are damaged still has its own text.
    let mut related: Vec<Relation> = match relations(package, name) {
        Ok(related) => related.into_values().collect(),
        Err(error @ ExtractError::TooLargeUnpacked { .. }) => return Err(error),
        Err(_) => {
            missing.push("what belongs to the slide, as its notes, cannot be found".to_owned());
            Vec::new()
        }
    };
    related.sort_by(|a, b| (&a.kind, &a.target).cmp(&(&b.kind, &b.target)));
    for relation in related {
        match relation.kind.as_str() {
            "diagramData" => {
                let read = diagram(package, &relation.target, &mut blocks)?;
                missing.extend(cut("its diagram", read));
            }
            "notesSlide" => {
                let read = notes(package, &relation.target, &mut blocks)?;
                missing.extend(cut("its notes", read));
            }
            "chart" => missing.push("its chart was not read".to_owned()),
            _ => {}
        }
    }
    let missing = (!missing.is_empty()).then(|| missing.join("; "));
    Ok((blocks.finish(), missing))
}

/// Adds all paragraphs of a part, whatever stands around them. Gives back why
/// it was not read to its end.
fn diagram(
    package: &mut Package<'_>,
    name: &str,
    blocks: &mut Blocks,
) -> Result<Result<(), String>, ExtractError> {
    let source = package.part(name)?.unwrap_or_default();
    let (mut text, mut inside) = (String::new(), false);
    // What can be read of a damaged part is kept.
    Ok(xml::nodes(&source, |node| {
        match node {
            Node::Open("t", _) => inside = true,
            Node::Close("t") => inside = false,
            Node::Close("p") => blocks.item(0, "-", &std::mem::take(&mut text)),
            Node::Text(part) if inside => text.push_str(part),
            _ => {}
        }
        Ok(())
    }))
}

/// Adds the notes of the speaker. Gives back why they were not read to the end.
fn notes(
    package: &mut Package<'_>,
    name: &str,
    blocks: &mut Blocks,
) -> Result<Result<(), String>, ExtractError> {
    let source = package.part(name)?.unwrap_or_default();
    let mut reader = Shapes::default();
    // What can be read of damaged notes is kept.
    let read = xml::nodes(&source, |node| reader.node(node));
    let text = reader.spoken();
    if !text.is_empty() {
        blocks.heading(3, "Notes");
        blocks.paragraph(&text);
    }
    Ok(read)
}

/// A shape's paragraphs or its table, or its picture.
#[derive(Default)]
struct Shape {
    placeholder: Option<String>,
    description: Option<String>,
    area: Option<f64>,
    is_picture: bool,
    paragraphs: Vec<(usize, String)>,
    rows: Vec<Row>,
}

/// Reads the shapes of a slide in their order.
#[derive(Default)]
struct Shapes {
    found: Vec<Shape>,
    paragraph: String,
    level: usize,
    in_text: bool,
    in_cell: bool,
    /// Inside of the picture that stands before an item of a list.
    in_bullet: bool,
}

impl Shapes {
    fn node(&mut self, node: Node<'_>) -> Result<(), String> {
        match node {
            Node::Open(name, element) => match name {
                "sp" | "pic" | "graphicFrame" | "bg" => self.found.push(Shape::default()),
                "cNvPr" => {
                    let description = xml::attribute(element, "descr").unwrap_or_default();
                    // That of a group stands behind the shape before it.
                    self.with(|shape| {
                        shape.description.get_or_insert(description);
                    });
                }
                "ext" => {
                    if let Some(area) = area(element) {
                        self.with(|shape| shape.area = shape.area.or(Some(area)));
                    }
                }
                "buBlip" => self.in_bullet = true,
                "blip" if !self.in_bullet => self.with(|shape| shape.is_picture = true),
                "ph" => {
                    if let Some(shape) = self.found.last_mut() {
                        shape.placeholder =
                            Some(xml::attribute(element, "type").unwrap_or_default());
                    }
                }
                "p" => (self.paragraph, self.level) = (String::new(), 0),
                "pPr" => self.level = xml::number(element, "lvl").unwrap_or(0),
                "t" => self.in_text = true,
                "br" => self.paragraph.push('\n'),
                "tr" => self.with(|shape| shape.rows.push(Row::new())),
                "tc" => {
                    let covered = ["hMerge", "vMerge"]
                        .iter()
                        .any(|name| xml::attribute(element, name).as_deref() == Some("1"));
                    self.in_cell = true;
                    self.with(|shape| open_cell(shape, covered));
                }
                _ => {}
            },
            Node::Close(name) => match name {
                "t" => self.in_text = false,
                "tc" => self.in_cell = false,
                "buBlip" => self.in_bullet = false,
                "p" => {
                    let text = std::mem::take(&mut self.paragraph);
                    let (level, in_cell) = (self.level, self.in_cell);
                    self.with(|shape| close_paragraph(shape, text, level, in_cell));
                }
                _ => {}
            },
            Node::Text(text) if self.in_text => self.paragraph.push_str(text),
            Node::Text(_) => {}
        }
        Ok(())
    }

    fn with(&mut self, change: impl FnOnce(&mut Shape)) {
        if let Some(shape) = self.found.last_mut() {
            change(shape);
        }
    }

    /// What the speaker wrote, of the shapes of a page of notes.
    fn spoken(self) -> String {
        let mut blocks = Blocks::default();
        let is_body = |shape: &Shape| shape.placeholder.as_deref() == Some("body");
        for shape in self.found.iter().filter(|shape| is_body(shape)) {
            shape.write(&mut blocks);
        }
        blocks.finish().text
    }

    /// What is said in the shapes of a slide of this size.
    fn blocks(self, size: Option<f64>) -> Blocks {
        let mut blocks = Blocks::default();
        let is_title =
            |shape: &Shape| matches!(shape.placeholder.as_deref(), Some("title" | "ctrTitle"));
        let (titles, others): (Vec<Shape>, Vec<Shape>) = self.found.into_iter().partition(is_title);
        for title in &titles {
            let words: Vec<&str> = title
                .paragraphs
                .iter()
                .map(|(_, text)| text.as_str())
                .collect();
            blocks.heading(1, &words.join(" "));
        }
        for shape in others {
            let kind = shape.placeholder.as_deref();
            if kind.is_some_and(|kind| REPEATED.contains(&kind)) {
                continue;
            }
            let description = shape.description.as_deref().unwrap_or_default();
            if shape.is_picture {
                let share = shape.area.zip(size).map(|(area, size)| area / size);
                blocks.picture(share, description);
            } else {
                blocks.paragraph(&pictures::words(description));
            }
            shape.write(&mut blocks);
        }
        blocks
    }
}

impl Shape {
    fn write(&self, blocks: &mut Blocks) {
        blocks.table(&self.rows);
        match self.paragraphs.as_slice() {
            [(_, only)] => blocks.paragraph(only),
            many => many
                .iter()
                .for_each(|(level, text)| blocks.item(*level, "-", text)),
        }
    }
}

/// A cell that a merged one covers repeats it.
fn open_cell(shape: &mut Shape, covered: bool) {
    let above = shape
        .rows
        .len()
        .checked_sub(2)
        .and_then(|at| shape.rows.get(at))
        .cloned();
    if let Some(row) = shape.rows.last_mut() {
        let left = row.last().cloned();
        let above = above.and_then(|row_above| row_above.get(row.len()).cloned());
        row.push(match covered {
            true => left
                .filter(|text| !text.is_empty())
                .or(above)
                .unwrap_or_default(),
            false => String::new(),
        });
    }
}

fn close_paragraph(shape: &mut Shape, text: String, level: usize, in_cell: bool) {
    if text.trim().is_empty() {
        return;
    }
    match shape
        .rows
        .last_mut()
        .and_then(|row| row.last_mut())
        .filter(|_| in_cell)
    {
        Some(cell) => {
            let joined = format!("{cell} {text}");
            *cell = table::cell(&joined);
        }
        None => shape.paragraphs.push((level, text)),
    }
}
