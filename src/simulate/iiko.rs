//! iiko: webhooks with whole orders of tables and deliveries. They come after the fiscal receipt, so bonuses pay only for
//! deliveries, where a site has reserved them and keeps that with the order, as it keeps who its guest is. Webhooks of
//! deliveries may be lost for ever: the service asks the cloud for what changed.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Value, json};

use super::dialect::{
    Dialect, GuestName, Heard, Item, Message, PartsBack, Role, Sale, Undo, by_phone, number,
};
use super::iiko_cloud::IikoCloud;
use super::iiko_plugin::{IikoPlugin, asked, reserved, transaction};
use super::vendor::Vendor;

/// The till with its cloud.
#[derive(Debug)]
pub(super) struct Iiko;

/// The restaurant of its webhooks.
pub(super) const ORGANISATION: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10";
const DELIVERY: &str = "DeliveryOrderUpdate";
/// The type of payment that is our bonuses.
pub(super) const POINTS: &str = "2b4c6d8e-1111-4222-8333-944455566601";

impl Dialect for Iiko {
    fn kind(&self) -> &'static str {
        "iiko"
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        by_phone(sale)
    }

    fn redeems(&self) -> bool {
        true
    }

    fn redeems_for(&self, sale: &Sale) -> bool {
        is_delivery(sale)
    }

    fn rolls_back(&self) -> bool {
        true
    }

    fn parts_back(&self) -> PartsBack {
        PartsBack::NewerOrder
    }

    fn external_id(&self, sale: &Sale) -> String {
        sale.id.clone()
    }

    /// An order names only products; their categories are in the connection's settings.
    fn ids(&self, item: &Item, settings: &Value) -> (String, Option<String>) {
        let category = settings
            .get("categories")
            .and_then(|categories| categories.get(&item.product))
            .and_then(Value::as_str);
        (item.product.clone(), category.map(str::to_owned))
    }

    /// The order while it is open: nothing follows from it. The site asks what a member may spend.
    fn before(&self, sale: &Sale) -> Vec<Message> {
        let site = is_delivery(sale) && sale.card.is_some();
        let mut said = vec![told(sale, Change::Opened, sale.at - Duration::minutes(5))];
        if is_told_by_cloud_first(sale) {
            // Nothing has told the till's name of it before it is closed.
            said.clear();
        }
        said.extend(site.then(|| asked(sale)));
        said
    }

    fn other_ids(&self, sale: &Sale) -> Vec<String> {
        if is_delivery(sale) {
            vec![in_cloud(sale)]
        } else {
            Vec::new()
        }
    }

    fn may_redeem(&self, answer: &str) -> Option<Money> {
        let answer: Value = answer.parse().ok()?;
        answer["maxPoints"].as_str()?.parse().ok()
    }

    /// The site reserves.
    fn write_off(&self, sale: &Sale) -> Option<Message> {
        reserved(sale, &transaction(sale), sale.redeem)
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        let message = told(sale, Change::Closed, now);
        // Once more it is told by both names.
        if is_told_by_cloud_first(sale) && now == sale.at {
            return named_by_cloud(message);
        }
        message
    }

    fn after(&self, sale: &Sale) -> Vec<Message> {
        let both = || told(sale, Change::Closed, sale.at + Duration::seconds(1));
        is_told_by_cloud_first(sale).then(both).into_iter().collect()
    }

    /// Cancelled or deleted, or no sale any more: it was written off.
    fn undo(&self, sale: &Sale, _undo: &Undo, now: DateTime<Tz>) -> Message {
        let change = if sale.number.is_multiple_of(3) {
            Change::WrittenOff
        } else {
            Change::Undone
        };
        told(sale, change, now)
    }

    fn hear(&self, message: &Message, status: u16, body: &str) -> Heard {
        if message.path.starts_with("v1/") {
            return IikoPlugin.hear(message, status, body);
        }
        let answer: Value = body.parse().unwrap_or_default();
        let refused = answer["refused"]
            .as_array()
            .is_some_and(|codes| !codes.is_empty());
        match status {
            200 if refused || answer["unreadable"] != 0 => Heard::Refused(body.to_owned()),
            200 => Heard::Taken,
            _ => Heard::Again(format!("{status} {body}")),
        }
    }

    fn vendor(&self) -> Option<Arc<dyn Vendor>> {
        Some(Arc::new(IikoCloud::new()))
    }
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Opened,
    Closed,
    Undone,
    WrittenOff,
}

