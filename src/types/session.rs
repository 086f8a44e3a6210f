//! Conversations and their messages.

use super::{MessageId, PartialSearchOptions, SessionId, TenantId, Time, UserId};

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

/// Whether a conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SessionStatus {
    #[default]
    Active,
    /// Put away: readable, closed to new messages until it is active again.
    Archived,
}

impl SessionStatus {
    /// The word used in the database and on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Archived]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Unique in its tenant; the client may have chosen it.
    pub id: SessionId,
    /// The product's own name for it, by which it is found too: a UUIDv7, the
    /// same as `id` where the client chose none.
    pub uuid: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub title: Option<String>,
    pub system_prompt: Option<String>,
    /// Kept above the others in its user's list.
    pub pinned: bool,
    /// How its answers are searched for, where a question does not say.
    pub search: PartialSearchOptions,
    /// A JSON object that belongs to the client.
    pub metadata: serde_json::Value,
    /// The agent that it is held with, as the client calls it.
    pub agent_id: Option<String>,
    /// Whoever the client holds it for; no user of ours.
    pub external_user_id: Option<String>,
    pub status: SessionStatus,
    /// From then on it takes no messages, but stays readable.
    pub expires_at: Option<Time>,
    /// It is deleted when nothing happened in it for so many seconds.
    pub keep_seconds: Option<i64>,
    pub created_at: Time,
    pub updated_at: Time,
}

impl Session {
    /// Whether it takes messages at `now`.
    pub fn is_open(&self, now: Time) -> bool {
        self.status == SessionStatus::Active && !self.has_expired(now)
    }

    /// Whether its time to take messages was over at `now`.
    pub fn has_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// When it is deleted if nothing more happens in it.
    pub fn delete_after(&self) -> Option<Time> {
        let seconds = self.keep_seconds?;
        Some(self.updated_at.plus_seconds(seconds))
    }
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub role: Role,
    pub content: String,
    /// A JSON object that belongs to the client.
    pub metadata: serde_json::Value,
    /// Later than that of every message before it in the session.
    pub created_at: Time,
    /// When its writer deleted it; such messages are only ever exported.
    pub deleted_at: Option<Time>,
    /// For an answer: the summary that was stored with it.
    pub answer: Option<super::AnswerSummary>,
}
