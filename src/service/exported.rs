//! What an archive says of people and of what they have: accounts, keys,
//! sign-ins, feedback, judgements, datasets, records of the audit log. Holds no
//! secret and no hash of one.

use super::Inner;
use super::custody::Holder;
use super::export::{Zip, add_json};
use crate::error::Fault;
use crate::store::{
    ApiKey, AuditFilter, FeedbackFilter, StoredAuditRecord, StoredSignIn, Tenant, User,
};
use crate::types::{
    AnswerRecord, Dataset, Document, DocumentVersion, Feedback, Judgement, Message, MessageId,
    Session, Time, Viewer,
};
use serde_json::{Value, json};

/// Rows that are read at a time.
const PAGE: usize = 1000;

impl Inner {
    /// Writes all that is neither a conversation nor a document.
    pub(super) fn export_people(&self, zip: &mut Zip, holder: &Holder) -> Result<(), Fault> {
        let Holder { tenant, user } = holder;
        if user.is_none()
            && let Some(tenant) = self.store.tenant(tenant)?
        {
            add_json(zip, "tenant.json", &tenant_json(&tenant))?;
        }
        let mut users = self.store.users(tenant)?;
        users.retain(|one| user.as_ref().is_none_or(|user| one.id == *user));
        let accounts: Vec<Value> = users.iter().map(user_json).collect();
        add_json(zip, "users.json", &json!(accounts))?;
        let keys = self.store.api_keys(tenant, user.as_ref())?;
        let keys: Vec<Value> = keys.iter().map(key_json).collect();
        add_json(zip, "api_keys.json", &json!(keys))?;
        let mut sign_ins = Vec::new();
        for one in &users {
            let own = self.store.sign_ins(&one.id)?;
            sign_ins.extend(own.iter().map(|sign_in| sign_in_json(one, sign_in)));
        }
        add_json(zip, "sign_ins.json", &json!(sign_ins))?;
        let mut datasets = self.store.datasets(&Viewer::whole_tenant(tenant.clone()))?;
        datasets.retain(|one| one.tenant_id == *tenant);
        datasets.retain(|one| user.is_none() || one.owner_id == *user);
        let datasets: Vec<Value> = datasets.iter().map(dataset_json).collect();
        add_json(zip, "datasets.json", &json!(datasets))?;
        add_json(zip, "feedback.json", &json!(self.all_feedback(holder)?))?;
        let mut judgements = self.store.judgements(tenant, None)?;
        judgements.retain(|one| user.as_ref().is_none_or(|user| one.user_id == *user));
        let judgements: Vec<Value> = judgements.iter().map(judgement_json).collect();
        add_json(zip, "judgements.json", &json!(judgements))?;
        add_json(zip, "audit.json", &json!(self.all_records(holder)?))
    }

    fn all_feedback(&self, holder: &Holder) -> Result<Vec<Value>, Fault> {
        let Holder { tenant, user } = holder;
        let mut all = Vec::new();
        let mut filter = FeedbackFilter {
            kind: None,
            after: None,
            limit: PAGE,
        };
        loop {
            let page = self.store.feedback(tenant, &filter)?;
            let own = page.entries.iter().map(|entry| &entry.feedback);
            let own = own.filter(|one| user.as_ref().is_none_or(|user| one.user_id == *user));
            all.extend(own.map(feedback_json));
            filter.after = page.next;
            if filter.after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Newest first.
    fn all_records(&self, holder: &Holder) -> Result<Vec<Value>, Fault> {
        let Holder { tenant, user } = holder;
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let filter = AuditFilter {
                user: user.as_ref().map(ToString::to_string),
                before,
                limit: PAGE,
                ..AuditFilter::default()
            };
            let page = self.store.audit(tenant, false, &filter)?;
            all.extend(page.iter().map(record_json));
            before = page.last().map(|last| last.key);
            if page.len() < PAGE {
                return Ok(all);
            }
        }
    }
}

fn text(time: Time) -> String {
    time.to_string()
}

fn tenant_json(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.id,
        "name": tenant.name,
        "requests_per_minute": tenant.limits.requests_per_minute,
        "disk_quota_bytes": tenant.limits.disk_quota_bytes,
        "created_at": text(tenant.created_at),
    })
}

fn user_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "role": user.role.as_str(),
        "issuer": user.issuer,
        "created_at": text(user.created_at),
    })
}

