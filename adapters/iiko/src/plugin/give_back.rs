//! `v1/return`: a closed order is given back, in part or in whole, or removed. iikoFront makes a new order for a storno: its
//! id makes the return exactly once.

use chrono::{DateTime, FixedOffset};
use kopilka_contract::{
    Ask, Dialogue, GiveBack, Language, LineBack, Money, Quantity, ReceiptStatus, Refusal, Reply, Stands,
    Told, Unreadable, WhatBack, first_hand,
};
use serde::{Deserialize, Serialize};

use super::Call;
use super::answer::{self, BalanceAnswer, ReceiptLine, no_answer};
use super::fault::Fault;
use super::receipt_lines::{Label, lines, sentence};
use crate::Id;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// The new order of the storno; absent where the closed order itself was removed.
    #[serde(default)]
    return_order_id: Option<Id>,
    original_order_id: Id,
    /// Revision of the order that was removed (`IOrder.Revision`): it can be opened again, closed and removed once more.
    #[serde(default)]
    revision: Option<u32>,
    closed_at: DateTime<FixedOffset>,
    kind: Kind,
    #[serde(default)]
    lines: Vec<ReturnedLine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Some lines.
    Partial,
    /// All that is left.
    Full,
    /// The order was removed: its receipt is cancelled.
    Removed,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReturnedLine {
    /// The line of the original order.
    original_line_id: String,
    quantity: Quantity,
    #[serde(default)]
    gross: Option<Money>,
    #[serde(default)]
    net: Option<Money>,
}

impl ReturnedLine {
    /// What was added for nothing may not be in the receipt, and there is nothing to give back for it.
    fn is_free(&self) -> bool {
        self.gross.is_some_and(Money::is_zero) && self.net.is_some_and(Money::is_zero)
    }
}

#[derive(Debug)]
pub(super) struct Return {
    ask: GiveBack,
    language: Language,
    zone: chrono_tz::Tz,
}

pub(super) fn read(call: &Call<'_>) -> Result<Return, Unreadable> {
    let request: Request = call.body()?;
    let sale = request.original_order_id.to_string();
    let external_id = match (&request.return_order_id, request.kind) {
        (Some(id), _) if *id != request.original_order_id => id.to_string(),
        (_, Kind::Removed) => match request.revision {
            Some(revision) => format!("{sale}/removed/{revision}"),
            None => format!("{sale}/removed"),
        },
        _ => {
            return Err(call.invalid("/returnOrderId", &Fault::NoReturnOrder));
        }
    };
    let what = match request.kind {
        Kind::Partial if request.lines.is_empty() => {
            return Err(call.invalid("/lines", &Fault::NoLinesBack));
        }
        Kind::Partial => WhatBack::Lines(lines_back(call, &request.lines)?),
        Kind::Full | Kind::Removed => WhatBack::Everything,
    };
    let ask = GiveBack {
        external_id,
        sale,
        version: request
            .revision
            .filter(|_| request.kind == Kind::Removed)
            .map(first_hand),
        returned_at: request.closed_at,
        what,
        rollback: request.kind == Kind::Removed,
        stands: Stands::WithItsSale,
    };
    Ok(Return {
        ask,
        language: call.language(),
        zone: call.connection.general.time_zone,
    })
}

/// Each line once, by quantity: the ledger knows its amount, with and without points.
fn lines_back(call: &Call<'_>, given: &[ReturnedLine]) -> Result<Vec<LineBack>, Unreadable> {
    let mut back: Vec<LineBack> = Vec::with_capacity(given.len());
    for (index, line) in given.iter().enumerate() {
        let line_id = line.original_line_id.trim().to_ascii_lowercase();
        if line.is_free() {
            continue;
        }
        if line.quantity <= Quantity::ZERO {
            return Err(call.invalid(&format!("/lines/{index}/quantity"), &Fault::Quantity));
        }
        if back.iter().any(|known| known.line_id == line_id) {
            return Err(call.invalid(&format!("/lines/{index}"), &Fault::SameLine));
        }
        back.push(LineBack {
            product: None,
            line_id,
            quantity: Some(line.quantity),
            amount: None,
        });
    }
    Ok(back)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    return_id: &'a str,
    /// `waiting`: the sale has not come yet; it is given back when it does.
    status: ReceiptStatus,
    /// Points that the sale had earned and that were taken back.
    earned_taken_back: Money,
    /// Points that had paid and were given back.
    points_returned: Money,
    /// Money to give back.
    refund: Money,
    balance: Option<BalanceAnswer>,
    duplicate: bool,
    cashier_message: Option<String>,
    receipt_lines: Vec<ReceiptLine>,
}

impl Dialogue for Return {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::GiveBack(self.ask.clone())]
    }

    fn orders(&self) -> Vec<Vec<String>> {
        vec![vec![self.ask.sale.clone()]]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let language = self.language;
        let returned = match answer::last(told, language) {
            Ok(Told::Returned(returned)) => returned,
            Ok(_) => return no_answer(language),
            Err(reply) => return reply,
        };
        let positive = |amount: Money| amount.is_positive().then_some(amount);
        let printed = [
            (Label::TakenBack, positive(returned.accrual_undone)),
            (Label::GivenBack, positive(returned.redemption_undone)),
            (
                Label::Balance,
                returned.balance.as_ref().map(|balance| balance.available),
            ),
        ];
        let said = [
            (Label::TakenBack, returned.accrual_undone),
            (Label::GivenBack, returned.redemption_undone),
        ];
        let answer = Answer {
            return_id: &returned.id,
            status: returned.status,
            earned_taken_back: returned.accrual_undone,
            points_returned: returned.redemption_undone,
            refund: returned.refund,
            balance: returned.balance.as_ref().map(|b| BalanceAnswer::of(b, self.zone)),
            duplicate: returned.replayed,
            cashier_message: sentence(&said, language),
            receipt_lines: lines(&printed, language),
        };
        answer::json(200, &answer)
    }
}
