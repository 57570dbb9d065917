//! iiko with a plugin in its tills: the plugin asks, reserves and closes; the cloud repeats the same orders by webhook, before
//! or after it. One order is one receipt.

use chrono::DateTime;
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Value, json};

use super::dialect::{
    Dialect, GuestName, Heard, Item, Message, PartsBack, Role, Sale, Undo, by_card, by_phone,
};
use super::iiko::{self, Iiko};

/// The till with its plugin and its cloud.
#[derive(Debug)]
pub(super) struct IikoPlugin;

impl Dialect for IikoPlugin {
    fn kind(&self) -> &'static str {
        Iiko.kind()
    }

    fn name(&self) -> &'static str {
        "iiko-plugin"
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        by_card(sale).or_else(|| by_phone(sale))
    }

    fn redeems(&self) -> bool {
        true
    }

    fn rolls_back(&self) -> bool {
        false
    }

    fn parts_back(&self) -> PartsBack {
        PartsBack::Return
    }

    fn external_id(&self, sale: &Sale) -> String {
        sale.id.clone()
    }

    fn ids(&self, item: &Item, settings: &Value) -> (String, Option<String>) {
        Iiko.ids(item, settings)
    }

    fn before(&self, sale: &Sale) -> Vec<Message> {
        let asked = json!({"orderId": sale.id, "memberCard": sale.card, "phone": sale.phone, "lines": lines(sale, false)});
        vec![call(sale, Role::Asks, "quote", &asked)]
    }

    fn may_redeem(&self, answer: &str) -> Option<Money> {
        let answer: Value = answer.parse().ok()?;
        answer["maxPoints"].as_str()?.parse().ok()
    }

    fn write_off(&self, sale: &Sale) -> Option<Message> {
        let reserved = json!({
            "orderId": sale.id, "transactionId": transaction(sale), "memberCard": sale.card.as_ref()?,
            "pointsRequested": sale.redeem, "orderTotal": sale.total(), "lines": lines(sale, false),
        });
        Some(call(sale, Role::Asks, "reserve", &reserved))
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        let mut closed = json!({
            "orderId": sale.id, "orderNumber": sale.number, "revision": revision(now),
            "closedAt": sale.at.to_rfc3339(), "memberCard": sale.card, "phone": sale.phone,
            "lines": lines(sale, true), "pointsAs": "discount",
            "payments": [{"kind": "Card", "sum": sale.to_pay()}],
        });
        if sale.redeem.is_positive() {
            closed["loyaltyTransactions"] =
                json!([{"transactionId": transaction(sale), "points": sale.redeem}]);
        }
        call(sale, Role::Tells, "close", &closed)
    }

    /// What the cloud saw of it.
    fn after(&self, sale: &Sale) -> Vec<Message> {
        vec![iiko::snapshot(sale, "Closed", sale.at)]
    }

    fn undo(&self, sale: &Sale, undo: &Undo, now: DateTime<Tz>) -> Message {
        let (part, kind, back) = match undo {
            Undo::RollBack | Undo::Return => (0, "full", Vec::new()),
            Undo::Pieces(part, pieces) => {
                let back = pieces.iter().enumerate().filter(|(_, pieces)| **pieces > 0);
                let line = |(index, pieces): (usize, &i64)| json!({"originalLineId": iiko::position(index), "quantity": pieces.to_string()});
                (*part, "partial", back.map(line).collect())
            }
        };
        let given_back = json!({
            "returnOrderId": another(sale, part + 1), "originalOrderId": sale.id, "closedAt": now.to_rfc3339(),
            "kind": kind, "lines": back,
        });
        call(sale, Role::Tells, "return", &given_back)
    }

    fn hear(&self, message: &Message, status: u16, body: &str) -> Heard {
        match status {
            _ if !message.path.starts_with("v1/") => Iiko.hear(message, status, body),
            200 => Heard::Taken,
            403 | 409 | 422 => Heard::Refused(body.to_owned()),
            _ => Heard::Again(format!("{status} {body}")),
        }
    }
}

fn call(sale: &Sale, role: Role, name: &str, body: &Value) -> Message {
    Message {
        role,
        method: "POST",
        path: format!("v1/{name}"),
        content_type: "application/json",
        body: body.to_string(),
        sale: sale.number,
        fact: None,
    }
}

/// Another id of the same till: only the first block differs.
fn another(sale: &Sale, number: u32) -> String {
    format!("{number:08x}{}", sale.id.get(8..).unwrap_or_default())
}

fn transaction(sale: &Sale) -> String {
    another(sale, 0x00ff_0000)
}

/// Grows with the day.
fn revision(now: DateTime<Tz>) -> u32 {
    u32::try_from(now.timestamp()).unwrap_or_default()
}

/// The lines, before points or after them.
fn lines(sale: &Sale, paid: bool) -> Vec<Value> {
    let line = |(index, item): (usize, &Item)| {
        let points = if paid { item.redeemed } else { Money::ZERO };
        let mut line = json!({
            "lineId": iiko::position(index), "productId": item.product, "name": item.name,
            "quantity": item.pieces.to_string(), "price": item.price, "gross": item.amount(),
            "net": item.amount() - points,
        });
        if paid && sale.redeem.is_positive() {
            line["points"] = json!(points);
        }
        line
    };
    sale.items.iter().enumerate().map(line).collect()
}
