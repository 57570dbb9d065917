//! A key and a member of staff of one network try every route of the API with what belongs to another: nothing is
//! found, nothing is shown, nothing changes. A route that is not in the table fails the test, so that a new one can't
//! be forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::Method;
use kopilka::ledger::{Answer as LedgerAnswer, Command, Place, Verb};
use kopilka::pos::adapter;
use kopilka::pos::connection_cache::Known;
use kopilka::pos::conversation::{self, Incoming};
use kopilka::storage::{AnyConnection, Store, Tenant, books, till_connections};
use kopilka_contract::{CustomerRef, Language, Spend};
use serde_json::{Value, json};

use super::client::{Client, PASSWORD, Service};
use crate::databases::each_database_async;

/// What a call with another network's ids must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// It names something of the other network alone: not found. The owner himself can make the very same call.
    NotFind,
    /// It names something of both: not found either.
    Refuse,
    /// It names nothing that is not the caller's own: it may do what it does, to himself.
    KeepApart,
}

struct Call {
    route: &'static str,
    path: String,
    body: Value,
    must: Must,
}

/// Ids of one network, as its owner got them.
struct Net {
    owner: Client,
    key: Client,
    network: String,
    venue: String,
    rule: String,
    category: String,
    product: String,
    group: String,
    customer: String,
    receipt: String,
    /// A second receipt, to cancel.
    spare: String,
    hold: String,
    user: String,
    key_id: String,
    connection: String,
    /// A message in the inbox.
    message: String,
    /// A device of the virtual till.
    device: String,
    /// A sale made without a network that was refused.
    conflict: String,
    /// An order that the till's own report has, and the books do not.
    difference: String,
    /// A write-off that waits for its receipt.
    write_off: String,
    /// A return that waits for its sale.
    waiting: String,
    /// Somebody at that device.
    till: Client,
}

fn text(of: &Value, field: &str) -> String {
    of[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field}: {of}"))
        .to_owned()
}

fn sale(number: &str, venue: &str, customer: Value) -> Value {
    json!({"source": "till", "external_id": number, "venue_id": venue, "closed_at": "2026-11-22T11:00:00+03:00",
        "customer": customer, "lines": [{"name": "Обед", "amount": "100.00"}]})
}

/// A network with one of everything. `own` makes its names its own.
async fn network(service: &Service, login: &str, own: &str, card: &str, phone: &str) -> Net {
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
        remarks: None,
        language: Language::default(),
        idempotency: None,
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
        body: order.to_string().into_bytes(),
        login: None,
        received_at: app.clock.now(),
        replay_of: None,
    };
    let held = conversation::hold(app, adapter("iiko").unwrap(), &Arc::new(known), incoming, None).await;
    assert_eq!(held.refused, None);
}

