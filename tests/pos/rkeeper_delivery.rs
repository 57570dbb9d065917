//! r_keeper Delivery: webhooks, the orders that they announce, bonuses set aside by a site.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use chrono::Duration;
use kopilka::pos::ADAPTERS;
use kopilka::storage::Store;
use kopilka::worker::polling::{VendorClient, poll_due};
use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

const SECRET: &str = "the-very-secret-word";

type Orders = Arc<Mutex<BTreeMap<String, Value>>>;

/// A venue with r_keeper Delivery, and that cloud.
struct Delivery {
    till: Till,
    orders: Orders,
    client: VendorClient,
    phone_of_guest: &'static str,
}

async fn order(
    State(orders): State<Orders>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    assert_eq!(headers["authorization"], "Bearer good");
    if id == "broken" {
        return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    }
    match orders.lock().unwrap().get(&id) {
        Some(order) => (StatusCode::OK, order.to_string()),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

async fn token(body: String) -> String {
    assert!(body.contains(&format!("client_secret={SECRET}")), "{body}");
    json!({"access_token": "good", "expires_in": 3600}).to_string()
}

impl Delivery {
    async fn new(store: Store, more: Value) -> Self {
        let orders = Orders::default();
        let routes = Router::new()
            .route("/token", post(token))
            .route("/api/orders/{id}", get(order))
            .with_state(Arc::clone(&orders));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let mut settings = json!({
            "api": format!("{address}/api"), "auth": format!("{address}/token"), "list_minutes": 0,
            "client_id": "cafe", "client_secret": SECRET, "bonus_currencies": ["B"],
        });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        Delivery {
            till: Till::new(&Service::on(store), "rkeeper-delivery", settings).await,
            orders,
            client: VendorClient::new().unwrap(),
            phone_of_guest: "+79000000017",
        }
    }

    /// The order changes at the vendor's, and the service reads it.
    async fn changed(&self, minute: u32, change: impl FnOnce(&mut Value)) {
        self.changes(minute, change);
        self.announced(11).await;
    }

    fn changes(&self, minute: u32, change: impl FnOnce(&mut Value)) {
        let mut order: Value = fixture("rkeeper-delivery/fixtures/order.completed.request.json")
            .parse()
            .unwrap();
        order["result"]["updatedAt"] = json!(format!("2026-11-22T08:{minute:02}:00+00:00"));
        order["result"]["completedAt"] = json!("2026-11-22T08:00:00+00:00");
        change(&mut order["result"]);
        self.orders.lock().unwrap().insert("60412".to_owned(), order);
    }

    async fn announced(&self, status: u32) {
        let hook = json!({"source": "rkeeper-delivery", "orderId": "60412", "statusId": status});
        self.till
            .send("POST", "webhook", hook.to_string())
            .await
            .expect(200);
        self.pass().await;
    }

    async fn pass(&self) {
        poll_due(&self.till.service.app, &self.client, ADAPTERS)
            .await
            .unwrap();
    }

    async fn guest(&self) -> Value {
        let path = format!(
            "/api/v1/customers?phone=%2B{}",
            self.phone_of_guest.trim_start_matches('+')
        );
        self.till.owner.get(&path).await.expect(200)["items"][0].clone()
    }

    async fn balance(&self) -> String {
        let guest = self.guest().await;
        self.till.balance(guest["id"].as_str().unwrap()).await
    }

    async fn connection(&self) -> Value {
        self.till.owner.get("/api/v1/connections").await.expect(200)["items"][0].clone()
    }

    /// A guest with 500.00, of which this much is set aside for the order.
    async fn guest_with_hold(&self, amount: &str) {
        self.till.customer("9", self.phone_of_guest, "500.00").await;
        let hold = json!({"orderId": "60412", "card": "9", "amount": amount});
        self.till.send("POST", "hold", hold.to_string()).await.expect(200);
    }

    /// How many messages wait for a person.
    async fn waiting(&self) -> usize {
        let waiting = self.till.messages("waiting").await;
        waiting["items"].as_array().unwrap().len()
    }

    /// The order in the books, if it is there.
    async fn receipt(&self) -> Option<Value> {
        let source = self.connection().await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/receipts?venue_id=r&source={source}&external_id=60412");
        let answer = self.till.owner.get(&path).await;
        (answer.status != 404).then(|| answer.expect(200))
    }
}

#[test]
fn a_completed_order_accrues_once_to_a_potential_customer_and_a_cancelled_one_is_taken_back() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        for _ in 0..3 {
            delivery.changed(1, |_| ()).await;
        }
        let guest = delivery.guest().await;
        assert_eq!(
            (guest["status"].as_str(), guest["name"].as_str()),
            (Some("potential"), Some("Анна"))
        );
        // 5 % of 1690.00.
        assert_eq!(delivery.balance().await, "84.50");
        assert_eq!(delivery.receipt().await.unwrap()["type"], "delivery");

        // A dish was taken out later; then the guest cancelled; then a webhook of before comes once more.
        delivery.changed(2, |order| order["amount"] = json!(1000)).await;
        assert_eq!(delivery.balance().await, "50.00");
        delivery
            .changed(3, |order| order["orderStatusId"] = json!(12))
            .await;
        assert_eq!(delivery.balance().await, "0.00");
        delivery.announced(11).await;
        assert_eq!(delivery.balance().await, "0.00");
        delivery.till.assert_books();
    });
}

