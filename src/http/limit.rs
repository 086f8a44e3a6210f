//! Limits a caller meets: requests a minute, attempts to sign in, streams at
//! once. Counts in memory; a restart forgives.

use crate::error::{ErrorKind, Fault};
use crate::types::UserId;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// After how many checks callers that are quiet again are forgotten.
const SWEEP_EVERY: u32 = 1024;

/// Attempts to sign in a minute, an address and a user name.
const SIGN_INS: u32 = 10;

/// Longest user name that is counted by itself; keeps the table small.
const NAME_CHARS: usize = 128;

type Keyed<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// So many a minute for each key; without a limiter: as many as they like.
struct PerMinute<K: Clone + Hash + Eq> {
    limiter: Option<(NonZeroU32, Keyed<K>)>,
    checks: AtomicU32,
}

/// Where a caller stands, for the response's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    limit: u32,
    remaining: u32,
    /// Seconds until nothing of the limit is used.
    reset: u64,
}

impl Standing {
    /// Adds the headers that say so.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        let fields = [
            ("x-ratelimit-limit", u64::from(self.limit)),
            ("x-ratelimit-remaining", u64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset),
        ];
        for (name, value) in fields {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

impl<K: Clone + Hash + Eq> PerMinute<K> {
    fn new(limit: u32) -> Self {
        let limiter = NonZeroU32::new(limit).map(|limit| {
            let limiter = RateLimiter::keyed(Quota::per_minute(limit));
            (limit, limiter.with_middleware())
        });
        Self {
            limiter,
            checks: AtomicU32::new(0),
        }
    }

    /// Counts one; `Err` holds the seconds to wait.
    fn check(&self, key: &K) -> Result<Option<Standing>, (Standing, u64)> {
        let Some((limit, limiter)) = &self.limiter else {
            return Ok(None);
        };
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        let limit = limit.get();
        let refill = |missing: u32| (u64::from(missing) * 60).div_ceil(u64::from(limit));
        match limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(Some(Standing {
                    limit,
                    remaining,
                    reset: refill(limit.saturating_sub(remaining)),
                }))
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                let standing = Standing {
                    limit,
                    remaining: 0,
                    reset: refill(limit),
                };
                Err((standing, wait.as_secs() + 1))
            }
        }
    }
}

/// Requests a minute and user.
pub(super) struct RequestLimit(PerMinute<UserId>);

impl RequestLimit {
    /// At most `limit` a minute; 0 for no limit.
    pub(super) fn new(limit: u32) -> Self {
        Self(PerMinute::new(limit))
    }

    /// Counts a request of `user`.
    pub(super) fn check(&self, user: &UserId) -> (Result<(), Fault>, Option<Standing>) {
        match self.0.check(user) {
            Ok(standing) => (Ok(()), standing),
            Err((standing, wait)) => {
                let message = format!(
                    "more than {} requests a minute; try again in {wait} s",
                    standing.limit
                );
                let fault = Fault::new(ErrorKind::RateLimited, message).retry_in(wait);
                (Err(fault), Some(standing))
            }
        }
    }
}

/// Attempts to sign in, for each address and user name.
pub(super) struct SignInLimit(PerMinute<(Option<IpAddr>, String)>);

impl SignInLimit {
    /// The only one there is.
    pub(super) fn new() -> Self {
        Self(PerMinute::new(SIGN_INS))
    }

    /// Counts an attempt from `address` as `username`.
    pub(super) fn check(&self, address: Option<IpAddr>, username: &str) -> Result<(), Fault> {
        let name: String = username.chars().take(NAME_CHARS).collect();
        match self.0.check(&(address, name.to_lowercase())) {
            Ok(_) => Ok(()),
            Err((_, wait)) => {
                let message = format!("too many attempts to sign in; try again in {wait} s");
                Err(Fault::new(ErrorKind::RateLimited, message).retry_in(wait))
            }
        }
    }
}

/// Streams that are open, for each user.
#[derive(Clone)]
pub(super) struct StreamLimit {
    most: u32,
    open: Arc<Mutex<HashMap<UserId, u32>>>,
}

impl StreamLimit {
    /// At most `most` streams of one user at once.
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    /// Leave for one more stream of `user`, for as long as the permit lives.
    pub(super) fn acquire(&self, user: &UserId) -> Result<StreamPermit, Fault> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(user.clone()).or_default();
        if *count >= self.most {
            let message = format!(
                "{} streams are open already, which is the limit; close one of them first",
                self.most
            );
            return Err(Fault::new(ErrorKind::RateLimited, message).retry_in(1));
        }
        *count += 1;
        Ok(StreamPermit {
            limit: self.clone(),
            user: user.clone(),
        })
    }
}

/// A stream that counts until this is dropped.
pub(super) struct StreamPermit {
    limit: StreamLimit,
    user: UserId,
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self
            .limit
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestLimit, SIGN_INS, SignInLimit, StreamLimit};
    use crate::error::{ErrorKind, Kind};

    #[test]
    fn request_beyond_the_limit_is_refused_and_told_when_to_return() {
        let limit = RequestLimit::new(3);
        let remaining: Vec<_> = (0..3)
            .map(|_| limit.check(&"u".into()).1.unwrap().remaining)
            .collect();
        assert_eq!(remaining, [2, 1, 0]);
        let (refused, standing) = limit.check(&"u".into());
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::RateLimited);
        assert!((1..=21).contains(&refused.retry_after().unwrap()));
        assert_eq!(standing.unwrap().reset, 60);
    }

    #[test]
    fn users_are_counted_apart() {
        let limit = RequestLimit::new(1);
        assert!(limit.check(&"a".into()).0.is_ok());
        assert!(limit.check(&"b".into()).0.is_ok());
        assert!(limit.check(&"a".into()).0.is_err());
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = RequestLimit::new(0);
        assert!((0..1000).all(|_| limit.check(&"u".into()).0.is_ok()));
        assert_eq!(limit.check(&"u".into()).1, None);
    }

    #[test]
    fn guessing_a_password_is_slowed_down_whatever_the_case_of_the_name() {
        let limit = SignInLimit::new();
        for _ in 0..SIGN_INS {
            assert!(limit.check(None, "admin").is_ok());
        }
        assert!(limit.check(None, "ADMIN").is_err());
        assert!(limit.check(None, "somebody else").is_ok());
    }

    #[test]
    fn dropped_stream_makes_room_for_the_next() {
        let limit = StreamLimit::new(2);
        let first = limit.acquire(&"u".into()).unwrap();
        let _second = limit.acquire(&"u".into()).unwrap();
        assert!(limit.acquire(&"u".into()).is_err());
        assert!(limit.acquire(&"v".into()).is_ok());
        drop(first);
        assert!(limit.acquire(&"u".into()).is_ok());
    }
}
