//! The facts that a batch of commands is decided on, and what they become.
//!
//! `storage` loads a [`World`], `decide` changes it in memory, command by command, and `storage` writes what changed.
//! A command sees what the commands before it in the batch did.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use kopilka_contract::{
    AsTold, Closed, CustomerRef, CustomerStatus, Phone, ProductBack, Receipt, ReceiptStatus, Returned,
    Stands, WhatBack,
};
use serde::{Deserialize, Serialize};

use super::account::{Account, Lot};
use super::accrual::CustomerCoefficients;
use super::books::{ChainHead, Hash, Transaction};
use super::ids::{CustomerId, EventId, HoldId, NetworkId, ReceiptId, ReturnId, TransactionId, VenueId};
use super::rate::Coefficient;
use super::terms::VenueTerms;
use super::{Money, Quantity, Timestamp};

/// Identity of a receipt or return: exactly once, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceKey {
    /// The network.
    pub network: NetworkId,
    /// The venue.
    pub venue: VenueId,
    /// The source: a connection's id, or what a REST caller says.
    pub source: String,
    /// Id at the source.
    pub external_id: String,
}

/// Standing of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardStanding {
    /// In use.
    Active,
    /// Blocked or replaced by another.
    Blocked,
}

/// Whom a [`CustomerRef`] means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The customer.
    pub customer: CustomerId,
    /// The card by which he was found, with its standing.
    pub card: Option<(String, CardStanding)>,
}

/// A customer with his bonuses.
#[derive(Debug, Clone)]
pub struct CustomerFacts {
    /// His id.
    pub id: CustomerId,
    /// His network.
    pub network: NetworkId,
    /// Standing.
    pub status: CustomerStatus,
    /// Name.
    pub name: Option<String>,
    /// Telephone.
    pub phone: Option<Phone>,
    /// E-mail.
    pub email: Option<String>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// A note for cashiers.
    pub cashier_note: Option<String>,
    /// Newest active card.
    pub card: Option<String>,
    /// Coefficient for the network.
    pub network_coefficient: Option<Coefficient>,
    /// Coefficients for venues.
    pub venue_coefficients: Vec<(VenueId, Coefficient)>,
    /// Lots, holds, debt.
    pub account: Account,
    /// The account as it was loaded: what differs from it is written.
    pub loaded: Account,
    /// End of the chain of his transactions.
    pub head: ChainHead,
    /// Version of the stored account; 0: not stored yet.
    pub version: i64,
    /// Last purchase, for the inactivity reset.
    pub last_purchase_at: Option<Timestamp>,
    /// Whether anything of the account changed in this batch.
    pub touched: bool,
    /// Whether the customer himself is new in this batch.
    pub is_new: bool,
}

impl CustomerFacts {
    /// A customer whom nobody knew, with an empty account.
    pub fn potential(id: CustomerId, network: NetworkId, phone: Phone, name: Option<String>) -> Self {
        CustomerFacts {
            id,
            network,
            status: CustomerStatus::Potential,
            name,
            phone: Some(phone),
            email: None,
            birthday: None,
            cashier_note: None,
            card: None,
            network_coefficient: None,
            venue_coefficients: Vec::new(),
            account: Account::default(),
            loaded: Account::default(),
            head: ChainHead::default(),
            version: 0,
            last_purchase_at: None,
            touched: true,
            is_new: true,
        }
    }

    /// His coefficients at a venue.
    pub fn coefficients(&self, venue: VenueId) -> CustomerCoefficients {
        CustomerCoefficients {
            venue: self
                .venue_coefficients
                .iter()
                .find(|(v, _)| *v == venue)
                .map(|(_, k)| *k),
            network: self.network_coefficient,
        }
    }
}

/// Whether a stored thing must be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change {
    /// As loaded.
    #[default]
    None,
    /// Made in this batch.
    Inserted,
    /// Loaded and changed.
    Updated,
}

impl Change {
    /// Marks a change of something loaded; what is new stays new.
    pub fn mark(&mut self) {
        if *self == Change::None {
            *self = Change::Updated;
        }
    }
}

