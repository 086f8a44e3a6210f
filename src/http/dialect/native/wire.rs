//! The JSON of the native dialect.

use crate::service::{ApiKey, SignIn, SignInView, StoredAuditRecord, Tenant, UserView};
use crate::types::{
    Chunk, Coverage, Dataset, DatasetId, Document, DocumentId, DocumentMetadata, DocumentProgress,
    PageOutcome, PageSummary, Passage, PassageScores, Placement, UserId,
};
use serde::Serialize;
use serde_json::{Value, json};

/// A document in a list.
#[derive(Debug, Serialize)]
pub(crate) struct DocumentWire<'a> {
    id: &'a DocumentId,
    dataset_id: &'a DatasetId,
    filename: &'a str,
    title: &'a str,
    file_type: &'a str,
    bytes: u64,
    status: &'static str,
    error: Option<&'a str>,
    paged: bool,
    page_count: u64,
    pages_without_text: u64,
    characters: u64,
    chunk_count: u64,
    embedded_count: u64,
    metadata: &'a DocumentMetadata,
    external_id: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> From<&'a Document> for DocumentWire<'a> {
    fn from(document: &'a Document) -> Self {
        Self {
            id: &document.id,
            dataset_id: &document.dataset_id,
            filename: &document.filename,
            title: document.display_name(),
            file_type: &document.file_type,
            bytes: document.bytes,
            status: document.status.as_str(),
            error: document.error.as_deref(),
            paged: document.paged,
            page_count: document.pages,
            pages_without_text: document.pages_without_text,
            characters: document.characters,
            chunk_count: document.chunks,
            embedded_count: document.embedded,
            metadata: &document.metadata,
            external_id: document.external_id.as_deref(),
            created_at: document.created_at.to_string(),
            updated_at: document.updated_at.to_string(),
        }
    }
}

/// A step of a document's ingestion.
pub(crate) fn progress(step: &DocumentProgress) -> Value {
    json!({
        "document_id": step.document_id,
        "dataset_id": step.dataset_id,
        "filename": step.filename,
        "status": step.status.as_str(),
        "error": step.error,
        "page_count": step.pages,
        "pages_without_text": step.pages_without_text,
        "chunk_count": step.chunks,
        "embedded_count": step.embedded,
        "deleted": step.deleted,
    })
}

/// The word for what became of a page, and the reason where it failed.
pub(crate) fn outcome(outcome: &PageOutcome) -> (&'static str, Option<&str>) {
    match outcome {
        PageOutcome::Text => ("text", None),
        PageOutcome::Partial(missing) => ("text", Some(missing)),
        PageOutcome::NoText => ("no_text", None),
        PageOutcome::Failed(reason) => ("failed", Some(reason)),
    }
}

/// A page in a list.
pub(crate) fn page_summary(page: &PageSummary) -> Value {
    let (outcome, reason) = outcome(&page.outcome);
    json!({
        "number": page.number,
        "characters": page.characters,
        "chunks": page.chunks,
        "outcome": outcome,
        "reason": reason,
    })
}

/// Where a chunk is on its page.
pub(crate) fn chunk_span(chunk: &Chunk) -> Value {
    json!({
        "chunk_index": chunk.index,
        "start": chunk.start,
        "end": chunk.end,
        "heading_path": chunk.heading_path,
    })
}

/// A dataset.
pub(crate) fn dataset(dataset: &Dataset) -> Value {
    json!({
        "id": dataset.id,
        "name": dataset.name,
        "description": dataset.description,
        "builtin": dataset.builtin,
        "visibility": dataset.visibility.as_str(),
        "owner_id": dataset.owner_id,
        "document_count": dataset.documents,
        "page_count": dataset.pages,
        "pages_without_text": dataset.pages_without_text,
        "chunk_count": dataset.chunks,
        "created_at": dataset.created_at.to_string(),
    })
}

/// A passage that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Hit<'a> {
    document_id: &'a DocumentId,
    external_id: Option<&'a str>,
    dataset_id: &'a DatasetId,
    filename: &'a str,
    title: &'a str,
    chunk_index: u32,
    page: u32,
    page_number: Option<u32>,
    score: f32,
    scores: &'a PassageScores,
    heading_path: &'a [String],
    #[serde(flatten)]
    placement: &'a Placement,
    text: &'a str,
    start: usize,
    end: usize,
}

