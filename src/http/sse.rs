//! The body of an event stream: numbered frames, a comment as keep-alive and
//! the headers that keep proxies from holding it back.

use super::limit::StreamPermit;
use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Bytes;
use actix_web_lab::header::{CacheControl, CacheDirective};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Interval, interval};
use tracing::Span;

/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A comment, without the blank line that ends an event: some clients take that
/// line for an empty event once they have seen a number.
const COMMENT: &[u8] = b": keep-alive\n";

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
        .map(|(index, frame)| bytes(&frame, Some(index + 1)));
    send(numbered, permit)
}

/// The same from the frame after number `after` on. A frame that is `None` has
/// its number and is not sent: a later one says it anew.
pub(super) fn respond_after(
    frames: impl Stream<Item = Option<Frame>> + 'static,
    after: usize,
    permit: StreamPermit,
) -> HttpResponse {
    let rest = frames.enumerate().skip(after);
    let numbered =
        rest.filter_map(|(index, frame)| ready(frame.map(|frame| bytes(&frame, Some(index + 1)))));
    send(numbered, permit)
}

/// The same without numbers, as the public API that OpenAI's clients know has it.
pub(super) fn respond_unnumbered(
    frames: impl Stream<Item = Frame> + 'static,
    permit: StreamPermit,
) -> HttpResponse {
    send(frames.map(|frame| bytes(&frame, None)), permit)
}

/// The frames of `events`, which end when `stopped` is done: `next` turns each
/// event into frames, and at the end `None` into whatever is still to be said.
pub(super) fn frames<E, F: IntoIterator>(
    events: impl Stream<Item = E>,
    stopped: impl Future<Output = ()>,
    mut next: impl FnMut(Option<E>) -> F,
) -> impl Stream<Item = F::Item> {
    events
        .take_until(stopped)
        .map(Some)
        .chain(stream::once(ready(None)))
        .flat_map(move |event| stream::iter(next(event)))
}

/// A frame as it is sent. Its data are JSON, which takes one line.
fn bytes(frame: &Frame, number: Option<usize>) -> Bytes {
    let mut text = String::with_capacity(frame.data.len() + 32);
    if let Some(number) = number {
        text += &format!("id: {number}\n");
    }
    if let Some(name) = frame.name {
        text += &format!("event: {name}\n");
    }
    text += &format!("data: {}\n\n", frame.data);
    text.into()
}

fn send(frames: impl Stream<Item = Bytes> + 'static, permit: StreamPermit) -> HttpResponse {
    let held = Held {
        stream: Box::pin(frames),
        keep_alive: interval(KEEP_ALIVE),
        span: Span::current(),
        _permit: permit,
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(held)
}

/// The frames, with what lives as long as they do.
struct Held {
    stream: Pin<Box<dyn Stream<Item = Bytes>>>,
    keep_alive: Interval,
    span: Span,
    _permit: StreamPermit,
}

impl Stream for Held {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Log lines of the stream belong to its request, though its handler is done.
        let span = self.span.clone();
        let _entered = span.enter();
        if let Poll::Ready(frame) = self.stream.as_mut().poll_next(cx) {
            return Poll::Ready(frame.map(Ok));
        }
        match self.keep_alive.poll_tick(cx) {
            Poll::Ready(_) => Poll::Ready(Some(Ok(Bytes::from_static(COMMENT)))),
            Poll::Pending => Poll::Pending,
        }
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
    async fn silent_stream_shows_that_it_is_alive_without_ending_an_event() {
        let permit = StreamLimit::new(1).acquire(&"u".into()).unwrap();
        let late = stream::once(async {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            Frame::unnamed(json!({"a": 1}))
        });
        let body = to_bytes(respond(late, permit).into_body()).await.unwrap();
        assert_eq!(body, ": keep-alive\nid: 1\ndata: {\"a\":1}\n\n");
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
