//! A vendor's system that a test answers for, and an adapter that asks it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use chrono::Duration;
use kopilka_contract::{
    Adapter, Ask, Close, Delivery, Dialogue, Errand, HttpAnswer, HttpCall, Line, Message, Money, Next, Phone,
    Poll, Quantity, Receipt, Refusal, Reply, Settings, SettingsError, Situation, Step, Told, Unreadable,
    Words,
};
use serde_json::{Value, json};

/// What the vendor knows, and what it was asked.
#[derive(Debug, Default)]
pub struct Office {
    /// Orders by id, in roubles.
    pub orders: BTreeMap<String, String>,
    /// Answer everything with this status.
    pub trouble: Option<u16>,
    /// Only this token is good; another one is given each time.
    tokens: u32,
    /// Requests, in order, without queries.
    pub log: Vec<String>,
}

impl Office {
    fn token(&self) -> String {
        format!("Bearer t{}", self.tokens)
    }

    /// Forgets the token that it gave.
    pub fn end_tokens(&mut self) {
        self.tokens += 1;
    }
}

/// The vendor's server.
#[derive(Clone)]
pub struct Vendor {
    pub office: Arc<Mutex<Office>>,
    pub address: String,
}

impl Vendor {
    pub async fn open() -> Self {
        let office = Arc::new(Mutex::new(Office::default()));
        let routes = Router::new()
            .route("/token", post(token))
            .route("/orders/{id}", get(order))
            .route("/changes/{after}", get(changes))
            .with_state(Arc::clone(&office));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Vendor { office, address }
    }

    pub fn office(&self) -> std::sync::MutexGuard<'_, Office> {
        self.office.lock().unwrap()
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.office().log)
    }
}

type Answer = (StatusCode, String);
type Shared = State<Arc<Mutex<Office>>>;

fn trouble(office: &mut Office, what: String) -> Option<Answer> {
    office.log.push(what);
    let status = StatusCode::from_u16(office.trouble?).unwrap();
    Some((status, "no".to_owned()))
}

async fn token(State(office): Shared, body: Bytes) -> Answer {
    let mut office = office.lock().unwrap();
    if let Some(answer) = trouble(&mut office, "token".to_owned()) {
        return answer;
    }
    assert_eq!(body, "secret=open%20sesame");
    office.tokens += 1;
    (StatusCode::OK, office.token())
}

fn denied(office: &Office, headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_none_or(|given| given.to_str().unwrap() != office.token())
}

