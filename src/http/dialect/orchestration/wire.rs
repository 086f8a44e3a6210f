//! The JSON of contract 4. Names are the contract's; what is not in it is added
//! beside it. Its strings are never null: what is not known is empty.

use crate::types::{Citation, Message, MessageId, Role, SessionId};
use serde::{Deserialize, Serialize};

/// Body of `POST /chat/query`. What is missing is refused by its own code.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryBody {
    pub(crate) question: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) module: Option<String>,
    pub(crate) chapter: Option<String>,
}

/// Body of `POST /chat/selected-text`.
#[derive(Debug, Deserialize)]
pub(crate) struct SelectionBody {
    pub(crate) selected_text: Option<String>,
    pub(crate) question: Option<String>,
    pub(crate) session_id: Option<String>,
}

/// Body of `POST /chat/feedback`.
#[derive(Debug, Deserialize)]
pub(crate) struct FeedbackBody {
    pub(crate) session_id: Option<String>,
    pub(crate) query_id: Option<String>,
    pub(crate) response_id: Option<String>,
    pub(crate) feedback_type: Option<String>,
    pub(crate) feedback_text: Option<String>,
}

/// A citation as the contract has it, and where in the document it is.
#[derive(Debug, Serialize)]
pub(crate) struct CitationWire<'a> {
    text: &'a str,
    page_url: String,
    module: &'a str,
    chapter: &'a str,
    section: &'a str,
    number: u32,
    document_id: &'a str,
    filename: &'a str,
    title: &'a str,
    chunk_index: u32,
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
#[derive(Debug, Serialize)]
pub(crate) struct AnswerWire<'a> {
    pub(crate) response_id: &'a MessageId,
    pub(crate) query_id: Option<&'a MessageId>,
    pub(crate) answer: &'a str,
    /// Absent for a selection, which is its only source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) citations: Option<Vec<CitationWire<'a>>>,
    pub(crate) session_id: Option<&'a SessionId>,
    pub(crate) timestamp: String,
}

/// A message in a history.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryItem<'a> {
    id: &'a MessageId,
    #[serde(rename = "type")]
    kind: &'static str,
    content: &'a str,
    timestamp: String,
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
