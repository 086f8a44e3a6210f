//! `/chat/query` and `/chat/selected-text`: whole or as a stream.

use super::frames::Frames;
use super::wire::{AnswerWire, CitationWire, QueryBody, SelectionBody};
use super::{Orchestration, about_session, session_id};
use crate::error::{ErrorKind, Fault};
use crate::http::auth::Authorized;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::http::{ANSWER_GRACE, State, sse};
use crate::service::{AnswerStream, Caller, Question};
use crate::types::{AnswerEvent, AnswerMode, Stage, Time};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt, stream};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a stream is held back to see whether there will be an answer.
const PATIENCE: Duration = Duration::from_secs(10);

type Answer = Result<HttpResponse, Failure<Orchestration>>;

/// What an endpoint answers where there is no answer.
#[derive(Clone, Copy)]
struct NoAnswer {
    code: &'static str,
    status: StatusCode,
}

const NO_CONTENT: NoAnswer = NoAnswer {
    code: "no_relevant_content",
    status: StatusCode::NOT_FOUND,
};

const NOT_IN_SELECTION: NoAnswer = NoAnswer {
    code: "answer_not_in_selection",
    status: StatusCode::UNPROCESSABLE_ENTITY,
};

/// `POST /chat/query`.
pub(crate) async fn query(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Orchestration>,
    body: JsonBody<Orchestration, QueryBody>,
) -> Answer {
    let body = body.value;
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let question = Question {
        module: present(body.module),
        chapter: present(body.chapter),
        ..asked(&state, body.question, body.session_id.as_deref())?
    };
    answer(&request, &state, &caller, question, NO_CONTENT).await
}

/// `POST /chat/selected-text`.
pub(crate) async fn selected_text(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Orchestration>,
    body: JsonBody<Orchestration, SelectionBody>,
) -> Answer {
    let body = body.value;
    let selection = text(
        &state,
        "selected_text",
        body.selected_text,
        "empty_selection",
    )?;
    let question = Question {
        selection: Some(selection),
        ..asked(&state, body.question, body.session_id.as_deref())?
    };
    answer(&request, &state, &caller, question, NOT_IN_SELECTION).await
}

fn asked(
    state: &State,
    question: Option<String>,
    session: Option<&str>,
) -> Result<Question, Fault> {
    let session_id = session_id(session)?;
    Ok(Question {
        message: text(state, "question", question, "empty_question")?,
        session_id: Some(session_id),
        opens_session: true,
        ..Question::default()
    })
}

/// A text that must be there, or the refusal `empty`.
fn text(
    state: &State,
    field: &str,
    given: Option<String>,
    empty: &'static str,
) -> Result<String, Fault> {
    let given = given.unwrap_or_default();
    let checked = state.service.check_text(field, &given);
    match checked {
        Ok(()) => Ok(given),
        Err(fault) if given.trim().is_empty() => Err(fault.coded(empty)),
        Err(fault) => Err(fault),
    }
}

async fn answer(
    request: &HttpRequest,
    state: &State,
    caller: &Caller,
    question: Question,
    no_answer: NoAnswer,
) -> Answer {
    if let Some(reason) = state.service.configured_model_failure() {
        let message = format!("the chat model of the settings cannot be used: {reason}");
        return Err(Fault::new(ErrorKind::ModelMissing, message).into());
    }
    let permit = state.answers.acquire(&caller.user_id)?;
    let cites = question.selection.is_none();
    let events = state.service.ask(caller, question).await;
    let mut events = events.map_err(about_session)?;
    let origin = origin(request);
    if !wants_stream(request) {
        return whole(events, &origin, cites, no_answer).await;
    }
    let begun = begin(&mut events).await;
    if let Some(failure) = refusal(&begun, no_answer) {
        return Err(failure);
    }
    let mut frames = Frames::new(origin, no_answer.code, cites);
    let next = move |event| match event {
        Some(event) => frames.next(event),
        None => frames.end(),
    };
    let frames = sse::frames(
        stream::iter(begun).chain(events),
        state.stopped(ANSWER_GRACE),
        next,
    );
    Ok(sse::respond(frames, permit))
}

