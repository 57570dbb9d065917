//! Nothing that reached us is lost: a person sees it, mends the cause, and replays it.

use kopilka::domain::ids::MessageId;
use kopilka::pos::inbox::replay;
use kopilka::storage::books::all_networks;
use kopilka::storage::messages::{self, MessageFilter};
use serde_json::json;

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

#[test]
fn a_refused_message_is_kept_and_posts_when_it_is_replayed() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store.clone()), "rkeeper", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "320.00").await;
        till.send(
            "POST",
            "transactionsex.php",
            fixture("rkeeper/fixtures/sale-with-redemption.xml"),
        )
        .await;
        till.send(
            "POST",
            "transactionsex.php",
            fixture("rkeeper/fixtures/broken-message.xml"),
        )
        .await;
        let body = json!({"external_id": "x", "venue_id": "r", "closed_at": "2026-11-22T10:00:00+03:00",
            "customer": {"card": "9000000017"}, "total": "100.00", "redeem": "1000.00"});
        till.owner.post("/api/v1/receipts", body).await.expect(422);

        let mut connection = store.connection().unwrap();
        let tenant = all_networks(&mut connection).unwrap().remove(0);
        let mut waiting = |outcome: &str| -> Vec<MessageId> {
            let filter = MessageFilter {
                outcomes: vec![outcome.to_owned()],
                ..MessageFilter::default()
            };
            messages::list_all(&mut connection, tenant, filter, 10)
                .unwrap()
                .into_iter()
                .map(|m| m.id)
                .collect()
        };
        let refused = waiting("refused");
        assert_eq!((refused.len(), waiting("unreadable").len()), (2, 1));

        let app = &till.service.app;
        assert!(
            !replay(app, tenant, refused[1]).await.unwrap().done,
            "the cause is still there"
        );
        let credit = json!({"amount": "1500.00"});
        till.owner
            .post(&format!("/api/v1/customers/{guest}/credits"), credit)
            .await
            .expect(201);
        assert!(replay(app, tenant, refused[1]).await.unwrap().done);
        assert_eq!(till.balance(&guest).await, "1375.75");
        // 1000.00 of 100.00 stays impossible, whoever asks.
        let still = replay(app, tenant, refused[0]).await.unwrap();
        assert!(!still.done && still.answer.contains("redeem-limit"), "{still:?}");
        till.assert_books();
    });
}

#[test]
fn what_a_till_sends_by_rest_is_kept_even_where_it_cannot_be_read() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store.clone()), "rkeeper", json!({})).await;
        let at = "2026-11-22T10:00:00+03:00";
        let unknown_venue =
            json!({"external_id": "1", "venue_id": "nowhere", "closed_at": at, "total": "1.00"});
        till.owner
            .post("/api/v1/receipts", unknown_venue)
            .await
            .expect(404);
        let too_precise = json!({"external_id": "2", "venue_id": "r", "closed_at": at, "total": "1.005"});
        till.owner.post("/api/v1/receipts", too_precise).await.expect(422);
        till.owner
            .post("/api/v1/returns", json!({"external_id": "3", "sale": {}}))
            .await
            .expect(422);

        let mut connection = store.connection().unwrap();
        let tenant = all_networks(&mut connection).unwrap().remove(0);
        let kept = messages::list_all(&mut connection, tenant, MessageFilter::default(), 10).unwrap();
        let kept: Vec<_> = kept
            .iter()
            .rev()
            .map(|m| (m.outcome.as_str(), m.path.as_str()))
            .collect();
        assert_eq!(
            kept,
            [
                ("refused", "/api/v1/receipts"),
                ("refused", "/api/v1/receipts"),
                ("refused", "/api/v1/returns")
            ]
        );
    });
}

