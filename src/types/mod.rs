//! The nouns of the product: plain data that every layer shares. Nothing here
//! is a wire format (dialects have their own), and nothing here does work.

mod answer;
mod choices;
mod document;
pub mod error;
mod feedback;
mod ids;
mod judgement;
mod record;
pub mod schema;
mod search;
mod session;
mod text;
mod time;
mod visibility;

pub use answer::{
    AnswerEvent, AnswerMode, AnswerSummary, Coverage, FinishReason, LeftOut, PartReading,
    PartsRead, PromptReading, SentenceCheck, ShownSource, Stage, Support, TokenUsage,
};
pub use choices::{DeviceChoice, KvCache, ModelKind};
pub use document::{
    Chunk, Dataset, Document, DocumentMetadata, DocumentProgress, DocumentStatus, DocumentVersion,
    NewChunk, Page, PageOutcome, PageSummary,
};
pub use feedback::{Feedback, FeedbackKind};
pub use ids::{
    DatasetId, DocumentId, FeedbackId, JudgementId, KeyId, MessageId, SessionId, TenantId, UserId,
    WatchedFolderId,
};
pub use judgement::{JudgedPassage, Judgement};
pub use record::{
    AnswerRecord, Omission, RecordedDocument, RecordedModel, RecordedPart, RecordedPassage,
    RecordedRetrieval, RecordedScope, RecordedTurn, RecordedWriting,
};
pub use search::{
    Citation, Neighbour, PartialSearchOptions, Passage, PassageScores, Placement, SearchOptions,
    SearchScope, SearchTimes, SearchType,
};
pub use session::{Message, Role, Session, SessionStatus};
pub use text::{char_len, slice_chars};
pub use time::Time;
pub use visibility::{PUBLIC_TENANT, Viewer, Visibility};
