//! Search without a chat, and the state of the instance.

use super::Native;
use super::wire::{Hit, SearchAnswer};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::http::search_options::SearchOptionsWire;
use crate::service::SearchRequest;
use crate::types::DocumentId;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of `POST /api/search`.
#[derive(Deserialize)]
pub(crate) struct SearchBody {
    query: String,
    dataset_id: Option<String>,
    document_ids: Option<Vec<DocumentId>>,
    module: Option<String>,
    chapter: Option<String>,
    search_options: Option<SearchOptionsWire>,
}

/// `POST /api/search`.
pub(crate) async fn search(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, SearchBody>,
) -> Answer {
    let body = body.value;
    let request = SearchRequest {
        query: body.query,
        dataset_id: body.dataset_id.filter(|id| !id.is_empty()).map(Into::into),
        document_ids: body.document_ids.unwrap_or_default(),
        module: body.module,
        chapter: body.chapter,
        options: body.search_options.unwrap_or_default().checked()?,
    };
    let found = state.service.search(&caller, request).await?;
    Ok(HttpResponse::Ok().json(SearchAnswer {
        results: found.passages.iter().map(Hit::from).collect(),
        took_ms: found.coverage.took_ms,
        coverage: &found.coverage,
        answerable: found.answerable,
    }))
}

/// `GET /api/status`.
pub(crate) async fn status(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let status = state.service.status_for(&caller).await?;
    let model = status.chat_model.map(|model| {
        json!({
            "name": model.name,
            "architecture": model.architecture,
            "quantization": model.quantization,
            "context_tokens": model.context_tokens,
            "file_bytes": model.file_bytes,
        })
    });
    Ok(HttpResponse::Ok().json(json!({
        "version": status.version,
        "uptime_s": status.uptime_s,
        "chat_model": model,
        "chat_model_error": status.chat_model_error,
        "embedder": {
            "name": status.embedder.name,
            "dimensions": status.embedder.dimensions,
            "fingerprint": status.embedder.fingerprint,
        },
        "documents": status.documents,
        "chunks": status.chunks,
        "jobs_pending": status.jobs_pending,
        "memory_bytes": status.memory_bytes,
        "data_dir": status.data_dir.map(|folder| folder.display().to_string()),
    })))
}

/// `GET /api/examination`: whether all that is stored is consistent.
pub(crate) async fn examine(state: web::Data<State>) -> Answer {
    let found = state.service.examine().await?;
    let differences = &found.differences;
    Ok(HttpResponse::Ok().json(json!({
        "consistent": found.is_consistent(),
        "database_faults": found.database_faults,
        "chunk_faults": found.chunk_faults,
        "keywords_missing": differences.keywords_missing.len(),
        "keywords_extra": differences.keywords_extra.len(),
        "vectors_missing": differences.vectors_missing.len(),
        "vectors_extra": differences.vectors_extra.len(),
        "originals_missing": found.originals_missing,
        "models": found.models,
        "encoder_cosine": found.encoder_cosine,
    })))
}
