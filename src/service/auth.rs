//! Who is there: signing in and out, passwords, and whose token it is.

use super::folder::DataFolder;
use super::keys::is_api_key;
use super::sign_ins::SignInOrigin;
use super::tokens::{Purpose, TokenSigner, random_token, token_hash, unauthorized};
use super::users::UserView;
use super::{Inner, Service, passwords};
use crate::config::Config;
use crate::error::{ErrorKind, Fault};
use crate::store::{Refresh, Store, User, UserRole};
use crate::types::{PUBLIC_TENANT, TenantId, Time, UserId, Viewer};
use subtle::ConstantTimeEq;

/// The tenant of a fresh instance.
pub const DEFAULT_TENANT: &str = "default";

/// The user of a fresh instance.
pub const FIRST_USER: &str = "admin";

/// What people who have not signed in are called, all of them.
const VISITOR: &str = "visitor";

/// Life of the token of a command, in seconds: long enough for a long ingestion.
pub(super) const COMMAND_TOKEN_SECONDS: u64 = 7 * 24 * 3600;

/// Life of a token printed by `satchel token`, in seconds.
const SCRIPT_TOKEN_SECONDS: u64 = 30 * 24 * 3600;

/// Who asks. Everything that a service method does is done in this name.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub username: String,
    pub role: UserRole,
    /// A command on this machine, which is not subject to the limit on requests.
    pub local: bool,
    /// The sign-in that the caller's token belongs to.
    pub sign_in: Option<String>,
}

impl Caller {
    /// Somebody who has not signed in: in the tenant of all of them, and with
    /// no right but to ask.
    pub fn visitor() -> Self {
        Self {
            tenant_id: PUBLIC_TENANT.into(),
            user_id: VISITOR.into(),
            username: VISITOR.to_owned(),
            role: UserRole::User,
            local: false,
            sign_in: None,
        }
    }

    /// Whether nobody knows who it is.
    pub fn is_visitor(&self) -> bool {
        self.tenant_id.as_str() == PUBLIC_TENANT
    }

    /// Whether the caller may administer the tenant.
    pub fn is_admin(&self) -> bool {
        self.role == UserRole::Admin
    }

    /// Whether the caller may administer the instance: its tenants and models.
    pub fn is_operator(&self) -> bool {
        self.is_admin() && self.tenant_id.as_str() == DEFAULT_TENANT
    }

    /// The eyes of the caller. An administrator sees all of the tenant.
    pub fn viewer(&self) -> Viewer {
        Viewer {
            tenant_id: self.tenant_id.clone(),
            user_id: (!self.is_admin()).then(|| self.user_id.clone()),
        }
    }

    /// An error unless the caller is an administrator of the default tenant.
    pub fn require_operator(&self) -> Result<(), Fault> {
        match self.is_operator() {
            true => Ok(()),
            false => Err(Fault::new(
                ErrorKind::Forbidden,
                "only an administrator of the tenant \"default\" may do this",
            )),
        }
    }

    /// An error unless the caller is an administrator.
    pub fn require_admin(&self) -> Result<(), Fault> {
        match self.is_admin() {
            true => Ok(()),
            false => Err(Fault::new(
                ErrorKind::Forbidden,
                "only an administrator may do this",
            )),
        }
    }
}

impl From<&User> for Caller {
    fn from(user: &User) -> Self {
        Self {
            tenant_id: user.tenant_id.clone(),
            user_id: user.id.clone(),
            username: user.username.clone(),
            role: user.role,
            local: false,
            sign_in: None,
        }
    }
}

/// A successful sign-in.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub access_token: String,
    /// Seconds that the access token is valid.
    pub expires_in: u64,
    pub refresh_token: String,
    /// Seconds that the refresh token is valid.
    pub refresh_expires_in: u64,
    pub user: UserView,
}

impl Service {
    /// Whether the first user has still to choose a password.
    pub async fn setup_required(&self) -> Result<bool, Fault> {
        self.blocking(|inner| Ok(inner.first_user()?.is_some()))
            .await
    }

    /// The one-time token of the first sign-in, while there is no password yet.
    pub async fn sign_in_link(&self) -> Result<Option<String>, Fault> {
        let link = self.inner.link.clone();
        Ok(self.setup_required().await?.then_some(link))
    }

    /// Signs in by name and password, unless too many wrong ones came before.
    pub async fn sign_in(
        &self,
        username: &str,
        password: &str,
        origin: &SignInOrigin,
    ) -> Result<SignIn, Fault> {
        let (username, password) = (username.to_owned(), password.to_owned());
        let origin = origin.clone();
        let _turn = self.inner.passwords.turn().await;
        self.blocking(move |inner| {
            let attempts = &inner.lockout;
            let allowed = attempts.attempt(Some(&username), origin.address);
            // That its own address has to wait tells the asker nothing of others.
            let allowed = match allowed {
                Err(wait) if wait.of_address => return Err(wait.into()),
                allowed => allowed,
            };
            // An unknown name and one that is locked cost as much time as a
            // wrong password.
            let user = inner.store.user_by_name(&username)?;
            let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
            let good = inner.passwords.is(&password, hash);
            allowed?;
            match user {
                Some(user) if good => {
                    attempts.forgive(Some(&username), origin.address);
                    inner.begin_sign_in(user, &origin)
                }
                _ => Err(Fault::new(
                    ErrorKind::Unauthorized,
                    "the user name or the password is wrong",
                )),
            }
        })
        .await
    }

