//! What an order becomes in the books: a receipt, or the return of one.

use chrono::{DateTime, FixedOffset, Utc};
use kopilka_contract::{
    Close, CustomerRef, GiveBack, Money, Payment, Phone, Receipt, Redemption, Settings, Stands, WhatBack,
    repeated_at,
};
use serde_json::Value;

use crate::envelope::Service;
use crate::lines::{BadItem, Lines};
use crate::order::{Customer, Order, PaymentInfo, Sale};
use crate::remark::Remark;
use crate::settings::IikoSettings;
use crate::told_sale::as_told;
use crate::{Id, moment};

/// So much of a problem's description is kept, in characters.
const LONGEST_PROBLEM: usize = 200;

/// A connection as its adapter sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection<'a> {
    pub general: &'a Settings,
    pub iiko: &'a IikoSettings,
}

/// One order at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot<'a> {
    pub service: Service,
    /// The order's id on the till, else in the cloud.
    pub id: &'a Id,
    pub timestamp: DateTime<Utc>,
    /// When the event was made; UTC.
    pub event_time: Option<&'a str>,
    pub order: &'a Order,
}

impl Snapshot<'_> {
    /// The receipt of a sold order with these items.
    pub fn close(
        &self,
        sale: &Sale,
        items: &[Value],
        connection: Connection<'_>,
        notes: &mut Vec<Remark>,
    ) -> Result<Close, BadItem> {
        let Snapshot { order, .. } = self;
        let iiko = connection.iiko;
        self.remark(notes);

        let mut lines = Lines::read(items, notes)?;
        let sold_for = sale.sold_for(iiko);
        match sold_for {
            Some(sum) => lines.reconcile(sum, notes),
            None => notes.push(Remark::NoSum),
        }
        let as_told = as_told(order, sale, &lines);
        for discount in &sale.discounts {
            let kind = discount.discount_type.as_ref().and_then(|kind| kind.id.as_ref());
            if kind.is_some_and(|id| iiko.bonus_discount_types.contains(id)) {
                lines.cover(discount, notes);
            }
        }
        let (payments, bonuses) = payments(&sale.payments, iiko, notes);
        // Posted as a discount, a payment in bonuses may stand among the payments as well: then money alone pays the order.
        let in_money: Money = payments.iter().map(|payment| payment.amount).sum();
        let bonuses = if bonuses == lines.covered() && sold_for == Some(in_money) {
            Money::ZERO
        } else {
            bonuses
        };
        let (redemption, hold) = self.redemption(&lines, bonuses, iiko, notes);
        // A payment in bonuses is not spread over lines by the till. Where there is one, the ledger spreads it all.
        let with_covered = lines.covered().is_positive() && !bonuses.is_positive();

        let guest = self.guest(iiko, notes);
        let total = lines.total();
        let order_type = order.order_type.as_ref().and_then(|kind| kind.id.as_ref());
        let receipt = Receipt {
            external_id: self.id.to_string(),
            version: Some(self.version()),
            number: order.number.clone(),
            till: order.terminal_group_id.as_ref().map(Id::to_string),
            shift: None,
            closed_at: self.closed_at(connection.general, notes),
            kind: Some(iiko.receipt_types.of(self.service, order_type).to_owned()),
            customer: guest.who,
            phone: guest.phone,
            customer_name: guest.name,
            lines: lines.finish(&iiko.categories, with_covered),
            payments,
            total: Some(total),
            waiter: order
                .waiter
                .as_ref()
                .and_then(|waiter| filled(waiter.name.as_deref())),
            guests: order.guests_info.as_ref().and_then(|guests| guests.count),
            comment: filled(order.comment.as_deref()),
            advertising_source: order
                .marketing_source
                .as_ref()
                .and_then(|source| filled(source.name.as_deref())),
        };
        Ok(Close {
            as_told,
            redemption,
            hold,
            ..Close::of(receipt)
        })
    }

    /// What a person who looks at the sale should know.
    fn remark(&self, notes: &mut Vec<Remark>) {
        let Snapshot { order, .. } = self;
        if let Some(problem) = order.problem.as_ref().filter(|problem| problem.has_problem) {
            let what = filled(problem.description.as_deref()).unwrap_or_default();
            let what: String = what.chars().take(LONGEST_PROBLEM).collect();
            notes.push(Remark::Problem { what });
        }
        if let Some(delivery) = order.moved_from_delivery_id.clone() {
            notes.push(Remark::MovedFrom { delivery });
        }
        if let Some(delivery) = order.parent_delivery_id.clone() {
            notes.push(Remark::SplitOff { delivery });
        }
    }

    /// The return of an order that was cancelled or deleted; one that was never sold has nothing to give back.
    pub fn give_back(&self, connection: Connection<'_>, notes: &mut Vec<Remark>) -> GiveBack {
        if let Some(delivery) = self.order.moved_to_delivery_id.clone() {
            notes.push(Remark::MovedTo { delivery });
        }
        let cancelled = self.order.cancel_info.as_ref();
        let cancelled = cancelled.and_then(|cancel| cancel.when_cancelled.as_deref());
        GiveBack {
            // An order can be cancelled, opened again and cancelled once more: each is a return of its own.
            external_id: format!("{}/cancel/{}", self.id, self.timestamp.timestamp_millis()),
            sale: self.id.to_string(),
            version: Some(self.version()),
            returned_at: self.at(&[("whenCancelled", cancelled)], connection.general, notes),
            what: WhatBack::Everything,
            // A newer snapshot may close the order again, and then it is a sale.
            rollback: true,
            stands: Stands::WithItsSale,
        }
    }

    /// Of two snapshots the one that iikoCloud made later is the newer one.
    fn version(&self) -> i64 {
        repeated_at(self.timestamp.timestamp_millis())
    }

    /// A closed delivery may come without `whenClosed`. Then the time of its delivery is preferred to that of the
    /// event, because it stays the same in newer snapshots.
    fn closed_at(&self, settings: &Settings, notes: &mut Vec<Remark>) -> DateTime<FixedOffset> {
        let closed = self.order.when_closed.as_deref();
        let delivered = self.order.when_delivered.as_deref();
        self.at(
            &[("whenClosed", closed), ("whenDelivered", delivered)],
            settings,
            notes,
        )
    }

    /// The first of the local times that is there, else the time of the event, else that of the snapshot.
    fn at(
        &self,
        local_times: &[(&'static str, Option<&str>)],
        settings: &Settings,
        notes: &mut Vec<Remark>,
    ) -> DateTime<FixedOffset> {
        for (field, text) in local_times {
            match text.map(|text| (text, moment::parse(text))) {
                Some((_, Some(local))) => return settings.local(local),
                Some((text, None)) => notes.push(Remark::NotATime {
                    field,
                    text: text.to_owned(),
                }),
                None => {}
            }
        }
        let event = self.event_time.and_then(moment::parse);
        let instant = event.map_or(self.timestamp, |utc| utc.and_utc());
        instant.with_timezone(&settings.time_zone).fixed_offset()
    }

    /// That an order is no sale: what was told of it as one before is undone.
    pub fn not_sold(&self, connection: Connection<'_>, notes: &mut Vec<Remark>) -> GiveBack {
        GiveBack {
            external_id: GiveBack::of_no_sale(self.id.as_str(), self.timestamp.timestamp_millis()),
            sale: self.id.to_string(),
            version: Some(self.version()),
            returned_at: self.closed_at(connection.general, notes),
            what: WhatBack::Everything,
            // A newer snapshot may be a sale.
            rollback: true,
            stands: Stands::WithItsSale,
        }
    }

    /// What paid in bonuses, and the reservation that proves it.
    fn redemption(
        &self,
        lines: &Lines,
        bonuses: Money,
        iiko: &IikoSettings,
        notes: &mut Vec<Remark>,
    ) -> (Redemption, Option<String>) {
        let seen = seen_bonuses(lines, bonuses, notes);
        let key = self.order.external(&iiko.transaction_data_key);
        match key.and_then(hold_key) {
            Some(key) if seen.is_positive() => (Redemption::Held(seen), Some(key)),
            // What was paid is final only where the till has closed the order, and bonuses are known only by the settings.
            Some(key) if iiko.knows_bonuses() && self.order.status == "Closed" => {
                notes.push(Remark::ReservationLetGo { key: key.clone() });
                (Redemption::Held(Money::ZERO), Some(key))
            }
            Some(key) => {
                notes.push(Remark::ReservationNotSpent { key });
                (Redemption::Nothing, None)
            }
            None if seen.is_zero() => (Redemption::Nothing, None),
            None => {
                notes.push(Remark::OnlySeenBonuses { bonuses: seen });
                (Redemption::Unconfirmed(seen), None)
            }
        }
    }

    /// The guest by our id, where a plugin or a site keeps it with the order, else by the telephone, else by iiko's id of
    /// him, under which he may have been registered here.
    fn guest(&self, iiko: &IikoSettings, notes: &mut Vec<Remark>) -> Guest {
        let ours = self.order.external(&iiko.member_data_key);
        let ours = ours.map(|id| CustomerRef::MaybeId(id.to_owned()));
        let guest = self.told_guest(iiko, notes);
        let phone = || guest.phone.clone().map(CustomerRef::Phone);
        Guest {
            who: ours.or_else(phone).or(guest.who),
            ..guest
        }
    }

    fn told_guest(&self, iiko: &IikoSettings, notes: &mut Vec<Remark>) -> Guest {
        let Snapshot { order, .. } = self;
        if let Some(source) = order
            .source_key
            .as_ref()
            .filter(|key| iiko.aggregators.contains(*key))
        {
            notes.push(Remark::AggregatorsPhone {
                source: source.clone(),
            });
            return Guest::default();
        }
        let text = filled(order.phone.as_deref());
        let phone = text.as_deref().and_then(Phone::parse);
        if text.is_some() && phone.is_none() {
            notes.push(Remark::NotATelephone);
        }
        let customer = order.customer.as_ref();
        let id = customer.and_then(|customer| customer.id.as_ref());
        Guest {
            who: id.map(|id| CustomerRef::MaybeId(id.to_string())),
            phone,
            name: customer.and_then(Customer::full_name),
        }
    }
}

/// Who ate, as far as an order tells.
#[derive(Debug, Default)]
struct Guest {
    who: Option<CustomerRef>,
    phone: Option<Phone>,
    name: Option<String>,
}

impl Customer {
    fn full_name(&self) -> Option<String> {
        let parts = [filled(self.name.as_deref()), filled(self.surname.as_deref())];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// The payments in money, and the sum of those in our bonuses. Planned payments are neither.
fn payments(payments: &[PaymentInfo], iiko: &IikoSettings, notes: &mut Vec<Remark>) -> (Vec<Payment>, Money) {
    let mut money = Vec::new();
    let mut bonuses = Money::ZERO;
    for payment in payments {
        let amount = payment.sum.unwrap_or_default();
        if payment.is_preliminary == Some(true) || amount.is_zero() {
            continue;
        }
        if amount < Money::ZERO {
            notes.push(Remark::PaymentLeftOut { amount });
            continue;
        }
        let kind = payment.payment_type.as_ref();
        let id = kind.and_then(|kind| kind.id.as_ref());
        if id.is_some_and(|id| iiko.bonus_payment_types.contains(id)) {
            bonuses += amount;
            continue;
        }
        let named = id.and_then(|id| iiko.payment_kinds.get(id)).cloned();
        let kind = named.or_else(|| kind.and_then(|kind| kind.kind.as_deref()).map(str::to_lowercase));
        money.push(Payment {
            kind: kind.unwrap_or_else(|| "unknown".to_owned()),
            amount,
        });
    }
    (money, bonuses)
}

/// The bonuses that an order shows. A webhook comes when the fiscal receipt is long printed.
fn seen_bonuses(lines: &Lines, bonuses: Money, notes: &mut Vec<Remark>) -> Money {
    let seen = lines.covered() + bonuses;
    let total = lines.total();
    if seen > total {
        notes.push(Remark::BonusesAboveOrder {
            bonuses: seen,
            order: total,
        });
    }
    seen.min(total)
}

/// The key of a reservation. One that looks like an id of ours could name a hold of somebody else.
pub(crate) fn hold_key(text: &str) -> Option<String> {
    let key = text.trim().to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!key.is_empty() && key.len() <= 64 && key.chars().all(plain)).then_some(key)
}

/// A text that says something, without the blanks around it.
fn filled(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
