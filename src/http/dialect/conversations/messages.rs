//! `/v1/chat/conversations/{id}/messages`: a message, answered as a stream of
//! events or as one JSON.

use super::Conversations;
use super::frames::Frames;
use super::handlers::acting;
use super::wire::{AnswerModeWire, AnswerWire, AskBody};
use crate::error::Fault;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::http::{ANSWER_GRACE, State, request_id, sse};
use crate::service::{AnswerStream, Question};
use crate::types::{AnswerEvent, SessionId};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;

type Answer = Result<HttpResponse, Failure<Conversations>>;

/// `POST /v1/chat/conversations/{id}/messages`.
pub(crate) async fn send(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Conversations>,
    id: PathValues<Conversations, SessionId>,
    body: JsonBody<Conversations, AskBody>,
) -> Answer {
    let body = body.value;
    let caller = acting(&state, &caller, body.user_id.as_deref()).await?;
    state.service.check_text("content", &body.content)?;
    let streamed = body.stream == Some(true) || wants_events(&request);
    let question = Question {
        message: body.content,
        session_id: Some(id.value),
        dataset_ids: body.dataset_id.into_iter().map(Into::into).collect(),
        options: body.search_options.unwrap_or_default().checked()?,
        quotes_only: body.answer_mode == Some(AnswerModeWire::Quotes),
        ..Question::default()
    };
    let permit = state.answers.acquire(&caller.user_id)?;
    let events = state.service.ask(&caller, question).await?;
    if !streamed {
        return whole(events).await;
    }
    let mut frames = Frames::new(request_id::current());
    let next = move |event| match event {
        Some(event) => frames.next(event),
        None => frames.end(),
    };
    let frames = sse::frames(events, state.stopped(ANSWER_GRACE), next);
    Ok(sse::respond(frames, permit))
}

/// Whether the client asks for an event stream.
fn wants_events(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT);
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/event-stream"))
}

/// The same events as one answer.
async fn whole(mut events: AnswerStream) -> Answer {
    let (mut session, mut question) = (None, None);
    while let Some(event) = events.next().await {
        match event {
            AnswerEvent::Accepted {
                session_id,
                question_id,
                ..
            } => (session, question) = (Some(session_id), Some(question_id)),
            AnswerEvent::Done {
                answer_id,
                content,
                summary,
                ..
            } => {
                return Ok(HttpResponse::Ok().json(AnswerWire::new(
                    session.as_ref(),
                    question.as_ref(),
                    &answer_id,
                    &content,
                    &summary,
                )));
            }
            AnswerEvent::Failed { kind, message } => {
                return Err(Fault::new(kind, message).into());
            }
            AnswerEvent::Status(_)
            | AnswerEvent::Sources { .. }
            | AnswerEvent::Token(_)
            | AnswerEvent::Thinking(_)
            | AnswerEvent::Block { .. } => {}
        }
    }
    Err(Fault::internal("an answer ended without its end").into())
}
