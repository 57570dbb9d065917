//! iikoCloud, as far as the service asks it: deliveries with revisions, three hours of them, tokens that end.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde_json::{Value, json};

pub const PLACE: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10";
pub const LOGIN: &str = "s3cret-login";
/// The venue of these tests is in Moscow.
const LOCAL: Duration = Duration::hours(3);

/// An order that the cloud knows.
#[derive(Debug, Clone)]
pub struct Known {
    pub order: Value,
    /// "delivery" or "table".
    pub kind: &'static str,
    pub revision: i64,
    pub changed_at: DateTime<Utc>,
    /// What a site keeps with it: only asking by id shows it, to those who ask for its keys.
    pub kept: Value,
}

/// What the cloud knows, and what it was asked.
#[derive(Debug, Default)]
pub struct Office {
    pub now: DateTime<Utc>,
    pub orders: Vec<Known>,
    revision: i64,
    tokens: u32,
    /// How many calls the next tokens are good for.
    pub calls_per_token: Option<u32>,
    calls_left: u32,
    /// Answer everything with this status.
    pub trouble: Option<u16>,
    /// Answer what is asked by id with this status.
    pub by_id_trouble: Option<u16>,
    /// Fail after so many more calls.
    pub fail_after: Option<u32>,
    pub menu: Value,
    /// What the till was told.
    pub told: Vec<String>,
    /// Requests: method, and what tells them apart.
    pub log: Vec<String>,
}

impl Office {
    /// An order as it stands from now on.
    pub fn put(&mut self, kind: &'static str, order: &Value) {
        self.revision += 10;
        let known = self.orders.iter().find(|known| known.order["id"] == order["id"]);
        let kept = known.map_or(Value::Null, |known| known.kept.clone());
        self.orders.retain(|known| known.order["id"] != order["id"]);
        self.orders.push(Known {
            order: order.clone(),
            kind,
            revision: self.revision,
            changed_at: self.now,
            kept,
        });
    }

    pub fn end_tokens(&mut self) {
        self.tokens += 1;
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Known> {
        self.orders.iter().filter(move |known| known.kind == kind)
    }

    /// Three hours of changes are kept; older revisions are not known.
    fn changes(&self, after: i64) -> Option<Value> {
        let newer: Vec<&Known> = self
            .of_kind("delivery")
            .filter(|known| known.revision > after)
            .collect();
        if newer
            .iter()
            .any(|known| self.now - known.changed_at > Duration::hours(3))
        {
            return None;
        }
        Some(by_place(&newer))
    }

    fn by_dates(&self, body: &Value) -> Value {
        let limit = |name: &str| {
            let text = body[name].as_str().unwrap();
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.3f")
                .unwrap()
                .and_utc()
                - LOCAL
        };
        let (from, to) = (limit("deliveryDateFrom"), limit("deliveryDateTo"));
        let wanted = body["statuses"].as_array().unwrap();
        let within = |known: &&Known| {
            // Promised an hour before it changed last.
            let promised = known.changed_at - Duration::hours(1);
            promised >= from && promised < to && wanted.contains(&known.order["order"]["status"])
        };
        by_place(&self.of_kind("delivery").filter(within).collect::<Vec<_>>())
    }

    fn by_ids(&self, kind: &str, body: &Value) -> Value {
        let (field, ids) = match body["posOrderIds"].as_array() {
            Some(ids) => ("posId", ids),
            None => ("id", body["orderIds"].as_array().unwrap()),
        };
        assert!(ids.len() <= 200);
        let found = self
            .of_kind(kind)
            .filter(|known| ids.contains(&known.order[field]));
        let keys = body["returnExternalDataKeys"].as_array();
        let shown = found.map(|known| {
            let mut order = known.order.clone();
            let kept = known.kept.as_object().into_iter().flatten();
            let asked = kept.filter(|(key, _)| keys.is_some_and(|keys| keys.contains(&json!(key))));
            let data: Vec<Value> = asked
                .map(|(key, value)| json!({"key": key, "value": value}))
                .collect();
            order["order"]["externalData"] = if keys.is_some() { json!(data) } else { Value::Null };
            order
        });
        json!({"correlationId": "c", "orders": shown.collect::<Vec<_>>()})
    }
}

fn by_place(orders: &[&Known]) -> Value {
    let newest = orders
        .iter()
        .map(|known| known.revision)
        .max()
        .unwrap_or_default();
    let orders: Vec<&Value> = orders.iter().map(|known| &known.order).collect();
    json!({"correlationId": "c", "maxRevision": newest,
        "ordersByOrganizations": [{"organizationId": PLACE, "orders": orders}]})
}

/// The server.
#[derive(Clone)]
pub struct Cloud {
    office: Arc<Mutex<Office>>,
    pub address: String,
}

impl Cloud {
    pub async fn open(now: DateTime<Utc>) -> Self {
        let office = Arc::new(Mutex::new(Office {
            now,
            ..Office::default()
        }));
        let routes = Router::new()
            .route("/api/{version}/{*method}", post(answer))
            .with_state(Arc::clone(&office));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Cloud { office, address }
    }

