//! What was decided about a receipt, and how it becomes a part of the facts.

use kopilka_contract::{CashierMessage, Close, Closed, LineOutcome, ReceiptStatus, Redemption, Telling};

use super::Context;
use super::give_back::latest;
use super::guest_of_sale::is_taken_off;
use super::payment::LineSpread;
use super::sheet::{Sheet, event};
use crate::domain::accrual::Accrual;
use crate::domain::books::Hash;
use crate::domain::ids::{HoldId, ReceiptId, TransactionId, VenueId};
use crate::domain::world::{Change, Found, HoldStanding, RedemptionPart, StoredLine, StoredReceipt, World};
use crate::domain::{Money, Quantity};

/// What was decided about a receipt, before it is stored.
pub(super) struct Decided<'a> {
    pub(super) receipt_id: ReceiptId,
    pub(super) sheet: Option<Sheet<'a>>,
    /// Others whose bonuses it moves: the customer whom a newer version took the receipt from, and those who pay
    /// for the receipt's own.
    pub(super) others: Vec<Sheet<'a>>,
    pub(super) kind: String,
    pub(super) total: Money,
    pub(super) redeemed: Money,
    pub(super) may_redeem: Money,
    pub(super) line_redeemed: LineSpread,
    pub(super) accrual: Accrual,
    pub(super) parts: Vec<RedemptionPart>,
    pub(super) taken_over: Vec<TransactionId>,
    pub(super) captured: Vec<HoldId>,
    pub(super) messages: Vec<CashierMessage>,
    pub(super) venue: VenueId,
}

impl Decided<'_> {
    /// What the till is told of it.
    pub(super) fn answer(&self, id: String, status: ReceiptStatus, ask: &Close) -> Closed {
        let lines = ask
            .receipt
            .lines
            .iter()
            .zip(self.line_redeemed.said.iter().zip(&self.accrual.shares));
        Closed {
            id,
            status,
            customer_id: self.sheet.as_ref().map(|s| s.facts.id.to_string()),
            total: self.total,
            redeemed: self.redeemed,
            may_redeem: self.may_redeem,
            to_pay: self.total - ask.redemption.amount(),
            accrued: self.accrual.total,
            lines: lines
                .map(|(line, (redeemed, accrued))| LineOutcome {
                    line_id: line.line_id.clone(),
                    redeemed: *redeemed,
                    accrued: *accrued,
                })
                .collect(),
            balance: self.sheet.as_ref().map(|s| s.balance(self.venue)),
            explanation: self.accrual.explanation.clone(),
            cashier_messages: self.messages.clone(),
            guest_taken_off: false,
            replayed: false,
            telling: Telling::First,
        }
    }
}

/// Puts a decision into the world and makes the stored receipt.
pub(super) fn store(
    world: &mut World,
    cx: Context<'_>,
    ask: &Close,
    previous: Option<StoredReceipt>,
    fingerprint: Hash,
    mut decided: Decided<'_>,
) -> StoredReceipt {
    let id = decided.receipt_id;
    let customer = decided.sheet.as_ref().map(|s| s.facts.id);
    let answer = Closed {
        guest_taken_off: is_taken_off(ask, previous.as_ref()),
        ..decided.answer(id.to_string(), ReceiptStatus::Closed, ask)
    };
    for id in &decided.captured {
        if let Some(hold) = world.holds.get_mut(id) {
            hold.standing = HoldStanding::Captured;
            hold.change.mark();
        }
    }
    for write_off in world
        .write_offs
        .iter_mut()
        .filter(|w| decided.taken_over.contains(&w.transaction))
    {
        write_off.receipt = Some(id);
        write_off.change.mark();
        // They are the receipt's now, and written with it.
        write_off.parts.clear();
    }
    let told = if previous.is_some() {
        "receipt.changed"
    } else {
        "receipt.closed"
    };
    for sheet in std::mem::take(&mut decided.others) {
        sheet.put_back(world);
    }
    match decided.sheet.take() {
        Some(mut sheet) => {
            if sheet.facts.is_new && !world.customers.contains_key(&sheet.facts.id) {
                sheet.tell("customer.created", sheet.facts.id.to_string());
                if let Some(phone) = sheet.facts.phone.clone() {
                    let found = Found {
                        customer: sheet.facts.id,
                        card: None,
                    };
                    world.found.insert(
                        (cx.terms.network, kopilka_contract::CustomerRef::Phone(phone)),
                        found,
                    );
                }
            }
            sheet.tell(told, id.to_string());
            sheet.put_back(world);
        }
        None => world.events.push(event(
            cx.terms.network,
            None,
            told,
            id.to_string(),
            cx.now,
            cx.ids,
        )),
    }
    let lines = ask
        .receipt
        .lines
        .iter()
        .zip(decided.line_redeemed.posted.iter().zip(&decided.accrual.shares))
        .map(|(line, (redeemed, accrued))| StoredLine {
            line_id: line.line_id.clone(),
            name: line.name.clone(),
            product_id: line.product_id.clone(),
            quantity: line.quantity,
            amount: line.amount,
            redeemed: *redeemed,
            accrued: *accrued,
            returned_quantity: Quantity::ZERO,
            returned_amount: Money::ZERO,
            returned_by: None,
            redemption_undone: Money::ZERO,
            accrual_undone: Money::ZERO,
            changed: true,
        })
        .collect();
    let awaits = match ask.redemption {
        Redemption::Before(amount) if customer.is_some() && amount > decided.redeemed => Some(amount),
        _ => None,
    };
    StoredReceipt {
        id,
        key: cx.key(&ask.receipt.external_id),
        status: ReceiptStatus::Closed,
        // One that only repeats what the till has told does not count further.
        version: match &previous {
            Some(known) => latest(cx, ask.receipt.version, known),
            None => ask.receipt.version,
        },
        fingerprint,
        as_told: ask.as_told,
        customer,
        kind: decided.kind,
        total: decided.total,
        redeemed: decided.redeemed,
        accrued: decided.accrual.total,
        closed_at: ask.receipt.closed_at.to_utc(),
        posted_at: cx.now,
        told_at: cx.told_at,
        lines,
        parts: decided.parts,
        awaits,
        answer,
        content: Some(ask.receipt.clone()),
        revision: previous.as_ref().map_or(0, |p| p.revision),
        change: if previous.as_ref().is_none_or(|p| p.change == Change::Inserted) {
            Change::Inserted
        } else {
            Change::Updated
        },
        lines_replaced: previous.is_some(),
    }
}
