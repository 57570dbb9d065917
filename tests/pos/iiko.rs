//! iiko: webhooks of orders.

use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

fn webhook() -> Value {
    serde_json::from_str(&fixture("iiko/fixtures/delivery-closed.request.json")).unwrap()
}

#[test]
fn a_closed_delivery_accrues_once_to_a_potential_customer_and_follows_its_versions() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let event = webhook();
        for _ in 0..3 {
            let answer = till.send("POST", "", event.to_string()).await;
            assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        }
        let found = till
            .owner
            .get("/api/v1/customers?phone=%2B79005550202")
            .await
            .expect(200);
        let guest = &found["items"][0];
        assert_eq!(
            (guest["status"].as_str(), guest["name"].as_str()),
            (Some("potential"), Some("Игорь"))
        );
        let id = guest["id"].as_str().unwrap().to_owned();
        assert_eq!(till.balance(&id).await, "52.00");

        // A newer snapshot with another sum posts the difference, an older one changes nothing.
        let mut newer = event.clone();
        newer[0]["eventInfo"]["timestamp"] =
            json!(event[0]["eventInfo"]["timestamp"].as_i64().unwrap() + 1000);
        let items = newer[0]["eventInfo"]["order"]["items"].as_array_mut().unwrap();
        let delivery = items
            .iter_mut()
            .find(|i| i["service"]["name"] == "Доставка")
            .unwrap();
        delivery["cost"] = json!(90);
        newer[0]["eventInfo"]["order"]["sum"] = json!(940);
        let payments = newer[0]["eventInfo"]["order"]["payments"].as_array_mut().unwrap();
        payments[0]["sum"] = json!(940);
        till.send("POST", "", newer.to_string()).await;
        assert_eq!(till.balance(&id).await, "47.00");
        till.send("POST", "", event.to_string()).await;
        assert_eq!(till.balance(&id).await, "47.00");

        // Cancelled, then closed again by a newer snapshot, then cancelled once more.
        for (step, (status, balance)) in [("Cancelled", "0.00"), ("Closed", "47.00"), ("Cancelled", "0.00")]
            .iter()
            .enumerate()
        {
            let mut next = newer.clone();
            let base = newer[0]["eventInfo"]["timestamp"].as_i64().unwrap();
            next[0]["eventInfo"]["timestamp"] = json!(base + 1000 * (i64::try_from(step).unwrap() + 1));
            next[0]["eventInfo"]["order"]["status"] = json!(status);
            till.send("POST", "", next.to_string()).await;
            assert_eq!(till.balance(&id).await, *balance, "step {step}");
        }
        till.assert_books();
    });
}

#[test]
fn orders_that_are_not_closed_post_nothing() {
    each_database_async(|store| async move {
        let settings = serde_json::from_str(&fixture("iiko/fixtures/not-sold.settings.json")).unwrap();
        let till = Till::new(&Service::on(store), "iiko", settings).await;
        let answer = till
            .send("POST", "", fixture("iiko/fixtures/not-sold.request.json"))
            .await;
        assert_eq!(answer.status.as_u16(), 200);
        let answer = till
            .send("POST", "", fixture("iiko/fixtures/broken-message.request.json"))
            .await;
        assert_eq!(answer.status.as_u16(), 200);
        assert!(till.transactions().await.is_empty());
    });
}

#[test]
fn an_order_cancelled_before_it_was_sold_waits_for_ever_and_its_sale_still_comes_out_right() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let sold = webhook();
        let stamp = sold[0]["eventInfo"]["timestamp"].as_i64().unwrap();
        let at = |status: &str, later: i64| {
            let mut event = sold.clone();
            event[0]["eventInfo"]["timestamp"] = json!(stamp + later);
            event[0]["eventInfo"]["order"]["status"] = json!(status);
            event.to_string()
        };
        till.send("POST", "", at("Cancelled", 1000)).await;
        assert!(till.transactions().await.is_empty());

        let later = till.service.clock_now() + chrono::Duration::days(400);
        till.service.clock.move_to(later);
        kopilka::worker::cleaning::clean(&till.service.app, Some(30))
            .await
            .unwrap();
        // The sale of before the cancellation comes at last: it never was one, and nobody has anything to mend.
        till.send("POST", "", at("Closed", 0)).await;
        assert!(till.transactions().await.is_empty());
        let waiting = till.messages("waiting").await;
        assert_eq!(waiting["items"].as_array().unwrap().len(), 0);
        // Sold once more, it is a sale.
        till.send("POST", "", at("Closed", 2000)).await;
        let found = till
            .owner
            .get("/api/v1/customers?phone=%2B79005550202")
            .await
            .expect(200);
        let id = found["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(till.balance(&id).await, "52.00");
        till.assert_books();
    });
}

/// The event under one of its order's ids only, or under both.
fn named(event: &Value, at: i64, id: bool, pos_id: bool) -> Value {
    let mut named = event.clone();
    let info = &mut named[0]["eventInfo"];
    info["timestamp"] = json!(event[0]["eventInfo"]["timestamp"].as_i64().unwrap() + at);
    if !id {
        info["id"] = Value::Null;
    }
    if !pos_id {
        info["posId"] = Value::Null;
    }
    named
}

