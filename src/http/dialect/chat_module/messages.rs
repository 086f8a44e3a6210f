//! `/api/chats/messages`.

use super::visitor::Visitor;
use super::wire::{MessageWire, MessagesQuery, NewMessageBody};
use super::{ChatModule, required, session_named};
use crate::http::extract::{JsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{MessageFilter, NewMessage};
use crate::types::{MessageId, Role};
use actix_web::{HttpResponse, web};

type Answer = Result<HttpResponse, Failure<ChatModule>>;

/// `GET /api/chats/messages`.
pub(crate) async fn list(
    state: web::Data<State>,
    visitor: Visitor,
    query: QueryParams<ChatModule, MessagesQuery>,
) -> Answer {
    let query = query.value;
    let session = session_named(query.session_id)?;
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = MessageFilter {
        role: present(query.role).map(role).transpose()?,
        text: present(query.search),
        ..MessageFilter::default()
    };
    let service = &state.service;
    let (session, messages) = service
        .list_messages(&visitor.caller, &session, filter)
        .await?;
    let messages: Vec<MessageWire<'_>> = messages
        .iter()
        .map(|message| MessageWire::new(&session, message))
        .collect();
    Ok(HttpResponse::Ok().json(messages))
}

/// `POST /api/chats/messages`: stored as it is; nothing answers it.
pub(crate) async fn create(
    state: web::Data<State>,
    visitor: Visitor,
    body: JsonBody<ChatModule, NewMessageBody>,
) -> Answer {
    let body = body.value;
    let session = session_named(body.session_id)?;
    let new = NewMessage {
        content: required("message", body.message)?,
        role: body.role.map(role).transpose()?.unwrap_or(Role::User),
        metadata: body.metadata,
    };
    let service = &state.service;
    let (session, message) = service
        .append_message(&visitor.caller, &session, new, "message")
        .await?;
    Ok(HttpResponse::Created().json(MessageWire::new(&session, &message)))
}

fn role(word: String) -> Result<Role, HttpError> {
    Role::parse(&word).ok_or_else(|| {
        let what = format!("{word:?} is none of user, assistant, system");
        HttpError::field("role", what)
    })
}

/// `GET /api/chats/messages/{id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    visitor: Visitor,
    id: PathValues<ChatModule, MessageId>,
) -> Answer {
    let found = state.service.message(&visitor.caller, &id.value).await?;
    let (session, message) = &found;
    Ok(HttpResponse::Ok().json(MessageWire::new(session, message)))
}

/// `DELETE /api/chats/messages/{id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    visitor: Visitor,
    id: PathValues<ChatModule, MessageId>,
) -> Answer {
    let service = &state.service;
    service.delete_message(&visitor.caller, &id.value).await?;
    Ok(HttpResponse::NoContent().finish())
}
