//! Streams of ingestion progress.

use super::Native;
use super::wire::ProgressWire;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::sse::{self, Frame};
use crate::types::{Document, DocumentId, DocumentProgress};
use actix_web::{HttpResponse, web};
use futures_util::{Stream, StreamExt, stream};
use std::future::ready;
use std::time::Duration;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/events`: every step of every document of the caller's tenant.
pub(crate) async fn of_all(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let permit = state.watchers.acquire(&caller.user_id)?;
    let frames = state
        .service
        .progress(&caller)
        .map(|step| Frame::unnamed(ProgressWire::from(&step)))
        .take_until(state.stopped(Duration::ZERO));
    Ok(sse::respond(frames, permit))
}

/// `GET /documents/{document_id}/events`: where the document is, and each step
/// until it is ready, failed or gone.
pub(crate) async fn of_document(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Answer {
    let permit = state.watchers.acquire(&caller.user_id)?;
    // Listening begins before looking, so that no step falls in between.
    let steps = state.service.progress(&caller);
    let document = state.service.document(&caller, &id.value).await?;
    let later = steps.filter(move |step| ready(step.document_id == id.value));
    let all = stream::once(ready(present(document))).chain(later);
    let frames = until_final(all)
        .map(|step| Frame::unnamed(ProgressWire::from(&step)))
        .take_until(state.stopped(Duration::ZERO));
    Ok(sse::respond(frames, permit))
}

fn present(document: Document) -> DocumentProgress {
    DocumentProgress {
        tenant_id: document.tenant_id,
        dataset_id: document.dataset_id,
        document_id: document.id,
        private_to: document.private_to,
        filename: document.filename,
        status: document.status,
        error: document.error,
        pages: document.pages,
        pages_without_text: document.pages_without_text,
        chunks: document.chunks,
        embedded: document.embedded,
        deleted: false,
    }
}

/// The steps up to and with the last that there can be.
fn until_final(
    steps: impl Stream<Item = DocumentProgress>,
) -> impl Stream<Item = DocumentProgress> {
    stream::unfold(Some(Box::pin(steps)), async |steps| {
        let mut steps = steps?;
        let step = steps.next().await?;
        let last = step.deleted || step.status.is_final();
        Some((step, (!last).then_some(steps)))
    })
}
