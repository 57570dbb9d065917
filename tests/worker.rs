//! Jobs: what time does to balances is written down once, and the books are sealed.

use chrono::Duration;
use kopilka::ledger::verify::verify;
use kopilka::storage::messages::{self, MessageFilter};
use kopilka::storage::{Store, books};
use kopilka::worker::{checkpoint_all, cleaning, expiry, watching};
use serde_json::{Value, json};

use crate::api::client::Service;
use crate::databases::each_database_async;
use crate::pos::{Till, fixture};

async fn till(store: Store) -> (Till, String) {
    let till = Till::new(&Service::on(store), "rkeeper", json!({})).await;
    let guest = till.customer("1", "+79215550101", "0.00").await;
    (till, guest)
}

#[test]
fn expired_bonuses_are_written_off_once_and_balances_did_not_wait_for_it() {
    each_database_async(|store| async move {
        let (till, guest) = till(store).await;
        let credits = format!("/api/v1/customers/{guest}/credits");
        let temporary = json!({"amount": "120.00", "starts_on": "2026-11-22", "burns_on": "2026-11-25"});
        till.owner.post(&credits, temporary).await.expect(201);
        till.owner
            .post(&credits, json!({"amount": "30.00"}))
            .await
            .expect(201);
        let (service, app) = (&till.service, &till.service.app);
        assert_eq!(expiry::write_off_due(app).await.unwrap(), 0);
        // 23:59:59.999999 of the last day in Moscow, and the next instant.
        let end = "2026-11-25T21:00:00Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap();
        service.clock.move_to(end - Duration::microseconds(1));
        assert_eq!(till.balance(&guest).await, "150.00");
        service.clock.move_to(end);
        assert_eq!(till.balance(&guest).await, "30.00");
        assert_eq!(till.transactions().await.len(), 2, "nothing is written yet");
        assert_eq!(expiry::write_off_due(app).await.unwrap(), 1);
        assert_eq!(expiry::write_off_due(app).await.unwrap(), 0);
        let last = till.transactions().await.pop().unwrap();
        assert_eq!(
            last,
            ("expiry".to_owned(), "redemption".to_owned(), "120.00".to_owned())
        );
        till.assert_books();
    });
}

#[test]
fn who_stays_away_too_long_loses_the_balance_where_the_network_says_so() {
    each_database_async(|store| async move {
        let (till, guest) = till(store).await;
        let sale = json!({"external_id": "1", "venue_id": "r", "closed_at": "2026-11-22T12:00:00+03:00",
            "customer": {"card": "1"}, "total": "1000.00"});
        till.owner.post("/api/v1/receipts", sale).await.expect(201);
        let (service, app) = (&till.service, &till.service.app);
        service.clock.move_to(service.clock_now() + Duration::days(91));
        assert_eq!(expiry::reset_inactive(app).await.unwrap(), 0, "off by default");
        let settings = json!({"settings": {"inactivity_reset_days": 90}});
        till.owner.patch("/api/v1/network", settings).await.expect(200);
        assert_eq!(expiry::reset_inactive(app).await.unwrap(), 1);
        assert_eq!(till.balance(&guest).await, "0.00");
        assert_eq!(expiry::reset_inactive(app).await.unwrap(), 0);
        till.assert_books();
    });
}

#[test]
fn the_books_are_sealed_and_old_messages_that_wait_for_nobody_go() {
    each_database_async(|store| async move {
        let (till, _) = till(store.clone()).await;
        for (id, redeem, status) in [("1", "0.00", 201), ("2", "9999.00", 422)] {
            let sale = json!({"external_id": id, "venue_id": "r", "closed_at": "2026-11-22T12:00:00+03:00",
                "customer": {"card": "1"}, "total": "1000.00", "redeem": redeem});
            till.owner.post("/api/v1/receipts", sale).await.expect(status);
        }
        let (service, app) = (&till.service, &till.service.app);
        service.clock.move_to(service.clock_now() + Duration::days(1));
        checkpoint_all(app).await.unwrap();
        checkpoint_all(app).await.unwrap();
        let report = verify(&store).unwrap();
        assert!(report.is_clean() && report.checkpoints == 2, "{report}");

        service.clock.move_to(service.clock_now() + Duration::days(40));
        cleaning::clean(app, Some(30)).await.unwrap();
        let mut connection = store.connection().unwrap();
        let tenant = books::all_networks(&mut connection).unwrap().remove(0);
        let left = messages::list_all(&mut connection, tenant, MessageFilter::default(), 10).unwrap();
        assert_eq!(
            left.iter().map(|m| m.outcome.as_str()).collect::<Vec<_>>(),
            ["refused"]
        );
        till.assert_books();
    });
}

