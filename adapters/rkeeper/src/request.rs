//! The roots of the requests (vendor's «HTTP protocol for FarCards» and «Extdll6» texts).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kopilka_contract::Money;

use crate::check::{Check, current_interface};
use crate::read_error::ReadError;
use crate::settings::{KindMeaning, SiteKind};
use crate::till_time;
use crate::xml::Element;

/// `GetCardInfoEx`: `ROOT/QRY`.
#[derive(Debug)]
pub(crate) struct CardQuery {
    /// `QRY@Card`: an int64 as text. Codes with letters do not fit and stand in the receipt.
    pub(crate) card: String,
    /// `QRY@Restaurant`: the restaurant's own four digits.
    restaurant: Option<String>,
    /// The order, where the interface sends it. A broken one does not keep a card from being read.
    pub(crate) check: Option<Result<Check, ReadError>>,
}

impl CardQuery {
    pub(crate) fn read(root: &Element) -> Result<Self, ReadError> {
        let query = root_of(root)?
            .child("qry")
            .ok_or(ReadError::Missing("ROOT/QRY"))?;
        Ok(CardQuery {
            card: query.attribute("card").unwrap_or_default().to_owned(),
            restaurant: query.attribute("restaurant").map(str::to_owned),
            check: check_of(query).or_else(|| check_of(root)).map(Check::read),
        })
    }
}

impl CardQuery {
    /// Code of the restaurant that asks, the longer one where both are there.
    pub(crate) fn restaurant(&self) -> Option<&str> {
        let of_order = match &self.check {
            Some(Ok(check)) => check.restaurant.as_deref(),
            _ => None,
        };
        of_order.or(self.restaurant.as_deref())
    }
}

/// `FindEmail`: `ROOT/QRY@Email`. Scripts of the till put anything there: an e-mail, a telephone, the text of a QR.
#[derive(Debug)]
pub(crate) struct EmailQuery {
    pub(crate) text: String,
}

impl EmailQuery {
    pub(crate) fn read(root: &Element) -> Result<Self, ReadError> {
        let query = root_of(root)?
            .child("qry")
            .ok_or(ReadError::Missing("ROOT/QRY"))?;
        let text = query.attribute("email").ok_or(ReadError::Missing("QRY@Email"))?;
        Ok(EmailQuery {
            text: text.to_owned(),
        })
    }
}

/// `GetCardImageEx`: `ROOT/QRY@CardCode`.
#[derive(Debug)]
pub(crate) struct ImageQuery {
    pub(crate) card: String,
}

impl ImageQuery {
    pub(crate) fn read(root: &Element) -> Result<Self, ReadError> {
        let query = root_of(root)?
            .child("qry")
            .ok_or(ReadError::Missing("ROOT/QRY"))?;
        let card = query
            .attribute("cardcode")
            .or_else(|| query.attribute("card"))
            .ok_or(ReadError::Missing("QRY@CardCode"))?;
        Ok(ImageQuery {
            card: card.to_owned(),
        })
    }
}

/// Whether a message names any card that could be ours. A receipt that names none has nothing to do with bonuses, however
/// odd it is, and must not keep a till from closing it.
pub(crate) fn names_a_card(root: &Element) -> bool {
    let interface = check_in(root).and_then(current_interface);
    names_a_card_of(root, interface.and_then(|our| our.attribute("interface")))
}

/// The same of an element. What another system's interface has put into a receipt is not ours; where it is not said
/// which one is, any card could be.
fn names_a_card_of(element: &Element, our: Option<&str>) -> bool {
    let its = element.attribute("interface");
    if its.zip(our).is_some_and(|(its, our)| its != our) {
        return false;
    }
    let named = ["card", "cardcode"]
        .into_iter()
        .filter_map(|name| element.attribute(name))
        .any(|code| !code.trim_start_matches('0').is_empty());
    let mut children = element.all_children().iter();
    named || children.any(|child| names_a_card_of(child, our))
}

/// `TransactionsEx`: `ROOT/Transactions/TransactionsEx*` and `ROOT/INPBUF/CHECK`.
#[derive(Debug)]
pub(crate) struct Packet {
    /// Empty where the till only passes a receipt without a card.
    pub(crate) rows: Vec<Transaction>,
    /// Absent where the interface does not send receipts.
    pub(crate) check: Option<Check>,
}

impl Packet {
    pub(crate) fn read(root: &Element, kinds: &BTreeMap<u8, SiteKind>) -> Result<Self, ReadError> {
        let root = root_of(root)?;
        let rows = root.listed("transactions", "transactionsex");
        let packet = Packet {
            rows: rows
                .map(|row| Transaction::read(row, kinds))
                .collect::<Result<_, _>>()?,
            check: check_in(root).map(Check::read).transpose()?,
        };
        if packet.check.is_none() && root.child("transactions").is_none() {
            return Err(ReadError::Missing("ROOT/Transactions"));
        }
        Ok(packet)
    }

    /// Code of the restaurant, the longer one where both are there.
    pub(crate) fn restaurant(&self) -> Option<String> {
        let of_check = self.check.as_ref().and_then(|check| check.restaurant.clone());
        of_check.or_else(|| Some(self.rows.first()?.receipt.restaurant?.to_string()))
    }

    /// Sum of the rows of a kind, as the till signs it.
    pub(crate) fn sum(&self, kind: Kind) -> Result<Money, ReadError> {
        let amounts = self
            .rows
            .iter()
            .filter(|row| row.kind == kind)
            .map(|row| row.amount);
        Money::checked_sum(amounts)
            .filter(|sum| is_plausible(*sum))
            .ok_or(ReadError::TooLarge("TransactionsEx@Summa"))
    }
}

