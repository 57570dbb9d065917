//! Guests at the till: found as one types, registered, known by their own code, and the messages about them.

use serde_json::{Value, json};

use super::{Cafe, sale, text};
use crate::databases::each_database_async;

#[test]
fn guests_are_found_as_one_types() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        for (i, (name, phone)) in [
            ("Анна Иванова", "+79215550117"),
            ("Иван Петров", "+79210117555"),
            ("Ольга", "+79995550000"),
        ]
        .iter()
        .enumerate()
        {
            let guest = json!({"name": name, "phone": phone, "card": format!("900000000{i}")});
            cafe.owner.post("/api/v1/customers", guest).await.expect(201);
        }
        let found = async |q: &str| -> Vec<String> {
            let q: String = q.bytes().map(|b| format!("%{b:02X}")).collect();
            let answer = cafe
                .till
                .get(&format!("/api/v1/till/guests?q={q}"))
                .await
                .expect(200);
            answer["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|g| text(g, "name"))
                .collect()
        };
        assert_eq!(
            found("0117").await,
            ["Анна Иванова", "Иван Петров"],
            "last digits first"
        );
        assert_eq!(found("8 (921) 555-01").await, ["Анна Иванова", "Гость Первый"]);
        assert_eq!(found("+7 999").await, ["Ольга"]);
        assert_eq!(found("777").await, ["Гость Первый"], "by card");
        assert_eq!(
            found("иван").await,
            ["Иван Петров", "Анна Иванова"],
            "a name that begins so first"
        );
        for little in ["", "01", "и", "%%", "  "] {
            assert_eq!(found(little).await, Vec::<String>::new(), "{little}");
        }
        let answer = cafe.till.get("/api/v1/till/guests?q=5550101").await.expect(200);
        assert_eq!(
            answer["items"],
            json!([{"id": cafe.guest, "name": "Гость Первый", "phone": "+7 ··· 01-01", "card": "777",
                "available": "500.00", "status": "registered"}])
        );
        for i in 0..12 {
            let guest = json!({"phone": format!("+792177700{i:02}")});
            cafe.owner.post("/api/v1/customers", guest).await.expect(201);
        }
        let answer = cafe.till.get("/api/v1/till/guests?q=217770").await.expect(200);
        assert_eq!(answer["items"].as_array().unwrap().len(), 8);
    });
}

#[test]
fn a_guest_joins_at_the_till() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let consent = json!({"settings": {"consent_version": "2", "consent_text": "Согласен.", "join_url": "https://x.example/j"}});
        cafe.owner.patch("/api/v1/network", consent).await.expect(200);
        let start = cafe.till.get("/api/v1/till").await.expect(200);
        assert_eq!(start["consent"], json!({"version": "2", "text": "Согласен."}));
        assert_eq!(start["network"]["join_url"], "https://x.example/j");
        let path = "/api/v1/till/guests";
        let new = json!({"phone": "8 921 555-90-01", "name": "Вера", "birthday": "1990-03-08"});
        let refused = cafe
            .till
            .post(path, new.clone())
            .await
            .refused(422, "invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/consent_version");
        let wrong = json!({"phone": "12", "consent_version": "2"});
        let refused = cafe.till.post(path, wrong).await.refused(422, "invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/phone");
        let mut agreed = new;
        agreed["consent_version"] = json!("2");
        let joined = cafe.till.post(path, agreed.clone()).await.expect(201);
        assert_eq!(
            (&joined["name"], &joined["status"]),
            (&json!("Вера"), &json!("registered"))
        );
        assert_eq!(joined["balance"]["available"], "0.00");
        let again = cafe.till.post(path, agreed).await.expect(200);
        assert_eq!((&again["id"], &again["already"]), (&joined["id"], &json!(true)));
        let stored = cafe
            .owner
            .get(&format!("/api/v1/customers/{}", text(&joined, "id")))
            .await
            .expect(200);
        assert_eq!(
            (&stored["consent_version"], &stored["venue_id"]),
            (&json!("2"), &cafe.start["venue"]["id"])
        );

        // Who was known by his telephone only keeps his history.
        let mut order = sale("d-1", "0.00");
        order["customer"] = Value::Null;
        order["phone"] = json!("+79215559002");
        let closed = cafe.till.post("/api/v1/receipts", order).await.expect(201);
        let joined = cafe
            .till
            .post(
                path,
                json!({"phone": "+79215559002", "name": "Пётр", "consent_version": "2"}),
            )
            .await
            .expect(200);
        assert_eq!(
            (&joined["id"], &joined["status"]),
            (&closed["customer_id"], &json!("registered"))
        );
        assert!(joined.get("already").is_none(), "{joined}");
        assert_eq!(joined["balance"]["available"], "40.00");
    });
}

