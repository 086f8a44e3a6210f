//! What can differ between two makings of one answer, and its names on wires.
//! Must not know how it is found.

use crate::types::DocumentId;

/// What something that differs is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DifferenceKind {
    Version,
    Embedder,
    Reader,
    Reranker,
    Analysis,
    Datasets,
    Model,
    EntailmentModel,
    Conversation,
    Prompt,
    Notes,
    SearchedFor,
    DocumentGone,
    DocumentReplaced,
    PassageGone,
    PassageNew,
    PassageChanged,
    PassageMoved,
    PassageUse,
    Mode,
    Finish,
    Answered,
    Verdict,
    Answer,
}

impl DifferenceKind {
    /// Its name on wires.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Embedder => "embedder",
            Self::Reader => "reader",
            Self::Reranker => "reranker",
            Self::Analysis => "analysis",
            Self::Datasets => "datasets",
            Self::Model => "model",
            Self::EntailmentModel => "entailment_model",
            Self::Conversation => "conversation",
            Self::Prompt => "prompt",
            Self::Notes => "notes",
            Self::SearchedFor => "searched_for",
            Self::DocumentGone => "document_gone",
            Self::DocumentReplaced => "document_replaced",
            Self::PassageGone => "passage_gone",
            Self::PassageNew => "passage_new",
            Self::PassageChanged => "passage_changed",
            Self::PassageMoved => "passage_moved",
            Self::PassageUse => "passage_use",
            Self::Mode => "mode",
            Self::Finish => "finish",
            Self::Answered => "answered",
            Self::Verdict => "verdict",
            Self::Answer => "answer",
        }
    }

    /// Whether it is about what came out, and not about what it was made with.
    pub fn is_of_outcome(self) -> bool {
        matches!(
            self,
            Self::DocumentGone
                | Self::DocumentReplaced
                | Self::PassageGone
                | Self::PassageNew
                | Self::PassageChanged
                | Self::PassageMoved
                | Self::PassageUse
                | Self::Mode
                | Self::Finish
                | Self::Answered
                | Self::Verdict
                | Self::Answer
        )
    }
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub kind: DifferenceKind,
    /// For people.
    pub text: String,
    pub first: Option<String>,
    pub again: Option<String>,
    /// Where it is about a document.
    pub document_id: Option<DocumentId>,
    /// Where it is about one of its passages.
    pub chunk_index: Option<u32>,
}

/// Which of two answers has a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Both,
    First,
    Again,
}

impl Side {
    /// Its name on wires.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::First => "first",
            Self::Again => "again",
        }
    }
}

/// A sentence of one answer, or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub side: Side,
    pub sentence: String,
}
