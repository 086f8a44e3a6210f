//! `/api/audit`, for administrators.

use super::Native;
use super::people::AuditRecordWire;
use crate::http::auth::Authorized;
use crate::http::extract::QueryParams;
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::AuditFilter;
use crate::types::Time;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Records in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 100;
/// Records in one answer at most.
const MAX_LIMIT: usize = 1000;

/// Query of `/api/audit`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct AuditQuery {
    /// The name of an action, such as `sign in`.
    action: Option<String>,
    /// Id or name.
    user: Option<String>,
    #[param(format = DateTime)]
    since: Option<String>,
    /// `next_cursor` of the answer before.
    #[param(pattern = "^[0-9]{0,18}$")]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl AuditQuery {
    fn filter(self) -> Result<AuditFilter, HttpError> {
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        let since = present(self.since).map(|text| {
            let wrong = || HttpError::field("since", "not a time such as 2026-11-21T09:30:00Z");
            Time::parse(&text).ok_or_else(wrong)
        });
        let before = present(self.cursor).map(|cursor| {
            let key = cursor.parse::<i64>().ok().map(i64::unsigned_abs);
            key.ok_or_else(|| HttpError::field("cursor", "not a cursor of this list"))
        });
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let what = format!("{limit} is not within 1 and {MAX_LIMIT}");
            return Err(HttpError::field("limit", what));
        }
        Ok(AuditFilter {
            action: present(self.action),
            user: present(self.user),
            since: since.transpose()?,
            before: before.transpose()?,
            limit,
        })
    }
}

/// Body of the answer of `GET /api/audit`.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditRecords<'a> {
    records: Vec<AuditRecordWire<'a>>,
    next_cursor: Option<String>,
}

/// `GET /api/audit`: the newest records first.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, AuditQuery>,
) -> Result<HttpResponse, Failure<Native>> {
    let filter = query.value.filter()?;
    let limit = filter.limit;
    let one_more = AuditFilter {
        limit: limit + 1,
        ..filter
    };
    let mut records = state.service.audit(&caller, one_more).await?;
    let more = records.len() > limit;
    records.truncate(limit);
    let next = records.last().filter(|_| more);
    let next = next.map(|record| record.key.to_string());
    Ok(HttpResponse::Ok().json(AuditRecords {
        records: records.iter().map(AuditRecordWire::from).collect(),
        next_cursor: next,
    }))
}
