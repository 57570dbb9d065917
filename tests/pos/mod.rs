//! The tills' doors, end to end: a vendor's message in, the right books, the vendor's answer out.

mod archived;
mod commerce_ml;
mod descriptions;
mod guest_words;
mod iiko;
mod iiko_plugin;
mod iiko_reservations;
mod iiko_roads;
mod iikocard;
mod inbox;
mod inbox_language;
mod isolation;
mod linked;
mod menu_import;
mod onec;
mod onec_base;
mod onec_bulk;
mod onec_corrected_returns;
mod onec_late_write_offs;
mod onec_odata;
mod onec_returns;
mod onec_roads;
mod onec_tills;
mod rkeeper;
mod rkeeper_delivery;
mod settings_since;
mod tokens;
mod too_slow;
mod trouble;
mod unfinished;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kopilka::ledger::verify::verify;
use serde_json::{Value, json};

use crate::api::client::{Answer, Client, Service};

/// A network with one venue (base bonus 5 %), an owner, and a till connection.
pub struct Till {
    pub service: Service,
    pub owner: Client,
    kind: &'static str,
    pub token: String,
}

impl Till {
    pub async fn new(service: &Service, kind: &'static str, settings: Value) -> Self {
        Till::of(&format!("owner@{kind}.example"), service, kind, settings).await
    }

    /// The same, where the owner's login matters.
    pub async fn of(login: &str, service: &Service, kind: &'static str, settings: Value) -> Self {
        let session = service.owner(login).await;
        // A key, since sessions end when a test moves the clock by days.
        let scopes = json!(["till", "customers", "marketing", "reports", "admin"]);
        let key = session
            .post("/api/v1/keys", json!({"name": "test", "scopes": scopes}))
            .await
            .expect(201);
        let owner = service.anybody().key(key["secret"].as_str().unwrap());
        let venue = json!({
            "name": "Ресторан", "external_id": "r", "time_zone": "Europe/Moscow", "base_percent": "5",
            "types": ["place", "delivery", "online"], "default_type": "place",
        });
        owner.post("/api/v1/venues", venue).await.expect(201);
        let connection =
            json!({"venue_id": "r", "kind": kind, "name": "Касса", "settings": settings, "language": "ru"});
        let made = owner.post("/api/v1/connections", connection).await.expect(201);
        let token = made["token"].as_str().unwrap().to_owned();
        Till {
            service: service.clone(),
            owner,
            kind,
            token,
        }
    }

    /// A registered customer with a card and a balance; gives his id.
    pub async fn customer(&self, card: &str, phone: &str, balance: &str) -> String {
        let customer = json!({"name": "Анна К.", "phone": phone});
        let made = self.owner.post("/api/v1/customers", customer).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        let issued = json!({"number": card, "kind": "plastic"});
        self.owner
            .post(&format!("/api/v1/customers/{id}/cards"), issued)
            .await
            .expect(201);
        if balance != "0.00" {
            let credit = json!({"amount": balance});
            self.owner
                .post(&format!("/api/v1/customers/{id}/credits"), credit)
                .await
                .expect(201);
        }
        id
    }

    pub async fn balance(&self, customer: &str) -> String {
        let path = format!("/api/v1/customers/{customer}/balance?venue_id=r");
        self.owner.get(&path).await.expect(200)["balance"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Gives the till's connection other settings.
    pub async fn set(&self, settings: Value) {
        let known = self.owner.get("/api/v1/connections").await.expect(200);
        let id = known["items"][0]["id"].as_str().unwrap();
        let path = format!("/api/v1/connections/{id}");
        let change = json!({"settings": settings});
        self.owner.patch(&path, change).await.expect(200);
    }

    /// Sends a message to the door; `path` follows the token.
    pub async fn send(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let uri = format!("/pos/{}/{}/{path}", self.kind, self.token);
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Body::from(body.into()))
            .unwrap();
        self.service.send(request).await
    }

    /// The same with the login of a till, and no password.
    pub async fn send_as(&self, login: &str, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/pos/{}/{}/{path}", self.kind, self.token))
            .header(
                "Authorization",
                format!("Basic {}", STANDARD.encode(format!("{login}:"))),
            )
            .body(Body::from(body.into()))
            .unwrap();
        self.service.send(request).await
    }

    /// The newest messages that came to an outcome, as a page.
    pub async fn messages(&self, outcome: &str) -> Value {
        let path = format!("/api/v1/messages?outcome={outcome}");
        self.owner.get(&path).await.expect(200)
    }

    /// Totals of the network's transactions, as a check on what was posted.
    pub async fn transactions(&self) -> Vec<(String, String, String)> {
        let list = self.owner.get("/api/v1/transactions?limit=100").await.expect(200);
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|t| (text(t, "type"), text(t, "direction"), text(t, "amount")))
            .rev()
            .collect()
    }

    pub fn assert_books(&self) {
        let report = verify(&self.service.app.store).unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

/// What 1C is told of a file of documents that are all receipts: so many were taken, known already, not taken.
pub fn imported(taken: usize, known: usize, wrong: usize) -> String {
    let all = taken + known + wrong;
    format!(
        "success\nдокументов в файле: {all}; принято: {taken}, уже было: {known}, пропущено: 0, не принято: {wrong}"
    )
}

/// A fixture of an adapter.
pub fn fixture(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("adapters")
        .join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