/// Every second sale is a delivery.
fn is_delivery(sale: &Sale) -> bool {
    sale.number.is_multiple_of(2)
}

/// Some deliveries are closed before the cloud knows their name at the till.
fn is_told_by_cloud_first(sale: &Sale) -> bool {
    is_delivery(sale) && sale.number % 10 == 4
}

/// The name that the cloud has for an order.
pub(super) fn in_cloud(sale: &Sale) -> String {
    let first = if sale.id.starts_with('c') { 'd' } else { 'c' };
    format!("{first}{}", sale.id.get(1..).unwrap_or_default())
}

/// The same message without the till's name.
pub(super) fn named_by_cloud(message: Message) -> Message {
    let mut event: Value = message.body.parse().unwrap_or_default();
    event[0]["eventInfo"]["posId"] = Value::Null;
    let fact = message.fact.is_some().then(|| event[0]["eventInfo"].clone());
    Message {
        body: event.to_string(),
        fact,
        ..message
    }
}

/// The webhook of a change.
fn told(sale: &Sale, change: Change, now: DateTime<Tz>) -> Message {
    if is_delivery(sale) {
        return delivery(sale, change, now);
    }
    let status = match change {
        Change::Opened => "New",
        Change::Closed | Change::WrittenOff => "Closed",
        Change::Undone => "Deleted",
    };
    let mut message = snapshot(sale, status, now);
    if change == Change::WrittenOff {
        let mut event: Value = message.body.parse().unwrap_or_default();
        event[0]["eventInfo"]["order"]["payments"] = written_off(sale);
        message.body = event.to_string();
    }
    message
}

/// A type of payment with what it paid.
fn payment((id, name, kind): (&str, &str, &str), sum: Money) -> Value {
    json!({"paymentType": {"id": id, "name": name, "kind": kind}, "sum": number(sum), "isPreliminary": false})
}

/// What stands in place of payments where it is no sale.
fn written_off(sale: &Sale) -> Value {
    let staff = (
        "09322f46-578a-4210-add7-eec222a08871",
        "Питание персонала",
        "Writeoff",
    );
    json!([payment(staff, sale.total())])
}

/// What the site keeps with a delivery of its member.
fn kept(sale: &Sale) -> Value {
    let Some(member) = &sale.member else {
        return Value::Null;
    };
    let mut kept = vec![json!({"key": "loyalty.memberId", "value": member})];
    if sale.redeem.is_positive() {
        kept.push(json!({"key": "loyalty.transactionId", "value": transaction(sale)}));
    }
    json!(kept)
}

/// A delivery as the cloud shows it: what it shares with an order of a table, and its own.
fn delivery(sale: &Sale, change: Change, now: DateTime<Tz>) -> Message {
    let message = snapshot(sale, if change == Change::Opened { "New" } else { "Closed" }, now);
    let mut event: Value = message.body.parse().unwrap_or_default();
    event[0]["eventType"] = json!(DELIVERY);
    let info = &mut event[0]["eventInfo"];
    // The cloud has a name of its own for it.
    info["id"] = json!(in_cloud(sale));
    let order = &mut info["order"];
    order["status"] = json!(match change {
        Change::Opened => "CookingStarted",
        Change::Closed | Change::WrittenOff => "Closed",
        Change::Undone => "Cancelled",
    });
    order["externalData"] = kept(sale);
    if sale.member.is_some() && sale.number.is_multiple_of(4) {
        // Only what the site keeps says who it is.
        (order["phone"], order["customer"]) = (Value::Null, Value::Null);
    }
    if change == Change::WrittenOff {
        order["payments"] = written_off(sale);
    } else if sale.redeem.is_positive() && change != Change::Opened {
        let card = ("9cd5d67a-89b4-ab69-1365-7b8c51865a90", "Банковская карта", "Card");
        let points = payment((POINTS, "Баллы", "External"), sale.redeem);
        order["payments"] = json!([points, payment(card, sale.to_pay())]);
    }
    let when = |at: DateTime<Tz>| json!(at.format("%Y-%m-%d %H:%M:%S%.3f").to_string());
    order["completeBefore"] = when(sale.at + Duration::minutes(10));
    // A closed delivery may come without the time of its closing.
    order["whenClosed"] = Value::Null;
    if change != Change::Opened {
        order["whenDelivered"] = when(sale.at);
    }
    if change == Change::Undone {
        let cause = json!({"id": "77777777-0000-4000-8000-000000000003", "name": "Отказ гостя"});
        order["cancelInfo"] = json!({"whenCancelled": when(now), "cause": cause, "comment": null});
    }
    order["orderType"]["orderServiceType"] = json!("DeliveryByCourier");
    for name in ["tableIds", "waiter"] {
        if let Some(order) = order.as_object_mut() {
            order.remove(name);
        }
    }
    // The cloud shows it to whoever asks.
    let fact = event[0]["eventInfo"].clone();
    Message {
        body: event.to_string(),
        fact: Some(fact),
        ..message
    }
}

