//! `/auth/sessions`: what the caller is signed in with.

use super::Native;
use super::people::SignInWire;
use super::wire::Said;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of the answer of `GET /auth/sessions`.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignIns<'a> {
    sessions: Vec<SignInWire<'a>>,
}

/// `GET /auth/sessions`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let all = state.service.sign_ins(&caller).await?;
    Ok(HttpResponse::Ok().json(SignIns {
        sessions: all.iter().map(SignInWire::from).collect(),
    }))
}

/// `DELETE /auth/sessions/{sign_in_id}`.
pub(crate) async fn end(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, String>,
) -> Answer {
    state.service.end_sign_in(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Sign-in ended successfully",
    }))
}

/// `DELETE /auth/sessions`: all of them, this one too, and all access tokens.
pub(crate) async fn end_all(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    state.service.end_all_sign_ins(&caller).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "All sign-ins ended successfully",
    }))
}
