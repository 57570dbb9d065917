//! What an order that was read becomes in the books: a receipt, or the return of one.

use chrono::{DateTime, FixedOffset};
use kopilka_contract::{
    Ask, Close, CustomerRef, Dialogue, GiveBack, Message, Money, Payment, Phone, Receipt, Redemption,
    Refusal, Reply, Settings, Stands, Told, Unreadable, WhatBack, Words,
};
use serde_json::{Value, json};

use crate::order::{self, Order};
use crate::remark::Remark;
use crate::settings::{DeliverySettings, Fate, HoldKey};
use crate::told_order::as_told;
use crate::unread::{Amount, Unread};
use crate::{amounts, answer, lines};

/// An order, read.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    asks: Vec<Ask>,
    remarks: Vec<Remark>,
}

/// Reads what `GET orders/{orderId}` answered.
pub(crate) fn read(
    message: &Message<'_>,
    general: &Settings,
    settings: &DeliverySettings,
) -> Result<Fetched, Unreadable> {
    let order = order::read(message.body).map_err(answer::unreadable)?;
    let mut fetched = Fetched::default();
    let status = order.status();
    let Some(fate) = status.and_then(|status| settings.fate(status)) else {
        fetched.remarks.push(Remark::NotSoldYet { status });
        return Ok(fetched);
    };
    let restaurant = amounts::id(&order.restaurant_id);
    // An order without a restaurant is nobody's where the connection names its own.
    if let Some(remark) = settings.leaves_to_others(Some(restaurant.as_deref().unwrap_or_default())) {
        fetched.remarks.push(remark);
        if fate == Fate::Sold {
            return Ok(fetched);
        }
        fetched.remarks.push(Remark::CancelledElsewhere);
    }
    let id = order
        .id()
        .ok_or_else(|| answer::unreadable(Unread::OrderWithoutId))?;
    let Some(changed) = order.updated_at() else {
        return Err(answer::unreadable(Unread::NoUpdatedAt));
    };
    let of = Standing {
        id,
        version: changed.timestamp_millis(),
        zoned: move |at: DateTime<FixedOffset>| at.with_timezone(&general.time_zone).fixed_offset(),
        changed,
    };
    match fate {
        Fate::Cancelled => fetched.cancel(&order, &of, settings),
        Fate::Sold => fetched.sell(&order, &of, settings).map_err(answer::unreadable)?,
    }
    Ok(fetched)
}

/// An order's number and version.
struct Standing<Z: Fn(DateTime<FixedOffset>) -> DateTime<FixedOffset>> {
    id: String,
    version: i64,
    changed: DateTime<FixedOffset>,
    /// A time on the venue's clock.
    zoned: Z,
}

/// Key of the bonuses that were set aside for an order.
fn hold_key(order: &Order, id: &str, settings: &DeliverySettings) -> Option<String> {
    match settings.hold_key {
        HoldKey::Order => Some(id.to_owned()),
        HoldKey::External => amounts::id(&order.order_external_id),
    }
}

impl Fetched {
    fn cancel<Z>(&mut self, order: &Order, of: &Standing<Z>, settings: &DeliverySettings)
    where
        Z: Fn(DateTime<FixedOffset>) -> DateTime<FixedOffset>,
    {
        let give_back = GiveBack {
            // Cancelled, taken up again and cancelled once more: each is a return of its own.
            external_id: format!("{}/cancel/{}", of.id, of.version),
            sale: of.id.clone(),
            version: Some(of.version),
            returned_at: (of.zoned)(of.changed),
            what: WhatBack::Everything,
            // A newer reading may show it completed after all, and then it is a sale.
            rollback: true,
            stands: Stands::WithItsSale,
        };
        self.asks.push(Ask::GiveBack(give_back));
        self.asks.extend(hold_key(order, &of.id, settings).map(Ask::Void));
    }

