//! Whose data an export or an erasure is about.

use super::{Caller, Inner};
use crate::error::Fault;
use crate::types::{TenantId, UserId};

/// Whose data, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataOf {
    /// The caller's own.
    Caller,
    /// That of a user of the tenant, by id or name, or of somebody outside whom
    /// a service named; for administrators.
    User(String),
    /// All that the tenant has; for administrators.
    Tenant,
}

/// Whose data, found.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub(super) tenant: TenantId,
    /// `None`: the whole tenant.
    pub(super) user: Option<UserId>,
}

impl Inner {
    /// Finds out whose data is meant, and whether the caller may ask for it.
    pub(super) fn holder(&self, caller: &Caller, of: &DataOf) -> Result<Holder, Fault> {
        let tenant = caller.tenant_id.clone();
        let user = match of {
            DataOf::Caller => Some(caller.user_id.clone()),
            DataOf::Tenant => {
                caller.require_admin()?;
                None
            }
            DataOf::User(name) => {
                caller.require_admin()?;
                if name.trim().is_empty() {
                    return Err(Fault::invalid("user: it is empty").about("user"));
                }
                let named = self.store.user_by_name(name)?;
                let named = named.filter(|found| found.tenant_id == tenant);
                Some(match named {
                    Some(user) => user.id,
                    None => self.known_owner(&tenant, UserId::from(name.as_str()))?,
                })
            }
        };
        Ok(Holder { tenant, user })
    }

    /// A user by id, who need not have an account but must have something.
    fn known_owner(&self, tenant: &TenantId, id: UserId) -> Result<UserId, Fault> {
        let account = self.store.user(&id)?;
        let known = account.is_some_and(|user| user.tenant_id == *tenant)
            || !self.store.session_ids(tenant, Some(&id))?.is_empty()
            || !self.store.document_ids(tenant, Some(&id))?.is_empty();
        match known {
            true => Ok(id),
            false => Err(Fault::not_found(format!("there is no user {id}"))),
        }
    }
}
