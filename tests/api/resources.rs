//! Venues, menus, customers, cards, reports.

use serde_json::{Value, json};

use super::client::{Answer, Client, Service};
use crate::databases::each_database_async;

/// The first field at fault of a refusal.
#[track_caller]
fn fault(answer: &Answer) -> String {
    let body = answer.refused(422, "invalid-request");
    body["errors"][0]["pointer"].as_str().unwrap().to_owned()
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(id).collect()
}

async fn version(of: &Client) -> i64 {
    of.get("/api/v1/network").await.expect(200)["version"]
        .as_i64()
        .unwrap()
}

async fn venue(of: &Client, name: &str, percent: &str) -> Value {
    let body =
        json!({"external_id": name, "name": name, "base_percent": percent, "types": ["place", "delivery"]});
    of.post("/api/v1/venues", body).await.expect(201)
}

#[test]
fn a_venue_is_set_up_changed_and_archived() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let before = version(&anna).await;
        let made = anna
            .post(
                "/api/v1/venues",
                json!({"external_id": " cafe-1 ", "name": "Кафе", "base_percent": "5.25",
                    "types": ["place", "запчасти"], "settings": {"redeem_max_percent": "50", "day_starts_at": "05:00"}}),
            )
            .await
            .expect(201);
        assert_eq!(made["external_id"], "cafe-1");
        assert_eq!(made["time_zone"], "Europe/Moscow");
        assert_eq!(made["default_type"], "place");
        assert_eq!(made["base_percent"], "5.25");
        assert_eq!(version(&anna).await, before + 1);
        for reference in [&id(&made), "cafe-1"] {
            assert_eq!(
                anna.get(&format!("/api/v1/venues/{reference}")).await.expect(200),
                made
            );
        }

        let change = json!({"external_id": null, "default_type": "запчасти", "time_zone": "Asia/Omsk", "settings": {}});
        let path = format!("/api/v1/venues/{}", id(&made));
        let changed = anna.patch(&path, change).await.expect(200);
        assert_eq!(changed["external_id"], Value::Null);
        assert_eq!(changed["settings"], json!({}));
        assert_eq!(changed["name"], "Кафе");
        assert_eq!(version(&anna).await, before + 2);
        anna.get("/api/v1/venues/cafe-1").await.refused(404, "not-found");
        anna.patch(&path, json!({"archived": true})).await.expect(200);
        assert_eq!(
            ids(&anna.get("/api/v1/venues?archived=false").await.expect(200)).len(),
            0
        );
        assert_eq!(
            ids(&anna.get("/api/v1/venues?archived=true").await.expect(200)),
            [id(&made)]
        );

        let log = anna.get("/api/v1/audit?action=venue.update").await.expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 2);
        assert_eq!(log["items"][1]["before"]["external_id"], "cafe-1");
    });
}

#[test]
fn a_venue_keeps_within_the_rules() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let wrong = [
            (json!({}), "/name"),
            (json!({"name": " "}), "/name"),
            (json!({"name": "К", "time_zone": "Mars/Base"}), "/time_zone"),
            (json!({"name": "К", "base_percent": "1.23456"}), "/base_percent"),
            (json!({"name": "К", "base_percent": "-1"}), "/base_percent"),
            (json!({"name": "К", "types": []}), "/types"),
            (json!({"name": "К", "types": ["place", "admin"]}), "/types/1"),
            (json!({"name": "К", "types": ["place", "place"]}), "/types/1"),
            (json!({"name": "К", "default_type": "online"}), "/default_type"),
            (
                json!({"name": "К", "settings": {"hold_minutes": 0}}),
                "/settings/hold_minutes",
            ),
            (
                json!({"name": "К", "settings": {"bonus_lifetime_days": 5}}),
                "/settings/bonus_lifetime_days",
            ),
            (
                json!({"name": "К", "external_id": "ven_0000000000001"}),
                "/external_id",
            ),
            (json!({"name": "К", "colour": "red"}), "/colour"),
        ];
        for (body, pointer) in wrong {
            assert_eq!(
                fault(&anna.post("/api/v1/venues", body.clone()).await),
                pointer,
                "{body}"
            );
        }
        venue(&anna, "a", "5").await;
        let same = anna
            .post("/api/v1/venues", json!({"name": "К", "external_id": "a"}))
            .await;
        assert_eq!(
            same.refused(409, "already-exists")["errors"][0]["pointer"],
            "/external_id"
        );
        venue(&anna, "b", "5").await;
        let same = anna.patch("/api/v1/venues/b", json!({"external_id": "a"})).await;
        same.refused(409, "already-exists");
    });
}

