//! Schemas of the nouns that all layers share and that are one word or one
//! text on every wire.

use crate::service::{AuditOutcome, DownloadState, ModelKind, UserRole};
use crate::types::{
    DatasetId, DocumentId, DocumentStatus, FeedbackId, FeedbackKind, KeyId, MessageId, SessionId,
    TenantId, UserId, Visibility,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

fn text(about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
}

macro_rules! ids {
    ($($noun:ident $about:literal),* $(,)?) => {$(
        impl PartialSchema for $noun {
            fn schema() -> RefOr<Schema> {
                text($about).into()
            }
        }

        impl ToSchema for $noun {}
    )*};
}

ids!(
    DatasetId "Names a dataset: a UUID, or the name of a built-in one",
    DocumentId "Names a document: a UUID",
    FeedbackId "Names a verdict: a UUID",
    KeyId "Names an API key: a UUID",
    MessageId "Names a message: a UUID",
    SessionId "Names a session: a UUID, or what the client chose",
    TenantId "Names a tenant: a UUID, or what was chosen when it was made",
    UserId "Names a user: a UUID",
);

macro_rules! words {
    ($($noun:ident $about:literal [$($word:ident)*]),* $(,)?) => {$(
        impl PartialSchema for $noun {
            fn schema() -> RefOr<Schema> {
                let words = [$(Self::$word.as_str()),*];
                text($about).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $noun {}
    )*};
}

words!(
    AuditOutcome "How an action ended" [Done Refused Failed],
    DocumentStatus "How far a document's indexing is" [Queued Extracting Embedding Ready Failed],
    DownloadState "What a download is doing"
        [Waiting Connecting Receiving Retrying Checking Paused Failed Done Discarded],
    FeedbackKind "A verdict on an answer" [ThumbsUp ThumbsDown ReportInaccurate],
    ModelKind "What a model is for" [Chat Embedding Reranking],
    UserRole "What a user may do" [User Admin Service],
    Visibility "Who sees a dataset" [Private Tenant Public],
);
