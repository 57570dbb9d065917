//! What the ledger answers.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{Adjusted, DayCompared, MenuTaken, Money, Phone, Words};

/// The answer to one [`crate::Ask`].
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// To [`crate::Ask::Identify`], and to what changes the guest himself: who he is then.
    Guest(Box<Guest>),
    /// To [`crate::Ask::Search`]: the guests whom it may mean.
    Guests(Vec<Guest>),
    /// To [`crate::Ask::Turnover`]: his receipts in the whole network, after discounts and before bonuses, without what came back.
    Turnover(Money),
    /// To [`crate::Ask::Cards`]: their numbers, the newest first.
    Cards(Vec<String>),
    /// To [`crate::Ask::Quote`].
    Quoted(Box<Closed>),
    /// To [`crate::Ask::Close`].
    Closed(Box<Closed>),
    /// To [`crate::Ask::GiveBack`].
    Returned(Box<Returned>),
    /// To [`crate::Ask::Hold`].
    Held(Box<Held>),
    /// To [`crate::Ask::Void`].
    Voided(Voided),
    /// To [`crate::Ask::Spend`].
    Spent(Box<Spent>),
    /// To [`crate::Ask::Adjust`].
    Adjusted(Box<Adjusted>),
    /// To [`crate::Ask::TakeMenu`].
    MenuTaken(MenuTaken),
    /// To [`crate::Ask::Reconcile`].
    Reconciled(DayCompared),
}

/// Why the ledger said no. Nothing was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable code, `insufficient-balance` for example; `docs/errors.md` lists all.
    pub code: String,
    /// What to tell the person at the till.
    pub words: Words,
    /// JSON Pointer to the field at fault, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Whether the same message may succeed later without a change.
    #[serde(default)]
    pub retryable: bool,
    /// The most that would have been taken, where too much was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Money>,
}

/// Standing of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerStatus {
    /// In the programme.
    Registered,
    /// Known only from a delivery or an order: collects, and may join later.
    Potential,
    /// Blocked by a person: nothing accrues, nothing is redeemed.
    Blocked,
}

/// A guest as the till shows him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// `cus_…`
    pub id: String,
    /// A positive number below 2^53 for tills that know only numbers (r_keeper `PersonID`).
    #[serde(skip_serializing)]
    #[serde(default)]
    pub number: i64,
    /// Name, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Standing.
    pub status: CustomerStatus,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// E-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Birthday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<NaiveDate>,
    /// The card by which he was found, else his newest active card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Whether that card is blocked: nothing accrues on it, and a redemption is refused.
    #[serde(default)]
    pub card_blocked: bool,
    /// The coefficient that applies at this venue, as a decimal string.
    pub coefficient: String,
    /// Share of a receipt that bonuses may pay at this venue, in percent, as a decimal string.
    pub redeem_max_percent: String,
    /// What he has at this venue.
    pub balance: Balance,
    /// What the cashier should say or do.
    #[serde(default)]
    pub cashier_messages: Vec<CashierMessage>,
}

/// Bonuses of a customer, seen from a venue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// What is left in active lots whose scope allows the venue.
    pub available: Money,
    /// What is left in all active lots + held − debt.
    pub balance: Money,
    /// Set aside for open orders.
    pub held: Money,
    /// Lots that start later.
    pub pending: Money,
    /// What the customer owes; the next credit pays it first.
    pub debt: Money,
    /// What expires next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiring: Option<Expiring>,
}

/// What expires next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    /// How much.
    pub amount: Money,
    /// From this moment it is gone.
    pub at: DateTime<Utc>,
}

/// A message to the cashier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashierMessage {
    /// Stable code: `birthday`, `note`, `joined`, `warning` …
    pub code: String,
    /// What it says.
    pub text: Words,
}

/// Where a receipt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// Only quoted: nothing is posted.
    Quoted,
    /// Posted.
    Closed,
    /// A part came back.
    PartlyReturned,
    /// All came back.
    Returned,
    /// Cancelled or rolled back.
    Cancelled,
    /// A return that waits for its sale.
    Waiting,
    /// Refused; kept for a person.
    Refused,
}

