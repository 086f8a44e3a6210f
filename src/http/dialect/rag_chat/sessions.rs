//! `/chat/sessions`.

use super::RagChat;
use super::wire::{MessageWire, SessionDetail, SessionList, SessionWire};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::types::SessionId;
use actix_web::{HttpResponse, web};
use serde_json::json;

type Answer = Result<HttpResponse, Failure<RagChat>>;

/// `GET /chat/sessions`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<RagChat>) -> Answer {
    let views = state.service.sessions(&caller).await?;
    Ok(HttpResponse::Ok().json(SessionList {
        sessions: views
            .iter()
            .map(|view| SessionWire::new(&view.session, &view.documents))
            .collect(),
        total_count: views.len(),
    }))
}

/// `GET /chat/sessions/{session_id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, SessionId>,
) -> Answer {
    let (view, messages) = state.service.session(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(SessionDetail {
        session: SessionWire::new(&view.session, &view.documents),
        messages: messages
            .iter()
            .map(|one| MessageWire::new(&one.message, one.html.as_deref()))
            .collect(),
    }))
}

/// `DELETE /chat/sessions/{session_id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, SessionId>,
) -> Answer {
    state.service.delete_session(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Chat session deleted successfully"})))
}
