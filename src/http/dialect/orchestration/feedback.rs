//! `/chat/feedback`.

use super::wire::{FeedbackBody, FeedbackTaken};
use super::{Orchestration, about_session, session_id};
use crate::error::Fault;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::service::NewFeedback;
use crate::types::{FeedbackKind, MessageId};
use actix_web::{HttpResponse, web};

type Answer = Result<HttpResponse, Failure<Orchestration>>;

/// `POST /chat/feedback`.
pub(crate) async fn add(
    state: web::Data<State>,
    caller: Authorized<Orchestration>,
    body: JsonBody<Orchestration, FeedbackBody>,
) -> Answer {
    let body = body.value;
    let new = NewFeedback {
        session_id: session_id(body.session_id.as_deref())?,
        query_id: message_id("query_id", body.query_id)?,
        response_id: message_id("response_id", body.response_id)?,
        kind: kind(body.feedback_type.as_deref())?,
        text: body.feedback_text,
    };
    let added = state.service.add_feedback(&caller, new).await;
    let feedback = added.map_err(about_session)?;
    Ok(HttpResponse::Ok().json(FeedbackTaken {
        success: true,
        feedback_id: &feedback.id,
    }))
}

fn message_id(field: &str, given: Option<String>) -> Result<MessageId, Fault> {
    let given = given.filter(|id| !id.is_empty());
    given.map(MessageId::from).ok_or_else(|| {
        let fault = Fault::invalid(format!("{field}: it is missing"));
        fault.about(field).coded("unknown_response")
    })
}

fn kind(given: Option<&str>) -> Result<FeedbackKind, Fault> {
    let given = given.unwrap_or_default();
    FeedbackKind::parse(given).ok_or_else(|| {
        let words = FeedbackKind::ALL.map(FeedbackKind::as_str).join(", ");
        let fault = Fault::invalid(format!("feedback_type: {given:?} is none of {words}"));
        fault.about("feedback_type").coded("invalid_feedback_type")
    })
}