fn key_json(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "user_id": key.user_id,
        "name": key.name,
        "prefix": key.prefix,
        "created_at": text(key.created_at),
        "used_at": key.used_at.map(text),
    })
}

fn sign_in_json(user: &User, sign_in: &StoredSignIn) -> Value {
    json!({
        "user_id": user.id,
        "started_at": text(sign_in.started_at),
        "used_at": text(sign_in.used_at),
        "expires_at": text(sign_in.expires_at),
        "address": sign_in.address,
        "client": sign_in.client,
    })
}

fn dataset_json(dataset: &Dataset) -> Value {
    json!({
        "id": dataset.id,
        "name": dataset.name,
        "description": dataset.description,
        "owner_id": dataset.owner_id,
        "visibility": dataset.visibility.as_str(),
        "created_at": text(dataset.created_at),
    })
}

fn feedback_json(feedback: &Feedback) -> Value {
    json!({
        "id": feedback.id,
        "user_id": feedback.user_id,
        "session_id": feedback.session_id,
        "query_id": feedback.query_id,
        "response_id": feedback.response_id,
        "kind": feedback.kind.as_str(),
        "text": feedback.text,
        "created_at": text(feedback.created_at),
    })
}

fn judgement_json(judgement: &Judgement) -> Value {
    let passage = judgement.passage.as_ref();
    json!({
        "id": judgement.id,
        "user_id": judgement.user_id,
        "answer_id": judgement.answer_id,
        "unanswerable": passage.is_none(),
        "document_id": passage.map(|one| &one.document_id),
        "page": passage.map(|one| one.page),
        "start": passage.map(|one| one.start),
        "end": passage.map(|one| one.end),
        "sha256": passage.map(|one| &one.sha256),
        "created_at": text(judgement.created_at),
    })
}

fn record_json(stored: &StoredAuditRecord) -> Value {
    let record = &stored.record;
    json!({
        "at": text(stored.at),
        "user_id": record.user_id,
        "username": record.username,
        "action": record.action,
        "object": record.object,
        "outcome": record.outcome.as_str(),
        "address": record.address,
        "request_id": record.request_id,
    })
}

pub(super) fn session_json(session: &Session, messages: &[Message]) -> Value {
    let messages: Vec<_> = messages
        .iter()
        .map(|message| {
            json!({
                "id": message.id,
                "role": message.role.as_str(),
                "content": message.content,
                "metadata": message.metadata,
                "created_at": message.created_at.to_string(),
                "deleted_at": message.deleted_at.map(|time| time.to_string()),
                "answer": message.answer,
            })
        })
        .collect();
    json!({
        "id": session.id,
        "uuid": session.uuid,
        "user_id": session.user_id,
        "external_user_id": session.external_user_id,
        "agent_id": session.agent_id,
        "title": session.title,
        "system_prompt": session.system_prompt,
        "status": session.status.as_str(),
        "pinned": session.pinned,
        "search": session.search,
        "metadata": session.metadata,
        "created_at": session.created_at.to_string(),
        "updated_at": session.updated_at.to_string(),
        "expires_at": session.expires_at.map(|time| time.to_string()),
        "messages": messages,
    })
}

/// How the answers of a conversation came about.
pub(super) fn records_json(records: &[(MessageId, AnswerRecord)]) -> Value {
    let records = records.iter();
    let records = records.map(|(id, record)| json!({"answer_id": id, "record": record}));
    records.collect()
}

pub(super) fn document_json(document: &Document, versions: &[DocumentVersion]) -> Value {
    let versions: Vec<Value> = versions.iter().map(version_json).collect();
    json!({
        "id": document.id,
        "external_id": document.external_id,
        "dataset_id": document.dataset_id,
        "user_id": document.user_id,
        "filename": document.filename,
        "file_type": document.file_type,
        "bytes": document.bytes,
        "sha256": document.sha256,
        "status": document.status.as_str(),
        "error": document.error,
        "pages": document.pages,
        "language": document.language,
        "metadata": document.metadata,
        "created_at": document.created_at.to_string(),
        "updated_at": document.updated_at.to_string(),
        "versions": versions,
    })
}

fn version_json(version: &DocumentVersion) -> Value {
    json!({
        "number": version.number,
        "filename": version.filename,
        "bytes": version.bytes,
        "sha256": version.sha256,
        "pages": version.pages,
        "chunks": version.chunks,
        "user_id": version.user_id,
        "since": text(version.since),
        "until": version.until.map(text),
    })
}
