//! The audit log: who did what to which object, when and from where. It holds
//! no text of a message and no secret. Must not decide what is worth a record:
//! the edge knows every request.

use super::auth::DEFAULT_TENANT;
use super::{Caller, Inner, Service};
use crate::error::Fault;
use crate::store::{AuditFilter, AuditRecord, StoredAuditRecord};
use crate::types::Time;
use std::sync::Arc;
use std::time::Duration;

/// Records that are kept at most.
const MOST_RECORDS: u64 = 1_000_000;

/// How often old records are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

impl Service {
    /// Adds a record. Of somebody whose account went with the request it says
    /// the id alone.
    pub async fn record(&self, record: AuditRecord) -> Result<(), Fault> {
        self.blocking(move |inner| Ok(inner.store.append_audit(&inner.without_gone(record)?)?))
            .await
    }

    /// The records of the caller's tenant, newest first. The operator also sees
    /// those of people who could not be told, as of failed sign-ins.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: AuditFilter,
    ) -> Result<Vec<StoredAuditRecord>, Fault> {
        caller.require_admin()?;
        let strays = caller.tenant_id.as_str() == DEFAULT_TENANT;
        let tenant = caller.tenant_id.clone();
        self.blocking(move |inner| Ok(inner.store.audit(&tenant, strays, &filter)?))
            .await
    }

    /// Deletes old records now and every hour, for as long as the service lives.
    pub(super) fn keep_audit_short(&self) {
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            while let Some(inner) = inner.upgrade() {
                let done = super::off_thread(move || inner.rotate_audit()).await;
                if let Err(error) = done {
                    tracing::warn!(%error, "old records of the audit log were not deleted");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }
}

impl Inner {
    fn without_gone(&self, mut record: AuditRecord) -> Result<AuditRecord, Fault> {
        if let Some(user) = &record.user_id
            && *user != Caller::visitor().user_id
            && self.store.user(user)?.is_none()
        {
            record.username = Some(user.to_string());
            (record.address, record.request_id) = (None, None);
        }
        Ok(record)
    }

    fn rotate_audit(&self) -> Result<(), Fault> {
        let days = i64::from(self.config.audit_days);
        let oldest = (days > 0).then(|| Time::now().plus_seconds(-days * 24 * 3600));
        let deleted = self.store.rotate_audit(oldest, MOST_RECORDS)?;
        if deleted > 0 {
            tracing::info!(deleted, "old records of the audit log were deleted");
        }
        Ok(())
    }
}
