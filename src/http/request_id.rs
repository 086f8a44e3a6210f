//! The outermost middleware: gives each request its id, puts the id into the
//! log and onto the response, logs and counts the access and turns a panic into an error.
//! Must not log a query string: it may hold a token.

use super::State;
use super::dialect::Tongue;
use super::dialect::native::Native;
use super::failure::Failure;
use crate::error::Fault;
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web;
use futures_util::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// The header that carries the id, both ways.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a client.
const MAX_CHARS: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered.
pub(super) fn current() -> Option<String> {
    CURRENT.try_with(String::clone).ok()
}

/// Runs `work` as part of the request `id`.
pub(super) async fn scoped<T>(id: &str, work: impl Future<Output = T>) -> T {
    CURRENT.scope(id.to_owned(), work).await
}

/// The middleware.
pub(super) async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = of_client(request.headers()).unwrap_or_else(|| Uuid::now_v7().to_string());
    let method = request.method().clone();
    let path = request.path().to_owned();
    let state = request.app_data::<web::Data<State>>().cloned();
    let span = tracing::info_span!("request", id = %id);
    let answer = async {
        let started = Instant::now();
        let result = match AssertUnwindSafe(next.call(request)).catch_unwind().await {
            Ok(result) => result.map(ServiceResponse::map_into_boxed_body),
            Err(_) => Err(Failure::<Native>::from(Fault::internal("a handler panicked")).into()),
        };
        let status = result.as_ref().map_or_else(
            |error| error.as_response_error().status_code(),
            ServiceResponse::status,
        );
        let took = started.elapsed();
        if let Some(state) = state {
            state.service.count_request();
            state.metrics.note(Tongue::of_path(&path), status, took);
        }
        let took_ms = took.as_millis() as u64;
        tracing::info!(%method, path, status = status.as_u16(), took_ms, "answered");
        result
    };
    let mut response = scoped(&id, answer.instrument(span)).await?;
    // Only plain characters got this far, so this cannot fail.
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

/// The client's own id, if it is one that is fit for headers and logs.
fn of_client(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let fits = (1..=MAX_CHARS).contains(&id.len()) && id.chars().all(plain);
    fits.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{HEADER, identify};
    use actix_web::dev::ServiceResponse;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, try_call_service};
    use actix_web::{App, HttpResponse, web};

    async fn answer(id: Option<&str>) -> ServiceResponse {
        let app = App::new().wrap(from_fn(identify)).route(
            "/",
            web::get().to(async || HttpResponse::Ok().body(super::current().unwrap())),
        );
        let service = init_service(app).await;
        let mut request = TestRequest::get().uri("/");
        if let Some(id) = id {
            request = request.insert_header((HEADER, id));
        }
        call_service(&service, request.to_request()).await
    }

    #[actix_web::test]
    async fn id_of_the_client_comes_back() {
        let response = answer(Some("job-7.2_a")).await;
        assert_eq!(response.headers().get(HEADER).unwrap(), "job-7.2_a");
    }

    #[actix_web::test]
    async fn unfit_or_absent_id_is_replaced() {
        let long = "x".repeat(129);
        for id in [None, Some("a b"), Some("<script>"), Some(long.as_str())] {
            let response = answer(id).await;
            let given = response.headers().get(HEADER).unwrap().to_str().unwrap();
            assert_eq!(given.len(), 36, "{id:?} -> {given}");
        }
    }

    #[actix_web::test]
    async fn panic_of_a_handler_becomes_a_500_with_the_id() {
        async fn broken() -> HttpResponse {
            panic!("a bug")
        }
        let app = App::new()
            .wrap(from_fn(identify))
            .route("/", web::get().to(broken));
        let service = init_service(app).await;
        let request = TestRequest::get().insert_header((HEADER, "abc"));
        let error = try_call_service(&service, request.to_request())
            .await
            .unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers().get(HEADER).unwrap(), "abc");
    }
}
