//! What the tests of this module share.

use crate::engine::encoder::Encoder;
use crate::types::{DatasetId, DocumentId, Passage, PassageScores, Placement, char_len};
use std::sync::OnceLock;

pub(super) fn encoder() -> &'static Encoder {
    static ENCODER: OnceLock<Encoder> = OnceLock::new();
    ENCODER.get_or_init(|| Encoder::bundled().unwrap())
}

/// A passage of page 1 of `document` that starts at character `start`.
pub(super) fn passage(document: &str, start: usize, text: &str) -> Passage {
    Passage {
        chunk_key: start as u64,
        document_id: DocumentId::from(document),
        external_id: None,
        dataset_id: DatasetId::from("set"),
        filename: format!("{document}.pdf"),
        title: document.to_owned(),
        chunk_index: 0,
        page: 1,
        page_number: Some(1),
        start,
        end: start + char_len(text),
        heading_path: Vec::new(),
        placement: Placement::default(),
        text: text.to_owned(),
        score: 0.9,
        scores: PassageScores::default(),
    }
}
