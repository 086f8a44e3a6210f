//! `/api/audit`, for administrators.

use super::Native;
use super::people::AuditRecordWire;
use crate::http::ENDPOINTS;
use crate::http::auth::Authorized;
use crate::http::extract::QueryParams;
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{AuditFilter, Caller, Service, StoredAuditRecord};
use crate::types::Time;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io;
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
    #[param(format = DateTime)]
    until: Option<String>,
    /// `next_cursor` of the answer before.
    #[param(pattern = "^[0-9]{0,18}$")]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl AuditQuery {
    fn filter(self) -> Result<AuditFilter, HttpError> {
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
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
            since: time("since", self.since)?,
            until: time("until", self.until)?,
            before: before.transpose()?,
            limit,
        })
    }
}

fn time(field: &str, text: Option<String>) -> Result<Option<Time>, HttpError> {
    let text = text.filter(|text| !text.is_empty());
    let wrong = || HttpError::field(field, "not a time such as 2026-11-21T09:30:00Z");
    text.map(|text| Time::parse(&text).ok_or_else(wrong))
        .transpose()
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

/// Body of the answer of `GET /api/audit/actions`.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditedActions {
    actions: Vec<String>,
}

/// `GET /api/audit/actions`: what records can be about.
pub(crate) async fn actions() -> Result<HttpResponse, Failure<Native>> {
    let audited = ENDPOINTS.iter().filter(|one| one.is_audited());
    let mut actions: Vec<String> = audited.map(|one| one.action()).collect();
    actions.sort();
    Ok(HttpResponse::Ok().json(AuditedActions { actions }))
}

/// How an export is written.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A record in JSON on each line.
    #[default]
    Jsonl,
    /// For spreadsheets.
    Csv,
}

/// Query of `/api/audit/export`.
#[derive(Deserialize, IntoParams)]
pub(crate) struct AuditExportQuery {
    #[serde(default)]
    #[param(inline)]
    format: Format,
    action: Option<String>,
    user: Option<String>,
    #[param(format = DateTime)]
    since: Option<String>,
    #[param(format = DateTime)]
    until: Option<String>,
}

/// `GET /api/audit/export`: all records that fit, the newest first, sent while
/// they are read.
pub(crate) async fn export(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, AuditExportQuery>,
) -> Result<HttpResponse, Failure<Native>> {
    let query = query.value;
    let filter = AuditQuery {
        action: query.action,
        user: query.user,
        since: query.since,
        until: query.until,
        cursor: None,
        limit: Some(MAX_LIMIT),
    };
    let (media_type, name) = match query.format {
        Format::Jsonl => ("application/jsonl", "audit.jsonl"),
        Format::Csv => ("text/csv; charset=utf-8", "audit.csv"),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    let pages = pages(state.service.clone(), (*caller).clone(), filter.filter()?);
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(ContentEncoding::Identity)
        .streaming(written(pages, query.format)))
}

type Page = io::Result<Vec<StoredAuditRecord>>;

/// The records that fit, some at a time.
fn pages(service: Service, caller: Caller, filter: AuditFilter) -> impl Stream<Item = Page> {
    stream::try_unfold(Some(filter), move |next| {
        let (service, caller) = (service.clone(), caller.clone());
        async move {
            let Some(filter) = next else {
                return Ok(None);
            };
            let read = service.audit(&caller, filter.clone()).await;
            let records = read.map_err(io::Error::other)?;
            let last = records.last().map(|record| record.key);
            let next = last.map(|key| AuditFilter {
                before: Some(key),
                ..filter
            });
            Ok((!records.is_empty()).then_some((records, next)))
        }
    })
}

/// The bytes of an export.
fn written(
    pages: impl Stream<Item = Page>,
    format: Format,
) -> impl Stream<Item = io::Result<Bytes>> {
    let head = match format {
        Format::Jsonl => Ok(Vec::new()),
        Format::Csv => in_csv([COLUMNS.map(str::to_owned)].into_iter()),
    };
    let head = stream::once(async move { head.map(Bytes::from) });
    head.chain(pages.map(move |page| {
        let page = page?;
        let records = page
            .iter()
            .map(|record| json!(AuditRecordWire::from(record)));
        match format {
            Format::Jsonl => Ok(records
                .map(|record| format!("{record}\n"))
                .collect::<String>()
                .into()),
            Format::Csv => in_csv(records.map(|record| COLUMNS.map(|name| cell(&record[name]))))
                .map(Bytes::from),
        }
    }))
}

/// The columns of a table of records.
const COLUMNS: [&str; 10] = [
    "id",
    "at",
    "action",
    "object",
    "outcome",
    "tenant_id",
    "user_id",
    "username",
    "address",
    "request_id",
];

/// A value as a spreadsheet shows it and does not compute it.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text,
    }
}

fn in_csv(rows: impl Iterator<Item = [String; 10]>) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}

#[cfg(test)]
mod tests {
    use super::{cell, in_csv};
    use serde_json::json;

    #[test]
    fn cell_of_a_table_is_never_a_formula() {
        assert_eq!(cell(&json!("=HYPERLINK(\"x\")")), "'=HYPERLINK(\"x\")");
        assert_eq!(cell(&json!(null)), "");
        let row = std::array::from_fn(|n| {
            if n == 0 {
                "a,\"b\"".to_owned()
            } else {
                String::new()
            }
        });
        let text = String::from_utf8(in_csv([row].into_iter()).unwrap()).unwrap();
        assert_eq!(text, "\"a,\"\"b\"\"\",,,,,,,,,\n");
    }
}
