//! A caller of the API in tests.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, TimeZone, Utc};
use diesel::connection::SimpleConnection;
use http_body_util::BodyExt;
use kopilka::api::access::{Access, AccessLimits};
use kopilka::api::authentication::ClientAddress;
use kopilka::api::{router, setup};
use kopilka::app::App;
use kopilka::clock::MovedClock;
use kopilka::domain::ids::IdSource;
use kopilka::domain::ids::{NetworkId, VenueId};
use kopilka::id_source::TimeOrderedIds;
use kopilka::ledger::{Ledger, PipelineOptions};
use kopilka::storage::Store;
use serde_json::{Value, json};
use tower::ServiceExt;

pub const PASSWORD: &str = "a long sentence";

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let is_picture = parts
            .headers
            .get("content-type")
            .is_some_and(|t| t.as_bytes().starts_with(b"image/"));
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: if is_picture {
                String::new()
            } else {
                String::from_utf8(bytes.to_vec()).unwrap()
            },
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Fails unless it has this status; gives the body.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Fails unless it is this problem; gives the body.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The session's cookie that it sets, as a browser sends it back.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}

/// The service of a test, with its clock.
#[derive(Clone)]
pub struct Service {
    pub app: App,
    pub clock: Arc<MovedClock>,
    router: Router,
}

/// When tests begin.
pub fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).unwrap()
}

impl Service {
    pub fn on(store: Store) -> Self {
        Service::with_limits(store, AccessLimits::default())
    }

    pub fn with_limits(store: Store, limits: AccessLimits) -> Self {
        Service::behind("", store, limits)
    }

    /// Behind these proxies.
    pub fn behind(proxies: &str, store: Store, limits: AccessLimits) -> Self {
        Service::made(store, Arc::new(TimeOrderedIds::new(1)), |app| {
            app.access = Arc::new(Access::new(limits));
            app.proxies = Arc::new(proxies.parse().unwrap());
        })
    }

    /// With ids of a test's own.
    pub fn with_ids(store: Store, ids: Arc<dyn IdSource>) -> Self {
        Service::made(store, ids, |app| {
            app.access = Arc::new(Access::new(AccessLimits::default()));
        })
    }

    fn made(store: Store, ids: Arc<dyn IdSource>, set: impl FnOnce(&mut App)) -> Self {
        let clock = Arc::new(MovedClock::at(start()));
        let mut app = App::new(store, clock.clone(), ids).unwrap();
        set(&mut app);
        Service {
            router: router(app.clone()),
            app,
            clock,
        }
    }

    /// With a ledger for which no more than one command may wait.
    pub fn with_short_queue(store: Store) -> Self {
        Service::made(store, Arc::new(TimeOrderedIds::new(1)), |app| {
            let options = PipelineOptions {
                queue: 1,
                batch: 1,
                writers: 1,
            };
            let (store, clock, ids) = (app.store.clone(), app.clock.clone(), app.ids.clone());
            app.ledger = Ledger::start(store, clock, ids, options).unwrap();
            app.access = Arc::new(Access::new(AccessLimits::default()));
        })
    }

    /// The same service for tills that wait no longer than that.
    pub fn impatient(&self, patience: Duration) -> Self {
        let app = App {
            till_patience: patience,
            ..self.app.clone()
        };
        Service {
            router: router(app.clone()),
            app,
            clock: self.clock.clone(),
        }
    }

    /// What its clock says.
    pub fn clock_now(&self) -> DateTime<Utc> {
        kopilka::clock::Clock::now(&*self.clock)
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// Nobody in particular.
    pub fn anybody(&self) -> Client {
        Client {
            service: self.clone(),
            headers: Vec::new(),
            peer: None,
        }
    }

    /// Sets up a network; gives its owner, logged in.
    pub async fn owner(&self, login: &str) -> Client {
        let answer = self.set_up(login, false).await;
        self.anybody().session(&answer)
    }

    pub async fn set_up(&self, login: &str, sandbox: bool) -> Answer {
        let token = setup::invite(&self.app, setup::INVITATION_LIFE).await.unwrap();
        let answer = self
            .anybody()
            .post(
                "/api/v1/setup",
                json!({
                    "token": token,
                    "network": {"name": "Полка", "time_zone": "Europe/Moscow", "sandbox": sandbox},
                    "owner": {"login": login, "name": "Анна", "password": PASSWORD},
                }),
            )
            .await;
        answer.expect(201);
        answer
    }

    /// Waits until something that happens behind the requests has happened.
    pub async fn until<F: Future<Output = bool>>(&self, happened: impl Fn() -> F) {
        for _ in 0..200 {
            if happened().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it did not happen in time");
    }
}

/// Somebody with headers of his own.
#[derive(Clone)]
pub struct Client {
    service: Service,
    headers: Vec<(String, String)>,
    peer: Option<ClientAddress>,
}

impl Client {
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// Whose connection comes from this address.
    pub fn from(&self, address: &str) -> Self {
        let mut client = self.clone();
        client.peer = Some(ClientAddress(address.parse().unwrap()));
        client
    }

    pub fn without(&self, name: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(n, _)| n != name);
        client
    }

    pub fn key(&self, secret: &str) -> Self {
        self.with("authorization", &format!("Bearer {secret}"))
    }

    /// With the session that an answer began.
    pub fn session(&self, answer: &Answer) -> Self {
        let token = answer.json()["csrf_token"].as_str().unwrap().to_owned();
        self.with("cookie", &answer.cookie()).with("x-csrf-token", &token)
    }

    /// Posts bytes that need not be JSON, though they say so.
    pub async fn post_bytes(&self, path: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        self.service.send(request.body(body.into()).unwrap()).await
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(peer) = self.peer {
            request = request.extension(peer);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.service.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Makes a venue of the caller's network, past the API; gives its id.
    pub async fn new_venue(&self, external_id: &str) -> String {
        let network = self.get("/api/v1/network").await.expect(200);
        let network: NetworkId = network["id"].as_str().unwrap().parse().unwrap();
        let id = VenueId(self.service.app.ids.next_id());
        self.service
            .app
            .store
            .connection()
            .unwrap()
            .batch_execute(&format!(
                "INSERT INTO venues (network_id, id, external_id, name, time_zone, base_percent, types, default_type, \
                 settings, created_at) VALUES ({}, {}, '{external_id}', 'Venue', 'Europe/Moscow', 0, '[\"restaurant\"]', \
                 'restaurant', '{{}}', '2026-11-22 09:00:00')",
                network.0, id.0
            ))
            .unwrap();
        id.to_string()
    }

    /// Makes a key; gives (id, secret).
    pub async fn new_key(&self, body: Value) -> (String, String) {
        let made = self.post("/api/v1/keys", body).await.expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }
}
