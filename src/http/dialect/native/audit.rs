//! `/api/audit`, for administrators.

use super::{Native, wire};
use crate::http::auth::Authorized;
use crate::http::extract::QueryParams;
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::AuditFilter;
use crate::types::Time;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

/// Records in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 100;
/// Records in one answer at most.
const MAX_LIMIT: usize = 1000;

/// Query of `/api/audit`.
#[derive(Deserialize)]
pub(crate) struct AuditQuery {
    action: Option<String>,
    user: Option<String>,
    since: Option<String>,
    cursor: Option<String>,
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
    let records: Vec<Value> = records.iter().map(wire::audit_record).collect();
    Ok(HttpResponse::Ok().json(json!({"records": records, "next_cursor": next})))
}
