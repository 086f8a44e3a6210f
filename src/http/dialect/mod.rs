//! The dialects that are spoken over HTTP. A dialect translates between its
//! wire and the service and does nothing else; dialects do not name each other.

pub(crate) mod chat_module;
pub(crate) mod chat_store;
pub(crate) mod conversations;
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
    ChatStore,
    Conversations,
    Native,
    OpenAi,
    Orchestration,
    RagChat,
}

impl Tongue {
    /// How all API paths begin, with the dialect that answers for unknown paths
    /// there; what is longer comes first.
    const PREFIXES: [(&'static str, Self); 18] = [
        ("v1/chat/conversations", Self::Conversations),
        ("v1/health", Self::Conversations),
        ("v1/schemas", Self::Conversations),
        ("v1/status", Self::Conversations),
        ("api/chats", Self::ChatModule),
        ("api", Self::Native),
        ("auth", Self::Native),
        ("chat/feedback", Self::Orchestration),
        ("chat/history", Self::Orchestration),
        ("chat/query", Self::Orchestration),
        ("chat/selected-text", Self::Orchestration),
        ("chat", Self::RagChat),
        ("documents", Self::RagChat),
        ("health", Self::RagChat),
        ("metrics", Self::Native),
        ("openapi.json", Self::Native),
        ("sessions", Self::ChatStore),
        ("v1", Self::OpenAi),
    ];

    /// The dialect whose paths start as `path` does.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let path = path.trim_start_matches('/');
        let under = |prefix: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = Self::PREFIXES.iter().find(|(prefix, _)| under(prefix))?;
        Some(found.1)
    }

    /// A refusal in this dialect.
    pub(crate) fn refuse(self, error: Fault) -> HttpResponse {
        match self {
            Self::ChatModule => Failure::<chat_module::ChatModule>::from(error).error_response(),
            Self::ChatStore => Failure::<chat_store::ChatStore>::from(error).error_response(),
            Self::Conversations => {
                Failure::<conversations::Conversations>::from(error).error_response()
            }
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
            Self::ChatStore => {
                Failure::<chat_store::ChatStore>::method_not_allowed(allow).error_response()
            }
            Self::Conversations => {
                Failure::<conversations::Conversations>::method_not_allowed(allow).error_response()
            }
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
