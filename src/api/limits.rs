//! How many requests a caller may make: token buckets in the memory of this instance.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::problem::Problem;

/// So many in such a time; a bucket refills evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Name of the policy in headers.
    pub name: &'static str,
    /// How many at once, and per window.
    pub count: u32,
    /// The window.
    pub window: Duration,
}

impl Quota {
    /// The same, with so many a minute.
    pub fn per_minute(self, count: u32) -> Self {
        Quota {
            count,
            window: Duration::from_secs(60),
            ..self
        }
    }

    /// What one request takes of the window.
    fn step(self) -> Duration {
        self.window / self.count.max(1)
    }

    fn has_room(self, spent: Duration) -> Result<(), Allowance> {
        if spent + self.step() > self.window {
            return Err(self.allowance(spent));
        }
        Ok(())
    }

    /// What remains of a bucket of which so much is taken.
    fn allowance(self, spent: Duration) -> Allowance {
        let left = self.window.saturating_sub(spent);
        let remaining = left.as_nanos() / self.step().as_nanos().max(1);
        let to_next = if remaining == 0 {
            (spent + self.step()).saturating_sub(self.window)
        } else {
            spent
        };
        Allowance {
            quota: self,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset_s: u32::try_from(to_next.as_millis().div_ceil(1000)).unwrap_or(u32::MAX),
        }
    }
}

/// Requests of one key or member of staff: a till makes a few a minute, an import some hundreds a second.
pub const REQUESTS: Quota = Quota {
    name: "requests",
    count: 30_000,
    window: Duration::from_secs(60),
};

/// Attempts to log in with one login from one address.
pub const LOGINS: Quota = Quota {
    name: "logins",
    count: 10,
    window: Duration::from_secs(600),
};

/// Attempts to log in, set up or the like from one address, whatever the login.
pub const ADDRESS_LOGINS: Quota = Quota {
    name: "address-logins",
    count: 100,
    window: Duration::from_secs(600),
};

/// Wrong PINs of one member of staff at one till.
pub const PINS: Quota = Quota {
    name: "pins",
    count: 5,
    window: Duration::from_secs(600),
};

/// Wrong PINs at one till, whoever they are of.
pub const DEVICE_PINS: Quota = Quota {
    name: "device-pins",
    count: 20,
    window: Duration::from_secs(600),
};

/// Searches for guests at one till: some for each guest as his number is typed, and no more than a queue of guests
/// makes, so that nobody reads the whole list.
pub const GUEST_SEARCHES: Quota = Quota {
    name: "guest-searches",
    count: 600,
    window: Duration::from_secs(600),
};

/// Messages with a token that no till has, from one address. Tokens that are known are never counted.
pub const UNKNOWN_TOKENS: Quota = Quota {
    name: "unknown-tokens",
    count: 60,
    window: Duration::from_secs(600),
};

/// Messages of one connection that came without the right authorization and are kept: the trace is for a person, the rest of
/// them say nothing new.
pub const UNAUTHORIZED: Quota = Quota {
    name: "unauthorized",
    count: 5,
    window: Duration::from_secs(600),
};

/// What remains to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Of what.
    pub quota: Quota,
    /// Requests that remain at once.
    pub remaining: u32,
    /// Seconds until there is one more, or until the bucket is full.
    pub reset_s: u32,
}

impl Allowance {
    /// 429 with `Retry-After`, where nothing remains.
    pub fn refusal(self) -> Problem {
        Problem::too_many_requests(self.reset_s.max(1))
    }

    /// `RateLimit` and `RateLimit-Policy`.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Quota { name, count, window } = self.quota;
        let policy = format!("\"{name}\";q={count};w={}", window.as_secs());
        let state = format!("\"{name}\";r={};t={}", self.remaining, self.reset_s);
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// When it is full again: it holds `window` of time, and a request takes `window / count` of it.
    full_at: Instant,
}

impl Bucket {
    /// How much of the window is taken.
    fn spent(self, now: Instant) -> Duration {
        self.full_at.saturating_duration_since(now)
    }
}

/// Buckets by caller.
#[derive(Debug)]
pub struct Buckets<K> {
    quota: Quota,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// Where there are more buckets than this, full ones are forgotten.
const MANY: usize = 10_000;

impl<K: Eq + Hash> Buckets<K> {
    /// Empty.
    pub fn new(quota: Quota) -> Self {
        Buckets {
            quota,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one request from a caller's bucket.
    ///
    /// # Errors
    /// The empty allowance: see [`Allowance::refusal`].
    pub fn take(&self, caller: K) -> Result<Allowance, Allowance> {
        self.take_at(caller, Instant::now())
    }

    fn take_at(&self, caller: K, now: Instant) -> Result<Allowance, Allowance> {
        let quota = self.quota;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY {
            buckets.retain(|_, bucket| bucket.full_at > now);
        }
        let bucket = buckets.entry(caller).or_insert(Bucket { full_at: now });
        let spent = bucket.spent(now);
        quota.has_room(spent)?;
        bucket.full_at = bucket.full_at.max(now) + quota.step();
        Ok(quota.allowance(spent + quota.step()))
    }

    /// Refuses a caller whose bucket is empty, and takes nothing from it.
    ///
    /// # Errors
    /// As [`Buckets::take`].
    pub fn check(&self, caller: &K) -> Result<(), Allowance> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        match buckets.get(caller) {
            Some(bucket) => self.quota.has_room(bucket.spent(Instant::now())),
            None => Ok(()),
        }
    }

    /// Gives one request back to a caller.
    pub fn give_back(&self, caller: &K) {
        let step = self.quota.window / self.quota.count.max(1);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(caller)
            && let Some(earlier) = bucket.full_at.checked_sub(step)
        {
            bucket.full_at = earlier;
        }
    }

    /// Gives a caller his whole bucket back.
    pub fn forget(&self, caller: &K) {
        self.buckets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(caller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_evenly() {
        let buckets = Buckets::new(Quota {
            name: "t",
            count: 3,
            window: Duration::from_secs(30),
        });
        let start = Instant::now();
        for remaining in [2, 1, 0] {
            assert!(buckets.check(&"a").is_ok());
            assert_eq!(buckets.take_at("a", start).unwrap().remaining, remaining);
        }
        let problem = buckets.take_at("a", start).unwrap_err().refusal();
        assert_eq!(problem.retry_after_s, Some(10));
        assert!(buckets.check(&"a").is_err() && buckets.check(&"b").is_ok());
        assert!(buckets.take_at("b", start).is_ok(), "others are not touched");
        assert!(buckets.take_at("a", start + Duration::from_secs(9)).is_err());
        assert!(buckets.take_at("a", start + Duration::from_secs(10)).is_ok());
        assert!(buckets.take_at("a", start + Duration::from_secs(10)).is_err());
        buckets.forget(&"a");
        assert!(buckets.take_at("a", start + Duration::from_secs(10)).is_ok());
    }
}
