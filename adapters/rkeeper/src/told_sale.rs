//! What a till said of a sale, before any setting of the connection shapes it.

use kopilka_contract::{AsTold, Money, Quantity};
use serde::Serialize;

use crate::check::{Check, CheckLine, CheckPayment, LineType};
use crate::lines::total_of_till;
use crate::request::Packet;

/// By what a repeat of a sale is known for one: every attempt has its own stamps, and these are not in it.
pub(crate) fn as_told(packet: &Packet) -> Option<AsTold> {
    let rows = packet.rows.iter();
    let said = SaidSale {
        rows: rows
            .map(|row| (row.card.as_str(), row.told.0, row.told.1))
            .collect(),
        check: packet.check.as_ref().map(SaidCheck::of),
    };
    AsTold::of("rkeeper", &said)
}

#[derive(Serialize)]
struct SaidSale<'a> {
    /// Card, kind and kopecks of each transaction.
    rows: Vec<(&'a str, u8, Money)>,
    check: Option<SaidCheck<'a>>,
}

#[derive(Serialize)]
struct SaidCheck<'a> {
    interface: Option<&'a str>,
    cards: &'a [String],
    order_type: Option<&'a str>,
    order_category: Option<&'a str>,
    total: Option<Money>,
    lines: Vec<SaidLine<'a>>,
    payments: Vec<SaidPayment<'a>>,
}

impl<'a> SaidCheck<'a> {
    fn of(check: &'a Check) -> Self {
        SaidCheck {
            interface: check.interface.as_deref(),
            cards: &check.holders,
            order_type: check.order_type.as_deref(),
            order_category: check.order_category.as_deref(),
            total: total_of_till(check),
            lines: check.lines.iter().map(SaidLine::of).collect(),
            payments: check.payments.iter().map(SaidPayment::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct SaidLine<'a> {
    uni: Option<&'a str>,
    kind: LineType,
    dish: SaidDish<'a>,
    quantity: Quantity,
    price: Option<Money>,
    sum: Money,
    paid: &'a [(String, Money)],
}

impl<'a> SaidLine<'a> {
    fn of(line: &'a CheckLine) -> Self {
        SaidLine {
            uni: line.uni.as_deref(),
            kind: line.kind,
            dish: match line.id.as_deref().or(line.code.as_deref()) {
                Some(id) => SaidDish::Known(id),
                None => SaidDish::Described(&line.attributes),
            },
            quantity: line.quantity,
            price: line.price,
            sum: line.sum,
            paid: &line.paid,
        }
    }
}

/// A dish that has an id may be renamed or classified anew; of one that has none, only that tells which it is.
#[derive(Serialize)]
enum SaidDish<'a> {
    Known(&'a str),
    Described(&'a [(String, String)]),
}

/// A payment, with all by which a setting may name its currency.
#[derive(Serialize)]
struct SaidPayment<'a> {
    id: Option<&'a str>,
    code: Option<&'a str>,
    name: Option<&'a str>,
    paytype: Option<&'a str>,
    interface: Option<&'a str>,
    card: Option<&'a str>,
    sum: Money,
}

impl<'a> SaidPayment<'a> {
    fn of(payment: &'a CheckPayment) -> Self {
        SaidPayment {
            id: payment.id.as_deref(),
            code: payment.code.as_deref(),
            name: payment.name.as_deref(),
            paytype: payment.paytype.as_deref(),
            interface: payment.interface.as_deref(),
            card: payment.card.as_deref(),
            sum: payment.sum,
        }
    }
}
