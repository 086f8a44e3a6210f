//! The JSON of contract 5.

use crate::types::{Message, MessageId, Session, SessionId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// Who wrote a message.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "it describes the words, which are read and written as such"
)]
enum RoleWire {
    User,
    Assistant,
    System,
}

/// A session to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct NewSessionBody {
    /// A name of your own for the session; made if it is absent.
    #[schema(pattern = "^([A-Za-z0-9._:-]{1,128})?$")]
    pub(crate) session_id: Option<String>,
    /// Whoever you hold it for.
    #[schema(max_length = 256)]
    pub(crate) external_user_id: Option<String>,
    /// Whatever the client keeps with it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Value,
    /// From then on it takes no messages; 24 hours from now if it is absent.
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
}

/// Query of `GET /api/chats/sessions`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct SessionsQuery {
    /// Whether it takes messages now: `true` or `false`.
    #[param(pattern = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)?$")]
    pub(crate) is_active: Option<String>,
    pub(crate) external_user_id: Option<String>,
    /// Part of the `session_id` or of the `external_user_id`.
    pub(crate) search: Option<String>,
}

/// A message to be stored as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewMessageBody {
    /// The session's `session_id` or its `id`.
    #[schema(value_type = String, min_length = 1)]
    pub(crate) session_id: Option<String>,
    #[schema(value_type = String, min_length = 1, pattern = r"\S")]
    pub(crate) message: Option<String>,
    /// `user` if it is absent.
    #[schema(value_type = Option<RoleWire>)]
    pub(crate) role: Option<String>,
    /// Whatever the client keeps with it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Value,
}

/// Query of `GET /api/chats/messages`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct MessagesQuery {
    /// The session's `session_id` or its `id`.
    #[param(value_type = String, required = true, min_length = 1)]
    pub(crate) session_id: Option<String>,
    /// Only messages of this role.
    #[param(inline, value_type = Option<RoleWire>)]
    pub(crate) role: Option<String>,
    /// Part of the message; case of ASCII letters does not count.
    pub(crate) search: Option<String>,
}

/// A message to be answered.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChatBody {
    #[schema(value_type = String, min_length = 1, pattern = r"\S")]
    pub(crate) message: Option<String>,
    /// The session's `session_id` or its `id`.
    #[schema(value_type = String, min_length = 1)]
    pub(crate) session_id: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionWire<'a> {
    /// A UUID.
    id: &'a SessionId,
    /// What the client chose; the same as `id` if it chose nothing.
    session_id: &'a SessionId,
    #[schema(required)]
    external_user_id: Option<&'a str>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// Whether it takes messages.
    is_active: bool,
    #[schema(value_type = Object)]
    metadata: &'a Value,
}

impl<'a> From<&'a Session> for SessionWire<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            id: &session.uuid,
            session_id: &session.id,
            external_user_id: session.external_user_id.as_deref(),
            created_at: session.created_at.to_string(),
            expires_at: session.expires_at.map(|end| end.to_string()),
            is_active: session.is_open(Time::now()),
            metadata: &session.metadata,
        }
    }
}

/// A message with its session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageWire<'a> {
    id: &'a MessageId,
    session: SessionWire<'a>,
    message: &'a str,
    #[schema(value_type = RoleWire)]
    role: &'static str,
    /// What the client keeps with it; of an answer also `sources` and `finish_reason`.
    #[schema(value_type = Object)]
    metadata: Value,
    #[schema(format = DateTime)]
    timestamp: String,
}

impl<'a> MessageWire<'a> {
    /// A message of `session`.
    pub(crate) fn new(session: &'a Session, message: &'a Message) -> Self {
        Self {
            id: &message.id,
            session: session.into(),
            message: &message.content,
            role: message.role.as_str(),
            metadata: metadata(message),
            timestamp: message.created_at.to_string(),
        }
    }
}

/// What the client keeps with it and, for an answer, its sources.
fn metadata(message: &Message) -> Value {
    let mut metadata = message.metadata.clone();
    if let (Some(answer), Some(fields)) = (&message.answer, metadata.as_object_mut()) {
        fields.insert("sources".to_owned(), json!(answer.citations));
        let reason = answer.finish_reason.as_str();
        fields.insert("finish_reason".to_owned(), json!(reason));
    }
    metadata
}

/// A whole answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatAnswer<'a> {
    pub(crate) response: &'a str,
    #[schema(value_type = SessionId)]
    pub(crate) session_id: Option<&'a SessionId>,
    /// Of the stored question.
    #[schema(value_type = MessageId)]
    pub(crate) message_id: Option<&'a MessageId>,
    /// Of the stored answer.
    pub(crate) response_id: &'a MessageId,
}
