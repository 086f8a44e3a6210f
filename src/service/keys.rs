//! API keys: what programs sign in with where a token would run out. A key is
//! shown once, when it is made; its hash is kept.

use super::tokens::{random_token, token_hash, unauthorized};
use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::store::{ApiKey, NewApiKey, User};
use crate::types::{KeyId, TenantId, Time};

/// How every key begins, as clients of the public API expect.
const MARK: &str = "sk-";

/// Characters of a key that stay readable in lists.
const PREFIX_CHARS: usize = 11;

/// Longest name of a key, in characters.
const NAME_CHARS: usize = 64;

/// A key that was just made.
pub struct IssuedKey {
    /// Cannot be read again.
    pub secret: String,
    pub key: ApiKey,
}

/// Whether a bearer token is meant to be an API key.
pub(super) fn is_api_key(token: &str) -> bool {
    token.starts_with(MARK)
}

impl Service {
    /// The caller's keys; for an administrator those of the whole tenant, the
    /// own one or, for the operator, the one that is named.
    pub async fn api_keys(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<ApiKey>, Fault> {
        let (caller, tenant) = (caller.clone(), tenant.cloned());
        self.blocking(move |inner| {
            let tenant = inner.administered(&caller, tenant)?;
            let user = (!caller.is_admin()).then_some(&caller.user_id);
            Ok(inner.store.api_keys(&tenant, user)?)
        })
        .await
    }

    /// Makes a key for the caller, or, by an administrator, for another user.
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
        name: &str,
        username: Option<&str>,
    ) -> Result<IssuedKey, Fault> {
        let name = valid_name(name)?.to_owned();
        let (caller, username) = (caller.clone(), username.map(str::to_owned));
        let tenant = tenant.cloned();
        self.blocking(move |inner| {
            let tenant = inner.administered(&caller, tenant)?;
            let user = match username {
                None => inner.store.user(&caller.user_id)?,
                Some(name) => inner.store.user_by_name(&name)?,
            };
            let user = user
                .filter(|user| user.tenant_id == tenant)
                .filter(|user| user.id == caller.user_id || caller.is_admin())
                .ok_or_else(|| no_such_user(&caller))?;
            let secret = format!("{MARK}{}", random_token());
            let key = inner.store.insert_api_key(&NewApiKey {
                hash: &token_hash(&secret),
                prefix: &secret[..PREFIX_CHARS],
                name: &name,
                user: &user,
            })?;
            Ok(IssuedKey { secret, key })
        })
        .await
    }

    /// Ends a key of the caller, or, by an administrator, of anybody in the tenant.
    pub async fn delete_api_key(
        &self,
        caller: &Caller,
        tenant: Option<&TenantId>,
        id: &KeyId,
    ) -> Result<(), Fault> {
        let (caller, id, tenant) = (caller.clone(), id.clone(), tenant.cloned());
        self.blocking(move |inner| {
            let tenant = inner.administered(&caller, tenant)?;
            let user = (!caller.is_admin()).then_some(&caller.user_id);
            Ok(inner.store.delete_api_key(&tenant, user, &id)?)
        })
        .await
    }

    /// Whose key this is.
    pub(super) async fn authenticate_key(&self, key: &str) -> Result<Caller, Fault> {
        let hash = token_hash(key);
        self.blocking(move |inner| {
            let user = inner.store.user_of_api_key(&hash)?;
            let user = user.filter(|user| inner.is_vouched_for(user));
            user.as_ref().map(Caller::from).ok_or_else(unauthorized)
        })
        .await
    }
}

impl Inner {
    /// Whether a user's keys still work, and folders are followed in its name. That
    /// an outside issuer has removed somebody is not told to us: it shows in that
    /// no new token comes.
    pub(super) fn is_vouched_for(&self, user: &User) -> bool {
        let days = i64::from(self.config.outside_key_days);
        if user.issuer.is_none() || days == 0 {
            return true;
        }
        let end = user.vouched_at.map(|at| at.plus_seconds(days * 24 * 3600));
        end.is_some_and(|end| Time::now() < end)
    }
}

fn no_such_user(caller: &Caller) -> Fault {
    match caller.is_admin() {
        true => Fault::not_found("username: there is no such user").about("username"),
        false => Fault::new(
            ErrorKind::Forbidden,
            "only an administrator may make keys for others",
        ),
    }
}

fn valid_name(name: &str) -> Result<&str, Fault> {
    let name = name.trim();
    let printable = !name.chars().any(char::is_control);
    match (1..=NAME_CHARS).contains(&name.chars().count()) && printable {
        true => Ok(name),
        false => {
            let message = format!("name: 1 to {NAME_CHARS} printable characters are needed");
            Err(Fault::invalid(message).about("name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::valid_name;

    #[test]
    fn name_is_one_short_line() {
        assert_eq!(valid_name(" my editor ").unwrap(), "my editor");
        assert!(valid_name(" ").is_err());
        assert!(valid_name("two\nlines").is_err());
        assert!(valid_name(&"x".repeat(65)).is_err());
    }
}