#[test]
fn rules_have_kinds_and_limits() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        venue(&anna, "a", "5").await;
        let path = "/api/v1/venues/a/rules";
        let conditions = [
            json!({"kind": "date", "date": "2026-12-31"}),
            json!({"kind": "weekday", "weekdays": ["sat", "sun"]}),
            json!({"kind": "hours", "from_hour": 22, "to_hour": 2}),
            json!({"kind": "weekday_hours", "weekdays": ["fri"], "from_hour": 0, "to_hour": 23}),
            json!({"kind": "receipt_over", "amount": "1000.00"}),
            json!({"kind": "receipt_under", "amount": "100.00"}),
        ];
        let before = version(&anna).await;
        let mut made = Vec::new();
        for condition in &conditions {
            let rule = json!({"name": "Правило", "condition": condition, "coefficient": "1.5"});
            let rule = anna.post(path, rule).await.expect(201);
            assert_eq!(&rule["condition"], condition);
            made.push(id(&rule));
        }
        assert_eq!(version(&anna).await, before + 6);
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = anna.get(&format!("{path}?limit=4{cursor}")).await.expect(200);
            seen.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, made);

        let wrong = [
            (json!({"kind": "moon"}), "/condition/kind"),
            (
                json!({"kind": "hours", "from_hour": 0, "to_hour": 24}),
                "/condition/to_hour",
            ),
            (
                json!({"kind": "receipt_over", "amount": "-1"}),
                "/condition/amount",
            ),
        ];
        for (condition, pointer) in wrong {
            let rule = json!({"condition": condition, "coefficient": "1"});
            assert_eq!(fault(&anna.post(path, rule).await), pointer, "{condition}");
        }
        for coefficient in ["1000.1", "1.1234567", "x"] {
            let rule = json!({"condition": conditions[0], "coefficient": coefficient});
            assert_eq!(fault(&anna.post(path, rule).await), "/coefficient");
        }

        let one = format!("{path}/{}", made[0]);
        let changed = anna
            .patch(&one, json!({"name": null, "coefficient": "0"}))
            .await
            .expect(200);
        assert_eq!(
            (&changed["name"], &changed["coefficient"]),
            (&Value::Null, &json!("0"))
        );
        assert_eq!(changed["condition"], conditions[0]);
        assert_eq!(anna.get(&one).await.expect(200), changed);
        anna.delete(&one).await.expect(204);
        anna.get(&one).await.refused(404, "not-found");
        anna.delete(&one).await.refused(404, "not-found");
        // A rule is found at its own venue only.
        venue(&anna, "b", "5").await;
        let elsewhere = format!("/api/v1/venues/b/rules/{}", made[1]);
        anna.get(&elsewhere).await.refused(404, "not-found");
    });
}

