//! Time comes from here, so that tests and sandbox networks can move it.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, Utc};

use crate::domain::Timestamp;

/// Says what time it is, in whole microseconds.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }
}

/// A clock that stands still until it is moved. For tests.
#[derive(Debug)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    /// Standing at an instant.
    pub fn at(now: Timestamp) -> Self {
        MovedClock(AtomicI64::new(now.timestamp_micros()))
    }

    /// Moves it to an instant; never back.
    pub fn move_to(&self, now: Timestamp) {
        self.0.fetch_max(now.timestamp_micros(), Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}
