//! `/api/tenants`, for the operator.

use super::Native;
use super::openapi::{name_of_64, optional_name_of_64, quota};
use super::people::TenantWire;
use super::wire::Said;
use crate::http::State;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues, QueryParams};
use crate::http::failure::Failure;
use crate::service::{TenantChange, TenantLimits};
use crate::types::TenantId;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// The tenant that an administrator means, where it is not the own one.
#[derive(Deserialize, IntoParams)]
pub(crate) struct TenantQuery {
    #[param(value_type = Option<String>)]
    pub(super) tenant_id: Option<TenantId>,
}

/// The same, as what the handlers ask for.
pub(crate) type OfTenant = QueryParams<Native, TenantQuery>;

/// Body of the answer of `GET /api/tenants`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tenants<'a> {
    tenants: Vec<TenantWire<'a>>,
}

/// `GET /api/tenants`.
pub(crate) async fn list(state: web::Data<State>, caller: Authorized<Native>) -> Answer {
    let tenants = state.service.tenants(&caller).await?;
    Ok(HttpResponse::Ok().json(Tenants {
        tenants: tenants.iter().map(TenantWire::from).collect(),
    }))
}

/// Body of `POST /api/tenants`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewTenant {
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    id: Option<String>,
    #[schema(schema_with = name_of_64)]
    name: String,
    requests_per_minute: Option<u32>,
    #[schema(schema_with = quota)]
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
    Ok(HttpResponse::Created().json(TenantWire::from(&tenant)))
}

/// Body of `PATCH /api/tenants/{tenant_id}`; what is absent stays, and `null`
/// takes a limit away.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TenantChangeBody {
    #[schema(schema_with = optional_name_of_64)]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    requests_per_minute: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(schema_with = quota)]
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
    Ok(HttpResponse::Ok().json(TenantWire::from(&tenant)))
}

/// `DELETE /api/tenants/{tenant_id}`: all that it has goes too.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, TenantId>,
) -> Answer {
    state.service.delete_tenant(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "Tenant deleted successfully",
    }))
}
