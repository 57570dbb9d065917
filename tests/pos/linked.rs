//! Connections of one venue whose orders are the same: linked and parted at any time, and warned of where they are not.

use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

impl Till {
    /// One more connection of the venue: its id and its token.
    async fn another(&self, kind: &str, name: &str, settings: Value) -> (String, String) {
        let new = json!({"venue_id": "r", "kind": kind, "name": name, "settings": settings});
        let made = self.owner.post("/api/v1/connections", new).await.expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    async fn connection(&self, id: &str) -> Value {
        self.owner
            .get(&format!("/api/v1/connections/{id}"))
            .await
            .expect(200)
    }

    async fn first(&self) -> String {
        let all = self.owner.get("/api/v1/connections").await.expect(200);
        all["items"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn link(&self, id: &str, other: Value) -> Value {
        let change = json!({"shares_orders_with": other});
        let path = format!("/api/v1/connections/{id}");
        self.owner.patch(&path, change).await.expect(200)
    }
}

#[test]
fn connections_that_count_the_same_are_one_warning_and_links_silence_it() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let first = till.first().await;
        let (second, _) = till.another("iiko", "Запасной", json!({})).await;
        let (hall, _) = till.another("rkeeper", "Зал", json!({})).await;
        let warned = till.connection(&first).await["warnings"].clone();
        assert_eq!(warned.as_array().unwrap().len(), 1, "{warned}");
        assert_eq!(warned[0]["connection_ids"], json!([second, hall]));
        let words = warned[0]["words"]["ru"].as_str().unwrap();
        assert!(
            words.contains("«Запасной», «Зал»") && words.contains("shares_orders_with"),
            "{words}"
        );

        let linked = till.link(&second, json!(first)).await;
        assert_eq!(linked["shares_orders_with"], json!(first));
        assert_eq!(linked["warnings"][0]["connection_ids"], json!([hall]));
        let words = linked["warnings"][0]["words"]["ru"].as_str().unwrap();
        assert!(
            !words.contains("shares_orders_with"),
            "no link would help: {words}"
        );

        // What can't be linked, and why.
        let refused = |id: String, other: Value| {
            let (owner, change) = (till.owner.clone(), json!({"shares_orders_with": other}));
            async move { owner.patch(&format!("/api/v1/connections/{id}"), change).await }
        };
        refused(hall.clone(), json!(first))
            .await
            .refused(422, "orders-named-differently");
        let new = json!({"venue_id": "r", "kind": "rkeeper", "name": "Ещё", "shares_orders_with": first});
        let made = till.owner.post("/api/v1/connections", new).await;
        made.refused(422, "orders-named-differently");
        let (third, _) = till.another("iiko", "Третий", json!({})).await;
        for (id, other) in [(&first, &first), (&first, &third), (&third, &second)] {
            let told = refused(id.clone(), json!(other))
                .await
                .refused(422, "invalid-request");
            assert_eq!(told["errors"][0]["pointer"], "/shares_orders_with");
        }

        let parted = till.link(&second, Value::Null).await;
        assert_eq!(parted["shares_orders_with"], Value::Null);
        let log = till
            .owner
            .get("/api/v1/audit?action=connection.update")
            .await
            .expect(200);
        let newest = &log["items"][0];
        assert_eq!(newest["before"]["shares_orders_with"], json!(first), "{newest}");
        assert_eq!(newest["after"]["shares_orders_with"], Value::Null, "{newest}");
    });
}

#[test]
fn rkeeper_connections_of_different_restaurants_do_not_count_twice() {
    each_database_async(|store| async move {
        let till = Till::new(
            &Service::on(store),
            "rkeeper",
            json!({"restaurants": ["199990001"]}),
        )
        .await;
        let first = till.first().await;
        let (other, _) = till
            .another("rkeeper", "Бар", json!({"restaurants": ["0002"]}))
            .await;
        assert_eq!(till.connection(&other).await["warnings"], json!([]));
        let (same, _) = till
            .another("rkeeper", "Зал", json!({"restaurants": ["1"]}))
            .await;
        let warned = till.connection(&same).await["warnings"].clone();
        assert_eq!(warned[0]["connection_ids"], json!([first]), "{warned}");
    });
}

