//! `/api/reindex` and `/api/repair`, for the operator.

use super::Native;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::http::openapi::Operation;
use crate::service::{IndexProgress, Repair};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of `POST /api/reindex`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ReindexBody {
    /// Whether the vectors are computed anew too.
    #[serde(default)]
    embeddings: bool,
}

/// How far the indexes are.
#[derive(Serialize, ToSchema)]
pub(crate) struct IndexProgressWire {
    /// Whether they are being made anew.
    running: bool,
    /// Whether the vectors are computed anew too.
    embeddings: bool,
    documents_done: u64,
    documents_total: u64,
    /// Passages that wait for their vector.
    unembedded: u64,
}

impl From<&IndexProgress> for IndexProgressWire {
    fn from(progress: &IndexProgress) -> Self {
        let running = progress.running.as_ref();
        Self {
            running: running.is_some(),
            embeddings: running.is_some_and(|one| one.embeddings),
            documents_done: running.map_or(0, |one| one.done),
            documents_total: running.map_or(0, |one| one.total),
            unembedded: progress.unembedded,
        }
    }
}

/// `POST /api/reindex`: answers when it is begun; `GET` says how far it is.
pub(crate) async fn reindex(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, ReindexBody>,
) -> Answer {
    let service = &state.service;
    let begun = service.begin_reindexing(&caller, body.value.embeddings);
    Ok(HttpResponse::Accepted().json(IndexProgressWire::from(&begun.await?)))
}

/// `GET /api/reindex`.
pub(crate) async fn progress(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let progress = state.service.index_progress(&caller).await?;
    Ok(HttpResponse::Ok().json(IndexProgressWire::from(&progress)))
}

/// What was repaired.
#[derive(Serialize, ToSchema)]
pub(crate) struct RepairWire<'a> {
    /// Entries and files of an index that were missing, too many, or not as they
    /// should be.
    index_entries: usize,
    /// Whether the indexes within the database were made again.
    database: bool,
    /// Rows of the database that belonged to nothing and were removed.
    orphans: usize,
    /// Files that are being read anew.
    documents: &'a [String],
    /// What nothing here can repair, and what a person can do.
    left: &'a [String],
}

/// `POST /api/repair`.
pub(crate) async fn repair(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let Repair {
        index_entries,
        database,
        orphans,
        documents,
        left,
    } = state.service.repair(&caller).await?;
    Ok(HttpResponse::Ok().json(RepairWire {
        index_entries,
        database,
        orphans,
        documents: &documents,
        left: &left,
    }))
}

/// What these endpoints say about themselves.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::of(
            "make the indexes anew",
            "Answers when it is begun; searches go on meanwhile.",
        )
        .takes::<ReindexBody>()
        .answers::<IndexProgressWire>(202),
        Operation::of(
            "progress of the indexes",
            "How far they are being made anew.",
        )
        .answers::<IndexProgressWire>(200),
        Operation::of(
            "repair",
            "Repairs what an examination finds, as far as that can be done.",
        )
        .answers::<RepairWire<'_>>(200),
    ]
}
