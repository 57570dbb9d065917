//! iikoServer's report of the day, through the real worker: a day that agrees, one that does not, and troubles on the way.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use chrono::Duration;
use kopilka::pos::ADAPTERS;
use kopilka::storage::Store;
use kopilka::worker::polling::{VendorClient, poll_due};
use kopilka::worker::watching::look_after_connections;
use serde_json::{Value, json};

use crate::api::client::Service;
use crate::databases::each_database_async;
use crate::pos::{Till, fixture};

/// SHA-1 of "secret".
const PASS: &str = "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4";
/// The order of the fixture of a closed table, by its id on the till and by the one in the cloud.
const ORDER: &str = "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902";

/// What the server reports, and what it was asked.
#[derive(Default)]
struct Office {
    rows: Vec<Value>,
    /// Sessions that are open: seats of the licence that are taken.
    sessions: BTreeSet<String>,
    given: u32,
    asked: Vec<String>,
    /// Reports are answered so.
    trouble: Option<(StatusCode, &'static str)>,
}

type Shared = State<Arc<Mutex<Office>>>;
type Keyed = Query<std::collections::BTreeMap<String, String>>;

async fn auth(State(office): Shared, body: String) -> (StatusCode, String) {
    let mut office = office.lock().unwrap();
    office.asked.push("login".to_owned());
    if body != format!("login=kopilka&pass={PASS}") {
        return (StatusCode::UNAUTHORIZED, "Неверный пароль".to_owned());
    }
    office.given += 1;
    let key = format!("key-{}", office.given);
    office.sessions.insert(key.clone());
    (StatusCode::OK, key)
}

async fn olap(State(office): Shared, Query(query): Keyed, body: Bytes) -> (StatusCode, String) {
    let mut office = office.lock().unwrap();
    let report: Value = serde_json::from_slice(&body).unwrap();
    let filter = &report["filters"]["OpenDate.Typed"];
    assert_eq!(
        (&report["reportType"], &filter["includeHigh"]),
        (&json!("SALES"), &json!(false))
    );
    let day = filter["from"].as_str().unwrap().to_owned();
    office.asked.push(format!("report {day}"));
    if !office.sessions.contains(&query["key"]) {
        return (StatusCode::UNAUTHORIZED, "Token is expired".to_owned());
    }
    if let Some((status, body)) = office.trouble {
        return (status, body.to_owned());
    }
    let of_day = office
        .rows
        .iter()
        .filter(|row| row["OpenDate.Typed"] == day.as_str());
    let rows: Vec<&Value> = of_day.collect();
    (StatusCode::OK, json!({"data": rows, "summary": []}).to_string())
}

async fn logout(State(office): Shared, Query(query): Keyed) -> String {
    let mut office = office.lock().unwrap();
    office.asked.push("logout".to_owned());
    office.sessions.remove(&query["key"]);
    String::new()
}

/// A restaurant with iiko, whose server reports at night.
struct Restaurant {
    till: Till,
    office: Arc<Mutex<Office>>,
    client: VendorClient,
}

impl Restaurant {
    async fn open(store: Store) -> Self {
        let office = Arc::new(Mutex::new(Office::default()));
        let routes = Router::new()
            .route("/resto/api/auth", post(auth))
            .route("/resto/api/v2/reports/olap", post(olap))
            .route("/resto/api/logout", get(logout))
            .with_state(Arc::clone(&office));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let server = json!({"address": address, "login": "kopilka", "password": "secret"});
        let till = Till::new(&Service::on(store), "iiko", json!({"server": server})).await;
        Restaurant {
            till,
            office,
            client: VendorClient::new().unwrap(),
        }
    }

    fn office(&self) -> MutexGuard<'_, Office> {
        self.office.lock().unwrap()
    }

    fn asked(&self) -> Vec<String> {
        let mut office = self.office();
        assert!(
            office.sessions.is_empty(),
            "a seat of the licence stays taken: {:?}",
            office.asked
        );
        std::mem::take(&mut office.asked)
    }

