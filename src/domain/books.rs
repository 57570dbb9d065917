//! The books: transactions of two or more postings that add up to zero, each customer's in a chain of hashes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::{CustomerId, NetworkId, ReceiptId, ReturnId, TransactionId, VenueId};
use super::{Money, Timestamp};

/// An account of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookAccount {
    /// The customer's bonuses.
    Customer,
    /// What a venue issued.
    Issued,
    /// What a venue redeemed, by the venue that had issued it.
    Redeemed,
    /// What expired.
    Expired,
    /// What people credited and wrote off, and promotions gave.
    Adjusted,
    /// What a reset took or forgave.
    Reset,
}

impl BookAccount {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            BookAccount::Customer => "customer",
            BookAccount::Issued => "issued",
            BookAccount::Redeemed => "redeemed",
            BookAccount::Expired => "expired",
            BookAccount::Adjusted => "adjusted",
            BookAccount::Reset => "reset",
        }
    }
}

/// Whether a transaction gives bonuses to the customer or takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Начисление.
    Accrual,
    /// Списание.
    Redemption,
}

impl Direction {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Accrual => "accrual",
            Direction::Redemption => "redemption",
        }
    }
}

/// One side of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: BookAccount,
    /// The venue, for accounts of venues.
    pub venue: Option<VenueId>,
    /// Who had issued the bonuses, for redeemed and expired ones.
    pub issuer: Option<VenueId>,
    /// Plus adds to the account.
    pub amount: Money,
}

/// Types of transactions that the ledger itself writes; the others are the venue's.
pub mod types {
    /// A promotion or trigger.
    pub const PROMOTION: &str = "promotion";
    /// A person.
    pub const ADMIN: &str = "admin";
    /// Bonuses whose time was over.
    pub const EXPIRY: &str = "expiry";
    /// A balance reset.
    pub const RESET: &str = "reset";
    /// A return, a cancellation or a corrected version.
    pub const REVERSAL: &str = "reversal";
}

/// What a transaction is about, before it gets its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Transaction type: the venue's (`place`, `delivery`, …) or one of [`types`].
    pub kind: String,
    /// To or from the customer.
    pub direction: Direction,
    /// How much, above zero.
    pub amount: Money,
    /// The venue where it happened.
    pub venue: Option<VenueId>,
    /// The receipt that it belongs to.
    pub receipt: Option<ReceiptId>,
    /// The return that it belongs to.
    pub return_id: Option<ReturnId>,
    /// When it happened in the venue (closing of the receipt); [`Transaction::posted_at`] says when it was booked.
    pub happened_at: Timestamp,
    /// Why, where a person or programme says so.
    pub comment: Option<String>,
    /// Sides other than the customer's.
    pub counter_postings: Vec<Posting>,
}

/// A booked movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its id.
    pub id: TransactionId,
    /// Its network.
    pub network: NetworkId,
    /// Whose bonuses.
    pub customer: CustomerId,
    /// Its place among the customer's transactions, from 1.
    pub sequence: i64,
    /// What it is about.
    pub movement: Movement,
    /// When it was booked.
    pub posted_at: Timestamp,
    /// The person or key that caused it.
    pub actor: String,
    /// Hash of the customer's previous transaction and of this one's content.
    pub hash: Hash,
}

impl Transaction {
    /// All sides, the customer's first.
    pub fn postings(&self) -> impl Iterator<Item = Posting> + '_ {
        let amount = match self.movement.direction {
            Direction::Accrual => self.movement.amount,
            Direction::Redemption => -self.movement.amount,
        };
        let customer = Posting {
            account: BookAccount::Customer,
            venue: None,
            issuer: None,
            amount,
        };
        std::iter::once(customer).chain(self.movement.counter_postings.iter().copied())
    }
}

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The end of a customer's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChainHead {
    /// How many transactions the customer has.
    pub sequence: i64,
    /// Hash of the last one; zeros where there is none.
    pub hash: Hash,
}

