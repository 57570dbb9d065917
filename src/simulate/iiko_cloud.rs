//! iiko's cloud, which the service asks for deliveries whose webhooks never came: revisions, dates, tokens that end, and what
//! sites keep with orders, which only asking by id shows, not always at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::iiko::{ORGANISATION, POINTS};
use super::vendor::{Question, Vendor};
use crate::clock::{Clock, SystemClock};
use crate::domain::Timestamp;

/// What the account logs in with.
const LOGIN: &str = "simulator";
/// Tokens end before their time.
const CALLS_PER_TOKEN: u32 = 17;
/// So long in the day many deliveries are slow to be had by their ids: refused at first, or shown as they were before. The service
/// waits then, so later in the day the books would be long in coming.
const SLOW_REVISIONS: i64 = 40;
/// Every so many calls nothing works.
const TROUBLE_EVERY: u32 = 40;
const CORRELATION: &str = "0f7f6a1e-7f54-4f0e-9a67-2d2b6f0a51c3";

/// The cloud of a day.
#[derive(Debug)]
pub(super) struct IikoCloud {
    /// Another restaurant each day: the service goes on from no revision of the day before.
    restaurant: String,
    known: Mutex<Known>,
}

/// What it knows.
#[derive(Debug, Default)]
struct Known {
    /// Deliveries by their ids.
    deliveries: BTreeMap<String, Delivery>,
    /// The newest revision.
    revision: i64,
    tokens: u32,
    /// For how many calls the token is still good.
    calls_left: u32,
    calls: u32,
    /// Questions that were refused, or answered with an older state.
    late_answers: u32,
}

/// A delivery as it stands.
#[derive(Debug)]
struct Delivery {
    info: Value,
    /// Revision of its last change.
    revision: i64,
    /// When it was first shown so.
    shown_at: Option<Timestamp>,
    /// What becomes of the first question about it.
    first: First,
    /// As it was before its last change.
    former: Option<Value>,
}

/// How the first question about a delivery by its id is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// As any other.
    Shown,
    /// All that is asked for with it is refused.
    Refused,
    /// It is shown as it was before.
    Older,
}

impl First {
    /// Of a delivery's change, by its revision.
    fn of(revision: i64) -> Self {
        match revision % 3 {
            0 if revision < SLOW_REVISIONS => First::Refused,
            1 if revision < SLOW_REVISIONS => First::Older,
            _ => First::Shown,
        }
    }
}

