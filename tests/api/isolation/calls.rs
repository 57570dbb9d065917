//! Every route of the API as a call with another network's ids.

use serde_json::{Value, json};

use super::network::{Net, sale};
use crate::api::client::PASSWORD;

/// What a call with another network's ids must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// It names something of the other network alone: not found. The owner himself can make the very same call.
    NotFind,
    /// It names something of both: not found either.
    Refuse,
    /// It names nothing that is not the caller's own: it may do what it does, to himself.
    KeepApart,
}

pub struct Call {
    pub route: &'static str,
    pub path: String,
    pub body: Value,
    pub must: Must,
}

/// Every route, called by B with what is A's. What destroys comes last, so that A itself can do it all in this order.
pub fn calls(a: &Net, b: &Net) -> Vec<Call> {
    let mut calls = Calls::default();
    calls.read_alone(a);
    calls.change_alone(a);
    calls.mixed(a, b);
    calls.own(a);
    calls.0
}

fn none() -> Value {
    Value::Null
}

/// The body of a change of a balance, with names of somebody.
fn own(names: Value) -> Value {
    let mut body = json!({"amount": "1.00"});
    let names = names.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(names);
    body
}

#[derive(Default)]
struct Calls(Vec<Call>);

impl Calls {
    fn call(&mut self, route: &'static str, path: String, body: Value, must: Must) {
        self.0.push(Call {
            route,
            path: format!("/api/v1/{path}"),
            body,
            must,
        });
    }

    /// What is A's alone, read.
    fn read_alone(&mut self, a: &Net) {
        let Net {
            venue,
            rule,
            category,
            product,
            group,
            customer,
            receipt,
            user,
            key_id,
            connection,
            message,
            ..
        } = a;
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
            self.call(route, path, none(), Must::NotFind);
        }
    }

    /// What is A's alone, changed. What destroys comes last, so that A itself can do it all in this order.
    fn change_alone(&mut self, a: &Net) {
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
            (
                "POST /messages/{id}/dismiss",
                format!("messages/{message}/dismiss"),
                json!({"note": "пробный чек"}),
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
            self.call(route, path, body, Must::NotFind);
        }
    }

    /// B's own, with something of A's in it.
    fn mixed(&mut self, a: &Net, b: &Net) {
        let Net {
            venue,
            rule,
            category,
            product,
            group,
            customer,
            hold,
            ..
        } = a;
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
            self.call(route, path, body, Must::Refuse);
        }
    }

    /// Nothing of A's is named: whatever it does, it does to B.
    fn own(&mut self, a: &Net) {
        let Net {
            venue,
            product,
            customer,
            user,
            connection,
            ..
        } = a;
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
            self.call(route, path, body, Must::KeepApart);
        }
    }
}
