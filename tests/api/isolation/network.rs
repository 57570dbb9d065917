//! A network with one of everything that has an id.

use std::sync::Arc;

use axum::http::Method;
use kopilka::ledger::{Answer as LedgerAnswer, Command, Place, Verb};
use kopilka::pos::adapter;
use kopilka::pos::connection_cache::Known;
use kopilka::pos::conversation;
use kopilka::pos::incoming::Incoming;
use kopilka::storage::{Tenant, books, till_connections};
use kopilka_contract::{CustomerRef, Language, Spend};
use serde_json::{Value, json};

use crate::api::client::{Client, PASSWORD, Service};

/// Ids of one network, as its owner got them.
pub struct Net {
    pub owner: Client,
    pub key: Client,
    pub network: String,
    pub venue: String,
    pub rule: String,
    pub category: String,
    pub product: String,
    pub group: String,
    pub customer: String,
    pub receipt: String,
    /// A second receipt, to cancel.
    pub spare: String,
    pub hold: String,
    pub user: String,
    pub key_id: String,
    pub connection: String,
    /// A message in the inbox.
    pub message: String,
    /// A device of the virtual till.
    pub device: String,
    /// A sale made without a network that was refused.
    pub conflict: String,
    /// An order that the till's own report has, and the books do not.
    pub difference: String,
    /// A write-off that waits for its receipt.
    pub write_off: String,
    /// A return that waits for its sale.
    pub waiting: String,
    /// Somebody at that device.
    pub till: Client,
}

pub fn text(of: &Value, field: &str) -> String {
    of[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field}: {of}"))
        .to_owned()
}

pub fn sale(number: &str, venue: &str, customer: Value) -> Value {
    json!({"source": "till", "external_id": number, "venue_id": venue, "closed_at": "2026-11-22T11:00:00+03:00",
        "customer": customer, "lines": [{"name": "Обед", "amount": "100.00"}]})
}