impl IikoCloud {
    pub(super) fn new() -> Self {
        let number = SystemClock.now().timestamp_micros() & 0xffff_ffff_ffff;
        IikoCloud {
            restaurant: format!("5d0c1f5e-2f0b-4a9e-9b1a-{number:012x}"),
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vendor for IikoCloud {
    /// A fact is `eventInfo` of a webhook.
    fn happened(&self, fact: &Value) {
        let mut known = self.known();
        known.revision += 1;
        let id = fact["id"].as_str().unwrap_or_default().to_owned();
        let former = known.deliveries.remove(&id);
        let delivery = Delivery {
            info: fact.clone(),
            revision: known.revision,
            shown_at: None,
            first: First::of(known.revision),
            former: former.map(|former| former.info),
        };
        known.deliveries.insert(id, delivery);
    }

    fn answer(&self, question: &Question) -> (u16, String) {
        let (status, body) = self.known().answer(question, &self.restaurant);
        (status, body.to_string())
    }

    fn shown_since(&self) -> Option<Timestamp> {
        let known = self.known();
        let shown = known.deliveries.values().map(|delivery| delivery.shown_at);
        shown
            .collect::<Option<Vec<Timestamp>>>()
            .map(|times| times.into_iter().max().unwrap_or_default())
    }

    fn late_answers(&self) -> u32 {
        self.known().late_answers
    }

    fn settings(&self, address: &str) -> Value {
        // Webhooks tell of one restaurant, whichever day it is; the cloud is asked for the day's own.
        json!({"organizations": [ORGANISATION, self.restaurant], "cloud": {
            "api_login": LOGIN, "address": address, "organizations": [self.restaurant], "poll_seconds": 1,
            "menu_hours": 0,
        }, "bonus_payment_types": [POINTS]})
    }
}

fn failure(status: u16, words: &str) -> (u16, Value) {
    (
        status,
        json!({"correlationId": CORRELATION, "errorDescription": words}),
    )
}

impl Known {
    fn answer(&mut self, question: &Question, restaurant: &str) -> (u16, Value) {
        let body: Value = question.body.parse().unwrap_or_default();
        if question.path == "/api/1/access_token" {
            if body["apiLogin"] != LOGIN {
                return failure(401, "Login is not authorized");
            }
            self.tokens += 1;
            self.calls_left = CALLS_PER_TOKEN;
            let token = format!("token-{}", self.tokens);
            return (200, json!({"correlationId": CORRELATION, "token": token}));
        }
        self.calls += 1;
        if self.calls.is_multiple_of(TROUBLE_EVERY) {
            return failure(500, "Internal error");
        }
        if question.authorization != format!("Bearer token-{}", self.tokens) || self.calls_left == 0 {
            return failure(401, "Token is not valid");
        }
        self.calls_left -= 1;
        match question.path.as_str() {
            "/api/1/deliveries/by_revision" => {
                let after = body["startRevision"].as_i64().unwrap_or_default();
                (200, self.show(restaurant, |delivery| delivery.revision > after))
            }
            "/api/1/deliveries/by_delivery_date_and_status" => {
                let statuses = body["statuses"].as_array().cloned().unwrap_or_default();
                let (from, to) = (date(&body["deliveryDateFrom"]), date(&body["deliveryDateTo"]));
                let within = |delivery: &Delivery| {
                    let order = &delivery.info["order"];
                    let promised = date(&order["completeBefore"]);
                    from <= promised && promised < to && statuses.contains(&order["status"])
                };
                (200, self.show(restaurant, within))
            }
            "/api/1/deliveries/by_id" => self.show_by_id(&body),
            _ => failure(404, "there is no such method"),
        }
    }

    /// Deliveries by their ids, with those of the keys kept with them that are asked for.
    fn show_by_id(&mut self, body: &Value) -> (u16, Value) {
        let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
        let (ids, keys) = (list("orderIds"), list("returnExternalDataKeys"));
        let asked = self
            .deliveries
            .values_mut()
            .filter(|d| ids.contains(&d.info["id"]));
        let mut asked: Vec<&mut Delivery> = asked.collect();
        if let Some(delivery) = asked.iter_mut().find(|d| d.first == First::Refused) {
            delivery.first = First::Shown;
            self.late_answers += 1;
            return failure(400, "The order can't be read now");
        }
        let now = SystemClock.now();
        let mut orders = Vec::new();
        for delivery in asked {
            let older = delivery
                .former
                .as_ref()
                .filter(|_| delivery.first == First::Older);
            let mut info = older.unwrap_or(&delivery.info).clone();
            if older.is_some() {
                self.late_answers += 1;
            } else {
                delivery.shown_at.get_or_insert(now);
            }
            delivery.first = First::Shown;
            if let Some(kept) = info["order"]["externalData"].as_array_mut() {
                kept.retain(|data| keys.contains(&data["key"]));
            }
            orders.push(info);
        }
        (200, json!({"correlationId": CORRELATION, "orders": orders}))
    }

    fn show(&mut self, restaurant: &str, wanted: impl Fn(&Delivery) -> bool) -> Value {
        let now = SystemClock.now();
        let mut orders = Vec::new();
        for delivery in self.deliveries.values_mut().filter(|delivery| wanted(delivery)) {
            // What is to be posted is read once more by its id.
            if delivery.info["order"]["status"] == "CookingStarted" {
                delivery.shown_at.get_or_insert(now);
            }
            let mut info = delivery.info.clone();
            info["order"]["externalData"] = Value::Null;
            orders.push(info);
        }
        json!({
            "correlationId": CORRELATION, "maxRevision": self.revision.max(1),
            "ordersByOrganizations": [{"organizationId": restaurant, "orders": orders}],
        })
    }
}

/// Times in one form sort as texts.
fn date(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
