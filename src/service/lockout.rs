//! Guessing of passwords, slowed down: after some wrong ones a user name, and
//! an address, has to wait, longer each time. Counts in memory; a restart
//! forgives. Must not know whether a name exists.

use crate::error::{ErrorKind, Fault};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Attempts for one user name before it has to wait.
const NAME_ATTEMPTS: u32 = 10;

/// The same from one address, behind which there may be many people.
const ADDRESS_ATTEMPTS: u32 = 50;

/// The first wait; each further attempt doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How long wrong attempts for a name are remembered.
const NAME_MEMORY: Duration = Duration::from_secs(12 * 3600);

/// The same for an address.
const ADDRESS_MEMORY: Duration = Duration::from_secs(15 * 60);

/// Longest user name that is counted by itself; keeps the table small.
const NAME_CHARS: usize = 128;

/// From this size on, what need not be remembered any more is forgotten.
const SWEEP_FROM: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(String),
    Address(IpAddr),
}

impl Key {
    fn attempts(&self) -> u32 {
        match self {
            Self::Name(_) => NAME_ATTEMPTS,
            Self::Address(_) => ADDRESS_ATTEMPTS,
        }
    }

    fn memory(&self) -> Duration {
        match self {
            Self::Name(_) => NAME_MEMORY,
            Self::Address(_) => ADDRESS_MEMORY,
        }
    }
}

/// Why an attempt is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// Whether the address has to wait, whatever name it tries.
    pub(super) of_address: bool,
    seconds: u64,
}

impl From<Wait> for Fault {
    fn from(wait: Wait) -> Self {
        let seconds = wait.seconds;
        let message = format!("too many attempts to sign in; try again in {seconds} s");
        Self::new(ErrorKind::RateLimited, message).retry_in(seconds)
    }
}

struct Attempts {
    count: u32,
    last: Instant,
    /// No attempt is looked at before.
    until: Instant,
}

/// Wrong attempts to sign in.
#[derive(Default)]
pub(super) struct Lockout {
    attempts: Mutex<HashMap<Key, Attempts>>,
}

impl Lockout {
    /// Counts an attempt, as wrong until [`Self::forgive`] says otherwise: so
    /// many at the same moment count as many. An error while one has to wait.
    pub(super) fn attempt(&self, name: Option<&str>, address: Option<IpAddr>) -> Result<(), Wait> {
        self.attempt_at(Instant::now(), name, address)
    }

    fn attempt_at(
        &self,
        now: Instant,
        name: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<(), Wait> {
        let keys = keys(name, address);
        let mut table = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= SWEEP_FROM {
            table.retain(|key, one| now < one.last + key.memory());
        }
        let waits = keys.iter().filter_map(|key| {
            let wait = table.get(key)?.until.saturating_duration_since(now);
            (!wait.is_zero()).then_some((wait, matches!(key, Key::Address(_))))
        });
        let waits: Vec<(Duration, bool)> = waits.collect();
        if let Some((longest, _)) = waits.iter().max() {
            return Err(Wait {
                of_address: waits.iter().any(|(_, of_address)| *of_address),
                seconds: longest.as_secs() + 1,
            });
        }
        for key in keys {
            let (free, memory) = (key.attempts(), key.memory());
            let one = table.entry(key).or_insert(Attempts {
                count: 0,
                last: now,
                until: now,
            });
            if now >= one.last + memory {
                one.count = 0;
            }
            one.count += 1;
            one.last = now;
            one.until = now + wait_after(one.count, free);
        }
        Ok(())
    }

    /// Nobody has this name any more: its attempts are forgotten.
    pub(super) fn forget(&self, name: &str) {
        self.forgive(Some(name), None);
    }

    /// The attempt was right: the name begins anew, and for the address it
    /// counts as if it had not been.
    pub(super) fn forgive(&self, name: Option<&str>, address: Option<IpAddr>) {
        let mut table = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, address) {
            match &key {
                Key::Name(_) => {
                    table.remove(&key);
                }
                Key::Address(_) => {
                    if let Some(one) = table.get_mut(&key) {
                        one.count = one.count.saturating_sub(1);
                        one.until = one.last;
                    }
                }
            }
        }
    }
}

fn keys(name: Option<&str>, address: Option<IpAddr>) -> Vec<Key> {
    let name = name.map(|name| {
        let short: String = name.chars().take(NAME_CHARS).collect();
        Key::Name(short.to_lowercase())
    });
    let address = address.map(|address| Key::Address(network(address)));
    name.into_iter().chain(address).collect()
}

/// Who has one IPv6 address has the other 2^64 of its network as well.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

fn wait_after(count: u32, free: u32) -> Duration {
    match count.checked_sub(free) {
        None => Duration::ZERO,
        Some(beyond) => FIRST_WAIT
            .saturating_mul(2_u32.saturating_pow(beyond))
            .min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESS_ATTEMPTS, Lockout, NAME_ATTEMPTS, NAME_MEMORY, Wait};
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    fn wait(result: Result<(), Wait>) -> u64 {
        result.err().map_or(0, |wait| wait.seconds)
    }

    #[test]
    fn name_waits_longer_with_each_wrong_attempt_whatever_its_case() {
        let lockout = Lockout::default();
        let mut now = Instant::now();
        for _ in 0..NAME_ATTEMPTS {
            assert!(lockout.attempt_at(now, Some("admin"), None).is_ok());
        }
        let mut waits = Vec::new();
        for _ in 0..9 {
            let refused = lockout.attempt_at(now, Some("ADMIN"), None);
            assert!(refused.is_err_and(|wait| !wait.of_address));
            let seconds = wait(refused);
            waits.push(seconds - 1);
            now += Duration::from_secs(seconds);
            assert!(lockout.attempt_at(now, Some("admin"), None).is_ok());
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert!(lockout.attempt_at(now, Some("somebody else"), None).is_ok());
        now += NAME_MEMORY;
        assert!(lockout.attempt_at(now, Some("admin"), None).is_ok());
        assert!(lockout.attempt_at(now, Some("admin"), None).is_ok());
    }

    #[test]
    fn address_waits_whatever_names_it_tries() {
        let lockout = Lockout::default();
        let now = Instant::now();
        let from = |host: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]));
        for n in 0..ADDRESS_ATTEMPTS {
            let name = format!("user-{n}");
            assert!(lockout.attempt_at(now, Some(&name), from(n as u16)).is_ok());
        }
        let refused = lockout.attempt_at(now, Some("one more"), from(999));
        assert!(refused.is_err_and(|wait| wait.of_address && wait.seconds > 0));
        let other = Some(IpAddr::from([192, 0, 2, 1]));
        assert!(lockout.attempt_at(now, Some("one more"), other).is_ok());
    }

    #[test]
    fn right_password_lets_the_name_begin_anew() {
        let lockout = Lockout::default();
        let now = Instant::now();
        for _ in 0..5 {
            for _ in 0..NAME_ATTEMPTS {
                assert!(lockout.attempt_at(now, Some("ada"), None).is_ok());
            }
            lockout.forgive(Some("ada"), None);
        }
    }
}