    /// Signs the first user in by the link that was printed at the start.
    pub async fn sign_in_with_link(
        &self,
        token: &str,
        origin: &SignInOrigin,
    ) -> Result<SignIn, Fault> {
        let good: bool = token.as_bytes().ct_eq(self.inner.link.as_bytes()).into();
        let origin = origin.clone();
        self.blocking(move |inner| {
            inner.lockout.attempt(None, origin.address)?;
            match inner.first_user()? {
                Some(user) if good => {
                    inner.lockout.forgive(None, origin.address);
                    inner.begin_sign_in(user, &origin)
                }
                _ => Err(Fault::new(
                    ErrorKind::Unauthorized,
                    "this sign-in link is no longer valid; sign in with your password, \
                     or restart satchel for a new link if you have not set one",
                )),
            }
        })
        .await
    }

    /// A new access token for a sign-in; its refresh token is replaced.
    pub async fn refresh(&self, refresh_token: &str) -> Result<SignIn, Fault> {
        let old = token_hash(refresh_token);
        self.blocking(move |inner| {
            let new = random_token();
            let expires_at = inner.refresh_expiry();
            let hash = token_hash(&new);
            match inner.store.rotate_refresh_token(&old, &hash, expires_at)? {
                Refresh::Rotated { user, sign_in } => {
                    let user = inner.store.user(&user)?.ok_or_else(unauthorized)?;
                    inner.signed_in(user, new, &sign_in)
                }
                Refresh::Replayed => {
                    tracing::warn!("a spent refresh token was used again; its sign-in was ended");
                    Err(unauthorized())
                }
                Refresh::Unknown => Err(unauthorized()),
            }
        })
        .await
    }

    /// Ends a sign-in; whose it was.
    pub async fn sign_out(&self, refresh_token: &str) -> Result<Option<Caller>, Fault> {
        let hash = token_hash(refresh_token);
        self.blocking(move |inner| {
            let Some(id) = inner.store.end_sign_in(&hash)? else {
                return Ok(None);
            };
            let user = inner.store.user(&id)?;
            Ok(user.as_ref().map(Caller::from))
        })
        .await
    }

    /// Whom a user name means, for the record of an attempt to sign in.
    pub async fn named(&self, username: &str) -> Result<Option<Caller>, Fault> {
        let username = username.to_owned();
        self.blocking(move |inner| {
            let user = inner.store.user_by_name(&username)?;
            Ok(user.as_ref().map(Caller::from))
        })
        .await
    }

    /// Sets the caller's password, which ends all that the caller is signed in
    /// with. Whoever came with a sign-in gets a new one.
    pub async fn set_password(
        &self,
        caller: &Caller,
        current: Option<&str>,
        new: &str,
        origin: &SignInOrigin,
    ) -> Result<Option<SignIn>, Fault> {
        let (caller, current, new) = (
            caller.clone(),
            current.unwrap_or_default().to_owned(),
            new.to_owned(),
        );
        let origin = origin.clone();
        let _turn = self.inner.passwords.turn().await;
        self.blocking(move |inner| {
            let user = inner.store.user(&caller.user_id)?;
            let user = user.ok_or_else(unauthorized)?;
            if user.issuer.is_some() {
                let message = "you sign in elsewhere: your password is kept there";
                return Err(Fault::new(ErrorKind::Forbidden, message));
            }
            if let Some(hash) = &user.password_hash {
                // Guessing the present password is slowed down here as well.
                inner
                    .lockout
                    .attempt(Some(&user.username), origin.address)?;
                if !inner.passwords.is(&current, Some(hash)) {
                    let message = "the current password is wrong";
                    return Err(Fault::new(ErrorKind::Forbidden, message));
                }
                inner.lockout.forgive(Some(&user.username), origin.address);
            }
            inner
                .store
                .set_password_hash(&user.id, &passwords::hash(&new)?)?;
            match (caller.sign_in, inner.store.user(&user.id)?) {
                (Some(_), Some(user)) => inner.begin_sign_in(user, &origin).map(Some),
                _ => Ok(None),
            }
        })
        .await
    }

    /// How many passwords were checked since the start.
    pub fn password_checks(&self) -> u64 {
        self.inner.passwords.checks()
    }

    /// The caller's own record.
    pub async fn me(&self, caller: &Caller) -> Result<UserView, Fault> {
        let id = caller.user_id.clone();
        self.blocking(move |inner| {
            let user = inner.store.user(&id)?.ok_or_else(unauthorized)?;
            Ok(user.into())
        })
        .await
    }

