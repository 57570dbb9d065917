//! How long to wait after failures.

use chrono::Duration;

/// After the first failure, in seconds.
const FIRST_S: i64 = 5;
/// At most, in seconds.
const LONGEST_S: i64 = 15 * 60;

/// How long to wait after so many failures in a row (the last included): twice as long each time, and up to a quarter
/// more by chance, so that those who failed together do not come back together. `chance`: any byte.
pub fn wait(failures: u32, chance: u8) -> Duration {
    let doubled = FIRST_S << failures.saturating_sub(1).min(16);
    let seconds = doubled.min(LONGEST_S);
    Duration::milliseconds(seconds * 1000 + seconds * 250 * i64::from(chance) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit_and_differ_by_chance() {
        assert_eq!(wait(1, 0), Duration::seconds(5));
        assert_eq!(wait(3, 0), Duration::seconds(20));
        assert_eq!(wait(3, 255), Duration::seconds(25));
        assert_eq!(wait(9, 0), Duration::seconds(900));
        assert_eq!(wait(u32::MAX, 0), Duration::seconds(900));
    }
}