/// What a receipt did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// `rcp_…`; empty in a quote.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Where it stands.
    pub status: ReceiptStatus,
    /// `cus_…` of the guest, if one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Total after discounts, before bonuses.
    pub total: Money,
    /// Paid with bonuses.
    pub redeemed: Money,
    /// Most that may be redeemed on this receipt by this guest now (in a quote: before `redeemed` is taken), with what other
    /// guests have set aside for it.
    pub may_redeem: Money,
    /// What stays to be paid with money.
    pub to_pay: Money,
    /// Accrued in all.
    pub accrued: Money,
    /// The lines, in the receipt's order.
    pub lines: Vec<LineOutcome>,
    /// The guest's bonuses afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// Why so much accrued.
    pub explanation: Vec<Factor>,
    /// What the cashier should say or do.
    #[serde(default)]
    pub cashier_messages: Vec<CashierMessage>,
    /// The till has said that there is no guest, where others may name one: they do not bring him back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub guest_taken_off: bool,
    /// The same receipt was posted before; this is its first answer.
    #[serde(skip)]
    pub replayed: bool,
    /// How it stands to what was known of the receipt.
    #[serde(skip)]
    pub telling: Telling,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// How a sale or a return that is told stands to what was known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Telling {
    /// Nothing was known, or the very same.
    #[default]
    First,
    /// An older version stood: the difference was posted.
    Newer,
    /// A newer version stands: this one changes nothing.
    Older,
    /// Another connection posts the sale: nothing is written.
    Elsewhere,
}

/// What a receipt did to one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineOutcome {
    /// Id of the line.
    pub line_id: String,
    /// The part paid with bonuses.
    pub redeemed: Money,
    /// The line's share of the accrual.
    pub accrued: Money,
}

/// What a factor of an accrual is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorKind {
    /// What the percent is taken of: amount less what bonuses and excluded payments paid.
    Base,
    /// Base bonus of the venue, in percent.
    BasePercent,
    /// Coefficient of the customer.
    Customer,
    /// Coefficient of the product, category or group; names its lines.
    Item,
    /// Coefficient of the date, weekday or hour.
    Time,
    /// Coefficient of the receipt's amount.
    Amount,
    /// Rounding of the sum.
    Rounding,
    /// Why nothing accrues at all, or less than it seems: a blocked card, no customer.
    Note,
}

/// One factor of an accrual: what, how much, which rule says so, and in words that can be read to a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// What it is.
    pub factor: FactorKind,
    /// Its value: an amount, a percent or a coefficient, as a decimal string.
    pub value: String,
    /// Where it comes from: `venue`, `rule:rul_…`, `category:17`, `customer:venue`, `default` …
    pub source: String,
    /// The lines it is about (`line_id`); empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// In plain words.
    pub words: Words,
}

/// What a return did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// `ret_…`
    pub id: String,
    /// `rcp_…` of the sale; absent while the return waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
    /// Where the sale stands now, or `waiting`.
    pub status: ReceiptStatus,
    /// Amount of goods that came back, before bonuses.
    pub amount: Money,
    /// Accrual taken back.
    pub accrual_undone: Money,
    /// Redeemed bonuses given back.
    pub redemption_undone: Money,
    /// Money to give back: `amount` − `redemption_undone`.
    pub refund: Money,
    /// The guest's bonuses afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// The same return was posted before; this is its first answer.
    #[serde(skip)]
    pub replayed: bool,
    /// How it stands to what was known of the return.
    #[serde(skip)]
    pub telling: Telling,
}

/// A hold that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `hld_…`
    pub id: String,
    /// How much is set aside.
    pub amount: Money,
    /// It ends by itself at this moment.
    pub ends_at: DateTime<Utc>,
    /// The guest.
    pub guest: Guest,
    /// The same hold was taken before; this is its first answer with the guest as he is now.
    #[serde(skip)]
    pub replayed: bool,
}

/// A hold that was let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voided {
    /// `hld_…`; absent where no such hold was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What went back to the lots.
    pub released: Money,
}

/// A write-off that was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// `txn_…`
    pub id: String,
    /// How much was written off.
    pub amount: Money,
    /// How much of it was missing and became debt.
    pub debt: Money,
    /// The guest's bonuses afterwards.
    pub balance: Balance,
    /// The same write-off was posted before in this session.
    #[serde(skip)]
    pub replayed: bool,
}
