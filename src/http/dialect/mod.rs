//! The dialects that are spoken over HTTP. A dialect translates between its
//! wire and the service and does nothing else; dialects do not name each other.

pub(crate) mod chat_module;
pub(crate) mod native;
pub(crate) mod openai;
pub(crate) mod orchestration;
pub(crate) mod rag_chat;

use super::failure::Failure;
use crate::error::{ErrorKind, Fault};
use actix_web::{HttpResponse, ResponseError};
use serde_json::Value;

/// What a client gets to know of a failure.
pub(crate) struct Outward<'a> {
    pub(crate) kind: ErrorKind,
    pub(crate) message: &'a str,
    /// The path of the field that is wrong, where it is one.
    pub(crate) field: Option<&'a str>,
    /// A word for exactly this failure, where it has one.
    pub(crate) code: Option<&'static str>,
    /// There for failures of the server's side.
    pub(crate) request_id: Option<&'a str>,
}

/// A wire format, as far as errors go.
pub(crate) trait Dialect: 'static {
    /// The envelope around a failure.
    fn body(failure: &Outward<'_>) -> Value;
}

/// Names a dialect where no type parameter can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    ChatModule,
    Native,
    OpenAi,
    Orchestration,
    RagChat,
}

impl Tongue {
    /// First segments of all API paths, with the dialect that answers for unknown paths there.
    const PREFIXES: [(&'static str, Self); 6] = [
        ("api", Self::Native),
        ("auth", Self::Native),
        ("chat", Self::RagChat),
        ("documents", Self::RagChat),
        ("health", Self::RagChat),
        ("v1", Self::OpenAi),
    ];

    /// The dialect whose paths start as `path` does.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let mut segments = path.trim_start_matches('/').split('/');
        let first = segments.next()?;
        // Some dialects share a first segment with another one.
        match (first, segments.next()) {
            ("api", Some("chats")) => return Some(Self::ChatModule),
            ("chat", Some("query" | "selected-text" | "history" | "feedback")) => {
                return Some(Self::Orchestration);
            }
            _ => {}
        }
        let found = Self::PREFIXES.iter().find(|(prefix, _)| *prefix == first)?;
        Some(found.1)
    }

    /// A refusal in this dialect.
    pub(crate) fn refuse(self, error: Fault) -> HttpResponse {
        match self {
            Self::ChatModule => Failure::<chat_module::ChatModule>::from(error).error_response(),
            Self::Native => Failure::<native::Native>::from(error).error_response(),
            Self::OpenAi => Failure::<openai::OpenAi>::from(error).error_response(),
            Self::Orchestration => {
                Failure::<orchestration::Orchestration>::from(error).error_response()
            }
            Self::RagChat => Failure::<rag_chat::RagChat>::from(error).error_response(),
        }
    }

    /// The refusal of a method that the path does not have.
    pub(crate) fn method_not_allowed(self, allow: String) -> HttpResponse {
        match self {
            Self::ChatModule => {
                Failure::<chat_module::ChatModule>::method_not_allowed(allow).error_response()
            }
            Self::Native => Failure::<native::Native>::method_not_allowed(allow).error_response(),
            Self::OpenAi => Failure::<openai::OpenAi>::method_not_allowed(allow).error_response(),
            Self::Orchestration => {
                Failure::<orchestration::Orchestration>::method_not_allowed(allow).error_response()
            }
            Self::RagChat => {
                Failure::<rag_chat::RagChat>::method_not_allowed(allow).error_response()
            }
        }
    }
}
