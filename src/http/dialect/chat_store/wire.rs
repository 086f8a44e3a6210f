//! The JSON of contract 3.

use crate::types::{Message, MessageId, Role, Session, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Body of `POST /sessions`.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateBody {
    pub(crate) user_id: String,
    pub(crate) session_id: Option<String>,
    pub(crate) agent_id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// Query of `GET /sessions`.
#[derive(Debug, Deserialize)]
pub(crate) struct ListQuery {
    pub(crate) user_id: String,
    pub(crate) agent_id: Option<String>,
}

/// Query of whatever names one session.
#[derive(Debug, Deserialize)]
pub(crate) struct UserQuery {
    pub(crate) user_id: String,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleWire {
    User,
    Assistant,
    System,
}

impl From<RoleWire> for Role {
    fn from(role: RoleWire) -> Self {
        match role {
            RoleWire::User => Self::User,
            RoleWire::Assistant => Self::Assistant,
            RoleWire::System => Self::System,
        }
    }
}

/// Body of `POST /sessions/{id}/messages`.
#[derive(Debug, Deserialize)]
pub(crate) struct MessageBody {
    pub(crate) user_id: String,
    pub(crate) role: RoleWire,
    pub(crate) content: String,
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// A session, of a user as the client named it.
#[derive(Debug, Serialize)]
pub(crate) struct SessionWire<'a> {
    session_id: &'a SessionId,
    user_id: &'a str,
    agent_id: Option<&'a str>,
    title: Option<&'a str>,
    metadata: &'a Value,
    created_at: String,
    updated_at: String,
}

impl<'a> SessionWire<'a> {
    /// A session of the user that the client calls `user`.
    pub(crate) fn new(session: &'a Session, user: &'a str) -> Self {
        Self {
            session_id: &session.id,
            user_id: user,
            agent_id: session.agent_id.as_deref(),
            title: session.title.as_deref(),
            metadata: &session.metadata,
            created_at: session.created_at.to_string(),
            updated_at: session.updated_at.to_string(),
        }
    }
}

/// A message.
#[derive(Debug, Serialize)]
pub(crate) struct MessageWire<'a> {
    session_id: &'a SessionId,
    /// Unix milliseconds, rising from message to message of a session.
    message_timestamp: i64,
    message_id: &'a MessageId,
    role: &'static str,
    content: &'a str,
    metadata: &'a Value,
    created_at: String,
}

impl<'a> From<&'a Message> for MessageWire<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            session_id: &message.session_id,
            message_timestamp: message.created_at.millis(),
            message_id: &message.id,
            role: message.role.as_str(),
            content: &message.content,
            metadata: &message.metadata,
            created_at: message.created_at.to_string(),
        }
    }
}
