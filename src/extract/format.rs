//! What a file format is: a name, a way to recognise it, a way to read it.

use super::html::Html;
use super::markdown::{Mark, Markdown};
use super::pdf::Pdf;
use super::plain::PlainText;
use super::word::Word;
use super::{ExtractError, Heading, Limits};
use crate::types::{DocumentMetadata, Page};

/// A file as the formats see it before one of them reads it.
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    /// Extension of the file name in lower case, without the dot.
    pub(super) extension: String,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8], filename: &str) -> Self {
        let extension = std::path::Path::new(filename).extension();
        let extension = extension.and_then(|text| text.to_str()).unwrap_or("");
        Self {
            bytes,
            extension: extension.to_ascii_lowercase(),
        }
    }

    pub(super) fn has_extension(&self, any_of: &[&str]) -> bool {
        any_of.contains(&self.extension.as_str())
    }
}

/// A text without pages, its headings and what it says about itself.
#[derive(Debug, Default)]
pub(super) struct StructuredText {
    pub(super) text: String,
    pub(super) headings: Vec<Mark>,
    pub(super) metadata: DocumentMetadata,
}

/// What a format reads out of a file.
#[derive(Debug)]
pub(super) enum Content {
    /// One text that has no pages of its own.
    Flowing(StructuredText),
    /// Pages of the original.
    Paged {
        pages: Vec<Page>,
        headings: Vec<Heading>,
        metadata: DocumentMetadata,
    },
}

/// A file format.
pub(super) trait Format: Sync {
    /// The name kept with the document, e.g. `pdf`.
    fn name(&self) -> &'static str;

    /// Whether the file is of this format, by its content first.
    fn recognises(&self, source: &Source<'_>) -> bool;

    /// Reads the file. May panic or hang on hostile input: the caller guards.
    fn extract(&self, bytes: &[u8], limits: &Limits) -> Result<Content, ExtractError>;
}

/// Formats that a signature gives away.
const SIGNED: &[&dyn Format] = &[&Pdf, &Word];

/// Formats that are text; plain text, the last, takes what is left.
const TEXTS: &[&dyn Format] = &[&Html, &Markdown, &PlainText];

/// Extensions of the formats that are texts: content that looks like another
/// type by chance must not keep them from being read.
const TEXT_EXTENSIONS: [&str; 5] = ["txt", "text", "md", "markdown", "log"];

/// The format that reads the file.
pub(super) fn recognise(source: &Source<'_>) -> Result<&'static dyn Format, ExtractError> {
    let claims = |format: &&&'static dyn Format| format.recognises(source);
    if let Some(format) = SIGNED.iter().find(claims) {
        return Ok(*format);
    }
    if let Some(kind) = infer::get(source.bytes) {
        let text = kind.matcher_type() == infer::MatcherType::Text
            || source.has_extension(&TEXT_EXTENSIONS);
        if !text {
            return Err(ExtractError::Unsupported {
                what: format!("a .{} file ({})", kind.extension(), kind.mime_type()),
            });
        }
    }
    Ok(TEXTS.iter().find(claims).copied().unwrap_or(&PlainText))
}
