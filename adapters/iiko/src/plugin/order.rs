//! An order as a plugin tells it: a full snapshot every time. It becomes the same receipt whether it is quoted, reserved for
//! or closed.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, Utc};
use kopilka_contract::{
    Close, CustomerRef, Errand, Line, Money, PaidBy, Payer, Payment, Phone, Quantity, Receipt, Unreadable,
    first_hand,
};
use serde::{Deserialize, Deserializer, Serialize};

use super::Call;
use super::fault::Fault;
use crate::Id;
use crate::closing::hold_key;
use crate::cloud::Wanted;
use crate::envelope::Service;
use crate::settings::IikoSettings;
use crate::spread::spread;

/// A snapshot of an order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    pub order_id: Id,
    #[serde(default, deserialize_with = "label")]
    pub order_number: Option<String>,
    /// Grows with every change of the order (`IOrder.Revision`).
    #[serde(default)]
    pub revision: u32,
    #[serde(default)]
    pub closed_at: Option<DateTime<FixedOffset>>,
    #[serde(default)]
    pub terminal: Terminal,
    #[serde(default)]
    pub order_type_id: Option<Id>,
    #[serde(default)]
    pub service: ServiceKind,
    #[serde(default, deserialize_with = "label")]
    pub member_id: Option<String>,
    /// A card that was read where nobody could be asked who its guest is.
    #[serde(default, deserialize_with = "label")]
    pub member_card: Option<String>,
    /// Whether the guest whom an earlier revision named was taken off the order. Else a revision that names nobody leaves the
    /// guest who is known: a webhook may have named him.
    #[serde(default)]
    pub member_removed: bool,
    /// A telephone in the order: makes a potential guest where no member is named.
    #[serde(default)]
    pub phone: Option<String>,
    pub lines: Vec<OrderLine>,
    #[serde(default)]
    pub payments: Vec<OrderPayment>,
    #[serde(default)]
    pub loyalty_transactions: Vec<LoyaltyTransaction>,
    /// How the till posts points; not said: the sums tell.
    #[serde(default)]
    pub points_as: Option<PointsAs>,
    #[serde(default)]
    pub waiter: Option<Waiter>,
    #[serde(default)]
    pub guests: Option<u32>,
    #[serde(default, deserialize_with = "label")]
    pub comment: Option<String>,
}

/// Where the plugin runs. Only the group of tills becomes part of the receipt.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Terminal {
    #[serde(deserialize_with = "Id::if_any")]
    pub organization_id: Option<Id>,
    pub terminal_group_id: Option<Id>,
    #[serde(deserialize_with = "label")]
    pub terminal_name: Option<String>,
}

/// How the order is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ServiceKind {
    #[default]
    Table,
    Delivery,
}

