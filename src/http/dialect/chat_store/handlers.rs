//! `/sessions`.

use super::ChatStore;
use super::wire::{
    CreateBody, Deleted, ListQuery, MessageBody, MessageWire, SessionHistory, SessionList,
    SessionWire, UserQuery,
};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::session_cursor::{cursor, page, place};
use crate::service::{MessageFilter, NewMessage, NewSession, SessionFilter};
use crate::types::SessionId;
use actix_web::{HttpResponse, web};
use serde_json::Value;

type Answer = Result<HttpResponse, Failure<ChatStore>>;

/// `POST /sessions`.
pub(crate) async fn create(
    state: web::Data<State>,
    caller: Authorized<ChatStore>,
    body: JsonBody<ChatStore, CreateBody>,
) -> Answer {
    let body = body.value;
    let user = state.service.acting_for(&caller, &body.user_id).await?;
    let new = NewSession {
        id: body.session_id,
        title: body.title,
        agent_id: body.agent_id,
        metadata: body.metadata.map_or(Value::Null, Value::Object),
        ..NewSession::default()
    };
    let session = state.service.create_session(&user, new).await?;
    Ok(HttpResponse::Created().json(SessionWire::new(&session, &body.user_id)))
}

/// `GET /sessions`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<ChatStore>,
    query: QueryParams<ChatStore, ListQuery>,
) -> Answer {
    let query = query.value;
    let user = state.service.acting_for(&caller, &query.user_id).await?;
    let filter = SessionFilter {
        agent_id: query.agent_id.filter(|agent| !agent.is_empty()),
        after: place(query.cursor.as_deref())?,
        limit: query.limit.map(page).transpose()?,
        ..SessionFilter::default()
    };
    let found = state.service.list_sessions(&user, filter).await?;
    let sessions = found.sessions.iter();
    Ok(HttpResponse::Ok().json(SessionList {
        sessions: sessions
            .map(|one| SessionWire::new(one, &query.user_id))
            .collect(),
        next_cursor: found.next.map(cursor),
    }))
}

/// `GET /sessions/{id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<ChatStore>,
    id: PathValues<ChatStore, SessionId>,
    query: QueryParams<ChatStore, UserQuery>,
) -> Answer {
    let named = query.value.user_id;
    let user = state.service.acting_for(&caller, &named).await?;
    let (session, messages) = state
        .service
        .list_messages(&user, &id.value, MessageFilter::default())
        .await?;
    Ok(HttpResponse::Ok().json(SessionHistory {
        session: SessionWire::new(&session, &named),
        messages: messages.iter().map(Into::into).collect(),
    }))
}

/// `POST /sessions/{id}/messages`.
pub(crate) async fn append(
    state: web::Data<State>,
    caller: Authorized<ChatStore>,
    id: PathValues<ChatStore, SessionId>,
    body: JsonBody<ChatStore, MessageBody>,
) -> Answer {
    let body = body.value;
    let user = state.service.acting_for(&caller, &body.user_id).await?;
    let new = NewMessage {
        role: body.role.into(),
        content: body.content,
        metadata: body.metadata.map_or(Value::Null, Value::Object),
    };
    let (_, message) = state
        .service
        .append_message(&user, &id.value, new, "content")
        .await?;
    Ok(HttpResponse::Created().json(MessageWire::from(&message)))
}

/// `DELETE /sessions/{id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<ChatStore>,
    id: PathValues<ChatStore, SessionId>,
    query: QueryParams<ChatStore, UserQuery>,
) -> Answer {
    let user = state
        .service
        .acting_for(&caller, &query.value.user_id)
        .await?;
    state.service.delete_session(&user, &id.value).await?;
    Ok(HttpResponse::Ok().json(Deleted {
        message: "Session deleted successfully",
        session_id: &id.value,
    }))
}
