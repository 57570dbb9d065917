//! A site that was written for iikoCard, moved by changing its base address; and the token of a webhook.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::{Answer, Service};
use crate::databases::each_database_async;

const ORGANIZATION: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10";

pub(super) struct Site {
    pub(super) till: Till,
    token: String,
}

impl Site {
    pub(super) async fn logged_in(service: &Service) -> Self {
        let settings = json!({"organizations": [ORGANIZATION], "iikocard": {"api_login": "site-login"}});
        let till = Till::new(service, "iiko", settings).await;
        let mut site = Site {
            till,
            token: String::new(),
        };
        let told = site
            .call("access_token", json!({"apiLogin": "site-login"}))
            .await
            .expect(200);
        site.token = told["token"].as_str().unwrap().to_owned();
        site
    }

    async fn call(&self, method: &str, body: Value) -> Answer {
        with_authorization(
            &self.till,
            &format!("api/1/{method}"),
            &format!("Bearer {}", self.token),
            body,
        )
        .await
    }

    pub(super) async fn loyalty(&self, method: &str, mut body: Value) -> Answer {
        body["organizationId"] = json!(ORGANIZATION);
        self.call(&format!("loyalty/iiko/{method}"), body).await
    }

    pub(super) async fn balance(&self, id: &Value) -> f64 {
        let told = self
            .loyalty("customer/info", json!({"type": "id", "id": id}))
            .await
            .expect(200);
        told["walletBalances"][0]["balance"].as_f64().unwrap()
    }
}

async fn with_authorization(till: &Till, path: &str, authorization: &str, body: Value) -> Answer {
    let request = Request::post(format!("/pos/iiko/{}/{path}", till.token))
        .header("authorization", authorization)
        .body(Body::from(body.to_string()))
        .unwrap();
    till.service.send(request).await
}

#[test]
fn a_site_of_iikocard_finds_makes_and_changes_guests() {
    each_database_async(|store| async move {
        let site = Site::logged_in(&Service::on(store)).await;
        let listed = site.call("organizations", json!({})).await.expect(200);
        assert_eq!(listed["organizations"][0]["id"], ORGANIZATION);

        let nobody = site
            .loyalty("customer/info", json!({"type": "phone", "phone": "79005550101"}))
            .await;
        let told = nobody.expect(400);
        assert!(told["errorDescription"].is_string() && told["correlationId"].is_string());

        let guest = json!({
            "phone": "79005550101", "name": "Анна", "surName": "Кузнецова", "sex": 2, "birthday": "1991-07-02 00:00:00.000",
            "email": "anna@example.com", "cardTrack": "2900000001734", "cardNumber": "2900000001734", "isDeleted": null,
        });
        let made = site
            .loyalty("customer/create_or_update", guest.clone())
            .await
            .expect(200);
        let again = site.loyalty("customer/create_or_update", guest).await.expect(200);
        assert_eq!(made, again);
        for (kind, field, value) in [
            ("phone", "phone", json!("+7 900 555-01-01")),
            ("cardTrack", "cardTrack", json!("2900000001734")),
            ("cardNumber", "cardNumber", json!("2900000001734")),
            ("email", "email", json!("anna@example.com")),
            ("id", "id", made["id"].clone()),
        ] {
            let told = site
                .loyalty("customer/info", json!({"type": kind, field: value}))
                .await
                .expect(200);
            assert_eq!(
                [
                    &told["id"],
                    &told["name"],
                    &told["surname"],
                    &told["phone"],
                    &told["birthday"]
                ],
                [
                    &made["id"],
                    &json!("Анна"),
                    &json!("Кузнецова"),
                    &json!("+79005550101"),
                    &json!("1991-07-02 00:00:00.000")
                ],
                "{kind}"
            );
        }
        let id = made["id"].clone();
        site.loyalty(
            "customer/create_or_update",
            json!({"id": id, "surName": "Орлова"}),
        )
        .await
        .expect(200);
        site.loyalty(
            "customer/card/add",
            json!({"customerId": id, "cardTrack": "777", "cardNumber": "777"}),
        )
        .await
        .expect(200);
        site.loyalty(
            "customer/card/remove",
            json!({"customerId": id, "cardTrack": "777"}),
        )
        .await
        .expect(200);
        let told = site
            .loyalty("customer/info", json!({"type": "id", "id": id}))
            .await
            .expect(200);
        assert_eq!(
            (&told["name"], &told["surname"], &told["cards"][0]["track"]),
            (&json!("Анна"), &json!("Орлова"), &json!("2900000001734")),
            "only the surname was told: the first name stays"
        );
        let seen = site
            .till
            .owner
            .get("/api/v1/customers?phone=%2B79005550101")
            .await
            .expect(200);
        assert_eq!(
            (&seen["items"][0]["sex"], &seen["items"][0]["status"]),
            (&json!("female"), &json!("registered"))
        );
    });
}

