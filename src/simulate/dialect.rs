//! What a till system's side of the simulator must be able to say.

use std::fmt::Debug;
use std::sync::Arc;

use chrono::DateTime;
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::Value;

use super::vendor::Vendor;

/// A product that was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Name.
    pub(crate) name: &'static str,
    /// The till's id of the product.
    pub(crate) product: String,
    /// The till's id of its category.
    pub(crate) category: &'static str,
    /// Pieces.
    pub(crate) pieces: i64,
    /// Price of one.
    pub(crate) price: Money,
    /// What bonuses paid of it, as the network spread them when it was asked.
    pub(crate) redeemed: Money,
}

impl Item {
    /// What all of it costs.
    pub(crate) fn amount(&self) -> Money {
        Money::from_kopecks(self.price.kopecks() * self.pieces)
    }
}

/// How a guest is named at tills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuestName<'a> {
    /// Number of a card.
    Card(&'a str),
    /// Telephone, with its plus.
    Phone(&'a str),
}

/// A sale.
#[derive(Debug, Clone)]
pub(crate) struct Sale {
    /// Its number in the day, from 1.
    pub(crate) number: u32,
    /// A GUID in lower case that nothing else has.
    pub(crate) id: String,
    /// When it was closed, on the venue's clock.
    pub(crate) at: DateTime<Tz>,
    /// Card of the guest, where he has one.
    pub(crate) card: Option<String>,
    /// His telephone.
    pub(crate) phone: Option<String>,
    /// Our id of him, where he has a card: sites keep it.
    pub(crate) member: Option<String>,
    /// What was sold.
    pub(crate) items: Vec<Item>,
    /// What bonuses pay.
    pub(crate) redeem: Money,
    /// Another guest who pays a part of that.
    pub(crate) payer: Option<Payer>,
}

/// A guest who pays for another's sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payer {
    /// Which of the day's guests he is.
    pub(crate) guest: usize,
    /// His card.
    pub(crate) card: String,
    /// How much of what bonuses pay is his.
    pub(crate) part: Money,
}

impl Sale {
    /// Before bonuses.
    pub(crate) fn total(&self) -> Money {
        self.items.iter().map(Item::amount).sum()
    }

    /// What money pays.
    pub(crate) fn to_pay(&self) -> Money {
        self.total() - self.redeem
    }
}

/// What becomes of a message that is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The till needs the answer now, and asks until it has one.
    Asks,
    /// The till sends it again until it is answered; it may come late, twice, and after others.
    Tells,
    /// The till sends it once, whatever happens.
    Once,
    /// Nobody sends it: the vendor's system shows it to whoever asks.
    Shows,
}

/// A message to the till's door, or a thing that the vendor's system only shows.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) method: &'static str,
    /// What follows the token, with the query.
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    /// Number of the sale that it is about.
    pub(crate) sale: u32,
    /// What is so in the vendor's own system from then on, as its [`Vendor`] understands it. A message that has one may get
    /// lost for good: who asks the system will see it.
    pub(crate) fact: Option<Value>,
}

/// What a till makes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Done.
    Taken,
    /// Not done; the till or its cashier tries again.
    Again(String),
    /// Not done, and the till does not try again.
    Refused(String),
}

/// How a till takes back a part of what was sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartsBack {
    /// It does not.
    Never,
    /// By a return of lines.
    Return,
    /// By a newer snapshot of the order, with less in it.
    NewerOrder,
}

/// How a sale is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undo {
    /// The payment is rolled back: the order may be sold again.
    RollBack,
    /// All of it comes back.
    Return,
    /// So many pieces of each item come back. The first number tells returns of one sale apart.
    Pieces(u32, Vec<i64>),
}

/// A till system.
pub(crate) trait Dialect: Debug + Sync {
    /// Kind of its connections.
    fn kind(&self) -> &'static str;