#[test]
fn a_guests_own_code_lives_for_five_minutes() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let code = cafe
            .owner
            .post("/api/v1/customers/crm-1/qr", json!({}))
            .await
            .expect(200);
        assert_eq!(code["expires_at"], "2026-11-22T09:05:00Z");
        let qr = text(&code, "qr");
        cafe.till
            .post("/api/v1/customers/crm-1/qr", json!({}))
            .await
            .refused(403, "forbidden");
        let identify = "/api/v1/customers/identify";
        let guest = cafe.till.post(identify, json!({"qr": qr})).await.expect(200);
        assert_eq!(guest["id"], cafe.guest.as_str());
        // A card's own code is a card's number.
        cafe.till.post(identify, json!({"qr": "777"})).await.expect(200);
        cafe.till
            .post(identify, json!({"qr": "778"}))
            .await
            .refused(404, "customer-not-found");
        let mut forged = qr.clone().into_bytes();
        forged[10] = if forged[10] == b'A' { b'B' } else { b'A' };
        for wrong in [
            String::from_utf8(forged).unwrap(),
            "kq1.".to_owned(),
            "kq1.!".to_owned(),
            format!("{qr}AAAA"),
            qr[..qr.len() - 8].to_owned(),
        ] {
            cafe.till
                .post(identify, json!({"qr": wrong}))
                .await
                .refused(422, "qr-unreadable");
        }
        let mut bought = sale("q-1", "0.00");
        bought["customer"] = json!({"qr": qr});
        let first = cafe
            .till
            .post("/api/v1/receipts", bought.clone())
            .await
            .expect(201);
        assert_eq!(first["customer_id"], cafe.guest.as_str());
        cafe.later(5);
        cafe.till
            .post(identify, json!({"qr": qr}))
            .await
            .refused(422, "qr-expired");
        // The receipt was closed while it lived: an answer that was lost is given again.
        let again = cafe
            .till
            .post("/api/v1/receipts", bought.clone())
            .await
            .expect(200);
        assert_eq!(again["id"], first["id"]);
        bought["external_id"] = json!("q-2");
        bought["closed_at"] = json!("2026-11-22T12:05:00+03:00");
        cafe.till
            .post("/api/v1/receipts", bought)
            .await
            .refused(422, "qr-expired");
        // Another network's code is nobody's here.
        let boris = cafe.service.owner("boris").await;
        let theirs = json!({"external_id": "crm-1", "card": "777"});
        boris.post("/api/v1/customers", theirs).await.expect(201);
        let code = boris
            .post("/api/v1/customers/crm-1/qr", json!({}))
            .await
            .expect(200);
        cafe.till
            .post(identify, json!({"qr": code["qr"]}))
            .await
            .refused(422, "qr-unreadable");
    });
}

