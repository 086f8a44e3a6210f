//! Answers that go on without a connection: started, followed from anywhere in
//! their stream, stopped.

use super::RagChat;
use super::frames::Frames;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::{ANSWER_GRACE, State, sse};
use crate::service::{Caller, Heard, Question};
use crate::types::MessageId;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::Stream;

type Answer = Result<HttpResponse, Failure<RagChat>>;

/// Asks, and follows the answer from its beginning.
pub(super) async fn start(
    state: &State,
    caller: &Caller,
    question: Question,
    key: Option<String>,
) -> Answer {
    let permit = state.answers.acquire(&caller.user_id)?;
    let asking = state.service.ask_and_keep_running(caller, question, key);
    let heard = asking.await?;
    Ok(sse::respond_after(frames(state, heard), 0, permit))
}

/// `GET /api/answers/{answer_id}/events`: the frames after that of `Last-Event-ID`.
pub(crate) async fn follow(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, MessageId>,
) -> Answer {
    let permit = state.answers.acquire(&caller.user_id)?;
    let heard = state.service.follow(&caller, &id.value)?;
    let after = last_event(&request);
    Ok(sse::respond_after(frames(&state, heard), after, permit))
}

/// `POST /api/answers/{answer_id}/stop`.
pub(crate) async fn stop(
    state: web::Data<State>,
    caller: Authorized<RagChat>,
    id: PathValues<RagChat, MessageId>,
) -> Answer {
    state.service.stop_answer(&caller, &id.value)?;
    Ok(HttpResponse::NoContent().finish())
}

/// The number of the last frame that the client has; 0 for none.
fn last_event(request: &HttpRequest) -> usize {
    let header = request.headers().get("last-event-id");
    let number = header.and_then(|value| value.to_str().ok()?.parse().ok());
    number.unwrap_or_default()
}

/// The frames of what is heard, each as often as it was sent first: so a frame
/// has the same number for everybody who follows.
fn frames<S: Stream<Item = Heard>>(
    state: &State,
    heard: S,
) -> impl Stream<Item = Option<sse::Frame>> + use<S> {
    let mut frames = Frames::default();
    let next = move |event: Option<Heard>| -> Vec<Option<sse::Frame>> {
        let said = match event {
            Some(Some(event)) => frames.next(event),
            Some(None) => return vec![None],
            None => frames.end(),
        };
        said.into_iter().map(Some).collect()
    };
    sse::frames(heard, state.stopped(ANSWER_GRACE), next)
}