#[test]
fn messages_are_found_shown_and_done_again_over_the_api() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let connection = till.owner.get("/api/v1/connections").await.expect(200)["items"][0].clone();
        assert_eq!(connection["state"]["last_message_at"], json!(null));
        let id = connection["id"].as_str().unwrap();
        let guest = till.customer("9000000017", "+79215550101", "320.00").await;
        for name in ["sale-with-redemption", "broken-message", "wrong-encoding"] {
            let file = format!("adapters/rkeeper/fixtures/{name}.xml");
            let body = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            till.send("POST", "transactionsex.php", body).await;
        }
        let count = async |query: &str| {
            let page = till
                .owner
                .get(&format!("/api/v1/messages?{query}"))
                .await
                .expect(200);
            page["items"].as_array().unwrap().len()
        };
        for (query, found) in [
            // Whoever paid with bonuses was told that they do not suffice, and waits no more.
            ("outcome=waiting", 2),
            ("outcome=refused", 1),
            ("outcome=unreadable", 2),
            ("kind=rkeeper&outcome=posted", 0),
            ("kind=rest&outcome=waiting", 0),
            ("kind=rkeeper", 3),
            (&format!("connection_id={id}"), 3),
            ("connection_id=con_01hgw3zj3q7hx", 0),
            ("kind=rkeeper&text=E2D4C9A8-1F37", 3),
            ("kind=rkeeper&text=transactionsex", 3),
            ("kind=rkeeper&text=Kind%3D%220%22", 1),
            ("kind=rkeeper&text=%D0%91%D0%BE%D1%80%D1%89&outcome=refused", 1),
            ("kind=rkeeper&text=100%25", 0),
            ("kind=rkeeper&since=2030-01-01T00:00:00Z", 0),
            ("kind=rkeeper&until=2030-01-01T00:00:00Z", 3),
            ("kind=rkeeper&until=2020-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(count(query).await, found, "{query}");
        }
        let newest = till
            .owner
            .get("/api/v1/messages?kind=rkeeper&limit=2")
            .await
            .expect(200);
        let cursor = newest["next_cursor"].as_str().unwrap();
        assert_eq!(count(&format!("kind=rkeeper&limit=2&cursor={cursor}")).await, 1);

        let refused = till.messages("refused").await["items"][0].clone();
        assert_eq!(refused["code"], "insufficient-balance");
        assert_eq!(refused["needs_nobody"], "answered");
        assert!(
            refused["took_ms"].as_i64().is_some_and(|took| took >= 0),
            "{refused}"
        );
        let path = format!("/api/v1/messages/{}", refused["id"].as_str().unwrap());
        let whole = till.owner.get(&path).await.expect(200);
        let sent = fixture("rkeeper/fixtures/sale-with-redemption.xml");
        assert_eq!(whole["body"].as_str(), Some(sent.as_str()));
        assert_eq!(whole["bytes"].as_u64(), Some(sent.len() as u64));
        let unreadable = till.messages("unreadable").await;
        let odd = format!(
            "/api/v1/messages/{}",
            unreadable["items"][0]["id"].as_str().unwrap()
        );
        let odd = till.owner.get(&odd).await.expect(200);
        assert!(odd["body"].is_null() && odd["body_base64"].is_string(), "{odd}");

        let state = till
            .owner
            .get(&format!("/api/v1/connections/{id}"))
            .await
            .expect(200)["state"]
            .clone();
        assert_eq!(state["outcomes"], json!({"refused": 1, "unreadable": 2}));
        assert_eq!(state["last_error"]["message_id"], unreadable["items"][0]["id"]);
        assert_eq!(state["last_error"]["detail"], unreadable["items"][0]["detail"]);
        assert!(state["last_error"]["detail"].is_string(), "{state}");
        assert!(state["took_ms_max"].as_i64() >= state["took_ms_median"].as_i64());

        let again = till
            .owner
            .post("/api/v1/messages/replay", json!({"outcome": "refused"}))
            .await
            .expect(200);
        assert_eq!(
            (&again["done"], again["items"].as_array().unwrap().len()),
            (&json!(0), 0)
        );
        till.owner
            .post(
                &format!("/api/v1/customers/{guest}/credits"),
                json!({"amount": "180.00"}),
            )
            .await
            .expect(201);
        // The replays that fail are no second messages.
        for _ in 0..2 {
            let again = till
                .owner
                .post("/api/v1/messages/replay", json!({}))
                .await
                .expect(200);
            assert_eq!(again["items"].as_array().unwrap().len(), 2, "{again}");
            assert_eq!(again["done"], json!(0), "{again}");
        }
        assert_eq!(till.balance(&guest).await, "500.00");
        let alone = till
            .owner
            .post(&format!("{path}/replay"), json!({}))
            .await
            .expect(200);
        assert_eq!(alone["done"], json!(true));
        let alone = till
            .owner
            .post(&format!("{path}/replay"), json!({}))
            .await
            .expect(200);
        assert_eq!(alone["done"], json!(true));
        assert_eq!(till.balance(&guest).await, "55.75");
        assert_eq!(till.owner.get(&path).await.expect(200)["outcome"], "replayed");
        for wrong in [
            json!({"limit": 0}),
            json!({"limit": 101}),
            json!({"outcome": "posted"}),
            json!({"outcome": "wating"}),
            json!({"x": 1}),
        ] {
            till.owner
                .post("/api/v1/messages/replay", wrong)
                .await
                .expect(422);
        }
        let log = till
            .owner
            .get("/api/v1/audit?action=message.replay")
            .await
            .expect(200);
        assert!(log["items"].as_array().unwrap().len() >= 3);
        till.assert_books();
    });
}