impl<'a> From<&'a Passage> for Hit<'a> {
    fn from(passage: &'a Passage) -> Self {
        Self {
            document_id: &passage.document_id,
            external_id: passage.external_id.as_deref(),
            dataset_id: &passage.dataset_id,
            filename: &passage.filename,
            title: &passage.title,
            chunk_index: passage.chunk_index,
            page: passage.page,
            page_number: passage.page_number,
            score: passage.score,
            scores: &passage.scores,
            heading_path: &passage.heading_path,
            placement: &passage.placement,
            text: &passage.text,
            start: passage.start,
            end: passage.end,
        }
    }
}

/// What a search found.
#[derive(Debug, Serialize)]
pub(crate) struct SearchAnswer<'a> {
    pub(crate) results: Vec<Hit<'a>>,
    pub(crate) took_ms: f64,
    pub(crate) coverage: &'a Coverage,
    pub(crate) answerable: f32,
}

/// The user of a session of the page.
#[derive(Debug, Serialize)]
pub(crate) struct OwnUser<'a> {
    id: &'a UserId,
    username: &'a str,
    role: &'static str,
    tenant_id: &'a str,
    password_set: bool,
}

impl<'a> From<&'a UserView> for OwnUser<'a> {
    fn from(user: &'a UserView) -> Self {
        Self {
            id: &user.id,
            username: &user.username,
            role: user.role.as_str(),
            tenant_id: user.tenant_id.as_str(),
            password_set: user.password_set,
        }
    }
}

/// What a successful sign-in tells the client; the refresh token is in the cookie alone.
#[derive(Debug, Serialize)]
pub(crate) struct SignedIn<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    user: OwnUser<'a>,
}

impl<'a> From<&'a SignIn> for SignedIn<'a> {
    fn from(sign_in: &'a SignIn) -> Self {
        Self {
            access_token: &sign_in.access_token,
            token_type: "bearer",
            expires_in: sign_in.expires_in,
            user: OwnUser::from(&sign_in.user),
        }
    }
}

/// A user in a list.
pub(crate) fn user(user: &UserView) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "role": user.role.as_str(),
        "tenant_id": user.tenant_id,
        "issuer": user.issuer,
        "created_at": user.created_at.to_string(),
        "password_set": user.password_set,
        "last_seen_at": user.last_seen.map(|at| at.to_string()),
    })
}

/// A tenant in a list.
pub(crate) fn tenant(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.id,
        "name": tenant.name,
        "requests_per_minute": tenant.limits.requests_per_minute,
        "disk_quota_bytes": tenant.limits.disk_quota_bytes,
        "user_count": tenant.users,
        "document_count": tenant.documents,
        "disk_bytes": tenant.bytes,
        "created_at": tenant.created_at.to_string(),
    })
}

/// Something that a user is signed in with.
pub(crate) fn sign_in(view: &SignInView) -> Value {
    let one = &view.sign_in;
    json!({
        "id": one.id,
        "started_at": one.started_at.to_string(),
        "last_used_at": one.used_at.to_string(),
        "expires_at": one.expires_at.to_string(),
        "address": one.address,
        "client": one.client,
        "current": view.current,
    })
}

/// A record of the audit log.
pub(crate) fn audit_record(stored: &StoredAuditRecord) -> Value {
    let record = &stored.record;
    json!({
        "id": stored.key,
        "at": stored.at.to_string(),
        "action": record.action,
        "object": record.object,
        "outcome": record.outcome.as_str(),
        "tenant_id": record.tenant_id,
        "user_id": record.user_id,
        "username": record.username,
        "address": record.address,
        "request_id": record.request_id,
    })
}

/// An API key in a list.
pub(crate) fn api_key(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "user_id": key.user_id,
        "username": key.username,
        "created_at": key.created_at.to_string(),
        "last_used_at": key.used_at.map(|at| at.to_string()),
    })
}