/// Every route, called by B with what is A's. What destroys comes last, so that A itself can do it all in this order.
fn calls(a: &Net, b: &Net) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut call = |route: &'static str, path: String, body: Value, must: Must| {
        calls.push(Call {
            route,
            path: format!("/api/v1/{path}"),
            body,
            must,
        });
    };
    let none = || Value::Null;
    let Net {
        venue,
        rule,
        category,
        product,
        group,
        customer,
        receipt,
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
        ..
    } = a;
    let own = |names: Value| {
        json!({"amount": "1.00"})
            .as_object()
            .map_or(names.clone(), |amount| {
                let mut names = names.clone();
                names.as_object_mut().unwrap().extend(amount.clone());
                names
            })
    };

    // What is A's alone.
    for (route, path) in [
        ("GET /venues/{venue}", format!("venues/{venue}")),
        ("GET /venues/{venue}", "venues/a".to_owned()),
        ("GET /venues/{venue}/rules", format!("venues/{venue}/rules")),
        ("GET /venues/{venue}/rules", "venues/a/rules".to_owned()),
        (
            "GET /venues/{venue}/rules/{rule}",
            format!("venues/{venue}/rules/{rule}"),
        ),
        (
            "GET /venues/{venue}/categories",
            format!("venues/{venue}/categories"),
        ),
        (
            "GET /venues/{venue}/categories/{category}",
            format!("venues/{venue}/categories/{category}"),
        ),
        ("GET /venues/{venue}/products", format!("venues/{venue}/products")),
        (
            "GET /venues/{venue}/products/{product}",
            format!("venues/{venue}/products/{product}"),
        ),
        ("GET /venues/{venue}/groups", format!("venues/{venue}/groups")),
        (
            "GET /venues/{venue}/groups/{group}",
            format!("venues/{venue}/groups/{group}"),
        ),
        ("GET /customers/{customer}", format!("customers/{customer}")),
        ("GET /customers/{customer}", "customers/crm-a".to_owned()),
        (
            "GET /customers/{customer}/cards",
            format!("customers/{customer}/cards"),
        ),
        (
            "GET /customers/{customer}/lots",
            format!("customers/{customer}/lots"),
        ),
        (
            "GET /customers/{customer}/transactions",
            format!("customers/{customer}/transactions"),
        ),
        (
            "GET /customers/{id}/balance",
            format!("customers/{customer}/balance"),
        ),
        (
            "GET /customers/{id}/balance",
            "customers/crm-a/balance".to_owned(),
        ),
        ("GET /cards/{card}", "cards/7770".to_owned()),
        (
            "GET /receipts",
            format!("receipts?venue_id={venue}&source=till&external_id=r-a"),
        ),
        ("GET /receipts/{id}", format!("receipts/{receipt}")),
        ("GET /transactions", format!("transactions?venue_id={venue}")),
        ("GET /write-offs", format!("write-offs?venue_id={venue}")),
        ("GET /returns", format!("returns?venue_id={venue}")),
        (
            "GET /delivery-orders",
            format!("delivery-orders?venue_id={venue}"),
        ),
        (
            "GET /delivery-orders",
            format!("delivery-orders?customer_id={customer}"),
        ),
        (
            "GET /transactions",
            format!("transactions?customer_id={customer}"),
        ),
        ("GET /users/{id}", format!("users/{user}")),
        ("GET /keys/{id}", format!("keys/{key_id}")),
        ("GET /connections/{id}", format!("connections/{connection}")),
        (
            "GET /connections/{id}/reconciliations",
            format!("connections/{connection}/reconciliations"),
        ),
        ("GET /messages/{id}", format!("messages/{message}")),
    ] {
        call(route, path, none(), Must::NotFind);
    }
    for (route, path, body) in [
        (
            "POST /receipts/quote",
            "receipts/quote".to_owned(),
            sale("q", venue, json!({"card": "7770"})),
        ),
        (
            "POST /receipts",
            "receipts".to_owned(),
            sale("n", venue, json!({"card": "7770"})),
        ),
        (
            "POST /customers/identify",
            "customers/identify".to_owned(),
            json!({"venue_id": venue, "card": "7770"}),
        ),
        (
            "POST /holds",
            "holds".to_owned(),
            json!({"venue_id": venue, "customer": {"card": "7770"}, "amount": "1.00"}),
        ),
        (
            "POST /receipts/{id}/returns",
            format!("receipts/{receipt}/returns"),
            json!({"external_id": "back 1", "lines": [{"line_id": "1", "quantity": "0.1"}]}),
        ),
        (
            "POST /returns",
            "returns".to_owned(),
            json!({"external_id": "back 2", "sale": {"id": receipt}, "lines": [{"line_id": "1", "quantity": "0.1"}]}),
        ),
        (
            "POST /returns",
            "returns".to_owned(),
            json!({"external_id": "back 3", "sale": {"venue_id": venue, "source": "till", "external_id": "r-a"},
                "lines": [{"line_id": "1", "quantity": "0.1"}]}),
        ),
        (
            "POST /till/permits",
            "till/permits".to_owned(),
            json!({"customer_id": customer, "venue_id": venue}),
        ),
        (
            "POST /customers/{id}/qr",
            format!("customers/{customer}/qr"),
            none(),
        ),
        (
            "POST /till/conflicts/{id}/settle",
            format!("till/conflicts/{conflict}/settle"),
            json!({"action": "dismiss", "note": "x"}),
        ),
        (
            "POST /connections/{id}/reconciliations",
            format!("connections/{connection}/reconciliations"),
            json!({"day": "2026-11-20"}),
        ),
        (
            "POST /till-differences/{id}/settle",
            format!("till-differences/{difference}/settle"),
            json!({"note": "x"}),
        ),
        (
            "POST /write-offs/{id}/settle",
            format!("write-offs/{write_off}/settle"),
            json!({"settlement": "given_back", "note": "x"}),
        ),
        (
            "POST /returns/{id}/settle",
            format!("returns/{waiting}/settle"),
            json!({"note": "x"}),
        ),
        (
            "POST /till/devices/{id}/revoke",
            format!("till/devices/{device}/revoke"),
            none(),
        ),
        (
            "POST /customers/{id}/credits",
            format!("customers/{customer}/credits"),
            json!({"amount": "1.00"}),
        ),
        (
            "POST /customers/{id}/credits",
            "customers/crm-a/credits".to_owned(),
            json!({"amount": "1.00"}),
        ),
        (
            "POST /customers/{id}/debits",
            format!("customers/{customer}/debits"),
            json!({"amount": "1.00"}),
        ),
        (
            "POST /customers/{customer}/cards",
            format!("customers/{customer}/cards"),
            json!({"number": "7771"}),
        ),
        (
            "POST /venues/{venue}/rules",
            format!("venues/{venue}/rules"),
            json!({"condition": {"kind": "hours", "from_hour": 3, "to_hour": 4}, "coefficient": "2"}),
        ),
        (
            "POST /venues/{venue}/categories",
            format!("venues/{venue}/categories"),
            json!({"external_id": "c2", "name": "x"}),
        ),
        (
            "POST /venues/{venue}/products",
            format!("venues/{venue}/products"),
            json!({"name": "x"}),
        ),
        (
            "POST /venues/{venue}/groups",
            format!("venues/{venue}/groups"),
            json!({"name": "x", "category_ids": ["c2"], "coefficient": "2"}),
        ),
        (
            "PATCH /venues/{venue}",
            format!("venues/{venue}"),
            json!({"name": "x"}),
        ),
        (
            "PATCH /venues/{venue}/rules/{rule}",
            format!("venues/{venue}/rules/{rule}"),
            json!({"coefficient": "9"}),
        ),
        (
            "PATCH /venues/{venue}/categories/{category}",
            format!("venues/{venue}/categories/{category}"),
            json!({"name": "x"}),
        ),
        (
            "PATCH /venues/{venue}/products/{product}",
            format!("venues/{venue}/products/{product}"),
            json!({"coefficient": "9"}),
        ),
        (
            "PATCH /venues/{venue}/groups/{group}",
            format!("venues/{venue}/groups/{group}"),
            json!({"name": "y"}),
        ),
        (
            "PATCH /customers/{customer}",
            format!("customers/{customer}"),
            json!({"name": "x"}),
        ),
        ("PATCH /users/{id}", format!("users/{user}"), json!({"name": "x"})),
        (
            "PATCH /connections/{id}",
            format!("connections/{connection}"),
            json!({"name": "x"}),
        ),
        (
            "POST /connections",
            "connections".to_owned(),
            json!({"venue_id": venue, "kind": "iiko", "name": "x", "settings": {}}),
        ),
        (
            "PUT /customers/{customer}/coefficients/{venue}",
            format!("customers/{customer}/coefficients/{venue}"),
            json!({"coefficient": "9"}),
        ),
        (
            "POST /customers/{customer}/block",
            format!("customers/{customer}/block"),
            none(),
        ),
        (
            "POST /customers/{customer}/unblock",
            format!("customers/{customer}/unblock"),
            none(),
        ),
        ("POST /cards/{card}/block", "cards/7770/block".to_owned(), none()),
        (
            "POST /cards/{card}/unblock",
            "cards/7770/unblock".to_owned(),
            none(),
        ),
        (
            "POST /cards/{card}/replace",
            "cards/7770/replace".to_owned(),
            json!({"number": "7772"}),
        ),
        (
            "POST /connections/{id}/rotate",
            format!("connections/{connection}/rotate"),
            json!({}),
        ),
        (
            "POST /messages/{id}/replay",
            format!("messages/{message}/replay"),
            json!({}),
        ),
        ("POST /holds/{id}/void", format!("holds/{hold}/void"), json!({})),
        (
            "POST /receipts/{id}/cancel",
            format!("receipts/{}/cancel", a.spare),
            json!({}),
        ),
        (
            "POST /customers/{id}/reset",
            format!("customers/{customer}/reset"),
            json!({}),
        ),
        (
            "DELETE /customers/{customer}/coefficients/{venue}",
            format!("customers/{customer}/coefficients/{venue}"),
            none(),
        ),
        (
            "DELETE /venues/{venue}/rules/{rule}",
            format!("venues/{venue}/rules/{rule}"),
            none(),
        ),
        (
            "DELETE /venues/{venue}/groups/{group}",
            format!("venues/{venue}/groups/{group}"),
            none(),
        ),
        (
            "DELETE /venues/{venue}/products/{product}",
            format!("venues/{venue}/products/{product}"),
            none(),
        ),
        (
            "DELETE /venues/{venue}/categories/{category}",
            format!("venues/{venue}/categories/{category}"),
            none(),
        ),
        (
            "POST /keys/{id}/revoke",
            format!("keys/{key_id}/revoke"),
            json!({}),
        ),
    ] {
        call(route, path, body, Must::NotFind);
    }

    // B's own, with something of A's in it.
    let (theirs, mine) = (customer, &b.customer);
    for (route, path, body) in [
        (
            "GET /venues/{venue}/rules/{rule}",
            format!("venues/b/rules/{rule}"),
            none(),
        ),
        (
            "PATCH /venues/{venue}/rules/{rule}",
            format!("venues/b/rules/{rule}"),
            json!({"coefficient": "9"}),
        ),
        (
            "DELETE /venues/{venue}/rules/{rule}",
            format!("venues/b/rules/{rule}"),
            none(),
        ),
        (
            "GET /venues/{venue}/categories/{category}",
            format!("venues/b/categories/{category}"),
            none(),
        ),
        (
            "PATCH /venues/{venue}/categories/{category}",
            format!("venues/b/categories/{category}"),
            json!({"name": "x"}),
        ),
        (
            "DELETE /venues/{venue}/categories/{category}",
            format!("venues/b/categories/{category}"),
            none(),
        ),
        (
            "GET /venues/{venue}/products/{product}",
            format!("venues/b/products/{product}"),
            none(),
        ),
        (
            "PATCH /venues/{venue}/products/{product}",
            format!("venues/b/products/{product}"),
            json!({"name": "x"}),
        ),
        (
            "DELETE /venues/{venue}/products/{product}",
            format!("venues/b/products/{product}"),
            none(),
        ),
        (
            "GET /venues/{venue}/groups/{group}",
            format!("venues/b/groups/{group}"),
            none(),
        ),
        (
            "PATCH /venues/{venue}/groups/{group}",
            format!("venues/b/groups/{group}"),
            json!({"name": "x"}),
        ),
        (
            "DELETE /venues/{venue}/groups/{group}",
            format!("venues/b/groups/{group}"),
            none(),
        ),
        (
            "GET /customers/{id}/balance",
            format!("customers/{mine}/balance?venue_id={venue}"),
            none(),
        ),
        (
            "GET /customers/{customer}/transactions",
            format!("customers/{mine}/transactions?venue_id={venue}"),
            none(),
        ),
        (
            "PUT /customers/{customer}/coefficients/{venue}",
            format!("customers/{mine}/coefficients/{venue}"),
            json!({"coefficient": "9"}),
        ),
        (
            "PUT /customers/{customer}/coefficients/{venue}",
            format!("customers/{theirs}/coefficients/b"),
            json!({"coefficient": "9"}),
        ),
        (
            "DELETE /customers/{customer}/coefficients/{venue}",
            format!("customers/{mine}/coefficients/{venue}"),
            none(),
        ),
        (
            "POST /customers/{id}/credits",
            format!("customers/{mine}/credits"),
            own(json!({"venue_id": venue})),
        ),
        (
            "POST /receipts",
            "receipts".to_owned(),
            sale("m1", "b", json!({"id": theirs})),
        ),
        (
            "POST /receipts",
            "receipts".to_owned(),
            sale("m2", venue, json!({"id": mine})),
        ),
        ("POST /receipts", "receipts".to_owned(), {
            let mut body = sale("m3", "b", json!({"id": mine}));
            body["hold_id"] = json!(hold);
            body
        }),
        (
            "POST /receipts/quote",
            "receipts/quote".to_owned(),
            sale("m4", "b", json!({"id": "crm-a"})),
        ),
        (
            "POST /customers/identify",
            "customers/identify".to_owned(),
            json!({"venue_id": "b", "card": "7770"}),
        ),
        (
            "POST /customers/identify",
            "customers/identify".to_owned(),
            json!({"venue_id": "b", "id": theirs}),
        ),
        (
            "POST /customers/identify",
            "customers/identify".to_owned(),
            json!({"venue_id": "b", "phone": "+79215550001"}),
        ),
        (
            "POST /holds",
            "holds".to_owned(),
            json!({"venue_id": "b", "customer": {"id": theirs}, "amount": "1.00"}),
        ),
        (
            "POST /holds",
            "holds".to_owned(),
            json!({"venue_id": venue, "customer": {"id": mine}, "amount": "1.00"}),
        ),
        (
            "POST /returns",
            "returns".to_owned(),
            json!({"external_id": "m5", "sale": {"venue_id": "a", "external_id": "r-a"}}),
        ),
        (
            "POST /till/permits",
            "till/permits".to_owned(),
            json!({"customer_id": theirs, "venue_id": "b"}),
        ),
        (
            "POST /till/permits",
            "till/permits".to_owned(),
            json!({"customer_id": mine, "venue_id": venue}),
        ),
        (
            "POST /keys",
            "keys".to_owned(),
            json!({"name": "x", "scopes": ["till"], "venue_id": venue}),
        ),
        (
            "POST /customers",
            "customers".to_owned(),
            json!({"phone": "+79215550009", "venue_id": venue}),
        ),
        (
            "POST /connections",
            "connections".to_owned(),
            json!({"venue_id": "a", "kind": "iiko", "name": "x"}),
        ),
        (
            "POST /users",
            "users".to_owned(),
            json!({"login": "x-till", "name": "x", "role": "cashier",
            "password": PASSWORD, "venue_ids": [venue]}),
        ),
        (
            "PATCH /users/{id}",
            format!("users/{}", b.user),
            json!({"venue_ids": [venue]}),
        ),
        (
            "GET /receipts",
            "receipts?venue_id=b&source=till&external_id=r-a".to_owned(),
            none(),
        ),
    ] {
        call(route, path, body, Must::Refuse);
    }

    // Nothing of A's is named: whatever it does, it does to B.
    for (route, path, body) in [
        ("GET /network", "network".to_owned(), none()),
        ("PATCH /network", "network".to_owned(), json!({"name": "B"})),
        (
            "POST /network/clock",
            "network/clock".to_owned(),
            json!({"now": "2026-12-01T00:00:00Z"}),
        ),
        ("GET /venues", "venues?with_total=true".to_owned(), none()),
        (
            "POST /venues",
            "venues".to_owned(),
            json!({"external_id": "a", "name": "x", "base_percent": "1", "types": ["place"]}),
        ),
        ("GET /customers", "customers?with_total=true".to_owned(), none()),
        (
            "GET /customers",
            "customers?phone=%2B79215550001".to_owned(),
            none(),
        ),
        (
            "POST /customers",
            "customers".to_owned(),
            json!({"external_id": "crm-a", "card": "7770", "phone": "+79215550001"}),
        ),
        (
            "GET /transactions",
            "transactions?with_totals=true".to_owned(),
            none(),
        ),
        (
            "GET /write-offs",
            "write-offs?older_than_minutes=0".to_owned(),
            none(),
        ),
        ("GET /returns", "returns?older_than_minutes=0".to_owned(), none()),
        ("GET /delivery-orders", "delivery-orders".to_owned(), none()),
        (
            "GET /settlements",
            "settlements?from=2026-11-01&to=2026-11-30".to_owned(),
            none(),
        ),
        ("GET /users", "users".to_owned(), none()),
        ("GET /keys", "keys".to_owned(), none()),
        ("GET /connections", "connections".to_owned(), none()),
        (
            "GET /connection-alerts",
            format!("connection-alerts?connection_id={connection}"),
            none(),
        ),
        (
            "GET /till-differences",
            format!("till-differences?connection_id={connection}"),
            none(),
        ),
        (
            "GET /messages",
            "messages?outcome=posted&limit=1000".to_owned(),
            none(),
        ),
        (
            "GET /messages",
            format!("messages?connection_id={connection}"),
            none(),
        ),
        (
            "GET /messages",
            "messages?outcome=posted&text=r-a".to_owned(),
            none(),
        ),
        (
            "POST /messages/replay",
            "messages/replay".to_owned(),
            json!({"connection_id": connection}),
        ),
        ("GET /audit", "audit".to_owned(), none()),
        ("GET /audit", format!("audit?actor=user:{user}"), none()),
        ("GET /audit", format!("audit?subject={venue}"), none()),
        (
            "POST /receipts",
            "receipts".to_owned(),
            sale("r-a", "b", json!({"card": "7770"})),
        ),
        (
            "POST /receipts",
            "receipts".to_owned(),
            sale("r-a", "b", json!({"phone": "+79215550001"})),
        ),
        (
            "POST /returns",
            "returns".to_owned(),
            json!({"external_id": "m6", "sale": {"venue_id": "b", "source": "till", "external_id": "s-a"}}),
        ),
        ("GET /till/devices", "till/devices".to_owned(), none()),
        ("GET /till/conflicts", "till/conflicts".to_owned(), none()),
        (
            "POST /till/logins",
            "till/logins".to_owned(),
            json!({"login": "anna", "password": "another sentence"}),
        ),
        (
            "POST /till/devices",
            "till/devices".to_owned(),
            json!({"login": "anna", "password": "another sentence", "venue_id": venue, "name": "x"}),
        ),
        // A second screen is whose its token is: there is nothing in it that tells networks apart.
        (
            "GET /till/screens/{token}",
            "till/screens/unknown".to_owned(),
            none(),
        ),
        // These want a device's cookie; the next test has one.
        ("GET /till", "till".to_owned(), none()),
        ("GET /till/menu", "till/menu".to_owned(), none()),
        ("GET /till/guests", "till/guests?q=7770".to_owned(), none()),
        ("GET /till/operations", "till/operations".to_owned(), none()),
        ("GET /till/shift", "till/shift".to_owned(), none()),
        (
            "POST /till/session",
            "till/session".to_owned(),
            json!({"user_id": user, "pin": "2580"}),
        ),
        ("DELETE /till/session", "till/session".to_owned(), none()),
        (
            "PUT /till/session/pin",
            "till/session/pin".to_owned(),
            json!({"pin": "2580"}),
        ),
        (
            "PUT /till/favourites",
            "till/favourites".to_owned(),
            json!({"product_ids": [product]}),
        ),
        (
            "POST /till/guests",
            "till/guests".to_owned(),
            json!({"phone": "+79215550001"}),
        ),
        (
            "POST /till/messages/tick",
            "till/messages/tick".to_owned(),
            json!({"customer_id": customer, "code": "x"}),
        ),
        ("PUT /till/screen", "till/screen".to_owned(), json!({"state": {}})),
        (
            "POST /till/screen/rotate",
            "till/screen/rotate".to_owned(),
            none(),
        ),
        ("GET /sessions/current", "sessions/current".to_owned(), none()),
        (
            "POST /setup",
            "setup".to_owned(),
            json!({"token": "x", "network": {"name": "x", "time_zone": "UTC"},
            "owner": {"login": "x", "name": "x", "password": PASSWORD}}),
        ),
        (
            "POST /sessions",
            "sessions".to_owned(),
            json!({"login": "anna", "password": "another sentence"}),
        ),
        (
            "POST /sessions/current/password",
            "sessions/current/password".to_owned(),
            json!({"current": "another sentence", "new": "yet another sentence"}),
        ),
        ("DELETE /sessions/current", "sessions/current".to_owned(), none()),
    ] {
        call(route, path, body, Must::KeepApart);
    }
    calls
}

