//! Documents beyond contract 2: lists, pages, retry, deletion.

use super::Native;
use super::wire::{self, ChunkSpan, DocumentWire, PageSummaryWire, Said};
use crate::http::auth::Authorized;
use crate::http::extract::{PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::DocumentFilter;
use crate::types::{DocumentId, DocumentStatus};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Documents in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Documents in one answer at most.
const MAX_LIMIT: usize = 500;

/// Query of `/api/documents`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ListQuery {
    dataset_id: Option<String>,
    #[param(inline, value_type = Option<DocumentStatus>)]
    status: Option<String>,
    /// What the name of the file or the title has in it.
    q: Option<String>,
    /// `next_cursor` of the answer before.
    #[param(pattern = "^[0-9]{0,18}$")]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl ListQuery {
    fn filter(self) -> Result<DocumentFilter, HttpError> {
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        let status = present(self.status)
            .map(|word| {
                DocumentStatus::parse(&word)
                    .ok_or_else(|| HttpError::field("status", format!("{word:?} is not a status")))
            })
            .transpose()?;
        let after = present(self.cursor)
            .map(|cursor| {
                let key = cursor.parse();
                key.map_err(|_| HttpError::field("cursor", "not a cursor of this list"))
            })
            .transpose()?;
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let what = format!("{limit} is not within 1 and {MAX_LIMIT}");
            return Err(HttpError::field("limit", what));
        }
        Ok(DocumentFilter {
            dataset: present(self.dataset_id).map(Into::into),
            status,
            text: present(self.q),
            after,
            limit,
        })
    }
}

/// Body of the answer of `GET /api/documents`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentList<'a> {
    documents: Vec<DocumentWire<'a>>,
    total_count: u64,
    next_cursor: Option<String>,
}

/// `GET /api/documents`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ListQuery>,
) -> Answer {
    let filter = query.value.filter()?;
    let page = state.service.documents(&caller, filter).await?;
    Ok(HttpResponse::Ok().json(DocumentList {
        documents: page.documents.iter().map(DocumentWire::from).collect(),
        total_count: page.total,
        next_cursor: page.next.map(|key| key.to_string()),
    }))
}

/// `DELETE /documents/{document_id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Answer {
    state.service.delete_document(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Document deleted successfully",
    }))
}

/// `POST /documents/{document_id}/retry`.
pub(crate) async fn retry(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Answer {
    let document = state.service.retry_document(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(DocumentWire::from(&document)))
}

/// Body of the answer of `GET /documents/{document_id}/pages`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentPages<'a> {
    document: DocumentWire<'a>,
    pages: Vec<PageSummaryWire<'a>>,
}

/// `GET /documents/{document_id}/pages`.
pub(crate) async fn pages(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Answer {
    let (document, pages) = state.service.page_summaries(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(DocumentPages {
        document: DocumentWire::from(&document),
        pages: pages.iter().map(PageSummaryWire::from).collect(),
    }))
}

/// Body of the answer of `GET /documents/{document_id}/pages/{page}`.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageWire<'a> {
    document_id: &'a DocumentId,
    title: &'a str,
    filename: &'a str,
    file_type: &'a str,
    paged: bool,
    page: u32,
    /// The same, where the document has pages of its own.
    page_number: Option<u32>,
    page_count: u64,
    /// `text`, `no_text` or `failed`
    outcome: &'static str,
    /// Why it failed.
    reason: Option<&'a str>,
    text: &'a str,
    chunks: Vec<ChunkSpan<'a>>,
}

/// `GET /documents/{document_id}/pages/{page}`.
pub(crate) async fn page(
    state: web::Data<State>,
    caller: Authorized<Native>,
    path: PathValues<Native, (DocumentId, u32)>,
) -> Answer {
    let (id, number) = path.value;
    let view = state.service.page(&caller, &id, number).await?;
    let (document, page) = (&view.document, &view.page);
    let (outcome, reason) = wire::outcome(&page.outcome);
    Ok(HttpResponse::Ok().json(PageWire {
        document_id: &document.id,
        title: document.display_name(),
        filename: &document.filename,
        file_type: &document.file_type,
        paged: document.paged,
        page: page.number,
        page_number: document.paged.then_some(page.number),
        page_count: document.pages,
        outcome,
        reason,
        text: &page.text,
        chunks: view.chunks.iter().map(ChunkSpan::from).collect(),
    }))
}
