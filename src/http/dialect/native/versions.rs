//! `/api/documents/{document_id}/versions`: what a document is and was.

use super::Native;
use crate::http::State;
use crate::http::auth::Authorized;
use crate::http::extract::PathValues;
use crate::http::failure::Failure;
use crate::http::openapi::Operation;
use crate::types::{DocumentId, DocumentVersion, UserId};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// Body of the answer of `GET /api/documents/{document_id}/versions`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentVersions<'a> {
    versions: Vec<DocumentVersionWire<'a>>,
}

/// One of the contents that a document has or had, without the content.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentVersionWire<'a> {
    /// 1 for the first.
    number: u32,
    filename: &'a str,
    bytes: u64,
    /// SHA-256 of its original in hexadecimal digits.
    sha256: &'a str,
    /// `null`: it is not read to its end, or was replaced before that.
    page_count: Option<u64>,
    /// The same.
    chunk_count: Option<u64>,
    /// Who brought it; `null`: somebody whose data were erased.
    user_id: Option<&'a UserId>,
    #[schema(format = DateTime)]
    since: String,
    /// When the next one took its place; `null`: it is the one in force.
    #[schema(format = DateTime)]
    until: Option<String>,
}

impl<'a> From<&'a DocumentVersion> for DocumentVersionWire<'a> {
    fn from(version: &'a DocumentVersion) -> Self {
        Self {
            number: version.number,
            filename: &version.filename,
            bytes: version.bytes,
            sha256: &version.sha256,
            page_count: version.pages,
            chunk_count: version.chunks,
            user_id: version.user_id.as_ref(),
            since: version.since.to_string(),
            until: version.until.map(|time| time.to_string()),
        }
    }
}

/// `GET /api/documents/{document_id}/versions`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    id: PathValues<Native, DocumentId>,
) -> Result<HttpResponse, Failure<Native>> {
    let versions = state.service.document_versions(&caller, &id.value).await?;
    Ok(HttpResponse::Ok().json(DocumentVersions {
        versions: versions.iter().map(DocumentVersionWire::from).collect(),
    }))
}

/// What this endpoint says about itself.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::of(
            "list versions",
            "What a document is, and what it was before its content was replaced, the newest \
             first: facts alone, because old content is not kept.",
        )
        .answers::<DocumentVersions<'_>>(200),
    ]
}