    /// Who an access token or an API key belongs to; the user must still exist.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, Fault> {
        if is_api_key(token) {
            return self.authenticate_key(token).await;
        }
        if let Some(caller) = self.authenticate_outside(token).await {
            return caller;
        }
        let bearer = self.inner.signer.check(token)?;
        self.blocking(move |inner| {
            let sign_in = bearer.sign_in.as_deref();
            let user = inner.store.signed_in_user(&bearer.user_id, sign_in)?;
            user.filter(|user| user.tenant_id == bearer.tenant_id)
                .filter(|user| user.generation == bearer.generation)
                .map(|user| Caller {
                    local: bearer.local,
                    sign_in: bearer.sign_in,
                    ..Caller::from(&user)
                })
                .ok_or_else(unauthorized)
        })
        .await
    }

    /// A long-lived access token for scripts; without a name, for the first administrator.
    pub async fn access_token_for(&self, username: Option<&str>) -> Result<String, Fault> {
        let name = username.map(str::to_owned);
        self.blocking(move |inner| {
            let user = user_named(&inner.store, name.as_deref())?;
            let purpose = Purpose::Access;
            inner
                .signer
                .issue(&user, SCRIPT_TOKEN_SECONDS, purpose, None)
        })
        .await
    }
}

/// An access token with which a command on this machine speaks to the process
/// that owns the data folder. It is made from the folder's own secret, so only
/// who may read the folder can make one.
pub fn command_token(config: &Config, username: Option<&str>) -> Result<String, Fault> {
    token_from_folder(config, username, COMMAND_TOKEN_SECONDS, Purpose::Command)
}

/// An access token for scripts, made without the process that owns the folder.
pub fn script_token(config: &Config, username: Option<&str>) -> Result<String, Fault> {
    token_from_folder(config, username, SCRIPT_TOKEN_SECONDS, Purpose::Access)
}

fn token_from_folder(
    config: &Config,
    username: Option<&str>,
    seconds: u64,
    purpose: Purpose,
) -> Result<String, Fault> {
    let secret = DataFolder::secret_of(&config.data_dir).map_err(|error| {
        let folder = config.data_dir.display();
        let message = format!("the secret of the data folder {folder} cannot be read: {error}");
        Fault::new(ErrorKind::Storage, message)
    })?;
    let store = Store::open(&config.database())?;
    let user = user_named(&store, username)?;
    TokenSigner::new(&secret).issue(&user, seconds, purpose, None)
}

/// The user of this name, or the first administrator.
fn user_named(store: &Store, username: Option<&str>) -> Result<User, Fault> {
    match username {
        Some(name) => store
            .user_by_name(name)?
            .ok_or_else(|| Fault::not_found(format!("there is no user {name:?}"))),
        None => store
            .users(&TenantId::from(DEFAULT_TENANT))?
            .into_iter()
            .filter(|user| user.role == UserRole::Admin)
            .min_by_key(|user| user.created_at)
            .ok_or_else(|| Fault::not_found("there is no administrator")),
    }
}

impl Inner {
    /// The first user, while it has no password.
    fn first_user(&self) -> Result<Option<User>, Fault> {
        let user = self.store.user_by_name(FIRST_USER)?;
        Ok(user
            .filter(|user| user.password_hash.is_none() && user.issuer.is_none())
            .filter(|user| Caller::from(user).is_operator()))
    }

    fn refresh_expiry(&self) -> Time {
        Time::now().plus_seconds(self.refresh_seconds() as i64)
    }

    fn refresh_seconds(&self) -> u64 {
        u64::from(self.config.refresh_token_days) * 24 * 3600
    }

    fn begin_sign_in(&self, user: User, origin: &SignInOrigin) -> Result<SignIn, Fault> {
        let (refresh_token, sign_in) = (random_token(), random_token());
        self.store.insert_refresh_token(
            &token_hash(&refresh_token),
            &sign_in,
            &user.id,
            self.refresh_expiry(),
            &origin.stored(),
        )?;
        self.signed_in(user, refresh_token, &sign_in)
    }

    fn signed_in(&self, user: User, refresh_token: String, sign_in: &str) -> Result<SignIn, Fault> {
        let expires_in = u64::from(self.config.access_token_minutes) * 60;
        let purpose = Purpose::Access;
        let access_token = self
            .signer
            .issue(&user, expires_in, purpose, Some(sign_in))?;
        Ok(SignIn {
            access_token,
            expires_in,
            refresh_token,
            refresh_expires_in: self.refresh_seconds(),
            user: user.into(),
        })
    }
}

/// Longest user name, in characters.
pub(super) const MAX_NAME_CHARS: usize = 64;

/// Whether a user name may have this character.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || "._@+-".contains(c)
}

pub(super) fn valid_username(name: &str) -> Result<&str, Fault> {
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    match fits && name.chars().all(is_name_char) {
        true => Ok(name),
        false => Err(Fault::invalid(
            "username: 1 to 64 letters, digits or . _ @ + - are allowed",
        )),
    }
}
