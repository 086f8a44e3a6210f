//! Images: recorded as one page that was not read, with what it is. There is
//! no text recognition.

use super::collection::Collection;
use super::format::{Content, Format, Source};
use super::{ExtractError, Limits};
use crate::types::DocumentMetadata;

pub(super) struct Image;

impl Format for Image {
    fn name(&self) -> &'static str {
        "image"
    }

    /// None that a person would add for its text.
    fn extensions(&self) -> &'static [&'static str] {
        &[]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        infer::is_image(source.bytes)
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let kind = infer::get(source.bytes).map_or("", |kind| kind.extension());
        let mut collection = Collection::new(limits);
        let kind = kind.to_uppercase();
        collection.unread(format!("an image ({kind}); to read its text it needs OCR"))?;
        Ok(collection.finish(true, DocumentMetadata::default()))
    }
}