#[test]
fn a_site_of_iikocard_moves_bonuses_and_its_hold_is_spent_by_the_till() {
    each_database_async(|store| async move {
        let site = Site::logged_in(&Service::on(store)).await;
        let made = site
            .loyalty(
                "customer/create_or_update",
                json!({"phone": "79005550101", "name": "Анна"}),
            )
            .await
            .expect(200);
        let id = made["id"].clone();
        let programs = site.loyalty("program", json!({})).await.expect(200);
        let wallet = programs["Programs"][0]["walletId"].clone();
        let joined = site
            .loyalty(
                "customer/program/add",
                json!({"customerId": id, "programId": programs["Programs"][0]["id"]}),
            )
            .await
            .expect(200);
        assert_eq!(joined["walletId"], wallet);

        let mut top_up = json!({"customerId": id, "walletId": wallet, "sum": 500.5, "comment": "welcome"});
        assert_eq!(
            site.loyalty("customer/wallet/topup", top_up.clone())
                .await
                .expect(200),
            json!({})
        );
        // The vendor's contract has no key: the same again, later, is another one; with a key of ours it is not.
        site.till
            .service
            .clock
            .move_to(site.till.service.clock_now() + chrono::Duration::seconds(1));
        top_up["sum"] = json!(10);
        top_up["transactionId"] = json!("52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c09");
        for _ in 0..2 {
            site.loyalty("customer/wallet/topup", top_up.clone())
                .await
                .expect(200);
        }
        site.loyalty(
            "customer/wallet/chargeoff",
            json!({"customerId": id, "walletId": wallet, "sum": 110.5}),
        )
        .await
        .expect(200);
        assert_eq!(site.balance(&id).await, 400.0);
        let much = site
            .loyalty(
                "customer/wallet/chargeoff",
                json!({"customerId": id, "walletId": wallet, "sum": 400.01}),
            )
            .await
            .expect(400);
        assert_eq!(much["error"], "insufficient-balance");

        let hold = json!({"customerId": id, "walletId": wallet, "sum": 100, "transactionId": "52b1a0f6-6a0c-4c8e-8e5e-0f2f4b1a7c01"});
        for _ in 0..2 {
            let held = site
                .loyalty("customer/wallet/hold", hold.clone())
                .await
                .expect(200);
            assert_eq!(held["transactionId"], hold["transactionId"]);
        }
        let own = site
            .loyalty(
                "customer/wallet/hold",
                json!({"customerId": id, "walletId": wallet, "sum": 50}),
            )
            .await
            .expect(200);
        assert_eq!(site.balance(&id).await, 250.0);
        for _ in 0..2 {
            site.loyalty(
                "customer/wallet/cancel_hold",
                json!({"transactionId": own["transactionId"]}),
            )
            .await
            .expect(200);
        }
        assert_eq!(site.balance(&id).await, 300.0);
        // The till closes the order and names the site's hold.
        let found = site
            .till
            .send(
                "POST",
                "v1/identify",
                json!({"query": "79005550101", "source": "phone"}).to_string(),
            )
            .await
            .expect(200);
        let close = json!({
            "orderId": "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902", "revision": 1, "closedAt": "2026-11-22T12:00:00+03:00",
            "memberId": found["member"]["id"],
            "lines": [{"lineId": "1", "name": "Пицца", "quantity": "1", "gross": "400.00", "net": "400.00"}],
            "payments": [{"kind": "Cash", "sum": "300.00"}],
            "loyaltyTransactions": [{"transactionId": hold["transactionId"], "points": "100.00"}],
        });
        let closed = site
            .till
            .send("POST", "v1/close", close.to_string())
            .await
            .expect(200);
        assert_eq!(
            (&closed["spent"], &closed["earned"]),
            (&json!("100.00"), &json!("15.00"))
        );
        assert_eq!(site.balance(&id).await, 315.0);
        site.till.assert_books();
    });
}

