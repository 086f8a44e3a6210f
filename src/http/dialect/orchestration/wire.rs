//! The JSON of contract 4. Names are the contract's; what is not in it is added
//! beside it. Its strings are never null: what is not known is empty.

use crate::types::{Citation, FeedbackId, FeedbackKind, Message, MessageId, Role, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A question. What is missing is refused by its own code.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct QueryBody {
    #[schema(value_type = String, min_length = 1, pattern = r"\S")]
    pub(crate) question: Option<String>,
    /// A name that the client chooses; a session that does not exist is made.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._:-]{1,128}$")]
    pub(crate) session_id: Option<String>,
    /// Only documents of this module.
    pub(crate) module: Option<String>,
    /// Only documents of this chapter.
    pub(crate) chapter: Option<String>,
}

/// A question about a text.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SelectionBody {
    /// The only source of the answer.
    #[schema(value_type = String, min_length = 1, pattern = r"\S")]
    pub(crate) selected_text: Option<String>,
    #[schema(value_type = String, min_length = 1, pattern = r"\S")]
    pub(crate) question: Option<String>,
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._:-]{1,128}$")]
    pub(crate) session_id: Option<String>,
}

/// A verdict on an answer.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FeedbackBody {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._:-]{1,128}$")]
    pub(crate) session_id: Option<String>,
    /// The question, by its `query_id`.
    #[schema(value_type = String, min_length = 1)]
    pub(crate) query_id: Option<String>,
    /// The answer to it, by its `response_id`.
    #[schema(value_type = String, min_length = 1)]
    pub(crate) response_id: Option<String>,
    #[schema(value_type = FeedbackKind)]
    pub(crate) feedback_type: Option<String>,
    #[schema(max_length = 2000)]
    pub(crate) feedback_text: Option<String>,
}

/// A citation as the contract has it, and where in the document it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CitationWire<'a> {
    text: &'a str,
    /// The document's own, or its place on this server.
    page_url: String,
    /// Empty where it is not known; so are `chapter` and `section`.
    module: &'a str,
    chapter: &'a str,
    section: &'a str,
    number: u32,
    document_id: &'a str,
    filename: &'a str,
    title: &'a str,
    chunk_index: u32,
    #[schema(required)]
    page_number: Option<u32>,
    score: f64,
}

impl<'a> CitationWire<'a> {
    /// A document without an address of its own is linked to on this server,
    /// which the client found at `origin`.
    pub(crate) fn new(citation: &'a Citation, origin: &str) -> Self {
        let word = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        let place = &citation.placement;
        let here = || format!("{origin}/#/documents/{}", citation.document_id);
        Self {
            text: &citation.text,
            page_url: place.page_url.clone().unwrap_or_else(here),
            module: word(&place.module),
            chapter: word(&place.chapter),
            section: word(&place.section),
            number: citation.number,
            document_id: citation.document_id.as_str(),
            filename: &citation.filename,
            title: &citation.title,
            chunk_index: citation.chunk_index,
            page_number: citation.page_number,
            // As many digits live as after it was stored.
            score: (f64::from(citation.score) * 1e6).round() / 1e6,
        }
    }

    /// All of `citations`.
    pub(crate) fn all(citations: &'a [Citation], origin: &str) -> Vec<Self> {
        citations.iter().map(|one| Self::new(one, origin)).collect()
    }
}

/// An answer, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerWire<'a> {
    pub(crate) response_id: &'a MessageId,
    #[schema(value_type = MessageId)]
    pub(crate) query_id: Option<&'a MessageId>,
    pub(crate) answer: &'a str,
    /// Absent for a selection, which is its only source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) citations: Option<Vec<CitationWire<'a>>>,
    #[schema(value_type = SessionId)]
    pub(crate) session_id: Option<&'a SessionId>,
    #[schema(format = DateTime)]
    pub(crate) timestamp: String,
}

/// A session's questions and answers, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryWire<'a> {
    pub(crate) session_id: &'a SessionId,
    pub(crate) history: Vec<HistoryItem<'a>>,
}

/// A verdict was stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackTaken<'a> {
    pub(crate) success: bool,
    pub(crate) feedback_id: &'a FeedbackId,
}

/// A message in a history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryItem<'a> {
    id: &'a MessageId,
    /// `user_query` or `chat_response`
    #[serde(rename = "type")]
    #[schema(pattern = "^(user_query|chat_response)$")]
    kind: &'static str,
    content: &'a str,
    #[schema(format = DateTime)]
    timestamp: String,
    /// Of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    citations: Option<Vec<CitationWire<'a>>>,
}

impl<'a> HistoryItem<'a> {
    /// A question or an answer; nothing for what is neither.
    pub(crate) fn new(message: &'a Message, origin: &str) -> Option<Self> {
        let (kind, citations) = match message.role {
            Role::User => ("user_query", None),
            Role::Assistant => {
                let answer = message.answer.as_ref();
                let cited = answer.map_or(&[][..], |answer| &answer.citations);
                ("chat_response", Some(CitationWire::all(cited, origin)))
            }
            Role::System => return None,
        };
        Some(Self {
            id: &message.id,
            kind,
            content: &message.content,
            timestamp: message.created_at.to_string(),
            citations,
        })
    }
}
