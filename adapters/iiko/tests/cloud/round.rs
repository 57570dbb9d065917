//! A round, driven by hand.

use chrono::{DateTime, Duration, Utc};
use kopilka_contract::{
    Adapter, Dialogue, Errand, HttpAnswer, HttpCall, Language, Message, Next, Settings, Situation, Step,
    Unreadable,
};
use kopilka_iiko::Iiko;
use serde_json::{Value, json};

pub const PLACE: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10";
pub const OTHER: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a11";

pub fn now() -> DateTime<Utc> {
    "2026-03-14T17:00:00Z".parse().unwrap()
}

/// A delivery as the cloud shows it, changed so many minutes before [`now`].
pub fn delivery(number: u32, status: &str, minutes_ago: i64) -> Value {
    let changed = now() - Duration::minutes(minutes_ago);
    json!({
        "id": format!("f0e1d2c3-b4a5-4697-8879-6a5b4c3d{number:04x}"),
        "posId": null,
        "organizationId": PLACE,
        "timestamp": changed.timestamp_millis(),
        "creationStatus": "Success",
        "order": {
            "status": status, "sum": 100, "number": number, "phone": "+79005550202", "whenClosed": null,
            "items": [{"type": "Service", "service": {"id": "8a000000-0000-4000-8000-000000000003", "name": "Доставка"},
                       "cost": 100, "amount": 1, "status": "Served", "deleted": null}],
            "payments": [], "discounts": [],
        },
    })
}

/// An answer with deliveries of a restaurant.
pub fn by_place(orders: &[Value], revision: i64) -> Value {
    json!({
        "correlationId": "c", "maxRevision": revision,
        "ordersByOrganizations": [{"organizationId": PLACE, "orders": orders}],
    })
}

pub struct Round {
    pub settings: Settings,
    pub state: Value,
    pub errands: Vec<Errand>,
    pub now: DateTime<Utc>,
}

impl Round {
    /// A connection with an account and these settings of it.
    pub fn new(cloud: Value) -> Self {
        let mut values = json!({"cloud": {"api_login": "s3cret", "menu_hours": 0}});
        for (name, value) in cloud.as_object().unwrap() {
            values["cloud"][name] = value.clone();
        }
        Round::of(values)
    }

    pub fn of(values: Value) -> Self {
        Round {
            settings: Settings {
                time_zone: chrono_tz::Europe::Moscow,
                language: Language::Ru,
                values,
            },
            state: Value::Null,
            errands: Vec::new(),
            now: now(),
        }
    }

    /// Nothing is kept with its orders that only asking by id would bring.
    pub fn keeping_nothing(mut self) -> Self {
        for key in ["member_data_key", "transaction_data_key"] {
            self.settings.values[key] = json!("");
        }
        self
    }

    /// A connection to one restaurant that has a token and was asked a moment ago.
    pub fn going(cloud: Value) -> Self {
        let mut round = Round::new(cloud).keeping_nothing();
        round.settings.values["organizations"] = json!([PLACE]);
        round.step(None);
        round.token();
        round.ok(&by_place(&[], 100));
        round.ok(&by_place(&[], 100));
        round.ok(&by_place(&[], 100));
        assert!(matches!(round.next(None), Next::Rest { .. }));
        round
    }

    pub fn step(&mut self, answer: Option<(u16, &str)>) -> Step {
        let answer = answer.map(|(status, body)| HttpAnswer {
            status,
            headers: vec![("retry-after".to_owned(), "40".to_owned())],
            body: body.as_bytes().to_vec(),
        });
        let step = Iiko.poll().unwrap().step(&Situation {
            settings: &self.settings,
            state: &self.state,
            errands: &self.errands,
            now: self.now,
            answer: answer.as_ref(),
        });
        self.state = step.state.clone();
        let gone = |e: &Errand| step.done.contains(&e.key) || step.put_off.iter().any(|p| p.key == e.key);
        self.errands.retain(|e| !gone(e));
        step
    }

    pub fn next(&mut self, answer: Option<(u16, &str)>) -> Next {
        self.step(answer).next
    }

    pub fn ok(&mut self, body: &Value) -> Step {
        self.step(Some((200, &body.to_string())))
    }

    pub fn token(&mut self) -> Step {
        self.ok(&json!({"correlationId": "c", "token": "abc"}))
    }

    /// What comes of a message at the door or of one that was fetched.
    pub fn read(&self, path: &str, body: &[u8]) -> Result<Box<dyn Dialogue>, Unreadable> {
        let message = Message {
            method: "POST",
            path,
            query: "",
            content_type: Some("application/json"),
            body,
            login: None,
            received_at: self.now,
        };
        Iiko.read(&message, &self.settings)
    }
}

/// The call that is next: the method of the API and the body.
pub fn call(step: &Step) -> (String, Value) {
    let call = raw_call(step);
    let method = call
        .url
        .strip_prefix("https://api-ru.iiko.services/api/")
        .unwrap();
    (method.to_owned(), serde_json::from_slice(&call.body).unwrap())
}

pub fn raw_call(step: &Step) -> &HttpCall {
    match &step.next {
        Next::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

/// The messages that are next: path and body.
pub fn messages(step: &Step) -> Vec<(String, Value)> {
    let Next::Deliver(messages) = &step.next else {
        panic!("{:?}", step.next)
    };
    let message = |m: &kopilka_contract::Delivery| (m.path.clone(), serde_json::from_slice(&m.body).unwrap());
    messages.iter().map(message).collect()
}

/// Why the round failed, and when it is tried again.
pub fn failed(step: &Step) -> (String, Option<i64>) {
    let Next::Failed { reason, retry_at } = &step.next else {
        panic!("{:?}", step.next)
    };
    (reason.clone(), retry_at.map(|at| (at - now()).num_seconds()))
}
