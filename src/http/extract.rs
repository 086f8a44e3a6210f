//! Extractors whose refusals speak the dialect and name the field that is
//! wrong. Must not know what the values mean.

use super::HttpError;
use super::dialect::Dialect;
use super::failure::Failure;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::{self, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use actix_web_lab::extract::Query;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::time::Duration;

/// Deepest nesting of JSON that is read.
const DEEPEST: usize = 64;

/// What a body that is read into memory may be; put into the app's data.
#[derive(Clone, Copy)]
pub(super) struct BodyLimit {
    /// Largest size in bytes.
    pub(super) bytes: usize,
    /// How long it may take to arrive.
    pub(super) patience: Duration,
}

impl Default for BodyLimit {
    fn default() -> Self {
        Self {
            bytes: 1024 * 1024,
            patience: Duration::from_secs(30),
        }
    }
}

/// What comes of `reading`, if it comes in time.
pub(super) async fn in_time<T>(
    patience: Duration,
    reading: impl Future<Output = T>,
) -> Result<T, HttpError> {
    let read = tokio::time::timeout(patience, reading).await;
    read.map_err(|_| HttpError::BodySlow {
        seconds: patience.as_secs(),
    })
}

/// A JSON body.
pub(super) struct JsonBody<D, T> {
    pub(super) value: T,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect, T: DeserializeOwned + 'static> FromRequest for JsonBody<D, T> {
    type Error = Failure<D>;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<BodyLimit>().copied().unwrap_or_default();
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let reading = read_body(&request, &mut payload, limit.bytes);
            let bytes = in_time(limit.patience, reading).await??;
            Ok(Self {
                value: object_from_json(&bytes)?,
                dialect: PhantomData,
            })
        })
    }
}

/// A JSON body, or none at all, which is the default.
pub(super) struct OptionalJsonBody<D, T> {
    pub(super) value: T,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect, T: DeserializeOwned + Default + 'static> FromRequest for OptionalJsonBody<D, T> {
    type Error = Failure<D>;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<BodyLimit>().copied().unwrap_or_default();
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let reading = read_bytes(&request, &mut payload, limit.bytes);
            let bytes = in_time(limit.patience, reading).await??;
            let value = match bytes.is_empty() {
                true => T::default(),
                false if is_json(&request) => object_from_json(&bytes)?,
                false => return Err(HttpError::NotJson.into()),
            };
            Ok(Self {
                value,
                dialect: PhantomData,
            })
        })
    }
}

async fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<BytesMut, HttpError> {
    match is_json(request) {
        true => read_bytes(request, payload, limit).await,
        false => Err(HttpError::NotJson),
    }
}

async fn read_bytes(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<BytesMut, HttpError> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(HttpError::BodyTooLarge { limit });
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(unreadable)?;
        if body.len() + chunk.len() > limit {
            return Err(HttpError::BodyTooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreadable(error: PayloadError) -> HttpError {
    HttpError::Body(error.to_string())
}

/// Whether the body is said to be JSON: `application/json` or `…/…+json`.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let Ok(text) = value.to_str() else {
        return false;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.to_ascii_lowercase().ends_with("+json")
}

/// Reads a body, which is always an object. Fields could also be read from a
/// list by their order, which nobody means.
fn object_from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, HttpError> {
    match bytes.trim_ascii_start().first() {
        Some(b'[') => Err(HttpError::field(
            "",
            "the body: an object is needed, not a list",
        )),
        _ => from_json(bytes, ""),
    }
}

/// Reads JSON; errors name the place as a path that starts with `root`.
pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8], root: &str) -> Result<T, HttpError> {
    check_depth(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        match error.inner() {
            wrong if wrong.is_data() => json_error(wrong, &join(root, &path)),
            // Where JSON itself is broken, no field is to blame.
            broken => json_error(broken, root),
        }
    })?;
    reader.end().map_err(|error| json_error(&error, root))?;
    Ok(value)
}

/// Refuses what is nested so deep that only an attack is.
fn check_depth(bytes: &[u8]) -> Result<(), HttpError> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(HttpError::TooDeep { limit: DEEPEST });
        }
    }
    Ok(())
}

fn json_error(error: &serde_json::Error, path: &str) -> HttpError {
    if error.is_data() {
        let text = error.to_string();
        // The place in the text helps nobody who has the path.
        let what = text.split(" at line ").next().unwrap_or_default();
        HttpError::field(path, what)
    } else {
        match path {
            "" => HttpError::field("", format!("the body: not valid JSON: {error}")),
            path => HttpError::field(path, format!("not valid JSON: {error}")),
        }
    }
}

fn join(root: &str, path: &str) -> String {
    match (root, path) {
        (root, "." | "") => root.to_owned(),
        ("", path) => path.to_owned(),
        (root, path) => format!("{root}.{path}"),
    }
}

/// The parameters of the query string.
pub(super) struct QueryParams<D, T> {
    pub(super) value: T,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect, T: DeserializeOwned> FromRequest for QueryParams<D, T> {
    type Error = Failure<D>;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = Query::<T>::from_query(request.query_string()).map_err(|error| {
            let path = error.path().to_string();
            HttpError::field(&join("", &path), error.source().to_string())
        });
        ready(parsed.map_err(Failure::from).map(|query| Self {
            value: query.into_inner(),
            dialect: PhantomData,
        }))
    }
}

