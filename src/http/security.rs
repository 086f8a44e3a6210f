//! What protects the browser and the machine it runs on: default headers, the
//! page's content policy, which host names and which origins are served.

use super::dialect::Tongue;
use crate::error::{ErrorKind, Fault};
use actix_cors::Cors;
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::http::{Method, Uri};
use actix_web::middleware::{DefaultHeaders, Next};
use std::net::SocketAddr;

/// What the page may load: its own files, and pictures made on the spot.
pub(super) const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What anything else may load.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// What an original, which somebody else wrote, may do: be looked at.
pub(super) const ORIGINAL_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'";

/// Headers of every response that does not set them itself.
pub(super) fn default_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add((header::CONTENT_SECURITY_POLICY, DATA_POLICY))
        .add((header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        .add((header::CACHE_CONTROL, "no-store"))
}

/// Lets the pages of `origins` call.
pub(super) fn cors(origins: &[String]) -> Cors {
    let rules = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            super::request_id::HEADER,
        ])
        .expose_headers([
            "x-request-id",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "retry-after",
        ])
        .max_age(600);
    origins
        .iter()
        .fold(rules, |rules, origin| rules.allowed_origin(origin))
}

/// The host names that are served, where that is restricted at all.
///
/// A server on the loopback address trusts whoever can reach it a little more
/// than others do. A page of the outside world reaches it by having its own
/// name resolve to 127.0.0.1; the `Host` header gives that away.
#[derive(Clone)]
pub(super) struct Hosts {
    loopback: bool,
    address: String,
}

impl Hosts {
    /// For a server that listens on `address`.
    pub(super) fn of(address: SocketAddr) -> Self {
        Self {
            loopback: address.ip().is_loopback(),
            address: address.ip().to_string(),
        }
    }

    fn serve(&self, authority: Option<&str>) -> bool {
        if !self.loopback {
            return true;
        }
        let host = authority.and_then(|text| text.parse::<Uri>().ok());
        let Some(host) = host.as_ref().and_then(Uri::host) else {
            return false;
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        ["localhost", "127.0.0.1", "::1", &self.address]
            .iter()
            .any(|known| host.eq_ignore_ascii_case(known))
    }
}

/// Refuses requests to a name that is not ours.
pub(super) async fn check_host(
    hosts: Hosts,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let named = request.headers().get(header::HOST);
    let authority = named.and_then(|value| value.to_str().ok());
    if hosts.serve(authority) {
        let response = next.call(request).await?;
        return Ok(response.map_into_boxed_body());
    }
    let tongue = Tongue::of_path(request.path()).unwrap_or(Tongue::Native);
    let fault = Fault::new(
        ErrorKind::Forbidden,
        "this server listens on the loopback address and answers to localhost only",
    );
    Ok(request.into_response(tongue.refuse(fault)))
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn loopback_server_answers_to_its_own_names_only() {
        let hosts = Hosts::of("127.0.0.2:8080".parse().unwrap());
        for name in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "127.0.0.2:8080",
        ] {
            assert!(hosts.serve(Some(name)), "{name}");
        }
        for name in ["evil.example:8080", "localhost.evil.example", "", "a b"] {
            assert!(!hosts.serve(Some(name)), "{name}");
        }
        assert!(!hosts.serve(None));
    }

    #[test]
    fn public_server_answers_to_any_name() {
        let hosts = Hosts::of("0.0.0.0:8080".parse().unwrap());
        assert!(hosts.serve(Some("documents.example")));
    }
}
