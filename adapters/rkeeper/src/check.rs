//! The receipt XML (`<CHECK>`) as a till writes it: the vendor's «XML description of a cash document». Amounts are
//! decimal roubles, times are the till's wall clock.

use chrono::NaiveDateTime;
use kopilka_contract::{Money, Quantity};
use serde::Serialize;

use crate::read_error::ReadError;
use crate::request::is_plausible;
use crate::till_time;
use crate::xml::Element;

/// `CHECK@chmode`: what the till is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// 0: not a receipt; a technical request or a script's transaction.
    Technical,
    /// 1: payment.
    Payment,
    /// 2: a payment that we had confirmed could not be finished.
    PaymentRollback,
    /// 3: a closed receipt is deleted or returned.
    Return,
    /// 4: a return that we had confirmed could not be finished.
    ReturnRollback,
    /// 6, 7 and 13: the order is being counted for the guest, or is about to be paid.
    Counting,
    /// 5: the order is being edited.
    Editing,
    /// 8 to 12: printing and looking.
    Looking,
}

impl Moment {
    fn read(text: &str) -> Result<Self, ReadError> {
        Ok(match text {
            "0" => Moment::Technical,
            "1" => Moment::Payment,
            "2" => Moment::PaymentRollback,
            "3" => Moment::Return,
            "4" => Moment::ReturnRollback,
            "5" => Moment::Editing,
            "6" | "7" | "13" => Moment::Counting,
            "8" | "9" | "10" | "11" | "12" => Moment::Looking,
            _ => return Err(ReadError::malformed("CHECK@chmode", text)),
        })
    }

    /// Whether the guest may still choose to pay this order with bonuses.
    pub(crate) fn may_be_paid(self) -> bool {
        matches!(self, Moment::Payment | Moment::Counting | Moment::Editing)
    }
}

/// A receipt, or an order before it is one.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) moment: Moment,
    /// When this XML was made: another one in every attempt.
    pub(crate) generated_at: Option<NaiveDateTime>,
    pub(crate) closed_at: Option<NaiveDateTime>,
    pub(crate) station: Option<String>,
    /// Nine digits: five of the network, four of the restaurant.
    pub(crate) restaurant: Option<String>,
    pub(crate) shift: Option<String>,
    /// Code of our logical interface; payments and discounts made through it carry it.
    pub(crate) interface: Option<String>,
    /// Codes of the cards in the receipt, as our interface knows them.
    pub(crate) holders: Vec<String>,
    /// Upper case, without braces.
    pub(crate) guid: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) order_type: Option<String>,
    pub(crate) order_category: Option<String>,
    /// Those who served the order: role and name.
    pub(crate) persons: Vec<(Option<String>, String)>,
    pub(crate) guests: Option<u32>,
    pub(crate) comment: Option<String>,
    pub(crate) lines: Vec<CheckLine>,
    pub(crate) categories: Vec<Category>,
    pub(crate) discounts: Vec<Discount>,
    pub(crate) payments: Vec<CheckPayment>,
}