    /// What it is called here: its kind, unless a kind is played in several ways.
    fn name(&self) -> &'static str {
        self.kind()
    }

    /// How it names a guest; `None`: it can't, and sells to nobody.
    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>>;

    /// Whether bonuses can pay at it.
    fn redeems(&self) -> bool;

    /// Whether bonuses can pay for this sale, where they can at all.
    fn redeems_for(&self, _sale: &Sale) -> bool {
        self.redeems()
    }

    /// Whether several cards can pay for this sale. Parts of such a sale do not come back.
    fn takes_payers(&self, _sale: &Sale) -> bool {
        false
    }

    /// Whether a payment can be rolled back and tried again.
    fn rolls_back(&self) -> bool;

    /// How it takes parts back.
    fn parts_back(&self) -> PartsBack;

    /// The receipt's id in the books.
    fn external_id(&self, sale: &Sale) -> String;

    /// The ids of product and category that the books get to see.
    fn ids(&self, item: &Item, settings: &Value) -> (String, Option<String>);

    /// What it says before a sale is paid.
    fn before(&self, sale: &Sale) -> Vec<Message>;

    /// Other names of the sale: where the books knew it by two before they learned that it is one, it stands under one of them,
    /// and nothing is left under the other.
    fn other_ids(&self, _sale: &Sale) -> Vec<String> {
        Vec::new()
    }

    /// What it is told that bonuses may pay, by an answer to [`Dialect::before`].
    fn may_redeem(&self, answer: &str) -> Option<Money>;

    /// What it asks before [`Dialect::write_off`], each to be answered as it expects.
    fn prepares(&self, _sale: &Sale) -> Vec<Message> {
        Vec::new()
    }

    /// The cashier takes the guest off a sale that was closed with him.
    fn takes_guest_off(&self, _sale: &Sale, _now: DateTime<Tz>) -> Option<Message> {
        None
    }

    /// A write-off apart from the receipt.
    fn write_off(&self, sale: &Sale) -> Option<Message>;

    /// The sale, as it stands at this time.
    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message;

    /// What it says after the sale. What it asks is answered before anything else is done.
    fn after(&self, sale: &Sale) -> Vec<Message>;

    /// Undoes it at this time.
    fn undo(&self, sale: &Sale, undo: &Undo, now: DateTime<Tz>) -> Message;

    /// Takes a return of all back at this time: what was sold stands again. `None`: it can't.
    fn undo_return(&self, _sale: &Sale, _now: DateTime<Tz>) -> Option<Message> {
        None
    }

    /// What it makes of an answer.
    fn hear(&self, message: &Message, status: u16, body: &str) -> Heard;

    /// Whether a return may be told wrongly at first, and once more as it was.
    fn corrects_returns(&self) -> bool {
        false
    }

    /// The login that the till shows with a message.
    fn login(&self, _message: &Message) -> Option<String> {
        None
    }

    /// Whether a return of all leaves the receipt cancelled: what was sold may be sold again.
    fn returns_cancel(&self) -> bool {
        self.parts_back() == PartsBack::NewerOrder
    }

    /// Whether this sale is told before its bonuses are written off.
    fn tells_first(&self, _sale: &Sale) -> bool {
        false
    }

    /// How the connection is to be set for the day.
    fn settings(&self) -> Value {
        Value::Null
    }

    /// The vendor's own system, where the service asks it: a new one for each day. What is told is then in the books when
    /// the service has asked, and what was undone before that never gets there.
    fn vendor(&self) -> Option<Arc<dyn Vendor>> {
        None
    }
}

/// An amount as a number of JSON.
pub(crate) fn number(amount: Money) -> Value {
    amount.to_string().parse().unwrap_or_default()
}

/// The guest by his card, if he has one.
pub(crate) fn by_card(sale: &Sale) -> Option<GuestName<'_>> {
    sale.card.as_deref().map(GuestName::Card)
}

/// The guest by his telephone, if he gave one.
pub(crate) fn by_phone(sale: &Sale) -> Option<GuestName<'_>> {
    sale.phone.as_deref().map(GuestName::Phone)
}
