//! The JSON of contract 5.

use crate::types::{Message, MessageId, Session, SessionId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Body of `POST /api/chats/sessions`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct NewSessionBody {
    pub(crate) session_id: Option<String>,
    pub(crate) external_user_id: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Value,
    pub(crate) expires_at: Option<String>,
}

/// Query of `GET /api/chats/sessions`.
#[derive(Debug, Deserialize)]
pub(crate) struct SessionsQuery {
    pub(crate) is_active: Option<String>,
    pub(crate) external_user_id: Option<String>,
    pub(crate) search: Option<String>,
}

/// Body of `POST /api/chats/messages`.
#[derive(Debug, Deserialize)]
pub(crate) struct NewMessageBody {
    pub(crate) session_id: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) role: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Value,
}

/// Query of `GET /api/chats/messages`.
#[derive(Debug, Deserialize)]
pub(crate) struct MessagesQuery {
    pub(crate) session_id: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) search: Option<String>,
}

/// Body of both chats.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatBody {
    pub(crate) message: Option<String>,
    pub(crate) session_id: Option<String>,
}

/// A session.
#[derive(Debug, Serialize)]
pub(crate) struct SessionWire<'a> {
    id: &'a SessionId,
    session_id: &'a SessionId,
    external_user_id: Option<&'a str>,
    created_at: String,
    expires_at: Option<String>,
    is_active: bool,
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
#[derive(Debug, Serialize)]
pub(crate) struct MessageWire<'a> {
    id: &'a MessageId,
    session: SessionWire<'a>,
    message: &'a str,
    role: &'static str,
    metadata: Value,
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
#[derive(Debug, Serialize)]
pub(crate) struct ChatAnswer<'a> {
    pub(crate) response: &'a str,
    pub(crate) session_id: Option<&'a SessionId>,
    pub(crate) message_id: Option<&'a MessageId>,
    pub(crate) response_id: &'a MessageId,
}
