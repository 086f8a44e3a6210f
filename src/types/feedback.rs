//! What people think of answers.

use super::{FeedbackId, MessageId, SessionId, Time, UserId};

/// What somebody thinks of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeedbackKind {
    ThumbsUp,
    ThumbsDown,
    ReportInaccurate,
}

impl FeedbackKind {
    /// Each kind.
    pub const ALL: [Self; 3] = [Self::ThumbsUp, Self::ThumbsDown, Self::ReportInaccurate];

    /// The word used in the database and on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ThumbsUp => "thumbs_up",
            Self::ThumbsDown => "thumbs_down",
            Self::ReportInaccurate => "report_inaccurate",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A verdict on an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    pub id: FeedbackId,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub query_id: MessageId,
    pub response_id: MessageId,
    pub kind: FeedbackKind,
    pub text: Option<String>,
    pub created_at: Time,
}