#[test]
fn a_ticked_message_stays_ticked_for_the_business_day() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let change = json!({"birthday": "1990-11-23", "cashier_note": "Аллергия на орехи"});
        cafe.owner
            .patch("/api/v1/customers/crm-1", change)
            .await
            .expect(200);
        let messages = async || {
            let guest = cafe
                .till
                .post("/api/v1/customers/identify", json!({"card": "777"}))
                .await;
            let guest = guest.expect(200);
            let ticked = |m: &Value| (text(m, "code"), m["ticked"].as_bool().unwrap());
            let found: Vec<_> = guest["cashier_messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(ticked)
                .collect();
            found
        };
        let of = |birthday, note| vec![("birthday".to_owned(), birthday), ("note".to_owned(), note)];
        assert_eq!(messages().await, of(false, false));
        let tick = json!({"customer_id": cafe.guest, "code": "birthday"});
        for _ in 0..2 {
            cafe.till
                .post("/api/v1/till/messages/tick", tick.clone())
                .await
                .expect(204);
        }
        assert_eq!(messages().await, of(true, false));
        // Another till of the venue sees it; the next day it is a message again.
        let key = json!({"name": "k", "scopes": ["till"], "venue_id": "a"});
        let (_, secret) = cafe.owner.new_key(key).await;
        let other = cafe.service.anybody().key(&secret);
        let guest = other
            .post("/api/v1/customers/identify", json!({"card": "777"}))
            .await
            .expect(200);
        assert_eq!(guest["cashier_messages"][0]["ticked"], true);
        cafe.later(24 * 60);
        cafe.unlock().await;
        assert_eq!(messages().await, of(false, false));
        let nobody = json!({"customer_id": "crm-9", "code": "birthday"});
        cafe.till
            .post("/api/v1/till/messages/tick", nobody)
            .await
            .refused(404, "not-found");
    });
}

#[test]
fn the_menu_is_sent_where_it_has_changed() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let category = json!({"external_id": "c", "name": "Кофе"});
        cafe.owner
            .post("/api/v1/venues/a/categories", category)
            .await
            .expect(201);
        let make = async |name: &str, unit: Value| {
            let product = json!({"name": name, "price": "190.00", "category_id": "c", "barcode": format!("46{name}"), "unit": unit});
            text(
                &cafe
                    .owner
                    .post("/api/v1/venues/a/products", product)
                    .await
                    .expect(201),
                "id",
            )
        };
        let (coffee, cheese) = (make("1", Value::Null).await, make("2", json!("kg")).await);
        let first = cafe.till.get("/api/v1/till/menu").await;
        let menu = first.expect(200);
        assert_eq!(menu["categories"], json!([{"id": "c", "name": "Кофе"}]));
        let product = |id: &str, name: &str, unit: &str, favourite: bool| {
            json!({"id": id, "name": name, "price": "190.00", "category_id": "c", "unit": unit,
                "barcode": format!("46{name}"), "favourite": favourite})
        };
        assert_eq!(
            menu["products"],
            json!([
                product(&coffee, "1", "piece", false),
                product(&cheese, "2", "kg", false)
            ])
        );
        let known = cafe.till.with("if-none-match", first.header("etag"));
        let same = known.get("/api/v1/till/menu").await;
        assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
        let favourites = "/api/v1/till/favourites";
        cafe.till
            .put(favourites, json!({"product_ids": [cheese]}))
            .await
            .expect(204);
        let menu = known.get("/api/v1/till/menu").await.expect(200);
        assert_eq!(
            menu["products"],
            json!([
                product(&cheese, "2", "kg", true),
                product(&coffee, "1", "piece", false)
            ])
        );
        let unknown = json!({"product_ids": ["prd_01hgw3zj3q7hx"]});
        cafe.till
            .put(favourites, unknown)
            .await
            .refused(422, "invalid-request");
        cafe.owner
            .delete(&format!("/api/v1/venues/a/products/{cheese}"))
            .await;
        let menu = cafe.till.get("/api/v1/till/menu").await.expect(200);
        assert_eq!(menu["products"], json!([product(&coffee, "1", "piece", false)]));
    });
}
