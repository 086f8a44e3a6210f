//! Erasing what somebody has, so that nothing of it is left in the data folder:
//! rows, vectors, postings, originals, and the places on disk where they were.

use super::custody::{DataOf, Holder};
use super::{Caller, Inner, Service};
use crate::error::{Fault, Kind};
use crate::store::{StoreError, UserRole};
use crate::types::{Time, UserId, Viewer};

/// Set while an erasure is under way: one that was cut off is ended at the
/// next start.
const PENDING: &str = "erasure_pending";

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    pub sessions: usize,
    pub documents: usize,
    pub datasets: usize,
    /// Accounts, with their keys and sign-ins.
    pub users: usize,
}

impl Service {
    /// Erases all that somebody has. Takes as long as writing the database anew.
    ///
    /// With a user's data goes its account, unless it is the account of an
    /// administrator who erases its own data; with a tenant's data go all
    /// accounts but the caller's.
    pub async fn erase(&self, caller: &Caller, of: DataOf) -> Result<Erased, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let holder = inner.holder(&caller, &of)?;
            let now = Time::now().to_string();
            inner.store.set_setting(PENDING, &now)?;
            let erased = inner.erase_rows(&caller, &holder)?;
            inner.finish_erasure()?;
            Ok(erased)
        })
        .await
    }
}

impl Inner {
    fn erase_rows(&self, caller: &Caller, holder: &Holder) -> Result<Erased, Fault> {
        let Holder { tenant, user } = holder;
        let user = user.as_ref();
        let sessions = self.store.delete_sessions(tenant, user)?;
        self.history.clear();
        self.models.keep_nothing(&self.config)?;
        let documents = self.store.document_ids(tenant, user)?;
        self.jobs.pipeline().delete(tenant, &documents)?;
        let mut erased = Erased {
            sessions,
            documents: documents.len(),
            ..Erased::default()
        };
        match user {
            Some(user) => {
                let stays = *user == caller.user_id && caller.role == UserRole::Admin;
                erased.users = usize::from(!stays && self.erase_account(caller, user)?);
            }
            None => {
                for dataset in self.store.datasets(&Viewer::whole_tenant(tenant.clone()))? {
                    if !dataset.builtin && dataset.tenant_id == *tenant {
                        self.store.delete_dataset(tenant, &dataset.id)?;
                        erased.datasets += 1;
                    }
                }
                for user in self.store.users(tenant)? {
                    let other = user.id != caller.user_id;
                    erased.users += usize::from(other && self.erase_account(caller, &user.id)?);
                }
            }
        }
        Ok(erased)
    }

    /// Whether there was an account.
    fn erase_account(&self, caller: &Caller, user: &UserId) -> Result<bool, Fault> {
        match self.store.delete_user(&caller.tenant_id, user) {
            Ok(()) => Ok(true),
            // Somebody outside, whom a service named.
            Err(StoreError::Missing(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
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
