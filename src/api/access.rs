//! What the doors keep in memory: verified keys for some seconds, and how much each caller has asked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use super::caller::Scope;
use super::limits::{
    ADDRESS_LOGINS, Buckets, DEVICE_PINS, GUEST_SEARCHES, LOGINS, PINS, Quota, REQUESTS, UNAUTHORIZED,
    UNKNOWN_TOKENS,
};
use crate::domain::Timestamp;
use crate::domain::ids::{ConnectionId, DeviceId, KeyId, NetworkId, UserId, VenueId};
use crate::storage::Tenant;

/// How long another instance's revocation may go unnoticed here.
const KEY_LIFE: Duration = Duration::from_secs(15);

/// Most keys in memory.
const MANY_KEYS: usize = 50_000;

/// A key that was checked.
#[derive(Debug, Clone)]
pub struct VerifiedKey {
    /// Its network.
    pub tenant: Tenant,
    /// Its id.
    pub id: KeyId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The only venue that it is for, its own or the one named beside it.
    pub venue: Option<VenueId>,
    /// Whether it can only quote.
    pub test: bool,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// A secret's hash, and the venue named beside it.
pub type Presented = ([u8; 32], Option<String>);

/// Verified keys.
#[derive(Debug, Default)]
pub struct KeyCache {
    keys: Mutex<HashMap<Presented, (Instant, VerifiedKey)>>,
    revocations: AtomicU64,
}

impl KeyCache {
    /// A key that was checked a moment ago.
    pub fn get(&self, presented: &Presented, now: Timestamp) -> Option<VerifiedKey> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, key) = keys.get(presented)?;
        let fresh = since.elapsed() < KEY_LIFE && key.expires_at.is_none_or(|end| now < end);
        fresh.then(|| key.clone())
    }

    /// To be asked before the database is, and given to [`KeyCache::put`].
    pub fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::SeqCst)
    }

    /// Keeps a key that was checked, unless one was revoked meanwhile: it may be this one.
    pub fn put(&self, presented: Presented, key: VerifiedKey, revocations: u64) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if self.revocations() != revocations {
            return;
        }
        if keys.len() >= MANY_KEYS {
            keys.retain(|_, (since, _)| since.elapsed() < KEY_LIFE);
        }
        if keys.len() < MANY_KEYS {
            keys.insert(presented, (Instant::now(), key));
        }
    }

    /// Forgets a key at once. Call it after the revocation is committed.
    pub fn forget(&self, id: KeyId) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        self.revocations.fetch_add(1, Ordering::SeqCst);
        keys.retain(|_, (_, key)| key.id != id);
    }
}

/// Limits of the doors.
#[derive(Debug, Clone, Copy)]
pub struct AccessLimits {
    /// Requests of one key or member of staff.
    pub requests: Quota,
    /// Attempts to log in with one login from one address.
    pub logins: Quota,
    /// Attempts to log in from one address.
    pub address_logins: Quota,
    /// Messages with a token that no till has, from one address.
    pub unknown_tokens: Quota,
}

impl Default for AccessLimits {
    fn default() -> Self {
        AccessLimits {
            requests: REQUESTS,
            logins: LOGINS,
            address_logins: ADDRESS_LOGINS,
            unknown_tokens: UNKNOWN_TOKENS,
        }
    }
}

/// All of it. One per process.
#[derive(Debug)]
pub struct Access {
    /// Keys that were checked a moment ago.
    pub keys: KeyCache,
    /// Requests by network and actor.
    pub requests: Buckets<(NetworkId, String)>,
    /// Logins by login and address.
    pub logins: Buckets<(String, IpAddr)>,
    /// Logins by address.
    pub address_logins: Buckets<IpAddr>,
    /// Messages with tokens that no till has, by address.
    pub unknown_tokens: Buckets<IpAddr>,
    /// Messages without the right authorization, by connection.
    pub unauthorized: Buckets<ConnectionId>,
    /// Password hashing takes 19 MiB and a core each time: only so many at once.
    pub hashing: Semaphore,
    /// Wrong PINs by till and member of staff.
    pub pins: Buckets<(DeviceId, UserId)>,
    /// Wrong PINs by till.
    pub device_pins: Buckets<DeviceId>,
    /// Searches for guests by till.
    pub guest_searches: Buckets<DeviceId>,
    /// What networks sign with; it never changes.
    pub network_secrets: Mutex<HashMap<NetworkId, [u8; 32]>>,
    /// Wakes second screens that wait for something new.
    pub screens: Notify,
}

impl Access {
    /// With these limits.
    pub fn new(limits: AccessLimits) -> Self {
        Access {
            keys: KeyCache::default(),
            requests: Buckets::new(limits.requests),
            logins: Buckets::new(limits.logins),
            address_logins: Buckets::new(limits.address_logins),
            unknown_tokens: Buckets::new(limits.unknown_tokens),
            unauthorized: Buckets::new(UNAUTHORIZED),
            hashing: Semaphore::new(4),
            pins: Buckets::new(PINS),
            device_pins: Buckets::new(DEVICE_PINS),
            guest_searches: Buckets::new(GUEST_SEARCHES),
            network_secrets: Mutex::default(),
            screens: Notify::new(),
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        Access::new(AccessLimits::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Tenant;

    fn key(id: i64) -> VerifiedKey {
        VerifiedKey {
            tenant: Tenant::proven(NetworkId(1)),
            id: KeyId(id),
            scopes: vec![Scope::Till],
            venue: None,
            test: false,
            expires_at: None,
        }
    }

    #[test]
    fn a_revoked_key_is_forgotten_even_where_its_check_was_under_way() {
        let cache = KeyCache::default();
        let now = Timestamp::default();
        let presented = ([1; 32], None);
        cache.put(presented.clone(), key(1), cache.revocations());
        assert!(cache.get(&presented, now).is_some());
        let before = cache.revocations();
        cache.forget(KeyId(1));
        assert!(cache.get(&presented, now).is_none());
        cache.put(presented.clone(), key(1), before);
        assert!(cache.get(&presented, now).is_none());
        cache.put(presented.clone(), key(2), cache.revocations());
        assert!(cache.get(&presented, now).is_some());
    }
}
