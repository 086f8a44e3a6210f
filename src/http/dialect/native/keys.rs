//! `/api/keys`: a user's own API keys; for administrators everybody's.

use super::Native;
use super::wire;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::types::KeyId;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/keys`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let keys = state.service.api_keys(&caller).await?;
    let keys: Vec<Value> = keys.iter().map(wire::api_key).collect();
    Ok(HttpResponse::Ok().json(json!({"keys": keys})))
}

/// Body of `POST /api/keys`.
#[derive(Deserialize)]
pub(crate) struct NewKey {
    name: String,
    /// Whose it is to be, if not the caller's own.
    username: Option<String>,
}

/// `POST /api/keys`: the only answer with the key itself.
pub(crate) async fn create(
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewKey>,
) -> Answer {
    let NewKey { name, username } = &body.value;
    let service = &state.service;
    let issued = service
        .create_api_key(&caller, name, username.as_deref())
        .await?;
    let mut body = wire::api_key(&issued.key);
    body["key"] = json!(issued.secret);
    Ok(HttpResponse::Created().json(body))
}

/// `DELETE /api/keys/{key_id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, KeyId>,
) -> Answer {
    state.service.delete_api_key(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "API key deleted successfully"})))
}
