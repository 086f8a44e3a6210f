//! Erasing what somebody has, so that nothing of it is left in the data folder:
//! rows, vectors, postings, originals, and the places on disk where they were.

use super::custody::{DataOf, Holder};
use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault, Kind};
use crate::store::{StoreError, UserRole};
use crate::types::{TenantId, Time, UserId, Viewer, Visibility};
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

/// Set while an erasure is under way: one that was cut off is ended at the
/// next start.
const PENDING: &str = "erasure_pending";

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The id of the user, or of the tenant, whose data they were.
    pub whose: String,
    pub sessions: usize,
    pub documents: usize,
    pub datasets: usize,
    /// Accounts, with their keys and sign-ins.
    pub users: usize,
}

/// Whose data were erased when, since the start: what began to arrive before
/// that must not be stored after it.
#[derive(Debug, Default)]
pub(super) struct Erasures(HashMap<(TenantId, Option<UserId>), Instant>);

impl Erasures {
    fn note(&mut self, tenant: &TenantId, user: Option<&UserId>) {
        self.0
            .insert((tenant.clone(), user.cloned()), Instant::now());
    }

    /// An error if the caller's data, or all of its tenant, were erased since `began`.
    pub(super) fn check_since(&self, caller: &Caller, began: Instant) -> Result<(), Fault> {
        let tenant = &caller.tenant_id;
        let mut whose = [None, Some(&caller.user_id)].into_iter();
        let erased = |user: Option<&UserId>| {
            let when = self.0.get(&(tenant.clone(), user.cloned()));
            when.is_some_and(|when| *when >= began)
        };
        if !whose.any(erased) {
            return Ok(());
        }
        let message = "your data were erased while this arrived; send it again if it is to stay";
        Err(Fault::new(ErrorKind::Conflict, message))
    }
}

impl Service {
    /// Erases all that somebody has. Takes as long as writing the database anew.
    ///
    /// With a user's data goes its account, unless it is the account of an
    /// administrator who erases its own data; with a tenant's data go all
    /// accounts but the caller's. Records in the audit log stay: an id stands
    /// in them where the name stood.
    pub async fn erase(&self, caller: &Caller, of: DataOf) -> Result<Erased, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let holder = inner.holder(&caller, &of)?;
            // First, so that nobody brings back what is erased.
            inner.stop_watching_for(&holder.tenant, holder.user.as_ref())?;
            let now = Time::now().to_string();
            inner.store.set_setting(PENDING, &now)?;
            let mut filling = inner.filling();
            filling.note(&holder.tenant, holder.user.as_ref());
            let erased = inner.erase_rows(&caller, &holder)?;
            drop(filling);
            inner.finish_erasure()?;
            Ok(erased)
        })
        .await
    }
}

impl Inner {
    fn filling(&self) -> MutexGuard<'_, Erasures> {
        self.filling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn erase_rows(&self, caller: &Caller, holder: &Holder) -> Result<Erased, Fault> {
        let Holder { tenant, user } = holder;
        let user = user.as_ref();
        let sessions = self.store.delete_sessions(tenant, user)?;
        self.history.clear();
        self.models.keep_nothing(&self.config)?;
        let documents = self.store.document_ids(tenant, user)?;
        self.jobs.pipeline().delete(tenant, &documents)?;
        let mut erased = Erased {
            whose: user.map_or_else(|| tenant.to_string(), ToString::to_string),
            sessions,
            documents: documents.len(),
            datasets: 0,
            users: 0,
        };
        self.erase_datasets(holder, &mut erased)?;
        let stays = match user {
            Some(user) => {
                let stays = *user == caller.user_id && caller.role == UserRole::Admin;
                erased.users = usize::from(!stays && self.erase_account(tenant, user)?);
                stays
            }
            None => {
                for user in self.store.users(tenant)? {
                    let other = user.id != caller.user_id;
                    erased.users += usize::from(other && self.erase_account(tenant, &user.id)?);
                }
                true
            }
        };
        let keep = stays.then_some(&caller.user_id);
        self.store.forget_in_audit(tenant, user, keep)?;
        Ok(erased)
    }

    /// Of a tenant all datasets, of a user those that nobody else sees; what
    /// others see as well stays with them, and does not name the user.
    fn erase_datasets(&self, holder: &Holder, erased: &mut Erased) -> Result<(), Fault> {
        let Holder { tenant, user } = holder;
        for dataset in self.store.datasets(&Viewer::whole_tenant(tenant.clone()))? {
            if dataset.builtin || dataset.tenant_id != *tenant {
                continue;
            }
            let own = dataset.visibility == Visibility::Private && dataset.owner_id == *user;
            if user.is_some() && !own {
                continue;
            }
            let documents = self.documents_of(tenant, &dataset.id)?;
            self.jobs.pipeline().delete(tenant, &documents)?;
            self.store.delete_dataset(tenant, &dataset.id)?;
            erased.documents += documents.len();
            erased.datasets += 1;
        }
        if let Some(user) = user {
            self.store.disown_datasets(tenant, user)?;
            self.store.forget_in_versions(tenant, user)?;
        }
        Ok(())
    }

    /// Whether there was an account.
    fn erase_account(&self, tenant: &TenantId, user: &UserId) -> Result<bool, Fault> {
        if let Some(user) = self.store.user(user)? {
            self.lockout.forget(&user.username);
        }
        match self.store.delete_user(tenant, user) {
            Ok(()) => Ok(true),
            // Somebody outside, whom a service named.
            Err(StoreError::Missing(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Erases a tenant with all that it has. Its records in the audit log stay,
    /// without names.
    pub(super) fn erase_tenant(&self, tenant: &TenantId) -> Result<(), Fault> {
        let now = Time::now().to_string();
        self.store.set_setting(PENDING, &now)?;
        let mut filling = self.filling();
        filling.note(tenant, None);
        self.history.clear();
        self.models.keep_nothing(&self.config)?;
        let documents = self.store.document_ids(tenant, None)?;
        self.jobs.pipeline().delete(tenant, &documents)?;
        for user in self.store.users(tenant)? {
            self.erase_account(tenant, &user.id)?;
        }
        self.store.delete_tenant(tenant)?;
        self.store.forget_in_audit(tenant, None, None)?;
        drop(filling);
        self.finish_erasure()
    }

    fn finish_erasure(&self) -> Result<(), Fault> {
        self.jobs.pipeline().purge()?;
        Ok(self.store.remove_setting(PENDING)?)
    }

    /// Ends an erasure that was cut off. The rows that it did not reach are
    /// there still, and whoever asked for it got no answer.
    pub(super) fn resume_erasure(&self) -> Result<(), Fault> {
        if self.store.setting(PENDING)?.is_none() {
            return Ok(());
        }
        tracing::info!("ending an erasure that was cut off");
        if let Err(error) = self.finish_erasure() {
            tracing::error!(kind = ?error.kind(), %error, "the erasure is not ended; the next start tries again");
        }
        Ok(())
    }
}
