//! `/api/backups`, for the operator.

use super::Native;
use super::originals::pieces;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{Backup, BackupRun};
use actix_web::body::SizedStream;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use tokio::fs::File;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/backups`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let list = state.service.backups(&caller).await?;
    Ok(HttpResponse::Ok().json(json!({
        "backups": list.backups.iter().map(backup).collect::<Vec<_>>(),
        "running": list.running.as_ref().map(run),
        "error": list.error,
    })))
}

/// `POST /api/backups`: answers when it is begun; the list says how far it is.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
) -> Answer {
    let begun = state.service.begin_backup(&caller).await?;
    audit::note_object(&request, &begun.name);
    Ok(HttpResponse::Accepted().json(run(&begun)))
}

/// `GET /api/backups/{name}`: the archive.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    let path = state.service.backup(&caller, &name.value).await?;
    let file = File::open(&path).await.map_err(HttpError::Original)?;
    let size = file.metadata().await.map_err(HttpError::Original)?.len();
    // Only names that were made here are known, so this one is plain.
    let disposition = format!("attachment; filename=\"{}\"", name.value);
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(ContentEncoding::Identity)
        .body(SizedStream::new(size, Box::pin(pieces(file)))))
}

/// `DELETE /api/backups/{name}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    name: PathValues<Native, String>,
) -> Answer {
    state.service.delete_backup(&caller, &name.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Backup deleted successfully"})))
}

fn backup(backup: &Backup) -> Value {
    json!({
        "name": backup.name,
        "bytes": backup.bytes,
        "created_at": backup.created_at.to_string(),
    })
}

fn run(run: &BackupRun) -> Value {
    json!({
        "name": run.name,
        "started_at": run.started_at.to_string(),
        "files": run.files,
        "all_files": run.all_files,
    })
}
