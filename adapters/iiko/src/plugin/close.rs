//! `v1/close`: the order is closed and its fiscal receipt printed. Said again as often as needed, for days; a snapshot with a
//! higher revision replaces the one before, a lower one changes nothing.

use kopilka_contract::{
    Ask, Close, Dialogue, Errand, GiveBack, Language, Money, PaidBy, Redemption, Refusal, Reply, Returned,
    Stands, Told, Unreadable, WhatBack,
};
use serde::Serialize;

use super::Call;
use super::answer::{self, BalanceAnswer, ReceiptLine, no_answer};
use super::fault::Fault;
use super::order::Order;
use super::receipt_lines::{Label, lines, sentence};
use super::told_order::as_told;

#[derive(Debug)]
pub(super) struct ClosedOrder {
    /// What is asked of the ledger, at last what the call is about.
    asks: Vec<Ask>,
    order: String,
    /// What iikoCloud is asked about the order.
    loading: Option<Errand>,
    language: Language,
    zone: chrono_tz::Tz,
}

pub(super) fn read(call: &Call<'_>) -> Result<ClosedOrder, Unreadable> {
    let order: Order = call.body()?;
    if order.closed_at.is_none() {
        return Err(call.invalid("/closedAt", &Fault::NoClosingTime));
    }
    let member = order.member_id.is_some() || order.member_card.is_some();
    if !member && !order.loyalty_transactions.is_empty() {
        return Err(call.invalid("/memberId", &Fault::SpentByNobody));
    }
    call.check_road(order.service.service())?;
    let iiko = call.connection.iiko;
    let loading = order.loading(iiko);
    let no_sale = order.is_no_sale(iiko);
    let as_told = as_told(&order);
    let snapshot = order.snapshot(call)?;
    let mut close = snapshot.close;
    close.as_told = as_told;
    let order = close.receipt.external_id.clone();
    let asks = if no_sale {
        let let_go = snapshot
            .reservations
            .into_iter()
            .filter_map(|payer| match payer.by {
                PaidBy::Hold(key) => Some(Ask::Void(key)),
                PaidBy::Guest(_) => None,
            });
        let_go.chain([Ask::GiveBack(undone(&close))]).collect()
    } else {
        if !snapshot.reservations.is_empty() {
            close.redemption = Redemption::Now(snapshot.points);
        }
        close.payers = snapshot.reservations;
        vec![Ask::Close(close)]
    };
    Ok(ClosedOrder {
        asks,
        order,
        loading,
        language: call.language(),
        zone: call.connection.general.time_zone,
    })
}

/// The order is no sale (it was written off, say): what was told of it as one before is undone.
fn undone(close: &Close) -> GiveBack {
    let receipt = &close.receipt;
    GiveBack {
        external_id: GiveBack::of_no_sale(&receipt.external_id, receipt.version.unwrap_or_default()),
        sale: receipt.external_id.clone(),
        version: receipt.version,
        returned_at: receipt.closed_at,
        what: WhatBack::Everything,
        rollback: true,
        stands: Stands::WithItsSale,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    receipt_id: &'a str,
    earned: Money,
    spent: Money,
    balance: Option<BalanceAnswer>,
    /// The same was said before, or something newer: nothing was posted now.
    duplicate: bool,
    cashier_message: Option<String>,
    receipt_lines: Vec<ReceiptLine>,
}

impl Dialogue for ClosedOrder {
    fn asks(&self) -> Vec<Ask> {
        self.asks.clone()
    }

    /// The cloud may have told the order by its own name before.
    fn orders(&self) -> Vec<Vec<String>> {
        vec![vec![self.order.clone()]]
    }

    fn errands(&self) -> Vec<Errand> {
        self.loading.iter().cloned().collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let language = self.language;
        // A reservation that can't be let go does not matter where the order was no sale.
        let closed = match answer::last_of_closed(told, language) {
            Ok(Told::Closed(closed)) => closed,
            Ok(Told::Returned(returned)) => return self.not_sold(returned),
            Ok(_) => return no_answer(language),
            Err(reply) => return reply,
        };
        let available = closed.balance.as_ref().map(|balance| balance.available);
        let known = closed.customer_id.is_some();
        let positive = |amount: Money| amount.is_positive().then_some(amount);
        let printed = [
            (Label::Earned, positive(closed.accrued)),
            (Label::Spent, positive(closed.redeemed)),
            (Label::Balance, available.filter(|_| known)),
        ];
        let said = sentence(
            &[(Label::Earned, closed.accrued), (Label::Spent, closed.redeemed)],
            language,
        );
        let answer = Answer {
            receipt_id: &closed.id,
            earned: closed.accrued,
            spent: closed.redeemed,
            balance: closed.balance.as_ref().map(|b| BalanceAnswer::of(b, self.zone)),
            duplicate: closed.replayed,
            cashier_message: answer::cashier_message(said, &closed.cashier_messages, language),
            receipt_lines: lines(&printed, language),
        };
        answer::json(200, &answer)
    }
}

impl ClosedOrder {
    /// Nothing was earned, and nothing spent.
    fn not_sold(&self, returned: &Returned) -> Reply {
        let answer = Answer {
            receipt_id: returned.receipt_id.as_deref().unwrap_or(&returned.id),
            earned: Money::ZERO,
            spent: Money::ZERO,
            balance: returned.balance.as_ref().map(|b| BalanceAnswer::of(b, self.zone)),
            duplicate: returned.replayed,
            cashier_message: None,
            receipt_lines: Vec::new(),
        };
        answer::json(200, &answer)
    }
}
