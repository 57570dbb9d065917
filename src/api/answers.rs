//! What the till's path answers, worded in the caller's language.

use chrono::{DateTime, NaiveDate, Utc};
use kopilka_contract as told;
use kopilka_contract::{CustomerStatus, FactorKind, Language, Money, ReceiptStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// Where a receipt stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
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

impl From<ReceiptStatus> for Status {
    fn from(status: ReceiptStatus) -> Self {
        match status {
            ReceiptStatus::Quoted => Status::Quoted,
            ReceiptStatus::Closed => Status::Closed,
            ReceiptStatus::PartlyReturned => Status::PartlyReturned,
            ReceiptStatus::Returned => Status::Returned,
            ReceiptStatus::Cancelled => Status::Cancelled,
            ReceiptStatus::Waiting => Status::Waiting,
            ReceiptStatus::Refused => Status::Refused,
        }
    }
}

/// Bonuses of a customer, seen from a venue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BalanceAnswer {
    /// What may be spent at the venue (without a venue: in the whole network).
    #[schema(value_type = String, example = "1240.00")]
    pub available: Money,
    /// What is left in all active lots + held − debt.
    #[schema(value_type = String, example = "1240.00")]
    pub balance: Money,
    /// Set aside for open orders.
    #[schema(value_type = String, example = "0.00")]
    pub held: Money,
    /// Lots that start later.
    #[schema(value_type = String, example = "0.00")]
    pub pending: Money,
    /// What the customer owes; the next credit pays it first.
    #[schema(value_type = String, example = "0.00")]
    pub debt: Money,
    /// What expires next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiring_next: Option<ExpiringAnswer>,
}

/// What expires next.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExpiringAnswer {
    /// How much.
    #[schema(value_type = String, example = "120.00")]
    pub amount: Money,
    /// From this moment it is gone.
    pub at: DateTime<Utc>,
}

impl From<told::Balance> for BalanceAnswer {
    fn from(b: told::Balance) -> Self {
        BalanceAnswer {
            available: b.available,
            balance: b.balance,
            held: b.held,
            pending: b.pending,
            debt: b.debt,
            expiring_next: b.expiring.map(|e| ExpiringAnswer {
                amount: e.amount,
                at: e.at,
            }),
        }
    }
}

/// A message to the cashier.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CashierMessageAnswer {
    /// Stable code.
    #[schema(example = "birthday")]
    pub code: String,
    /// What it says.
    #[schema(example = "Завтра день рождения гостя.")]
    pub text: String,
    /// A cashier has ticked it off on this business day of the venue.
    pub ticked: bool,
}

fn messages(messages: Vec<told::CashierMessage>, language: Language) -> Vec<CashierMessageAnswer> {
    let worded = |m: told::CashierMessage| CashierMessageAnswer {
        text: m.text.in_language(language).to_owned(),
        code: m.code,
        ticked: false,
    };
    messages.into_iter().map(worded).collect()
}

/// A guest as the till shows him.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GuestAnswer {
    /// `cus_…`
    pub id: String,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `registered`, `potential` or `blocked`.
    #[schema(example = "registered")]
    pub status: &'static str,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Birthday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<NaiveDate>,
    /// The card by which he was found, else his newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Nothing accrues on it, and a redemption is refused.
    pub card_blocked: bool,
    /// The coefficient that applies at this venue.
    #[schema(example = "2")]
    pub coefficient: String,
    /// Most of a receipt that bonuses may pay at this venue, in percent.
    #[schema(example = "30")]
    pub redeem_max_percent: String,
    /// What he has at this venue.
    pub balance: BalanceAnswer,
    /// What the cashier should say or do.
    pub cashier_messages: Vec<CashierMessageAnswer>,
}

impl GuestAnswer {
    /// Worded in a language.
    pub fn new(guest: told::Guest, language: Language) -> Self {
        GuestAnswer {
            id: guest.id,
            name: guest.name,
            status: match guest.status {
                CustomerStatus::Registered => "registered",
                CustomerStatus::Potential => "potential",
                CustomerStatus::Blocked => "blocked",
            },
            phone: guest.phone.map(|p| p.to_string()),
            email: guest.email,
            birthday: guest.birthday,
            card: guest.card,
            card_blocked: guest.card_blocked,
            coefficient: guest.coefficient,
            redeem_max_percent: guest.redeem_max_percent,
            balance: guest.balance.into(),
            cashier_messages: messages(guest.cashier_messages, language),
        }
    }
}

/// One factor of an accrual: what, how much, which rule says so, and in words that can be read to a guest.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FactorAnswer {
    /// `base`, `base_percent`, `customer`, `item`, `time`, `amount`, `rounding` or `note`.
    #[schema(value_type = String, example = "time")]
    pub factor: FactorKind,
    /// An amount, a percent or a coefficient.
    #[schema(example = "1.5")]
    pub value: String,
    /// Where it comes from.
    #[schema(example = "rule:rul_01hgw3zj3q7hx")]
    pub source: String,
    /// The lines it is about; absent: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// In plain words.
    #[schema(example = "«Счастливые часы» (пт, 17:00–19:59): × 1,5")]
    pub words: String,
}

