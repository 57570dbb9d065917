//! iiko with a plugin in its tills: the plugin asks, reserves and closes; the cloud repeats the same orders by webhook, before
//! or after it, under a name of its own at first. One order is one receipt, opened again or not, whoever deleted it; a guest
//! whom only the webhook knows is its guest, and one whom the cashier took off is not.

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
        true
    }

    /// A return of all leaves the order as it was.
    fn returns_cancel(&self) -> bool {
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
        // The cloud may be faster than the till, and not know its name of the order yet.
        let early = || iiko::named_by_cloud(webhook(sale, "Closed", sale.at));
        let early = sale.number.is_multiple_of(5).then(early);
        early.into_iter().chain([asked(sale)]).collect()
    }

    fn other_ids(&self, sale: &Sale) -> Vec<String> {
        vec![iiko::in_cloud(sale)]
    }

    fn may_redeem(&self, answer: &str) -> Option<Money> {
        let answer: Value = answer.parse().ok()?;
        answer["maxPoints"].as_str()?.parse().ok()
    }

    fn write_off(&self, sale: &Sale) -> Option<Message> {
        reserved(sale, &transaction(sale), sale.redeem - second_part(sale))
    }

    /// Some guests pay in two parts. The payment that was undone before it was made is never made.
    fn prepares(&self, sale: &Sale) -> Vec<Message> {
        let undone = undone_transaction(sale);
        let cancel = json!({"orderId": sale.id, "transactionId": undone});
        let second = second_part(sale);
        let second = second
            .is_positive()
            .then(|| reserved(sale, &second_transaction(sale), second));
        [
            Some(call(sale, Role::Asks, "cancel", &cancel)),
            reserved(sale, &undone, sale.redeem),
            second.flatten(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn takes_guest_off(&self, sale: &Sale, now: DateTime<Tz>) -> Option<Message> {
        if sale.number % 7 != 3 || is_known_to_cloud_only(sale) {
            return None;
        }
        let mut order = self.closed(sale, now);
        (order["memberCard"], order["memberRemoved"]) = (Value::Null, json!(true));
        Some(call(sale, Role::Tells, "close", &order))
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        call(sale, Role::Tells, "close", &self.closed(sale, now))
    }

    /// What the cloud saw of it, by both names. Where nobody else knows the guest it comes before anything else happens.
    fn after(&self, sale: &Sale) -> Vec<Message> {
        let mut seen = webhook(sale, "Closed", sale.at);
        if is_known_to_cloud_only(sale) {
            seen.role = Role::Asks;
        }
        vec![seen]
    }

    fn undo(&self, sale: &Sale, undo: &Undo, now: DateTime<Tz>) -> Message {
        if *undo == Undo::RollBack {
            if sale.number.is_multiple_of(2) {
                return webhook(sale, "Deleted", now);
            }
            let removed = json!({
                "originalOrderId": sale.id, "closedAt": now.to_rfc3339(), "kind": "removed", "revision": revision(now),
            });
            return call(sale, Role::Tells, "return", &removed);
        }
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
            422 if is_undone_payment(message) && body.contains("hold-voided") => Heard::Taken,
            403 | 409 | 422 => Heard::Refused(body.to_owned()),
            _ => Heard::Again(format!("{status} {body}")),
        }
    }
}

impl IikoPlugin {
    /// The closed order.
    fn closed(&self, sale: &Sale, now: DateTime<Tz>) -> Value {
        let phone = sale.phone.as_ref().filter(|_| !is_known_to_cloud_only(sale));
        let mut closed = json!({
            "orderId": sale.id, "orderNumber": sale.number, "revision": revision(now),
            "closedAt": now.to_rfc3339(), "memberCard": sale.card, "phone": phone,
            "lines": lines(sale, true), "pointsAs": "discount",
            "payments": [{"kind": "Card", "sum": sale.to_pay()}],
        });
        if sale.redeem.is_positive() {
            let second = second_part(sale);
            let mut spent = vec![json!({"transactionId": transaction(sale), "points": sale.redeem - second})];
            if second.is_positive() {
                spent.push(json!({"transactionId": second_transaction(sale), "points": second}));
            }
            closed["loyaltyTransactions"] = json!(spent);
        }
        closed
    }
}

/// Some guests without a card gave their telephone to a site only.
fn is_known_to_cloud_only(sale: &Sale) -> bool {
    sale.card.is_none() && sale.phone.is_some() && sale.number.is_multiple_of(2)
}

/// The order as the cloud shows it, under its own name and the till's.
fn webhook(sale: &Sale, status: &str, now: DateTime<Tz>) -> Message {
    let message = iiko::snapshot(sale, status, now);
    let mut event: Value = message.body.parse().unwrap_or_default();
    event[0]["eventInfo"]["id"] = json!(iiko::in_cloud(sale));
    Message {
        body: event.to_string(),
        ..message
    }
}

/// What a guest may pay with points.
pub(super) fn asked(sale: &Sale) -> Message {
    let asked = json!({"orderId": sale.id, "memberCard": sale.card, "phone": sale.phone, "lines": lines(sale, false)});
    call(sale, Role::Asks, "quote", &asked)
}

/// A reservation of points.
pub(super) fn reserved(sale: &Sale, transaction: &str, points: Money) -> Option<Message> {
    let reserved = json!({
        "orderId": sale.id, "transactionId": transaction, "memberCard": sale.card.as_ref()?,
        "pointsRequested": points, "orderTotal": sale.total(), "lines": lines(sale, false),
    });
    Some(call(sale, Role::Asks, "reserve", &reserved))
}

/// What is paid by a second payment in points.
fn second_part(sale: &Sale) -> Money {
    if sale.number.is_multiple_of(3) {
        Money::from_kopecks(sale.redeem.kopecks() / 2)
    } else {
        Money::ZERO
    }
}

fn second_transaction(sale: &Sale) -> String {
    another(sale, 0x00ff_0001)
}

/// A payment in points that is undone before it is made.
fn undone_transaction(sale: &Sale) -> String {
    another(sale, 0x00ff_0002)
}

fn is_undone_payment(message: &Message) -> bool {
    let body: Value = message.body.parse().unwrap_or_default();
    let transaction = body["transactionId"].as_str();
    transaction.is_some_and(|transaction| transaction.starts_with("00ff0002"))
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

/// A payment in points.
pub(super) fn transaction(sale: &Sale) -> String {
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