/// The variable parts of the path: one value, or a tuple of them.
pub(super) struct PathValues<D, T> {
    pub(super) value: T,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect, T: DeserializeOwned + 'static> FromRequest for PathValues<D, T> {
    type Error = Failure<D>;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = web::Path::<T>::extract(request).into_inner();
        ready(match parsed {
            Ok(path) => Ok(Self {
                value: path.into_inner(),
                dialect: PhantomData,
            }),
            Err(error) => Err(HttpError::field("path", error.to_string()).into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyLimit, JsonBody, PathValues, QueryParams, from_json, in_time};
    use crate::http::dialect::native::Native;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Deserialize)]
    struct Inner {
        k: Option<u32>,
    }

    #[derive(Deserialize)]
    struct Outer {
        message: String,
        options: Option<Inner>,
    }

    async fn echo(body: JsonBody<Native, Outer>) -> HttpResponse {
        let k = body.value.options.and_then(|options| options.k);
        HttpResponse::Ok().json(json!({"message": body.value.message, "k": k}))
    }

    async fn ask(request: TestRequest) -> (u16, Value) {
        let app = App::new()
            .app_data(BodyLimit {
                bytes: 100,
                ..BodyLimit::default()
            })
            .route("/", web::post().to(echo))
            .route(
                "/q",
                web::get().to(async |query: QueryParams<Native, Inner>| {
                    HttpResponse::Ok().json(query.value.k)
                }),
            )
            .route(
                "/p/{id}/{n}",
                web::get().to(async |path: PathValues<Native, (String, u32)>| {
                    HttpResponse::Ok().json(path.value)
                }),
            );
        let service = init_service(app).await;
        let response = call_service(&service, request.to_request()).await;
        let status = response.status().as_u16();
        let body = actix_web::test::read_body(response).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn post(body: &'static str) -> (u16, Value) {
        let request = TestRequest::post().uri("/").set_payload(body);
        ask(request.insert_header(("content-type", "application/json; charset=utf-8"))).await
    }

    #[actix_web::test]
    async fn unknown_fields_are_ignored() {
        let (status, body) = post(r#"{"message":"m","colour":1,"options":{"k":3}}"#).await;
        assert_eq!((status, body), (200, json!({"message": "m", "k": 3})));
    }

    #[actix_web::test]
    async fn wrong_type_names_the_path_of_the_field() {
        let (status, body) = post(r#"{"message":"m","options":{"k":"four"}}"#).await;
        assert_eq!(status, 400);
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.starts_with("options.k: invalid type"), "{detail}");
        assert!(!detail.contains("line"), "{detail}");
    }

    #[actix_web::test]
    async fn missing_field_is_named() {
        let (status, body) = post("{}").await;
        assert_eq!(status, 400);
        assert_eq!(body["detail"], "missing field `message`");
    }

    #[actix_web::test]
    async fn list_is_not_taken_for_an_object() {
        let (status, body) = post(r#" ["m", null]"#).await;
        assert_eq!(status, 400);
        assert!(body["detail"].as_str().unwrap().contains("not a list"));
    }

    #[actix_web::test]
    async fn broken_json_is_refused_in_the_envelope() {
        for text in ["{", "", r#"{"message":"m"} x"#, "\u{1}"] {
            let (status, body) = post(text).await;
            assert_eq!(status, 400, "{text:?}");
            assert!(body["detail"].as_str().unwrap().contains("not valid JSON"));
        }
    }

    #[actix_web::test]
    async fn body_of_another_type_is_not_parsed() {
        let request = TestRequest::post().uri("/").set_payload("{}");
        let (status, body) = ask(request.insert_header(("content-type", "text/plain"))).await;
        assert_eq!(status, 415);
        assert!(
            body["detail"]
                .as_str()
                .unwrap()
                .contains("application/json")
        );
    }

    #[actix_web::test]
    async fn body_over_the_limit_is_too_large() {
        let (status, body) = post(concat!(
            r#"{"message":"0123456789012345678901234567890123456789012345678901234567"#,
            r#"0123456789012345678901234567890123456789012345678901234567890"}"#
        ))
        .await;
        assert_eq!(status, 413);
        assert!(body["detail"].as_str().unwrap().contains("100 bytes"));
    }

    #[actix_web::test]
    async fn query_and_path_are_checked_too() {
        let (status, body) = ask(TestRequest::get().uri("/q?k=x")).await;
        assert_eq!(status, 400);
        assert!(
            body["detail"].as_str().unwrap().starts_with("k: "),
            "{body}"
        );
        let (status, body) = ask(TestRequest::get().uri("/p/a%2Fb/7")).await;
        assert_eq!((status, body), (200, json!(["a/b", 7])));
        let (status, _) = ask(TestRequest::get().uri("/p/a/minus")).await;
        assert_eq!(status, 400);
    }

    #[test]
    fn json_is_read_to_a_depth_and_no_deeper() {
        let nested = |depth: usize| {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            from_json::<Value>(text.as_bytes(), "").map(|_| ())
        };
        assert!(nested(64).is_ok());
        let error = nested(65).unwrap_err().to_string();
        assert!(error.contains("deeper than 64"), "{error}");
        assert!(nested(100_000).is_err());
        let text = format!(r#"{{"k": 1, "x": "{}\\\""}}"#, "[".repeat(500));
        assert!(from_json::<Inner>(text.as_bytes(), "").is_ok());
    }

    #[actix_web::test]
    async fn body_that_does_not_come_is_not_waited_for() {
        let waited = in_time(std::time::Duration::ZERO, std::future::pending::<()>()).await;
        assert!(waited.unwrap_err().to_string().contains("did not arrive"));
    }

    #[test]
    fn path_starts_with_the_name_of_the_parameter() {
        let error = from_json::<Inner>(br#"{"k":-1}"#, "search_options")
            .err()
            .unwrap();
        assert!(error.to_string().starts_with("search_options.k: "));
    }
}