/// What a receipt did to one line.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineAnswer {
    /// Id of the line.
    pub line_id: String,
    /// The part paid with bonuses: the till prints it as the line's discount.
    #[schema(value_type = String, example = "30.00")]
    pub redeemed: Money,
    /// The line's share of the accrual.
    #[schema(value_type = String, example = "18.50")]
    pub accrued: Money,
}

/// What a receipt did, or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptAnswer {
    /// `rcp_…`; absent in a quote.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// `cus_…` of the guest, if one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Total after discounts, before bonuses.
    #[schema(value_type = String, example = "1615.00")]
    pub total: Money,
    /// Paid with bonuses.
    #[schema(value_type = String, example = "510.00")]
    pub redeemed: Money,
    /// Most that this guest may redeem on this receipt.
    #[schema(value_type = String, example = "510.00")]
    pub may_redeem: Money,
    /// What stays to be paid with money.
    #[schema(value_type = String, example = "1105.00")]
    pub to_pay: Money,
    /// Accrued in all.
    #[schema(value_type = String, example = "125.21")]
    pub accrued: Money,
    /// The lines, in the receipt's order.
    pub lines: Vec<LineAnswer>,
    /// The guest's bonuses afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceAnswer>,
    /// Why so much accrued.
    pub explanation: Vec<FactorAnswer>,
    /// What the cashier should say or do.
    pub cashier_messages: Vec<CashierMessageAnswer>,
}

impl ReceiptAnswer {
    /// Worded in a language.
    pub fn new(closed: told::Closed, language: Language) -> Self {
        ReceiptAnswer {
            id: closed.id,
            status: closed.status.into(),
            customer_id: closed.customer_id,
            total: closed.total,
            redeemed: closed.redeemed,
            may_redeem: closed.may_redeem,
            to_pay: closed.to_pay,
            accrued: closed.accrued,
            lines: closed
                .lines
                .into_iter()
                .map(|l| LineAnswer {
                    line_id: l.line_id,
                    redeemed: l.redeemed,
                    accrued: l.accrued,
                })
                .collect(),
            balance: closed.balance.map(BalanceAnswer::from),
            explanation: closed
                .explanation
                .into_iter()
                .map(|f| FactorAnswer {
                    words: f.words.in_language(language).to_owned(),
                    factor: f.factor,
                    value: f.value,
                    source: f.source,
                    lines: f.lines,
                })
                .collect(),
            cashier_messages: messages(closed.cashier_messages, language),
        }
    }
}

/// What a return did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReturnAnswer {
    /// `ret_…`
    pub id: String,
    /// `rcp_…` of the sale; absent while the return waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
    /// Where the sale stands now, or `waiting`.
    pub status: Status,
    /// Amount of goods that came back, before bonuses.
    #[schema(value_type = String, example = "400.00")]
    pub amount: Money,
    /// Accrual taken back.
    #[schema(value_type = String, example = "18.80")]
    pub accrual_undone: Money,
    /// Redeemed bonuses given back.
    #[schema(value_type = String, example = "12.00")]
    pub redemption_undone: Money,
    /// Money to give back.
    #[schema(value_type = String, example = "388.00")]
    pub refund: Money,
    /// The guest's bonuses afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceAnswer>,
}

impl From<told::Returned> for ReturnAnswer {
    fn from(r: told::Returned) -> Self {
        ReturnAnswer {
            id: r.id,
            receipt_id: r.receipt_id,
            status: r.status.into(),
            amount: r.amount,
            accrual_undone: r.accrual_undone,
            redemption_undone: r.redemption_undone,
            refund: r.refund,
            balance: r.balance.map(BalanceAnswer::from),
        }
    }
}

/// A hold that was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldAnswer {
    /// `hld_…`
    pub id: String,
    /// How much is set aside.
    #[schema(value_type = String, example = "300.00")]
    pub amount: Money,
    /// It ends by itself at this moment.
    pub ends_at: DateTime<Utc>,
    /// The guest, with what he has left.
    pub customer: GuestAnswer,
}

/// A hold that was let go.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VoidAnswer {
    /// `hld_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What went back.
    #[schema(value_type = String, example = "300.00")]
    pub released: Money,
}

/// What a change of a balance did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AdjustmentAnswer {
    /// `txn_…`; absent where nothing moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// How much moved.
    #[schema(value_type = String, example = "500.00")]
    pub amount: Money,
    /// The customer's bonuses afterwards.
    pub balance: BalanceAnswer,
}
