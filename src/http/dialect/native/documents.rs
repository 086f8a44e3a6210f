//! Documents beyond contract 2: lists, pages, retry, deletion.

use super::Native;
use super::wire::{self, DocumentWire};
use crate::http::auth::Authorized;
use crate::http::extract::{PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::DocumentFilter;
use crate::types::{DocumentId, DocumentStatus};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Documents in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Documents in one answer at most.
const MAX_LIMIT: usize = 500;

/// Query of `/api/documents`.
#[derive(Deserialize)]
pub(crate) struct ListQuery {
    dataset_id: Option<String>,
    status: Option<String>,
    q: Option<String>,
    cursor: Option<String>,
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

/// `GET /api/documents`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ListQuery>,
) -> Answer {
    #[derive(Serialize)]
    struct Body<'a> {
        documents: Vec<DocumentWire<'a>>,
        total_count: u64,
        next_cursor: Option<String>,
    }
    let filter = query.value.filter()?;
    let page = state.service.documents(&caller, filter).await?;
    Ok(HttpResponse::Ok().json(Body {
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
    Ok(HttpResponse::Ok().json(json!({"message": "Document deleted successfully"})))
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

/// `GET /documents/{document_id}/pages`.
pub(crate) async fn pages(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Answer {
    let (document, pages) = state.service.page_summaries(&caller, &id.value).await?;
    let pages: Vec<Value> = pages.iter().map(wire::page_summary).collect();
    Ok(HttpResponse::Ok().json(json!({
        "document": DocumentWire::from(&document),
        "pages": pages,
    })))
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
    let chunks: Vec<Value> = view.chunks.iter().map(wire::chunk_span).collect();
    Ok(HttpResponse::Ok().json(json!({
        "document_id": document.id,
        "title": document.display_name(),
        "filename": document.filename,
        "file_type": document.file_type,
        "paged": document.paged,
        "page": page.number,
        "page_number": document.paged.then_some(page.number),
        "page_count": document.pages,
        "outcome": outcome,
        "reason": reason,
        "text": page.text,
        "chunks": chunks,
    })))
}