/// What of a transaction is hashed. `verify` builds it from the stored rows.
#[derive(Debug, Clone)]
pub struct HashedContent<'a> {
    /// Id of the transaction.
    pub id: i64,
    /// Id of the network.
    pub network: i64,
    /// Id of the customer.
    pub customer: i64,
    /// Place in the chain.
    pub sequence: i64,
    /// Type.
    pub kind: &'a str,
    /// Direction, as stored.
    pub direction: &'a str,
    /// Amount in kopecks.
    pub amount: i64,
    /// Id of the venue, else 0.
    pub venue: i64,
    /// Id of the receipt, else 0.
    pub receipt: i64,
    /// Id of the return, else 0.
    pub return_id: i64,
    /// Microseconds since 1970.
    pub happened_at: i64,
    /// Microseconds since 1970.
    pub posted_at: i64,
    /// Who caused it.
    pub actor: &'a str,
    /// Why, else empty.
    pub comment: &'a str,
    /// Account, venue (else 0), issuer (else 0), amount; in order.
    pub postings: Vec<(&'a str, i64, i64, i64)>,
}

/// Hash of a transaction that follows `previous`.
pub fn chain_hash(previous: &Hash, content: &HashedContent<'_>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    let mut number = |value: i64| hasher.update(value.to_be_bytes());
    for value in [
        content.id,
        content.network,
        content.customer,
        content.sequence,
        content.amount,
    ] {
        number(value);
    }
    for value in [
        content.venue,
        content.receipt,
        content.return_id,
        content.happened_at,
        content.posted_at,
    ] {
        number(value);
    }
    // Every text goes in with its length before it, so that no two contents can flow into the same bytes.
    let mut text = |value: &str| {
        hasher.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(value.as_bytes());
    };
    for value in [content.kind, content.direction, content.actor, content.comment] {
        text(value);
    }
    for (account, venue, issuer, amount) in &content.postings {
        hasher.update(u64::try_from(account.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(account.as_bytes());
        for value in [venue, issuer, amount] {
            hasher.update(value.to_be_bytes());
        }
    }
    hasher.finalize().into()
}

/// Books a movement at the end of a customer's chain.
pub fn post(
    head: &mut ChainHead,
    id: TransactionId,
    owner: (NetworkId, CustomerId),
    movement: Movement,
    posted_at: Timestamp,
    actor: &str,
) -> Transaction {
    let (network, customer) = owner;
    let sequence = head.sequence + 1;
    let mut transaction = Transaction {
        id,
        network,
        customer,
        sequence,
        movement,
        posted_at,
        actor: actor.to_owned(),
        hash: [0; 32],
    };
    let postings: Vec<Posting> = transaction.postings().collect();
    debug_assert!(
        postings.iter().map(|p| p.amount).sum::<Money>().is_zero(),
        "a transaction must balance: {postings:?}"
    );
    let movement = &transaction.movement;
    let hash = chain_hash(
        &head.hash,
        &HashedContent {
            id: id.0,
            network: network.0,
            customer: customer.0,
            sequence,
            kind: &movement.kind,
            direction: movement.direction.as_str(),
            amount: movement.amount.kopecks(),
            venue: movement.venue.map_or(0, |v| v.0),
            receipt: movement.receipt.map_or(0, |r| r.0),
            return_id: movement.return_id.map_or(0, |r| r.0),
            happened_at: movement.happened_at.timestamp_micros(),
            posted_at: posted_at.timestamp_micros(),
            actor,
            comment: movement.comment.as_deref().unwrap_or_default(),
            postings: postings
                .iter()
                .map(|p| {
                    (
                        p.account.as_str(),
                        p.venue.map_or(0, |v| v.0),
                        p.issuer.map_or(0, |v| v.0),
                        p.amount.kopecks(),
                    )
                })
                .collect(),
        },
    );
    transaction.hash = hash;
    *head = ChainHead { sequence, hash };
    transaction
}
