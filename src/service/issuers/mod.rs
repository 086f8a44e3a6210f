//! Tokens of outside issuers: RS256 or ES256, with the claims that Cognito
//! uses. Whatever is wrong with a token, its bearer hears one and the same;
//! the log tells more. Must not look at tokens of this instance.

mod keys;

use super::tokens::{token_hash, unauthorized};
use super::{Caller, Inner, Service, auth, tokens};
use crate::config::Issuer;
use crate::error::{ErrorKind, Fault, Kind};
use crate::store::{Subject, User, UserRole};
use crate::types::{TenantId, Time};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use keys::{KeySet, Source};
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use ureq::http::Uri;

/// Seconds by which the clocks of an issuer and of this machine may differ.
const LEEWAY: u64 = 5;

/// How exact the time is at which an issuer last vouched for somebody: not every
/// request is a write.
const VOUCHED_SECONDS: i64 = 3600;

/// Longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// The claims that are read, as Cognito names them.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    /// Seconds, and for some issuers a fraction of one.
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    aud: Option<Texts>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    token_use: Option<String>,
    #[serde(rename = "custom:tenant_id", default)]
    custom_tenant_id: Option<String>,
    #[serde(default)]
    tenant_id: Option<String>,
    #[serde(rename = "cognito:groups", default)]
    groups: Option<Texts>,
    #[serde(rename = "cognito:username", default)]
    cognito_username: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn any(&self, wanted: &[String]) -> bool {
        match self {
            Self::One(text) => wanted.contains(text),
            Self::Many(texts) => texts.iter().any(|text| wanted.contains(text)),
        }
    }
}

/// One outside issuer.
struct Outside {
    settings: Issuer,
    keys: Arc<KeySet>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Issuers(Vec<Arc<Outside>>);

/// Whom a good token names.
#[derive(Debug)]
struct Named {
    issuer: String,
    subject: String,
    tenant_id: TenantId,
    /// What people call the user.
    username: String,
    role: UserRole,
    /// When the token was made, in Unix seconds.
    issued_at: Option<i64>,
}

impl Issuers {
    /// Those of the settings; an error names what is wrong with them.
    pub(super) fn new(settings: &[Issuer]) -> Result<Self, Fault> {
        let mut all: Vec<Arc<Outside>> = Vec::with_capacity(settings.len());
        for one in settings {
            let source = source(one)?;
            if all.iter().any(|other| other.settings.issuer == one.issuer) {
                return Err(wrong(one, "it is there twice"));
            }
            let pace = source.pace();
            all.push(Arc::new(Outside {
                settings: one.clone(),
                keys: Arc::new(KeySet::new(source, pace)),
            }));
        }
        Ok(Self(all))
    }

    /// The issuer that a token claims to come from, if it is one of these.
    fn of(&self, token: &str) -> Option<Arc<Outside>> {
        #[derive(Deserialize)]
        struct Source {
            iss: String,
        }
        if self.0.is_empty() || token.len() > LONGEST_TOKEN {
            return None;
        }
        let claimed: Source = tokens::unchecked_claims(token)?;
        let found = self.0.iter().find(|one| one.settings.issuer == claimed.iss);
        found.cloned()
    }
}

impl Outside {
    /// Whom the token names; an error says what is wrong with it, for the log.
    async fn check(&self, token: &str) -> Result<Named, String> {
        let header = decode_header(token).map_err(|error| format!("its header: {error}"))?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(format!("it is signed by {:?}", header.alg));
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await;
        let key = key.ok_or_else(|| format!("its key {:?} is not known", header.kid))?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.validate_nbf = true;
        // Cognito's access tokens have a client_id instead of an audience.
        validation.validate_aud = false;
        validation.leeway = LEEWAY;
        let claims: Claims = decode(token, &key, &validation)
            .map_err(|error| error.to_string())?
            .claims;
        self.named(claims)
    }

    fn named(&self, claims: Claims) -> Result<Named, String> {
        let wanted = &self.settings.audience;
        let audience = claims.aud.as_ref().is_some_and(|aud| aud.any(wanted));
        let client = claims
            .client_id
            .as_ref()
            .is_some_and(|id| wanted.contains(id));
        let for_us = match claims.token_use.as_deref() {
            Some("access") => audience || client,
            Some("id") | None => audience,
            Some(other) => return Err(format!("its use is {other:?}")),
        };
        if !for_us {
            return Err("it is for another audience".to_owned());
        }
        let issued_at = claims.iat.map(|seconds| seconds as i64);
        let now = Time::now().seconds();
        if issued_at.is_some_and(|at| at > now.saturating_add_unsigned(LEEWAY)) {
            return Err("it was made in the future".to_owned());
        }
        if claims.sub.is_empty() {
            return Err("it names nobody".to_owned());
        }
        Ok(Named {
            tenant_id: self.tenant(&claims)?.into(),
            role: self.role(claims.groups.as_ref()),
            username: name_of(&claims),
            issuer: self.settings.issuer.clone(),
            subject: claims.sub,
            issued_at,
        })
    }

    /// The tenant of the settings, which the token must not contradict, or the token's.
    fn tenant(&self, claims: &Claims) -> Result<String, String> {
        let named = [
            self.settings.tenant.as_ref(),
            claims.custom_tenant_id.as_ref(),
            claims.tenant_id.as_ref(),
        ];
        let mut named = named.into_iter().flatten();
        let first = named.next().ok_or("it names no tenant")?;
        match named.all(|other| other == first) {
            true => Ok(first.clone()),
            false => Err("it names another tenant".to_owned()),
        }
    }

