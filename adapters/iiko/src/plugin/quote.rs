//! `v1/quote`: what would this order do, and how much of it may points pay? A pure read.

use kopilka_contract::{Ask, Close, Dialogue, Language, Money, Redemption, Refusal, Reply, Told, Unreadable};
use serde::{Deserialize, Serialize};

use super::Call;
use super::answer::{self, BalanceAnswer, no_answer};
use super::order::{Order, PointsAs, amount};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(flatten)]
    order: Order,
    /// All points that are to pay, those that are reserved included; the answer says which part of each line they would pay.
    #[serde(default)]
    points_requested: Option<Money>,
}

#[derive(Debug)]
pub(super) struct Quote {
    ask: Close,
    language: Language,
    zone: chrono_tz::Tz,
}

pub(super) fn read(call: &Call<'_>) -> Result<Quote, Unreadable> {
    let request: Request = call.body()?;
    let wanted = request.points_requested;
    let mut order = request.order;
    // An open order is told before points: those that are reserved have lowered nothing yet, unless the plugin says so.
    order.points_as = order.points_as.or(Some(PointsAs::Payment));
    let snapshot = order.snapshot(call)?;
    let points = amount(call, "/pointsRequested", wanted.unwrap_or(snapshot.points))?;
    let mut ask = snapshot.close;
    ask.payers = snapshot.reservations;
    if points.is_positive() {
        ask.redemption = Redemption::Now(points);
    }
    Ok(Quote {
        ask,
        language: call.language(),
        zone: call.connection.general.time_zone,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    /// Most that points may pay of this order now.
    max_points: Money,
    /// Before points.
    total: Money,
    /// What `pointsRequested` would pay.
    points: Money,
    to_pay: Money,
    /// What the order would earn.
    earned: Money,
    lines: Vec<LineAnswer<'a>>,
    balance: Option<BalanceAnswer>,
    cashier_message: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineAnswer<'a> {
    line_id: &'a str,
    points: Money,
    earned: Money,
}

impl Dialogue for Quote {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Quote(self.ask.clone())]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let quoted = match answer::last(told, self.language) {
            Ok(Told::Quoted(quoted)) => quoted,
            Ok(_) => return no_answer(self.language),
            Err(reply) => return reply,
        };
        let lines = quoted.lines.iter().map(|line| LineAnswer {
            line_id: &line.line_id,
            points: line.redeemed,
            earned: line.accrued,
        });
        let answer = Answer {
            max_points: quoted.may_redeem,
            total: quoted.total,
            points: quoted.redeemed,
            to_pay: quoted.to_pay,
            earned: quoted.accrued,
            lines: lines.collect(),
            balance: quoted.balance.as_ref().map(|b| BalanceAnswer::of(b, self.zone)),
            cashier_message: answer::cashier_message(None, &quoted.cashier_messages, self.language),
        };
        answer::json(200, &answer)
    }
}
