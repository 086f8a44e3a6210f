//! Errors on their way out: which status a kind of failure has, and the
//! envelope of the dialect around it. The only place that knows both; must not
//! let the details of our own failures out.

use super::dialect::{Dialect, Outward};
use super::request_id;
use crate::error::{ErrorKind, Kind};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use std::fmt;
use std::marker::PhantomData;

/// Said instead of the details of a failure that is ours.
const OURS: &str = "something went wrong on our side; the log tells more under the request id";

/// Seconds after which trying again makes sense when nobody knows better.
const DEFAULT_RETRY: u64 = 5;

/// An error on its way out, in the dialect `D`.
pub(super) struct Failure<D> {
    kind: ErrorKind,
    status: StatusCode,
    message: String,
    retry_after: Option<u64>,
    /// The methods that are allowed, where the one used is not.
    allow: Option<String>,
    /// The field of the request that is wrong.
    field: Option<String>,
    code: Option<&'static str>,
    request_id: Option<String>,
    dialect: PhantomData<fn() -> D>,
}

impl<D> Failure<D> {
    /// The path exists, but not with this method; `allow` lists those it has.
    pub(super) fn method_not_allowed(allow: String) -> Self {
        Self {
            kind: ErrorKind::Unsupported,
            status: StatusCode::METHOD_NOT_ALLOWED,
            message: format!("this address answers {allow} only"),
            retry_after: None,
            allow: Some(allow),
            field: None,
            code: Some("method_not_allowed"),
            request_id: request_id::current(),
            dialect: PhantomData,
        }
    }
}

impl<D> Failure<D> {
    /// The same failure under a status that its dialect has for it.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl<D, E: Kind> From<E> for Failure<D> {
    fn from(error: E) -> Self {
        let kind = error.kind();
        Self {
            kind,
            status: status_of(kind),
            message: public_message(&error),
            retry_after: error.retry_after(),
            allow: None,
            field: error.field().map(str::to_owned),
            code: error.code(),
            request_id: request_id::current(),
            dialect: PhantomData,
        }
    }
}

/// What a client may read of an error; our own failures go to the log instead.
pub(super) fn public_message(error: &dyn Kind) -> String {
    if error.kind().is_ours() {
        tracing::error!(kind = ?error.kind(), %error, "the request failed");
        OURS.to_owned()
    } else {
        error.to_string()
    }
}

/// The status of each kind of failure.
fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Busy | ErrorKind::ModelMissing | ErrorKind::Cancelled => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Storage | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The word for a kind of failure in an event of a stream.
pub(super) fn code_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "not_found",
        ErrorKind::Invalid => "invalid",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Unauthorized => "unauthorized",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Busy => "busy",
        ErrorKind::ModelMissing => "model_missing",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Storage | ErrorKind::Internal => "internal",
    }
}

impl<D> fmt::Debug for Failure<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl<D> fmt::Display for Failure<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<D: Dialect> ResponseError for Failure<D> {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let body = D::body(&Outward {
            kind: self.kind,
            message: &self.message,
            field: self.field.as_deref(),
            code: self.code,
            request_id: self
                .request_id
                .as_deref()
                .filter(|_| self.status.is_server_error()),
        });
        let mut response = HttpResponse::build(self.status);
        let waiting = self.status == StatusCode::TOO_MANY_REQUESTS
            || self.status == StatusCode::SERVICE_UNAVAILABLE;
        if waiting {
            let seconds = self.retry_after.unwrap_or(DEFAULT_RETRY);
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if let Some(id) = &self.request_id {
            response.insert_header((request_id::HEADER, id.as_str()));
        }
        response.json(body)
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use crate::error::{ErrorKind, Fault};
    use crate::http::dialect::native::Native;
    use crate::http::request_id;
    use actix_web::body::to_bytes;
    use actix_web::{HttpResponse, ResponseError};

    async fn body(response: HttpResponse) -> serde_json::Value {
        serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap()
    }

    fn failure(error: Fault) -> HttpResponse {
        Failure::<Native>::from(error).error_response()
    }

    #[actix_web::test]
    async fn caller_reads_why_the_request_was_refused() {
        let response = failure(Fault::not_found("there is no such document"));
        assert_eq!(response.status(), 404);
        assert_eq!(
            body(response).await,
            serde_json::json!({"detail": "there is no such document"})
        );
    }

    #[actix_web::test]
    async fn own_failure_shows_the_request_id_and_no_details() {
        let response = request_id::scoped("abc", async {
            failure(Fault::internal("table users is corrupt"))
        })
        .await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers().get("x-request-id").unwrap(), "abc");
        let body = body(response).await;
        assert_eq!(body["request_id"], "abc");
        assert!(!body.to_string().contains("users"));
    }

    #[actix_web::test]
    async fn busy_and_rate_limited_say_when_to_come_back() {
        let busy = failure(Fault::new(ErrorKind::Busy, "too much to do"));
        assert_eq!((busy.status().as_u16(), "5"), (503, retry_after(&busy)));
        let limited = failure(Fault::new(ErrorKind::RateLimited, "slower").retry_in(9));
        assert_eq!(
            (limited.status().as_u16(), "9"),
            (429, retry_after(&limited))
        );
    }

    fn retry_after(response: &HttpResponse) -> &str {
        let value = response.headers().get("retry-after").unwrap();
        value.to_str().unwrap()
    }

    #[actix_web::test]
    async fn missing_credentials_name_the_scheme() {
        let response = failure(Fault::new(ErrorKind::Unauthorized, "no token"));
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.headers().get("www-authenticate").unwrap(),
            "Bearer"
        );
    }

    #[actix_web::test]
    async fn wrong_method_lists_the_right_ones() {
        let response = Failure::<Native>::method_not_allowed("GET, POST".into()).error_response();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers().get("allow").unwrap(), "GET, POST");
    }
}
