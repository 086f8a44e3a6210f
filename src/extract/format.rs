//! What a file format is: a name, a way to recognise it, a way to read it. The
//! table of all formats stands here and nowhere else.

use super::archive::{self, Budget};
use super::code::Code;
use super::csv::Csv;
use super::eml::{Mail, Mailbox};
use super::epub::Epub;
use super::html::Html;
use super::image::Image;
use super::json::Json;
use super::markdown::{Mark, Markdown};
use super::opendocument::{OpenSheet, OpenSlides, OpenText};
use super::pdf::Pdf;
use super::pictures::Picture;
use super::plain::PlainText;
use super::pptx::PowerPoint;
use super::rtf::Rtf;
use super::word::Word;
use super::xlsx::Excel;
use super::zipped::Zip;
use super::{ExtractError, Heading, Limits};
use crate::types::{DocumentMetadata, Page};
use std::cell::OnceCell;

/// A file as the formats see it before one of them reads it.
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    /// As its owner calls it.
    pub(super) name: &'a str,
    /// Extension of the file name in lower case, without the dot.
    pub(super) extension: String,
    /// How many files it is inside of.
    pub(super) depth: u8,
    pub(super) budget: &'a Budget,
    members: OnceCell<Option<Vec<String>>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8], filename: &'a str, budget: &'a Budget) -> Self {
        let extension = std::path::Path::new(filename).extension();
        let extension = extension.and_then(|text| text.to_str()).unwrap_or("");
        Self {
            bytes,
            name: filename,
            extension: extension.to_ascii_lowercase(),
            depth: 0,
            budget,
            members: OnceCell::new(),
        }
    }

    /// A file inside of this one.
    pub(super) fn inside<'b>(&'b self, name: &'b str, bytes: &'b [u8]) -> Source<'b> {
        Source {
            depth: self.depth + 1,
            ..Source::new(bytes, name, self.budget)
        }
    }

    pub(super) fn has_extension(&self, any_of: &[&str]) -> bool {
        any_of.contains(&self.extension.as_str())
    }

    /// What is in it, if it is a zip file that can be opened.
    pub(super) fn members(&self) -> Option<&[String]> {
        let names = self.members.get_or_init(|| archive::names(self.bytes));
        names.as_deref()
    }
}

/// A text without pages, its headings, the pictures that were not read and what
/// it says about itself.
#[derive(Debug, Default)]
pub(super) struct StructuredText {
    pub(super) text: String,
    pub(super) headings: Vec<Mark>,
    /// In the order of the text.
    pub(super) pictures: Vec<Picture>,
    pub(super) metadata: DocumentMetadata,
}

/// What a format reads out of a file.
#[derive(Debug)]
pub(super) enum Content {
    /// One text that has no pages of its own.
    Flowing(StructuredText),
    /// Pages, or other parts, of the original.
    Paged {
        /// Whether their numbers are those of the original.
        numbered: bool,
        pages: Vec<Page>,
        headings: Vec<Heading>,
        metadata: DocumentMetadata,
    },
}

/// A file format.
pub(super) trait Format: Sync {
    /// The name kept with the document, e.g. `pdf`.
    fn name(&self) -> &'static str;

    /// Extensions of such files, in lower case.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether the file is of this format, by its content first.
    fn recognises(&self, source: &Source<'_>) -> bool;

    /// Reads the file. May panic or hang on hostile input: the caller guards.
    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError>;
}

/// Formats that a signature gives away. A zip file is an archive if nothing
/// before says what is made of it.
const SIGNED: &[&dyn Format] = &[
    &Pdf,
    &Word,
    &Excel,
    &PowerPoint,
    &OpenText,
    &OpenSheet,
    &OpenSlides,
    &Epub,
    &Zip,
    &Rtf,
    &Mailbox,
    &Mail,
    &Image,
];

/// Formats that are text; plain text, the last, takes what is left.
const TEXTS: &[&dyn Format] = &[&Html, &Csv, &Json, &Code, &Markdown, &PlainText];

/// Extensions of all files that are read, in lower case.
pub fn extensions() -> impl Iterator<Item = &'static str> {
    let all = SIGNED.iter().chain(TEXTS);
    all.flat_map(|format| format.extensions().iter().copied())
}

/// The format that reads the file.
pub(super) fn recognise(source: &Source<'_>) -> Result<&'static dyn Format, ExtractError> {
    let claims = |format: &&&'static dyn Format| format.recognises(source);
    if let Some(format) = SIGNED.iter().find(claims) {
        return Ok(*format);
    }
    if let Some(kind) = infer::get(source.bytes) {
        // Content that looks like another type by chance must not keep a text
        // from being read.
        let text = kind.matcher_type() == infer::MatcherType::Text
            || TEXTS
                .iter()
                .any(|one| source.has_extension(one.extensions()));
        if !text {
            return Err(ExtractError::Unsupported {
                what: format!("a .{} file ({})", kind.extension(), kind.mime_type()),
            });
        }
    }
    Ok(TEXTS.iter().find(claims).copied().unwrap_or(&PlainText))
}
