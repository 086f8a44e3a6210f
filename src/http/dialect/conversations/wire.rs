//! The JSON of contract 1. `schemas.json` beside this file says the same to clients.

use crate::http::HttpError;
use crate::http::search_options::SearchOptionsWire;
use crate::http::session_cursor;
use crate::service::SessionPlace;
use crate::types::{
    AnswerMode, AnswerSummary, Citation, Message, MessageId, Session, SessionId, SessionStatus,
    TenantId, TokenUsage, UserId,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Conversations on a page of the list.
const PAGE: usize = 20;

/// Body of `POST /v1/chat/conversations`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CreateBody {
    pub(crate) conversation_id: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// Body of `PATCH /v1/chat/conversations/{id}`.
#[derive(Debug, Deserialize)]
pub(crate) struct PatchBody {
    pub(crate) user_id: Option<String>,
    /// Null takes the title away.
    #[serde(default, deserialize_with = "present")]
    pub(crate) title: Option<Option<String>>,
    pub(crate) status: Option<StatusWire>,
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// Tells a field that is null from one that is missing.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(field).map(Some)
}

/// Whether a conversation goes on.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatusWire {
    Active,
    Archived,
}

impl From<StatusWire> for SessionStatus {
    fn from(status: StatusWire) -> Self {
        match status {
            StatusWire::Active => Self::Active,
            StatusWire::Archived => Self::Archived,
        }
    }
}

/// How an answer is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AnswerModeWire {
    Auto,
    Quotes,
}

/// Body of `POST /v1/chat/conversations/{id}/messages`.
#[derive(Debug, Deserialize)]
pub(crate) struct AskBody {
    pub(crate) content: String,
    pub(crate) user_id: Option<String>,
    pub(crate) stream: Option<bool>,
    pub(crate) dataset_id: Option<String>,
    pub(crate) search_options: Option<SearchOptionsWire>,
    pub(crate) answer_mode: Option<AnswerModeWire>,
}

/// Query of whatever names one conversation.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct UserQuery {
    /// In whose name: for services and administrators.
    #[param(min_length = 1, max_length = 256)]
    pub(crate) user_id: Option<String>,
}

/// Query of `GET /v1/chat/conversations`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct ListQuery {
    /// In whose name: for services and administrators.
    #[param(min_length = 1, max_length = 256)]
    pub(crate) user_id: Option<String>,
    /// Only conversations of this status.
    #[param(inline)]
    pub(crate) status: Option<StatusWire>,
    /// Conversations on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

impl ListQuery {
    /// How many conversations to give.
    pub(crate) fn limit(&self) -> Result<usize, HttpError> {
        session_cursor::page(self.limit.unwrap_or(PAGE))
    }

    /// Where the page before this one ended.
    pub(crate) fn place(&self) -> Result<Option<SessionPlace>, HttpError> {
        session_cursor::place(self.cursor.as_deref())
    }
}

/// A conversation.
#[derive(Debug, Serialize)]
pub(crate) struct ConversationWire<'a> {
    conversation_id: &'a SessionId,
    tenant_id: &'a TenantId,
    user_id: &'a UserId,
    title: Option<&'a str>,
    status: &'static str,
    metadata: &'a Value,
    created_at: String,
    updated_at: String,
    /// When it is deleted if nothing more happens in it, or takes no more messages.
    expires_at: Option<String>,
}

impl<'a> From<&'a Session> for ConversationWire<'a> {
    fn from(session: &'a Session) -> Self {
        let end = [session.delete_after(), session.expires_at];
        Self {
            conversation_id: &session.id,
            tenant_id: &session.tenant_id,
            user_id: &session.user_id,
            title: session.title.as_deref(),
            status: session.status.as_str(),
            metadata: &session.metadata,
            created_at: session.created_at.to_string(),
            updated_at: session.updated_at.to_string(),
            expires_at: end.into_iter().flatten().min().map(|end| end.to_string()),
        }
    }
}

/// A conversation with its messages.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryWire<'a> {
    #[serde(flatten)]
    pub(crate) conversation: ConversationWire<'a>,
    pub(crate) messages: Vec<MessageWire<'a>>,
}

/// One page of the list.
#[derive(Debug, Serialize)]
pub(crate) struct ListWire<'a> {
    pub(crate) conversations: Vec<ConversationWire<'a>>,
    pub(crate) next_cursor: Option<String>,
}

/// Tokens that the chat model read and wrote.
#[derive(Debug, Serialize)]
pub(crate) struct TokensUsed {
    prompt: u64,
    completion: u64,
    total: u64,
}

impl From<TokenUsage> for TokensUsed {
    fn from(usage: TokenUsage) -> Self {
        Self {
            prompt: usage.prompt,
            completion: usage.completion,
            total: usage.prompt + usage.completion,
        }
    }
}

/// A stored message.
#[derive(Debug, Serialize)]
pub(crate) struct MessageWire<'a> {
    message_id: &'a MessageId,
    conversation_id: &'a SessionId,
    timestamp: String,
    role: &'static str,
    content: &'a str,
    citations: &'a [Citation],
    tokens_used: Option<TokensUsed>,
    finish_reason: Option<&'static str>,
    metadata: &'a Value,
}

impl<'a> From<&'a Message> for MessageWire<'a> {
    fn from(message: &'a Message) -> Self {
        let answer = message.answer.as_ref();
        Self {
            message_id: &message.id,
            conversation_id: &message.session_id,
            timestamp: message.created_at.to_string(),
            role: message.role.as_str(),
            content: &message.content,
            citations: answer.map_or(&[], |answer| answer.citations.as_slice()),
            tokens_used: answer.map(|answer| answer.usage.into()),
            finish_reason: answer.map(|answer| answer.finish_reason.as_str()),
            metadata: &message.metadata,
        }
    }
}

/// A whole answer: the data of `message_end`, and the JSON where nothing is streamed.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerWire<'a> {
    conversation_id: Option<&'a SessionId>,
    message_id: &'a MessageId,
    user_message_id: Option<&'a MessageId>,
    role: &'static str,
    content: &'a str,
    citations: &'a [Citation],
    tokens_used: TokensUsed,
    finish_reason: &'static str,
    mode: &'static str,
    model: Option<&'a str>,
}

impl<'a> AnswerWire<'a> {
    /// The answer to `question`.
    pub(crate) fn new(
        session: Option<&'a SessionId>,
        question: Option<&'a MessageId>,
        answer: &'a MessageId,
        content: &'a str,
        summary: &'a AnswerSummary,
    ) -> Self {
        let (mode, model) = match &summary.mode {
            AnswerMode::Quotes => ("quotes", None),
            AnswerMode::Model { name } => ("model", Some(name.as_str())),
            AnswerMode::NothingFound => ("nothing_found", None),
        };
        Self {
            conversation_id: session,
            message_id: answer,
            user_message_id: question,
            role: "assistant",
            content,
            citations: &summary.citations,
            tokens_used: summary.usage.into(),
            finish_reason: summary.finish_reason.as_str(),
            mode,
            model,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PatchBody;

    #[test]
    fn null_title_is_told_from_a_missing_one() {
        let parse = |json| serde_json::from_str::<PatchBody>(json).unwrap().title;
        assert_eq!(parse("{}"), None);
        assert_eq!(parse(r#"{"title":null}"#), Some(None));
        assert_eq!(parse(r#"{"title":"t"}"#), Some(Some("t".to_owned())));
    }
}
