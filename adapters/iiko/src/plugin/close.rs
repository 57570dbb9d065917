//! `v1/close`: the order is closed and its fiscal receipt printed. Said again as often as needed, for days; a snapshot with a
//! higher revision replaces the one before, a lower one changes nothing.

use kopilka_contract::{
    Ask, Close, Dialogue, Errand, Language, Money, Redemption, Refusal, Reply, Told, Unreadable,
};
use serde::Serialize;

use super::Call;
use super::answer::{self, BalanceAnswer, ReceiptLine, no_answer};
use super::order::Order;
use super::receipt_lines::{Label, lines, sentence};

#[derive(Debug)]
pub(super) struct ClosedOrder {
    /// Reservations beside the first one: the ledger takes one over, these are let go for it.
    others: Vec<String>,
    ask: Close,
    /// What iikoCloud is asked about the order.
    loading: Option<Errand>,
    language: Language,
    zone: chrono_tz::Tz,
}

pub(super) fn read(call: &Call<'_>) -> Result<ClosedOrder, Unreadable> {
    let order: Order = call.body()?;
    if order.closed_at.is_none() {
        return Err(call.invalid("/closedAt", "the time of closing with its offset is expected"));
    }
    let member = order.member_id.is_some() || order.member_card.is_some();
    if !member && !order.loyalty_transactions.is_empty() {
        return Err(call.invalid("/memberId", "points were spent: whose?"));
    }
    let loading = order.loading(call.connection.iiko);
    let snapshot = order.snapshot(call)?;
    let mut ask = snapshot.close;
    let mut reservations = snapshot.reservations.into_iter();
    if snapshot.points.is_positive() {
        ask.redemption = Redemption::Now(snapshot.points);
        ask.hold = reservations.next();
    }
    Ok(ClosedOrder {
        others: reservations.collect(),
        ask,
        loading,
        language: call.language(),
        zone: call.connection.general.time_zone,
    })
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
        let others = self.others.iter().cloned().map(Ask::Void);
        others.chain([Ask::Close(self.ask.clone())]).collect()
    }

    /// The cloud may have told the order by its own name before.
    fn orders(&self) -> Vec<Vec<String>> {
        vec![vec![self.ask.receipt.external_id.clone()]]
    }

    fn errands(&self) -> Vec<Errand> {
        self.loading.iter().cloned().collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let language = self.language;
        // A reservation that can't be let go does not matter where the order is closed.
        let of_order = told.last().map(std::slice::from_ref).unwrap_or_default();
        let closed = match answer::last(of_order, language) {
            Ok(Told::Closed(closed)) => closed,
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