#[test]
fn a_menu_has_categories_products_and_groups() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        venue(&anna, "a", "5").await;
        let at = |rest: &str| format!("/api/v1/venues/a/{rest}");
        let category =
            json!({"external_id": "17", "name": "Десерты", "coefficient": "0", "redeemable": false});
        let category = anna.post(&at("categories"), category).await.expect(201);
        assert_eq!(
            (&category["coefficient"], &category["redeemable"]),
            (&json!("0"), &json!(false))
        );
        assert_eq!(anna.get(&at("categories/17")).await.expect(200), category);
        let same = json!({"external_id": "17", "name": "Другое"});
        anna.post(&at("categories"), same)
            .await
            .refused(409, "already-exists");
        let changed = anna
            .patch(&at("categories/17"), json!({"coefficient": null}))
            .await
            .expect(200);
        assert_eq!(
            (&changed["coefficient"], &changed["redeemable"]),
            (&Value::Null, &json!(false))
        );

        let product = json!({"external_id": "1012", "name": "КАПУЧИНО 100%", "category_id": "17", "price": "190.00", "barcode": "46"});
        let product = anna.post(&at("products"), product).await.expect(201);
        anna.post(&at("products"), json!({"name": "Латте", "price": 200}))
            .await
            .expect(201);
        let same = anna.post(&at("products"), json!({"name": "Латте"})).await;
        assert_eq!(
            same.refused(409, "already-exists")["errors"][0]["pointer"],
            "/name"
        );
        assert_eq!(
            fault(
                &anna
                    .post(&at("products"), json!({"name": "Ч", "price": "0.001"}))
                    .await
            ),
            "/price"
        );
        assert_eq!(
            fault(
                &anna
                    .post(&at("products"), json!({"name": "Ч", "price": "-1"}))
                    .await
            ),
            "/price"
        );
        for query in [
            "query=%D0%BA%D0%B0%D0%BF%D1%83%D1%87",
            "query=46",
            "query=100%25",
            "barcode=46",
            "category_id=17",
        ] {
            let found = anna.get(&at(&format!("products?{query}"))).await.expect(200);
            assert_eq!(ids(&found), [id(&product)], "{query}");
        }
        let found = anna.get(&at("products?query=1_0")).await.expect(200);
        assert_eq!(found["items"], json!([]));
        let changed = anna
            .patch(&at("products/1012"), json!({"price": null, "coefficient": "2"}))
            .await
            .expect(200);
        assert_eq!(
            (&changed["price"], &changed["coefficient"]),
            (&Value::Null, &json!("2"))
        );
        let log = anna.get("/api/v1/audit?action=product.update").await.expect(200);
        assert_eq!(log["items"][0]["before"]["price"], "190.00");

        let group = json!({"name": "Сладкое", "category_ids": ["17", "18", "17"], "coefficient": "1.2"});
        let group = anna.post(&at("groups"), group).await.expect(201);
        assert_eq!(group["category_ids"], json!(["17", "18"]));
        let same = json!({"name": "Ещё", "category_ids": ["19", "18"], "coefficient": "1"});
        assert_eq!(fault(&anna.post(&at("groups"), same).await), "/category_ids/1");
        let one = at(&format!("groups/{}", id(&group)));
        anna.patch(&one, json!({"category_ids": ["17"]}))
            .await
            .expect(200);
        for path in [one, at("products/1012"), at("categories/17")] {
            anna.delete(&path).await.expect(204);
            anna.get(&path).await.refused(404, "not-found");
        }
    });
}

#[test]
fn a_network_never_sees_anothers_things() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let boris = service.owner("boris").await;
        let venue_id = id(&venue(&anna, "a", "5").await);
        let rule = json!({"condition": {"kind": "weekday", "weekdays": [1]}, "coefficient": "2"});
        let rule = id(&anna.post("/api/v1/venues/a/rules", rule).await.expect(201));
        let guest = json!({"phone": "+79215550101", "external_id": "crm-1", "card": "777"});
        let guest = id(&anna.post("/api/v1/customers", guest).await.expect(201));
        for path in [
            format!("venues/{venue_id}"),
            "venues/a".to_owned(),
            format!("venues/{venue_id}/rules"),
            format!("venues/{venue_id}/rules/{rule}"),
            format!("venues/{venue_id}/products"),
            format!("customers/{guest}"),
            "customers/crm-1".to_owned(),
            format!("customers/{guest}/cards"),
            format!("customers/{guest}/lots"),
            format!("customers/{guest}/transactions"),
            "cards/777".to_owned(),
            format!("transactions?venue_id={venue_id}"),
            format!("transactions?customer_id={guest}"),
        ] {
            anna.get(&format!("/api/v1/{path}")).await.expect(200);
            boris
                .get(&format!("/api/v1/{path}"))
                .await
                .refused(404, "not-found");
        }
        boris
            .patch(&format!("/api/v1/customers/{guest}"), json!({"name": "x"}))
            .await
            .refused(404, "not-found");
        boris
            .post("/api/v1/cards/777/block", Value::Null)
            .await
            .refused(404, "not-found");
        assert_eq!(
            boris.get("/api/v1/customers").await.expect(200)["items"],
            json!([])
        );
        // The same telephone, card and ids are free in another network.
        venue(&boris, "a", "5").await;
        let guest = json!({"phone": "+79215550101", "external_id": "crm-1", "card": "777"});
        boris.post("/api/v1/customers", guest).await.expect(201);
    });
}

