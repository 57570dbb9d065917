//! What a batch of commands needs to know before it can be decided.

use std::collections::HashSet;

use kopilka_contract::CustomerRef;

use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, HoldId, NetworkId};
use crate::domain::world::{IdempotencyKey, SourceKey};

/// The facts that a batch asks for. Sets: two commands about one customer load him once.
#[derive(Debug, Default, Clone)]
pub struct LoadKeys {
    /// Networks whose version is wanted.
    pub networks: HashSet<NetworkId>,
    /// Whom commands name.
    pub customers: HashSet<(NetworkId, CustomerRef)>,
    /// Receipts by identity, with everything that a return or a newer version needs.
    pub receipts: HashSet<SourceKey>,
    /// Returns by identity.
    pub returns: HashSet<SourceKey>,
    /// Holds by key.
    pub hold_keys: HashSet<SourceKey>,
    /// Holds by id.
    pub holds: HashSet<(NetworkId, HoldId)>,
    /// Orders by identity, with the holds that last of all guests who set something aside for them.
    pub orders: HashSet<SourceKey>,
    /// Idempotency keys.
    pub remembered: HashSet<IdempotencyKey>,
    /// Whether write-offs of the customers are wanted, and their receipts that wait for some.
    pub write_offs: bool,
    /// When the facts are asked for: of write-offs those that are too old for it are left out.
    pub now: Timestamp,
}

/// How a reference is looked up, as (kind, text, number). Several ways: the first that finds somebody counts.
pub(super) fn ways(reference: &CustomerRef) -> Vec<(&'static str, String, i64)> {
    match reference {
        CustomerRef::Card(number) | CustomerRef::Qr(number) => vec![("card", number.clone(), 0)],
        CustomerRef::Phone(phone) => {
            let digits = phone.digits();
            let mut ways = vec![("phone", digits.to_owned(), 0)];
            // A till that knows only digits can't tell a card from a telephone typed without its country code.
            if let Some(national) = digits.strip_prefix('7').filter(|rest| rest.len() == 10) {
                ways.push(("card", national.to_owned(), 0));
            }
            ways.push(("card", digits.to_owned(), 0));
            ways
        }
        CustomerRef::Id(text) | CustomerRef::MaybeId(text) => match text.parse::<CustomerId>() {
            Ok(id) => vec![("id", String::new(), id.0)],
            Err(_) if text.contains('@') => {
                vec![("external", text.clone(), 0), ("email", text.to_lowercase(), 0)]
            }
            Err(_) => vec![("external", text.clone(), 0)],
        },
        CustomerRef::NotAsked => Vec::new(),
    }
}
