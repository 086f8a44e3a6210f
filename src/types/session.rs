//! Conversations and their messages.

use super::{MessageId, SessionId, TenantId, Time, UserId};

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    User,
    Assistant,
    System,
}

impl Role {
    /// The word used in the database and on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Assistant, Self::System]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// A conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub title: Option<String>,
    pub system_prompt: Option<String>,
    pub metadata: serde_json::Value,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub role: Role,
    pub content: String,
    pub created_at: Time,
    /// For an answer: the summary that was stored with it.
    pub answer: Option<super::AnswerSummary>,
}
