//! Where a request comes from.

use actix_web::HttpRequest;
use std::net::IpAddr;

/// The address of the client.
pub(super) fn of(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip())
}
