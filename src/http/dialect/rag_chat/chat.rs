//! `/chat/send`: a question, answered as a stream of events or as one JSON.

use super::frames::Frames;
use super::summary::{FinalAnswer, SummaryWire};
use super::wire::{AnswerModeWire, AskBody, AskQuery};
use super::{RagChat, running};
use crate::error::Fault;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, QueryParams, from_json};
use crate::http::failure::Failure;
use crate::http::search_options::SearchOptionsWire;
use crate::http::{ANSWER_GRACE, HttpError, State, sse};
use crate::service::{AnswerStream, Caller, Question, QuestionPlace};
use crate::types::{AnswerEvent, DatasetId, MessageId, SessionId, char_len};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;

/// Longest key of an attempt, in characters; a UUID has 36.
const MAX_KEY_CHARS: usize = 128;

type Answer = Result<HttpResponse, Failure<RagChat>>;

/// `POST /chat/send`.
pub(crate) async fn send(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    body: JsonBody<RagChat, AskBody>,
) -> Answer {
    let body = body.value;
    let keep_running = body.keep_running;
    let key = checked_key(body.idempotency_key)?;
    let mut dataset_ids = body.dataset_ids;
    dataset_ids.extend(present(body.dataset_id).map(DatasetId::from));
    let question = Question {
        place: place(body.after, body.edits, body.again)?,
        selection: present(body.selected_text),
        dataset_ids,
        document_ids: body.document_ids,
        thinks: body.think,
        ..question(
            body.message,
            body.session_id,
            body.search_options,
            body.answer_mode,
        )?
    };
    if let Some(text) = &question.selection {
        state.service.check_text("selected_text", text)?;
    }
    if keep_running {
        return running::start(&state, &caller, question, key).await;
    }
    answer(&request, &state, &caller, question).await
}

/// A key that an attempt to ask can be known by.
fn checked_key(key: Option<String>) -> Result<Option<String>, HttpError> {
    let key = present(key);
    if key
        .as_ref()
        .is_some_and(|key| char_len(key) > MAX_KEY_CHARS)
    {
        let message = format!("at most {MAX_KEY_CHARS} characters are allowed");
        return Err(HttpError::field("idempotency_key", message));
    }
    Ok(key)
}

/// Where a question stands, which one field at most may say.
fn place(
    after: Option<MessageId>,
    edits: Option<MessageId>,
    again: Option<MessageId>,
) -> Result<QuestionPlace, HttpError> {
    match (after, edits, again) {
        (None, None, None) => Ok(QuestionPlace::Newest),
        (Some(id), None, None) => Ok(QuestionPlace::After(id)),
        (None, Some(id), None) => Ok(QuestionPlace::InsteadOf(id)),
        (None, None, Some(id)) => Ok(QuestionPlace::Again(id)),
        _ => Err(HttpError::field(
            "after",
            "only one of after, edits and again can be given",
        )),
    }
}

/// `GET /chat/send`, for EventSource.
pub(crate) async fn send_by_get(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    query: QueryParams<RagChat, AskQuery>,
) -> Answer {
    // EventSource reconnects by itself when a stream ends, and would thereby
    // ask the same question again. 204 is what makes it stop.
    if request.headers().contains_key("last-event-id") {
        return Ok(HttpResponse::NoContent().finish());
    }
    let query = query.value;
    let options = present(query.search_options)
        .map(|json| from_json(json.as_bytes(), "search_options"))
        .transpose()?;
    let question = Question {
        dataset_ids: present(query.dataset_id)
            .into_iter()
            .map(Into::into)
            .collect(),
        ..question(query.message, query.session_id, options, query.answer_mode)?
    };
    answer(&request, &state, &caller, question).await
}

fn question(
    message: String,
    session_id: Option<String>,
    options: Option<SearchOptionsWire>,
    mode: Option<AnswerModeWire>,
) -> Result<Question, HttpError> {
    Ok(Question {
        message,
        session_id: present(session_id).map(SessionId::from),
        options: options.unwrap_or_default().checked()?,
        quotes_only: mode == Some(AnswerModeWire::Quotes),
        ..Question::default()
    })
}

/// Forms and query strings say "none" by an empty string.
fn present(value: Option<String>) -> Option<String> {
    value.filter(|text| !text.is_empty())
}

async fn answer(
    request: &HttpRequest,
    state: &State,
    caller: &Caller,
    question: Question,
) -> Answer {
    let permit = state.answers.acquire(&caller.user_id)?;
    let events = state.service.ask(caller, question).await?;
    if wants_json(request) {
        return whole(events).await;
    }
    let mut frames = Frames::default();
    let next = move |event| match event {
        Some(event) => frames.next(event),
        None => frames.end(),
    };
    let frames = sse::frames(events, state.stopped(ANSWER_GRACE), next);
    Ok(sse::respond(frames, permit))
}

/// Whether the client takes JSON and no event stream.
fn wants_json(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    let Some(accepted) = accepted.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    accepted.contains("application/json")
        && !accepted.contains("text/event-stream")
        && !accepted.contains("*/*")
}

/// The same events as one answer: what the last frame of a stream says.
async fn whole(mut events: AnswerStream) -> Answer {
    let mut session = None;
    while let Some(event) = events.next().await {
        match event {
            AnswerEvent::Accepted { session_id, .. } => session = Some(session_id),
            AnswerEvent::Done {
                answer_id,
                content,
                html,
                summary,
            } => {
                return Ok(HttpResponse::Ok().json(FinalAnswer {
                    content: &content,
                    citations: &summary.citations,
                    session_id: session.as_ref(),
                    message_id: &answer_id,
                    summary: SummaryWire::new(&html, &summary),
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

#[cfg(test)]
mod tests {
    use super::wants_json;
    use actix_web::test::TestRequest;

    #[test]
    fn json_is_given_only_to_who_asks_for_nothing_else() {
        let with = |accept: &str| {
            let request = TestRequest::get().insert_header(("accept", accept));
            wants_json(&request.to_http_request())
        };
        assert!(with("application/json"));
        assert!(!with("text/event-stream"));
        assert!(!with("application/json, text/event-stream"));
        assert!(!with("application/json, text/plain, */*"));
    }
}
