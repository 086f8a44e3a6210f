//! `/api/datasets`.

use super::Native;
use super::openapi::{name_of_100, optional_name_of_100};
use super::wire::{DatasetWire, Said};
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::DatasetChange;
use crate::types::{DatasetId, Visibility};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of the answer of `GET /api/datasets`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Datasets<'a> {
    datasets: Vec<DatasetWire<'a>>,
}

/// `GET /api/datasets`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let datasets = state.service.datasets(&caller).await?;
    Ok(HttpResponse::Ok().json(Datasets {
        datasets: datasets.iter().map(DatasetWire::from).collect(),
    }))
}

/// Body of `POST /api/datasets`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewDataset {
    #[schema(schema_with = name_of_100)]
    name: String,
    #[schema(max_length = 2000)]
    description: Option<String>,
    #[schema(value_type = Option<Visibility>)]
    visibility: Option<String>,
}

/// `POST /api/datasets`.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewDataset>,
) -> Answer {
    let NewDataset {
        name,
        description,
        visibility,
    } = &body.value;
    let visibility = visibility.as_deref().map(visibility_named).transpose()?;
    let visibility = visibility.unwrap_or(Visibility::Tenant);
    let description = description.as_deref().unwrap_or_default();
    let service = &state.service;
    let dataset = service
        .create_dataset(&caller, name, description, visibility)
        .await?;
    audit::note_object(&request, dataset.id.as_str());
    Ok(HttpResponse::Created().json(DatasetWire::from(&dataset)))
}

/// Body of `PATCH /api/datasets/{dataset_id}`; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct DatasetChangeBody {
    #[schema(schema_with = optional_name_of_100)]
    name: Option<String>,
    #[schema(max_length = 2000)]
    description: Option<String>,
    #[schema(value_type = Option<Visibility>)]
    visibility: Option<String>,
}

/// `PATCH /api/datasets/{dataset_id}`.
pub(crate) async fn update(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DatasetId>,
    body: JsonBody<Native, DatasetChangeBody>,
) -> Answer {
    let DatasetChangeBody {
        name,
        description,
        visibility,
    } = body.value;
    let visibility = visibility.as_deref().map(visibility_named).transpose()?;
    let change = DatasetChange {
        name,
        description,
        visibility,
    };
    let service = &state.service;
    let dataset = service.update_dataset(&caller, &id.value, change).await?;
    Ok(HttpResponse::Ok().json(DatasetWire::from(&dataset)))
}

/// `DELETE /api/datasets/{dataset_id}`: its documents go too.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DatasetId>,
) -> Answer {
    state.service.delete_dataset(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Dataset deleted successfully",
    }))
}

fn visibility_named(word: &str) -> Result<Visibility, HttpError> {
    let wrong = || {
        let what = format!("{word:?} is none of private, tenant and public");
        HttpError::field("visibility", what)
    };
    Visibility::parse(word).ok_or_else(wrong)
}
