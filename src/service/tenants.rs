//! Tenants: the walls that nothing crosses. The operator (an administrator of
//! the default tenant) makes, limits and deletes them.

use super::auth::DEFAULT_TENANT;
use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::store::{Store, Tenant, TenantLimits};
use crate::types::{PUBLIC_TENANT, TenantId};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Longest id and longest name, in characters.
const MAX_CHARS: usize = 64;

/// The limits of all tenants, at hand without asking the database.
pub(super) struct KnownLimits(RwLock<HashMap<TenantId, TenantLimits>>);

impl KnownLimits {
    pub(super) fn read(store: &Store) -> Result<Self, Fault> {
        let all = store.tenants()?.into_iter();
        Ok(Self(RwLock::new(
            all.map(|tenant| (tenant.id, tenant.limits)).collect(),
        )))
    }

    fn of(&self, tenant: &TenantId) -> TenantLimits {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(tenant).copied().unwrap_or_default()
    }

    fn set(&self, tenant: &TenantId, limits: Option<TenantLimits>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match limits {
            Some(limits) => known.insert(tenant.clone(), limits),
            None => known.remove(tenant),
        };
    }
}

/// What is to change of a tenant. Of a limit, the inner `None` takes it away.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    pub name: Option<String>,
    pub requests_per_minute: Option<Option<u32>>,
    pub disk_quota_bytes: Option<Option<u64>>,
}

impl Service {
    /// All tenants, oldest first.
    pub async fn tenants(&self, caller: &Caller) -> Result<Vec<Tenant>, Fault> {
        caller.require_operator()?;
        self.blocking(|inner| Ok(inner.store.tenants()?)).await
    }

    /// Makes a tenant; without an id it gets one.
    pub async fn create_tenant(
        &self,
        caller: &Caller,
        id: Option<&str>,
        name: &str,
        limits: TenantLimits,
    ) -> Result<Tenant, Fault> {
        caller.require_operator()?;
        let id = id.map_or_else(|| Ok(TenantId::generate()), valid_id)?;
        let name = valid_name(name)?;
        check_quota(limits.disk_quota_bytes)?;
        self.blocking(move |inner| {
            inner.store.insert_tenant(&id, &name, limits)?;
            inner.limits.set(&id, Some(limits));
            inner.tenant(&id)
        })
        .await
    }

    /// Renames a tenant or changes its limits.
    pub async fn update_tenant(
        &self,
        caller: &Caller,
        id: &TenantId,
        change: TenantChange,
    ) -> Result<Tenant, Fault> {
        caller.require_operator()?;
        let name = change.name.as_deref().map(valid_name).transpose()?;
        check_quota(change.disk_quota_bytes.flatten())?;
        let id = id.clone();
        self.blocking(move |inner| {
            let tenant = inner.tenant(&id)?;
            let old = tenant.limits;
            let limits = TenantLimits {
                requests_per_minute: change
                    .requests_per_minute
                    .unwrap_or(old.requests_per_minute),
                disk_quota_bytes: change.disk_quota_bytes.unwrap_or(old.disk_quota_bytes),
            };
            let name = name.unwrap_or(tenant.name);
            inner.store.update_tenant(&id, &name, limits)?;
            inner.limits.set(&id, Some(limits));
            inner.tenant(&id)
        })
        .await
    }

    /// Deletes a tenant with all that it has, users, chats, documents, so that
    /// nothing of it is left.
    pub async fn delete_tenant(&self, caller: &Caller, id: &TenantId) -> Result<(), Fault> {
        caller.require_operator()?;
        if [DEFAULT_TENANT, PUBLIC_TENANT].contains(&id.as_str()) {
            let message = format!("the tenant {:?} cannot be deleted", id.as_str());
            return Err(Fault::new(ErrorKind::Conflict, message));
        }
        let id = id.clone();
        self.blocking(move |inner| {
            inner.tenant(&id)?;
            inner.erase_tenant(&id)?;
            inner.limits.set(&id, None);
            Ok(())
        })
        .await
    }

    /// How many requests a minute a tenant may send; 0 for no limit.
    pub fn requests_per_minute(&self, tenant: &TenantId) -> u32 {
        let own = self.inner.limits.of(tenant).requests_per_minute;
        own.unwrap_or(self.inner.config.tenant_rate_limit)
    }
}

impl Inner {
    /// A tenant that there is.
    pub(super) fn tenant(&self, id: &TenantId) -> Result<Tenant, Fault> {
        let tenant = self.store.tenant(id)?;
        tenant.ok_or_else(|| Fault::not_found("the tenant does not exist"))
    }

    /// An error if the tenant may not keep `more` bytes beside what it has.
    pub(super) fn check_quota(&self, tenant: &TenantId, more: u64) -> Result<(), Fault> {
        let Some(quota) = self.limits.of(tenant).disk_quota_bytes else {
            return Ok(());
        };
        let used = self.store.tenant_bytes(tenant)?;
        if used.saturating_add(more) <= quota {
            return Ok(());
        }
        let message = format!(
            "the documents of your tenant take up {used} of the {quota} bytes that are allowed, \
             and this needs more than is left; delete some, or ask for more room"
        );
        Err(Fault::new(ErrorKind::TooLarge, message).coded("disk_quota"))
    }
}

fn valid_id(text: &str) -> Result<TenantId, Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match (1..=MAX_CHARS).contains(&text.len()) && text.chars().all(plain) {
        true => Ok(text.into()),
        false => {
            let message = format!("id: 1 to {MAX_CHARS} letters, digits or . _ - are allowed");
            Err(Fault::invalid(message).about("id"))
        }
    }
}

/// Largest quota: what clients that know one kind of number can still say.
const MAX_QUOTA: u64 = (1 << 53) - 1;

fn check_quota(bytes: Option<u64>) -> Result<(), Fault> {
    match bytes {
        Some(bytes) if bytes > MAX_QUOTA => {
            let message = format!("disk_quota_bytes: at most {MAX_QUOTA} is possible, not {bytes}");
            Err(Fault::invalid(message).about("disk_quota_bytes"))
        }
        _ => Ok(()),
    }
}

fn valid_name(text: &str) -> Result<String, Fault> {
    let name = text.trim();
    let printable = !name.chars().any(char::is_control);
    match (1..=MAX_CHARS).contains(&name.chars().count()) && printable {
        true => Ok(name.to_owned()),
        false => {
            let message = format!("name: 1 to {MAX_CHARS} printable characters are needed");
            Err(Fault::invalid(message).about("name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_QUOTA, check_quota};

    #[test]
    fn quota_that_cannot_be_stored_is_refused() {
        assert!(check_quota(None).is_ok() && check_quota(Some(MAX_QUOTA)).is_ok());
        assert!(check_quota(Some(u64::MAX)).is_err());
    }
}
