//! Identifiers. Each is a string on every wire; a type apiece keeps one from
//! being passed for another.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new UUIDv7: unique, and rising with time.
            pub fn generate() -> Self {
                Self(Uuid::now_v7().to_string())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A tenant: the wall that nothing crosses.
    TenantId
);
id!(
    /// A person or a service account inside a tenant.
    UserId
);
id!(
    /// A named collection of documents.
    DatasetId
);
id!(
    /// A document as uploaded.
    DocumentId
);
id!(
    /// A conversation; the client may have chosen the text (see [`SessionId::parse`]).
    SessionId
);
id!(
    /// A message of a conversation.
    MessageId
);
id!(
    /// A verdict on an answer.
    FeedbackId
);
id!(
    /// Somebody's word that a passage is the one that answers.
    JudgementId
);
id!(
    /// An API key, without its secret.
    KeyId
);

id!(
    /// A folder of the server's machine that a dataset is kept in step with.
    WatchedFolderId
);

impl SessionId {
    /// Longest session id that a client may choose, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Accepts what a client may choose as a session id: 1-128 characters of
    /// `[A-Za-z0-9._:-]`.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        (fits && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }
}
