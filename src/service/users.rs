//! The users of a tenant: listing, making, changing, deleting. An administrator
//! does this in the own tenant, the operator in any that is named.

use super::auth::{hash_password, valid_username};
use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::store::{NewUser, User, UserRole};
use crate::types::{TenantId, Time, UserId};

/// A user without its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct UserView {
    pub id: UserId,
    pub tenant_id: TenantId,
    pub username: String,
    pub role: UserRole,
    pub created_at: Time,
    pub password_set: bool,
    /// The outside issuer that vouches for the user.
    pub issuer: Option<String>,
    /// When it was active last, where that was looked up.
    pub last_seen: Option<Time>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            tenant_id: user.tenant_id,
            username: user.username,
            role: user.role,
            created_at: user.created_at,
            password_set: user.password_hash.is_some(),
            issuer: user.issuer,
            last_seen: None,
        }
    }
}

/// What is to change of a user.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    pub role: Option<UserRole>,
    pub password: Option<String>,
}

impl Service {
    /// All users of a tenant; of the caller's if none is named.
    pub async fn users(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<UserView>, Fault> {
        self.in_tenant(caller, tenant, |inner, tenant| {
            let seen = inner.store.last_seen(tenant)?;
            let users = inner.store.users(tenant)?.into_iter();
            Ok(users
                .map(|user| UserView {
                    last_seen: seen.get(&user.id).copied(),
                    ..user.into()
                })
                .collect())
        })
        .await
    }

    /// Makes a user in a tenant; in the caller's if none is named.
    pub async fn create_user(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
        username: &str,
        password: &str,
        role: UserRole,
    ) -> Result<UserView, Fault> {
        caller.require_admin()?;
        let username = valid_username(username)?.to_owned();
        let password = password.to_owned();
        self.in_tenant(caller, tenant, move |inner, tenant| {
            let hash = hash_password(&password)?;
            let user = inner.store.insert_user(&NewUser {
                tenant_id: tenant,
                username: &username,
                password_hash: Some(&hash),
                role,
            })?;
            Ok(user.into())
        })
        .await
    }

    /// Gives a user another role or password, which ends all that the user is
    /// signed in with.
    pub async fn update_user(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
        id: &UserId,
        change: UserChange,
    ) -> Result<UserView, Fault> {
        let (own, id) = (caller.user_id.clone(), id.clone());
        self.in_tenant(caller, tenant, move |inner, tenant| {
            let user = inner.user_of(tenant, &id)?;
            if id == own && change.role.is_some_and(|role| role != user.role) {
                let message = "you cannot change your own role: let another administrator do it";
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            if user.issuer.is_some() {
                let message = "this user signs in elsewhere: role and password come from there";
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            let hash = change.password.as_deref().map(hash_password).transpose()?;
            if let Some(role) = change.role.filter(|role| *role != user.role) {
                inner.store.set_role(tenant, &id, role)?;
            }
            if let Some(hash) = hash {
                inner.store.set_password_hash(&id, &hash)?;
            }
            inner.user_of(tenant, &id).map(UserView::from)
        })
        .await
    }

    /// Deletes a user with its chats; its tokens and keys end at once.
    pub async fn delete_user(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
        id: &UserId,
    ) -> Result<(), Fault> {
        caller.require_admin()?;
        if *id == caller.user_id {
            let message = "you cannot delete yourself: let another administrator do it";
            return Err(Fault::new(ErrorKind::Conflict, message));
        }
        let id = id.clone();
        self.in_tenant(caller, tenant, move |inner, tenant| {
            Ok(inner.store.delete_user(tenant, &id)?)
        })
        .await
    }

    /// Ends all that a user is signed in with; API keys go on.
    pub async fn end_sign_ins_of(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
        id: &UserId,
    ) -> Result<(), Fault> {
        let id = id.clone();
        self.in_tenant(caller, tenant, move |inner, tenant| {
            let user = inner.user_of(tenant, &id)?;
            Ok(inner.store.end_all_sign_ins(&user.id)?)
        })
        .await
    }

    /// Runs `work` on the tenant that the caller may administer: the own one,
    /// or, by the operator, the one that is named.
    pub(super) async fn in_tenant<T: Send + 'static>(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
        work: impl FnOnce(&Inner, &TenantId) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        caller.require_admin()?;
        let (caller, tenant) = (caller.clone(), tenant.cloned());
        self.blocking(move |inner| {
            let tenant = inner.administered(&caller, tenant)?;
            work(inner, &tenant)
        })
        .await
    }
}

impl Inner {
    /// The caller's tenant, or, for the operator, the one that is named.
    pub(super) fn administered(
        &self,
        caller: &Caller,
        named: Option<TenantId>,
    ) -> Result<TenantId, Fault> {
        match named {
            None => Ok(caller.tenant_id.clone()),
            Some(named) if named == caller.tenant_id => Ok(named),
            Some(named) if caller.is_operator() => self.tenant(&named).map(|tenant| tenant.id),
            Some(_) => Err(Fault::not_found("the tenant does not exist")),
        }
    }

    fn user_of(&self, tenant: &TenantId, id: &UserId) -> Result<User, Fault> {
        let user = self.store.user(id)?;
        user.filter(|user| user.tenant_id == *tenant)
            .ok_or_else(|| Fault::not_found("the user does not exist"))
    }
}