async fn order(State(office): Shared, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let mut office = office.lock().unwrap();
    if let Some(answer) = trouble(&mut office, format!("order {id}")) {
        return answer;
    }
    if denied(&office, &headers) {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    match office.orders.get(&id) {
        Some(total) => (StatusCode::OK, json!([{"id": id, "total": total}]).to_string()),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

async fn changes(State(office): Shared, Path(after): Path<String>, headers: HeaderMap) -> Answer {
    // Long enough for another instance to ask as well, if it could.
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    let mut office = office.lock().unwrap();
    if let Some(answer) = trouble(&mut office, format!("changes {after}")) {
        return answer;
    }
    if denied(&office, &headers) {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let newer = office
        .orders
        .range(after.clone()..)
        .filter(|(id, _)| **id > after);
    let list: Vec<Value> = newer
        .map(|(id, total)| json!({"id": id, "total": total}))
        .collect();
    (StatusCode::OK, Value::from(list).to_string())
}

/// An adapter of that vendor. Its connections are those of a kind that the service knows.
pub struct VendorAdapter {
    pub address: String,
}

impl VendorAdapter {
    /// As the service wants adapters.
    pub fn of(vendor: &Vendor) -> &'static [&'static dyn Adapter] {
        let address = vendor.address.clone();
        let adapter: &'static dyn Adapter = Box::leak(Box::new(VendorAdapter { address }));
        Box::leak(Box::new([adapter]))
    }

    fn call(&self, state: &Value, what: &str) -> Step {
        let call = HttpCall::get(format!("{}/{what}", self.address))
            .with_header("Authorization", state["token"].as_str().unwrap_or_default());
        let mut state = state.clone();
        state["asked"] = json!(what);
        Step::new(Next::Call(call), state)
    }

    fn answered(
        &self,
        asked: &str,
        state: &Value,
        answer: &HttpAnswer,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Step {
        let mut state = state.clone();
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let order = asked.strip_prefix("orders/");
        match (answer.status, order) {
            (200, _) if asked == "token" => {
                state["token"] = json!(body);
                self.begin(&state, &[])
            }
            (200, order) => {
                let orders: Vec<Value> = serde_json::from_str(&body).unwrap();
                if order.is_none() {
                    let Some(last) = orders.last() else {
                        return Step::new(
                            Next::Rest {
                                until: now + Duration::minutes(1),
                            },
                            state,
                        );
                    };
                    state["cursor"] = last["id"].clone();
                }
                let delivery = |order: &Value| Delivery {
                    path: "order".to_owned(),
                    query: String::new(),
                    content_type: None,
                    body: order.to_string().into_bytes(),
                };
                let step = Step::new(Next::Deliver(orders.iter().map(delivery).collect()), state);
                order.map_or(step.clone(), |order| step.done(order))
            }
            (401, _) => {
                state["token"] = Value::Null;
                self.begin(&state, &[])
            }
            (404, Some(order)) => self
                .begin(&state, &[])
                .put_off(order, now + Duration::minutes(10)),
            (status, _) => {
                let reason = format!("answered {status}; the secret was open sesame");
                Step::new(
                    Next::Failed {
                        reason,
                        retry_at: None,
                    },
                    state,
                )
            }
        }
    }

    fn begin(&self, state: &Value, errands: &[Errand]) -> Step {
        if state["token"].is_null() {
            let call = HttpCall::post_form(format!("{}/token", self.address), &[("secret", "open sesame")]);
            return Step::new(
                Next::Call(call),
                json!({"asked": "token", "cursor": state["cursor"]}),
            );
        }
        match errands.first() {
            Some(errand) => self.call(state, &format!("orders/{}", errand.key)),
            None => self.call(
                state,
                &format!("changes/{}", state["cursor"].as_str().unwrap_or("0")),
            ),
        }
    }
}

impl Poll for VendorAdapter {
    fn step(&self, situation: &Situation<'_>) -> Step {
        match situation.answer {
            None => self.begin(situation.state, situation.errands),
            Some(answer) => {
                let asked = situation.state["asked"].as_str().unwrap();
                self.answered(asked, situation.state, answer, situation.now)
            }
        }
    }
}

/// A message read: an order to close, or the name of one to fetch.
enum Read {
    Order(Box<Close>),
    Announced(String),
}

impl Dialogue for Read {
    fn asks(&self) -> Vec<Ask> {
        match self {
            Read::Order(close) => vec![Ask::Close((**close).clone())],
            Read::Announced(_) => Vec::new(),
        }
    }

    fn errands(&self) -> Vec<Errand> {
        match self {
            Read::Order(_) => Vec::new(),
            Read::Announced(id) => vec![Errand::new(id.clone(), json!({}))],
        }
    }

    fn reply(&self, _told: &[Result<Told, Refusal>]) -> Reply {
        reply()
    }
}

fn reply() -> Reply {
    Reply {
        status: 200,
        content_type: "text/plain",
        body: Vec::new(),
    }
}

impl Adapter for VendorAdapter {
    fn kind(&self) -> &'static str {
        "iiko"
    }

    fn title(&self) -> &'static str {
        "a vendor of tests"
    }

    fn check_settings(&self, _settings: &Settings) -> Result<(), SettingsError> {
        Ok(())
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["/bonus_payment_types/0"]
    }

    fn poll(&self) -> Option<&dyn Poll> {
        Some(self)
    }

    fn read(&self, message: &Message<'_>, _settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
        if message.path == "announce" {
            return Ok(Box::new(Read::Announced(
                String::from_utf8_lossy(message.body).into_owned(),
            )));
        }
        assert_eq!((message.method, message.path), ("POST", "poll/order"));
        let order: Value = serde_json::from_slice(message.body).unwrap();
        let Ok(total) = order["total"].as_str().unwrap().parse::<Money>() else {
            let reason = Words::new("нет суммы", "no total");
            return Err(Unreadable {
                reason,
                reply: reply(),
            });
        };
        Ok(Box::new(Read::Order(Box::new(close(
            &order,
            total,
            message.received_at.fixed_offset(),
        )))))
    }

    fn failure(&self, _message: &Message<'_>, _words: &Words, _settings: &Settings) -> Reply {
        reply()
    }
}

fn close(order: &Value, total: Money, closed_at: chrono::DateTime<chrono::FixedOffset>) -> Close {
    let line = Line {
        line_id: "1".to_owned(),
        name: "Пицца".to_owned(),
        product_id: None,
        category_id: None,
        category_name: None,
        quantity: Quantity::ONE,
        price: None,
        amount: total,
        redeemed: None,
    };
    Close::of(Receipt {
        version: Some(1),
        phone: Phone::parse("+79215550101"),
        lines: vec![line],
        total: Some(total),
        ..Receipt::of(order["id"].as_str().unwrap().to_owned(), closed_at)
    })
}
