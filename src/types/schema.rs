//! Schemas of the nouns that are one word or one text on every wire. They stand
//! beside the nouns because a trait is implemented where its type is.

use crate::{
    DatasetId, DocumentId, DocumentStatus, FeedbackId, FeedbackKind, JudgementId, KeyId, MessageId,
    ModelKind, SessionId, TenantId, UserId, Visibility, WatchedFolderId,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// The schema of a text that is `about` something.
pub fn text(about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
}

macro_rules! ids {
    ($($noun:ident $about:literal),* $(,)?) => {$(
        impl utoipa::PartialSchema for $noun {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                text($about).into()
            }
        }

        impl utoipa::ToSchema for $noun {}
    )*};
}

ids!(
    DatasetId "Names a dataset: a UUID, or the name of a built-in one",
    DocumentId "Names a document: a UUID",
    FeedbackId "Names a verdict: a UUID",
    JudgementId "Names a judgement on a passage: a UUID",
    KeyId "Names an API key: a UUID",
    MessageId "Names a message: a UUID",
    SessionId "Names a session: a UUID, or what the client chose",
    TenantId "Names a tenant: a UUID, or what was chosen when it was made",
    UserId "Names a user: a UUID",
    WatchedFolderId "Names a watched folder: a UUID",
);

/// Implements the schema of enums whose variants are words by their `as_str`:
/// `Noun "what it says" [Variant Variant]`.
#[macro_export]
macro_rules! words {
    ($($noun:ident $about:literal [$($word:ident)*]),* $(,)?) => {$(
        impl ::utoipa::PartialSchema for $noun {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                let words = [$(Self::$word.as_str()),*];
                $crate::schema::text($about).enum_values(Some(words)).into()
            }
        }

        impl ::utoipa::ToSchema for $noun {}
    )*};
}

words!(
    DocumentStatus "How far a document's indexing is" [Queued Extracting Embedding Ready Failed],
    FeedbackKind "A verdict on an answer" [ThumbsUp ThumbsDown ReportInaccurate],
    ModelKind "What a model is for" [Chat Embedding Reranking Entailment],
    Visibility "Who sees a dataset" [Private Tenant Public],
);