/// Whether a path is one of this route's.
fn fits(route: &str, path: &str) -> bool {
    let (_, template) = route.split_once(' ').unwrap();
    let path = path.trim_start_matches("/api/v1").split('?').next().unwrap();
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(path)
            .all(|(t, p)| t.starts_with('{') || *t == p)
}

async fn make(who: &Client, call: &Call) -> super::client::Answer {
    let method: Method = call.route.split(' ').next().unwrap().parse().unwrap();
    let body = (!call.body.is_null()).then(|| call.body.clone());
    who.call(method, &call.path, body).await
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

fn rows(store: &Store, sql: &str) -> Vec<String> {
    use diesel::RunQueryDsl;
    let query = diesel::sql_query(sql);
    let rows: Vec<Row> = match &mut *store.connection().unwrap() {
        AnyConnection::Sqlite(c) => query.load(c),
        AnyConnection::Postgres(c) => query.load(c),
    }
    .unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.into_iter().map(|row| row.text).collect()
}

/// Every row of every table of a network, in words.
pub fn everything(store: &Store, network: &str) -> Vec<String> {
    let network: kopilka::domain::ids::NetworkId = network.parse().unwrap();
    let tables = if store.is_sqlite() {
        "SELECT m.name AS text FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND c.name = 'network_id' ORDER BY m.name"
    } else {
        "SELECT table_name::text AS text FROM information_schema.columns
            WHERE column_name = 'network_id' AND table_schema = 'public' ORDER BY table_name"
    };
    let mut all = Vec::new();
    let mut tables = rows(store, tables);
    assert!(tables.len() > 20, "{tables:?}");
    tables.push("networks".to_owned());
    for table in tables {
        let key = if table == "networks" { "id" } else { "network_id" };
        let row = if store.is_sqlite() {
            let columns = rows(
                store,
                &format!("SELECT name AS text FROM pragma_table_info('{table}')"),
            );
            columns
                .iter()
                .map(|c| format!("quote({c})"))
                .collect::<Vec<_>>()
                .join(" || ',' || ")
        } else {
            format!("{table}::text")
        };
        let sql = format!(
            "SELECT '{table} ' || {row} AS text FROM {table} WHERE {key} = {} ORDER BY 1",
            network.0
        );
        all.extend(rows(store, &sql));
    }
    all
}

#[test]
fn no_route_reaches_into_another_network() {
    each_database_async(|store| async move {
        let service = Service::on(store.clone());
        let a = network(&service, "anna", "a", "7770", "+79215550001").await;
        let b = network(&service, "boris", "b", "8880", "+79215550002").await;
        let calls = calls(&a, &b);

        let description = b.owner.get("/api/openapi.json").await.expect(200);
        let mut routes = BTreeSet::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let Some(path) = path.strip_prefix("/api/v1") else {
                    continue;
                };
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let in_table: BTreeSet<String> = calls.iter().map(|c| c.route.to_owned()).collect();
        assert_eq!(
            in_table, routes,
            "left: this table, right: the API; put the new route into the table"
        );
        for call in &calls {
            assert!(
                fits(call.route, &call.path),
                "{} is not {}",
                call.path,
                call.route
            );
        }
        // Every route that takes an id is tried with one of A's.
        for route in routes
            .iter()
            .filter(|r| r.contains('{') && !r.contains("{token}"))
        {
            let tried = calls.iter().any(|c| c.route == route && c.must == Must::NotFind);
            assert!(tried, "{route} is not tried with another network's id");
        }

        let before = everything(&store, &a.network);
        // What only A knows: no answer to B may hold it.
        let secrets = [
            &a.network,
            &a.venue,
            &a.rule,
            &a.category,
            &a.product,
            &a.group,
            &a.customer,
            &a.receipt,
            &a.hold,
            &a.user,
            &a.key_id,
            &a.connection,
            &a.device,
            &a.conflict,
            &a.difference,
            &a.write_off,
            &a.waiting,
        ];
        // First what must come to nothing: later B has things of the same names.
        let (apart, first): (Vec<&Call>, Vec<&Call>) = calls.iter().partition(|c| c.must == Must::KeepApart);
        for (who, calls) in [
            (&b.key, &first),
            (&b.owner, &first),
            (&b.key, &apart),
            (&b.owner, &apart),
        ] {
            for call in calls {
                let answer = make(who, call).await;
                let (status, what) = (
                    answer.status.as_u16(),
                    format!("{} {}: {answer:?}", call.route, call.path),
                );
                let denied = matches!(status, 401 | 403) && std::ptr::eq(who, &raw const b.key);
                match call.must {
                    Must::NotFind => assert!(status == 404 || denied, "{what}"),
                    Must::Refuse => assert!(status == 404 || denied, "{what}"),
                    Must::KeepApart => assert!(status < 500, "{what}"),
                }
                // A refusal repeats the path that was asked for; nothing else may be known.
                let told = answer.text.replace(&call.path, "");
                for secret in secrets {
                    assert!(!told.contains(secret.as_str()), "{secret} in {what}");
                }
                for name in ["anna", "\"7770\""] {
                    let asked = call.body.to_string().contains(name);
                    let own = matches!(call.must, Must::KeepApart);
                    assert!(asked || own || !told.contains(name), "{name} in {what}");
                }
            }
        }
        let after = everything(&store, &a.network);
        for (was, is) in before.iter().zip(&after) {
            assert_eq!(was, is);
        }
        assert_eq!(before.len(), after.len());

        // The calls are good ones: A itself makes them, and they do what they say.
        let mut wrong = Vec::new();
        for call in calls.iter().filter(|c| c.must == Must::NotFind) {
            let answer = make(&a.owner, call).await;
            if !answer.status.is_success() {
                wrong.push(format!(
                    "{} {}: {} {}",
                    call.route, call.path, answer.status, answer.text
                ));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_ne!(everything(&store, &a.network), before);
    });
}

#[test]
fn no_till_reaches_into_another_network() {
    each_database_async(|store| async move {
        let service = Service::on(store.clone());
        let a = network(&service, "anna", "a", "7770", "+79215550001").await;
        let b = network(&service, "boris", "b", "8880", "+79215550002").await;
        let offline = |venue: &str| {
            let mut body = sale("o-1", venue, json!({"id": a.customer}));
            body["offline"] = json!({"queued_at": "2026-11-22T11:00:00+03:00", "device_time": "2026-11-22T11:00:00+03:00",
                "cashier_id": a.user});
            body
        };
        let permit = json!({"customer_id": a.customer});
        let theirs = a
            .till
            .post("/api/v1/till/permits", permit.clone())
            .await
            .expect(201);
        let mut spent = sale("o-2", "b", json!({"id": b.customer}));
        spent["redeem"] = json!("1.00");
        spent["offline"] = json!({"queued_at": "2026-11-22T11:00:00+03:00", "device_time": "2026-11-22T11:00:00+03:00",
            "permit": theirs["permit"]});
        let code = a
            .owner
            .post(&format!("/api/v1/customers/{}/qr", a.customer), Value::Null)
            .await;
        let code = code.expect(200)["qr"].clone();
        let before = everything(&store, &a.network);
        let calls = [
            (
                "POST",
                "till/session",
                json!({"login": "anna", "password": PASSWORD}),
            ),
            ("POST", "till/session", json!({"user_id": a.user, "pin": "2580"})),
            ("POST", "customers/identify", json!({"id": a.customer})),
            ("POST", "customers/identify", json!({"card": "7770"})),
            ("POST", "customers/identify", json!({"qr": code})),
            (
                "POST",
                "customers/identify",
                json!({"card": "8880", "venue_id": a.venue}),
            ),
            ("POST", "till/permits", permit),
            ("POST", "receipts", offline("b")),
            ("POST", "receipts", offline(&a.venue)),
            ("POST", "receipts", spent),
            (
                "POST",
                "receipts/quote",
                sale("q", "b", json!({"id": a.customer})),
            ),
            ("POST", &format!("receipts/{}/cancel", a.receipt), Value::Null),
            (
                "POST",
                &format!("receipts/{}/returns", a.receipt),
                json!({"external_id": "x"}),
            ),
            ("GET", &format!("receipts/{}", a.receipt), Value::Null),
            ("POST", &format!("holds/{}/void", a.hold), Value::Null),
            (
                "POST",
                "till/messages/tick",
                json!({"customer_id": a.customer, "code": "x"}),
            ),
            ("PUT", "till/favourites", json!({"product_ids": [a.product]})),
            (
                "POST",
                &format!("till/conflicts/{}/settle", a.conflict),
                json!({"action": "dismiss", "note": "x"}),
            ),
            ("POST", &format!("till/devices/{}/revoke", a.device), Value::Null),
        ];
        for (method, path, body) in calls {
            let body = (!body.is_null()).then_some(body);
            let answer = b
                .till
                .call(method.parse().unwrap(), &format!("/api/v1/{path}"), body)
                .await;
            assert!(
                matches!(answer.status.as_u16(), 403 | 404 | 422),
                "{path}: {answer:?}"
            );
        }
        for path in [
            "till",
            "till/menu",
            "till/guests?q=7770",
            "till/guests?q=550001",
            "till/operations?device=all",
            "till/shift",
            "till/conflicts",
        ] {
            let answer = b.till.get(&format!("/api/v1/{path}")).await;
            answer.expect(200);
            for secret in [
                &a.customer,
                &a.venue,
                &a.product,
                &a.receipt,
                &a.user,
                &a.conflict,
                &a.device,
            ] {
                // What it has sent itself it sees again among the refused.
                let own = path == "till/conflicts" && secret != &a.conflict;
                assert!(
                    own || !answer.text.contains(secret.as_str()),
                    "{secret} in {path}: {answer:?}"
                );
            }
        }
        let after = everything(&store, &a.network);
        assert_eq!(before, after);
    });
}
