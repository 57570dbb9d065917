//! A receipt as every till can tell it.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use crate::{Money, Phone, Quantity};

/// Versions from here on are those of a till that tells its own receipts; below are those of whoever only repeats them
/// (a cloud's webhook, a report).
const FIRST_HAND: i64 = 1 << 62;

/// Of whoever only repeats: versions from here on say when, in milliseconds; below they only count.
const MOMENT: i64 = 1 << 61;

/// The version of a receipt that the till itself tells, where others repeat it: newer than anything that they say of
/// it, because only the till knows the guest who stood there and the bonuses that he paid with.
pub fn first_hand(revision: u32) -> i64 {
    first_hand_at(i64::from(revision))
}

/// The same for a source whose versions are numbers already, below 2^61.
pub fn first_hand_at(version: i64) -> i64 {
    FIRST_HAND | version
}

/// The version of a receipt that the till itself tells without counting: when it came, below 2^61. With one that counts it cannot be
/// compared, and what is told later is later.
pub fn first_hand_came(version: i64) -> i64 {
    FIRST_HAND | MOMENT | version
}

/// The version of somebody who only repeats what tills tell and says when it was so, in milliseconds since 1970: with the
/// till's own word it is compared by time.
pub fn repeated_at(milliseconds: i64) -> i64 {
    MOMENT | milliseconds.clamp(0, MOMENT - 1)
}

/// When what a version of [`repeated_at`] tells was so, in milliseconds since 1970; `None`: a version of another kind.
pub fn repeated_moment(version: i64) -> Option<i64> {
    (MOMENT..FIRST_HAND)
        .contains(&version)
        .then_some(version ^ MOMENT)
}

/// Whether two versions are of the same road and count alike, so that the greater of them is the later one.
pub fn comparable(one: i64, other: i64) -> bool {
    let counts = |version: i64| version & MOMENT == 0;
    is_first_hand(one) == is_first_hand(other) && (!is_first_hand(one) || counts(one) == counts(other))
}

/// Whether one version is of the till itself and the other of somebody who only repeats it.
pub fn is_nearer(one: i64, other: i64) -> bool {
    is_first_hand(one) && !is_first_hand(other)
}

/// Whether a version that is told is newer than one that is known, each with the time when it was told. Two words of the till itself
/// that count differently are as late as they were told.
pub fn is_newer(told: (i64, DateTime<Utc>), known: (i64, DateTime<Utc>)) -> bool {
    if is_first_hand(told.0) && is_first_hand(known.0) && !comparable(told.0, known.0) {
        return told.1 >= known.1;
    }
    told.0 > known.0
}

/// Whether a version is of the till itself, not of somebody who only repeats it.
pub fn is_first_hand(version: i64) -> bool {
    version >= FIRST_HAND
}

/// How a till names a guest. JSON: `{"card": "9000000017"}`, `{"phone": "+79215550101"}`, `{"qr": "…"}`, `{"id": "cus_…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerRef {
    /// Number of a plastic, virtual or Wallet card, as the till read it.
    Card(String),
    /// Telephone number.
    Phone(Phone),
    /// Text of the guest's own QR code.
    Qr(String),
    /// Our id of the customer, or the external id under which the integrator registered him.
    Id(String),
    /// The same from somebody who may have it wrong: where nobody has the id, a sale goes by its telephone and is not refused.
    MaybeId(String),
    /// Nobody: the till does not know who the guest is, and has not said that there is none. Whoever else has named one is
    /// right.
    NotAsked,
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Id of the line inside its receipt; returns name it.
    pub line_id: String,
    /// Name of the product as printed. Product coefficients match it exactly.
    pub name: String,
    /// The till's id of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// The till's id of the category. Category coefficients match it; a name never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_id: Option<String>,
    /// The category's name, for reading only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_name: Option<String>,
    /// How much was sold, above zero.
    pub quantity: Quantity,
    /// Price of one, before discounts, for reading only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Amount of the line after discounts and *before* bonuses.
    pub amount: Money,
    /// The part of `amount` that the till itself has already covered with bonuses on the fiscal receipt. Either
    /// every line of a receipt has it (0.00 included) or none: then the ledger spreads the redemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed: Option<Money>,
}

/// One payment of a receipt, in money or in anything else but our bonuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Kind as the till calls it: `cash`, `card`, `gift_certificate` … `excluded_payment_kinds` compare with it.
    pub kind: String,
    /// What was paid so, change taken off.
    pub amount: Money,
}

/// What a till closed (or is about to close).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the receipt at its source; with the venue and the source it is the receipt's identity, for ever.
    pub external_id: String,
    /// Version of the content, for sources that have versions: a newer one posts the difference, an older or equal
    /// one changes nothing. `None`: the source has no versions, and other content is a conflict. Of two roads by which
    /// one source tells its receipts, the nearer one counts its versions by [`first_hand`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Number printed on the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The till (workplace).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub till: Option<String>,
    /// The shift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<String>,
    /// When the till closed it, with the offset of its zone.
    pub closed_at: DateTime<FixedOffset>,
    /// Transaction type of the venue: `place`, `delivery`, `online` or one that the venue added. `None`: the
    /// connection's, else the venue's default.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The guest, if the till knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerRef>,
    /// A telephone number in the order. Where no customer is found it makes a potential customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// The guest's name in the order, kept for a potential customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The lines, in the receipt's order.
    pub lines: Vec<Line>,
    /// Payments other than our bonuses.
    #[serde(default)]
    pub payments: Vec<Payment>,
    /// Total after discounts and before bonuses; must be the sum of the lines where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// Who served the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiter: Option<String>,
    /// How many guests sat at the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<u32>,
    /// Anything the till noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Advertising source of a delivery order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertising_source: Option<String>,
}

impl Receipt {
    /// A receipt of which nothing is known but which it is and when it was closed.
    pub fn of(external_id: String, closed_at: DateTime<FixedOffset>) -> Self {
        Receipt {
            external_id,
            version: None,
            number: None,
            till: None,
            shift: None,
            closed_at,
            kind: None,
            customer: None,
            phone: None,
            customer_name: None,
            lines: Vec::new(),
            payments: Vec::new(),
            total: None,
            waiter: None,
            guests: None,
            comment: None,
            advertising_source: None,
        }
    }

    /// The guest as the till names him; `None`: it names nobody.
    pub fn named(&self) -> Option<&CustomerRef> {
        self.customer
            .as_ref()
            .filter(|who| **who != CustomerRef::NotAsked)
    }
}
