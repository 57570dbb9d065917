//! r_keeper Delivery: webhooks that announce orders, and the REST API that the service reads them by. The restaurant's
//! site sets bonuses aside at the same door.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Value, json};

use super::dialect::{
    Dialect, GuestName, Heard, Item, Message, PartsBack, Role, Sale, Undo, by_phone, number,
};
use super::vendor::{Question, Vendor};
use crate::clock::{Clock, SystemClock};
use crate::domain::Timestamp;

/// The delivery with its cloud.
#[derive(Debug)]
pub(super) struct RKeeperDelivery;

/// r_keeper's bonus currency.
const BONUSES: &str = "9ca200f8-5961-4a6f-ae22-a095c65d1485";
const RESTAURANT: &str = "0f0a9c55-6f5b-4a53-9a53-3d3b0b1f8a11";
const COMPLETED: u32 = 11;
const CANCELLED: u32 = 12;
/// Tokens end before their time.
const CALLS_PER_TOKEN: u32 = 17;
/// Every so many calls nothing works.
const TROUBLE_EVERY: u32 = 50;

/// The vendor's cloud.
#[derive(Debug, Default)]
struct Cloud(Mutex<Known>);

/// What it knows.
#[derive(Debug, Default)]
struct Known {
    /// Orders by number.
    orders: BTreeMap<String, Order>,
    /// How many calls each token is still good for.
    tokens: BTreeMap<String, u32>,
    /// How many orders were read.
    read: u32,
}

/// An order as it stands.
#[derive(Debug)]
struct Order {
    content: Value,
    /// When it was first read so.
    read_at: Option<Timestamp>,
}

impl Cloud {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dialect for RKeeperDelivery {
    fn kind(&self) -> &'static str {
        "rkeeper-delivery"
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        by_phone(sale)
    }

    fn redeems(&self) -> bool {
        true
    }

    fn rolls_back(&self) -> bool {
        false
    }

    fn parts_back(&self) -> PartsBack {
        PartsBack::Never
    }

    fn returns_cancel(&self) -> bool {
        true
    }

    fn external_id(&self, sale: &Sale) -> String {
        sale.id.clone()
    }

    /// An order names only products.
    fn ids(&self, item: &Item, _settings: &Value) -> (String, Option<String>) {
        (item.product.clone(), None)
    }

    /// The site asks what a member may spend.
    fn before(&self, sale: &Sale) -> Vec<Message> {
        let member = sale.card.is_some().then_some(sale.phone.as_ref()).flatten();
        let asked = member.map(|phone| post(sale, Role::Asks, "guest", &json!({"phone": phone})));
        asked.into_iter().collect()
    }

    fn may_redeem(&self, answer: &str) -> Option<Money> {
        let answer: Value = answer.parse().ok()?;
        answer["available"].as_str()?.parse().ok()
    }

    /// The site sets bonuses aside, then pays with them at the vendor's.
    fn write_off(&self, sale: &Sale) -> Option<Message> {
        let phone = sale.phone.as_ref()?;
        let hold = json!({"orderId": sale.id, "phone": phone, "amount": sale.redeem});
        Some(post(sale, Role::Once, "hold", &hold))
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        changed(sale, COMPLETED, now)
    }

    fn after(&self, _sale: &Sale) -> Vec<Message> {
        Vec::new()
    }

    fn undo(&self, sale: &Sale, _undo: &Undo, now: DateTime<Tz>) -> Message {
        changed(sale, CANCELLED, now)
    }

    fn hear(&self, _message: &Message, status: u16, body: &str) -> Heard {
        match status {
            200 => Heard::Taken,
            400 | 422 => Heard::Refused(body.to_owned()),
            _ => Heard::Again(format!("{status} {body}")),
        }
    }

    fn vendor(&self) -> Option<Arc<dyn Vendor>> {
        Some(Arc::new(Cloud::default()))
    }
}

fn post(sale: &Sale, role: Role, path: &str, body: &Value) -> Message {
    Message {
        role,
        method: "POST",
        path: path.to_owned(),
        content_type: "application/json",
        body: body.to_string(),
        sale: sale.number,
        fact: None,
    }
}

