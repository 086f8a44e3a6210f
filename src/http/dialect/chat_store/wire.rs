//! The JSON of contract 3.

use crate::types::{Message, MessageId, Role, Session, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// A session to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateBody {
    /// The session's user: your own id or name, unless you are a service or an administrator.
    #[schema(min_length = 1, max_length = 256)]
    pub(crate) user_id: String,
    /// A name of your own for the session; made if it is absent.
    #[schema(pattern = "^[A-Za-z0-9._:-]{1,128}$")]
    pub(crate) session_id: Option<String>,
    /// The agent that the session is held with.
    #[schema(min_length = 1, max_length = 256)]
    pub(crate) agent_id: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) title: Option<String>,
    /// Whatever the client keeps with it.
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// Query of `GET /sessions`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct ListQuery {
    /// Whose sessions: your own id or name, unless you are a service or an administrator.
    #[param(min_length = 1, max_length = 256)]
    pub(crate) user_id: String,
    /// Only sessions with this agent.
    pub(crate) agent_id: Option<String>,
    /// At most so many; all if it is absent.
    #[param(minimum = 1, maximum = 100)]
    pub(crate) limit: Option<usize>,
    /// `next_cursor` of the answer before.
    pub(crate) cursor: Option<String>,
}

/// Query of whatever names one session.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct UserQuery {
    /// The session's user.
    #[param(min_length = 1, max_length = 256)]
    pub(crate) user_id: String,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
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

/// A message to be stored as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MessageBody {
    /// The session's user.
    #[schema(min_length = 1, max_length = 256)]
    pub(crate) user_id: String,
    pub(crate) role: RoleWire,
    #[schema(min_length = 1)]
    pub(crate) content: String,
    /// Whatever the client keeps with it.
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// A session, of a user as the client named it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionWire<'a> {
    session_id: &'a SessionId,
    user_id: &'a str,
    #[schema(required)]
    agent_id: Option<&'a str>,
    #[schema(required)]
    title: Option<&'a str>,
    #[schema(value_type = Object)]
    metadata: &'a Value,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Sessions, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList<'a> {
    pub(crate) sessions: Vec<SessionWire<'a>>,
    /// What to give as `cursor` for the next page; null if this was the last.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// A session with its messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionHistory<'a> {
    pub(crate) session: SessionWire<'a>,
    pub(crate) messages: Vec<MessageWire<'a>>,
}

/// A session is gone, and its messages with it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deleted<'a> {
    pub(crate) message: &'static str,
    pub(crate) session_id: &'a SessionId,
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
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageWire<'a> {
    session_id: &'a SessionId,
    /// Unix milliseconds, rising from message to message of a session.
    message_timestamp: i64,
    message_id: &'a MessageId,
    #[schema(value_type = RoleWire)]
    role: &'static str,
    content: &'a str,
    #[schema(value_type = Object)]
    metadata: &'a Value,
    #[schema(format = DateTime)]
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