#[test]
fn what_was_told_before_a_link_is_found_after_it() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let first = till.first().await;
        let (second, token) = till.another("iiko", "Запасной", json!({})).await;
        let event: Value =
            serde_json::from_str(&fixture("iiko/fixtures/delivery-closed.request.json")).unwrap();
        let send = |event: Value| {
            let (anybody, door) = (till.service.anybody(), format!("/pos/iiko/{token}"));
            async move { anybody.post_bytes(&door, event.to_string()).await }
        };
        send(event.clone()).await;
        let sold = till.transactions().await;
        assert_eq!(sold.len(), 1, "{sold:?}");

        // Linked: a repeat is a repeat. Parted again: still.
        for other in [json!(first), Value::Null, json!(first)] {
            till.link(&second, other).await;
            send(event.clone()).await;
            assert_eq!(till.transactions().await, sold);
        }
        // A sale that is told while they are linked is one, whoever tells it, and after they are parted too.
        let other = event.to_string().replace(
            event[0]["eventInfo"]["id"].as_str().unwrap(),
            "5ab5ab5a-b5ab-45ab-85ab-b5ab5ab5ab5a",
        );
        till.send("POST", "", other.clone()).await;
        send(serde_json::from_str(&other).unwrap()).await;
        till.link(&second, Value::Null).await;
        send(serde_json::from_str(&other).unwrap()).await;
        assert_eq!(till.transactions().await.len(), 2);

        // The sale of before the link is undone where it is.
        till.link(&second, json!(first)).await;
        let mut cancelled = event.clone();
        let at = event[0]["eventInfo"]["timestamp"].as_i64().unwrap();
        cancelled[0]["eventInfo"]["timestamp"] = json!(at + 1000);
        cancelled[0]["eventInfo"]["order"]["status"] = json!("Cancelled");
        send(cancelled).await;
        let after = till.transactions().await;
        assert_eq!(after.len(), 3, "{after:?}");
        till.assert_books();
    });
}

#[test]
fn a_transaction_type_that_the_venue_lacks_is_warned_of() {
    each_database_async(|store| async move {
        let till = Till::new(
            &Service::on(store),
            "rkeeper",
            json!({"delivery_order_categories": ["3"]}),
        )
        .await;
        let (id, _) = till.another("rkeeper-delivery", "Доставка", json!({})).await;
        assert_eq!(till.connection(&id).await["warnings"], json!([]));
        let types = json!({"types": ["place"], "default_type": "place"});
        till.owner.patch("/api/v1/venues/r", types).await.expect(200);
        let warned = till.connection(&id).await["warnings"].clone();
        assert_eq!(warned[0]["code"], "unknown-type", "{warned}");
        assert!(
            warned[0]["words"]["en"].as_str().unwrap().contains("delivery"),
            "{warned}"
        );
    });
}

#[test]
fn a_message_at_another_systems_door_leaves_a_trace_and_nothing_else() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let door = format!("/pos/iiko/{}/webhook", till.token);
        let answer = till.service.anybody().post_bytes(&door, "[]").await;
        assert_eq!(answer.status.as_u16(), 404);
        let kept = till.messages("refused").await;
        assert_eq!(kept["items"][0]["code"], "wrong-kind", "{kept}");
        assert_eq!(kept["items"][0]["needs_nobody"], "turned-away", "{kept}");
        assert!(
            kept["items"][0]["detail"]
                .as_str()
                .unwrap()
                .contains("/pos/iiko/"),
            "{kept}"
        );
        assert_eq!(kept["items"][0]["bytes"], 0, "nobody has listened to its body");
    });
}

#[test]
fn a_venue_whose_receipts_accrue_nothing_is_warned_of() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let found = till.owner.get("/api/v1/connections").await.expect(200);
        let id = found["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(till.connection(&id).await["warnings"], json!([]));
        let nothing = json!({"base_percent": "0"});
        till.owner.patch("/api/v1/venues/r", nothing).await.expect(200);
        let warned = till.connection(&id).await["warnings"].clone();
        assert_eq!(warned[0]["code"], "accrues-nothing", "{warned}");
        for (language, words) in [("ru", "базовый бонус 0 %"), ("en", "base bonus is 0 %")] {
            assert!(
                warned[0]["words"][language].as_str().unwrap().contains(words),
                "{warned}"
            );
        }
        // The till counts what accrues: the base bonus does not matter.
        till.set(json!({"accrual_source": "till"})).await;
        assert_eq!(till.connection(&id).await["warnings"], json!([]));
    });
}