/// The webhook that an order has changed, with the order as it stands then.
fn changed(sale: &Sale, status: u32, now: DateTime<Tz>) -> Message {
    let at = now.with_timezone(&Utc).to_rfc3339();
    let body = json!({
        "source": "rkeeper-delivery", "orderId": sale.id, "statusId": status, "statusName": "",
        "restaurantId": RESTAURANT, "phone": sale.phone.as_deref().unwrap_or_default(), "changedAt": at,
    });
    Message {
        fact: Some(order(sale, status, &at)),
        ..post(sale, Role::Tells, "webhook", &body)
    }
}

fn order(sale: &Sale, status: u32, at: &str) -> Value {
    let dish = |item: &Item| {
        json!({"id": "b0d5f0b7-2f0a-4a0e-8a3b-0a5a0c1e0001", "externalId": item.product, "name": item.name,
            "quantity": item.pieces, "price": number(item.price), "ingredients": []})
    };
    let mut payments = vec![json!({"code": "card", "name": "VISA", "amount": number(sale.to_pay())})];
    if sale.redeem.is_positive() {
        payments.push(json!({"code": BONUSES, "name": "Бонусы", "amount": number(sale.redeem)}));
    }
    let guest = sale
        .phone
        .as_ref()
        .map(|phone| json!({"phone": phone, "firstName": "Гость симулятора"}));
    json!({
        "orderId": sale.id, "restaurantId": RESTAURANT, "orderStatusId": status, "guest": guest,
        "createdAt": sale.at.to_rfc3339(), "updatedAt": at, "completedAt": sale.at.to_rfc3339(),
        "fullAmount": number(sale.total()), "amount": number(sale.total()), "expeditionType": "delivery",
        "paymentTypeId": "online", "paymentStatus": "paid", "payments": payments,
        "dishList": sale.items.iter().map(dish).collect::<Vec<_>>(),
    })
}

impl Vendor for Cloud {
    /// The order stands so from now on, by the cloud's clock.
    fn happened(&self, fact: &Value) {
        let mut content = fact.clone();
        content["updatedAt"] = json!(SystemClock.now().to_rfc3339());
        let id = content["orderId"].as_str().unwrap_or_default().to_owned();
        let order = Order {
            content,
            read_at: None,
        };
        self.known().orders.insert(id, order);
    }

    /// The REST API: tokens end before their time now and then, and once in a while nothing works.
    fn answer(&self, question: &Question) -> (u16, String) {
        let mut known = self.known();
        if question.path == "/connect/token" {
            return known.token(question);
        }
        known.read += 1;
        if known.read.is_multiple_of(TROUBLE_EVERY) {
            return (500, json!({"code": 500, "msg": "Internal error"}).to_string());
        }
        let token = question.authorization.strip_prefix("Bearer ");
        match known.tokens.get_mut(token.unwrap_or_default()) {
            Some(calls) if *calls > 0 => *calls -= 1,
            _ => return (401, String::new()),
        }
        let found = match question.path.strip_prefix("/orders/api/v1/orders") {
            Some("") => Some(known.orders.values().map(|order| order.content.clone()).collect()),
            Some(path) => known.read(path.trim_start_matches('/')),
            None => None,
        };
        match found {
            Some(found) => (200, json!({"result": found}).to_string()),
            None => (404, json!({"code": 404, "msg": "Order not found"}).to_string()),
        }
    }

    fn shown_since(&self) -> Option<Timestamp> {
        let known = self.known();
        let read = known.orders.values().map(|order| order.read_at);
        read.collect::<Option<Vec<Timestamp>>>()
            .map(|times| times.into_iter().max().unwrap_or_default())
    }

    fn settings(&self, address: &str) -> Value {
        json!({
            "api": format!("{address}/orders/api/v1"),
            "auth": format!("{address}/connect/token"),
            "client_id": "simulator",
            "client_secret": "simulator",
            "bonus_currencies": [BONUSES],
            "list_minutes": 1,
        })
    }
}

impl Known {
    fn token(&mut self, question: &Question) -> (u16, String) {
        let form = "grant_type=client_credentials&client_id=simulator&client_secret=simulator&scope=orders";
        if question.method != "POST" || question.body != form {
            return (400, json!({"error": "invalid_client"}).to_string());
        }
        let token = format!("token-{}", self.tokens.len());
        self.tokens.insert(token.clone(), CALLS_PER_TOKEN);
        let given = json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"});
        (200, given.to_string())
    }

    fn read(&mut self, id: &str) -> Option<Value> {
        let order = self.orders.get_mut(id)?;
        order.read_at.get_or_insert_with(|| SystemClock.now());
        Some(order.content.clone())
    }
}
