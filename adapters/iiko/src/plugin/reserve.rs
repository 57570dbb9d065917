//! `v1/reserve`: points are set aside for a payment that the cashier confirms, before the fiscal receipt. Named by the id
//! that iikoFront gives to the payment, so that saying it twice reserves once.

use kopilka_contract::{
    Ask, Dialogue, Hold, Language, Line, Money, Quantity, Refusal, Reply, Told, Unreadable,
};
use serde::{Deserialize, Serialize};

use super::Call;
use super::answer::{self, BalanceAnswer, no_answer};
use super::fault::Fault;
use crate::Id;

use super::order::{Order, OrderLine, amount, label, member, transaction_key};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// All payments in points of one order share what points may pay of it.
    #[serde(default, deserialize_with = "Id::if_any")]
    order_id: Option<Id>,
    transaction_id: String,
    #[serde(default, deserialize_with = "label")]
    member_id: Option<String>,
    #[serde(default, deserialize_with = "label")]
    member_card: Option<String>,
    points_requested: Money,
    /// Total of the order before points.
    order_total: Money,
    /// The order's lines, where products or categories that points can't pay for matter.
    #[serde(default)]
    lines: Vec<OrderLine>,
}

#[derive(Debug)]
pub(super) struct Reserve {
    ask: Hold,
    language: Language,
    zone: chrono_tz::Tz,
}

pub(super) fn read(call: &Call<'_>) -> Result<Reserve, Unreadable> {
    let request: Request = call.body()?;
    let key = transaction_key(call, "/transactionId", &request.transaction_id)?;
    let points = amount(call, "/pointsRequested", request.points_requested)?;
    if points.is_zero() {
        return Err(call.invalid("/pointsRequested", &Fault::NothingToReserve));
    }
    let customer = member(request.member_id, request.member_card);
    let customer = customer.ok_or_else(|| call.invalid("/memberId", &Fault::ReservedForNobody))?;
    let total = amount(call, "/orderTotal", request.order_total)?;
    let order = if request.lines.is_empty() {
        vec![whole(total)]
    } else {
        Order::lines_of(call, &request.lines)?
    };
    let hold = Hold {
        external_id: key,
        once: true,
        of_order: request.order_id.map(|id| id.to_string()),
        order,
        customer,
        amount: Some(points),
        at_most: None,
        minutes: Some(call.connection.iiko.reserve_minutes),
    };
    Ok(Reserve {
        ask: hold,
        language: call.language(),
        zone: call.connection.general.time_zone,
    })
}

/// An order of which only the total is known.
fn whole(total: Money) -> Line {
    Line {
        line_id: "order".to_owned(),
        name: String::new(),
        product_id: None,
        category_id: None,
        category_name: None,
        quantity: Quantity::ONE,
        price: None,
        amount: total,
        redeemed: None,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    reservation_id: &'a str,
    points_reserved: Money,
    /// The venue's time. A closed order that comes later spends the points from the balance.
    expires_at: String,
    duplicate: bool,
    balance: BalanceAnswer,
    cashier_message: Option<String>,
}

impl Dialogue for Reserve {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Hold(self.ask.clone())]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let held = match answer::last(told, self.language) {
            Ok(Told::Held(held)) => held,
            Ok(_) => return no_answer(self.language),
            Err(reply) => return reply,
        };
        let answer = Answer {
            reservation_id: &held.id,
            points_reserved: held.amount,
            expires_at: held.ends_at.with_timezone(&self.zone).fixed_offset().to_rfc3339(),
            duplicate: held.replayed,
            balance: BalanceAnswer::of(&held.guest.balance, self.zone),
            cashier_message: None,
        };
        answer::json(200, &answer)
    }
}
