//! Search without a chat, and the state of the instance, for people and for
//! monitoring.

use super::Native;
use super::status::{ExaminationWire, HistoryWire, StatusWire};
use super::wire::{Hit, SearchAnswer};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, QueryParams};
use crate::http::failure::Failure;
use crate::http::metrics::TEXT_FORMAT;
use crate::http::search_options::SearchOptionsWire;
use crate::service::SearchRequest;
use crate::types::DocumentId;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of `POST /api/search`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SearchBody {
    #[schema(max_length = 32000, pattern = "\\S")]
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
    let dataset_id = body.dataset_id.filter(|id| !id.is_empty());
    let request = SearchRequest {
        query: body.query,
        dataset_ids: dataset_id.map(Into::into).into_iter().collect(),
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
        times: found.times,
        coverage: &found.coverage,
        answerable: found.answerable,
        answers: found.is_answer(),
    }))
}

/// `GET /api/status`.
pub(crate) async fn status(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let status = state.service.status_for(&caller).await?;
    Ok(HttpResponse::Ok().json(StatusWire::from(&status)))
}

/// `GET /api/status/history`: the last hour, for plots.
pub(crate) async fn history(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let samples = state.service.samples(&caller)?;
    Ok(HttpResponse::Ok().json(HistoryWire::from(samples.as_slice())))
}

/// `GET /metrics`: figures for Prometheus.
pub(crate) async fn metrics(state: web::Data<State>) -> Answer {
    let status = state.service.status().await?;
    let page = state.metrics.page(&state.service, &status);
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(page))
}

/// Query of `GET /api/examination`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ExamineQuery {
    /// Whether originals and entries of the indexes are only looked for and not
    /// read.
    #[serde(default)]
    quick: bool,
}

/// `GET /api/examination`: whether all that is stored is consistent.
pub(crate) async fn examine(
    state: web::Data<State>,
    query: QueryParams<Native, ExamineQuery>,
) -> Answer {
    let found = state.service.examine(query.value.quick).await?;
    Ok(HttpResponse::Ok().json(ExaminationWire::from(&found)))
}
