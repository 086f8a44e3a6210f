//! Who calls: the token of a request, the gate in front of every endpoint, and
//! the cookie that keeps the page signed in. Must not judge a token itself:
//! the service does.

use super::State;
use super::dialect::Dialect;
use super::failure::Failure;
use super::limit::{self, Checked};
use super::routes::{Access, Endpoint};
use super::{audit, client_address};
use crate::error::{ErrorKind, Fault};
use crate::service::{Caller, SignIn};
use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use actix_web_lab::extract::Query;
use serde::Deserialize;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;

/// The cookie with the refresh token.
const COOKIE: &str = "satchel_refresh";

/// The caller that the gate let in.
pub(super) struct Authorized<D> {
    caller: Caller,
    dialect: PhantomData<fn() -> D>,
}

impl<D> Deref for Authorized<D> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<D: Dialect> FromRequest for Authorized<D> {
    type Error = Failure<D>;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        ready(match caller {
            Some(caller) => Ok(Self {
                caller,
                dialect: PhantomData,
            }),
            None => Err(unauthorized().into()),
        })
    }
}

fn unauthorized() -> Fault {
    Fault::new(
        ErrorKind::Unauthorized,
        "sign in first: a valid bearer token is needed",
    )
}

/// The middleware in front of the endpoints of one path: nobody passes who may
/// not call, and nobody more often than allowed.
pub(super) async fn gate(
    endpoint: Option<&'static Endpoint>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(endpoint) = endpoint else {
        // The method is not one of the path's: its refusal needs no caller.
        return next.call(request).await;
    };
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else {
        let fault = Fault::internal("the server has no state");
        return Ok(request.into_response(endpoint.tongue.refuse(fault)));
    };
    client_address::note(&request, &state.service.config().trusted_proxies);
    let (admitted, standing) = admit(&state, &request, endpoint.access).await;
    let mut response = match admitted {
        Ok(()) => next.call(request).await?,
        Err(fault) => request.into_response(endpoint.tongue.refuse(fault)),
    };
    audit::record(&state, endpoint, &response).await;
    if let Some(standing) = standing {
        standing.mark(response.headers_mut());
    }
    Ok(response)
}

async fn admit(state: &State, request: &ServiceRequest, access: Access) -> Checked {
    match access {
        Access::Public => (Ok(()), None),
        Access::Visitor => {
            request.extensions_mut().insert(Caller::visitor());
            let address = client_address::of(request.request());
            state.addresses.check(address)
        }
        _ => admit_caller(state, request, access).await,
    }
}

async fn admit_caller(state: &State, request: &ServiceRequest, access: Access) -> Checked {
    let caller = match token(request, access) {
        Some(token) => state.service.authenticate(&token).await,
        None => Err(unauthorized()),
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(fault) => return (Err(fault), None),
    };
    let (within, standing) = match caller.local {
        true => (Ok(()), None),
        false => within_limits(state, &caller),
    };
    let allowed = within.and_then(|()| match access {
        Access::Admin => caller.require_admin(),
        Access::Operator => caller.require_operator(),
        _ => Ok(()),
    });
    request.extensions_mut().insert(caller);
    (allowed, standing)
}

fn within_limits(state: &State, caller: &Caller) -> Checked {
    limit::both(state.requests.check(&caller.user_id), || {
        let most = state.service.requests_per_minute(&caller.tenant_id);
        state.tenants.check(&caller.tenant_id, most)
    })
}

/// The parameter that carries the token where a client cannot send headers.
#[derive(Deserialize)]
struct QueryToken {
    auth_token: Option<String>,
}

fn token(request: &ServiceRequest, access: Access) -> Option<String> {
    if let Some(token) = bearer(request.headers()) {
        return Some(token.to_owned());
    }
    if access != Access::UserByQuery {
        return None;
    }
    let query = Query::<QueryToken>::from_query(request.query_string()).ok()?;
    query.into_inner().auth_token
}

/// The token in the header for it.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The refresh token that came with a request.
pub(super) fn refresh_token(request: &HttpRequest) -> Option<String> {
    request
        .headers()
        .get_all(header::COOKIE)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// The `Set-Cookie` value that keeps a browser signed in. Scripts cannot read
/// it, other sites cannot send it, and only `/auth` gets it.
pub(super) fn refresh_cookie(sign_in: &SignIn) -> String {
    cookie(&sign_in.refresh_token, sign_in.refresh_expires_in)
}

/// The `Set-Cookie` value that makes a browser forget.
pub(super) fn no_cookie() -> String {
    cookie("", 0)
}

fn cookie(value: &str, seconds: u64) -> String {
    format!("{COOKIE}={value}; Path=/auth; Max-Age={seconds}; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::{bearer, refresh_token};
    use actix_web::test::TestRequest;

    #[test]
    fn bearer_token_is_found_whatever_the_case_of_the_scheme() {
        let with = |value: &str| {
            let request = TestRequest::get().insert_header(("authorization", value));
            bearer(request.to_srv_request().headers()).map(str::to_owned)
        };
        assert_eq!(with("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(with("bearer  abc ").as_deref(), Some("abc"));
        assert_eq!(with("Basic abc"), None);
        assert_eq!(with("Bearer "), None);
    }

    #[test]
    fn refresh_token_is_found_among_other_cookies() {
        let request = TestRequest::get()
            .insert_header(("cookie", "theme=dark; satchel_refresh=r1; x=y"))
            .to_http_request();
        assert_eq!(refresh_token(&request).as_deref(), Some("r1"));
        let none = TestRequest::get()
            .insert_header(("cookie", "not_satchel_refresh=r1; satchel_refresh="))
            .to_http_request();
        assert_eq!(refresh_token(&none), None);
    }
}