#[test]
fn a_customer_joins_is_found_and_changed() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        venue(&anna, "a", "5").await;
        let path = "/api/v1/customers";
        let guest = json!({"phone": "8 (921) 555-01-01", "name": "Мария Ёлкина", "email": "Maria@Example.com",
            "birthday": "1990-03-08", "sex": "female", "city": "Псков", "external_id": "crm-1", "card": "2000-17",
            "consent_version": "2026-01", "venue_id": "a"});
        let made = anna.post(path, guest.clone()).await.expect(201);
        assert_eq!(made["status"], "registered");
        assert_eq!(made["phone"], "+79215550101");
        assert_eq!(made["consent_at"], "2026-11-22T09:00:00Z");
        assert_eq!(made["registered_at"], "2026-11-22T09:00:00Z");
        assert_eq!(made["cards"][0]["number"], "2000-17");
        assert!(made["venue_id"].as_str().unwrap().starts_with("ven_"));
        for reference in [&id(&made), "crm-1"] {
            assert_eq!(anna.get(&format!("{path}/{reference}")).await.expect(200), made);
        }
        let same = anna
            .post(path, json!({"phone": "79215550101"}))
            .await
            .refused(409, "already-exists");
        assert_eq!(same["errors"][0]["pointer"], "/phone");
        let same = anna
            .post(path, json!({"card": "2000-17"}))
            .await
            .refused(409, "already-exists");
        assert_eq!(same["errors"][0]["pointer"], "/card");
        let same = anna
            .post(path, json!({"external_id": "crm-1"}))
            .await
            .refused(409, "already-exists");
        assert_eq!(same["errors"][0]["pointer"], "/external_id");
        // Nothing of the refused is kept.
        let other = anna
            .post(path, json!({"phone": "+375291234567", "name": "100%_Пётр"}))
            .await
            .expect(201);
        assert_eq!(
            anna.get(&format!("{path}?with_total=true")).await.expect(200)["total"],
            2
        );

        for (query, who) in [
            ("phone=%2B79215550101", &made),
            ("phone=89215550101", &made),
            ("phone=%2B375%2029%20123-45-67", &other),
            ("email=maria@example.COM", &made),
            ("query=%D1%91%D0%BB%D0%BA%D0%98", &made),
            ("query=EXAMPLE.com", &made),
            ("query=8%20921%20555", &made),
            ("query=8921555", &made),
            ("query=2000-", &made),
            ("query=25%20_", &other),
            ("query=100%25_", &other),
            ("query=291234567", &other),
        ] {
            let found = ids(&anna.get(&format!("{path}?{query}")).await.expect(200));
            let expected = if query == "query=25%20_" {
                Vec::new()
            } else {
                vec![id(who)]
            };
            assert_eq!(found, expected, "{query}");
        }
        for (body, pointer) in [
            (json!({"name": "Никто"}), "/phone"),
            (json!({"phone": "12"}), "/phone"),
            (json!({"phone": "+79215550199", "email": "x"}), "/email"),
            (
                json!({"phone": "+79215550199", "birthday": "2027-01-01"}),
                "/birthday",
            ),
            (json!({"phone": "+79215550199", "card": "1 2"}), "/card"),
            (
                json!({"phone": "+79215550199", "external_id": id(&made)}),
                "/external_id",
            ),
            (json!({"phone": "+79215550199", "sex": "other"}), "/sex"),
        ] {
            assert_eq!(fault(&anna.post(path, body.clone()).await), pointer, "{body}");
        }

        let one = format!("{path}/crm-1");
        let change =
            json!({"name": null, "city": "Омск", "consent_version": null, "network_coefficient": "1.5"});
        let changed = anna.patch(&one, change).await.expect(200);
        assert_eq!(changed["name"], Value::Null);
        assert_eq!(changed["consent_at"], Value::Null);
        assert_eq!(changed["network_coefficient"], "1.5");
        assert_eq!(changed["email"], made["email"]);
        anna.patch(&one, json!({"phone": "+375291234567"}))
            .await
            .refused(409, "already-exists");
        let with = anna
            .put(&format!("{one}/coefficients/a"), json!({"coefficient": "0"}))
            .await
            .expect(200);
        assert_eq!(with["venue_coefficients"][0]["coefficient"], "0");
        anna.put(&format!("{one}/coefficients/a"), json!({"coefficient": "3"}))
            .await
            .expect(200);
        anna.delete(&format!("{one}/coefficients/a")).await.expect(204);
        assert_eq!(anna.get(&one).await.expect(200)["venue_coefficients"], json!([]));

        // The audit log says what happened, and holds nothing personal.
        let log = anna
            .get(&format!("/api/v1/audit?subject={}", id(&made)))
            .await
            .expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 5);
        let text = log.to_string();
        assert!(
            !text.contains("Мария") && !text.contains("9215550101") && !text.contains("Омск"),
            "{text}"
        );
        assert!(text.contains("consent_version"));
    });
}

