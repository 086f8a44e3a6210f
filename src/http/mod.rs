//! The HTTP edge: listens, says who may call what, and hands each request to
//! the service through a dialect. Must not decide anything that the service
//! could; below this module nothing knows a status code.

mod assets;
mod audit;
mod auth;
mod client_address;
mod descriptors;
mod dialect;
mod extract;
mod failure;
mod limit;
mod metrics;
mod openapi;
mod request_id;
mod routes;
mod search_options;
mod security;
mod session_cursor;
mod sse;

pub use audit::EXEMPT;
pub use openapi::openapi_document;
pub use routes::{Access, ENDPOINTS, Endpoint};

use crate::config::Config;
use crate::error::{ErrorKind, Kind};
use crate::service::Service;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::KeepAlive;
use actix_web::middleware::{Compress, Condition, NormalizePath, from_fn};
use actix_web::{App, HttpServer, web};
use extract::BodyLimit;
use limit::{AddressLimit, RequestLimit, StreamLimit, TenantLimit};
use metrics::RequestMetrics;
use security::Hosts;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a client may take to send the head of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// How long requests may go on after the server was asked to stop, in seconds.
const STOP_SECONDS: u64 = 10;

/// How long answers may: they need the rest to end properly.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// What every handler may use.
struct State {
    service: Service,
    requests: RequestLimit,
    tenants: TenantLimit,
    addresses: AddressLimit,
    /// Answers that are being streamed.
    answers: StreamLimit,
    /// Streams of ingestion progress.
    watchers: StreamLimit,
    metrics: RequestMetrics,
    /// Turns true when the server stops.
    stopping: watch::Receiver<bool>,
}

impl State {
    /// Is done when the server has been stopping for as long as `grace`.
    fn stopped(&self, grace: Duration) -> impl Future<Output = ()> + use<> {
        let mut stopping = self.stopping.clone();
        async move {
            // An error means that the server is gone altogether.
            let _ = stopping.wait_for(|stopping| *stopping).await;
            tokio::time::sleep(grace).await;
        }
    }
}

/// Serves until `shutdown` is done and the requests under way are answered.
/// The listener decides the address; a port of 0 has become a real one in it.
pub async fn serve(
    service: Service,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), HttpError> {
    let address = listener.local_addr().map_err(HttpError::Listen)?;
    let (stop, stopping) = watch::channel(false);
    let config = service.config();
    let state = web::Data::new(State {
        requests: RequestLimit::new(config.rate_limit),
        tenants: TenantLimit::default(),
        addresses: AddressLimit::new(config.public_rate_limit),
        answers: StreamLimit::new(config.streams_per_user),
        watchers: StreamLimit::new(config.streams_per_user),
        metrics: RequestMetrics::default(),
        service,
        stopping,
    });
    let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    descriptors::allow(state.service.config().max_connections);
    let connections = connections_a_worker(state.service.config(), cores);
    let server = HttpServer::new(move || app(state.clone(), address))
        .workers(cores)
        .max_connections(connections)
        // An event is sent when it happens, not when the one before it is acknowledged.
        .tcp_nodelay(true)
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .client_request_timeout(REQUEST_TIMEOUT)
        // A client that goes away ends its request, so that nobody writes for nobody.
        .h1_allow_half_closed(false)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals()
        .listen(listener)
        .map_err(HttpError::Listen)?
        .run();
    let handle = server.handle();
    let mut server = pin!(server);
    tokio::select! {
        ended = &mut server => return ended.map_err(HttpError::Serve),
        () = shutdown => {}
    }
    // Streams of events end only when they are told to.
    stop.send_replace(true);
    let (ended, ()) = tokio::join!(server, handle.stop(true));
    ended.map_err(HttpError::Serve)
}

/// How many connections each worker may have.
fn connections_a_worker(config: &Config, workers: usize) -> usize {
    config.max_connections.div_ceil(workers).max(1)
}

/// The whole application, for a server that listens on `address`.
fn app(
    state: web::Data<State>,
    address: SocketAddr,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let config = state.service.config();
    let hosts = Hosts::of(address);
    let (page, origins) = (config.ui, config.cors_origins.clone());
    // The last one wrapped is the first to see a request.
    App::new()
        .app_data(BodyLimit {
            bytes: config.max_body_bytes,
            patience: config.body_timeout,
        })
        .app_data(state)
        .configure(|config| routes::register(config, page))
        .wrap(Compress::default())
        .wrap(NormalizePath::trim())
        .wrap(Condition::new(
            !origins.is_empty(),
            security::cors(&origins),
        ))
        .wrap(from_fn(move |request: ServiceRequest, next| {
            security::check_host(hosts.clone(), request, next)
        }))
        .wrap(security::default_headers())
        .wrap(from_fn(request_id::identify))
}

/// What can go wrong at the edge itself.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("cannot listen: {0}")]
    Listen(std::io::Error),
    #[error("the server failed: {0}")]
    Serve(std::io::Error),
    #[error("the body must be JSON, sent as Content-Type: application/json")]
    NotJson,
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the body could not be read: {0}")]
    Body(String),
    #[error("the body did not arrive within {seconds} s")]
    BodySlow { seconds: u64 },
    #[error("the body: not valid JSON: it is nested deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("{}", place(path, what))]
    Field { path: String, what: String },
    #[error("the upload must be multipart/form-data")]
    NotMultipart,
    #[error("the original could not be read: {0}")]
    Original(std::io::Error),
}

impl HttpError {
    /// The value at `path` (empty: the whole) is wrong, and why.
    fn field(path: &str, what: impl std::fmt::Display) -> Self {
        Self::Field {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}

fn place(path: &str, what: &str) -> String {
    match path {
        "" => what.to_owned(),
        path => format!("{path}: {what}"),
    }
}

impl Kind for HttpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Listen(_) | Self::Serve(_) => ErrorKind::Internal,
            Self::NotJson | Self::NotMultipart => ErrorKind::Unsupported,
            Self::BodyTooLarge { .. } => ErrorKind::TooLarge,
            Self::Body(_) | Self::BodySlow { .. } | Self::TooDeep { .. } | Self::Field { .. } => {
                ErrorKind::Invalid
            }
            Self::Original(_) => ErrorKind::Storage,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::Field { path, .. } if !path.is_empty() => Some(path),
            _ => None,
        }
    }
}