    fn role(&self, groups: Option<&Texts>) -> UserRole {
        let in_one_of = |wanted: &[String]| groups.is_some_and(|groups| groups.any(wanted));
        if in_one_of(&self.settings.admin_groups) {
            UserRole::Admin
        } else if in_one_of(&self.settings.service_groups) {
            UserRole::Service
        } else {
            UserRole::User
        }
    }
}

/// What the token calls its bearer, in characters that a user name may have.
fn name_of(claims: &Claims) -> String {
    let names = [
        &claims.cognito_username,
        &claims.username,
        &claims.preferred_username,
        &claims.email,
    ];
    let name = names.into_iter().flatten().find(|name| !name.is_empty());
    let name = name.unwrap_or(&claims.sub).chars();
    let plain = name.map(|c| if auth::is_name_char(c) { c } else { '_' });
    plain.take(auth::MAX_NAME_CHARS).collect()
}

impl Service {
    /// The caller, if the token claims to come from an outside issuer that is known.
    pub(super) async fn authenticate_outside(&self, token: &str) -> Option<Result<Caller, Fault>> {
        let issuer = self.inner.issuers.of(token)?;
        let named = match issuer.check(token).await {
            Ok(named) => named,
            Err(reason) => {
                let issuer = &issuer.settings.issuer;
                tracing::info!(%issuer, %reason, "a token was refused");
                return Some(Err(unauthorized()));
            }
        };
        Some(
            self.blocking(move |inner| inner.outside_caller(&named))
                .await,
        )
    }
}

impl Inner {
    /// The user that a token names: made when it is seen first, in a tenant
    /// that there must be.
    fn outside_caller(&self, named: &Named) -> Result<Caller, Fault> {
        let subject = Subject {
            issuer: &named.issuer,
            subject: &named.subject,
            tenant_id: &named.tenant_id,
        };
        let user = match self.store.outside_user(&subject)? {
            Some(user) => user,
            None => self.provision(named, &subject)?,
        };
        if named.issued_at.is_none_or(|at| at < user.valid_after) && user.valid_after > 0 {
            return Err(unauthorized());
        }
        let seen = user.vouched_at.map(|at| at.plus_seconds(VOUCHED_SECONDS));
        if seen.is_none_or(|again| again <= Time::now()) {
            self.store.note_vouched(&user.id)?;
        }
        if user.role != named.role {
            self.store.note_role(&user.id, named.role)?;
        }
        Ok(Caller {
            role: named.role,
            ..Caller::from(&user)
        })
    }

    fn provision(&self, named: &Named, subject: &Subject<'_>) -> Result<User, Fault> {
        if self.store.tenant(&named.tenant_id)?.is_none() {
            let (issuer, tenant) = (&named.issuer, named.tenant_id.as_str());
            tracing::info!(%issuer, tenant, "a token was refused: there is no such tenant");
            return Err(unauthorized());
        }
        let deleted = self.store.subject_deleted_at(subject)?;
        if deleted.is_some_and(|then| named.issued_at.is_none_or(|at| at <= then)) {
            return Err(unauthorized());
        }
        let longer = longer_name(named);
        let mut refused = None;
        for name in [&named.username, &longer] {
            match self.store.insert_outside_user(name, named.role, subject) {
                Ok(user) => return Ok(user),
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    // Another request with the same token may have been faster.
                    if let Some(user) = self.store.outside_user(subject)? {
                        return Ok(user);
                    }
                    refused = Some(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refused.map_or_else(unauthorized, Into::into))
    }
}

/// A name for a user whose own is taken.
fn longer_name(named: &Named) -> String {
    let whole = format!("{}\n{}\n{}", named.issuer, named.subject, named.tenant_id);
    let end = &tokens::hex(&token_hash(&whole))[..12];
    let room = auth::MAX_NAME_CHARS - end.len() - 1;
    let start: String = named.username.chars().take(room).collect();
    format!("{start}.{end}")
}

/// Where an issuer's keys are.
fn source(settings: &Issuer) -> Result<Source, Fault> {
    if settings.issuer.is_empty() || settings.issuer == tokens::ISSUER {
        return Err(wrong(settings, "its name cannot be used"));
    }
    if settings.audience.iter().all(String::is_empty) {
        return Err(wrong(settings, "it needs an audience"));
    }
    match (&settings.jwks_file, &settings.jwks_url) {
        (Some(path), None) => Ok(Source::File(path.clone())),
        (None, Some(url)) if is_safe(url) => Ok(Source::Url(url.clone())),
        (None, Some(_)) => {
            let what = "jwks-url must begin with https:// (http:// for this machine alone)";
            Err(wrong(settings, what))
        }
        _ => Err(wrong(settings, "it needs either jwks-file or jwks-url")),
    }
}

/// Whether nobody between can change what comes from `url`.
fn is_safe(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else {
        return false;
    };
    let host = url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => here,
        _ => false,
    }
}

fn wrong(settings: &Issuer, what: &str) -> Fault {
    Fault::invalid(format!("issuers: {:?}: {what}", settings.issuer))
}