    fn sell<Z>(&mut self, order: &Order, of: &Standing<Z>, settings: &DeliverySettings) -> Result<(), Unread>
    where
        Z: Fn(DateTime<FixedOffset>) -> DateTime<FixedOffset>,
    {
        let (lines, total) = lines::lines(order, &mut self.remarks)?;
        let as_told = as_told(order, &lines, total);
        let (payments, bonuses) = self.payments(order, total, settings)?;
        let guest = &order.guest;
        let phone = amounts::words(&guest["phone"]);
        let known = phone.as_deref().and_then(Phone::parse);
        if phone.is_some() && known.is_none() {
            self.remarks.push(Remark::NoTelephone);
        }
        let names = [&guest["firstName"], &guest["lastName"]];
        let name = names
            .into_iter()
            .filter_map(amounts::words)
            .collect::<Vec<_>>()
            .join(" ");
        let receipt = Receipt {
            external_id: of.id.clone(),
            version: Some(of.version),
            number: Some(of.id.clone()),
            till: None,
            shift: None,
            // The time of completion stays the same in newer readings.
            closed_at: (of.zoned)(order.completed_at().unwrap_or(of.changed)),
            kind: Some(settings.receipt_type.clone()),
            customer: known.clone().map(CustomerRef::Phone),
            phone: known,
            customer_name: Some(name).filter(|name| !name.is_empty()),
            lines,
            payments,
            total: Some(total),
            waiter: None,
            guests: None,
            comment: amounts::words(&order.comment),
            advertising_source: amounts::words(&order.order_source_name),
        };
        // Named also where no bonuses paid: then what was set aside is let go.
        let hold = hold_key(order, &of.id, settings);
        self.asks.push(Ask::Close(Close {
            as_told,
            redemption: match (bonuses, &hold) {
                (amount, Some(_)) => Redemption::Held(amount),
                (Money::ZERO, None) => Redemption::Nothing,
                (amount, None) => Redemption::Unconfirmed(amount),
            },
            hold,
            ..Close::of(receipt)
        }));
        Ok(())
    }

    /// The payments in money, and what bonuses paid.
    fn payments(
        &mut self,
        order: &Order,
        total: Money,
        settings: &DeliverySettings,
    ) -> Result<(Vec<Payment>, Money), Unread> {
        let (mut paid, mut bonuses) = (Vec::new(), Money::ZERO);
        for payment in order.payments.as_array().into_iter().flatten().take(100) {
            let amount = amounts::money(Amount::Payment, &payment["amount"])?.unwrap_or_default();
            let code = amounts::id(&payment["code"]).unwrap_or_else(|| "unknown".to_owned());
            if settings.is_bonus(&code) {
                bonuses = bonuses.checked_add(amount).ok_or(Unread::PaymentsTooLarge)?;
            } else if amount.is_positive() {
                paid.push(self.payment(code, amount, settings));
            }
        }
        if bonuses > total {
            self.remarks.push(Remark::BonusesAboveOrder {
                bonuses,
                order: total,
            });
            bonuses = total;
        }
        if paid.is_empty() && total > bonuses {
            let kind = amounts::id(&order.payment_type_id).unwrap_or_else(|| "unknown".to_owned());
            paid.push(self.payment(kind, total - bonuses, settings));
        }
        Ok((paid, bonuses))
    }

    fn payment(&self, kind: String, amount: Money, settings: &DeliverySettings) -> Payment {
        let named = settings.payment_kinds.get(&kind).cloned();
        Payment {
            kind: named.unwrap_or(kind),
            amount,
        }
    }
}

impl Dialogue for Fetched {
    fn asks(&self) -> Vec<Ask> {
        self.asks.clone()
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.iter().map(Remark::words).collect()
    }

    /// Nobody hears it but the person who replays the message.
    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let refused: Vec<Value> = told
            .iter()
            .filter_map(|told| Some(json!(told.as_ref().err()?.code)))
            .collect();
        answer::json(200, &json!({"refused": refused}))
    }
}
