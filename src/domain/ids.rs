//! Ids: 64-bit, time-ordered, made by the service; outside a prefix and 13 characters of base32.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Makes ids. Injected, so that tests get the same ids every time.
pub trait IdSource: Send + Sync {
    /// The next id: greater than every id that this source gave before.
    fn next_id(&self) -> i64;
}

/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(value: i64) -> String {
    let bits = value.cast_unsigned();
    (0..13)
        .rev()
        .map(|i| char::from(ALPHABET[usize::try_from((bits >> (5 * i)) & 31).unwrap_or(0)]))
        .collect()
}

fn decode(text: &str) -> Option<i64> {
    if text.len() != 13 {
        return None;
    }
    let mut value: u64 = 0;
    for (i, byte) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|c| *c == byte.to_ascii_lowercase())?;
        if i == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | u64::try_from(digit).ok()?;
    }
    i64::try_from(value).ok().filter(|v| *v > 0)
}

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl $name {
            /// What stands before the id in its text form.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix(concat!($prefix, "_")).and_then(decode).map($name).ok_or(NotAnId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|_| serde::de::Error::custom(concat!("expected an id such as ", $prefix, "_01hgw3zj3q7hx")))
            }
        }
    )+};
}

ids! {
    /// A network (tenant).
    NetworkId = "net",
    /// A venue of a network.
    VenueId = "ven",
    /// A customer of a network.
    CustomerId = "cus",
    /// A card of a customer.
    CardId = "crd",
    /// A posted receipt.
    ReceiptId = "rcp",
    /// A return.
    ReturnId = "ret",
    /// A movement of bonuses.
    TransactionId = "txn",
    /// A lot of bonuses.
    LotId = "lot",
    /// A hold.
    HoldId = "hld",
    /// A member of staff.
    UserId = "usr",
    /// An API key.
    KeyId = "key",
    /// A venue's link to a till system.
    ConnectionId = "con",
    /// A raw message in the inbox.
    MessageId = "msg",
    /// A rule on time or amount.
    RuleId = "rul",
    /// A category of a venue.
    CategoryId = "cat",
    /// A product of a venue.
    ProductId = "prd",
    /// A group of categories of a venue.
    GroupId = "grp",
    /// An outbox event.
    EventId = "evt",
    /// A device on which the till's page is open.
    DeviceId = "dev",
    /// A sale made without a network that the books refused.
    ConflictId = "cnf",
    /// A connection that failed or fell silent.
    AlertId = "alr",
    /// What a till's report and the books say differently.
    DifferenceId = "dif",
    /// An entry of the audit log.
    AuditId = "aud",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        for value in [1, 31, 32, 123_456_789_012_345, i64::MAX] {
            let text = ReceiptId(value).to_string();
            assert_eq!(text.parse(), Ok(ReceiptId(value)), "{text}");
        }
    }

    #[test]
    fn an_id_of_another_kind_or_of_no_kind_is_refused() {
        for text in [
            "",
            "rcp_",
            "cus_0000000000001",
            "rcp_000000000000",
            "rcp_zzzzzzzzzzzzz",
            "rcp_000000000000u",
            "rcp_0000000000000",
        ] {
            assert_eq!(text.parse::<ReceiptId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn text_sorts_as_numbers_do() {
        assert!(LotId(31).to_string() < LotId(32).to_string());
        assert!(LotId(1 << 40).to_string() < LotId(1 << 41).to_string());
    }
}
