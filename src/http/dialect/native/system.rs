//! Search without a chat, and the state of the instance, for people and for
//! monitoring.

use super::Native;
use super::wire::{Hit, SearchAnswer};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::http::metrics::TEXT_FORMAT;
use crate::http::search_options::SearchOptionsWire;
use crate::service::{AnswerFigures, ModelActivity, SAMPLE_EVERY, Sample, SearchRequest};
use crate::types::DocumentId;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

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
        options: body
            .search_options
            .unwrap_or_default()
            .checked()?
            .complete(),
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
            "device": model.device,
            "device_note": model.device_note,
        })
    });
    Ok(HttpResponse::Ok().json(json!({
        "version": status.version,
        "uptime_s": status.uptime_s,
        "chat_model": model,
        "chat_model_error": status.chat_model_error,
        "chat_activity": status.activity.as_ref().map(activity),
        "answers": answers(&status.answers),
        "indexes": {
            "keyword_chunks": status.indexes.keyword_chunks,
            "keyword_bytes": status.indexes.keyword_bytes,
            "vectors": status.indexes.vectors,
            "vector_bytes": status.indexes.vector_bytes,
            "database_bytes": status.indexes.database_bytes,
        },
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

/// `GET /api/status/history`: the last hour, for plots.
pub(crate) async fn history(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let samples = state.service.samples(&caller)?;
    let samples: Vec<Value> = samples.iter().map(sample).collect();
    Ok(HttpResponse::Ok().json(json!({
        "interval_s": SAMPLE_EVERY.as_secs(),
        "samples": samples,
    })))
}

fn sample(sample: &Sample) -> Value {
    json!({
        "at": sample.at.to_string(),
        "requests_per_s": sample.requests_per_s,
        "prompt_tokens_per_s": sample.prompt_tokens_per_s,
        "answer_tokens_per_s": sample.answer_tokens_per_s,
        "first_token_s": sample.first_token_s,
        "running": sample.running,
        "waiting": sample.waiting,
        "jobs_pending": sample.jobs_pending,
        "memory_bytes": sample.memory_bytes,
        "keyword_bytes": sample.keyword_bytes,
        "vector_bytes": sample.vector_bytes,
        "database_bytes": sample.database_bytes,
    })
}

/// What the chat model does.
fn activity(activity: &ModelActivity) -> Value {
    json!({
        "running": activity.running,
        "waiting": activity.waiting,
        "prompt_tokens": activity.prompt_tokens,
        "reused_tokens": activity.reused_tokens,
        "answer_tokens": activity.answer_tokens,
        "drafted_tokens": activity.drafted_tokens,
        "accepted_tokens": activity.accepted_tokens,
        "kv_blocks": activity.cache_blocks,
        "kv_blocks_used": activity.cache_blocks_used,
        "kv_blocks_kept": activity.cache_blocks_kept,
        "prompt_tokens_per_second": activity.prompt_tokens_per_second,
        "answer_tokens_per_second": activity.answer_tokens_per_second,
    })
}

/// What has been answered since the start.
fn answers(answers: &AnswerFigures) -> Value {
    json!({
        "by_model": answers.by_model,
        "quotes": answers.quotes,
        "nothing_found": answers.nothing_found,
        "plain_chats": answers.plain_chats,
        "failed": answers.failed,
        "prompt_tokens": answers.prompt_tokens,
        "reused_tokens": answers.reused_tokens,
        "answer_tokens": answers.answer_tokens,
    })
}

/// `GET /metrics`: figures for Prometheus.
pub(crate) async fn metrics(state: web::Data<State>) -> Answer {
    let status = state.service.status().await?;
    let page = state.metrics.page(&state.service, &status);
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(page))
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
