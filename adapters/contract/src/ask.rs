//! What a till asks of the ledger.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use crate::{Adjust, AsTold, CustomerRef, Enrol, GuestCard, Line, Menu, Money, Quantity, Receipt, TillDay};

/// One question or order of a till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Who is this guest, and what does he have? A pure read. Answer: [`crate::Told::Guest`].
    Identify(CustomerRef),
    /// Which guests may be meant? A pure read. Answer: [`crate::Told::Guests`].
    Search(Search),
    /// What has this guest bought in all? By the id that an answer gave. A pure read. Answer: [`crate::Told::Turnover`].
    Turnover(String),
    /// Which cards of this guest work? By the id that an answer gave. A pure read. Answer: [`crate::Told::Cards`].
    Cards(String),
    /// What would this receipt do? A pure read. Answer: [`crate::Told::Quoted`].
    Quote(Close),
    /// Close a receipt: exactly once. Answer: [`crate::Told::Closed`].
    Close(Close),
    /// Return, roll back or cancel a receipt: exactly once. Answer: [`crate::Told::Returned`].
    GiveBack(GiveBack),
    /// Undo a return that the till could not finish: the sale stands again. Answer: [`crate::Told::Returned`], with
    /// what was undone.
    UndoReturn(UndoReturn),
    /// Set bonuses aside. Answer: [`crate::Told::Held`].
    Hold(Hold),
    /// Let a hold go; unknown or already ended ones are no error. The text is [`Hold::external_id`]. Answer:
    /// [`crate::Told::Voided`].
    Void(String),
    /// Write bonuses off before the receipt is known. Answer: [`crate::Told::Spent`].
    Spend(Spend),
    /// Let a guest join, or change what is known of him. Answer: [`crate::Told::Guest`].
    Enrol(Box<Enrol>),
    /// Give a guest a card; one of his that was taken away works again. Answer: [`crate::Told::Guest`].
    AddCard(GuestCard),
    /// Give a guest a virtual card, whose number the service makes; one who has a card that works keeps it. Answer:
    /// [`crate::Told::Guest`].
    IssueCard(CustomerRef),
    /// Take a card away from a guest: it is blocked. Answer: [`crate::Told::Guest`].
    RemoveCard(GuestCard),
    /// Give or take bonuses by hand: exactly once. Answer: [`crate::Told::Adjusted`].
    Adjust(Adjust),
    /// Take over the menu of the till: as often as one likes. Answer: [`crate::Told::MenuTaken`].
    TakeMenu(Menu),
    /// Compare what the till says it sold on a day with the books: as often as one likes, nothing is posted. Answer:
    /// [`crate::Told::Reconciled`].
    Reconcile(Box<TillDay>),
}

/// A search for guests by what may mean several of them. At most [`Search::MOST`] are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What is known of them.
    pub by: SearchBy,
    /// Only guests whose bonuses are locked now, at this venue and by this source, under a key ([`Hold::external_id`]) that begins
    /// so; `None`: all.
    pub locked_under: Option<String>,
}

/// What guests are searched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchBy {
    /// The whole e-mail, in capitals or not.
    Email(String),
    /// The end of a telephone number: digits, at least [`Search::LEAST_DIGITS`]; with fewer nobody is found.
    PhoneEnd(String),
}

impl Search {
    /// So many guests are told at most.
    pub const MOST: usize = 10;
    /// The end of a telephone number has at least so many digits.
    pub const LEAST_DIGITS: usize = 4;
}

/// A receipt with what it does to bonuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The receipt.
    pub receipt: Receipt,
    /// What the till itself said of it: the same again is the same receipt, however the connection's settings read it by
    /// now. `None`: only the receipt as it was read tells.
    pub as_told: Option<AsTold>,
    /// Bonuses that pay for a part of it, those of [`Close::payers`] included.
    pub redemption: Redemption,
    /// Whose bonuses pay which part: all pay, or nobody does. The receipt's own guest pays the rest of
    /// [`Redemption::Now`] and is the one to whom the receipt accrues.
    pub payers: Vec<Payer>,
    /// What the receipt accrues where the till counts it itself; `None`: the rules of the venue say.
    pub accrual: Option<Money>,
    /// [`Hold::external_id`] (of the same source) or our id of a hold to capture.
    pub hold: Option<String>,
    /// Promo codes that the guest named.
    pub promo_codes: Vec<String>,
    /// The sale was made while the till had no network.
    pub offline: Option<Offline>,
    /// Categories by product, where the till names only products and the venue's menu knows the rest. An adapter leaves it
    /// empty. It is no part of what the till said: the same receipt told again is the same, whatever the menu says by then.
    pub menu_categories: BTreeMap<String, String>,
}