#[test]
fn who_may_read_messages_and_who_may_do_them_again() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        let broken = fixture("rkeeper/fixtures/broken-message.xml");
        till.send("POST", "transactionsex.php", broken).await;
        let other = json!({"name": "Другой", "external_id": "o", "time_zone": "Europe/Moscow", "base_percent": "5",
            "types": ["place"]});
        till.owner.post("/api/v1/venues", other).await.expect(201);
        let kept = till.owner.get("/api/v1/messages?kind=rkeeper").await.expect(200)["items"][0].clone();
        let path = format!("/api/v1/messages/{}", kept["id"].as_str().unwrap());
        for (scopes, venue, reads, replays) in [
            (json!(["admin"]), None, 200, 200),
            (json!(["reports"]), None, 200, 403),
            (json!(["till", "customers", "marketing"]), None, 403, 403),
            (json!(["admin"]), Some("r"), 200, 200),
            (json!(["admin", "reports"]), Some("o"), 404, 404),
        ] {
            let mut key = json!({"name": "k", "scopes": scopes});
            if let Some(venue) = venue {
                key["venue_id"] = json!(venue);
            }
            let made = till.owner.post("/api/v1/keys", key.clone()).await.expect(201);
            let caller = till.service.anybody().key(made["secret"].as_str().unwrap());
            assert_eq!(caller.get(&path).await.status, reads, "{key}");
            let replayed = caller.post(&format!("{path}/replay"), json!({})).await;
            assert_eq!(replayed.status, replays, "{key}: {}", replayed.text);
            let list = caller.get("/api/v1/messages?kind=rkeeper").await;
            match reads {
                403 => assert_eq!(list.status, 403),
                404 => assert_eq!(list.expect(200)["items"], json!([]), "{key}"),
                _ => assert!(!list.expect(200)["items"].as_array().unwrap().is_empty(), "{key}"),
            }
            let dismissed = caller
                .post(&format!("{path}/dismiss"), json!({"note": "пробный чек"}))
                .await;
            assert_eq!(dismissed.status, replays, "{key}: {}", dismissed.text);
            let many = caller.post("/api/v1/messages/replay", json!({})).await;
            assert_eq!(many.status, if replays == 403 { 403 } else { 200 }, "{key}");
        }
    });
}

#[test]
fn a_write_off_that_is_done_again_takes_bonuses_once() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer("9000000017", "+79215550101", "40.00").await;
        let write_off = "hs/loyaltyservice/writeoffclientbonuses/?ClientCardID=9000000017&BonusesCount=149,5";
        let refused = till.send("POST", write_off, String::new()).await;
        assert_ne!(refused.text, "Бонусы успешно списаны");
        // The cashier was told so, and went on without it: it waits for nobody, and yet a person may do it again.
        assert_eq!(till.messages("waiting").await["items"], json!([]));
        let kept = till.messages("refused").await;
        let path = format!(
            "/api/v1/messages/{}/replay",
            kept["items"][0]["id"].as_str().unwrap()
        );
        // It fails again and stays one message.
        let again = till.owner.post(&path, json!({})).await.expect(200);
        assert_eq!(again["done"], false);
        let still = till.messages("refused").await;
        assert_eq!(still["items"].as_array().unwrap().len(), 1);

        let credit = json!({"amount": "500.00"});
        let credits = format!("/api/v1/customers/{guest}/credits");
        till.owner.post(&credits, credit).await.expect(201);
        for _ in 0..3 {
            let done = till.owner.post(&path, json!({})).await.expect(200);
            assert_eq!(done["done"], true, "{done}");
            assert_eq!(till.balance(&guest).await, "390.50");
            let service = &till.service;
            service
                .clock
                .move_to(service.clock_now() + chrono::Duration::minutes(5));
        }
        till.assert_books();
    });
}