#[test]
fn nobody_calls_iikocard_without_its_login_and_it_is_off_unless_it_is_set() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let site = Site::logged_in(&service).await;
        site.call("access_token", json!({"apiLogin": "guess"}))
            .await
            .expect(401);
        let info = json!({"organizationId": ORGANIZATION, "type": "phone", "phone": "79005550101"});
        for authorization in ["", "Bearer", "Bearer guess", &site.token] {
            with_authorization(
                &site.till,
                "api/1/loyalty/iiko/customer/info",
                authorization,
                info.clone(),
            )
            .await
            .expect(401);
        }
        let other = json!({"organizationId": "11111111-2f0b-4a9e-9b1a-6f1d4f3f7a10", "type": "phone", "phone": "79005550101"});
        site.call("loyalty/iiko/customer/info", other).await.expect(400);
        site.call("loyalty/iiko/calculate", json!({})).await.expect(404);

        let plain = Till::of("plain@iiko.example", &service, "iiko", json!({})).await;
        let told = plain
            .send("POST", "api/1/access_token", json!({"apiLogin": ""}).to_string())
            .await;
        assert_eq!(told.status, 401);
        assert!(plain.transactions().await.is_empty());
    });
}

#[test]
fn a_site_hears_of_all_of_a_guests_cards_and_of_what_is_not_done_for_it() {
    each_database_async(|store| async move {
        let site = Site::logged_in(&Service::on(store)).await;
        let guest = json!({"phone": "79005550101", "name": "Анна", "cardTrack": "111", "consentStatus": 1, "nullifyEmptyFields": true});
        let update = "customer/create_or_update";
        let id = site.loyalty(update, guest).await.expect(200)["id"].clone();
        for number in ["222", "333"] {
            let card = json!({"customerId": id, "cardTrack": number, "cardNumber": number});
            site.loyalty("customer/card/add", card).await.expect(200);
        }
        let card = json!({"customerId": id, "cardTrack": "222"});
        site.loyalty("customer/card/remove", card).await.expect(200);
        let info = json!({"type": "phone", "phone": "79005550101"});
        let told = site.loyalty("customer/info", info.clone()).await.expect(200);
        let numbers: Vec<&Value> = told["cards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|card| &card["number"])
            .collect();
        assert_eq!(numbers, ["333", "111"]);
        for refused in [
            json!({"id": id, "name": "Никто", "isDeleted": true}),
            json!({"id": id, "name": "Никто", "consentStatus": 2}),
            json!({"id": id, "name": "Никто", "nullifyEmptyFields": true}),
        ] {
            let answer = site.loyalty(update, refused.clone()).await.expect(400);
            let sentence = answer["errorDescription"].as_str().unwrap();
            assert!(sentence.contains("nothing was changed"), "{refused}: {sentence}");
        }
        assert_eq!(
            site.loyalty("customer/info", info).await.expect(200)["name"],
            "Анна"
        );
    });
}

#[test]
fn a_login_of_the_second_kind_gets_the_same_token_and_is_kept_without_its_key() {
    each_database_async(|store| async move {
        let site = Site::logged_in(&Service::on(store)).await;
        let login =
            |key: &str| json!({"apiKey": key, "appId": ORGANIZATION, "clientSecret": "s3cret"}).to_string();
        let path = "api/v2/access_token";
        let told = site
            .till
            .send("POST", path, login("site-login"))
            .await
            .expect(200);
        assert_eq!(told["token"], site.token);
        let refused = site.till.send("POST", path, login("guess-login")).await;
        assert_eq!(refused.status, 401);
        let kept = site
            .till
            .owner
            .get("/api/v1/messages?limit=100")
            .await
            .expect(200)
            .to_string();
        assert!(
            kept.contains(path) && !kept.contains("guess-login") && !kept.contains("s3cret"),
            "{kept}"
        );
    });
}

#[test]
fn a_site_whose_holds_no_order_could_spend_is_warned_of() {
    each_database_async(|store| async move {
        let site = Site::logged_in(&Service::on(store)).await;
        let owner = &site.till.owner;
        let connection = owner.get("/api/v1/connections").await.expect(200)["items"][0].clone();
        assert_eq!(connection["warnings"][0]["code"], "incomplete-settings");
        let path = format!("/api/v1/connections/{}", connection["id"].as_str().unwrap());
        let points = json!(["2b4c6d8e-1111-4222-8333-944455566601"]);
        for mended in [
            json!({"bonus_payment_types": points}),
            json!({"bonus_discount_types": points}),
            json!({"hall": "plugin", "delivery": "plugin"}),
        ] {
            let mut settings = connection["settings"].clone();
            settings
                .as_object_mut()
                .unwrap()
                .extend(mended.as_object().unwrap().clone());
            let changed = owner
                .patch(&path, json!({"settings": settings}))
                .await
                .expect(200);
            assert_eq!(changed["warnings"], json!([]), "{mended}");
        }
    });
}

#[test]
fn no_login_is_kept_with_its_password() {
    each_database_async(|store| async move {
        let site = Site::logged_in(&Service::on(store)).await;
        site.call("access_token", json!({"apiLogin": "login-of-before"}))
            .await
            .expect(401);
        site.loyalty("customer/info", json!({})).await.expect(400);
        let kept = site
            .till
            .owner
            .get("/api/v1/messages?kind=iiko")
            .await
            .expect(200);
        let mut bodies = Vec::new();
        for message in kept["items"].as_array().unwrap() {
            let path = format!("/api/v1/messages/{}", message["id"].as_str().unwrap());
            let whole = site.till.owner.get(&path).await.expect(200);
            bodies.push((
                whole["path"].clone(),
                whole["outcome"].clone(),
                whole["body"].clone(),
            ));
        }
        let login = json!("api/1/access_token");
        let info = json!("api/1/loyalty/iiko/customer/info");
        let asked = json!(json!({"organizationId": ORGANIZATION}).to_string());
        assert_eq!(
            bodies,
            [
                (info, json!("unreadable"), asked),
                (login.clone(), json!("unreadable"), json!("")),
                (login, json!("ignored"), json!("")),
            ]
        );
    });
}

#[test]
fn a_webhook_shows_its_token_alone_or_as_a_bearer_or_is_refused() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let event: Value = fixture("iiko/fixtures/delivery-closed.request.json")
            .parse()
            .unwrap();
        for (how, raw, bearer) in [("any", 200, 200), ("raw", 200, 401), ("bearer", 401, 200)] {
            let settings = json!({"webhook_token": "s3cret", "webhook_authorization": how});
            let till = Till::of(&format!("{how}@iiko.example"), &service, "iiko", settings).await;
            for (authorization, status) in [
                ("s3cret", raw),
                ("Bearer s3cret", bearer),
                ("s3cre", 401),
                ("Bearer ", 401),
                ("", 401),
            ] {
                let answer = with_authorization(&till, "webhook", authorization, event.clone()).await;
                assert_eq!(answer.status.as_u16(), status, "{how}: {authorization}");
            }
            assert_eq!(till.transactions().await.len(), 1);
            // The plugin's calls have no such token.
            let query = json!({"query": "1"}).to_string();
            assert_eq!(till.send("POST", "v1/identify", query).await.status, 200);
        }
    });
}

