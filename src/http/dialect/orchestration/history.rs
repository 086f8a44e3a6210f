//! `/chat/history/{session_id}`.

use super::chat::origin;
use super::wire::{HistoryItem, HistoryWire};
use super::{Orchestration, about_session, session_id};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::service::MessageFilter;
use actix_web::{HttpRequest, HttpResponse, web};

type Answer = Result<HttpResponse, Failure<Orchestration>>;

/// `GET /chat/history/{session_id}`.
pub(crate) async fn read(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Orchestration>,
    id: PathValues<Orchestration, String>,
) -> Answer {
    let id = session_id(Some(&id.value))?;
    let all = MessageFilter::default();
    let found = state.service.list_messages(&caller, &id, all).await;
    let (session, messages) = found.map_err(about_session)?;
    let origin = origin(&request);
    let history: Vec<HistoryItem<'_>> = messages
        .iter()
        .filter_map(|message| HistoryItem::new(message, &origin))
        .collect();
    Ok(HttpResponse::Ok().json(HistoryWire {
        session_id: &session.id,
        history,
    }))
}