#[test]
fn a_customer_and_his_cards_are_blocked_and_replaced() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let guest = json!({"phone": "+79215550101", "external_id": "crm-1", "card": "777"});
        anna.post("/api/v1/customers", guest).await.expect(201);
        let blocked = anna
            .post("/api/v1/customers/crm-1/block", Value::Null)
            .await
            .expect(200);
        assert_eq!(blocked["status"], "blocked");
        let page = anna.get("/api/v1/customers?status=blocked").await.expect(200);
        assert_eq!(ids(&page).len(), 1);
        let back = anna
            .post("/api/v1/customers/crm-1/unblock", Value::Null)
            .await
            .expect(200);
        assert_eq!(back["status"], "registered");

        let made = anna
            .post("/api/v1/customers/crm-1/cards", json!({}))
            .await
            .expect(201);
        assert_eq!(made["kind"], "virtual");
        let number = made["number"].as_str().unwrap();
        assert_eq!((number.len(), luhn(number)), (16, 0), "{number}");
        let nameless = anna
            .post("/api/v1/customers/crm-1/cards", json!({"kind": "plastic"}))
            .await;
        assert_eq!(fault(&nameless), "/number");
        let same = anna
            .post("/api/v1/customers/crm-1/cards", json!({"number": "777"}))
            .await;
        same.refused(409, "already-exists");

        assert_eq!(
            anna.post("/api/v1/cards/777/block", Value::Null)
                .await
                .expect(200)["status"],
            "blocked"
        );
        assert_eq!(
            anna.post("/api/v1/cards/777/unblock", Value::Null)
                .await
                .expect(200)["status"],
            "active"
        );
        let new = anna
            .post("/api/v1/cards/777/replace", json!({"number": "778"}))
            .await
            .expect(201);
        assert_eq!(
            (&new["status"], &new["kind"]),
            (&json!("active"), &json!("plastic"))
        );
        let old = anna.get("/api/v1/cards/777").await.expect(200);
        assert_eq!(
            (&old["status"], &old["replaced_by"]),
            (&json!("replaced"), &new["id"])
        );
        for verb in ["unblock", "block", "replace"] {
            let again = anna
                .post(&format!("/api/v1/cards/777/{verb}"), json!({"number": "779"}))
                .await;
            again.refused(409, "card-replaced");
        }
        let cards = anna.get("/api/v1/customers/crm-1/cards").await.expect(200);
        assert_eq!(cards["items"].as_array().unwrap().len(), 3);
    });
}

fn luhn(number: &str) -> u32 {
    let digits = number.chars().rev().map(|c| c.to_digit(10).unwrap());
    let sum: u32 = digits
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    sum % 10
}

