//! `/auth/…`: signing in and out.

use super::Native;
use super::people::{OwnUser, SignedIn};
use crate::error::{ErrorKind, Fault};
use crate::http::State;
use crate::http::audit;
use crate::http::auth::{Authorized, no_cookie, refresh_cookie, refresh_token};
use crate::http::client_address;
use crate::http::extract::JsonBody;
use crate::http::failure::Failure;
use crate::service::{SignIn, SignInOrigin};
use actix_web::http::header::{SET_COOKIE, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of the answer of `GET /auth/state`.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInState {
    version: &'static str,
    setup_required: bool,
}

/// `GET /auth/state`: whether somebody has to set up the first user.
pub(crate) async fn state(state: web::Data<State>) -> Answer {
    Ok(HttpResponse::Ok().json(SignInState {
        version: env!("CARGO_PKG_VERSION"),
        setup_required: state.service.setup_required().await?,
    }))
}

/// Body of `/auth/link`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LinkBody {
    token: String,
}

/// `POST /auth/link`: signs in with the link of the first start.
pub(crate) async fn link(
    request: HttpRequest,
    state: web::Data<State>,
    body: JsonBody<Native, LinkBody>,
) -> Answer {
    let origin = origin(&request);
    let token = &body.value.token;
    let sign_in = state.service.sign_in_with_link(token, &origin).await?;
    let caller = state.service.named(&sign_in.user.username).await?;
    audit::note_caller(&request, caller);
    Ok(signed_in(&sign_in))
}

/// Body of `/auth/login`.
#[derive(Deserialize, ToSchema)]
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
    audit::note_caller(&request, state.service.named(username).await?);
    let origin = origin(&request);
    let sign_in = state.service.sign_in(username, password, &origin).await?;
    Ok(signed_in(&sign_in))
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
        audit::note_caller(&request, state.service.sign_out(&token).await?);
    }
    Ok(HttpResponse::NoContent()
        .insert_header((SET_COOKIE, no_cookie()))
        .finish())
}

/// Body of the answer of `GET /auth/me`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me<'a> {
    user: OwnUser<'a>,
}

/// `GET /auth/me`.
pub(crate) async fn me(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let user = state.service.me(&caller).await?;
    Ok(HttpResponse::Ok().json(Me {
        user: OwnUser::from(&user),
    }))
}

/// Body of `/auth/password`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordBody {
    current: Option<String>,
    #[schema(min_length = 8, max_length = 1024)]
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
    let (current, origin) = (current.as_deref(), origin(&request));
    let service = &state.service;
    let renewed = service
        .set_password(&caller, current, password, &origin)
        .await?;
    let mut response = HttpResponse::NoContent();
    if let Some(sign_in) = renewed {
        // The tokens of before have ended; the browser stays signed in.
        response.insert_header((SET_COOKIE, refresh_cookie(&sign_in)));
    }
    Ok(response.finish())
}

fn signed_in(sign_in: &SignIn) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((SET_COOKIE, refresh_cookie(sign_in)))
        .json(SignedIn::from(sign_in))
}

/// Where a request comes from.
fn origin(request: &HttpRequest) -> SignInOrigin {
    let client = request.headers().get(USER_AGENT);
    let client = client.and_then(|value| value.to_str().ok());
    SignInOrigin {
        address: client_address::of(request),
        client: client.map(str::to_owned),
    }
}
