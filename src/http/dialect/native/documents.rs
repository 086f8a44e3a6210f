//! Documents beyond contract 2: lists, pages, retry, deletion.

use super::wire::{self, ChunkSpan, DocumentWire, PageSummaryWire, Said};
use super::{Native, openapi};
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{DocumentChange, DocumentFilter, DocumentOrder};
use crate::types::{DatasetId, DocumentId, DocumentMetadata, DocumentStatus};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Documents in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Documents in one answer at most.
const MAX_LIMIT: usize = 500;

/// The words for the order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Added,
    Name,
    Size,
    Pages,
    Passages,
    Status,
}

/// The words for its direction.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Asc,
    Desc,
}

/// Query of `/api/documents`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ListQuery {
    dataset_id: Option<String>,
    /// One or more, with commas between.
    #[param(
        pattern = "^((queued|extracting|embedding|ready|failed)(,(queued|extracting|embedding|ready|failed))*)?$"
    )]
    status: Option<String>,
    without_text: Option<bool>,
    /// What the name of the file or the title has in it.
    q: Option<String>,
    #[serde(default)]
    #[param(inline)]
    sort: Sort,
    #[param(inline)]
    order: Option<Direction>,
    /// `next_cursor` of the answer before.
    #[param(pattern = "^[0-9]{0,18}$")]
    cursor: Option<String>,
    offset: Option<u32>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl ListQuery {
    fn filter(self) -> Result<DocumentFilter, HttpError> {
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        let statuses = present(self.status).unwrap_or_default();
        let statuses = statuses
            .split(',')
            .filter(|word| !word.is_empty())
            .map(|word| {
                DocumentStatus::parse(word)
                    .ok_or_else(|| HttpError::field("status", format!("{word:?} is not a status")))
            })
            .collect::<Result<_, _>>()?;
        let after = present(self.cursor)
            .map(|cursor| {
                let key = cursor.parse();
                key.map_err(|_| HttpError::field("cursor", "not a cursor of this list"))
            })
            .transpose()?;
        if after.is_some() && (self.sort != Sort::Added || self.order == Some(Direction::Asc)) {
            let what = "it goes with the newest first alone; use offset";
            return Err(HttpError::field("cursor", what));
        }
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let what = format!("{limit} is not within 1 and {MAX_LIMIT}");
            return Err(HttpError::field("limit", what));
        }
        let words_first = matches!(self.sort, Sort::Name | Sort::Status);
        Ok(DocumentFilter {
            dataset: present(self.dataset_id).map(Into::into),
            statuses,
            with_unread_pages: self.without_text.unwrap_or(false),
            text: present(self.q),
            order: match self.sort {
                Sort::Added => DocumentOrder::Added,
                Sort::Name => DocumentOrder::Name,
                Sort::Size => DocumentOrder::Size,
                Sort::Pages => DocumentOrder::Pages,
                Sort::Passages => DocumentOrder::Chunks,
                Sort::Status => DocumentOrder::Status,
            },
            ascending: self.order.map_or(words_first, |one| one == Direction::Asc),
            after,
            offset: self.offset.unwrap_or(0) as usize,
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

/// Body of `POST /api/documents/delete`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct DeleteBody {
    #[schema(min_items = 1, max_items = 500)]
    document_ids: Vec<DocumentId>,
}

/// `POST /api/documents/delete`: several at once, or none.
pub(crate) async fn delete_all(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, DeleteBody>,
) -> Answer {
    let ids = body.value.document_ids;
    let count = ids.len();
    if !(1..=MAX_LIMIT).contains(&count) {
        let what = format!("{count} is not within 1 and {MAX_LIMIT}");
        return Err(HttpError::field("document_ids", what).into());
    }
    state.service.delete_documents(&caller, ids).await?;
    Ok(HttpResponse::Ok().json(Deleted { deleted: count }))
}

/// How many were deleted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    deleted: usize,
}

/// Body of `PATCH /api/documents/{document_id}`; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// The dataset to put it into.
    dataset_id: Option<DatasetId>,
    #[schema(schema_with = openapi::optional_file_name)]
    filename: Option<String>,
    /// Goes over what there is.
    metadata: Option<DocumentMetadata>,
}

/// `PATCH /api/documents/{document_id}`: another dataset, name, metadata.
pub(crate) async fn update(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
    body: JsonBody<Native, ChangeBody>,
) -> Answer {
    let change = DocumentChange {
        dataset: body.value.dataset_id,
        filename: body.value.filename,
        metadata: body.value.metadata,
    };
    let document = state
        .service
        .update_document(&caller, &id.value, change)
        .await?;
    Ok(HttpResponse::Ok().json(DocumentWire::from(&document)))
}

/// `POST /documents/{document_id}/reindex`.
pub(crate) async fn reindex(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Answer {
    let document = state.service.reindex_document(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(DocumentWire::from(&document)))
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
