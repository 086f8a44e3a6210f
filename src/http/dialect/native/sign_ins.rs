//! `/auth/sessions`: what the caller is signed in with.

use super::{Native, wire};
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /auth/sessions`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let all = state.service.sign_ins(&caller).await?;
    let all: Vec<Value> = all.iter().map(wire::sign_in).collect();
    Ok(HttpResponse::Ok().json(json!({"sessions": all})))
}

/// `DELETE /auth/sessions/{sign_in_id}`.
pub(crate) async fn end(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, String>,
) -> Answer {
    state.service.end_sign_in(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Sign-in ended successfully"})))
}

/// `DELETE /auth/sessions`: all of them, this one too, and all access tokens.
pub(crate) async fn end_all(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    state.service.end_all_sign_ins(&caller).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "All sign-ins ended successfully"})))
}
