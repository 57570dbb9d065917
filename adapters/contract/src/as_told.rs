//! What a till itself said of a sale, before any setting of ours has shaped it.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A digest of what a till said of a sale, in its own terms. By it a repeat is known for one, though the connection's
/// settings read it in another way by now: a setting is of the sales to come.
///
/// What belongs in it: all by which the till's next word of a sale may differ from this one, whatever the settings make
/// of it. Lines, amounts, payments, cards, transactions with bonuses, the kind of the order. A change that is left out
/// is taken for a repeat and lost, so in doubt it belongs in.
///
/// What does not: what differs between two messages that say the same (times of making and sending, versions, numbers of
/// attempts and prints); what a setting has made of it (our payment kinds, who counts what accrues); which sale
/// it is, since its name says that; and names and categories of products that have an id, because a dish may be renamed.
/// What is there too much only makes a repeat count as it would without a digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AsTold([u8; 32]);

impl AsTold {
    /// The digest of what was said by a `road`, one of an adapter's ways of telling sales: two roads never say the same. What
    /// was said is digested as JSON, so another shape of it is another digest. `None`: it has no JSON.
    pub fn of(road: &'static str, said: &impl Serialize) -> Option<Self> {
        let mut digest = Digesting(Sha256::new());
        serde_json::to_writer(&mut digest, &(road, said)).ok()?;
        Some(AsTold(digest.0.finalize().into()))
    }

    /// One that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        AsTold(bytes)
    }

    /// As it is kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for AsTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsTold(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// JSON that is digested as it is written, and never stands anywhere whole.
struct Digesting(Sha256);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::AsTold;

    #[test]
    fn the_same_words_by_one_road_have_one_digest_and_all_others_another() {
        let said = |road, lines: &[(&str, i64)]| AsTold::of(road, &lines).unwrap();
        let told = said("till", &[("soup", 42_750), ("tea", 10)]);
        assert_eq!(told, said("till", &[("soup", 42_750), ("tea", 10)]));
        for other in [
            said("cloud", &[("soup", 42_750), ("tea", 10)]),
            said("till", &[("soup", 4_275), ("tea", 10)]),
            said("till", &[("tea", 10), ("soup", 42_750)]),
            said("till", &[("soup", 42_750)]),
        ] {
            assert_ne!(told, other);
        }
        assert_eq!(AsTold::from_bytes(*told.as_bytes()), told);
    }

    #[test]
    fn a_digest_that_was_kept_is_found_again_by_later_releases() {
        let said = AsTold::of("till", &(Some("soup"), None::<i64>, [1, 2]));
        let kept = "AsTold(6c77d720204fac49e54bc9b3ce118e7ff776efcde6db7654a8bc1feabd60b7da)";
        assert_eq!(format!("{:?}", said.unwrap()), kept);
    }
}
