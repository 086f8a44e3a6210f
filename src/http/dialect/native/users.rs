//! `/api/users`, for administrators.

use super::Native;
use super::wire;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::UserRole;
use crate::types::UserId;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/users`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let users = state.service.users(&caller).await?;
    let users: Vec<Value> = users.iter().map(wire::user).collect();
    Ok(HttpResponse::Ok().json(json!({"users": users})))
}

/// Body of `POST /api/users`.
#[derive(Deserialize)]
pub(crate) struct NewUser {
    username: String,
    password: String,
    role: Option<String>,
}

/// `POST /api/users`.
pub(crate) async fn create(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewUser>,
) -> Answer {
    let NewUser {
        username,
        password,
        role,
    } = &body.value;
    let role = match role.as_deref() {
        None => UserRole::User,
        Some(word) => UserRole::parse(word)
            .ok_or_else(|| HttpError::field("role", format!("{word:?} is not a role")))?,
    };
    let service = &state.service;
    let user = service
        .create_user(&caller, username, password, role)
        .await?;
    Ok(HttpResponse::Created().json(wire::user(&user)))
}

/// `DELETE /api/users/{user_id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, UserId>,
) -> Answer {
    state.service.delete_user(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "User deleted successfully"})))
}
