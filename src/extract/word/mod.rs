//! Word documents (.docx) as Markdown: headings, lists, tables and footnotes
//! keep their structure, the rest of the formatting is dropped.

mod body;
mod styles;
mod xml;

use super::format::{Content, Format, Source, StructuredText};
use super::{ExtractError, Limits, charset, markdown};
use crate::types::DocumentMetadata;
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

pub(super) struct Word;

const ZIP: &[u8] = b"PK\x03\x04";
/// The container of old Word files and of encrypted new ones.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// How much larger than the file its text may be, above a size that is harmless.
const MAX_RATIO: u64 = 200;
const HARMLESS_BYTES: u64 = 16 * 1024 * 1024;

impl Format for Word {
    fn name(&self) -> &'static str {
        "docx"
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        let named = source.has_extension(&["docx", "docm", "dotx"]);
        let zip = source.bytes.starts_with(ZIP);
        let compound = source.bytes.starts_with(COMPOUND);
        (zip && (named || contains(source.bytes, b"word/document"))) || (compound && named)
    }

    fn extract(&self, bytes: &[u8], limits: &Limits) -> Result<Content, ExtractError> {
        if bytes.starts_with(COMPOUND) {
            return Err(of_compound(bytes));
        }
        let mut package = Package::open(bytes, limits)?;
        let main = package.main_part()?;
        let document = package
            .part(&main)?
            .ok_or_else(|| damaged("it has no text"))?;
        let styles = package.part("word/styles.xml")?.unwrap_or_default();
        let numbering = package.part("word/numbering.xml")?.unwrap_or_default();
        let footnotes = package.part("word/footnotes.xml")?.unwrap_or_default();
        let properties = package.part("docProps/core.xml")?.unwrap_or_default();
        let styles = styles::Styles::read(&styles, &numbering).map_err(damaged)?;
        let mut text = body::markdown(&document, &styles).map_err(damaged)?;
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

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// A file with the name of a new Word document in the container of an old one.
fn of_compound(bytes: &[u8]) -> ExtractError {
    let stream: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if contains(bytes, &stream) {
        return ExtractError::Encrypted;
    }
    ExtractError::Unsupported {
        what: "a Word file of before 2007 (.doc)".to_owned(),
    }
}

/// The zip file, and how much may still be unpacked from it.
struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    limit: u64,
    left: u64,
}

impl<'a> Package<'a> {
    fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ExtractError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(e.to_string()))?;
        let by_ratio = (bytes.len() as u64 * MAX_RATIO).max(HARMLESS_BYTES);
        let limit = by_ratio.min(limits.max_unpacked_bytes);
        Ok(Self {
            archive,
            limit,
            left: limit,
        })
    }

    /// Name of the part with the text; some programs number it.
    fn main_part(&self) -> Result<String, ExtractError> {
        let names = self.archive.file_names().filter_map(Result::ok);
        let mut names = names.filter(|n| n.starts_with("word/document") && n.ends_with(".xml"));
        let found = names.next().map(|name| name.into_owned());
        found.ok_or_else(|| damaged("it has no text"))
    }

    fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let entry = match self.archive.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(damaged(error.to_string())),
        };
        let mut bytes = Vec::new();
        let read = entry.take(self.left + 1).read_to_end(&mut bytes);
        read.map_err(|error| damaged(error.to_string()))?;
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or(ExtractError::TooLargeUnpacked { limit: self.limit })?;
        Ok(Some(charset::decode(&bytes, None)))
    }
}