#[test]
fn after_a_replay_that_fails_the_newest_reason_stands_and_a_person_may_be_done_with_the_message() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let sale = json!({"external_id": "1", "venue_id": "r", "closed_at": "2026-11-22T10:00:00+03:00",
            "customer": {"card": "9000000017"}, "total": "1000.00", "redeem": "149.50"});
        till.owner.post("/api/v1/receipts", sale).await.expect(404);
        let newest = async |query: &str| {
            let found = till.owner.get(&format!("/api/v1/messages?{query}")).await;
            found.expect(200)["items"].as_array().unwrap().clone()
        };
        let refused = newest("outcome=waiting").await.remove(0);
        assert_eq!(refused["code"], "customer-not-found");
        assert_eq!(refused["first_detail"], json!(null));
        let path = format!("/api/v1/messages/{}", refused["id"].as_str().unwrap());
        let again = format!("{path}/replay");
        till.owner.post(&again, json!({})).await.expect(200);
        let same = till.owner.get(&path).await.expect(200);
        assert_eq!(same["first_detail"], json!(null), "the reason is the same");

        till.customer("9000000017", "+79215550101", "40.00").await;
        for _ in 0..2 {
            till.owner.post(&again, json!({})).await.expect(200);
            let other = till.owner.get(&path).await.expect(200);
            assert_eq!(other["code"], "insufficient-balance");
            assert_ne!(other["detail"], refused["detail"]);
            assert_eq!(other["first_detail"], refused["detail"]);
        }

        let dismiss = format!("{path}/dismiss");
        till.owner.post(&dismiss, json!({"note": " "})).await.expect(422);
        let note = json!({"note": "списали руками"});
        for _ in 0..2 {
            let dismissed = till.owner.post(&dismiss, note.clone()).await.expect(200);
            assert_eq!(dismissed["outcome"], "refused");
            assert_eq!(dismissed["needs_nobody"], "dismissed");
        }
        assert!(newest("outcome=waiting").await.is_empty());
        assert_eq!(newest("outcome=refused").await.len(), 1);
        let log = till.owner.get("/api/v1/audit?action=message.dismiss").await;
        let log = log.expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 1);
        assert_eq!(log["items"][0]["after"], note);
        till.owner
            .get("/api/v1/messages?outcome=wating")
            .await
            .expect(422);
        till.assert_books();
    });
}

#[test]
fn a_hold_that_was_refused_is_not_taken_by_a_replay_of_all_that_waits() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let hold = json!({"customer": {"card": "9000000017"}, "amount": "100.00", "external_id": "h-1", "venue_id": "r"});
        till.owner.post("/api/v1/holds", hold).await.expect(404);
        let guest = till.customer("9000000017", "+79215550101", "500.00").await;
        let refused = till.messages("refused").await;
        assert_eq!(refused["items"][0]["needs_nobody"], "answered", "{refused}");
        let again = till
            .owner
            .post("/api/v1/messages/replay", json!({}))
            .await
            .expect(200);
        assert_eq!(again["items"], json!([]));
        assert_eq!(till.balance(&guest).await, "500.00");
    });
}

#[test]
fn why_a_message_was_refused_is_said_in_the_language_of_its_connection() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
        till.customer("9000000017", "+79215550101", "1.00").await;
        let connections = till.owner.get("/api/v1/connections").await.expect(200);
        let path = format!(
            "/api/v1/connections/{}",
            connections["items"][0]["id"].as_str().unwrap()
        );
        let sale = fixture("rkeeper/fixtures/sale-with-redemption.xml");
        for (language, words) in [("ru", "Недостаточно бонусов"), ("en", "Not enough bonuses")]
        {
            till.owner
                .patch(&path, json!({"language": language}))
                .await
                .expect(200);
            till.send("POST", "transactionsex.php", sale.clone()).await;
            let kept = till.messages("refused").await;
            let detail = kept["items"][0]["detail"].as_str().unwrap();
            assert!(detail.contains(words), "{language}: {detail}");
        }
    });
}
