//! Below which folders the page may choose one to keep in step.

use super::network::Network;
use std::net::IpAddr;
use std::path::PathBuf;

/// What holds for a server at this address if nobody says: who works on the
/// machine itself may choose in the own home folder. A server that others
/// reach, through a proxy too, shows nothing of the machine's files.
pub(super) fn usual_at(address: IpAddr, proxies: &[Network]) -> Vec<PathBuf> {
    match address.is_loopback() && proxies.is_empty() {
        true => std::env::home_dir().into_iter().collect(),
        false => Vec::new(),
    }
}
