//! `/api/datasets`.

use super::Native;
use super::wire;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::types::DatasetId;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/datasets`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let datasets = state.service.datasets(&caller).await?;
    let datasets: Vec<Value> = datasets.iter().map(wire::dataset).collect();
    Ok(HttpResponse::Ok().json(json!({"datasets": datasets})))
}

/// Body of `POST /api/datasets`.
#[derive(Deserialize)]
pub(crate) struct NewDataset {
    name: String,
    description: Option<String>,
}

/// `POST /api/datasets`.
pub(crate) async fn create(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewDataset>,
) -> Answer {
    let NewDataset { name, description } = &body.value;
    let description = description.as_deref().unwrap_or_default();
    let service = &state.service;
    let dataset = service.create_dataset(&caller, name, description).await?;
    Ok(HttpResponse::Created().json(wire::dataset(&dataset)))
}

/// Body of `PATCH /api/datasets/{dataset_id}`; what is absent stays.
#[derive(Deserialize)]
pub(crate) struct DatasetChange {
    name: Option<String>,
    description: Option<String>,
}

/// `PATCH /api/datasets/{dataset_id}`.
pub(crate) async fn update(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DatasetId>,
    body: JsonBody<Native, DatasetChange>,
) -> Answer {
    let DatasetChange { name, description } = &body.value;
    let (name, description) = (name.as_deref(), description.as_deref());
    let service = &state.service;
    let dataset = service
        .update_dataset(&caller, &id.value, name, description)
        .await?;
    Ok(HttpResponse::Ok().json(wire::dataset(&dataset)))
}

/// `DELETE /api/datasets/{dataset_id}`: its documents go too.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DatasetId>,
) -> Answer {
    state.service.delete_dataset(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Dataset deleted successfully"})))
}