impl Check {
    pub(crate) fn read(check: &Element) -> Result<Self, ReadError> {
        let none = Element::default();
        let data = check.child("checkdata").unwrap_or(&none);
        let interface = current_interface(check);
        let persons = data.listed("checkpersons", "person");
        Ok(Check {
            moment: Moment::read(
                check
                    .attribute("chmode")
                    .ok_or(ReadError::Missing("CHECK@chmode"))?,
            )?,
            generated_at: check
                .attribute("generateddatetime")
                .and_then(till_time::local_time),
            closed_at: data.attribute("closedatetime").and_then(till_time::local_time),
            station: owned(check, "stationcode"),
            restaurant: owned(check, "restaurantcode"),
            shift: owned(check, "shiftnum"),
            interface: interface.and_then(|our| owned(our, "interface")),
            holders: interface.map(cards_of).unwrap_or_default(),
            guid: data.attribute("checkguid").and_then(guid),
            number: owned(data, "checknum").filter(|number| number != "0"),
            order_type: owned(data, "order_type"),
            order_category: owned(data, "order_cat"),
            persons: persons
                .filter_map(|person| Some((owned(person, "role"), owned(person, "name")?)))
                .collect(),
            guests: data.attribute("guests").and_then(|guests| guests.parse().ok()),
            comment: owned(data, "persistentcomment"),
            lines: data
                .listed("checklines", "line")
                .map(CheckLine::read)
                .collect::<Result<_, _>>()?,
            categories: data
                .listed("checkcategs", "categ")
                .map(Category::read)
                .collect::<Result<_, _>>()?,
            discounts: data
                .listed("checkdiscounts", "discount")
                .map(Discount::read)
                .collect(),
            payments: data
                .listed("checkpayments", "payment")
                .map(CheckPayment::read)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// What stands behind a line, as the dictionary of r_keeper calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum LineType {
    /// A dish, a ticket, or a line that does not say.
    Item,
    /// The head of a set, whose parts are lines too.
    Combo,
    /// A modifier of a dish.
    Modifier,
}

/// `LINE`.
#[derive(Debug)]
pub(crate) struct CheckLine {
    /// Number of the line in the order.
    pub(crate) uni: Option<String>,
    pub(crate) kind: LineType,
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) quantity: Quantity,
    pub(crate) price: Option<Money>,
    /// After discounts. A payment with bonuses is a payment row, so it is not taken off here.
    pub(crate) sum: Money,
    /// `LINEPAYMENT`: currency GUID and its part of the line.
    pub(crate) paid: Vec<(String, Money)>,
    /// All attributes, for the category that the connection's settings choose.
    pub(crate) attributes: Vec<(String, String)>,
}

impl CheckLine {
    fn read(line: &Element) -> Result<Self, ReadError> {
        let paid = line.listed("linepayments", "linepayment").map(|part| {
            let id = part.attribute("id").and_then(guid).unwrap_or_default();
            Ok((id, roubles("LINEPAYMENT@sum", part.attribute("sum"))?))
        });
        Ok(CheckLine {
            uni: owned(line, "uni"),
            kind: match line.attribute("type") {
                Some(kind) if kind.eq_ignore_ascii_case("modify") => LineType::Modifier,
                Some(kind) if kind.eq_ignore_ascii_case("combo") => LineType::Combo,
                _ => LineType::Item,
            },
            name: owned(line, "name").unwrap_or_default(),
            id: line.attribute("id").and_then(guid),
            code: owned(line, "code"),
            quantity: quantity(line.attribute("quantity"))?,
            price: line
                .attribute("price")
                .and_then(|price| roubles("LINE@price", Some(price)).ok()),
            sum: roubles("LINE@sum", line.attribute("sum"))?,
            paid: paid.collect::<Result<_, ReadError>>()?,
            attributes: line.attributes().to_vec(),
        })
    }

    /// An attribute that says something.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }
}

/// `CHECKCATEGS/CATEG`. Their sums are the receipt's total, also where nothing is classified.
#[derive(Debug)]
pub(crate) struct Category {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sum: Money,
}

impl Category {
    fn read(category: &Element) -> Result<Self, ReadError> {
        Ok(Category {
            id: owned(category, "id"),
            name: owned(category, "name"),
            sum: roubles("CATEG@sum", category.attribute("sum"))?,
        })
    }
}

/// `CHECKDISCOUNTS/DISCOUNT`. Needed only to tie a slip to.
#[derive(Debug)]
pub(crate) struct Discount {
    pub(crate) uni: Option<String>,
    pub(crate) interface: Option<String>,
}

impl Discount {
    fn read(discount: &Element) -> Self {
        Discount {
            uni: owned(discount, "uni"),
            interface: owned(discount, "interface"),
        }
    }
}

/// `CHECKPAYMENTS/PAYMENT`. Change is a row with a negative sum.
#[derive(Debug)]
pub(crate) struct CheckPayment {
    pub(crate) uni: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) name: Option<String>,
    /// 1 cash, 2 bank card, 3 other.
    pub(crate) paytype: Option<String>,
    /// Present in payments made through a card system.
    pub(crate) interface: Option<String>,
    /// The card that paid, there too.
    pub(crate) card: Option<String>,
    /// In the base currency.
    pub(crate) sum: Money,
}

impl CheckPayment {
    fn read(payment: &Element) -> Result<Self, ReadError> {
        Ok(CheckPayment {
            uni: owned(payment, "uni"),
            id: payment.attribute("id").and_then(guid),
            code: owned(payment, "code"),
            name: owned(payment, "name"),
            paytype: owned(payment, "paytype"),
            interface: owned(payment, "interface"),
            card: owned(payment, "cardcode"),
            sum: roubles(
                "PAYMENT@bsum",
                payment.attribute("bsum").or_else(|| payment.attribute("sum")),
            )?,
        })
    }
}

/// The interface this XML was made for: `INTERFACES@current` names the `INTERFACE@id`. The only one where the order
/// has no other.
pub(crate) fn current_interface(check: &Element) -> Option<&Element> {
    let interfaces = check.child("extinfo")?.child("interfaces")?;
    let current = interfaces.attribute("current");
    let mut all = interfaces.children("interface");
    match current {
        Some(current) => all.find(|one| one.attribute("id") == Some(current)),
        None => all.next().filter(|_| all.next().is_none()),
    }
}

/// Codes of the cards of a receipt: the holders', else the interface's own, else all that it knows.
fn cards_of(interface: &Element) -> Vec<String> {
    let listed = |list: &'static str| -> Vec<String> {
        let items = interface.listed(list, "item");
        items.filter_map(|item| owned(item, "cardcode")).collect()
    };
    let holders = listed("holders");
    if !holders.is_empty() {
        return holders;
    }
    match owned(interface, "cardcode") {
        Some(card) => vec![card],
        None => listed("allcards"),
    }
}

/// A GUID in upper case and without braces; `None` for the GUID of nothing.
pub(crate) fn guid(text: &str) -> Option<String> {
    let bare = text.trim_matches(['{', '}']).to_uppercase();
    let says_something = bare.chars().any(|c| !matches!(c, '0' | '-'));
    says_something.then_some(bare)
}

fn owned(element: &Element, name: &str) -> Option<String> {
    element.attribute(name).map(str::to_owned)
}

/// Roubles with any number of digits after the point, to kopecks. Nothing is 0.00.
fn roubles(what: &'static str, text: Option<&str>) -> Result<Money, ReadError> {
    let Some(text) = text else { return Ok(Money::ZERO) };
    plain_decimal(text)
        .and_then(|text| Money::parse_rounded(text).ok())
        .filter(|amount| is_plausible(*amount))
        .ok_or_else(|| ReadError::malformed(what, text))
}

fn quantity(text: Option<&str>) -> Result<Quantity, ReadError> {
    let Some(text) = text else {
        return Ok(Quantity::ONE);
    };
    plain_decimal(text)
        .and_then(|text| Quantity::parse_rounded(text).ok())
        .ok_or_else(|| ReadError::malformed("LINE@quantity", text))
}

/// A number as a till may write it. No till needs an exponent of three digits, or a hundred digits.
fn plain_decimal(text: &str) -> Option<&str> {
    let exponent = text.split_once(['e', 'E']).map_or("", |(_, exponent)| exponent);
    (text.len() <= 100 && exponent.len() <= 3).then_some(text)
}