#[test]
fn a_webhook_without_its_token_leaves_a_trace_and_comes_in_when_a_person_lets_it_in() {
    each_database_async(|store| async move {
        let settings = json!({"webhook_token": "s3cret"});
        let till = Till::new(&Service::on(store), "iiko", settings).await;
        let event: Value = fixture("iiko/fixtures/delivery-closed.request.json")
            .parse()
            .unwrap();
        for _ in 0..20 {
            let answer = with_authorization(&till, "webhook", "old token", event.clone()).await;
            assert_eq!(answer.status, 401);
        }
        let kept = till.messages("refused").await;
        let kept = kept["items"].as_array().unwrap();
        assert_eq!(kept.len(), 5, "one that goes on leaves no more than a few");
        let detail = kept[0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("unauthorized: "), "{detail}");
        assert!(till.transactions().await.is_empty());
        assert_eq!(
            (&kept[0]["code"], &kept[0]["needs_nobody"]),
            (&json!("unauthorized"), &json!("turned-away"))
        );
        let connections = till.owner.get("/api/v1/connections").await.expect(200);
        let heard_at = &connections["items"][0]["state"]["heard_at"];
        assert_eq!(heard_at, &Value::Null, "whoever may not speak is not heard");

        let path = format!("/api/v1/messages/{}/replay", kept[0]["id"].as_str().unwrap());
        let many = till.owner.post("/api/v1/messages/replay", json!({})).await;
        assert_eq!(many.expect(200)["items"], json!([]), "it waits for nobody");
        let alone = till.owner.post(&path, json!({})).await.expect(200);
        assert_eq!(alone["done"], false);
        let answer = alone["answer"].as_str().unwrap();
        assert!(answer.contains("--although-unauthorized"), "{answer}");
        assert!(till.transactions().await.is_empty());
        let let_in = format!("{path}?although_unauthorized=true");
        let done = till.owner.post(&let_in, json!({})).await.expect(200);
        assert_eq!(done["done"], true);
        assert_eq!(till.transactions().await.len(), 1);
    });
}