    async fn pass(&self) -> Vec<String> {
        poll_due(&self.till.service.app, &self.client, ADAPTERS)
            .await
            .unwrap();
        self.till.assert_books();
        self.asked()
    }

    /// After the night before a day, when the server may be asked.
    async fn night(&self, day: u32) -> Vec<String> {
        let at = format!("2026-11-{day}T09:30:00Z").parse().unwrap();
        self.till.service.clock.move_to(at);
        self.pass().await
    }

    /// iiko's webhook of the order, closed at 19:42 of 2026-11-21.
    async fn webhook(&self, change: impl FnOnce(&mut Value)) {
        let events = fixture("iiko/fixtures/table-closed.request.json");
        let mut events: Value = events.replace("2026-03-14", "2026-11-21").parse().unwrap();
        change(&mut events[0]["eventInfo"]);
        self.till
            .send("POST", "webhook", events.to_string())
            .await
            .expect(200);
    }

    /// A line of an order in the report.
    fn row(order: &str, closed_at: &str, sum: Value) -> Value {
        json!({"Department.Id": "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10", "UniqOrderId.Id": order, "OrderNum": 214,
            "OpenDate.Typed": "2026-11-21", "CloseTime": closed_at, "ItemSaleEvent.Id": "1", "Storned": "FALSE",
            "OrderDeleted": "NOT_DELETED", "SourceOrderId": null, "DishDiscountSumInt": sum, "DishReturnSum": 0})
    }

    /// The report has the order as the till sold it.
    fn reported(&self) {
        let of = |sum: Value| Restaurant::row(ORDER, "2026-11-21T19:42:05.870", sum);
        self.office().rows = vec![of(json!(620)), of(json!("90.0")), of(json!(1035))];
    }

    async fn connection(&self) -> Value {
        self.till.owner.get("/api/v1/connections").await.expect(200)["items"][0].clone()
    }

    async fn days(&self) -> Vec<Value> {
        let id = self.connection().await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/connections/{id}/reconciliations");
        let days = self.till.owner.get(&path).await.expect(200);
        days["items"].as_array().unwrap().clone()
    }

    /// Kind, status, what the till says, what the books say.
    async fn differences(&self) -> Vec<String> {
        let list = self.till.owner.get("/api/v1/till-differences").await.expect(200);
        let items = list["items"].as_array().unwrap().iter();
        let amount = |of: &Value| of.as_str().unwrap_or("-").to_owned();
        items
            .map(|d| {
                format!(
                    "{} {} {} {}",
                    d["kind"].as_str().unwrap(),
                    d["status"].as_str().unwrap(),
                    amount(&d["told"]),
                    amount(&d["known"])
                )
            })
            .collect()
    }

    async fn alerts(&self) -> Value {
        look_after_connections(&self.till.service.app).await.unwrap();
        let connection = self.connection().await;
        let alerts = connection["state"]["alerts"].as_array().unwrap();
        alerts.iter().map(|alert| alert["kind"].clone()).collect()
    }
}

