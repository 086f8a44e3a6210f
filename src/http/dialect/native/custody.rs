//! `/api/export` and `/api/erase`: taking one's data along, and being forgotten.

use super::Native;
use super::openapi::only_true;
use crate::http::audit;
use crate::http::auth::Authorized;
use crate::http::extract::{JsonBody, QueryParams};
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::DataOf;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

type Answer = Result<HttpResponse, Failure<Native>>;

/// How much is meant.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Scope {
    /// One user's data.
    #[default]
    User,
    /// All of the tenant.
    Tenant,
}

fn data_of(scope: Scope, user: Option<String>) -> Result<DataOf, HttpError> {
    match (scope, user) {
        (Scope::User, None) => Ok(DataOf::Caller),
        (Scope::User, Some(user)) => Ok(DataOf::User(user)),
        (Scope::Tenant, None) => Ok(DataOf::Tenant),
        (Scope::Tenant, Some(_)) => {
            let message = "it says one user, but scope says the whole tenant";
            Err(HttpError::field("user", message))
        }
    }
}

/// Query of `GET /api/export`.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct ExportQuery {
    #[serde(default)]
    #[param(inline)]
    scope: Scope,
    /// Id or name.
    #[param(pattern = r"\S")]
    user: Option<String>,
}

/// `GET /api/export`: a ZIP archive.
pub(crate) async fn export(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ExportQuery>,
) -> Answer {
    let ExportQuery { scope, user } = query.value;
    let of = data_of(scope, user)?;
    let archive = state.service.export(&caller, of).await?;
    let disposition = "attachment; filename=\"satchel-export.zip\"";
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(ContentEncoding::Identity)
        .streaming(archive.map(|piece| piece.map(Bytes::from))))
}

/// Body of `POST /api/erase`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EraseBody {
    #[serde(default)]
    scope: Scope,
    /// Id or name.
    #[schema(pattern = r"\S")]
    user: Option<String>,
    /// Must be true: there is no way back.
    #[schema(schema_with = only_true)]
    confirm: bool,
}

/// How much was erased.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErasedWire {
    sessions: usize,
    documents: usize,
    datasets: usize,
    users: usize,
}

/// `POST /api/erase`.
pub(crate) async fn erase(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Authorized<Native>,
    body: JsonBody<Native, EraseBody>,
) -> Answer {
    let EraseBody {
        scope,
        user,
        confirm,
    } = body.value;
    let of = data_of(scope, user)?;
    if !confirm {
        let message = "it must be true: what is erased cannot be brought back";
        return Err(HttpError::field("confirm", message).into());
    }
    let erased = state.service.erase(&caller, of).await?;
    audit::note_object(&request, &erased.whose);
    Ok(HttpResponse::Ok().json(ErasedWire {
        sessions: erased.sessions,
        documents: erased.documents,
        datasets: erased.datasets,
        users: erased.users,
    }))
}