/// An order as the cloud shows it.
pub(super) fn snapshot(sale: &Sale, status: &str, now: DateTime<Tz>) -> Message {
    let utc = now.with_timezone(&Utc);
    // `when…` is the terminal's time, `eventTime` is UTC.
    let when = |at: DateTime<Tz>| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let total = number(sale.total());
    let items: Vec<Value> = sale.items.iter().enumerate().map(line).collect();
    let closed = status != "New";
    let paid = json!({
        "paymentType": {"id": "9cd5d67a-89b4-ab69-1365-7b8c51865a90", "name": "Банковская карта", "kind": "Card"},
        "sum": total, "isPreliminary": !closed,
    });
    let customer = sale
        .phone
        .as_ref()
        .map(|_| json!({"type": "one-time", "name": "Гость симулятора"}));
    let event = json!([{
        "eventType": "TableOrderUpdate",
        "eventTime": utc.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        "organizationId": ORGANISATION,
        "correlationId": "0f7f6a1e-7f54-4f0e-9a67-2d2b6f0a51c3",
        "eventInfo": {
            "id": sale.id,
            "posId": sale.id,
            "externalNumber": null,
            "organizationId": ORGANISATION,
            "timestamp": utc.timestamp_millis(),
            "creationStatus": "Success",
            "errorInfo": null,
            "order": {
                "tableIds": ["e1b6a9f2-7d3a-4c55-8e0f-8a3f1d2c4b11"],
                "customer": customer,
                "phone": sale.phone,
                "status": status,
                "whenCreated": when(sale.at - Duration::minutes(40)),
                "whenClosed": closed.then(|| when(sale.at)),
                "waiter": {"id": "aa0b7c6d-55b1-4b63-9a1e-7f4f0b1c9e31", "name": "Катя", "phone": null},
                "sum": total,
                "number": sale.number,
                "sourceKey": null,
                "guestsInfo": {"count": 2, "splitBetweenPersons": false},
                "items": items,
                "combos": [],
                "payments": [paid],
                "tips": [],
                "discounts": [],
                "orderType": {
                    "id": "bbbb1111-2222-4333-8444-555566667771", "name": "Обычный заказ", "orderServiceType": "Common",
                },
                "terminalGroupId": "d4c3b2a1-0f1e-4d2c-9b3a-4a5b6c7d8e81",
            },
        },
    }]);
    Message {
        role: Role::Tells,
        method: "POST",
        path: "webhook".to_owned(),
        content_type: "application/json",
        body: event.to_string(),
        sale: sale.number,
        fact: None,
    }
}

/// The till's id of a line.
pub(super) fn position(index: usize) -> String {
    format!("10000000-0000-4000-8000-0000000000{index:02}")
}

fn line((index, item): (usize, &Item)) -> Value {
    json!({
        "type": "Product", "product": {"id": item.product, "name": item.name}, "modifiers": [],
        "price": number(item.price), "cost": number(item.amount()), "pricePredefined": false,
        "positionId": position(index),
        "resultSum": number(item.amount()), "status": "Served", "deleted": null, "amount": item.pieces, "comment": null,
    })
}
