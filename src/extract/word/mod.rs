//! Word documents (.docx) as Markdown: headings, lists, tables and footnotes
//! keep their structure, the rest of the formatting is dropped.

mod body;
mod styles;

use super::archive::Package;
use super::format::{Content, Format, Source, StructuredText};
use super::{ExtractError, Limits, markdown, office, xml};
use crate::types::DocumentMetadata;

pub(super) struct Word;

impl Format for Word {
    fn name(&self) -> &'static str {
        "docx"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["docx", "docm", "dotx"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        office::claims(source, self.extensions(), "word/document")
    }

    fn extract(&self, source: &Source<'_>, _limits: &Limits) -> Result<Content, ExtractError> {
        office::refuse_compound(source.bytes, "a Word file of before 2007 (.doc)")?;
        let mut package = Package::open(source.bytes, source.budget, "Word")?;
        let is_main = |name: &str| name.starts_with("word/document") && name.ends_with(".xml");
        let main = package
            .find(is_main)
            .ok_or_else(|| damaged("it has no text"))?;
        let document = package
            .part(&main)?
            .ok_or_else(|| damaged("it has no text"))?;
        let styles = package.part("word/styles.xml")?.unwrap_or_default();
        let numbering = package.part("word/numbering.xml")?.unwrap_or_default();
        let footnotes = package.part("word/footnotes.xml")?.unwrap_or_default();
        let properties = package.part("docProps/core.xml")?.unwrap_or_default();
        let styles = styles::Styles::read(&styles, &numbering).map_err(damaged)?;
        let (mut text, pictures) = body::markdown(&document, &styles).map_err(damaged)?;
        let notes = body::footnotes(&footnotes, &styles).map_err(damaged)?;
        if !notes.is_empty() {
            text.push_str("\n\n");
            text.push_str(&notes);
        }
        let headings = markdown::headings(&text);
        let title = xml::text_of(&properties, "title").or_else(|| markdown::title(&headings));
        Ok(Content::Flowing(StructuredText {
            text,
            headings,
            pictures,
            metadata: DocumentMetadata {
                title,
                ..DocumentMetadata::default()
            },
        }))
    }
}

fn damaged(reason: impl Into<String>) -> ExtractError {
    ExtractError::damaged("Word", reason)
}
