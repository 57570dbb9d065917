//! What r_keeper Delivery said of a sold order, before any setting of the connection shapes it.

use kopilka_contract::{AsTold, Line, Money, Quantity};
use serde::Serialize;

use crate::amounts;
use crate::order::Order;
use crate::unread::Amount;

/// By what a newer reading of the order is known for the same sale.
pub(crate) fn as_told(order: &Order, lines: &[Line], total: Money) -> Option<AsTold> {
    let payments = order.payments.as_array().into_iter().flatten();
    let said = SaidOrder {
        lines: lines.iter().map(SaidLine::of).collect(),
        total,
        payment_type: amounts::id(&order.payment_type_id),
        payments: payments
            .map(|payment| {
                let amount = amounts::money(Amount::Payment, &payment["amount"]);
                (amounts::id(&payment["code"]), amount.ok().flatten())
            })
            .collect(),
        phone: amounts::words(&order.guest["phone"]),
        external_id: amounts::id(&order.order_external_id),
    };
    AsTold::of("rkeeper_delivery", &said)
}

#[derive(Serialize)]
struct SaidOrder<'a> {
    lines: Vec<SaidLine<'a>>,
    total: Money,
    payment_type: Option<String>,
    /// Code and amount of each.
    payments: Vec<(Option<String>, Option<Money>)>,
    phone: Option<String>,
    /// What a site has set aside may stand under it.
    external_id: Option<String>,
}

/// A dish. One that has an id may be renamed; of one that has none, its name tells which it is.
#[derive(Serialize)]
struct SaidLine<'a> {
    line_id: &'a str,
    product: Option<&'a str>,
    name: Option<&'a str>,
    quantity: Quantity,
    amount: Money,
}

impl<'a> SaidLine<'a> {
    fn of(line: &'a Line) -> Self {
        SaidLine {
            line_id: &line.line_id,
            product: line.product_id.as_deref(),
            name: line.product_id.is_none().then_some(line.name.as_str()),
            quantity: line.quantity,
            amount: line.amount,
        }
    }
}