impl Close {
    /// A receipt that no bonuses pay and of which nothing else is said.
    pub fn of(receipt: Receipt) -> Self {
        Close {
            receipt,
            as_told: None,
            redemption: Redemption::Nothing,
            payers: Vec::new(),
            accrual: None,
            hold: None,
            promo_codes: Vec::new(),
            offline: None,
            menu_categories: BTreeMap::new(),
        }
    }
}

/// A sale that was made without a network: the receipt's `closed_at` is the time of the sale, not of the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offline {
    /// What the guest was allowed to redeem without asking; `None`: nothing.
    pub permit: Option<Permit>,
}

/// An allowance to redeem without a network, fetched while there was one. The door has checked that we gave it, and to
/// this venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// Our id of the guest whose it is.
    pub customer: String,
    /// Our id of the hold that keeps its bonuses.
    pub hold: String,
    /// [`Hold::external_id`] of it: the allowance that renews this one has the same.
    pub key: String,
    /// At most so much may be redeemed.
    pub amount: Money,
    /// It is good for sales made before this moment.
    pub expires_at: DateTime<Utc>,
}

/// A part of a receipt that somebody's bonuses pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    /// Whose bonuses.
    pub by: PaidBy,
    /// How much. With zero a hold is only let go.
    pub amount: Money,
}

/// Whose bonuses pay a part of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaidBy {
    /// Those of a guest who is not the receipt's own, as the till names him.
    Guest(CustomerRef),
    /// Those of whoever set them aside, the receipt's own guest or another: [`Hold::external_id`] (of the same source) or our id of
    /// a hold, which is captured.
    Hold(String),
}

impl Close {
    /// The holds that it captures.
    pub fn holds(&self) -> impl Iterator<Item = &String> {
        let payers = self.payers.iter().filter_map(|payer| match &payer.by {
            PaidBy::Hold(name) => Some(name),
            PaidBy::Guest(_) => None,
        });
        self.hold.iter().chain(payers)
    }

    /// The same, to be named otherwise.
    pub fn holds_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let payers = self.payers.iter_mut().filter_map(|payer| match &mut payer.by {
            PaidBy::Hold(name) => Some(name),
            PaidBy::Guest(_) => None,
        });
        self.hold.iter_mut().chain(payers)
    }
}

/// How a receipt is paid with bonuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redemption {
    /// Not at all.
    #[default]
    Nothing,
    /// Redeem so much now; refused where the balance or the receipt does not allow it.
    Now(Money),
    /// So much was written off by [`Ask::Spend`] earlier: the receipt takes the write-off over and never redeems
    /// again. Where no write-off is found the part lowers the base, and a warning is raised.
    Before(Money),
    /// So much was set aside earlier under [`Close::hold`] and has paid since: the hold is used. Where no such hold
    /// stands it is as [`Redemption::Unconfirmed`].
    Held(Money),
    /// Seen in a message that cannot redeem (a webhook alone never does): lowers the base, and a warning is raised.
    Unconfirmed(Money),
}

impl Redemption {
    /// The part of the receipt that was paid with bonuses, however it was posted.
    pub fn amount(self) -> Money {
        match self {
            Redemption::Nothing => Money::ZERO,
            Redemption::Now(amount)
            | Redemption::Before(amount)
            | Redemption::Held(amount)
            | Redemption::Unconfirmed(amount) => amount,
        }
    }
}

/// A return, rollback or cancellation of a sale of the same source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    /// Id of the return at its source: exactly once, like a receipt.
    pub external_id: String,
    /// [`Receipt::external_id`] of the sale.
    pub sale: String,
    /// Version of the message, for sources that have versions. A rollback remembers it: a sale that is not newer
    /// is refused afterwards.
    pub version: Option<i64>,
    /// When the till gave it back.
    pub returned_at: DateTime<FixedOffset>,
    /// What comes back.
    pub what: WhatBack,
    /// The payment never became a sale (r_keeper chmode 2): the receipt is cancelled, and a newer attempt of the same
    /// receipt may sell again.
    pub rollback: bool,
    /// How long it stands.
    pub stands: Stands,
}

/// How long a return stands, where all of its sale is cancelled and sold once more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// As long as the sale that it was made of: a till that sells the order once more tells of another sale, of which nothing came back.
    #[default]
    WithItsSale,
    /// Until its source takes it back: it is a document of its own, which is not told again because its sale is.
    ByItself,
}