#[test]
fn what_a_webhook_says_is_not_believed() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        delivery.changes(1, |order| order["orderStatusId"] = json!(5));
        delivery.announced(11).await;
        assert_eq!(delivery.receipt().await, None);
        assert_eq!(delivery.connection().await["polling"]["errands"], 1);
        // Half a minute later the order is completed indeed.
        delivery.changes(2, |_| ());
        let clock = &delivery.till.service.clock;
        clock.move_to(delivery.till.service.clock_now() + Duration::seconds(31));
        delivery.pass().await;
        assert_eq!(delivery.balance().await, "84.50");
        assert_eq!(delivery.connection().await["polling"]["errands"], 0);
    });
}

#[test]
fn bonuses_that_a_site_set_aside_pay_when_the_order_is_completed_and_come_back_when_it_is_cancelled() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        delivery
            .till
            .customer("9", delivery.phone_of_guest, "500.00")
            .await;
        let who = json!({"phone": delivery.phone_of_guest});
        let told = delivery
            .till
            .send("POST", "guest", who.to_string())
            .await
            .expect(200);
        assert_eq!(told["available"], "500.00");
        let hold = json!({"orderId": "60412", "phone": delivery.phone_of_guest, "amount": "300.00"});
        for _ in 0..2 {
            let held = delivery
                .till
                .send("POST", "hold", hold.to_string())
                .await
                .expect(200);
            assert_eq!(
                (&held["amount"], &held["available"]),
                (&json!("300.00"), &json!("200.00"))
            );
        }
        let greedy = json!({"orderId": "2", "phone": delivery.phone_of_guest, "amount": "200.01"});
        let refused = delivery
            .till
            .send("POST", "hold", greedy.to_string())
            .await
            .expect(422);
        assert_eq!(refused["error"], "insufficient-balance");

        let paid = |order: &mut Value| {
            order["payments"] = json!([{"code": "B", "amount": 300}, {"code": "card", "amount": 1390}])
        };
        delivery.changed(1, paid).await;
        // 500 − 300 + 5 % of 1390.
        assert_eq!(delivery.balance().await, "269.50");
        // Read once more with another comment, the hold being used up long since.
        delivery
            .changed(2, |order| {
                paid(order);
                order["amount"] = json!(1790);
            })
            .await;
        assert_eq!(delivery.balance().await, "274.50");
        delivery
            .changed(3, |order| {
                paid(order);
                order["orderStatusId"] = json!(12);
            })
            .await;
        assert_eq!(delivery.balance().await, "500.00");
        assert_eq!(
            delivery.waiting().await,
            0,
            "the site was told that it asked too much"
        );
        delivery.till.assert_books();
    });
}

#[test]
fn an_order_completed_after_its_hold_has_ended_is_paid_by_the_balance() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({"hold_minutes": 30})).await;
        delivery.guest_with_hold("300.00").await;
        let clock = &delivery.till.service.clock;
        clock.move_to(delivery.till.service.clock_now() + Duration::minutes(31));
        delivery
            .changed(1, |order| {
                order["payments"] = json!([{"code": "B", "amount": 300}, {"code": "card", "amount": 1390}])
            })
            .await;
        // 500 − 300 + 5 % of 1390.
        assert_eq!(delivery.balance().await, "269.50");
        delivery.till.assert_books();
    });
}

