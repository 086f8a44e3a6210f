//! Plain text in any encoding, taken as it is.

use super::format::{Content, Format, Source, StructuredText};
use super::{ExtractError, Limits, charset};
use crate::types::DocumentMetadata;

pub(super) struct PlainText;

impl Format for PlainText {
    fn name(&self) -> &'static str {
        "text"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["txt", "text", "log", "rst", "tex"]
    }

    /// The last resort: whatever no other format claims, if it is text at all.
    fn recognises(&self, _source: &Source<'_>) -> bool {
        true
    }

    fn extract(&self, source: &Source<'_>, _limits: &Limits) -> Result<Content, ExtractError> {
        charset::refuse_binary(source.bytes)?;
        let text = charset::decode(source.bytes, None);
        Ok(Content::Flowing(StructuredText {
            text: text.trim_matches('\n').trim_end().to_owned(),
            headings: Vec::new(),
            pictures: Vec::new(),
            metadata: DocumentMetadata::default(),
        }))
    }
}
