//! `/api/search-models`: what finds and orders passages, and another choice.

use super::Native;
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::service::{ModelKind, SearchModel};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/search-models`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let models = state.service.search_models(&caller).await?;
    Ok(HttpResponse::Ok().json(json!({
        "embedding": model(&models.embedding),
        "reranking": model(&models.reranking),
        "passages": models.passages,
        "unembedded": models.unembedded,
        "candidates": models.candidates,
    })))
}

fn model(model: &SearchModel) -> Value {
    json!({"name": model.name, "file": model.file, "fixed": model.fixed})
}

/// Which of the two is meant.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Embedding,
    Reranking,
}

impl From<Kind> for ModelKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Embedding => Self::Embedding,
            Kind::Reranking => Self::Reranking,
        }
    }
}

/// Body of both calls.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    kind: Kind,
    /// An installed file; without one, the built-in way.
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
    Ok(HttpResponse::Ok().json(json!({
        "name": trial.name,
        "passages": trial.passages,
        "seconds": trial.seconds,
        "dimensions": trial.dimensions,
    })))
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
    Ok(HttpResponse::Accepted().json(json!({"restarting": true})))
}
