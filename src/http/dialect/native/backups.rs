//! `/api/backups`, for the operator.

use super::Native;
use super::originals::pieces;
use super::wire::Said;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{Backup, BackupRun};
use actix_web::body::SizedStream;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use tokio::fs::File;
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/backups`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let list = state.service.backups(&caller).await?;
    Ok(HttpResponse::Ok().json(Backups {
        backups: list.backups.iter().map(BackupWire::from).collect(),
        running: list.running.as_ref().map(BackupRunWire::from),
        error: list.error.as_deref(),
    }))
}

/// `POST /api/backups`: answers when it is begun; the list says how far it is.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
) -> Answer {
    let begun = state.service.begin_backup(&caller).await?;
    audit::note_object(&request, &begun.name);
    Ok(HttpResponse::Accepted().json(BackupRunWire::from(&begun)))
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
    Ok(HttpResponse::Ok().json(Said {
        message: "Backup deleted successfully",
    }))
}

/// Body of the answer of `GET /api/backups`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Backups<'a> {
    backups: Vec<BackupWire<'a>>,
    running: Option<BackupRunWire<'a>>,
    /// Why the last one failed.
    error: Option<&'a str>,
}

/// A backup in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct BackupWire<'a> {
    name: &'a str,
    bytes: u64,
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> From<&'a Backup> for BackupWire<'a> {
    fn from(backup: &'a Backup) -> Self {
        Self {
            name: &backup.name,
            bytes: backup.bytes,
            created_at: backup.created_at.to_string(),
        }
    }
}

/// A backup that is being made.
#[derive(Serialize, ToSchema)]
pub(crate) struct BackupRunWire<'a> {
    name: &'a str,
    #[schema(format = DateTime)]
    started_at: String,
    files: u64,
    all_files: u64,
}

impl<'a> From<&'a BackupRun> for BackupRunWire<'a> {
    fn from(run: &'a BackupRun) -> Self {
        Self {
            name: &run.name,
            started_at: run.started_at.to_string(),
            files: run.files,
            all_files: run.all_files,
        }
    }
}
