//! `/api/search-models`: what finds and orders passages and judges sentences by
//! them, and another choice.

use super::Native;
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::service::{ModelKind, SearchModel};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/search-models`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let models = state.service.search_models(&caller).await?;
    Ok(HttpResponse::Ok().json(SearchModels {
        embedding: SearchModelWire::from(&models.embedding),
        reranking: SearchModelWire::from(&models.reranking),
        entailment: SearchModelWire::from(&models.entailment),
        passages: models.passages,
        unembedded: models.unembedded,
        candidates: models.candidates,
    }))
}

/// Body of the answer of `GET /api/search-models`.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchModels<'a> {
    embedding: SearchModelWire<'a>,
    reranking: SearchModelWire<'a>,
    entailment: SearchModelWire<'a>,
    passages: u64,
    /// Those of them that have no vector yet.
    unembedded: u64,
    /// Installed files that may be one of them.
    candidates: Vec<String>,
}

/// A model that finds or orders passages, or judges sentences by them.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchModelWire<'a> {
    /// `null`: there is none.
    name: Option<&'a str>,
    /// Its file, where it is not the built-in one.
    file: Option<&'a str>,
    /// The settings name it: it cannot be chosen here.
    fixed: bool,
}

impl<'a> From<&'a SearchModel> for SearchModelWire<'a> {
    fn from(model: &'a SearchModel) -> Self {
        Self {
            name: model.name.as_deref(),
            file: model.file.as_deref(),
            fixed: model.fixed,
        }
    }
}

/// What a model would cost, measured.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trial<'a> {
    name: &'a str,
    passages: u64,
    seconds: f64,
    dimensions: Option<usize>,
}

/// The server starts anew.
#[derive(Serialize, ToSchema)]
pub(crate) struct Restarting {
    restarting: bool,
}

/// Which of them is meant.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SearchModelKind)]
enum Kind {
    Embedding,
    Reranking,
    Entailment,
}

impl From<Kind> for ModelKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Embedding => Self::Embedding,
            Kind::Reranking => Self::Reranking,
            Kind::Entailment => Self::Entailment,
        }
    }
}

/// Body of both calls.
#[derive(Deserialize, ToSchema)]
#[schema(as = WantedSearchModel)]
pub(crate) struct Wanted {
    kind: Kind,
    /// An installed file; without one, the built-in way.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = "^[A-Za-z0-9_+-][A-Za-z0-9._+-]*$"
    )]
    name: Option<String>,
}

/// `POST /api/search-models/trial`: what the model would cost, measured.
pub(crate) async fn try_out(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, Wanted>,
) -> Answer {
    let Wanted { kind, name } = body.value;
    let service = &state.service;
    let trial = service.try_search_model(&caller, kind.into(), name).await?;
    Ok(HttpResponse::Ok().json(Trial {
        name: &trial.name,
        passages: trial.passages,
        seconds: trial.seconds,
        dimensions: trial.dimensions,
    }))
}

/// `POST /api/search-models`: answers before the new start that it asks for.
pub(crate) async fn choose(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, Wanted>,
) -> Answer {
    let Wanted { kind, name } = body.value;
    audit::note_object(&request, name.as_deref().unwrap_or("built-in"));
    let service = &state.service;
    service
        .choose_search_model(&caller, kind.into(), name)
        .await?;
    Ok(HttpResponse::Accepted().json(Restarting { restarting: true }))
}