#[test]
fn an_order_is_one_receipt_by_whichever_of_its_ids_it_is_named() {
    each_database_async(|store| async move {
        // In which order messages name it: by the cloud's id, by the till's, or by both.
        let (cloud, pos, both) = ((true, false), (false, true), (true, true));
        for names in [
            [cloud, both, pos],
            [pos, both, cloud],
            [both, pos, cloud],
            [cloud, both, cloud],
        ] {
            let service = Service::on(store.clone());
            let login = format!("owner-{names:?}@iiko.example").replace([' ', '(', ')', '[', ']', ','], "");
            let till = Till::of(&login, &service, "iiko", json!({})).await;
            let event = webhook();
            for (at, (id, pos_id)) in (0_i64..).zip(names) {
                let answer = till
                    .send("POST", "", named(&event, at, id, pos_id).to_string())
                    .await;
                assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
            }
            assert_eq!(till.transactions().await.len(), 1, "{names:?}");
            // A cancellation finds it by any of them.
            let (id, pos_id) = names[2];
            let mut cancelled = named(&event, 10, id, pos_id);
            cancelled[0]["eventInfo"]["order"]["status"] = json!("Cancelled");
            till.send("POST", "", cancelled.to_string()).await;
            let moved = till.transactions().await;
            assert_eq!(moved.len(), 2, "{names:?}: {moved:?}");
            till.assert_books();
        }
    });
}

#[test]
fn connections_of_two_venues_that_are_fed_from_one_restaurant_are_warned_of() {
    each_database_async(|store| async move {
        let (place, other) = (
            "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10",
            "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a11",
        );
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let owner = &till.owner;
        let first = owner.get("/api/v1/connections").await.expect(200)["items"][0].clone();
        let venue = json!({"name": "Второй", "external_id": "b", "time_zone": "Europe/Moscow", "base_percent": "5",
            "types": ["place", "delivery"], "default_type": "place"});
        owner.post("/api/v1/venues", venue).await.expect(201);
        let second = json!({"venue_id": "b", "kind": "iiko", "name": "На набережной"});
        let second = owner.post("/api/v1/connections", second).await.expect(201);
        let path = |of: &Value| format!("/api/v1/connections/{}", of["id"].as_str().unwrap());
        let key = |login: &str, organizations: &[&str]| json!({"cloud": {"api_login": login, "organizations": organizations}});
        let named = |organizations: &[&str], groups: &[&str]| json!({"organizations": organizations, "terminal_groups": groups});
        for (mine, theirs, warned) in [
            (json!({}), json!({}), false),
            (key("chain", &[]), key("chain", &[]), true),
            (key("one", &[]), key("two", &[]), false),
            (key("chain", &[place]), key("chain", &[]), true),
            (key("chain", &[place]), key("chain", &[other]), false),
            (named(&[place], &[]), key("two", &[place]), true),
            (named(&[place], &[place]), named(&[place], &[other]), false),
        ] {
            for (connection, settings) in [(&first, &mine), (&second, &theirs)] {
                let change = json!({"settings": settings});
                owner.patch(&path(connection), change).await.expect(200);
            }
            for (of, another) in [(&first, &second), (&second, &first)] {
                let warnings = owner.get(&path(of)).await.expect(200)["warnings"].clone();
                let codes: Vec<&Value> = warnings
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|warning| &warning["code"])
                    .collect();
                assert_eq!(
                    codes == ["counts-elsewhere"],
                    warned,
                    "{mine} {theirs}: {warnings}"
                );
                if warned {
                    assert_eq!(warnings[0]["connection_ids"], json!([another["id"]]));
                }
            }
        }
        let off = json!({"active": false});
        owner.patch(&path(&second), off).await.expect(200);
        assert_eq!(owner.get(&path(&first)).await.expect(200)["warnings"], json!([]));
    });
}

#[test]
fn roads_that_share_their_orders_make_one_receipt_and_those_that_do_not_are_warned_of() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let first = till.owner.get("/api/v1/connections").await.expect(200)["items"][0].clone();
        assert_eq!(first["warnings"], json!([]));
        let second = |shares: Value| json!({"venue_id": "r", "kind": "iiko", "name": "Запасной", "shares_orders_with": shares});
        let apart = till
            .owner
            .post("/api/v1/connections", second(Value::Null))
            .await
            .expect(201);
        assert_eq!(apart["warnings"][0]["code"], "counts-twice");
        assert_eq!(apart["warnings"][0]["connection_ids"], json!([first["id"]]));
        let words = apart["warnings"][0]["words"]["ru"].as_str().unwrap();
        assert!(words.contains("(iiko: hall, delivery, "), "{words}");
        let path = format!("/api/v1/connections/{}", apart["id"].as_str().unwrap());
        let off = till
            .owner
            .patch(&path, json!({"active": false}))
            .await
            .expect(200);
        assert_eq!(off["warnings"], json!([]));

        let shared = till
            .owner
            .post("/api/v1/connections", second(first["id"].clone()))
            .await
            .expect(201);
        assert_eq!(shared["warnings"], json!([]));
        for other in [json!("con_01hgw3zj3q7hx"), shared["id"].clone()] {
            till.owner
                .post("/api/v1/connections", second(other))
                .await
                .expect(422);
        }
        let event = webhook().to_string();
        till.send("POST", "", event.clone()).await;
        let door = format!("/pos/iiko/{}", shared["token"].as_str().unwrap());
        till.service.anybody().post_bytes(&door, event).await;
        assert_eq!(till.transactions().await.len(), 1);
        till.assert_books();
    });
}
