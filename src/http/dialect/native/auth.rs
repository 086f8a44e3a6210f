//! `/auth/…`: signing in and out.

use super::Native;
use super::wire::{OwnUser, SignedIn};
use crate::error::{ErrorKind, Fault};
use crate::http::State;
use crate::http::auth::{Authorized, no_cookie, refresh_cookie, refresh_token};
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::service::SignIn;
use actix_web::http::header::SET_COOKIE;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /auth/state`: whether somebody has to set up the first user.
pub(crate) async fn state(state: web::Data<State>) -> Answer {
    Ok(HttpResponse::Ok().json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "setup_required": state.service.setup_required().await?,
    })))
}

/// Body of `/auth/link`.
#[derive(Deserialize)]
pub(crate) struct LinkBody {
    token: String,
}

/// `POST /auth/link`: signs in with the link of the first start.
pub(crate) async fn link(
    request: HttpRequest,
    state: web::Data<State>,
    body: JsonBody<Native, LinkBody>,
) -> Answer {
    state.sign_ins.check(address(&request), "")?;
    let sign_in = state.service.sign_in_with_link(&body.value.token).await?;
    Ok(signed_in(&sign_in))
}

/// Body of `/auth/login`.
#[derive(Deserialize)]
pub(crate) struct LoginBody {
    username: String,
    password: String,
}

/// `POST /auth/login`.
pub(crate) async fn login(
    request: HttpRequest,
    state: web::Data<State>,
    body: JsonBody<Native, LoginBody>,
) -> Answer {
    let LoginBody { username, password } = &body.value;
    state.sign_ins.check(address(&request), username)?;
    Ok(signed_in(&state.service.sign_in(username, password).await?))
}

/// `POST /auth/refresh`: a new access token for the cookie, which is renewed.
pub(crate) async fn refresh(request: HttpRequest, state: web::Data<State>) -> Answer {
    let Some(token) = refresh_token(&request) else {
        let message = "this browser is not signed in";
        return Err(Fault::new(ErrorKind::Unauthorized, message).into());
    };
    Ok(signed_in(&state.service.refresh(&token).await?))
}

/// `POST /auth/logout`: also without a valid sign-in, so that it always works.
pub(crate) async fn logout(request: HttpRequest, state: web::Data<State>) -> Answer {
    if let Some(token) = refresh_token(&request) {
        state.service.sign_out(&token).await?;
    }
    Ok(HttpResponse::NoContent()
        .insert_header((SET_COOKIE, no_cookie()))
        .finish())
}

/// `GET /auth/me`.
pub(crate) async fn me(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let user = state.service.me(&caller).await?;
    Ok(HttpResponse::Ok().json(json!({"user": OwnUser::from(&user)})))
}

/// Body of `/auth/password`.
#[derive(Deserialize)]
pub(crate) struct PasswordBody {
    current: Option<String>,
    password: String,
}

/// `POST /auth/password`.
pub(crate) async fn password(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, PasswordBody>,
) -> Answer {
    let PasswordBody { current, password } = &body.value;
    if current.is_some() {
        // Guessing the present password is slowed down here as well.
        state.sign_ins.check(address(&request), &caller.username)?;
    }
    let service = &state.service;
    service
        .set_password(&caller, current.as_deref(), password)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn signed_in(sign_in: &SignIn) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((SET_COOKIE, refresh_cookie(sign_in)))
        .json(SignedIn::from(sign_in))
}

fn address(request: &HttpRequest) -> Option<std::net::IpAddr> {
    request.peer_addr().map(|address| address.ip())
}
