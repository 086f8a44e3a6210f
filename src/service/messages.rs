//! Single messages of conversations: appended without an answer, listed, read,
//! deleted softly.

use super::sessions::check_object;
use super::{Caller, Service};
use crate::error::Fault;
use crate::store::{MessageFilter, Place};
use crate::types::{Message, MessageId, Role, Session, SessionId, Time};
use serde_json::Value;

/// A message to be stored as it is.
#[derive(Debug, Clone)]
pub struct NewMessage {
    pub role: Role,
    pub content: String,
    /// A JSON object, or null for an empty one.
    pub metadata: Value,
}

impl Service {
    /// Appends a message to a conversation of the caller; nothing answers it.
    /// `field` is what the client calls the content.
    pub async fn append_message(
        &self,
        caller: &Caller,
        session: &SessionId,
        new: NewMessage,
        field: &str,
    ) -> Result<(Session, Message), Fault> {
        let NewMessage {
            role,
            content,
            metadata,
        } = new;
        self.check_text(field, &content)?;
        let metadata = match metadata {
            Value::Null => Value::Object(serde_json::Map::new()),
            given => given,
        };
        check_object(&metadata)?;
        let (caller, session) = (caller.clone(), session.clone());
        self.blocking(move |inner| {
            let session = inner.open_session(&caller, &session)?;
            let message = Message {
                id: MessageId::generate(),
                session_id: session.id.clone(),
                user_id: caller.user_id,
                role,
                content,
                metadata,
                created_at: Time::now(),
                deleted_at: None,
                answer: None,
            };
            let created_at =
                inner
                    .store
                    .append_message(&caller.tenant_id, &message, &Place::Newest)?;
            Ok((
                session,
                Message {
                    created_at,
                    ..message
                },
            ))
        })
        .await
    }

    /// The messages of a conversation that the caller may see, in order.
    pub async fn list_messages(
        &self,
        caller: &Caller,
        session: &SessionId,
        filter: MessageFilter,
    ) -> Result<(Session, Vec<Message>), Fault> {
        let (caller, session) = (caller.clone(), session.clone());
        self.blocking(move |inner| {
            let session = inner.visible_session(&caller, &session)?;
            let messages = inner
                .store
                .messages(&caller.tenant_id, &session.id, &filter)?;
            Ok((session, messages))
        })
        .await
    }

    /// One message of a conversation that the caller may see.
    pub async fn message(
        &self,
        caller: &Caller,
        id: &MessageId,
    ) -> Result<(Session, Message), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let message = inner.store.message(&caller.tenant_id, &id)?;
            let message = message.ok_or_else(no_message)?;
            let session = inner
                .visible_session(&caller, &message.session_id)
                .map_err(|_| no_message())?;
            Ok((session, message))
        })
        .await
    }

    /// Deletes a message of the caller softly: it is gone from every list and
    /// from what later answers are told, but not from the disk.
    pub async fn delete_message(&self, caller: &Caller, id: &MessageId) -> Result<(), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let message = inner.store.message(&caller.tenant_id, &id)?;
            let message = message.ok_or_else(no_message)?;
            let session = inner
                .own_session(&caller, &message.session_id)
                .map_err(|_| no_message())?;
            inner.store.hide_message(&caller.tenant_id, &id)?;
            inner.history.forget(&session.uuid);
            Ok(())
        })
        .await
    }
}

fn no_message() -> Fault {
    Fault::not_found("the message does not exist")
}
