//! The virtual till's side of the service.

mod devices;
mod guests;
mod offline;
mod operations;
mod races;
mod screens;

use kopilka::ledger::verify;
use kopilka::storage::Store;
use serde_json::{Value, json};

use super::client::{Answer, Client, PASSWORD, Service};

/// A café "a" with a cashier, a till, and a guest who has 500.00.
pub struct Cafe {
    pub service: Service,
    pub owner: Client,
    /// Enrolled by the cashier, who stands at it.
    pub till: Client,
    /// What the till was told at its enrolment.
    pub start: Value,
    /// The guest's id.
    pub guest: String,
}

pub fn text(of: &Value, field: &str) -> String {
    of[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field}: {of}"))
        .to_owned()
}

impl Cafe {
    pub async fn open(store: Store) -> Self {
        let service = Service::on(store);
        let owner = service.owner("anna").await;
        let venue = json!({"external_id": "a", "name": "Кафе", "base_percent": "10", "types": ["place"],
            "settings": {"offline_limit": "300.00", "offline_permit_minutes": 60}});
        owner.post("/api/v1/venues", venue).await.expect(201);
        hire(&owner, "katya", "Катя").await;
        let guest =
            json!({"external_id": "crm-1", "card": "777", "phone": "+79215550101", "name": "Гость Первый"});
        let guest = text(&owner.post("/api/v1/customers", guest).await.expect(201), "id");
        owner
            .post("/api/v1/customers/crm-1/credits", json!({"amount": "500.00"}))
            .await
            .expect(201);
        let enrolled = enrol(&service.anybody(), "katya", "Касса 1").await;
        Cafe {
            till: service.anybody().session(&enrolled),
            start: enrolled.json(),
            service,
            owner,
            guest,
        }
    }

    /// Another device of the café, enrolled by a member of staff.
    pub async fn device(&self, login: &str, name: &str) -> Client {
        let enrolled = enrol(&self.service.anybody(), login, name).await;
        self.service.anybody().session(&enrolled)
    }

    pub async fn available(&self) -> String {
        let answer = self.owner.get("/api/v1/customers/crm-1/balance?venue_id=a").await;
        text(&answer.expect(200), "available")
    }

    pub fn later(&self, minutes: i64) {
        let now = self.service.clock_now();
        self.service
            .clock
            .move_to(now + chrono::Duration::minutes(minutes));
    }

    /// The cashier takes over again after the clock was moved.
    pub async fn unlock(&self) {
        let body = json!({"login": "katya", "password": PASSWORD});
        self.till.post("/api/v1/till/session", body).await.expect(200);
    }

    pub fn books_are_right(&self) {
        let report = verify::verify(&self.service.app.store).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
}

pub async fn hire(owner: &Client, login: &str, name: &str) -> String {
    let user =
        json!({"login": login, "name": name, "role": "cashier", "password": PASSWORD, "venue_ids": ["a"]});
    text(&owner.post("/api/v1/users", user).await.expect(201), "id")
}

pub async fn enrol(client: &Client, login: &str, name: &str) -> Answer {
    let body = json!({"login": login, "password": PASSWORD, "venue_id": "a", "name": name});
    let answer = client.post("/api/v1/till/devices", body).await;
    answer.expect(201);
    answer
}

/// A sale of 400.00 to the guest, made at 11:50 at the café's clock.
pub fn sale(id: &str, redeem: &str) -> Value {
    json!({"source": "till", "external_id": id, "closed_at": "2026-11-22T11:50:00+03:00", "customer": {"id": "crm-1"},
        "lines": [{"line_id": "1", "name": "Обед", "quantity": "2", "amount": "300.00"},
            {"line_id": "2", "name": "Кофе", "amount": "100.00"}],
        "total": "400.00", "redeem": redeem})
}
