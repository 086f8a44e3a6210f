//! `/api/feedback`, for administrators.

use super::Native;
use crate::http::auth::Authorized;
use crate::http::extract::QueryParams;
use crate::http::failure::Failure;
use crate::http::{HttpError, State};
use crate::service::{FeedbackEntry, FeedbackFilter};
use crate::types::FeedbackKind;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

type Answer = Result<HttpResponse, Failure<Native>>;

/// Verdicts in one answer, unless asked otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Verdicts in one answer at most.
const MAX_LIMIT: usize = 500;

/// Query of `/api/feedback`.
#[derive(Deserialize)]
pub(crate) struct ListQuery {
    /// Verdicts of this kind alone.
    feedback_type: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

fn kind(word: Option<String>) -> Result<Option<FeedbackKind>, HttpError> {
    let word = word.filter(|word| !word.is_empty());
    let unknown = |word: &str| {
        let what = format!("{word:?} is no kind of feedback");
        HttpError::field("feedback_type", what)
    };
    word.map(|word| FeedbackKind::parse(&word).ok_or_else(|| unknown(&word)))
        .transpose()
}

/// `GET /api/feedback`.
pub(crate) async fn list(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ListQuery>,
) -> Answer {
    let cursor = query.value.cursor.filter(|cursor| !cursor.is_empty());
    let key = |cursor: String| {
        let key = cursor.parse::<i64>().ok();
        let key = key.and_then(|key| u64::try_from(key).ok());
        key.ok_or_else(|| HttpError::field("cursor", "not a cursor of this list"))
    };
    let after = cursor.map(key).transpose()?;
    let limit = query.value.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let what = format!("{limit} is not within 1 and {MAX_LIMIT}");
        return Err(HttpError::field("limit", what).into());
    }
    let filter = FeedbackFilter {
        kind: kind(query.value.feedback_type)?,
        after,
        limit,
    };
    let page = state.service.feedback(&caller, filter).await?;
    let feedback: Vec<Value> = page.entries.iter().map(wire).collect();
    Ok(HttpResponse::Ok().json(json!({
        "feedback": feedback,
        "next_cursor": page.next.map(|key| key.to_string()),
    })))
}

/// Query of `/api/feedback/export`.
#[derive(Deserialize)]
pub(crate) struct ExportQuery {
    feedback_type: Option<String>,
}

/// `GET /api/feedback/export`: all of it, a line each.
pub(crate) async fn export(
    state: web::Data<State>,
    caller: Authorized<Native>,
    query: QueryParams<Native, ExportQuery>,
) -> Answer {
    let kind = kind(query.value.feedback_type)?;
    let mut lines = String::new();
    let mut after = None;
    loop {
        let filter = FeedbackFilter {
            kind,
            after,
            limit: MAX_LIMIT,
        };
        let page = state.service.feedback(&caller, filter).await?;
        for entry in &page.entries {
            lines += &wire(entry).to_string();
            lines.push('\n');
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let attached = (
        "content-disposition",
        "attachment; filename=\"feedback.jsonl\"",
    );
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl")
        .insert_header(attached)
        .body(lines))
}

fn wire(entry: &FeedbackEntry) -> Value {
    let FeedbackEntry {
        feedback,
        question,
        answer,
    } = entry;
    json!({
        "id": feedback.id,
        "session_id": feedback.session_id,
        "user_id": feedback.user_id,
        "query_id": feedback.query_id,
        "response_id": feedback.response_id,
        "feedback_type": feedback.kind.as_str(),
        "feedback_text": feedback.text,
        "question": question,
        "answer": answer,
        "created_at": feedback.created_at.to_string(),
    })
}
