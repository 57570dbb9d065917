//! What iiko's cloud said of a sale, before any setting of the connection shapes it.

use kopilka_contract::{AsTold, Money};
use serde::Serialize;

use crate::Id;
use crate::lines::{Lines, SaidLine};
use crate::order::{Discount, ExternalData, Order, PaymentInfo, Sale};

/// By what a newer snapshot is known for the same sale: much of an order may change that is of no interest here.
pub(crate) fn as_told(order: &Order, sale: &Sale, lines: &Lines) -> Option<AsTold> {
    let customer = order.customer.as_ref();
    let order_type = order.order_type.as_ref();
    let said = SaidSale {
        lines: lines.said(),
        positions: lines.positions(),
        sum: sale.sum,
        payments: &sale.payments,
        discounts: &sale.discounts,
        tips: &sale.tips,
        customer: customer.and_then(|customer| customer.id.as_ref()),
        phone: order.phone.as_deref().map(str::trim),
        source: order.source_key.as_deref(),
        order_type: order_type.and_then(|kind| kind.id.as_ref()),
        kept: order.external_data.iter().flatten().collect(),
    };
    AsTold::of("iiko", &said)
}

#[derive(Serialize)]
struct SaidSale<'a> {
    lines: Vec<SaidLine<'a>>,
    /// Where discounts find the lines.
    positions: Vec<(&'a Id, usize)>,
    sum: Option<Money>,
    payments: &'a [PaymentInfo],
    discounts: &'a [Discount],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tips: &'a [PaymentInfo],
    customer: Option<&'a Id>,
    phone: Option<&'a str>,
    source: Option<&'a str>,
    order_type: Option<&'a Id>,
    /// Settings say under which keys our guest and his reservation stand.
    kept: Vec<&'a ExternalData>,
}