#[test]
fn a_hold_that_is_smaller_than_the_payment_is_used_with_the_balance_or_let_go() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        delivery.guest_with_hold("300.00").await;
        let paid = |amount: u32| {
            move |order: &mut Value| {
                order["payments"] =
                    json!([{"code": "B", "amount": amount}, {"code": "card", "amount": 1690 - amount}])
            }
        };
        // More than he has: nothing is proven of it, and what was set aside is his again.
        delivery.changed(1, paid(600)).await;
        let guest = delivery.guest().await;
        let path = format!(
            "/api/v1/customers/{}/balance?venue_id=r",
            guest["id"].as_str().unwrap()
        );
        let balance = delivery.till.owner.get(&path).await.expect(200);
        assert_eq!(balance["held"], "0.00");
        assert_eq!(delivery.balance().await, "554.50");
        // What he has: the hold pays first, the balance the rest.
        delivery.changed(2, paid(400)).await;
        assert_eq!(delivery.receipt().await.unwrap()["redeemed"], "400.00");
        // 500 − 400 + 5 % of 1290.
        assert_eq!(delivery.balance().await, "164.50");
        delivery.till.assert_books();
    });
}

#[test]
fn an_order_completed_without_a_bonus_payment_lets_what_was_set_aside_go() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        delivery.guest_with_hold("300.00").await;
        delivery.changed(1, |_| ()).await;
        let told = delivery
            .till
            .send("POST", "guest", json!({"card": "9"}).to_string())
            .await
            .expect(200);
        assert_eq!(told["available"], "584.50");
        delivery.till.assert_books();
    });
}

#[test]
fn an_order_is_his_who_set_bonuses_aside_for_it_whomever_it_names() {
    for (bonuses, balance) in [(300, "269.50"), (0, "584.50")] {
        each_database_async(move |store| async move {
            let delivery = Delivery::new(store, json!({})).await;
            let named = delivery.till.customer("7", delivery.phone_of_guest, "0.00").await;
            let holder = delivery.till.customer("1001", "+79000000018", "500.00").await;
            let hold = json!({"orderId": "60412", "card": "1001", "amount": "300.00"});
            delivery
                .till
                .send("POST", "hold", hold.to_string())
                .await
                .expect(200);
            delivery
                .changed(1, |order| {
                    order["payments"] =
                        json!([{"code": "B", "amount": bonuses}, {"code": "card", "amount": 1690 - bonuses}])
                })
                .await;
            assert_eq!(delivery.till.balance(&holder).await, balance);
            assert_eq!(delivery.till.balance(&named).await, "0.00");
            let receipt = delivery.receipt().await.unwrap();
            let told = receipt["answer"]["cashier_messages"].as_array().unwrap();
            let is_told = told.iter().any(|message| message["code"] == "guest-by-hold");
            assert!(is_told, "{receipt}");
            assert_eq!(delivery.waiting().await, 0);
            delivery.till.assert_books();
        });
    }
}

#[test]
fn a_cancellation_is_waited_for_where_the_order_still_says_sold() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        delivery.changed(1, |_| ()).await;
        assert_eq!(delivery.balance().await, "84.50");
        delivery.announced(12).await;
        assert_eq!(delivery.connection().await["polling"]["errands"], 1);
        delivery.changes(2, |order| order["orderStatusId"] = json!(12));
        let clock = &delivery.till.service.clock;
        clock.move_to(delivery.till.service.clock_now() + Duration::seconds(31));
        delivery.pass().await;
        assert_eq!(delivery.balance().await, "0.00");
        delivery.till.assert_books();
    });
}

