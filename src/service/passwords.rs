//! Passwords: hashing one, and checking one. A check costs the same whoever is
//! meant, and whether there is anybody of that name, so that its time tells
//! nothing. Must not decide who may sign in.

use super::tokens::random_token;
use crate::error::Fault;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Shortest password, in characters.
const MIN_CHARS: usize = 8;

/// Longest password, in characters: hashing an endless one would be a way to
/// keep the machine busy.
const MAX_CHARS: usize = 1024;

/// Checks passwords, and counts how many it checked.
pub(super) struct Passwords {
    /// Checked where there is no hash, so that the answer takes as long.
    decoy: String,
    checks: AtomicU64,
    /// A check keeps a core busy and takes 19 MiB: as many at a time as there
    /// are cores.
    turns: Semaphore,
}

impl Passwords {
    pub(super) fn new(cores: usize) -> Result<Self, Fault> {
        Ok(Self {
            decoy: hash(&random_token())?,
            checks: AtomicU64::new(0),
            turns: Semaphore::new(cores),
        })
    }

    /// Waits until a password may be checked; hold what it gives back meanwhile.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so there always comes a permit.
        self.turns.acquire().await.ok()
    }

    /// Whether the password is the one that was hashed. Without a hash it is
    /// not, which takes as long.
    pub(super) fn is(&self, password: &str, hash: Option<&str>) -> bool {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let same = matches(password, hash.unwrap_or(&self.decoy));
        same && hash.is_some()
    }

    /// How many passwords were checked since the start.
    pub(super) fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }
}

/// argon2id with the crate's recommended parameters, in PHC form.
pub(super) fn hash(password: &str) -> Result<String, Fault> {
    let chars = password.chars().count();
    if !(MIN_CHARS..=MAX_CHARS).contains(&chars) {
        return Err(Fault::invalid(format!(
            "password: {MIN_CHARS} to {MAX_CHARS} characters are needed, not {chars}"
        )));
    }
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    match hash {
        Ok(hash) => Ok(hash.to_string()),
        Err(error) => Err(Fault::internal(format!(
            "the password was not hashed: {error}"
        ))),
    }
}

fn matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        let checked = Argon2::default().verify_password(password.as_bytes(), &hash);
        checked.is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::{Passwords, hash};

    #[test]
    fn password_is_hashed_with_argon2id_and_matches_only_itself() {
        let passwords = Passwords::new(1).unwrap();
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.is("correct horse", Some(&hash)));
        assert!(!passwords.is("wrong horse", Some(&hash)));
        assert!(!passwords.is("correct horse", None));
        assert_eq!(passwords.checks(), 3, "without a hash as well");
    }

    #[test]
    fn decoy_costs_what_a_real_hash_costs() {
        let passwords = Passwords::new(1).unwrap();
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        let real = hash("correct horse").unwrap();
        assert_eq!(parameters(&passwords.decoy), parameters(&real));
    }

    #[test]
    fn short_password_is_refused() {
        assert!(hash("short").is_err());
    }
}
