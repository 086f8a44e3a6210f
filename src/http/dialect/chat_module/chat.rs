//! `/api/chats/messages/chat`, whole and as a stream.

use super::frames::Frames;
use super::visitor::Visitor;
use super::wire::{ChatAnswer, ChatBody};
use super::{ChatModule, required, session_named};
use crate::error::Fault;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::http::{ANSWER_GRACE, State, sse};
use crate::service::Question;
use crate::types::AnswerEvent;
use actix_web::{HttpResponse, web};
use futures_util::StreamExt;

type Answer = Result<HttpResponse, Failure<ChatModule>>;

fn question(body: ChatBody) -> Result<Question, Fault> {
    Ok(Question {
        session_id: Some(session_named(body.session_id)?),
        message: required("message", body.message)?,
        ..Question::default()
    })
}

/// `POST /api/chats/messages/chat`.
pub(crate) async fn whole(
    state: web::Data<State>,
    visitor: Visitor,
    body: JsonBody<ChatModule, ChatBody>,
) -> Answer {
    let question = question(body.value)?;
    let _permit = state.answers.acquire(&visitor.place)?;
    let mut events = state.service.ask(&visitor.caller, question).await?;
    let (mut session, mut asked) = (None, None);
    while let Some(event) = events.next().await {
        match event {
            AnswerEvent::Accepted {
                session_id,
                question_id,
                ..
            } => (session, asked) = (Some(session_id), Some(question_id)),
            AnswerEvent::Done {
                answer_id, content, ..
            } => {
                return Ok(HttpResponse::Ok().json(ChatAnswer {
                    response: &content,
                    session_id: session.as_ref(),
                    message_id: asked.as_ref(),
                    response_id: &answer_id,
                }));
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

/// `POST /api/chats/messages/chat/stream`.
pub(crate) async fn streamed(
    state: web::Data<State>,
    visitor: Visitor,
    body: JsonBody<ChatModule, ChatBody>,
) -> Answer {
    let question = question(body.value)?;
    let permit = state.answers.acquire(&visitor.place)?;
    let events = state.service.ask(&visitor.caller, question).await?;
    let mut frames = Frames::default();
    let next = move |event| match event {
        Some(event) => frames.next(event),
        None => frames.end(),
    };
    let frames = sse::frames(events, state.stopped(ANSWER_GRACE), next);
    Ok(sse::respond(frames, permit))
}