#[test]
fn keys_do_what_their_scopes_and_venues_allow() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let a = id(&venue(&anna, "a", "5").await);
        venue(&anna, "b", "5").await;
        anna.post(
            "/api/v1/customers",
            json!({"phone": "+79215550101", "external_id": "crm-1"}),
        )
        .await
        .expect(201);
        let key = |scopes: Value, venue: Option<String>| {
            let (anna, nobody) = (anna.clone(), service.anybody());
            async move {
                let mut body = json!({"name": "k", "scopes": scopes});
                if let Some(venue) = venue {
                    body["venue_id"] = json!(venue);
                }
                nobody.key(&anna.new_key(body).await.1)
            }
        };
        let till = key(json!(["till"]), Some(a.clone())).await;
        assert_eq!(
            ids(&till.get("/api/v1/venues").await.expect(200)),
            std::slice::from_ref(&a)
        );
        till.get("/api/v1/venues/b").await.refused(404, "not-found");
        till.get("/api/v1/customers/crm-1").await.expect(200);
        till.get("/api/v1/customers").await.refused(403, "forbidden");
        assert_eq!(
            ids(&till.get("/api/v1/customers?phone=89215550101").await.expect(200)).len(),
            1
        );
        let joined = till
            .post("/api/v1/customers", json!({"phone": "+79215550102"}))
            .await
            .expect(201);
        assert_eq!(joined["venue_id"], json!(a));
        let elsewhere = json!({"phone": "+79215550103", "venue_id": "b"});
        till.post("/api/v1/customers", elsewhere)
            .await
            .refused(404, "unknown-venue");
        till.patch("/api/v1/customers/crm-1", json!({"name": "x"}))
            .await
            .refused(403, "forbidden");
        till.post("/api/v1/customers/crm-1/block", Value::Null)
            .await
            .refused(403, "forbidden");
        till.post("/api/v1/venues", json!({"name": "x"}))
            .await
            .refused(403, "forbidden");
        till.get("/api/v1/transactions").await.refused(403, "forbidden");

        let manager = key(json!(["admin", "customers", "reports"]), Some(a)).await;
        manager
            .post("/api/v1/venues", json!({"name": "x"}))
            .await
            .refused(403, "forbidden");
        manager
            .patch("/api/v1/venues/a", json!({"name": "x"}))
            .await
            .expect(200);
        manager
            .patch("/api/v1/venues/b", json!({"name": "x"}))
            .await
            .refused(404, "not-found");
        let coefficient = json!({"coefficient": "2"});
        manager
            .put("/api/v1/customers/crm-1/coefficients/a", coefficient.clone())
            .await
            .expect(200);
        manager
            .put("/api/v1/customers/crm-1/coefficients/b", coefficient)
            .await
            .refused(404, "not-found");
        let everywhere = json!({"network_coefficient": "2"});
        manager
            .patch("/api/v1/customers/crm-1", everywhere)
            .await
            .refused(403, "forbidden");
        manager
            .get("/api/v1/transactions?venue_id=b")
            .await
            .refused(404, "not-found");

        let reports = key(json!(["reports"]), None).await;
        reports.get("/api/v1/customers").await.expect(200);
        reports
            .post("/api/v1/customers", json!({"phone": "+79215550109"}))
            .await
            .refused(403, "forbidden");
        reports
            .patch("/api/v1/venues/a", json!({"name": "x"}))
            .await
            .refused(403, "forbidden");
    });
}

async fn sell(by: &Client, number: &str, venue: &str, at: &str, redeem: Option<&str>, lines: Value) -> Value {
    let mut receipt = json!({"source": "till", "external_id": number, "number": number, "venue_id": venue,
        "closed_at": at, "customer": {"phone": "+79215550101"}, "lines": lines});
    if let Some(redeem) = redeem {
        receipt["redeem"] = json!(redeem);
    }
    by.post("/api/v1/receipts", receipt).await.expect(201)
}