/// A posted receipt.
#[derive(Debug, Clone)]
pub struct StoredReceipt {
    /// Its id.
    pub id: ReceiptId,
    /// Its identity.
    pub key: SourceKey,
    /// Where it stands.
    pub status: ReceiptStatus,
    /// Version of its content, for sources that have versions. After a rollback: the rollback's.
    pub version: Option<i64>,
    /// What makes a repeat the same: lines, amounts, customer, redemption.
    pub fingerprint: Hash,
    /// What does so as well, where its adapter says it: the till's own words, which settings of the connection do not shape.
    pub as_told: Option<AsTold>,
    /// The guest.
    pub customer: Option<CustomerId>,
    /// Transaction type.
    pub kind: String,
    /// Total after discounts, before bonuses.
    pub total: Money,
    /// Posted redemption that stands now, returns not taken off.
    pub redeemed: Money,
    /// Posted accrual that stands now, returns not taken off.
    pub accrued: Money,
    /// When the till closed it.
    pub closed_at: Timestamp,
    /// When it was booked.
    pub posted_at: Timestamp,
    /// When its source last spoke of it, be it to say the same again.
    pub told_at: Timestamp,
    /// Lines with what was returned of them.
    pub lines: Vec<StoredLine>,
    /// Which lots paid the redemption, in the order spent.
    pub parts: Vec<RedemptionPart>,
    /// What its till says that bonuses have paid, where not all of it was found written off yet.
    pub awaits: Option<Money>,
    /// The answer that repeats get.
    pub answer: Closed,
    /// What the till sent, for what is new or replaced in this batch.
    pub content: Option<Receipt>,
    /// How often it was written. Who finds another number than he read lost a race: not every receipt has a guest whose
    /// account would tell.
    pub revision: i64,
    /// Must it be written?
    pub change: Change,
    /// The lines were replaced by a newer version.
    pub lines_replaced: bool,
}

/// A line of a posted receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// Its id in the receipt.
    pub line_id: String,
    /// Name as sold.
    pub name: String,
    /// The till's id of the product.
    pub product_id: Option<String>,
    /// How much was sold.
    pub quantity: Quantity,
    /// Amount after discounts, before bonuses.
    pub amount: Money,
    /// The part that bonuses paid and that was posted.
    pub redeemed: Money,
    /// Share of the accrual.
    pub accrued: Money,
    /// Returned so far, where it is returned by quantity.
    pub returned_quantity: Quantity,
    /// Returned so far, where it is returned by amount; by quantity: the amount that follows.
    pub returned_amount: Money,
    /// Which of the two; `None`: nothing returned yet.
    pub returned_by: Option<ReturnedBy>,
    /// Of `redeemed`, given back so far.
    pub redemption_undone: Money,
    /// Of `accrued`, taken back so far.
    pub accrual_undone: Money,
    /// Must it be written?
    pub changed: bool,
}

/// How a line is returned: one of the two, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnedBy {
    /// By quantity.
    Quantity,
    /// By amount.
    Amount,
}

/// A part of a redemption: how much of which lot, and how much of it came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedemptionPart {
    /// Whose bonuses, where another guest than the receipt's own paid with them.
    pub payer: Option<CustomerId>,
    /// The transaction that redeemed it.
    pub transaction: TransactionId,
    /// Its place in the order spent.
    pub sequence: i32,
    /// The lot as it was; `None`: it was missing and became debt.
    pub lot: Option<Lot>,
    /// How much.
    pub amount: Money,
    /// Of it, given back so far.
    pub refunded: Money,
    /// Must it be written?
    pub change: Change,
}

/// A return that was accepted: applied, or waiting for its sale.
#[derive(Debug, Clone)]
pub struct StoredReturn {
    /// Its id.
    pub id: ReturnId,
    /// Its identity.
    pub key: SourceKey,
    /// Identity of its sale.
    pub sale: SourceKey,
    /// What makes a repeat the same.
    pub fingerprint: Hash,
    /// What it asked, for the time when its sale comes.
    pub request: ReturnRequest,
    /// The answer that repeats get.
    pub answer: Returned,
    /// When it was booked.
    pub posted_at: Timestamp,
    /// When its source last spoke of it, be it to say the same again.
    pub told_at: Timestamp,
    /// Version of the word that undid it, by whichever road that came.
    pub undone_by: Option<i64>,
    /// Who brought it.
    pub actor: String,
    /// Must it be written?
    pub change: Change,
}

/// What a return asks, as kept while it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRequest {
    /// Version of the message.
    pub version: Option<i64>,
    /// When the till gave it back.
    pub returned_at: Timestamp,
    /// `None`: everything that is left.
    pub lines: Option<Vec<ReturnedLine>>,
    /// The payment never became a sale.
    pub rollback: bool,
    /// The receipt is marked cancelled.
    pub cancel: bool,
    /// How long it stands.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub stands: Stands,
}

/// Most returns stand as long as their sale: that is not written.
fn is_usual(stands: &Stands) -> bool {
    *stands == Stands::default()
}

/// One line of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnedLine {
    /// Line of the sale.
    pub line_id: String,
    /// How much comes back.
    pub quantity: Option<Quantity>,
    /// Which part of its amount comes back.
    pub amount: Option<Money>,
    /// The product, where the source may not know the sale's lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductBack>,
}

impl ReturnedLine {
    /// How its source names it: by the line, else by the product.
    pub fn named(&self) -> &str {
        match &self.product {
            Some(product) if self.line_id.is_empty() => &product.id,
            _ => &self.line_id,
        }
    }
}