/// One money movement.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) card: String,
    pub(crate) kind: Kind,
    /// `Summa`: kopecks with a sign.
    pub(crate) amount: Money,
    /// `Kind` and `Summa` as they came, whatever the site's own kinds stand for.
    pub(crate) told: (u8, Money),
    pub(crate) receipt: TillReceipt,
}

/// What a row knows of its receipt: the only identity where the till sends no receipt XML.
#[derive(Debug)]
pub(crate) struct TillReceipt {
    pub(crate) restaurant: Option<u32>,
    pub(crate) till: Option<u32>,
    pub(crate) date: Option<NaiveDate>,
    pub(crate) number: Option<u32>,
}

impl TillReceipt {
    /// `restaurant/till/cash date/number`, or `None` where one of them is not known.
    pub(crate) fn key(&self) -> Option<String> {
        let number = self.number.filter(|number| *number != 0)?;
        Some(format!(
            "{}/{}/{}/{number}",
            self.restaurant?, self.till?, self.date?
        ))
    }
}

impl Transaction {
    fn read(row: &Element, kinds: &BTreeMap<u8, SiteKind>) -> Result<Self, ReadError> {
        let code = Kind::code_in(
            row.attribute("kind")
                .ok_or(ReadError::Missing("TransactionsEx@Kind"))?,
        )?;
        let site = kinds.get(&code).copied().filter(|_| code > Kind::LAST_OF_VENDOR);
        let told = kopecks(
            row.attribute("summa")
                .ok_or(ReadError::Missing("TransactionsEx@Summa"))?,
        )?;
        Ok(Transaction {
            card: row.attribute("card").unwrap_or_default().to_owned(),
            kind: Kind::of(code, site.map(SiteKind::meaning)),
            amount: match site.is_some_and(SiteKind::is_turned) {
                true => -told,
                false => told,
            },
            told: (code, told),
            receipt: TillReceipt {
                restaurant: number(row, "restaurant"),
                // One clone of the DLL drops the last letter.
                till: number(row, "rkunit").or_else(|| number(row, "rkuni")),
                date: row.attribute("rkdate").and_then(till_time::cash_date),
                number: number(row, "rkcheck"),
            },
        })
    }
}

/// What a transaction moves. In a sale payments and discounts are negative, bonuses and spending positive; in an undo
/// all signs are opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 0: paid from the card, which is a redemption.
    Payment,
    /// 1: a discount given.
    Discount,
    /// 2: a bonus that the till counted.
    Bonus,
    /// 3: spent by the guest; own money by one text of the vendor, the whole receipt by another.
    Spending,
    /// Anything else, such as the codes from 50 on that an installer gives to bonus types and currencies.
    Other(u8),
}

impl Kind {
    /// The vendor's own kinds go so far, and are never the site's.
    const LAST_OF_VENDOR: u8 = 3;

    fn code_in(text: &str) -> Result<u8, ReadError> {
        text.parse()
            .map_err(|_| ReadError::malformed("TransactionsEx@Kind", text))
    }

    /// The vendor's own kinds, and those of the site that are known to stand for one of them.
    fn of(code: u8, site: Option<KindMeaning>) -> Self {
        match (code, site) {
            (0, _) | (_, Some(KindMeaning::Payment)) => Kind::Payment,
            (1, _) | (_, Some(KindMeaning::Discount)) => Kind::Discount,
            (2, _) | (_, Some(KindMeaning::Bonus)) => Kind::Bonus,
            (3, _) | (_, Some(KindMeaning::Spending)) => Kind::Spending,
            (other, None) => Kind::Other(other),
        }
    }

    /// As the vendor numbers it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Kind::Payment => 0,
            Kind::Discount => 1,
            Kind::Bonus => 2,
            Kind::Spending => 3,
            Kind::Other(code) => code,
        }
    }

    /// Whether an amount of this kind belongs to a sale (rather than to its undoing). `None`: it does not tell.
    pub(crate) fn sells(self, amount: Money) -> Option<bool> {
        if amount.is_zero() {
            return None;
        }
        match self {
            Kind::Payment | Kind::Discount => Some(!amount.is_positive()),
            Kind::Bonus | Kind::Spending => Some(amount.is_positive()),
            Kind::Other(_) => None,
        }
    }
}

fn root_of(root: &Element) -> Result<&Element, ReadError> {
    (root.name() == "root")
        .then_some(root)
        .ok_or(ReadError::Missing("ROOT"))
}

/// The receipt of transactions, which one version of the DLL puts among them.
fn check_in(root: &Element) -> Option<&Element> {
    check_of(root).or_else(|| root.child("transactions").and_then(check_of))
}

fn check_of(parent: &Element) -> Option<&Element> {
    parent.child("inpbuf")?.child("check")
}

fn number(row: &Element, name: &str) -> Option<u32> {
    row.attribute(name)?.parse().ok()
}

fn kopecks(text: &str) -> Result<Money, ReadError> {
    let wrong = || ReadError::malformed("TransactionsEx@Summa", text);
    let amount = Money::from_kopecks(text.parse().map_err(|_| wrong())?);
    is_plausible(amount).then_some(amount).ok_or_else(wrong)
}

/// Whether the ledger's doors would take it, whatever its sign. Everything inside can be negated and added safely.
pub(crate) fn is_plausible(amount: Money) -> bool {
    (-Money::MAX_INPUT..=Money::MAX_INPUT).contains(&amount)
}