/// A network with one of everything. `own` makes its names its own.
pub async fn network(service: &Service, login: &str, own: &str, card: &str, phone: &str) -> Net {
    let owner = service.owner(login).await;
    let make = async |path: &str, body: Value| {
        let answer = owner.post(&format!("/api/v1/{path}"), body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        text(&answer.json(), "id")
    };
    let scopes = json!(["till", "customers", "marketing", "reports", "admin"]);
    let (key_id, secret) = owner.new_key(json!({"name": own, "scopes": scopes})).await;
    let venue = make(
        "venues",
        json!({"external_id": own, "name": own, "base_percent": "10", "types": ["place"],
            "settings": {"offline_limit": "10.00"}}),
    )
    .await;
    let condition = json!({"kind": "hours", "from_hour": 1, "to_hour": 2});
    let rule = make(
        &format!("venues/{venue}/rules"),
        json!({"condition": condition, "coefficient": "2"}),
    )
    .await;
    let category = make(
        &format!("venues/{venue}/categories"),
        json!({"external_id": "c", "name": own}),
    )
    .await;
    let product = make(
        &format!("venues/{venue}/products"),
        json!({"name": own, "coefficient": "2"}),
    )
    .await;
    let group = make(
        &format!("venues/{venue}/groups"),
        json!({"name": own, "category_ids": ["c"], "coefficient": "2"}),
    )
    .await;
    let guest = json!({"external_id": format!("crm-{own}"), "card": card, "phone": phone, "name": own});
    let customer = make("customers", guest).await;
    let coefficient = format!("/api/v1/customers/{customer}/coefficients/{venue}");
    let put = owner
        .call(Method::PUT, &coefficient, Some(json!({"coefficient": "3"})))
        .await;
    assert!(put.status.is_success(), "{put:?}");
    let credit = json!({"amount": "100.00"});
    owner
        .post(&format!("/api/v1/customers/{customer}/credits"), credit)
        .await
        .expect(201);
    let receipt = make(
        "receipts",
        sale(&format!("r-{own}"), &venue, json!({"card": card})),
    )
    .await;
    let spare = make(
        "receipts",
        sale(&format!("s-{own}"), &venue, json!({"card": card})),
    )
    .await;
    let hold = json!({"venue_id": venue, "external_id": format!("h-{own}"), "customer": {"card": card}, "amount": "5.00"});
    let hold = make("holds", hold).await;
    let staff =
        json!({"login": format!("{login}-till"), "name": own, "role": "cashier", "password": PASSWORD});
    let user = make("users", staff).await;
    let connection = make(
        "connections",
        json!({"venue_id": venue, "kind": "iiko", "name": own,
            "settings": {"server": {"address": "https://resto.example", "login": own}}}),
    )
    .await;
    report(service, &network_id(&owner).await, own).await;
    let found = owner.get("/api/v1/till-differences").await.expect(200);
    let difference = text(&found["items"][0], "id");
    let network = text(&owner.get("/api/v1/network").await.expect(200), "id");
    let write_off = write_off(service, &network, &venue, &customer).await;
    let waiting =
        json!({"external_id": format!("w-{own}"), "sale": {"venue_id": venue, "external_id": "never"}});
    let waiting = owner.post("/api/v1/returns", waiting).await.expect(202);
    let waiting = text(&waiting, "id");
    let kept = owner.get("/api/v1/messages?limit=1").await.expect(200);
    let message = text(&kept["items"][0], "id");
    let enrolment = json!({"login": login, "password": PASSWORD, "venue_id": own, "name": own});
    let enrolled = service.anybody().post("/api/v1/till/devices", enrolment).await;
    let device = text(&enrolled.expect(201)["device"], "id");
    let mut offline = sale(&format!("o-{own}"), &venue, json!({"card": card}));
    offline["redeem"] = json!("1.00");
    offline["offline"] =
        json!({"queued_at": "2026-11-22T11:00:00+03:00", "device_time": "2026-11-22T11:00:00+03:00"});
    owner
        .post("/api/v1/receipts", offline)
        .await
        .refused(422, "offline-permit-missing");
    let conflicts = owner.get("/api/v1/till/conflicts").await.expect(200);
    let conflict = text(&conflicts["items"][0], "id");
    Net {
        key: service.anybody().key(&secret),
        owner,
        network,
        venue,
        rule,
        category,
        product,
        group,
        customer,
        receipt,
        spare,
        hold,
        user,
        key_id,
        connection,
        message,
        device,
        conflict,
        difference,
        write_off,
        waiting,
        till: service.anybody().session(&enrolled),
    }
}

async fn network_id(owner: &Client) -> String {
    text(&owner.get("/api/v1/network").await.expect(200), "id")
}

/// A till writes bonuses off, and does not tell of the receipt.
async fn write_off(service: &Service, network: &str, venue: &str, customer: &str) -> String {
    let place = Place {
        venue: venue.parse().unwrap(),
        source: "till".to_owned(),
    };
    let spend = Spend {
        customer: CustomerRef::Id(customer.to_owned()),
        session: "s".to_owned(),
        amount: "1.00".parse().unwrap(),
        repeat_window_s: 0,
        debt_limit: None,
    };
    let command = Command {
        since: std::time::Instant::now(),
        tenant: tenant_of(service, network),
        actor: "test".to_owned(),
        verb: Verb::Spend(place, spend),
        raw: None,
        remarks: Vec::new(),
        language: Language::default(),
        idempotency: None,
        asks_before_sale: false,
        asker: None,
        replay_of: None,
    };
    match service.app.ledger.submit(command).await.unwrap().answer {
        LedgerAnswer::Spent(spent) => spent.id,
        other => panic!("{other:?}"),
    }
}

fn tenant_of(service: &Service, network: &str) -> Tenant {
    let network = network.parse().unwrap();
    let tenants = books::all_networks(&mut service.app.store.connection().unwrap()).unwrap();
    tenants
        .into_iter()
        .find(|tenant| tenant.network() == network)
        .unwrap()
}

/// The report of a day comes to the connection of a network: of one order, that its books do not have.
async fn report(service: &Service, network: &str, own: &str) {
    let (app, tenant) = (&service.app, tenant_of(service, network));
    let known = {
        let mut database = app.store.connection().unwrap();
        let mut connections = till_connections::list(&mut database, tenant, None, None, 1).unwrap();
        Known {
            tenant,
            connection: connections.remove(0),
        }
    };
    let order = json!({"data": [{"UniqOrderId.Id": format!("order-{own}"), "DishDiscountSumInt": 100}]});
    let incoming = Incoming {
        method: "POST".to_owned(),
        path: "poll/server/olap".to_owned(),
        query: "day=2026-11-20".to_owned(),
        content_type: None,
        body: order.to_string().into_bytes().into(),
        login: None,
        received_at: app.clock.now(),
        replay_of: None,
    };
    let held = conversation::hold(app, adapter("iiko").unwrap(), &Arc::new(known), incoming, None).await;
    assert_eq!(held.refused, None);
}
