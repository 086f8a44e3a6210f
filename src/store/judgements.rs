//! Table `judgements`: which passages people say answer their questions, and
//! which questions the documents do not answer.

use super::{Store, StoreError};
use crate::types::{
    AnswerSummary, JudgedPassage, Judgement, JudgementId, MessageId, SessionId, TenantId, Time,
    UserId,
};
use rusqlite::{Row, params};

/// An answer of which people say what answers its question: they marked a
/// passage, or that there is none, or their last verdict on it is good.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedAnswer {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub answer_id: MessageId,
    pub question: String,
    pub answer: AnswerSummary,
    pub answered_at: Time,
}

impl Store {
    /// Stores a judgement. What was said already stays said as it was the first
    /// time: what is stored comes back. Its contrary is taken back: a marked
    /// passage, where none answers; that none does, where one is marked.
    pub fn insert_judgement(
        &self,
        tenant: &TenantId,
        judgement: &Judgement,
    ) -> Result<Judgement, StoreError> {
        let (passage, answer) = (judgement.passage.as_ref(), &judgement.answer_id);
        let document = passage.map(|one| one.document_id.as_str());
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM judgements WHERE (document_key IS NULL) = ?3 AND answer_key IN (
                     SELECT m.key FROM messages m JOIN sessions s ON s.key = m.session_key
                     WHERE s.tenant_id = ?1 AND m.id = ?2)",
                params![tenant.as_str(), answer.as_str(), passage.is_some()],
            )?;
            transaction
                .prepare_cached(
                    "INSERT INTO judgements (id, answer_key, document_key, page, start, end,
                     sha256, created_at)
                     SELECT ?1, m.key, x.key, ?5, ?6, ?7, ?8, ?9
                     FROM messages m JOIN sessions s ON s.key = m.session_key
                     LEFT JOIN documents x ON x.id = ?4
                     WHERE s.tenant_id = ?2 AND m.id = ?3 AND (?4 IS NULL OR x.key IS NOT NULL)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    judgement.id.as_str(),
                    tenant.as_str(),
                    answer.as_str(),
                    document,
                    passage.map(|one| one.page),
                    passage.map(|one| one.start),
                    passage.map(|one| one.end),
                    passage.map(|one| one.sha256.as_str()),
                    judgement.created_at.millis()
                ])?;
            Ok(())
        })?;
        let place = |one: &JudgedPassage| (one.document_id.clone(), one.page, one.start, one.end);
        let wanted = passage.map(place);
        let same = |other: &Judgement| other.passage.as_ref().map(place) == wanted;
        let mut stored = self.judgements(tenant, Some(answer))?.into_iter();
        stored
            .find(same)
            .ok_or(StoreError::Missing("the answer or the document"))
    }

    /// A tenant's judgements, or those for one answer, in order.
    pub fn judgements(
        &self,
        tenant: &TenantId,
        answer: Option<&MessageId>,
    ) -> Result<Vec<Judgement>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT j.id, m.id, s.user_id, x.id, d.id, x.filename, j.page, j.start, j.end,
                        j.sha256, j.created_at
                 FROM judgements j JOIN messages m ON m.key = j.answer_key
                 JOIN sessions s ON s.key = m.session_key
                 LEFT JOIN documents x ON x.key = j.document_key
                 LEFT JOIN datasets d ON d.key = x.dataset_key
                 WHERE s.tenant_id = ?1 AND (?2 IS NULL OR m.id = ?2) ORDER BY j.key",
            )?;
            let answer = answer.map(MessageId::as_str);
            let rows = statement.query_map(params![tenant.as_str(), answer], judgement)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Takes a judgement for an answer back.
    pub fn delete_judgement(
        &self,
        tenant: &TenantId,
        answer: &MessageId,
        id: &JudgementId,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let deleted = transaction.execute(
                "DELETE FROM judgements WHERE id = ?3 AND answer_key IN (
                     SELECT m.key FROM messages m JOIN sessions s ON s.key = m.session_key
                     WHERE s.tenant_id = ?1 AND m.id = ?2)",
                params![tenant.as_str(), answer.as_str(), id.as_str()],
            )?;
            match deleted {
                0 => Err(StoreError::Missing("the judgement")),
                _ => Ok(()),
            }
        })
    }

    /// The tenant's answers of which people say what answers their questions, in
    /// order. Those whose question or answer was deleted are left out.
    pub fn judged_answers(&self, tenant: &TenantId) -> Result<Vec<JudgedAnswer>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT s.id, s.user_id, m.id, q.content, m.answer, m.created_at
                 FROM messages m JOIN sessions s ON s.key = m.session_key
                 JOIN messages q ON q.key = m.parent_key
                 WHERE s.tenant_id = ?1 AND m.answer IS NOT NULL AND q.role = 'user'
                   AND m.deleted_at IS NULL AND q.deleted_at IS NULL
                   AND (EXISTS (SELECT 1 FROM judgements j WHERE j.answer_key = m.key)
                     OR (SELECT f.kind FROM feedback f
                         WHERE f.session_key = s.key AND f.response_id = m.id
                         ORDER BY f.key DESC LIMIT 1) = 'thumbs_up')
                 ORDER BY m.key",
            )?;
            let rows = statement.query_map([tenant.as_str()], |row| Ok(judged_answer(row)))?;
            rows.map(|row| row?).collect()
        })
    }
}

fn judgement(row: &Row<'_>) -> rusqlite::Result<Judgement> {
    Ok(Judgement {
        id: row.get::<_, String>(0)?.into(),
        answer_id: row.get::<_, String>(1)?.into(),
        user_id: row.get::<_, String>(2)?.into(),
        passage: match row.get::<_, Option<String>>(3)? {
            None => None,
            Some(document) => Some(JudgedPassage {
                document_id: document.into(),
                dataset_id: row.get::<_, String>(4)?.into(),
                filename: row.get(5)?,
                page: row.get(6)?,
                start: row.get(7)?,
                end: row.get(8)?,
                sha256: row.get(9)?,
            }),
        },
        created_at: Time::from_millis(row.get(10)?),
    })
}

fn judged_answer(row: &Row<'_>) -> Result<JudgedAnswer, StoreError> {
    let answer: String = row.get(4)?;
    Ok(JudgedAnswer {
        session_id: row.get::<_, String>(0)?.into(),
        user_id: row.get::<_, String>(1)?.into(),
        answer_id: row.get::<_, String>(2)?.into(),
        question: row.get(3)?,
        answer: serde_json::from_str(&answer)
            .map_err(|error| StoreError::Value(error.to_string()))?,
        answered_at: Time::from_millis(row.get(5)?),
    })
}
