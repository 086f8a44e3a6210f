//! `/v1/chat/conversations`: making, listing, reading, changing and deleting.

use super::Conversations;
use super::wire::{
    ConversationWire, CreateBody, HistoryWire, ListQuery, ListWire, PatchBody, UserQuery,
};
use crate::error::Fault;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, OptionalJsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::session_cursor::cursor;
use crate::service::{Caller, MessageFilter, NewSession, SessionChange, SessionFilter};
use crate::types::SessionId;
use actix_web::{HttpResponse, web};
use serde_json::Value;

const SECONDS_A_DAY: i64 = 24 * 3600;

type Answer = Result<HttpResponse, Failure<Conversations>>;

/// The caller, or the user of its tenant in whose name it acts.
pub(crate) async fn acting(
    state: &State,
    caller: &Caller,
    user: Option<&str>,
) -> Result<Caller, Fault> {
    match user {
        Some(user) => state.service.acting_for(caller, user).await,
        None => Ok(caller.clone()),
    }
}

/// `POST /v1/chat/conversations`.
pub(crate) async fn create(
    state: web::Data<State>,
    caller: Authorized<Conversations>,
    body: OptionalJsonBody<Conversations, CreateBody>,
) -> Answer {
    let body = body.value;
    let caller = acting(&state, &caller, body.user_id.as_deref()).await?;
    let days = i64::from(state.service.config().conversation_ttl_days);
    let new = NewSession {
        id: body.conversation_id,
        title: body.title,
        metadata: body.metadata.map_or(Value::Null, Value::Object),
        keep_seconds: (days > 0).then(|| days * SECONDS_A_DAY),
        ..NewSession::default()
    };
    let session = state.service.create_session(&caller, new).await?;
    Ok(HttpResponse::Created().json(ConversationWire::from(&session)))
}

/// `GET /v1/chat/conversations`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Conversations>,
    query: QueryParams<Conversations, ListQuery>,
) -> Answer {
    let query = query.value;
    let caller = acting(&state, &caller, query.user_id.as_deref()).await?;
    let filter = SessionFilter {
        status: query.status.map(Into::into),
        after: query.place()?,
        limit: Some(query.limit()?),
        ..SessionFilter::default()
    };
    let page = state.service.list_sessions(&caller, filter).await?;
    Ok(HttpResponse::Ok().json(ListWire {
        conversations: page.sessions.iter().map(Into::into).collect(),
        next_cursor: page.next.map(cursor),
    }))
}

/// `GET /v1/chat/conversations/{id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<Conversations>,
    id: PathValues<Conversations, SessionId>,
    query: QueryParams<Conversations, UserQuery>,
) -> Answer {
    let caller = acting(&state, &caller, query.value.user_id.as_deref()).await?;
    let (session, messages) = state
        .service
        .list_messages(&caller, &id.value, MessageFilter::default())
        .await?;
    Ok(HttpResponse::Ok().json(HistoryWire {
        conversation: (&session).into(),
        messages: messages.iter().map(Into::into).collect(),
    }))
}

/// `PATCH /v1/chat/conversations/{id}`.
pub(crate) async fn change(
    state: web::Data<State>,
    caller: Authorized<Conversations>,
    id: PathValues<Conversations, SessionId>,
    body: JsonBody<Conversations, PatchBody>,
) -> Answer {
    let body = body.value;
    let caller = acting(&state, &caller, body.user_id.as_deref()).await?;
    if body.title.is_none() && body.status.is_none() && body.metadata.is_none() {
        let message = "there is nothing to change: give title, status or metadata";
        return Err(Fault::invalid(message).into());
    }
    let change = SessionChange {
        title: body.title,
        status: body.status.map(Into::into),
        metadata: body.metadata.map(Value::Object),
    };
    let session = state
        .service
        .change_session(&caller, &id.value, change)
        .await?;
    Ok(HttpResponse::Ok().json(ConversationWire::from(&session)))
}

/// `DELETE /v1/chat/conversations/{id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Conversations>,
    id: PathValues<Conversations, SessionId>,
    query: QueryParams<Conversations, UserQuery>,
) -> Answer {
    let caller = acting(&state, &caller, query.value.user_id.as_deref()).await?;
    state.service.delete_session(&caller, &id.value).await?;
    Ok(HttpResponse::NoContent().finish())
}