#[test]
fn an_order_that_was_posted_is_taken_back_whatever_the_connection_listens_to_since() {
    let since: [fn(&mut Value); 2] = [
        |settings| settings["accrual"] = json!("till"),
        |settings| settings["restaurants"] = json!(["another"]),
    ];
    for change in since {
        each_database_async(move |store| async move {
            let delivery = Delivery::new(store, json!({})).await;
            delivery.changed(1, |_| ()).await;
            assert_eq!(delivery.balance().await, "84.50");
            let connection = delivery.connection().await;
            let mut settings = connection["settings"].clone();
            change(&mut settings);
            let path = format!("/api/v1/connections/{}", connection["id"].as_str().unwrap());
            let changed = delivery
                .till
                .owner
                .patch(&path, json!({"settings": settings.clone()}));
            changed.await.expect(200);
            delivery.changes(2, |order| order["orderStatusId"] = json!(12));
            delivery.announced(12).await;
            assert_eq!(delivery.balance().await, "0.00", "{settings}");
            // Another one, which was never posted here, leaves nothing for a person.
            let mut unknown: Value = delivery.orders.lock().unwrap()["60412"].clone();
            unknown["result"]["orderId"] = json!("8");
            delivery.orders.lock().unwrap().insert("8".to_owned(), unknown);
            let hook = json!({"orderId": "8", "statusId": 12, "restaurantId": "third"});
            let told = delivery.till.send("POST", "webhook", hook.to_string());
            told.await.expect(200);
            delivery.pass().await;
            assert_eq!(delivery.connection().await["polling"]["errands"], 0);
            assert_eq!(delivery.waiting().await, 0);
            let open = delivery
                .till
                .owner
                .get("/api/v1/returns?older_than_minutes=0")
                .await;
            assert_eq!(open.expect(200)["items"], json!([]));
            delivery.till.assert_books();
        });
    }
}

#[test]
fn an_order_that_breaks_its_vendor_does_not_keep_the_others_waiting() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        let broken = json!({"source": "rkeeper-delivery", "orderId": "broken", "statusId": 11});
        delivery
            .till
            .send("POST", "webhook", broken.to_string())
            .await
            .expect(200);
        delivery.changed(1, |_| ()).await;
        assert_eq!(delivery.balance().await, "84.50");
        assert_eq!(delivery.connection().await["polling"]["errands"], 1);
        let clock = &delivery.till.service.clock;
        for _ in 0..13 {
            clock.move_to(delivery.till.service.clock_now() + Duration::hours(3));
            delivery.pass().await;
        }
        assert_eq!(delivery.connection().await["polling"]["errands"], 0);
        assert_eq!(delivery.waiting().await, 1, "a person is told");
    });
}

#[test]
fn what_was_set_aside_is_let_go_by_a_cancelled_order_and_by_the_site() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        delivery
            .till
            .customer("9", delivery.phone_of_guest, "500.00")
            .await;
        let hold = json!({"orderId": "60412", "card": "9", "amount": "300.00"});
        delivery
            .till
            .send("POST", "hold", hold.to_string())
            .await
            .expect(200);
        delivery
            .changed(1, |order| order["orderStatusId"] = json!(12))
            .await;
        let who = json!({"card": "9"}).to_string();
        let told = delivery.till.send("POST", "guest", who.clone()).await.expect(200);
        assert_eq!(told["available"], "500.00");
        let other = json!({"orderId": "7", "card": "9", "amount": "10.00"});
        delivery
            .till
            .send("POST", "hold", other.to_string())
            .await
            .expect(200);
        let released = delivery
            .till
            .send("POST", "release", json!({"orderId": "7"}).to_string())
            .await;
        assert_eq!(released.expect(200)["released"], "10.00");
        delivery.till.assert_books();
    });
}

#[test]
fn a_bonus_payment_that_nobody_set_aside_redeems_nothing_and_lowers_the_base() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        delivery
            .till
            .customer("9", delivery.phone_of_guest, "500.00")
            .await;
        delivery
            .changed(1, |order| {
                order["payments"] = json!([{"code": "B", "amount": 300}])
            })
            .await;
        // 5 % of 1390, and nothing taken.
        assert_eq!(delivery.balance().await, "569.50");
        delivery.till.assert_books();
    });
}

#[test]
fn where_the_till_posts_delivery_orders_this_connection_only_listens() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({"accrual": "till"})).await;
        delivery.changed(1, |_| ()).await;
        assert_eq!(delivery.receipt().await, None);
        assert_eq!(delivery.connection().await["polling"]["errands"], 0);
    });
}

