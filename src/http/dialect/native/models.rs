//! `/api/models`: which there are, getting, removing and exchanging them.

use super::Native;
use super::wire::Said;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues, in_time};
use crate::http::failure::Failure;
use crate::http::sse::{self, Frame};
use crate::http::{HttpError, State};
use crate::service::{
    Download, DownloadState, InstalledModel, KnownModel, Machine, ModelEvent, ModelKind, Speed,
};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/models`.
pub(crate) async fn list(state: web::Data<State>) -> Answer {
    let models = state.service.models().await?;
    Ok(HttpResponse::Ok().json(Models {
        models: models
            .installed
            .iter()
            .map(InstalledModelWire::from)
            .collect(),
        catalogue: models.catalogue.iter().map(KnownModelWire::from).collect(),
        downloads: models.downloads.iter().map(DownloadWire::from).collect(),
        machine: MachineWire::from(&models.machine),
        error: models.error.as_deref(),
    }))
}

/// Body of `POST /api/models/pull`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Wanted {
    name: String,
}

/// `POST /api/models/pull`: answers when the hub has said which file it is; the
/// download itself is told by the events.
pub(crate) async fn pull(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, Wanted>,
) -> Answer {
    let begun = state.service.pull_model(&caller, &body.value.name).await?;
    Ok(HttpResponse::Accepted().json(DownloadWire::from(&begun)))
}

/// `POST /api/models/{name}/pause`.
pub(crate) async fn pause(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    state.service.pause_model(&caller, &name.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Download stopped; it can be resumed",
    }))
}

/// `PUT /api/models/{name}`: a file that somebody has, as the whole body.
pub(crate) async fn add(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
    mut body: web::Payload,
) -> Answer {
    let service = &state.service;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut upload = service
        .begin_model_upload(&caller, &name.value, length)
        .await?;
    let patience = service.config().body_timeout;
    while let Some(bytes) = in_time(patience, body.try_next())
        .await?
        .map_err(|error| HttpError::Body(error.to_string()))?
    {
        upload.write(&bytes).await?;
    }
    let file = upload.finish().await?;
    Ok(HttpResponse::Created().json(Chosen { name: &file }))
}

/// `DELETE /api/models/{name}`: the file, or what has arrived of it.
pub(crate) async fn remove(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    state.service.remove_model(&caller, &name.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Model removed successfully",
    }))
}

/// `POST /api/models/{name}/use`: answers before the model is loaded.
pub(crate) async fn choose(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    let file = state.service.use_model(&caller, &name.value).await?;
    Ok(HttpResponse::Accepted().json(Chosen { name: &file }))
}

/// `POST /api/models/unload`.
pub(crate) async fn unload(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    state.service.unload_model(&caller).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Answers are quotes now",
    }))
}

/// `GET /api/models/events`: `download` with its state, and `changed` when the
/// list has to be read again.
pub(crate) async fn events(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let permit = state.watchers.acquire(&caller.user_id)?;
    let frames = state
        .service
        .model_events()
        .map(|event| match event {
            ModelEvent::Download(seen) => Frame::named("download", DownloadWire::from(&seen)),
            ModelEvent::Changed => Frame::named("changed", Changed {}),
        })
        .take_until(state.stopped(Duration::ZERO));
    Ok(sse::respond(frames, permit))
}

/// Body of the answer of `GET /api/models`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Models<'a> {
    models: Vec<InstalledModelWire<'a>>,
    catalogue: Vec<KnownModelWire<'a>>,
    downloads: Vec<DownloadWire<'a>>,
    machine: MachineWire,
    /// Why the chat model was not loaded.
    error: Option<&'a str>,
}

/// The model that was chosen or added.
#[derive(Serialize, ToSchema)]
pub(crate) struct Chosen<'a> {
    name: &'a str,
}

/// The list of models has to be read again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Changed {}

/// What the machine has.
#[derive(Serialize, ToSchema)]
pub(crate) struct MachineWire {
    memory_bytes: Option<u64>,
    available_bytes: Option<u64>,
    cores: usize,
    free_disk_bytes: Option<u64>,
}

impl From<&Machine> for MachineWire {
    fn from(machine: &Machine) -> Self {
        Self {
            memory_bytes: machine.memory_bytes,
            available_bytes: machine.available_bytes,
            cores: machine.cores,
            free_disk_bytes: machine.free_disk_bytes,
        }
    }
}

/// A model that is installed.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstalledModelWire<'a> {
    name: &'a str,
    title: &'a str,
    #[schema(value_type = Option<ModelKind>)]
    kind: Option<&'static str>,
    bytes: u64,
    memory_bytes: u64,
    catalogue_name: Option<&'a str>,
    licence: Option<&'a str>,
    loaded: bool,
    loading: bool,
    /// Whether the memory of this machine holds it, where that is known.
    fits: Option<bool>,
    speed: Option<SpeedWire>,
}

impl<'a> From<&'a InstalledModel> for InstalledModelWire<'a> {
    fn from(model: &'a InstalledModel) -> Self {
        Self {
            name: &model.file,
            title: &model.title,
            kind: model.kind.map(ModelKind::as_str),
            bytes: model.bytes,
            memory_bytes: model.memory_bytes,
            catalogue_name: model.entry.map(|entry| entry.name.as_str()),
            licence: model.entry.map(|entry| entry.licence.as_str()),
            loaded: model.is_loaded,
            loading: model.is_loading,
            fits: model.fits,
            speed: model.speed.map(SpeedWire::from),
        }
    }
}

/// How fast a model writes.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpeedWire {
    tokens_per_second: f64,
    /// Whether it was measured here, or follows from the size of the model.
    measured: bool,
}

impl From<Speed> for SpeedWire {
    fn from(speed: Speed) -> Self {
        Self {
            tokens_per_second: speed.tokens_per_second,
            measured: speed.measured,
        }
    }
}

/// A model that can be downloaded by its name.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownModelWire<'a> {
    name: &'a str,
    title: &'a str,
    #[schema(value_type = ModelKind)]
    kind: &'static str,
    architecture: &'a str,
    repository: &'a str,
    file: &'a str,
    quantization: &'a str,
    bytes: u64,
    memory_bytes: u64,
    parameters: u64,
    context_tokens: u32,
    licence: &'a str,
    languages: &'a [String],
    summary: &'a str,
    installed: bool,
    /// Whether this version can run it.
    usable: bool,
    fits: Option<bool>,
    speed: Option<SpeedWire>,
    recommended: bool,
}

impl<'a> From<&'a KnownModel> for KnownModelWire<'a> {
    fn from(model: &'a KnownModel) -> Self {
        let entry = model.entry;
        Self {
            name: &entry.name,
            title: &entry.title,
            kind: entry.kind.as_str(),
            architecture: &entry.architecture,
            repository: &entry.repository,
            file: &entry.file,
            quantization: &entry.quantization,
            bytes: entry.bytes,
            memory_bytes: entry.memory_bytes,
            parameters: entry.parameters,
            context_tokens: entry.context_tokens,
            licence: &entry.licence,
            languages: &entry.languages,
            summary: &entry.summary,
            installed: model.is_installed,
            usable: model.is_usable,
            fits: model.fits,
            speed: model.speed.map(SpeedWire::from),
            recommended: model.is_recommended,
        }
    }
}

/// How far a download is.
#[derive(Serialize, ToSchema)]
pub(crate) struct DownloadWire<'a> {
    name: &'a str,
    repository: &'a str,
    #[schema(value_type = DownloadState)]
    state: &'static str,
    received_bytes: u64,
    total_bytes: Option<u64>,
    bytes_per_s: u64,
    error: Option<&'a str>,
}

impl<'a> From<&'a Download> for DownloadWire<'a> {
    fn from(seen: &'a Download) -> Self {
        Self {
            name: &seen.file,
            repository: &seen.repository,
            state: seen.state.as_str(),
            received_bytes: seen.received_bytes,
            total_bytes: seen.total_bytes,
            bytes_per_s: seen.bytes_per_s,
            error: seen.error.as_deref(),
        }
    }
}
