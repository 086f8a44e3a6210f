//! `/api/keys`: a user's own API keys; for administrators everybody's.

use super::tenants::OfTenant;
use super::{Native, wire};
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::types::{KeyId, TenantId};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// `GET /api/keys`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: OfTenant,
) -> Answer {
    let tenant = query.value.tenant_id.as_ref();
    let keys = state.service.api_keys(&caller, tenant).await?;
    let keys: Vec<Value> = keys.iter().map(wire::api_key).collect();
    Ok(HttpResponse::Ok().json(json!({"keys": keys})))
}

/// Body of `POST /api/keys`.
#[derive(Deserialize)]
pub(crate) struct NewKey {
    name: String,
    /// Whose it is to be, if not the caller's own.
    username: Option<String>,
    /// The tenant of that user, if not the caller's.
    tenant_id: Option<TenantId>,
}

/// `POST /api/keys`: the only answer with the key itself.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewKey>,
) -> Answer {
    let NewKey {
        name,
        username,
        tenant_id,
    } = &body.value;
    let service = &state.service;
    let issued = service
        .create_api_key(&caller, tenant_id.as_ref(), name, username.as_deref())
        .await?;
    audit::note_object(&request, issued.key.id.as_str());
    let mut body = wire::api_key(&issued.key);
    body["key"] = json!(issued.secret);
    Ok(HttpResponse::Created().json(body))
}

/// `DELETE /api/keys/{key_id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, KeyId>,
    query: OfTenant,
) -> Answer {
    let tenant = query.value.tenant_id.as_ref();
    let service = &state.service;
    service.delete_api_key(&caller, tenant, &id.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "API key deleted successfully"})))
}
