//! `/chat/sessions`.

use super::RagChat;
use super::wire::{MessageWire, SessionWire};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::{PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::service::{Branch, RunningAnswer};
use crate::types::{MessageId, SessionId};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<RagChat>>;

/// Sessions, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList<'a> {
    sessions: Vec<SessionWire<'a>>,
    total_count: usize,
}

/// A session with its messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionDetail<'a> {
    session: SessionWire<'a>,
    messages: Vec<MessageWire<'a>>,
    /// Answers to it that are being given.
    running: Vec<RunningWire>,
}

/// An answer that is being given.
#[derive(Debug, Serialize, ToSchema)]
struct RunningWire {
    answer_id: MessageId,
    question_id: MessageId,
}

impl From<RunningAnswer> for RunningWire {
    fn from(running: RunningAnswer) -> Self {
        Self {
            answer_id: running.answer_id,
            question_id: running.question_id,
        }
    }
}

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

/// Which messages of a session to give.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum BranchesWire {
    /// Those of the branch that was written last.
    #[default]
    Newest,
    /// All; `parent_id` says how they hang together.
    All,
}

/// Query of `GET /chat/sessions/{session_id}`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ReadQuery {
    #[serde(default)]
    #[param(inline)]
    branches: BranchesWire,
}

/// `GET /chat/sessions/{session_id}`.
pub(crate) async fn read(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, SessionId>,
    query: QueryParams<RagChat, ReadQuery>,
) -> Answer {
    let branch = match query.value.branches {
        BranchesWire::Newest => Branch::Newest,
        BranchesWire::All => Branch::All,
    };
    let (view, messages) = state.service.session(&caller, &id.value, branch).await?;
    let running = state
        .service
        .running_answers(&caller, &view.session.id)
        .into_iter();
    Ok(HttpResponse::Ok().json(SessionDetail {
        session: SessionWire::new(&view.session, &view.documents),
        messages: messages.iter().map(MessageWire::new).collect(),
        running: running.map(RunningWire::from).collect(),
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