impl ReturnRequest {
    /// From what an adapter asks.
    pub fn from_ask(ask: &kopilka_contract::GiveBack) -> Self {
        let lines = match &ask.what {
            WhatBack::Everything => None,
            WhatBack::Lines(lines) => Some(
                lines
                    .iter()
                    .map(|l| ReturnedLine {
                        line_id: l.line_id.clone(),
                        quantity: l.quantity,
                        amount: l.amount,
                        product: l.product.clone(),
                    })
                    .collect(),
            ),
        };
        ReturnRequest {
            version: ask.version,
            returned_at: ask.returned_at.to_utc(),
            lines,
            rollback: ask.rollback,
            cancel: ask.rollback,
            stands: ask.stands,
        }
    }
}

/// Standing of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldStanding {
    /// Holds bonuses until its end.
    Active,
    /// A receipt used it.
    Captured,
    /// Let go by somebody.
    Voided,
    /// Ended by itself.
    Ended,
}

/// A hold with its history.
#[derive(Debug, Clone)]
pub struct StoredHold {
    /// Its id.
    pub id: HoldId,
    /// Key at its source.
    pub key: Option<SourceKey>,
    /// Its network.
    pub network: NetworkId,
    /// Whose bonuses.
    pub customer: CustomerId,
    /// The venue.
    pub venue: VenueId,
    /// How much was set aside at first.
    pub amount: Money,
    /// It ends by itself.
    pub ends_at: Timestamp,
    /// Where it stands. An active one whose time is over counts as ended.
    pub standing: HoldStanding,
    /// What went back when it was let go.
    pub released: Money,
    /// When it was taken.
    pub created_at: Timestamp,
    /// The order that it is for, as its source names it.
    pub order: Option<String>,
    /// Must it be written?
    pub change: Change,
}

/// A write-off that came before its receipt.
#[derive(Debug, Clone)]
pub struct WriteOff {
    /// The transaction that posted it.
    pub transaction: TransactionId,
    /// Its session: venue, source, key of the session.
    pub session: SourceKey,
    /// The lock session's hold at that time.
    pub hold: Option<HoldId>,
    /// Whose bonuses.
    pub customer: CustomerId,
    /// How much.
    pub amount: Money,
    /// How much of it became debt.
    pub debt: Money,
    /// When.
    pub posted_at: Timestamp,
    /// The receipt that took it over.
    pub receipt: Option<ReceiptId>,
    /// What a person made of it.
    pub settled: Option<SettledWriteOff>,
    /// Which lots paid it.
    pub parts: Vec<RedemptionPart>,
    /// Must it be written?
    pub change: Change,
}

impl WriteOff {
    /// Whether a receipt may take it over: no other has, and its bonuses have not come back.
    pub fn is_free(&self) -> bool {
        let given_back = self.settled.as_ref().is_some_and(|settled| settled.given_back);
        self.receipt.is_none() && !given_back
    }
}

/// How a person settled a write-off whose receipt did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledWriteOff {
    /// Whether the bonuses came back; else they stay written off.
    pub given_back: bool,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub note: String,
}

/// Something that happened and that others may act on after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The network.
    pub network: NetworkId,
    /// What: `receipt.closed`, `receipt.returned`, `customer.created`, `bonus.credited` …
    pub kind: &'static str,
    /// Whom it is about.
    pub customer: Option<CustomerId>,
    /// Id of the thing it is about, in text form.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

/// An answer remembered under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedAnswer {
    /// Hash of the body.
    pub fingerprint: Hash,
    /// HTTP status of the first answer.
    pub status: u16,
    /// The answer as JSON.
    pub answer: String,
}

/// A remembered key: network, who used it (an API key or a user), the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// The network.
    pub network: NetworkId,
    /// Who used it.
    pub actor: String,
    /// The key.
    pub key: String,
}

/// All facts of a batch.
#[derive(Debug, Default, Clone)]
pub struct World {
    /// Terms of the venues that commands name.
    pub terms: HashMap<VenueId, Arc<VenueTerms>>,
    /// Customers by id.
    pub customers: HashMap<CustomerId, CustomerFacts>,
    /// Whom references mean. Absent: nobody.
    pub found: HashMap<(NetworkId, CustomerRef), Found>,
    /// Posted receipts.
    pub receipts: HashMap<SourceKey, StoredReceipt>,
    /// Accepted returns.
    pub returns: HashMap<SourceKey, StoredReturn>,
    /// Holds.
    pub holds: HashMap<HoldId, StoredHold>,
    /// Newest hold of a key.
    pub hold_keys: HashMap<SourceKey, HoldId>,
    /// Write-offs that no receipt took over yet, or of the last day.
    pub write_offs: Vec<WriteOff>,
    /// Answers remembered under idempotency keys.
    pub remembered: HashMap<IdempotencyKey, RememberedAnswer>,
    /// Transactions made in this batch, in order.
    pub transactions: Vec<Transaction>,
    /// Events made in this batch, in order.
    pub events: Vec<Event>,
}