#[test]
fn delivery_orders_that_each_connection_leaves_to_another_are_warned_of() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let till = Till::new(&service, "rkeeper-delivery", json!({"accrual": "till"})).await;
        let path = |id: &Value| format!("/api/v1/connections/{}", id.as_str().unwrap());
        let delivery = till.owner.get("/api/v1/connections").await.expect(200)["items"][0].clone();
        let warnings = async |id: &Value| till.owner.get(&path(id)).await.expect(200)["warnings"].clone();
        assert_eq!(delivery["warnings"], json!([]), "a till may still be to come");
        let hall = json!({"venue_id": "r", "kind": "rkeeper", "name": "Зал", "settings": {"delivery_order_categories": ["1"]}});
        let hall = till.owner.post("/api/v1/connections", hall).await.expect(201)["id"].clone();
        let warned = warnings(&delivery["id"]).await;
        assert_eq!(
            (&warned[0]["code"], &warned[0]["connection_ids"]),
            (&json!("counts-never"), &json!([hall]))
        );
        assert!(
            warned[0]["words"]["ru"].as_str().unwrap().contains("«Зал»"),
            "{warned}"
        );
        assert_eq!(warnings(&hall).await[0]["code"], "counts-never");
        // Either of the two mends it.
        for (id, mended, as_before) in [
            (&hall, json!({}), json!({"delivery_order_categories": ["1"]})),
            (&delivery["id"], json!({}), json!({"accrual": "till"})),
        ] {
            for (settings, warned) in [(mended, 0), (as_before, 1)] {
                let change = json!({"settings": settings});
                till.owner.patch(&path(id), change).await.expect(200);
                for id in [&hall, &delivery["id"]] {
                    assert_eq!(warnings(id).await.as_array().unwrap().len(), warned, "{settings}");
                }
            }
        }
        let off = json!({"active": false});
        till.owner.patch(&path(&hall), off).await.expect(200);
        assert_eq!(warnings(&delivery["id"]).await, json!([]));
    });
}

#[test]
fn the_password_is_never_shown_and_stays_where_the_stars_come_back() {
    each_database_async(|store| async move {
        let delivery = Delivery::new(store, json!({})).await;
        let connection = delivery.connection().await;
        assert_eq!(connection["settings"]["client_secret"], "***");
        let path = format!("/api/v1/connections/{}", connection["id"].as_str().unwrap());
        let owner = &delivery.till.owner;

        // Changed around the stars, the vendor is still asked with the password (its fake looks at it).
        let mut settings = connection["settings"].clone();
        settings["hold_minutes"] = json!(90);
        let changed = owner
            .patch(&path, json!({"settings": settings}))
            .await
            .expect(200);
        assert_eq!(changed["settings"]["client_secret"], "***");
        delivery.changed(1, |_| ()).await;
        assert_eq!(delivery.balance().await, "84.50");
        assert_eq!(delivery.connection().await["polling"]["failures"], 0);

        // Not to another address, and stars are no password.
        let mut elsewhere = settings.clone();
        elsewhere["auth"] = json!("https://thief.example/token");
        let answer = owner.patch(&path, json!({"settings": elsewhere})).await;
        assert_eq!(
            answer.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/settings/client_secret"
        );
        let new = json!({"venue_id": "r", "kind": "rkeeper-delivery", "name": "x", "settings": {"client_secret": "***"}});
        owner.post("/api/v1/connections", new).await.expect(422);

        for path in [
            "/api/v1/connections",
            "/api/v1/audit",
            "/api/v1/messages?limit=100",
            path.as_str(),
        ] {
            let answer = owner.get(path).await;
            assert!(!answer.text.contains(SECRET), "{path}");
        }
    });
}

#[test]
fn a_webhook_shows_its_token_in_the_header_that_the_connection_names_or_is_refused() {
    each_database_async(|store| async move {
        let settings = json!({"webhook_token": "s3cret", "webhook_header": "X-Token"});
        let till = Till::new(&Service::on(store), "rkeeper-delivery", settings).await;
        let hook = json!({"orderId": "60412", "statusId": 5}).to_string();
        for (header, token, status) in [
            ("X-Token", "s3cret", 200),
            ("x-token", "Bearer s3cret", 200),
            ("X-Token", "s3cre", 401),
            ("Authorization", "s3cret", 401),
        ] {
            let request = Request::builder()
                .method("POST")
                .uri(format!("/pos/rkeeper-delivery/{}/webhook", till.token))
                .header(header, token)
                .body(Body::from(hook.clone()))
                .unwrap();
            let answer = till.service.send(request).await;
            assert_eq!(answer.status, status, "{header}: {token}");
        }
        // What a site asks has no such token.
        let ask = json!({"phone": "+79000000017"}).to_string();
        assert_ne!(till.send("POST", "guest", ask).await.status, 401);
        let kept = till.messages("refused").await;
        assert_eq!(kept["items"].as_array().unwrap().len(), 2);
        let shown = till.owner.get("/api/v1/connections").await.expect(200);
        assert_eq!(shown["items"][0]["settings"]["webhook_token"], "***");
    });
}
