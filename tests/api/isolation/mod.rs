//! A key and a member of staff of one network try every route of the API with what belongs to another: nothing is
//! found, nothing is shown, nothing changes. A route that is not in the table fails the test, so that a new one can't
//! be forgotten.

mod calls;
mod network;

use std::collections::BTreeSet;

use axum::http::Method;
use kopilka::storage::{AnyConnection, Store};
use serde_json::{Value, json};

use self::calls::{Call, Must, calls};
use self::network::{network, sale};
use super::client::{Client, PASSWORD, Service};
use crate::databases::each_database_async;

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
