//! `/api/models`: which there are, getting, removing and exchanging them.

use super::Native;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues, in_time};
use crate::http::failure::Failure;
use crate::http::sse::{self, Frame};
use crate::http::{HttpError, State};
use crate::service::{Download, InstalledModel, KnownModel, ModelEvent, ModelKind, Speed};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/models`.
pub(crate) async fn list(state: web::Data<State>) -> Answer {
    let models = state.service.models().await?;
    let machine = &models.machine;
    Ok(HttpResponse::Ok().json(json!({
        "models": models.installed.iter().map(installed).collect::<Vec<_>>(),
        "catalogue": models.catalogue.iter().map(known).collect::<Vec<_>>(),
        "downloads": models.downloads.iter().map(download).collect::<Vec<_>>(),
        "machine": {
            "memory_bytes": machine.memory_bytes,
            "available_bytes": machine.available_bytes,
            "cores": machine.cores,
            "free_disk_bytes": machine.free_disk_bytes,
        },
        "error": models.error,
    })))
}

/// Body of `POST /api/models/pull`.
#[derive(Deserialize)]
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
    Ok(HttpResponse::Accepted().json(download(&begun)))
}

/// `POST /api/models/{name}/pause`.
pub(crate) async fn pause(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    state.service.pause_model(&caller, &name.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Download stopped; it can be resumed"})))
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
    Ok(HttpResponse::Created().json(json!({"name": file})))
}

/// `DELETE /api/models/{name}`: the file, or what has arrived of it.
pub(crate) async fn remove(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    state.service.remove_model(&caller, &name.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Model removed successfully"})))
}

/// `POST /api/models/{name}/use`: answers before the model is loaded.
pub(crate) async fn choose(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    let file = state.service.use_model(&caller, &name.value).await?;
    Ok(HttpResponse::Accepted().json(json!({"name": file})))
}

/// `POST /api/models/unload`.
pub(crate) async fn unload(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    state.service.unload_model(&caller).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Answers are quotes now"})))
}

/// `GET /api/models/events`: `download` with its state, and `changed` when the
/// list has to be read again.
pub(crate) async fn events(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let permit = state.watchers.acquire(&caller.user_id)?;
    let frames = state
        .service
        .model_events()
        .map(|event| match event {
            ModelEvent::Download(seen) => Frame::named("download", download(&seen)),
            ModelEvent::Changed => Frame::named("changed", json!({})),
        })
        .take_until(state.stopped(Duration::ZERO));
    Ok(sse::respond(frames, permit))
}

fn installed(model: &InstalledModel) -> Value {
    json!({
        "name": model.file,
        "title": model.title,
        "kind": model.kind.map(ModelKind::as_str),
        "bytes": model.bytes,
        "memory_bytes": model.memory_bytes,
        "catalogue_name": model.entry.map(|entry| &entry.name),
        "licence": model.entry.map(|entry| &entry.licence),
        "loaded": model.is_loaded,
        "loading": model.is_loading,
        "fits": model.fits,
        "speed": model.speed.map(speed),
    })
}

fn speed(speed: Speed) -> Value {
    json!({"tokens_per_second": speed.tokens_per_second, "measured": speed.measured})
}

fn known(model: &KnownModel) -> Value {
    let entry = model.entry;
    json!({
        "name": entry.name,
        "title": entry.title,
        "kind": entry.kind.as_str(),
        "architecture": entry.architecture,
        "repository": entry.repository,
        "file": entry.file,
        "quantization": entry.quantization,
        "bytes": entry.bytes,
        "memory_bytes": entry.memory_bytes,
        "parameters": entry.parameters,
        "context_tokens": entry.context_tokens,
        "licence": entry.licence,
        "languages": entry.languages,
        "summary": entry.summary,
        "installed": model.is_installed,
        "usable": model.is_usable,
        "fits": model.fits,
        "speed": model.speed.map(speed),
        "recommended": model.is_recommended,
    })
}

fn download(seen: &Download) -> Value {
    json!({
        "name": seen.file,
        "repository": seen.repository,
        "state": seen.state.as_str(),
        "received_bytes": seen.received_bytes,
        "total_bytes": seen.total_bytes,
        "bytes_per_s": seen.bytes_per_s,
        "error": seen.error,
    })
}
