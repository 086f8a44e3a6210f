//! Access tokens: JWTs with the claims that Cognito uses, signed with the
//! instance's secret (HS256). Refresh tokens and sign-in links: random, and
//! only their hash is kept.

use crate::error::{ErrorKind, Fault};
use crate::store::{User, UserRole};
use crate::types::{TenantId, Time, UserId};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The `iss` of our own tokens.
pub(super) const ISSUER: &str = "satchel";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    token_use: String,
    username: String,
    #[serde(rename = "custom:tenant_id")]
    tenant_id: String,
    #[serde(rename = "cognito:groups")]
    groups: Vec<String>,
    /// The generation of the user that the token was made for.
    #[serde(rename = "satchel:generation", default)]
    generation: u64,
    /// The sign-in that the token belongs to, and ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// Made by a command on this machine, from the data folder's secret.
    #[serde(
        rename = "satchel:local",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    local: bool,
}

/// What an access token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A person or a script that calls the API.
    Access,
    /// A command on this machine: not subject to the limit on requests.
    Command,
}

/// Who a valid access token belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bearer {
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub generation: u64,
    pub sign_in: Option<String>,
    pub local: bool,
}

/// Signs and checks access tokens.
pub(super) struct TokenSigner {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl TokenSigner {
    pub(super) fn new(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        // Issuer and checker are one process with one clock.
        validation.leeway = 0;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
        }
    }

    /// A token for `user` that is valid for `seconds`, and no longer than
    /// `sign_in`, if there is one.
    pub(super) fn issue(
        &self,
        user: &User,
        seconds: u64,
        purpose: Purpose,
        sign_in: Option<&str>,
    ) -> Result<String, Fault> {
        let now = Time::now().seconds();
        let claims = Claims {
            sub: user.id.to_string(),
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            iat: now,
            exp: now.saturating_add_unsigned(seconds),
            token_use: "access".to_owned(),
            username: user.username.clone(),
            tenant_id: user.tenant_id.to_string(),
            groups: match user.role {
                UserRole::User => Vec::new(),
                role => vec![role.as_str().to_owned()],
            },
            generation: user.generation,
            sid: sign_in.map(str::to_owned),
            local: purpose == Purpose::Command,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|error| Fault::internal(format!("a token could not be signed: {error}")))
    }

    /// Checks a token. Whatever is wrong with it, the answer is the same.
    pub(super) fn check(&self, token: &str) -> Result<Bearer, Fault> {
        let checked = decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = checked.map_err(|_| unauthorized())?.claims;
        if claims.token_use != "access" {
            return Err(unauthorized());
        }
        Ok(Bearer {
            user_id: claims.sub.into(),
            tenant_id: claims.tenant_id.into(),
            generation: claims.generation,
            sign_in: claims.sid,
            local: claims.local,
        })
    }
}

/// The claims of a token that nobody has checked yet: good for choosing who checks it.
pub(super) fn unchecked_claims<T: DeserializeOwned>(token: &str) -> Option<T> {
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// The one answer to credentials that are no good.
pub(super) fn unauthorized() -> Fault {
    Fault::new(
        ErrorKind::Unauthorized,
        "a valid access token is needed: sign in again",
    )
}

/// A new secret of 256 bits, as hexadecimal text.
pub(super) fn random_token() -> String {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    hex(&bytes)
}

/// What is stored of a random token.
pub(super) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Purpose, TokenSigner};
    use crate::store::{User, UserRole};
    use crate::types::{Time, UserId};

    fn user() -> User {
        User {
            id: UserId::generate(),
            tenant_id: "default".into(),
            username: "ada".to_owned(),
            password_hash: None,
            role: UserRole::Admin,
            created_at: Time::now(),
            generation: 0,
            valid_after: 0,
            issuer: None,
            vouched_at: None,
        }
    }

    #[test]
    fn own_token_is_accepted_and_names_its_user() {
        let (signer, user) = (TokenSigner::new(b"secret"), user());
        let token = signer.issue(&user, 60, Purpose::Access, None).unwrap();
        assert_eq!(signer.check(&token).unwrap().user_id, user.id);
    }

    #[test]
    fn forged_expired_and_unsigned_tokens_are_refused() {
        let (signer, user) = (TokenSigner::new(b"secret"), user());
        let foreign = TokenSigner::new(b"other")
            .issue(&user, 60, Purpose::Access, None)
            .unwrap();
        assert!(signer.check(&foreign).is_err());
        let mut expired = signer.issue(&user, 60, Purpose::Access, None).unwrap();
        expired.replace_range(expired.rfind('.').unwrap() + 1.., "AAAA");
        assert!(signer.check(&expired).is_err());
        let past = signer.issue(&user, 0, Purpose::Access, None).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1100));
        assert!(signer.check(&past).is_err());
        // {"alg":"none","typ":"JWT"} with the claims of a good token
        let good = signer.issue(&user, 60, Purpose::Access, None).unwrap();
        let claims = good.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
        assert!(signer.check(&unsigned).is_err());
    }
}