#[test]
fn transactions_are_filtered_and_added_up() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        venue(&anna, "a", "10").await;
        venue(&anna, "b", "10").await;
        let guest = json!({"phone": "+79215550101", "external_id": "crm-1", "name": "Мария"});
        anna.post("/api/v1/customers", guest).await.expect(201);
        let coffee = |amount: &str| json!([{"name": "Капучино", "category_id": "17", "amount": amount}]);
        // Saturday 20:30 and Sunday 11:00 in Moscow.
        sell(
            &anna,
            "1",
            "a",
            "2026-11-21T20:30:00+03:00",
            None,
            coffee("1000.00"),
        )
        .await;
        let cake = json!([{"name": "ТОРТ", "category_id": "18", "amount": "500.00"}]);
        sell(&anna, "2", "b", "2026-11-22T11:00:00+03:00", Some("60.00"), cake).await;
        let credit = json!({"amount": "15.00", "comment": "Извинения"});
        let path = "/api/v1/customers/crm-1/credits";
        anna.with("idempotency-key", "1")
            .post(path, credit)
            .await
            .expect(201);

        let all = anna
            .get("/api/v1/transactions?with_totals=true")
            .await
            .expect(200);
        assert_eq!(all["totals"]["count"], 4);
        assert_eq!(all["totals"]["accrued"], "159.00");
        assert_eq!(all["totals"]["redeemed"], "60.00");
        let by_type = json!([
            {"type": "admin", "count": 1, "accrued": "15.00", "redeemed": "0.00"},
            {"type": "place", "count": 3, "accrued": "144.00", "redeemed": "60.00"},
        ]);
        assert_eq!(all["totals"]["by_type"], by_type);
        let newest = &all["items"][0];
        assert_eq!(
            (&newest["type"], &newest["comment"]),
            (&json!("admin"), &json!("Извинения"))
        );
        assert_eq!(all["items"][3]["receipt_number"], "1");
        assert_eq!(all["items"][3]["receipt_total"], "1000.00");
        assert_eq!(all["items"][3]["customer_name"], "Мария");

        let category = anna
            .post(
                "/api/v1/venues/b/categories",
                json!({"external_id": "18", "name": "Торты"}),
            )
            .await
            .expect(201);
        for (query, count) in [
            ("", 4),
            ("from=2026-11-22", 3),
            ("to=2026-11-21", 1),
            ("from=2026-11-21&to=2026-11-21", 1),
            ("from=2026-11-21T17:30:00Z&to=2026-11-22T08:00:00Z", 1),
            ("type=place", 3),
            ("type=place,admin", 4),
            ("type=delivery", 0),
            ("direction=redemption", 1),
            ("direction=accrual", 3),
            ("mechanics=purchase", 3),
            ("mechanics=admin", 1),
            ("mechanics=purchase,admin", 4),
            ("mechanics=expiry", 0),
            ("venue_id=a", 1),
            ("venue_id=a,b", 3),
            ("customer_id=crm-1", 4),
            ("item=%D1%82%D0%BE%D1%80%D1%82", 2),
            ("item=%25", 0),
            ("category_id=17", 1),
            (&format!("category_id={}", id(&category)), 2),
            ("weekday=6", 1),
            ("weekday=6,7", 3),
            ("weekday=1", 0),
            ("hour=20", 1),
            ("hour=11,12", 2),
            ("receipt_min=500", 3),
            ("receipt_min=500.01", 1),
            ("receipt_max=999.99", 2),
            ("advertising_source=tv", 0),
        ] {
            let page = anna
                .get(&format!("/api/v1/transactions?with_totals=true&{query}"))
                .await
                .expect(200);
            assert_eq!(ids(&page).len(), count, "{query}");
            assert_eq!(page["totals"]["count"], count, "{query}");
        }
        for (query, name) in [
            ("weekday=8", "weekday"),
            ("hour=24", "hour"),
            ("mechanics=magic", "mechanics"),
            ("from=yesterday", "from"),
            ("from=2026-11-22&to=2026-11-20", "to"),
            ("receipt_min=x", "receipt_min"),
            ("direction=up", "direction"),
        ] {
            assert_eq!(
                fault(&anna.get(&format!("/api/v1/transactions?{query}")).await),
                name,
                "{query}"
            );
        }
        let first = anna.get("/api/v1/transactions?limit=3").await.expect(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = anna
            .get(&format!("/api/v1/transactions?limit=3&cursor={cursor}"))
            .await
            .expect(200);
        assert_eq!([ids(&first), ids(&second)].concat(), ids(&all));
        assert_eq!(second["next_cursor"], Value::Null);
        let his = anna.get("/api/v1/customers/crm-1/transactions").await.expect(200);
        assert_eq!(ids(&his), ids(&all));

        let lots = anna.get("/api/v1/customers/crm-1/lots").await.expect(200);
        let left: Vec<_> = lots["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["remaining"].clone())
            .collect();
        assert_eq!(left, [json!("40.00"), json!("44.00"), json!("15.00")]);
        assert!(lots["items"][0]["receipt_id"].is_string());
        assert_eq!(lots["items"][0]["state"], "active");

        let one = anna
            .new_key(json!({"name": "k", "scopes": ["reports"], "venue_id": "a"}))
            .await
            .1;
        let limited = service.anybody().key(&one);
        let seen = limited
            .get("/api/v1/transactions?with_totals=true")
            .await
            .expect(200);
        assert_eq!(
            (ids(&seen).len(), &seen["totals"]["accrued"]),
            (1, &json!("100.00"))
        );
    });
}