#[test]
fn a_connection_that_fails_or_falls_silent_is_told_of_once_and_once_more_when_it_is_well() {
    each_database_async(|store| async move {
        let (till, _) = till(store).await;
        let (service, app) = (&till.service, &till.service.app);
        let path = first_connection(&till).await;
        for wrong in [
            json!({"failing_after": 51}),
            json!({"quiet_minutes": 0}),
            json!({"opening_hours": [{"weekdays": ["mon"], "from": "25:00", "until": "02:00"}]}),
            json!({"colour": "red"}),
        ] {
            till.owner
                .patch(&path, json!({ "watch": wrong }))
                .await
                .expect(422);
        }
        // Open around the clock, seven days a week.
        let watch = json!({"failing_after": 2, "quiet_minutes": 60, "opening_hours": [
            {"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "until": "00:00"}]});
        till.owner
            .patch(&path, json!({ "watch": watch }))
            .await
            .expect(200);

        let step = || watching::look_after_connections(app);
        let alerts = || async {
            let found = till
                .owner
                .get("/api/v1/connection-alerts?open=true")
                .await
                .expect(200);
            let kinds = found["items"].as_array().unwrap().iter();
            kinds
                .map(|a| a["kind"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let send = |file: &'static str| till.send("POST", "transactionsex.php", fixture(file));
        send("rkeeper/fixtures/broken-message.xml").await;
        assert_eq!(step().await.unwrap(), 0, "one is an accident");
        send("rkeeper/fixtures/broken-message.xml").await;
        assert_eq!(step().await.unwrap(), 1);
        assert_eq!(step().await.unwrap(), 0, "it is known");
        assert_eq!(alerts().await, ["failing"]);
        service.clock.move_to(service.clock_now() + Duration::minutes(60));
        assert_eq!(step().await.unwrap(), 1);
        assert_eq!(alerts().await, ["quiet", "failing"]);
        let seen = till.owner.get(&path).await.expect(200);
        let all = till.owner.get("/api/v1/connection-alerts").await.expect(200);
        assert_eq!(
            seen["state"]["alerts"], all["items"],
            "with the words for a person"
        );

        send("rkeeper/fixtures/receipt-without-card.xml").await;
        assert_eq!(step().await.unwrap(), 2);
        assert_eq!(alerts().await, [] as [String; 0]);
        let all = till.owner.get("/api/v1/connection-alerts").await.expect(200);
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        assert_eq!(all["items"][1]["code"], "unreadable");
        assert_eq!(all["items"][1]["connection_name"], "Касса");
        for (at, words) in [(0, "Касса молчит"), (1, "не удаётся прочитать")] {
            let told = all["items"][at]["message"].as_str().unwrap();
            assert!(told.contains(words), "{told}");
        }
        till.owner
            .patch(&path, json!({"language": "en"}))
            .await
            .expect(200);
        let all = till.owner.get("/api/v1/connection-alerts").await.expect(200);
        assert!(
            all["items"][0]["message"].as_str().unwrap().contains("silent"),
            "{all}"
        );

        service.clock.move_to(service.clock_now() + Duration::minutes(61));
        assert_eq!(step().await.unwrap(), 1);
        till.owner
            .patch(&path, json!({"active": false}))
            .await
            .expect(200);
        assert_eq!(step().await.unwrap(), 1, "nobody waits for what is switched off");
    });
}

#[test]
fn a_till_that_stays_dead_is_told_of_once_whatever_the_hour_and_is_well_when_it_speaks() {
    each_database_async(|store| async move {
        let (till, _) = till(store).await;
        let (service, app) = (&till.service, &till.service.app);
        let path = first_connection(&till).await;
        // It is noon of a Sunday in Moscow; the venue closes at ten in the evening.
        let watch = json!({"quiet_minutes": 60, "opening_hours": [
            {"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "10:00", "until": "22:00"}]});
        till.owner
            .patch(&path, json!({ "watch": watch }))
            .await
            .expect(200);
        let mut changed = Vec::new();
        for _ in 0..48 {
            service.clock.move_to(service.clock_now() + Duration::hours(1));
            changed.push(watching::look_after_connections(app).await.unwrap());
        }
        assert_eq!(
            (changed.remove(0), changed.iter().sum::<usize>()),
            (1, 0),
            "{changed:?}"
        );
        let receipt = fixture("rkeeper/fixtures/receipt-without-card.xml");
        let only_from = |names: Value| till.owner.patch(&path, json!({ "only_from": names }));
        only_from(json!(["10.9.8.7"])).await.expect(200);
        till.send("POST", "transactionsex.php", receipt.clone()).await;
        assert_eq!(
            till.messages("refused").await["items"][0]["needs_nobody"],
            "turned-away"
        );
        assert_eq!(
            watching::look_after_connections(app).await.unwrap(),
            0,
            "a stranger's word"
        );
        let state = till.owner.get(&path).await.expect(200)["state"].clone();
        assert_eq!(state["last_message_at"], Value::Null, "{state}");
        only_from(json!([])).await.expect(200);
        till.send("POST", "transactionsex.php", receipt).await;
        assert_eq!(watching::look_after_connections(app).await.unwrap(), 1);
        let all = till.owner.get("/api/v1/connection-alerts").await.expect(200);
        assert_eq!(all["items"].as_array().unwrap().len(), 1);
        assert_eq!(json!(service.clock_now()), all["items"][0]["ended_at"]);
    });
}

#[test]
fn a_silence_that_can_never_be_told_is_warned_of() {
    each_database_async(|store| async move {
        let (till, _) = till(store).await;
        let path = first_connection(&till).await;
        for (minutes, warned) in [(719, 0), (720, 1)] {
            let watch = json!({"quiet_minutes": minutes, "opening_hours": [
                {"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "10:00", "until": "22:00"}]});
            let set = till
                .owner
                .patch(&path, json!({ "watch": watch }))
                .await
                .expect(200);
            let warnings = set["warnings"].as_array().unwrap();
            assert_eq!(warnings.len(), warned, "{warnings:?}");
            assert!(warnings.iter().all(|warning| warning["code"] == "never-quiet"));
        }
    });
}

#[test]
fn a_refusal_that_waits_for_nobody_is_no_failure_of_the_link_unless_it_was_turned_away() {
    each_database_async(|store| async move {
        let (till, _) = till(store).await;
        till.customer("9000000017", "+79215550102", "1.00").await;
        let app = &till.service.app;
        let path = first_connection(&till).await;
        till.owner
            .patch(&path, json!({"watch": {"failing_after": 2}}))
            .await
            .expect(200);
        let send = |file: &'static str| till.send("POST", "transactionsex.php", fixture(file));
        let failed = || async {
            let changed = watching::look_after_connections(app).await.unwrap();
            let state = till.owner.get(&path).await.expect(200)["state"].clone();
            (changed, state["last_error"]["code"].clone())
        };
        // The guest has less than he asks for: the cashier is told so, and takes it off.
        for _ in 0..3 {
            send("rkeeper/fixtures/sale-with-redemption.xml").await;
        }
        assert_eq!(
            till.messages("refused").await["items"][0]["needs_nobody"],
            "answered"
        );
        assert_eq!(failed().await, (0, json!(null)));

        for _ in 0..2 {
            send("rkeeper/fixtures/broken-message.xml").await;
        }
        assert_eq!(watching::look_after_connections(app).await.unwrap(), 1);
        for message in till.messages("waiting").await["items"].as_array().unwrap() {
            let dismiss = format!("/api/v1/messages/{}/dismiss", message["id"].as_str().unwrap());
            till.owner
                .post(&dismiss, json!({"note": "проверка связи"}))
                .await
                .expect(200);
        }
        assert_eq!(failed().await, (1, json!(null)), "a person is done with them");

        till.owner
            .patch(&path, json!({"only_from": ["10.9.8.7"]}))
            .await
            .expect(200);
        for _ in 0..2 {
            let told = send("rkeeper/fixtures/receipt-without-card.xml").await;
            assert_eq!(told.status, 404, "strangers learn nothing");
        }
        assert_eq!(failed().await, (1, json!("foreign-address")));
    });
}

/// Path of the till's connection.
async fn first_connection(till: &Till) -> String {
    let connections = till.owner.get("/api/v1/connections").await.expect(200);
    format!(
        "/api/v1/connections/{}",
        connections["items"][0]["id"].as_str().unwrap()
    )
}
