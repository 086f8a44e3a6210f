//! What people who have not signed in may use.

use clap::ValueEnum;
use serde::Deserialize;
use std::net::IpAddr;

/// How much of the chat module's API is there for people without a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PublicChat {
    /// All of it, lists of other people's sessions too.
    Full,
    /// All but those lists, which only administrators see.
    Sessions,
    /// Nothing.
    Off,
}

impl PublicChat {
    /// What holds for a server at this address if nobody says.
    pub(super) fn usual_at(address: IpAddr) -> Self {
        match address.is_loopback() {
            true => Self::Full,
            false => Self::Sessions,
        }
    }
}
