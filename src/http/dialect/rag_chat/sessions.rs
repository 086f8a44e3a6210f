//! `/chat/sessions`.

use super::RagChat;
use super::wire::{MessageWire, SessionWire};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::types::SessionId;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

type Answer = Result<HttpResponse, Failure<RagChat>>;

/// `GET /chat/sessions`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<RagChat>) -> Answer {
    #[derive(Serialize)]
    struct Body<'a> {
        sessions: Vec<SessionWire<'a>>,
        total_count: usize,
    }
    let views = state.service.sessions(&caller).await?;
    Ok(HttpResponse::Ok().json(Body {
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
    #[derive(Serialize)]
    struct Body<'a> {
        session: SessionWire<'a>,
        messages: Vec<MessageWire<'a>>,
    }
    let (view, messages) = state.service.session(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(Body {
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
