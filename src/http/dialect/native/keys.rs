//! `/api/keys`: a user's own API keys; for administrators everybody's.

use super::Native;
use super::openapi::name_of_64;
use super::people::ApiKeyWire;
use super::tenants::OfTenant;
use super::wire::Said;
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::types::{KeyId, TenantId};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of the answer of `GET /api/keys`.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeys<'a> {
    keys: Vec<ApiKeyWire<'a>>,
}

/// `GET /api/keys`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: OfTenant,
) -> Answer {
    let tenant = query.value.tenant_id.as_ref();
    let keys = state.service.api_keys(&caller, tenant).await?;
    Ok(HttpResponse::Ok().json(ApiKeys {
        keys: keys.iter().map(ApiKeyWire::from).collect(),
    }))
}

/// Body of `POST /api/keys`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewKey {
    #[schema(schema_with = name_of_64)]
    name: String,
    /// Whose it is to be, if not the caller's own.
    username: Option<String>,
    /// The tenant of that user, if not the caller's.
    tenant_id: Option<TenantId>,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeKey<'a> {
    #[serde(flatten)]
    about: ApiKeyWire<'a>,
    /// The key itself, shown this once.
    key: &'a str,
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
    Ok(HttpResponse::Created().json(MadeKey {
        about: ApiKeyWire::from(&issued.key),
        key: &issued.secret,
    }))
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
    Ok(HttpResponse::Ok().json(Said {
        message: "API key deleted successfully",
    }))
}