#[test]
fn venues_settle_with_each_other() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let a = id(&venue(&anna, "a", "10").await);
        let b = id(&venue(&anna, "b", "10").await);
        anna.post("/api/v1/customers", json!({"phone": "+79215550101"}))
            .await
            .expect(201);
        let lines = |amount: &str| json!([{"name": "Обед", "amount": amount}]);
        sell(
            &anna,
            "1",
            "a",
            "2026-11-21T12:00:00+03:00",
            None,
            lines("1000.00"),
        )
        .await;
        sell(
            &anna,
            "2",
            "b",
            "2026-11-22T11:00:00+03:00",
            Some("60.00"),
            lines("500.00"),
        )
        .await;
        let table = anna
            .get("/api/v1/settlements?from=2026-11-01&to=2026-11-30")
            .await
            .expect(200);
        assert_eq!(
            table["redeemed"],
            json!([{"venue_id": b, "issuer_venue_id": a, "amount": "60.00"}])
        );
        let issued = json!([{"venue_id": a, "amount": "100.00"}, {"venue_id": b, "amount": "44.00"}]);
        assert_eq!(table["issued"], issued);
        let owed = json!([{"debtor_venue_id": a, "creditor_venue_id": b, "amount": "60.00"}]);
        assert_eq!(table["debts"], owed);
        let before = anna
            .get("/api/v1/settlements?from=2026-11-01&to=2026-11-21")
            .await
            .expect(200);
        assert_eq!((&before["debts"], &before["redeemed"]), (&json!([]), &json!([])));
        assert_eq!(
            fault(&anna.get("/api/v1/settlements?from=2026-11-01").await),
            "to"
        );
    });
}

#[test]
fn a_potential_customer_joins_and_keeps_his_bonuses() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        venue(&anna, "a", "10").await;
        let receipt = json!({"source": "till", "external_id": "1", "venue_id": "a",
            "closed_at": "2026-11-22T11:00:00+03:00", "phone": "+79215550101",
            "lines": [{"name": "Обед", "amount": "1000.00"}]});
        anna.post("/api/v1/receipts", receipt).await.expect(201);
        let potential = anna.get("/api/v1/customers?status=potential").await.expect(200);
        let before = &potential["items"][0];
        assert_eq!(before["registered_at"], Value::Null);
        anna.post(&format!("/api/v1/customers/{}/block", id(before)), Value::Null)
            .await
            .expect(200);
        let back = anna
            .post(&format!("/api/v1/customers/{}/unblock", id(before)), Value::Null)
            .await
            .expect(200);
        assert_eq!(back["status"], "potential");
        let joined = anna
            .post(
                "/api/v1/customers",
                json!({"phone": "89215550101", "name": "Мария"}),
            )
            .await
            .expect(200);
        assert_eq!(id(&joined), id(before));
        assert_eq!(
            (&joined["status"], &joined["name"]),
            (&json!("registered"), &json!("Мария"))
        );
        let lots = anna
            .get(&format!("/api/v1/customers/{}/lots", id(&joined)))
            .await
            .expect(200);
        assert_eq!(lots["items"][0]["remaining"], "100.00");
    });
}
