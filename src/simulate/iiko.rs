//! iiko: webhooks with whole orders of tables and deliveries. They come after the fiscal receipt, so bonuses never pay here.
//! Webhooks of deliveries may be lost for ever: the service asks the cloud for what changed.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Value, json};

use super::dialect::{
    Dialect, GuestName, Heard, Item, Message, PartsBack, Role, Sale, Undo, by_phone, number,
};
use super::iiko_cloud::IikoCloud;
use super::vendor::Vendor;

/// The till with its cloud.
#[derive(Debug)]
pub(super) struct Iiko;

const ORGANISATION: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10";
const DELIVERY: &str = "DeliveryOrderUpdate";

impl Dialect for Iiko {
    fn kind(&self) -> &'static str {
        "iiko"
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        by_phone(sale)
    }

    fn redeems(&self) -> bool {
        false
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

    /// The order while it is open: nothing follows from it.
    fn before(&self, sale: &Sale) -> Vec<Message> {
        vec![told(sale, Change::Opened, sale.at - Duration::minutes(5))]
    }

    fn may_redeem(&self, _answer: &str) -> Option<Money> {
        None
    }

    fn write_off(&self, _sale: &Sale) -> Option<Message> {
        None
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        told(sale, Change::Closed, now)
    }

    fn after(&self, _sale: &Sale) -> Vec<Message> {
        Vec::new()
    }

    fn undo(&self, sale: &Sale, _undo: &Undo, now: DateTime<Tz>) -> Message {
        told(sale, Change::Undone, now)
    }

    fn hear(&self, _message: &Message, status: u16, body: &str) -> Heard {
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
}

/// The webhook of a change: every second sale is a delivery.
fn told(sale: &Sale, change: Change, now: DateTime<Tz>) -> Message {
    if sale.number.is_multiple_of(2) {
        return delivery(sale, change, now);
    }
    let status = match change {
        Change::Opened => "New",
        Change::Closed => "Closed",
        Change::Undone => "Deleted",
    };
    snapshot(sale, status, now)
}

/// A delivery as the cloud shows it: what it shares with an order of a table, and its own.
fn delivery(sale: &Sale, change: Change, now: DateTime<Tz>) -> Message {
    let message = snapshot(sale, if change == Change::Opened { "New" } else { "Closed" }, now);
    let mut event: Value = message.body.parse().unwrap_or_default();
    event[0]["eventType"] = json!(DELIVERY);
    let info = &mut event[0]["eventInfo"];
    // The cloud has a name of its own for it.
    info["id"] = json!(format!("c{}", sale.id.get(1..).unwrap_or_default()));
    let order = &mut info["order"];
    order["status"] = json!(match change {
        Change::Opened => "CookingStarted",
        Change::Closed => "Closed",
        Change::Undone => "Cancelled",
    });
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
