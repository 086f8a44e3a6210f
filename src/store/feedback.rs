//! Table `feedback`: what people think of answers.

use super::{Store, StoreError};
use crate::types::{Feedback, FeedbackKind, TenantId, Time};
use rusqlite::{Row, params};

/// A verdict with the question and the answer that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackEntry {
    pub feedback: Feedback,
    pub question: String,
    pub answer: String,
}

/// Which feedback to list.
#[derive(Debug, Clone, Default)]
pub struct FeedbackFilter {
    pub kind: Option<FeedbackKind>,
    /// Continue after this place.
    pub after: Option<u64>,
    pub limit: usize,
}

/// One page of a list of feedback.
#[derive(Debug, Clone)]
pub struct FeedbackPage {
    pub entries: Vec<FeedbackEntry>,
    /// Where the next page continues, if there is one.
    pub next: Option<u64>,
}

impl Store {
    /// Stores a verdict on an answer of its session.
    pub fn insert_feedback(
        &self,
        tenant: &TenantId,
        feedback: &Feedback,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let inserted = transaction
                .prepare_cached(
                    "INSERT INTO feedback (id, session_key, query_id, response_id, kind, text,
                     created_at)
                     SELECT ?1, key, ?4, ?5, ?6, ?7, ?8 FROM sessions
                     WHERE tenant_id = ?2 AND id = ?3",
                )?
                .execute(params![
                    feedback.id.as_str(),
                    tenant.as_str(),
                    feedback.session_id.as_str(),
                    feedback.query_id.as_str(),
                    feedback.response_id.as_str(),
                    feedback.kind.as_str(),
                    feedback.text,
                    feedback.created_at.millis()
                ])?;
            match inserted {
                0 => Err(StoreError::Missing("the session")),
                _ => Ok(()),
            }
        })
    }

    /// A tenant's feedback, latest first. Of a message that was deleted the words are left out.
    pub fn feedback(
        &self,
        tenant: &TenantId,
        filter: &FeedbackFilter,
    ) -> Result<FeedbackPage, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT f.key, f.id, s.id, s.user_id, f.query_id, f.response_id, f.kind, f.text,
                        f.created_at, coalesce(q.content, ''), coalesce(a.content, '')
                 FROM feedback f JOIN sessions s ON s.key = f.session_key
                 LEFT JOIN messages q ON q.id = f.query_id AND q.deleted_at IS NULL
                 LEFT JOIN messages a ON a.id = f.response_id AND a.deleted_at IS NULL
                 WHERE s.tenant_id = ?1 AND f.key < ?2 AND (?4 IS NULL OR f.kind = ?4)
                 ORDER BY f.key DESC LIMIT ?3",
            )?;
            let limit = filter.limit;
            let before = filter.after.unwrap_or(i64::MAX as u64);
            let kind = filter.kind.map(FeedbackKind::as_str);
            let asked = params![tenant.as_str(), before, limit + 1, kind];
            let rows = statement.query_map(asked, |row| Ok((row.get::<_, u64>(0)?, entry(row))))?;
            let (mut keys, mut entries) = (Vec::new(), Vec::new());
            for row in rows {
                let (key, entry) = row?;
                keys.push(key);
                entries.push(entry?);
            }
            let more = entries.len() > limit;
            entries.truncate(limit);
            let last = keys.get(entries.len().saturating_sub(1)).copied();
            Ok(FeedbackPage {
                next: last.filter(|_| more),
                entries,
            })
        })
    }
}

fn entry(row: &Row<'_>) -> Result<FeedbackEntry, StoreError> {
    let kind: String = row.get(6)?;
    Ok(FeedbackEntry {
        feedback: Feedback {
            id: row.get::<_, String>(1)?.into(),
            session_id: row.get::<_, String>(2)?.into(),
            user_id: row.get::<_, String>(3)?.into(),
            query_id: row.get::<_, String>(4)?.into(),
            response_id: row.get::<_, String>(5)?.into(),
            kind: FeedbackKind::parse(&kind).ok_or(StoreError::Value(kind))?,
            text: row.get(7)?,
            created_at: Time::from_millis(row.get(8)?),
        },
        question: row.get(9)?,
        answer: row.get(10)?,
    })
}
