//! What a user is signed in with: listing, ending one, ending all.

use super::{Caller, Service};
use crate::error::Fault;
use crate::store::{Origin, StoredSignIn};
use std::net::IpAddr;

/// Longest name of a client that is kept, in characters.
const CLIENT_CHARS: usize = 200;

/// Where somebody signs in from.
#[derive(Debug, Clone, Default)]
pub struct SignInOrigin {
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub client: Option<String>,
}

impl SignInOrigin {
    pub(super) fn stored(&self) -> Origin {
        let client = self.client.as_deref().map(|name| {
            let plain = name.chars().filter(|c| !c.is_control());
            plain.take(CLIENT_CHARS).collect()
        });
        Origin {
            address: self
                .address
                .map(|address| address.to_canonical().to_string()),
            client,
        }
    }
}

/// A sign-in, and whether it is the one that asks.
#[derive(Debug, Clone)]
pub struct SignInView {
    pub sign_in: StoredSignIn,
    pub current: bool,
}

impl Service {
    /// What the caller is signed in with, latest used first.
    pub async fn sign_ins(&self, caller: &Caller) -> Result<Vec<SignInView>, Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            let all = inner.store.sign_ins(&caller.user_id)?;
            let view = |sign_in: StoredSignIn| SignInView {
                current: caller.sign_in.as_ref() == Some(&sign_in.id),
                sign_in,
            };
            Ok(all.into_iter().map(view).collect())
        })
        .await
    }

    /// Ends one of the caller's sign-ins, with its access tokens.
    pub async fn end_sign_in(&self, caller: &Caller, id: &str) -> Result<(), Fault> {
        let (user, id) = (caller.user_id.clone(), id.to_owned());
        self.blocking(move |inner| Ok(inner.store.end_sign_in_of(&user, &id)?))
            .await
    }

    /// Ends all of the caller's sign-ins and access tokens, this one too. API
    /// keys go on.
    pub async fn end_all_sign_ins(&self, caller: &Caller) -> Result<(), Fault> {
        let user = caller.user_id.clone();
        self.blocking(move |inner| Ok(inner.store.end_all_sign_ins(&user)?))
            .await
    }
}
