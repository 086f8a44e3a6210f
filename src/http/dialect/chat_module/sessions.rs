//! `/api/chats/sessions`.

use super::ChatModule;
use super::visitor::{Visitor, may_list};
use super::wire::{NewSessionBody, SessionWire, SessionsQuery};
use crate::error::{ErrorKind, Fault, Kind};
use crate::http::extract::{JsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{NewSession, SessionFilter};
use crate::types::{SessionId, Time};
use actix_web::{HttpRequest, HttpResponse, web};

type Answer = Result<HttpResponse, Failure<ChatModule>>;

/// How long a session takes messages if the client does not say, in seconds.
const LIFE_SECONDS: i64 = 24 * 3600;

/// `POST /api/chats/sessions`.
pub(crate) async fn create(
    state: web::Data<State>,
    visitor: Visitor,
    body: JsonBody<ChatModule, NewSessionBody>,
) -> Answer {
    let body = body.value;
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let expires_at = match present(body.expires_at) {
        None => Time::now().plus_seconds(LIFE_SECONDS),
        Some(text) => Time::parse(&text).ok_or_else(|| {
            let what = format!("{text:?} is not a time like 2026-01-02T12:00:00Z");
            HttpError::field("expires_at", what)
        })?,
    };
    let new = NewSession {
        id: present(body.session_id),
        external_user_id: present(body.external_user_id),
        metadata: body.metadata,
        expires_at: Some(expires_at),
        ..NewSession::default()
    };
    let made = state.service.create_session(&visitor.caller, new).await;
    let session = made.map_err(|fault| match fault.kind() {
        // The contract knows no status for it but that of a wrong field.
        ErrorKind::Conflict => Fault::invalid(format!("session_id: {fault}")).about("session_id"),
        _ => fault,
    })?;
    Ok(HttpResponse::Created().json(SessionWire::from(&session)))
}

/// `GET /api/chats/sessions`.
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Visitor,
    query: QueryParams<ChatModule, SessionsQuery>,
) -> Answer {
    may_list(&request, &state).await?;
    let query = query.value;
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = SessionFilter {
        open: present(query.is_active).map(truth).transpose()?,
        external_user_id: present(query.external_user_id),
        text: present(query.search),
        ..SessionFilter::default()
    };
    let page = state.service.list_sessions(&visitor.caller, filter).await?;
    let sessions: Vec<SessionWire<'_>> = page.sessions.iter().map(SessionWire::from).collect();
    Ok(HttpResponse::Ok().json(sessions))
}

fn truth(word: String) -> Result<bool, HttpError> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(HttpError::field("is_active", "neither true nor false")),
    }
}

/// `GET /api/chats/sessions/{id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    visitor: Visitor,
    id: PathValues<ChatModule, SessionId>,
) -> Answer {
    let session = state.service.find_session(&visitor.caller, &id.value);
    Ok(HttpResponse::Ok().json(SessionWire::from(&session.await?)))
}

/// `DELETE /api/chats/sessions/{id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    visitor: Visitor,
    id: PathValues<ChatModule, SessionId>,
) -> Answer {
    let service = &state.service;
    service.delete_session(&visitor.caller, &id.value).await?;
    Ok(HttpResponse::NoContent().finish())
}
