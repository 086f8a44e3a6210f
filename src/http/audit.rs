//! What becomes a record of the audit log: every request that changes
//! something, driven by the table of endpoints, so that none is forgotten. An
//! endpoint that shall leave no record stands below with the reason.

use super::State;
use super::client_address;
use super::request_id;
use super::routes::Endpoint;
use crate::service::{AuditOutcome, AuditRecord, Caller};
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest};

/// Endpoints that change nothing of note although they are not called by GET.
pub const EXEMPT: &[(&str, &str)] = &[
    ("ask", "the session keeps what was asked and when"),
    (
        "ask in a conversation",
        "the session keeps what was asked and when",
    ),
    (
        "ask within a session",
        "the session keeps what was asked and when",
    ),
    (
        "ask a selected text",
        "the session keeps what was asked and when",
    ),
    (
        "ask as a visitor",
        "the session keeps what was asked and when",
    ),
    (
        "ask as a visitor, streamed",
        "the session keeps what was asked and when",
    ),
    (
        "store a message",
        "the session keeps what was said and when",
    ),
    (
        "add a visitor's message",
        "the session keeps what was said and when",
    ),
    ("stop an answer", "the session keeps that it was stopped"),
    ("replay an answer", "nothing is kept"),
    ("complete a chat", "nothing is kept"),
    ("embed", "nothing is kept"),
    ("search", "nothing is changed"),
    ("try a search model", "nothing is changed"),
    ("renew a sign-in", "happens by itself every few minutes"),
];

/// Longest name of an object that is kept, in characters.
const OBJECT_CHARS: usize = 128;

/// What a handler knows and the table does not.
#[derive(Clone, Default)]
struct Noted {
    object: Option<String>,
    /// Who is meant, where nobody has signed in yet.
    caller: Option<Caller>,
}

/// Notes what the request made.
pub(super) fn note_object(request: &HttpRequest, object: &str) {
    let mut extensions = request.extensions_mut();
    let mut noted = extensions.remove::<Noted>().unwrap_or_default();
    noted.object = Some(object.to_owned());
    extensions.insert(noted);
}

/// Notes in whose name a request came that carries no token.
pub(super) fn note_caller(request: &HttpRequest, caller: Option<Caller>) {
    let mut extensions = request.extensions_mut();
    let mut noted = extensions.remove::<Noted>().unwrap_or_default();
    noted.caller = caller;
    extensions.insert(noted);
}

impl Endpoint {
    /// The word for the endpoint in the audit log: its name in one piece.
    pub fn action(&self) -> String {
        self.name.replace([' ', '-'], "_")
    }

    /// Whether calling the endpoint leaves a record: it changes something, or
    /// carries things away.
    pub fn is_audited(&self) -> bool {
        let reads = self.method == Method::GET && !self.name.starts_with("export");
        !reads && EXEMPT.iter().all(|(name, _)| *name != self.name)
    }
}

/// Adds the record of a request that was answered.
pub(super) async fn record(
    state: &State,
    endpoint: &Endpoint,
    response: &ServiceResponse<BoxBody>,
) {
    let status = response.status();
    let request = response.request();
    let noted = request.extensions().get::<Noted>().cloned();
    let noted = noted.unwrap_or_default();
    let caller = request.extensions().get::<Caller>().cloned();
    let caller = caller.or(noted.caller);
    // Who calls too often, or is nobody, must not fill the log.
    let nobody = caller.is_none() && endpoint.wants_caller();
    if status == StatusCode::TOO_MANY_REQUESTS || nobody || !endpoint.is_audited() {
        return;
    }
    let object = noted.object.or_else(|| named_in_path(request));
    let record = AuditRecord {
        tenant_id: caller.as_ref().map(|caller| caller.tenant_id.clone()),
        user_id: caller.as_ref().map(|caller| caller.user_id.clone()),
        username: caller.map(|caller| caller.username),
        action: endpoint.action(),
        object: object.map(|name| name.chars().take(OBJECT_CHARS).collect()),
        outcome: outcome(status),
        address: client_address::of(request).map(|address| address.to_string()),
        request_id: request_id::current(),
    };
    if let Err(error) = state.service.record(record).await {
        tracing::error!(%error, action = endpoint.name, "the audit log was not written");
    }
}

fn outcome(status: StatusCode) -> AuditOutcome {
    if status.is_server_error() {
        AuditOutcome::Failed
    } else if status.is_client_error() {
        AuditOutcome::Refused
    } else {
        AuditOutcome::Done
    }
}

/// The first variable part of the path.
fn named_in_path(request: &HttpRequest) -> Option<String> {
    let named = request.match_info().iter().next();
    named.map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::EXEMPT;
    use crate::http::ENDPOINTS;
    use actix_web::http::Method;

    #[test]
    fn every_endpoint_that_changes_something_is_audited_or_exempt_with_a_reason() {
        for one in ENDPOINTS.iter().filter(|one| one.method != Method::GET) {
            let exempt = EXEMPT.iter().find(|(name, _)| *name == one.name);
            assert_ne!(one.is_audited(), exempt.is_some(), "{}", one.name);
            assert!(exempt.is_none_or(|(_, reason)| reason.len() > 10));
        }
    }

    #[test]
    fn exempt_endpoints_are_there() {
        for (name, _) in EXEMPT {
            assert!(ENDPOINTS.iter().any(|one| one.name == *name), "{name}");
        }
    }
}
