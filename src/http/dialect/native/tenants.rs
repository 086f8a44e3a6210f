//! `/api/tenants`, for the operator.

use super::{Native, wire};
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::service::{TenantChange, TenantLimits};
use crate::types::TenantId;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// The tenant that an administrator means, where it is not the own one.
#[derive(Deserialize)]
pub(crate) struct TenantQuery {
    pub(super) tenant_id: Option<TenantId>,
}

/// The same, as what the handlers ask for.
pub(crate) type OfTenant = QueryParams<Native, TenantQuery>;

/// `GET /api/tenants`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let tenants = state.service.tenants(&caller).await?;
    let tenants: Vec<Value> = tenants.iter().map(wire::tenant).collect();
    Ok(HttpResponse::Ok().json(json!({"tenants": tenants})))
}

/// Body of `POST /api/tenants`.
#[derive(Deserialize)]
pub(crate) struct NewTenant {
    id: Option<String>,
    name: String,
    requests_per_minute: Option<u32>,
    disk_quota_bytes: Option<u64>,
}

/// `POST /api/tenants`.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewTenant>,
) -> Answer {
    let new = &body.value;
    let limits = TenantLimits {
        requests_per_minute: new.requests_per_minute,
        disk_quota_bytes: new.disk_quota_bytes,
    };
    let service = &state.service;
    let tenant = service
        .create_tenant(&caller, new.id.as_deref(), &new.name, limits)
        .await?;
    audit::note_object(&request, tenant.id.as_str());
    Ok(HttpResponse::Created().json(wire::tenant(&tenant)))
}

/// Body of `PATCH /api/tenants/{tenant_id}`; what is absent stays, and `null`
/// takes a limit away.
#[derive(Deserialize)]
pub(crate) struct TenantChangeBody {
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    requests_per_minute: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    disk_quota_bytes: Option<Option<u64>>,
}

/// Tells `null` from what is absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// `PATCH /api/tenants/{tenant_id}`.
pub(crate) async fn update(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, TenantId>,
    body: JsonBody<Native, TenantChangeBody>,
) -> Answer {
    let body = body.value;
    let change = TenantChange {
        name: body.name,
        requests_per_minute: body.requests_per_minute,
        disk_quota_bytes: body.disk_quota_bytes,
    };
    let service = &state.service;
    let tenant = service.update_tenant(&caller, &id.value, change).await?;
    Ok(HttpResponse::Ok().json(wire::tenant(&tenant)))
}

/// `DELETE /api/tenants/{tenant_id}`: all that it has goes too.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, TenantId>,
) -> Answer {
    state.service.delete_tenant(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(json!({"message": "Tenant deleted successfully"})))
}
