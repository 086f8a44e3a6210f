//! `/api/users`, for administrators.

use super::Native;
use super::people::UserWire;
use super::tenants::OfTenant;
use super::wire::Said;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, PathValues};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{UserChange, UserRole};
use crate::types::{TenantId, UserId};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

type Answer = Result<HttpResponse, Failure<Native>>;

/// Body of the answer of `GET /api/users`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Users<'a> {
    users: Vec<UserWire<'a>>,
}

/// `GET /api/users`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: OfTenant,
) -> Answer {
    let tenant = query.value.tenant_id.as_ref();
    let users = state.service.users(&caller, tenant).await?;
    Ok(HttpResponse::Ok().json(Users {
        users: users.iter().map(UserWire::from).collect(),
    }))
}

/// Body of `POST /api/users`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewUser {
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@+-]+$")]
    username: String,
    #[schema(min_length = 8, max_length = 1024)]
    password: String,
    #[schema(value_type = Option<UserRole>)]
    role: Option<String>,
    /// Where it is to be, if not in the caller's tenant.
    tenant_id: Option<TenantId>,
}

/// `POST /api/users`.
pub(crate) async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, NewUser>,
) -> Answer {
    let NewUser {
        username,
        password,
        role,
        tenant_id,
    } = &body.value;
    let role = role.as_deref().map(role_named).transpose()?;
    let role = role.unwrap_or(UserRole::User);
    let service = &state.service;
    let user = service
        .create_user(&caller, tenant_id.as_ref(), username, password, role)
        .await?;
    audit::note_object(&request, user.id.as_str());
    Ok(HttpResponse::Created().json(UserWire::from(&user)))
}

/// Body of `PATCH /api/users/{user_id}`; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct UserChangeBody {
    #[schema(value_type = Option<UserRole>)]
    role: Option<String>,
    #[schema(min_length = 8, max_length = 1024)]
    password: Option<String>,
}

/// `PATCH /api/users/{user_id}`.
pub(crate) async fn update(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, UserId>,
    query: OfTenant,
    body: JsonBody<Native, UserChangeBody>,
) -> Answer {
    let UserChangeBody { role, password } = body.value;
    let change = UserChange {
        role: role.as_deref().map(role_named).transpose()?,
        password,
    };
    let tenant = query.value.tenant_id.as_ref();
    let service = &state.service;
    let user = service
        .update_user(&caller, tenant, &id.value, change)
        .await?;
    Ok(HttpResponse::Ok().json(UserWire::from(&user)))
}

/// `DELETE /api/users/{user_id}`.
pub(crate) async fn delete(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, UserId>,
    query: OfTenant,
) -> Answer {
    let tenant = query.value.tenant_id.as_ref();
    state
        .service
        .delete_user(&caller, tenant, &id.value)
        .await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "User deleted successfully",
    }))
}

/// `DELETE /api/users/{user_id}/sessions`.
pub(crate) async fn end_sign_ins(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, UserId>,
    query: OfTenant,
) -> Answer {
    let tenant = query.value.tenant_id.as_ref();
    let service = &state.service;
    service.end_sign_ins_of(&caller, tenant, &id.value).await?;
    Ok(HttpResponse::Ok().json(Said {
        message: "All sign-ins ended successfully",
    }))
}

fn role_named(word: &str) -> Result<UserRole, HttpError> {
    UserRole::parse(word).ok_or_else(|| HttpError::field("role", format!("{word:?} is not a role")))
}