impl GiveBack {
    /// Name of the return by which a till says that an order is no sale (it was written off, say): it undoes a sale that
    /// was told before, and a newer one stands. What is named so a report of the till's day may count as sold all the same.
    pub fn of_no_sale(sale: &str, version: i64) -> String {
        format!("{sale}{NOT_SOLD}{version}")
    }

    /// Whether a return has such a name. It begins with the name that the till used, which may be another than the sale is
    /// known by.
    pub fn is_of_no_sale(external_id: &str) -> bool {
        is_named(external_id, NOT_SOLD)
    }

    /// Name of the rollback by which a till says that another connection posts the sale. It gives back what an attempt before
    /// has redeemed here, and nothing else: a sale that accrued was this connection's own, and of one that is not known
    /// nothing is remembered.
    pub fn of_sale_elsewhere(sale: &str, version: i64) -> String {
        format!("{sale}{ELSEWHERE}{version}")
    }

    /// Whether a rollback has such a name.
    pub fn is_of_sale_elsewhere(external_id: &str) -> bool {
        is_named(external_id, ELSEWHERE)
    }
}

const NOT_SOLD: &str = "/not-sold/";
const ELSEWHERE: &str = "/elsewhere/";

/// Whether a name is of that kind: it ends with it and a version.
fn is_named(external_id: &str, kind: &str) -> bool {
    let version = external_id.rsplit_once(kind).map(|(_, version)| version);
    version.is_some_and(|version| version.parse::<i64>().is_ok())
}

/// A return that never came to be (r_keeper chmode 4): the sale that it gave back stands again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoReturn {
    /// [`GiveBack::external_id`] of the return. It may come later than this: then it is not applied, unless it is newer.
    pub external_id: String,
    /// [`Receipt::external_id`] of the sale.
    pub sale: String,
    /// Version of the message. A return that is newer stands.
    pub version: i64,
    /// When the till undid it.
    pub undone_at: DateTime<FixedOffset>,
}

/// What a return brings back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhatBack {
    /// All that is left of the sale.
    Everything,
    /// Some lines.
    Lines(Vec<LineBack>),
}

/// One line of a return: by quantity or by amount, one of the two for all returns of that line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineBack {
    /// [`crate::Line::line_id`] in the sale.
    pub line_id: String,
    /// The product, where the source may not know how the sale's lines are numbered; `None`: the line must be there.
    pub product: Option<ProductBack>,
    /// How much of it comes back.
    pub quantity: Option<Quantity>,
    /// Which part of its amount (before bonuses) comes back.
    pub amount: Option<Money>,
}

/// A product of a returned line. Its quantity comes off what is left of the sale's lines of that product, those that cost as much
/// first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductBack {
    /// [`crate::Line::product_id`] in the sale, where no line has the id.
    pub id: String,
    /// What the returned line comes to, with or without the part that bonuses paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<Money>,
    /// Returns of this source do not number lines: [`LineBack::line_id`] means all lines `id`, `id/2`, `id/3` … alike. Else the
    /// product counts only where the sale has no such line: it was told by another road.
    #[serde(default)]
    pub any_line: bool,
}

/// Bonuses set aside for an open order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Key of the hold at its source. A second one with the same key replaces the first (it is a new session), unless
    /// `once` is set.
    pub external_id: String,
    /// The same key and amount again is the same hold, answered as the first time. One that was let go or used is not
    /// taken again.
    pub once: bool,
    /// The order at its source, where that is known: of its lines all its holds together may pay no more than one could.
    pub of_order: Option<String>,
    /// Lines of the order, where they are known: no more is held than bonuses may pay of them.
    pub order: Vec<Line>,
    /// Whose bonuses.
    pub customer: CustomerRef,
    /// How much; `None`: all that is available (a till that locks a card, as 1C does).
    pub amount: Option<Money>,
    /// With no `amount`: at most this, and it is refused where nothing is available.
    pub at_most: Option<Money>,
    /// For how long; `None`: as the venue sets it.
    pub minutes: Option<u32>,
}

/// A write-off that comes before its receipt, perhaps after the fiscal receipt was printed (1C): it cannot be refused
/// for want of bonuses as long as what is missing stays within `debt_limit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// Whose bonuses.
    pub customer: CustomerRef,
    /// [`Hold::external_id`] of the lock session, whose bonuses are used first.
    pub session: String,
    /// How much.
    pub amount: Money,
    /// The same amount again in the same session within so many seconds is the same write-off repeated.
    pub repeat_window_s: u32,
    /// How much may be missing and become debt; `None`: the amount that the session had locked.
    pub debt_limit: Option<Money>,
}