#[test]
fn a_day_on_which_all_came_agrees_and_is_asked_for_twice() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        restaurant.webhook(|_| ()).await;
        restaurant.reported();
        let night = ["login", "report 2026-11-20", "report 2026-11-21", "logout"];
        assert_eq!(restaurant.night(22).await, night);
        assert_eq!(
            restaurant.pass().await,
            Vec::<String>::new(),
            "it rests until the next night"
        );
        assert_eq!(restaurant.differences().await, Vec::<String>::new());
        let day = &restaurant.days().await[0];
        assert_eq!(
            (&day["day"], &day["orders_told"], &day["orders_known"]),
            (&json!("2026-11-21"), &json!(1), &json!(1))
        );
        assert_eq!(
            (&day["amount_told"], &day["amount_known"]),
            (&json!("1745.00"), &json!("1745.00"))
        );
        let late = Restaurant::row("late", "2026-11-21T20:00:00", json!(10));
        restaurant.office().rows.push(late);
        assert_eq!(
            restaurant.night(23).await,
            ["login", "report 2026-11-21", "report 2026-11-22", "logout"]
        );
        assert_eq!(restaurant.differences().await, ["missing open 10.00 -"]);
        // Reports are kept as they came, and may be replayed; an old one says nothing against a newer one of its day.
        let kept = restaurant
            .till
            .owner
            .get("/api/v1/messages?outcome=posted&limit=50")
            .await
            .expect(200);
        let reports = kept["items"].as_array().unwrap().iter();
        let reports: Vec<_> = reports.filter(|m| m["path"] == "poll/server/olap").collect();
        assert_eq!(reports.len(), 4, "{kept}");
        for report in reports {
            let path = format!("/api/v1/messages/{}/replay", report["id"].as_str().unwrap());
            restaurant.till.owner.post(&path, json!({})).await.expect(200);
        }
        assert_eq!(restaurant.differences().await, ["missing open 10.00 -"]);
        assert_eq!(restaurant.days().await.len(), 3);
    });
}

#[test]
fn an_order_that_never_came_is_told_until_it_comes() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        restaurant.reported();
        restaurant.night(22).await;
        assert_eq!(restaurant.differences().await, ["missing open 1745.00 -"]);
        assert_eq!(restaurant.days().await[0]["open_differences"], 1);
        assert_eq!(restaurant.alerts().await, json!(["differs"]));

        // Asked for once more it is the same one.
        let connection = restaurant.connection().await;
        let path = format!(
            "/api/v1/connections/{}/reconciliations",
            connection["id"].as_str().unwrap()
        );
        let day = json!({"day": "2026-11-21"});
        restaurant.till.owner.post(&path, day.clone()).await.expect(202);
        assert_eq!(restaurant.pass().await, ["login", "report 2026-11-21", "logout"]);
        assert_eq!(restaurant.differences().await, ["missing open 1745.00 -"]);

        // The lost webhook is sent again, and the day is asked for again.
        restaurant.webhook(|_| ()).await;
        restaurant.till.owner.post(&path, day).await.expect(202);
        restaurant.pass().await;
        assert_eq!(restaurant.differences().await, ["missing gone 1745.00 -"]);
        assert_eq!(restaurant.alerts().await, json!([]));
        assert_eq!(restaurant.days().await[0]["orders_known"], 1);
        for (day, code) in [
            ("2026-11-22", "invalid-request"),
            ("2025-03-14", "invalid-request"),
        ] {
            restaurant
                .till
                .owner
                .post(&path, json!({"day": day}))
                .await
                .refused(422, code);
        }
    });
}

#[test]
fn an_order_that_came_under_its_cloud_name_is_known_by_the_name_of_the_till() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        restaurant.webhook(|info| info["posId"] = Value::Null).await;
        restaurant.reported();
        restaurant.night(22).await;
        assert_eq!(
            restaurant.differences().await,
            ["missing open 1745.00 -", "unknown_to_till open - 1745.00"]
        );
        // A later event has both names: from now on either means the same.
        restaurant
            .webhook(|info| info["timestamp"] = json!(1_773_506_530_000_i64))
            .await;
        restaurant.night(23).await;
        assert_eq!(
            restaurant.differences().await,
            ["missing gone 1745.00 -", "unknown_to_till gone - 1745.00"]
        );
    });
}

