//! The JSON of contract 2. Names and nesting are the contract's; what is not in
//! the contract is added beside it. Citations, checks and coverage go out in
//! the form in which they are stored, which is pinned by tests.

use super::summary::SummaryWire;
use crate::http::search_options::SearchOptionsWire;
use crate::service::{MessageView, QuestionScope};
use crate::types::{
    Chunk, Citation, DatasetId, Document, DocumentId, MessageId, Passage, PassageScores, Placement,
    Session, SessionId, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

/// How an answer is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AnswerModeWire {
    /// By the chat model, where there is one.
    #[default]
    Auto,
    /// From sentences of the documents alone.
    Quotes,
}

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AskBody {
    /// May be left out where `again` says what is asked.
    #[serde(default)]
    pub(crate) message: String,
    /// The chat to go on with; a new one if it is absent.
    pub(crate) session_id: Option<String>,
    pub(crate) search_options: Option<SearchOptionsWire>,
    /// Only documents of this dataset.
    pub(crate) dataset_id: Option<String>,
    /// Search in these datasets alone.
    #[serde(default)]
    pub(crate) dataset_ids: Vec<DatasetId>,
    /// Search in these documents alone.
    #[serde(default)]
    pub(crate) document_ids: Vec<DocumentId>,
    pub(crate) answer_mode: Option<AnswerModeWire>,
    /// Answer from this text and nothing else.
    pub(crate) selected_text: Option<String>,
    /// Of these three one at most: the message that the question follows, the
    /// question that it words anew, the question that is to be answered again.
    pub(crate) after: Option<MessageId>,
    pub(crate) edits: Option<MessageId>,
    pub(crate) again: Option<MessageId>,
    /// A chat model thinks before it answers.
    #[serde(default)]
    pub(crate) think: bool,
    /// The answer goes on when the connection ends.
    #[serde(default)]
    pub(crate) keep_running: bool,
    /// With `keep_running`: names this attempt, as a random UUID does. Sent again
    /// with the same key, because the connection broke before anything came, the
    /// question is not asked twice: its answer is heard from the beginning, up to
    /// a minute after its end.
    #[schema(max_length = 128)]
    pub(crate) idempotency_key: Option<String>,
}

/// Query of `GET /chat/send`; the token in it is the gate's business.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct AskQuery {
    #[param(min_length = 1)]
    pub(crate) message: String,
    /// The chat to go on with; a new one if it is absent.
    pub(crate) session_id: Option<String>,
    /// The options as JSON.
    pub(crate) search_options: Option<String>,
    /// Only documents of this dataset.
    pub(crate) dataset_id: Option<String>,
    #[param(inline)]
    pub(crate) answer_mode: Option<AnswerModeWire>,
}

/// A citation as the contract has it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CitedDocument<'a> {
    document_id: &'a DocumentId,
    filename: &'a str,
    chunk_index: u32,
    #[schema(required)]
    page_number: Option<u32>,
}

impl<'a> From<&'a Citation> for CitedDocument<'a> {
    fn from(citation: &'a Citation) -> Self {
        Self {
            document_id: &citation.document_id,
            filename: &citation.filename,
            chunk_index: citation.chunk_index,
            page_number: citation.page_number,
        }
    }
}

/// A passage that an answer may rest on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Source<'a> {
    /// What citations call it.
    number: usize,
    document_id: &'a DocumentId,
    filename: &'a str,
    title: &'a str,
    dataset_id: &'a DatasetId,
    chunk_index: u32,
    page: u32,
    #[schema(required)]
    page_number: Option<u32>,
    /// First character in the page's text.
    start: usize,
    /// One past the last one.
    end: usize,
    text: &'a str,
    heading_path: &'a [String],
    #[serde(flatten)]
    placement: &'a Placement,
    score: f32,
    scores: &'a PassageScores,
}

impl<'a> Source<'a> {
    /// The passage at `index` of the list.
    pub(crate) fn new(index: usize, passage: &'a Passage) -> Self {
        Self {
            number: index + 1,
            document_id: &passage.document_id,
            filename: &passage.filename,
            title: &passage.title,
            dataset_id: &passage.dataset_id,
            chunk_index: passage.chunk_index,
            page: passage.page,
            page_number: passage.page_number,
            start: passage.start,
            end: passage.end,
            text: &passage.text,
            heading_path: &passage.heading_path,
            placement: &passage.placement,
            score: passage.score,
            scores: &passage.scores,
        }
    }
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionWire<'a> {
    id: &'a SessionId,
    user_id: &'a UserId,
    #[schema(required)]
    system_prompt: Option<&'a str>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(required)]
    title: Option<&'a str>,
    /// Always null.
    #[schema(required)]
    memory_key: Option<&'a str>,
    /// Always null.
    #[schema(required, value_type = Option<Object>)]
    last_context: Option<Value>,
    #[schema(value_type = Object)]
    metadata: Value,
    /// Each passage that was cited in it, once.
    relevant_documents: Vec<CitedDocument<'a>>,
}

impl<'a> SessionWire<'a> {
    /// A session in which `cited` was cited.
    pub(crate) fn new(session: &'a Session, cited: &'a [Citation]) -> Self {
        Self {
            id: &session.id,
            user_id: &session.user_id,
            system_prompt: session.system_prompt.as_deref(),
            created_at: session.created_at.to_string(),
            updated_at: session.updated_at.to_string(),
            title: session.title.as_deref(),
            memory_key: None,
            last_context: None,
            metadata: match &session.metadata {
                Value::Object(fields) => Value::Object(fields.clone()),
                _ => json!({}),
            },
            relevant_documents: cited.iter().map(CitedDocument::from).collect(),
        }
    }
}

