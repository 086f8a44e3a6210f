//! The body of an event stream: numbered frames, a comment as keep-alive and
//! the headers that keep proxies from holding it back.

use super::limit::StreamPermit;
use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentEncoding};
use actix_web_lab::header::{CacheControl, CacheDirective};
use actix_web_lab::sse::{Data, Event, Sse};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tracing::Span;

/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event; without a name it is a `message` to browsers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) name: Option<&'static str>,
    /// JSON.
    pub(super) data: String,
}

impl Frame {
    /// An event without a name.
    pub(super) fn unnamed(data: impl Serialize) -> Self {
        Self {
            name: None,
            data: to_json(data),
        }
    }

    /// An event with a name.
    pub(super) fn named(name: &'static str, data: impl Serialize) -> Self {
        Self {
            name: Some(name),
            data: to_json(data),
        }
    }
}

/// Wire types are plain structs, which always have a JSON form.
fn to_json(data: impl Serialize) -> String {
    serde_json::to_string(&data).unwrap_or_default()
}

/// A response that sends `frames` as they come, for as long as `permit` is
/// held. The first keep-alive goes out at once, so that the client knows that
/// it is being served.
pub(super) fn respond(
    frames: impl Stream<Item = Frame> + 'static,
    permit: StreamPermit,
) -> HttpResponse {
    let numbered = frames
        .enumerate()
        .map(|(index, frame)| event(frame, |data| data.id((index + 1).to_string())));
    send(numbered, permit)
}

/// The same without numbers. OpenAI's client for Python takes a keep-alive for
/// an empty event once it has seen a number, and fails on it.
pub(super) fn respond_unnumbered(
    frames: impl Stream<Item = Frame> + 'static,
    permit: StreamPermit,
) -> HttpResponse {
    send(frames.map(|frame| event(frame, |data| data)), permit)
}

fn event(frame: Frame, numbered: impl FnOnce(Data) -> Data) -> Event {
    let data = numbered(Data::new(frame.data));
    match frame.name {
        Some(name) => data.event(name),
        None => data,
    }
    .into()
}

fn send(events: impl Stream<Item = Event> + 'static, permit: StreamPermit) -> HttpResponse {
    let held = Held {
        stream: Box::pin(events),
        span: Span::current(),
        _permit: permit,
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::HeaderName::from_static("x-accel-buffering"), "no"))
        .body(Sse::from_infallible_stream(held).with_keep_alive(KEEP_ALIVE))
}

/// The events, with what lives as long as they do.
struct Held {
    stream: Pin<Box<dyn Stream<Item = Event>>>,
    span: Span,
    _permit: StreamPermit,
}

impl Stream for Held {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        // Log lines of the stream belong to its request, though its handler is done.
        let span = self.span.clone();
        let _entered = span.enter();
        self.stream.as_mut().poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, respond, respond_unnumbered};
    use crate::http::limit::StreamLimit;
    use actix_web::body::to_bytes;
    use futures_util::stream;
    use serde_json::json;

    #[actix_web::test]
    async fn frames_are_numbered_and_named() {
        let limit = StreamLimit::new(1);
        let permit = limit.acquire(&"u".into()).unwrap();
        let frames = [
            Frame::unnamed(json!({"token": "a\nb"})),
            Frame::named("done", json!({})),
        ];
        let response = respond(stream::iter(frames), permit);
        let header = |name: &str| response.headers().get(name).unwrap().clone();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("content-encoding"), "identity");
        assert_eq!(header("x-accel-buffering"), "no");
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(
            body,
            "id: 1\ndata: {\"token\":\"a\\nb\"}\n\nid: 2\nevent: done\ndata: {}\n\n"
        );
        assert!(limit.acquire(&"u".into()).is_ok(), "the stream is over");
    }

    #[actix_web::test]
    async fn unnumbered_frames_have_no_id() {
        let permit = StreamLimit::new(1).acquire(&"u".into()).unwrap();
        let frames = [Frame::unnamed(json!({"a": 1}))];
        let response = respond_unnumbered(stream::iter(frames), permit);
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(body, "data: {\"a\":1}\n\n");
    }
}
