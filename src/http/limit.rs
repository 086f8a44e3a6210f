//! Limits a caller meets: requests a minute, streams at once. Counts in memory;
//! a restart forgives.

use crate::error::{ErrorKind, Fault};
use crate::types::{TenantId, UserId};
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
    pub(super) fn check(&self, user: &UserId) -> Checked {
        checked(self.0.check(user), "")
    }
}

/// Whether a request is within a limit, and where its sender stands.
pub(super) type Checked = (Result<(), Fault>, Option<Standing>);

fn checked(counted: Result<Option<Standing>, (Standing, u64)>, whose: &str) -> Checked {
    match counted {
        Ok(standing) => (Ok(()), standing),
        Err((standing, wait)) => {
            let gap = if whose.is_empty() { "" } else { " " };
            let message = format!(
                "more than {} requests a minute{gap}{whose}; try again in {wait} s",
                standing.limit
            );
            let fault = Fault::new(ErrorKind::RateLimited, message).retry_in(wait);
            (Err(fault), Some(standing))
        }
    }
}

/// Both limits hold; the standing is that of the one that is nearer.
pub(super) fn both(first: Checked, second: impl FnOnce() -> Checked) -> Checked {
    let (Ok(()), first) = first else {
        return first;
    };
    let (allowed, second) = second();
    let nearer = match (first, second) {
        (Some(first), Some(second)) if allowed.is_ok() && first.remaining < second.remaining => {
            Some(first)
        }
        (first, second) => second.or(first),
    };
    (allowed, nearer)
}

/// Requests a minute and tenant, for each its own number of them.
#[derive(Default)]
pub(super) struct TenantLimit(Mutex<HashMap<u32, Arc<PerMinute<TenantId>>>>);

impl TenantLimit {
    /// Counts a request of `tenant`, which may send `limit`; 0 for no limit.
    pub(super) fn check(&self, tenant: &TenantId, limit: u32) -> Checked {
        if limit == 0 {
            return (Ok(()), None);
        }
        let counter = {
            let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let counter = counters.entry(limit);
            Arc::clone(counter.or_insert_with(|| Arc::new(PerMinute::new(limit))))
        };
        checked(counter.check(tenant), "of your tenant")
    }
}

/// Requests a minute and address of people who have not signed in.
pub(super) struct AddressLimit(PerMinute<Option<IpAddr>>);

impl AddressLimit {
    /// At most `limit` a minute; 0 for no limit.
    pub(super) fn new(limit: u32) -> Self {
        Self(PerMinute::new(limit))
    }

    /// Counts a request from `address`.
    pub(super) fn check(&self, address: Option<IpAddr>) -> Checked {
        checked(self.0.check(&address.map(network_of)), "from your address")
    }
}

/// Who has one IPv6 address has the other 2^64 of its network as well.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
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
    use super::{AddressLimit, RequestLimit, StreamLimit, TenantLimit, both};
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
    fn tenants_are_counted_by_their_own_limits() {
        let limit = TenantLimit::default();
        assert!(limit.check(&"a".into(), 1).0.is_ok());
        let (refused, standing) = limit.check(&"a".into(), 1);
        assert!(refused.unwrap_err().to_string().contains("of your tenant"));
        assert_eq!(standing.unwrap().remaining, 0);
        assert!(limit.check(&"b".into(), 1).0.is_ok());
        assert!(limit.check(&"a".into(), 100).0.is_ok());
        assert_eq!(limit.check(&"a".into(), 0).1, None);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let limit = AddressLimit::new(1);
        let from = |text: &str| limit.check(Some(text.parse().unwrap())).0;
        assert!(from("2001:db8::1").is_ok());
        assert!(from("2001:db8::2").is_err());
        assert!(from("2001:db8:0:1::1").is_ok());
        assert!(from("192.0.2.1").is_ok());
        assert!(from("192.0.2.2").is_ok());
        assert!(from("::ffff:192.0.2.1").is_err());
    }

    #[test]
    fn standing_is_that_of_the_nearer_limit() {
        let (users, tenants) = (RequestLimit::new(5), TenantLimit::default());
        let check = || both(users.check(&"u".into()), || tenants.check(&"t".into(), 3));
        let remaining: Vec<_> = (0..3).map(|_| check().1.unwrap().remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let (refused, standing) = check();
        assert!(refused.is_err());
        assert_eq!(standing.unwrap().limit, 3);
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