/// Metadata of a message: an answer's summary, or what a question was
/// restricted to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum MessageMetadata<'a> {
    Answer(Box<SummaryWire<'a>>),
    Question(QuestionScope),
    /// What an assistant wrote and nobody checked.
    Text {
        html: &'a str,
    },
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageWire<'a> {
    id: &'a MessageId,
    /// The message that it follows; null for the first of a branch.
    #[schema(required)]
    parent_id: Option<&'a MessageId>,
    session_id: &'a SessionId,
    #[schema(pattern = "^(user|assistant|system)$")]
    role: &'static str,
    content: &'a str,
    /// Of an answer: all that was found out about it, such as `html`, `checks` and `usage`.
    #[schema(value_type = Object)]
    metadata: MessageMetadata<'a>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Always null.
    #[schema(required)]
    memory_key: Option<&'a str>,
    /// The citations of an answer.
    #[schema(required)]
    sources: Option<&'a [Citation]>,
    /// The passages that an answer cites, as `document:chunk`.
    #[schema(required)]
    context_ids: Option<Vec<String>>,
    /// The best score among the citations of an answer.
    #[schema(required)]
    relevance_score: Option<f32>,
    user_id: &'a UserId,
    #[schema(required)]
    cited_documents: Option<Vec<CitedDocument<'a>>>,
}

impl<'a> MessageWire<'a> {
    /// A message as it is shown.
    pub(crate) fn new(view: &'a MessageView) -> Self {
        let (message, html) = (&view.message, view.html.as_deref());
        let answer = message.answer.as_ref();
        let citations = answer.map(|answer| answer.citations.as_slice());
        let metadata = match (answer, html) {
            (Some(answer), html) => {
                let summary = SummaryWire::new(html.unwrap_or_default(), answer);
                MessageMetadata::Answer(Box::new(summary))
            }
            (None, Some(html)) => MessageMetadata::Text { html },
            (None, None) => MessageMetadata::Question(QuestionScope::of(message)),
        };
        Self {
            id: &message.id,
            parent_id: view.parent_id.as_ref(),
            session_id: &message.session_id,
            role: message.role.as_str(),
            content: &message.content,
            metadata,
            created_at: message.created_at.to_string(),
            memory_key: None,
            sources: citations,
            context_ids: citations.map(context_ids),
            relevance_score: citations
                .and_then(|all| all.iter().map(|one| one.score).max_by(f32::total_cmp)),
            user_id: &message.user_id,
            cited_documents: citations.map(|all| all.iter().map(CitedDocument::from).collect()),
        }
    }
}

/// The chunks that were cited, each once, as `document:chunk`.
fn context_ids(citations: &[Citation]) -> Vec<String> {
    let mut ids: Vec<_> = citations
        .iter()
        .map(|one| format!("{}:{}", one.document_id, one.chunk_index))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A document with its text.
#[derive(Debug, Serialize)]
pub(crate) struct DocumentWire<'a> {
    id: &'a DocumentId,
    filename: &'a str,
    content: &'a str,
    created_at: String,
    metadata: Map<String, Value>,
}

impl<'a> DocumentWire<'a> {
    /// A document whose text is `content`.
    pub(crate) fn new(document: &'a Document, content: &'a str) -> Self {
        Self {
            id: &document.id,
            filename: &document.filename,
            content,
            created_at: document.created_at.to_string(),
            metadata: metadata(document),
        }
    }

    /// The same with one more entry in its metadata.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }
}

/// The user's metadata and, stronger, the product's.
fn metadata(document: &Document) -> Map<String, Value> {
    let mut fields = match serde_json::to_value(&document.metadata) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let known = [
        ("filename", json!(document.filename)),
        ("file_type", json!(document.file_type)),
        (
            "page_count",
            json!((document.pages > 0).then_some(document.pages)),
        ),
        ("pages_without_text", json!(document.pages_without_text)),
        ("status", json!(document.status.as_str())),
        ("error", json!(document.error)),
        ("dataset_id", json!(document.dataset_id)),
        ("external_id", json!(document.external_id)),
        ("bytes", json!(document.bytes)),
        ("total_chunks", json!(document.chunks)),
        ("additional_metadata", json!(document.metadata)),
    ];
    fields.extend(known.map(|(key, value)| (key.to_owned(), value)));
    fields
}

/// A chunk of a document.
pub(crate) fn chunk(document: &Document, chunk: &Chunk) -> Value {
    json!({
        "document_id": document.id,
        "chunk_index": chunk.index,
        "content": chunk.text,
        "metadata": {
            "filename": document.filename,
            "document_id": document.id,
            "chunk_index": chunk.index,
            "page_number": document.paged.then_some(chunk.page),
            "total_chunks": document.chunks,
            "page": chunk.page,
            "start": chunk.start,
            "end": chunk.end,
            "heading_path": chunk.heading_path,
            "file_type": document.file_type,
            "dataset_id": document.dataset_id,
            "additional_metadata": document.metadata,
        },
    })
}

/// A document that a session refers to.
pub(crate) fn session_document(citation: &Citation) -> Value {
    json!({
        "document_id": citation.document_id,
        "chunk_index": citation.chunk_index,
        "document_name": citation.filename,
        "page_number": citation.page_number,
    })
}