impl ServiceKind {
    pub fn service(self) -> Service {
        match self {
            ServiceKind::Table => Service::Table,
            ServiceKind::Delivery => Service::Delivery,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderLine {
    /// The item's id (`IOrderItem.Id`), which a return names.
    pub line_id: String,
    #[serde(default)]
    pub product_id: Option<Id>,
    pub name: String,
    pub quantity: Quantity,
    #[serde(default)]
    pub price: Option<Money>,
    /// Price × quantity, before all discounts.
    pub gross: Money,
    /// After all discounts, those in points included.
    pub net: Money,
    /// The part of `gross − net` that points took off, where the plugin knows it.
    #[serde(default)]
    pub points: Option<Money>,
    /// What was added to the product, each with sums of its own.
    #[serde(default)]
    pub modifiers: Vec<OrderLine>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderPayment {
    pub kind: String,
    #[serde(default)]
    pub type_id: Option<Id>,
    pub sum: Money,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoyaltyTransaction {
    pub transaction_id: String,
    pub points: Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PointsAs {
    /// Points lower the prices: `net` is without them.
    Discount,
    /// Points pay like money: `net` holds them.
    Payment,
}

#[derive(Debug, Deserialize)]
pub(super) struct Waiter {
    #[serde(default, deserialize_with = "label")]
    pub name: Option<String>,
}

/// A text or a number that is only for people; empty: none.
pub(super) fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    use serde_json::Value;
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// A key that the plugin gives to a payment.
pub(super) fn transaction_key(call: &Call<'_>, pointer: &str, key: &str) -> Result<String, Unreadable> {
    hold_key(key).ok_or_else(|| call.invalid(pointer, &Fault::TransactionId))
}

/// An amount within what a door takes.
pub(super) fn amount(call: &Call<'_>, pointer: &str, amount: Money) -> Result<Money, Unreadable> {
    if (Money::ZERO..=Money::MAX_INPUT).contains(&amount) {
        return Ok(amount);
    }
    Err(call.invalid(pointer, &Fault::Amount))
}

/// What the order asks of the ledger, without the member's word on what to redeem.
pub(super) struct Snapshot {
    pub close: Close,
    /// The reservations that pay a part, each that of its guest, and their sum.
    pub reservations: Vec<Payer>,
    pub points: Money,
}

impl Order {
    /// What is asked of the cloud about a closed order, where the connection wants its orders there; nothing where it is not
    /// known which restaurant and which tills it is of.
    pub fn loading(&self, iiko: &IikoSettings) -> Option<Errand> {
        if !iiko.cloud.load_till_orders || !iiko.cloud.has_account() || self.service != ServiceKind::Table {
            return None;
        }
        let only = |ids: &BTreeSet<Id>| ids.first().filter(|_| ids.len() == 1).cloned();
        let organization = self.terminal.organization_id.clone();
        let organization = organization.or_else(|| only(iiko.restaurants()))?;
        let group = self.terminal.terminal_group_id.clone();
        let group = group.or_else(|| only(&iiko.terminal_groups))?;
        Some(Wanted::till_order(organization, group, self.order_id.clone()).errand())
    }

    /// Whether all that paid is of kinds that are no sale.
    pub fn is_no_sale(&self, iiko: &IikoSettings) -> bool {
        let mut paid = self
            .payments
            .iter()
            .filter(|payment| payment.sum.is_positive())
            .peekable();
        let points = self
            .loyalty_transactions
            .iter()
            .any(|spent| spent.points.is_positive());
        !points && paid.peek().is_some() && paid.all(|payment| iiko.is_not_sold(&payment.kind))
    }

    /// Lines of an order that is not paid yet: `net` is before points.
    pub fn lines_of(call: &Call<'_>, lines: &[OrderLine]) -> Result<Vec<Line>, Unreadable> {
        let mut flat = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            flatten(call, line, &format!("/lines/{index}"), &mut flat)?;
        }
        let categories = &call.connection.iiko.categories;
        Ok(flat
            .into_iter()
            .map(|line| line.finish(None, categories))
            .collect())
    }

    /// The receipt that the order is, or would be.
    pub fn snapshot(self, call: &Call<'_>) -> Result<Snapshot, Unreadable> {
        let iiko = call.connection.iiko;
        let (reservations, points) = self.reservations(call)?;
        let mut flat = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            flatten(call, line, &format!("/lines/{index}"), &mut flat)?;
        }
        let payments = self.money_payments(call)?;
        let net: Money = flat.iter().map(|line| line.net).sum();
        let paid: Money = payments.iter().map(|payment| payment.amount).sum();
        let parts = match self.points_posting(call, points, net, paid) {
            Some(PointsAs::Payment) => None,
            Some(PointsAs::Discount) => Some(covered(call, &flat, points)?),
            None => {
                return Err(call.invalid("/payments", &Fault::PointsAs { paid, net, points }));
            }
        };
        let lines: Vec<Line> = flat
            .into_iter()
            .enumerate()
            .map(|(index, line)| {
                let part = parts.as_ref().and_then(|parts| parts.get(index).copied());
                line.finish(part, &iiko.categories)
            })
            .collect();
        let service = self.service.service();
        let member = member(self.member_id, self.member_card);
        // A guest who was taken off is not brought back by the telephone that stays in the order.
        let taken_off = self.member_removed && member.is_none();
        let phone = self
            .phone
            .as_deref()
            .filter(|_| !taken_off)
            .and_then(Phone::parse);
        let closed_at = self.closed_at.unwrap_or_else(|| received(call));
        let receipt = Receipt {
            external_id: self.order_id.to_string(),
            version: Some(first_hand(self.revision)),
            number: self.order_number,
            till: self.terminal.terminal_name.or_else(|| {
                let group = self.terminal.terminal_group_id.as_ref();
                group.map(ToString::to_string)
            }),
            shift: None,
            closed_at,
            kind: Some(
                iiko.receipt_types
                    .of(service, self.order_type_id.as_ref())
                    .to_owned(),
            ),
            customer: member
                .or_else(|| phone.clone().map(CustomerRef::Phone))
                .or_else(|| (!taken_off).then_some(CustomerRef::NotAsked)),
            phone,
            customer_name: None,
            total: Some(lines.iter().map(|line| line.amount).sum()),
            lines,
            payments,
            waiter: self.waiter.and_then(|waiter| waiter.name),
            guests: self.guests,
            comment: self.comment,
            advertising_source: None,
        };
        let close = Close::of(receipt);
        Ok(Snapshot {
            close,
            reservations,
            points,
        })
    }

    fn reservations(&self, call: &Call<'_>) -> Result<(Vec<Payer>, Money), Unreadable> {
        let (mut reservations, mut points): (Vec<Payer>, _) = (Vec::new(), Money::ZERO);
        for (index, transaction) in self.loyalty_transactions.iter().enumerate() {
            let at = format!("/loyaltyTransactions/{index}");
            let key = transaction_key(call, &format!("{at}/transactionId"), &transaction.transaction_id)?;
            let by = PaidBy::Hold(key);
            if reservations.iter().any(|known| known.by == by) {
                return Err(call.invalid(&at, &Fault::SameTransaction));
            }
            let amount = amount(call, &format!("{at}/points"), transaction.points)?;
            points += amount;
            reservations.push(Payer { by, amount });
        }
        Ok((reservations, points))
    }

    /// Payments in money. Our own payment type may be among them: its points are in `loyaltyTransactions`.
    fn money_payments(&self, call: &Call<'_>) -> Result<Vec<Payment>, Unreadable> {
        let iiko = call.connection.iiko;
        let mut payments = Vec::new();
        for (index, payment) in self.payments.iter().enumerate() {
            let sum = amount(call, &format!("/payments/{index}/sum"), payment.sum)?;
            let ours = |id: &Id| iiko.bonus_payment_types.contains(id);
            if sum.is_zero() || payment.type_id.as_ref().is_some_and(ours) {
                continue;
            }
            let named = payment.type_id.as_ref().and_then(|id| iiko.payment_kinds.get(id));
            payments.push(Payment {
                kind: named
                    .cloned()
                    .unwrap_or_else(|| payment.kind.trim().to_lowercase()),
                amount: sum,
            });
        }
        Ok(payments)
    }

    /// Whether `net` is without the points; `None`: nothing says so.
    fn points_posting(&self, call: &Call<'_>, points: Money, net: Money, paid: Money) -> Option<PointsAs> {
        if points.is_zero() {
            return Some(PointsAs::Payment);
        }
        // It may be the points themselves, under a type of payment that the connection does not know.
        let iiko = call.connection.iiko;
        let money = [
            "cash",
            "card",
            "sberbank",
            "trpos",
            "smartsale",
            "credit",
            "writeoff",
        ];
        let is_known = |id: &Id| iiko.payment_kinds.contains_key(id);
        let may_be_points = |payment: &OrderPayment| {
            payment.sum == points
                && !money.contains(&payment.kind.trim().to_lowercase().as_str())
                && !payment.type_id.as_ref().is_some_and(is_known)
                && iiko.bonus_payment_types.is_empty()
        };
        let unclear = self.payments.iter().any(may_be_points);
        self.points_as.or(match () {
            () if unclear && paid == net => None,
            () if paid == net => Some(PointsAs::Discount),
            () if paid + points == net => Some(PointsAs::Payment),
            () => None,
        })
    }
}

/// The guest: as `identify` named him, else by the card that was read.
pub(super) fn member(id: Option<String>, card: Option<String>) -> Option<CustomerRef> {
    id.map(CustomerRef::Id).or_else(|| card.map(CustomerRef::Qr))
}

fn received(call: &Call<'_>) -> DateTime<FixedOffset> {
    let at: DateTime<Utc> = call.message.received_at;
    at.with_timezone(&call.connection.general.time_zone)
        .fixed_offset()
}

/// A line or a modifier on its own.
struct Flat {
    line_id: String,
    name: String,
    product: Option<Id>,
    quantity: Quantity,
    price: Option<Money>,
    gross: Money,
    net: Money,
    points: Option<Money>,
}

impl Flat {
    fn finish(self, part: Option<Money>, categories: &std::collections::BTreeMap<Id, String>) -> Line {
        Line {
            line_id: self.line_id,
            name: self.name,
            category_id: self.product.as_ref().and_then(|id| categories.get(id)).cloned(),
            category_name: None,
            product_id: self.product.map(|id| id.to_string()),
            quantity: self.quantity,
            price: self.price,
            amount: self.net + part.unwrap_or_default(),
            redeemed: part,
        }
    }
}

/// Deepest a modifier may have modifiers.
const DEPTH: usize = 4;

fn flatten(call: &Call<'_>, line: &OrderLine, at: &str, flat: &mut Vec<Flat>) -> Result<(), Unreadable> {
    let gross = amount(call, &format!("{at}/gross"), line.gross)?;
    let net = amount(call, &format!("{at}/net"), line.net)?;
    if net > gross && line.points.is_some_and(|points| points.is_positive()) {
        return Err(call.invalid(&format!("{at}/net"), &Fault::NetAboveGross));
    }
    if line.quantity <= Quantity::ZERO {
        return Err(call.invalid(&format!("{at}/quantity"), &Fault::Quantity));
    }
    // What is added for nothing stands among the lines, too: a return may name it.
    flat.push(Flat {
        line_id: line.line_id.trim().to_ascii_lowercase(),
        name: line.name.clone(),
        product: line.product_id.clone(),
        quantity: line.quantity,
        price: line.price,
        gross,
        net,
        points: line.points,
    });
    if at.matches("/modifiers/").count() >= DEPTH && !line.modifiers.is_empty() {
        return Err(call.invalid(at, &Fault::TooDeep));
    }
    for (index, modifier) in line.modifiers.iter().enumerate() {
        flatten(call, modifier, &format!("{at}/modifiers/{index}"), flat)?;
    }
    Ok(())
}

/// What points took off each line: as the plugin says, else in proportion to what all discounts took off.
fn covered(call: &Call<'_>, lines: &[Flat], points: Money) -> Result<Vec<Money>, Unreadable> {
    if lines.iter().any(|line| line.points.is_some()) {
        let told: Vec<Money> = lines.iter().map(|line| line.points.unwrap_or_default()).collect();
        let sum: Money = told.iter().copied().sum();
        let negative = told.iter().any(|part| *part < Money::ZERO);
        if sum != points || negative {
            let fault = Fault::LinePoints {
                lines: sum,
                transactions: points,
            };
            return Err(call.invalid("/lines", &fault));
        }
        return Ok(told);
    }
    let taken_off: Vec<Money> = lines
        .iter()
        .map(|line| (line.gross - line.net).max(Money::ZERO))
        .collect();
    let all: Money = taken_off.iter().copied().sum();
    if points > all {
        let fault = Fault::PointsAboveDiscounts {
            discounts: all,
            points,
        };
        return Err(call.invalid("/lines", &fault));
    }
    Ok(spread(points, &taken_off))
}