/// The first events, until it is known that there will be an answer: a model
/// reads, or there are two pieces of text. That takes no longer than the
/// search, and a refusal still has its own status.
async fn begin(events: &mut AnswerStream) -> Vec<AnswerEvent> {
    let mut begun = Vec::new();
    let mut texts = 0;
    let end = Instant::now() + PATIENCE;
    while let Ok(Some(event)) = timeout_at(end, events.next()).await {
        let known = match &event {
            AnswerEvent::Status(Stage::Reading { .. })
            | AnswerEvent::Block { .. }
            | AnswerEvent::Done { .. }
            | AnswerEvent::Failed { .. } => true,
            AnswerEvent::Token(_) => {
                texts += 1;
                texts > 1
            }
            AnswerEvent::Accepted { .. }
            | AnswerEvent::Status(_)
            | AnswerEvent::Thinking(_)
            | AnswerEvent::Sources { .. } => false,
        };
        begun.push(event);
        if known {
            break;
        }
    }
    begun
}

/// The refusal that the last of the first events is, if it is one.
fn refusal(begun: &[AnswerEvent], no_answer: NoAnswer) -> Option<Failure<Orchestration>> {
    match begun.last() {
        Some(AnswerEvent::Failed { kind, message }) => Some(failed(*kind, message)),
        Some(AnswerEvent::Done {
            content, summary, ..
        }) if summary.mode == AnswerMode::NothingFound => Some(none(content, no_answer)),
        _ => None,
    }
}

fn failed(kind: ErrorKind, message: &str) -> Failure<Orchestration> {
    let failure = Failure::from(Fault::new(kind, message));
    match kind {
        // To this contract's clients a model that is late is one that is not there.
        ErrorKind::Timeout => failure.with_status(StatusCode::SERVICE_UNAVAILABLE),
        _ => failure,
    }
}

fn none(message: &str, no_answer: NoAnswer) -> Failure<Orchestration> {
    let fault = Fault::not_found(message).coded(no_answer.code);
    Failure::from(fault).with_status(no_answer.status)
}

/// The same events as one answer.
async fn whole(mut events: AnswerStream, origin: &str, cites: bool, no_answer: NoAnswer) -> Answer {
    let (mut session, mut query) = (None, None);
    while let Some(event) = events.next().await {
        match event {
            AnswerEvent::Accepted {
                session_id,
                question_id,
                ..
            } => (session, query) = (Some(session_id), Some(question_id)),
            AnswerEvent::Done {
                content, summary, ..
            } if summary.mode == AnswerMode::NothingFound => {
                return Err(none(&content, no_answer));
            }
            AnswerEvent::Done {
                answer_id,
                content,
                summary,
                ..
            } => {
                return Ok(HttpResponse::Ok().json(AnswerWire {
                    response_id: &answer_id,
                    query_id: query.as_ref(),
                    answer: &content,
                    citations: cites.then(|| CitationWire::all(&summary.citations, origin)),
                    session_id: session.as_ref(),
                    timestamp: Time::now().to_string(),
                }));
            }
            AnswerEvent::Failed { kind, message } => return Err(failed(kind, &message)),
            AnswerEvent::Status(_)
            | AnswerEvent::Sources { .. }
            | AnswerEvent::Token(_)
            | AnswerEvent::Thinking(_)
            | AnswerEvent::Block { .. } => {}
        }
    }
    Err(Fault::internal("an answer ended without its end").into())
}

/// Whether the client asks for an event stream.
fn wants_stream(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/event-stream"))
}

/// Where the client found this server.
pub(super) fn origin(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!("{}://{}", connection.scheme(), connection.host())
}