#[test]
fn a_storno_and_refunds_that_no_webhook_told_of_are_found() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        restaurant.webhook(|_| ()).await;
        restaurant.reported();
        for row in &mut restaurant.office().rows {
            row["Storned"] = json!("TRUE");
        }
        restaurant.night(22).await;
        assert_eq!(restaurant.differences().await, ["not_returned open 1745.00 0.00"]);

        // A refund of a part, in each of its forms: the same difference, with another amount.
        let refund = |sum: Value, returned: Value| {
            let mut row = Restaurant::row("00000000-0000-4000-8000-0000000000aa", "2026-11-21T20:00:00", sum);
            row["SourceOrderId"] = json!(ORDER.to_uppercase());
            row["DishReturnSum"] = returned;
            row
        };
        let id = restaurant.connection().await["id"].as_str().unwrap().to_owned();
        for (sum, returned) in [(json!(-173.5), json!(0)), (json!(0), json!("173.5"))] {
            restaurant.reported();
            restaurant.office().rows.push(refund(sum, returned));
            let path = format!("/api/v1/connections/{id}/reconciliations");
            restaurant
                .till
                .owner
                .post(&path, json!({"day": "2026-11-21"}))
                .await
                .expect(202);
            restaurant.pass().await;
            assert_eq!(restaurant.differences().await, ["not_returned open 173.50 0.00"]);
        }
        // The restaurant brings the return by hand.
        let path = format!("/api/v1/receipts?venue_id=r&source={id}&external_id={ORDER}");
        let receipt = restaurant.till.owner.get(&path).await.expect(200);
        let back = json!({"external_id": "by hand", "lines": [{"line_id": receipt["lines"][3]["line_id"], "amount": "173.50"}]});
        let path = format!("/api/v1/receipts/{}/returns", receipt["id"].as_str().unwrap());
        restaurant.till.owner.post(&path, back).await.expect(201);
        restaurant.night(23).await;
        assert_eq!(restaurant.differences().await, ["not_returned gone 173.50 0.00"]);
    });
}

#[test]
fn a_person_settles_a_difference_with_a_reason_and_other_amounts_open_it_anew() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        restaurant.reported();
        restaurant.night(22).await;
        let owner = &restaurant.till.owner;
        let list = owner.get("/api/v1/till-differences?open=true").await.expect(200);
        let path = format!(
            "/api/v1/till-differences/{}/settle",
            list["items"][0]["id"].as_str().unwrap()
        );
        owner
            .post(&path, json!({"note": " "}))
            .await
            .refused(422, "invalid-request");
        let reason = json!({"note": "Заказ персонала"});
        for _ in 0..2 {
            let settled = owner.post(&path, reason.clone()).await.expect(200);
            assert_eq!(
                (&settled["status"], &settled["note"]),
                (&json!("settled"), &json!("Заказ персонала"))
            );
        }
        owner
            .post(&path, json!({"note": "Другое"}))
            .await
            .refused(409, "difference-settled");
        assert_eq!(restaurant.alerts().await, json!([]));
        let audit = owner.get("/api/v1/audit").await.expect(200);
        assert!(audit.to_string().contains("difference.settle"), "{audit}");

        restaurant.night(23).await;
        assert_eq!(restaurant.differences().await, ["missing settled 1745.00 -"]);
        restaurant
            .office()
            .rows
            .push(Restaurant::row(ORDER, "2026-11-21T19:42:05", json!(10)));
        let id = restaurant.connection().await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/connections/{id}/reconciliations");
        owner.post(&path, json!({"day": "2026-11-21"})).await.expect(202);
        restaurant.pass().await;
        assert_eq!(restaurant.differences().await, ["missing open 1755.00 -"]);
    });
}

#[test]
fn the_session_ends_after_a_failure_and_a_broken_report_waits_for_a_person() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        restaurant.webhook(|_| ()).await;
        restaurant.reported();
        restaurant.office().trouble = Some((StatusCode::INTERNAL_SERVER_ERROR, "out of memory"));
        assert_eq!(
            restaurant.night(22).await,
            ["login", "report 2026-11-20", "logout"]
        );
        let connection = restaurant.connection().await;
        let failure = connection["polling"]["failure"].as_str().unwrap();
        assert!(
            failure.contains("iikoServer") && failure.contains("500"),
            "{failure}"
        );
        assert!(!connection.to_string().contains("secret"), "{connection}");

        restaurant.office().trouble = Some((StatusCode::OK, "<html>"));
        let clock = &restaurant.till.service.clock;
        clock.move_to(restaurant.till.service.clock_now() + Duration::minutes(2));
        assert_eq!(
            restaurant.pass().await,
            ["login", "report 2026-11-20", "report 2026-11-21", "logout"]
        );
        let waiting = restaurant.till.messages("unreadable").await;
        assert_eq!(waiting["items"].as_array().unwrap().len(), 2, "{waiting}");
        assert!(restaurant.days().await.is_empty());
    });
}

