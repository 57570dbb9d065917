//! What a plugin said of a closed order, before any setting of the connection shapes it.

use kopilka_contract::{AsTold, Money, Quantity};
use serde::Serialize;

use super::order::{LoyaltyTransaction, Order, OrderLine, OrderPayment, PointsAs};
use crate::Id;

/// By what a later revision is known for the same sale.
pub(super) fn as_told(order: &Order) -> Option<AsTold> {
    let said = SaidOrder {
        order_type: order.order_type_id.as_ref(),
        member: [order.member_id.as_deref(), order.member_card.as_deref()],
        member_removed: order.member_removed,
        phone: order.phone.as_deref(),
        lines: order.lines.iter().map(SaidLine::of).collect(),
        payments: &order.payments,
        points: &order.loyalty_transactions,
        points_as: order.points_as,
    };
    AsTold::of("iiko plugin", &said)
}

#[derive(Serialize)]
struct SaidOrder<'a> {
    order_type: Option<&'a Id>,
    member: [Option<&'a str>; 2],
    member_removed: bool,
    phone: Option<&'a str>,
    lines: Vec<SaidLine<'a>>,
    payments: &'a [OrderPayment],
    points: &'a [LoyaltyTransaction],
    points_as: Option<PointsAs>,
}

/// A line. A product that has an id may be renamed; of one that has none, its name tells which it is.
#[derive(Serialize)]
struct SaidLine<'a> {
    line_id: &'a str,
    product: Option<&'a Id>,
    name: Option<&'a str>,
    quantity: Quantity,
    gross: Money,
    net: Money,
    points: Option<Money>,
    modifiers: Vec<SaidLine<'a>>,
}

impl<'a> SaidLine<'a> {
    fn of(line: &'a OrderLine) -> Self {
        SaidLine {
            line_id: &line.line_id,
            product: line.product_id.as_ref(),
            name: line.product_id.is_none().then_some(line.name.as_str()),
            quantity: line.quantity,
            gross: line.gross,
            net: line.net,
            points: line.points,
            modifiers: line.modifiers.iter().map(SaidLine::of).collect(),
        }
    }
}
