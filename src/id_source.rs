//! Ids made by the service: 64 bits, time-ordered, unique among instances that have different node numbers.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::ids::IdSource;

/// Milliseconds since 2024 (42 bits), node (8 bits), sequence (13 bits).
#[derive(Debug)]
pub struct TimeOrderedIds {
    node: i64,
    /// Milliseconds and sequence of the last id, as one number: `milliseconds << 13 | sequence`.
    last: AtomicI64,
}

const EPOCH_MS: i64 = 1_704_067_200_000;
const SEQUENCE_BITS: u32 = 13;
const NODE_BITS: u32 = 8;

impl TimeOrderedIds {
    /// For one instance; instances on one database need different nodes.
    pub fn new(node: u8) -> Self {
        TimeOrderedIds {
            node: i64::from(node),
            last: AtomicI64::new(0),
        }
    }
}

impl IdSource for TimeOrderedIds {
    fn next_id(&self) -> i64 {
        let now = (chrono::Utc::now().timestamp_millis() - EPOCH_MS) << SEQUENCE_BITS;
        // More than 8192 ids in a millisecond, or a clock that went back, run on from the last id.
        let step = |last: i64| Some(now.max(last + 1));
        let previous = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .unwrap_or_default();
        let tick = now.max(previous + 1);
        let (milliseconds, sequence) = (tick >> SEQUENCE_BITS, tick & ((1 << SEQUENCE_BITS) - 1));
        (((milliseconds << NODE_BITS) | self.node) << SEQUENCE_BITS) | sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_all_threads_are_distinct_and_grow() {
        let ids = TimeOrderedIds::new(7);
        let mut all: Vec<i64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..5000).map(|_| ids.next_id()).collect::<Vec<_>>()))
                .collect();
            threads
                .into_iter()
                .flat_map(|t| {
                    let mine = t.join().unwrap();
                    assert!(mine.windows(2).all(|w| w[0] < w[1]));
                    mine
                })
                .collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 40_000);
        assert!(all.iter().all(|id| *id > 0));
    }
}