#[test]
fn a_password_that_is_not_taken_is_said_and_not_tried_at_once_again() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        let connection = restaurant.connection().await;
        let mut settings = connection["settings"].clone();
        assert_eq!(settings["server"]["password"], "***");
        settings["server"]["password"] = json!("wrong");
        let path = format!("/api/v1/connections/{}", connection["id"].as_str().unwrap());
        let changed = restaurant
            .till
            .owner
            .patch(&path, json!({"settings": settings}))
            .await;
        changed.expect(200);
        assert_eq!(restaurant.night(22).await, ["login"]);
        let connection = restaurant.connection().await;
        let failure = connection["polling"]["failure"].as_str().unwrap();
        assert!(failure.contains("server.password"), "{failure}");
        let clock = &restaurant.till.service.clock;
        clock.move_to(restaurant.till.service.clock_now() + Duration::minutes(59));
        assert_eq!(restaurant.pass().await, Vec::<String>::new());
        settings["server"]["password"] = json!("secret");
        restaurant
            .till
            .owner
            .patch(&path, json!({"settings": settings}))
            .await
            .expect(200);
        assert_eq!(restaurant.pass().await[0], "login");
    });
}

#[test]
fn a_connection_that_names_no_server_is_not_compared() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let connections = till.owner.get("/api/v1/connections").await.expect(200);
        let id = connections["items"][0]["id"].as_str().unwrap();
        let path = format!("/api/v1/connections/{id}/reconciliations");
        let day = json!({"day": "2026-11-20"});
        till.owner.post(&path, day).await.refused(422, "not-reconciled");
        assert_eq!(till.owner.get(&path).await.expect(200)["items"], json!([]));
    });
}

#[test]
fn a_day_of_thousands_of_orders_is_compared_and_a_fault_of_all_of_it_is_not_told_thousands_of_times() {
    each_database_async(|store| async move {
        let restaurant = Restaurant::open(store).await;
        restaurant.webhook(|_| ()).await;
        restaurant.reported();
        for number in 0..2500 {
            let order = format!("f0000000-0000-4000-8000-{number:012}");
            let row = Restaurant::row(&order, "2026-11-21T12:00:00", json!(100));
            restaurant.office().rows.push(row);
        }
        restaurant.night(22).await;
        let day = &restaurant.days().await[0];
        assert_eq!(
            (
                &day["orders_told"],
                &day["orders_known"],
                &day["open_differences"]
            ),
            (&json!(2501), &json!(1), &json!(1000))
        );
        assert_eq!(day["amount_told"], "251745.00");
        // More of them, which sort before: those that are listed stay, and are not taken for ended.
        let listed = async || {
            let path = "/api/v1/till-differences?limit=100";
            let list = restaurant.till.owner.get(path).await.expect(200);
            let items = list["items"].as_array().unwrap().clone();
            let name = |d: &Value| format!("{} {}", d["id"], d["status"]);
            items.iter().map(name).collect::<Vec<_>>()
        };
        let before = listed().await;
        assert!(!before.is_empty() && before.iter().all(|name| name.ends_with("\"open\"")));
        for number in 0..500 {
            let order = format!("e0000000-0000-4000-8000-{number:012}");
            let row = Restaurant::row(&order, "2026-11-21T12:00:00", json!(100));
            restaurant.office().rows.push(row);
        }
        restaurant.night(23).await;
        let days = restaurant.days().await;
        let day = days.iter().find(|day| day["day"] == "2026-11-21").unwrap();
        assert_eq!(
            (&day["orders_told"], &day["open_differences"]),
            (&json!(3001), &json!(1000))
        );
        assert_eq!(listed().await, before);
    });
}