    pub fn office(&self) -> MutexGuard<'_, Office> {
        self.office.lock().unwrap()
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.office().log)
    }
}

async fn answer(
    State(office): State<Arc<Mutex<Office>>>,
    Path((version, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut office = office.lock().unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let told_apart = match method.as_str() {
        "deliveries/by_revision" => format!(" {}", body["startRevision"]),
        "deliveries/by_delivery_date_and_status" => {
            let date = |name: &str| body[name].as_str().unwrap()[8..13].to_owned();
            format!(" {}..{}", date("deliveryDateFrom"), date("deliveryDateTo"))
        }
        _ => String::new(),
    };
    let short = method.rsplit('/').next().unwrap();
    office.log.push(format!("{short}{told_apart}"));
    let failure = |status: u16, what: &str| {
        let said = json!({"correlationId": "c", "errorDescription": what}).to_string();
        let status = StatusCode::from_u16(status).unwrap();
        (status, [(header::RETRY_AFTER, "90")], said).into_response()
    };
    if let Some(status) = office.trouble {
        return failure(status, "trouble");
    }
    match &mut office.fail_after {
        Some(0) => return failure(500, "trouble"),
        Some(calls) => *calls -= 1,
        None => {}
    }
    if (version.as_str(), method.as_str()) == ("1", "access_token") {
        if body != json!({"apiLogin": LOGIN}) {
            return failure(401, "Login is not authorized");
        }
        office.tokens += 1;
        office.calls_left = office.calls_per_token.unwrap_or(u32::MAX);
        let token = format!("t{}", office.tokens);
        return json!({"correlationId": "c", "token": token})
            .to_string()
            .into_response();
    }
    let token = format!("Bearer t{}", office.tokens);
    let given = headers.get(header::AUTHORIZATION);
    if office.calls_left == 0 || given.is_none_or(|given| given.to_str().unwrap() != token) {
        return failure(401, "Token is not valid");
    }
    office.calls_left -= 1;
    let found = match method.as_str() {
        "organizations" => json!({"correlationId": "c", "organizations": [{"id": PLACE, "name": "Кафе"}]}),
        "deliveries/by_revision" => match office.changes(body["startRevision"].as_i64().unwrap()) {
            Some(found) => found,
            None => return failure(400, "startRevision is too old"),
        },
        "deliveries/by_delivery_date_and_status" => office.by_dates(&body),
        "deliveries/by_id" | "order/by_id" if office.by_id_trouble.is_some() => {
            return failure(office.by_id_trouble.unwrap_or_default(), "trouble");
        }
        "deliveries/by_id" => office.by_ids("delivery", &body),
        "order/by_id" => office.by_ids("table", &body),
        "order/init_by_posOrder" => json!({"correlationId": "c"}),
        "notifications/send" => {
            office
                .told
                .push(body["additionalInfo"].as_str().unwrap().to_owned());
            json!({"correlationId": "c"})
        }
        "nomenclature" => office.menu.clone(),
        _ => return failure(404, "no such method"),
    };
    found.to_string().into_response()
}
