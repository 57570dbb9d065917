//! The network, its clock, the audit log, connections.

use kopilka::api::secrets::hash_of;
use kopilka::storage::till_connections;
use serde_json::json;

use super::client::Service;
use crate::databases::each_database_async;

#[test]
fn a_network_is_changed_and_the_audit_log_says_so() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let before = anna.get("/api/v1/network").await.expect(200);
        assert_eq!(
            (before["version"].as_i64(), before["time_zone"].as_str()),
            (Some(1), Some("Europe/Moscow"))
        );
        let change =
            json!({"name": " Новая ", "settings": {"redeem_max_percent": "50", "bonus_lifetime_days": 365}});
        let after = anna.patch("/api/v1/network", change).await.expect(200);
        assert_eq!(
            (after["name"].as_str(), after["version"].as_i64()),
            (Some("Новая"), Some(2))
        );
        assert_eq!(after["settings"]["bonus_lifetime_days"], 365);
        assert_eq!(anna.get("/api/v1/network").await.expect(200), after);
        // Nothing new is no change.
        anna.patch("/api/v1/network", json!({"name": "Новая"}))
            .await
            .expect(200);
        assert_eq!(anna.get("/api/v1/network").await.expect(200)["version"], 2);

        let pointer = |change: serde_json::Value| {
            let anna = anna.clone();
            async move {
                let refused = anna
                    .patch("/api/v1/network", change)
                    .await
                    .refused(422, "invalid-request");
                refused["errors"][0]["pointer"].as_str().unwrap().to_owned()
            }
        };
        assert_eq!(
            pointer(json!({"settings": {"hold_minutes": 0}})).await,
            "/settings/hold_minutes"
        );
        assert_eq!(
            pointer(json!({"settings": {"holds": 0}})).await,
            "/settings/holds"
        );
        assert_eq!(pointer(json!({"time_zone": "Mars/Olympus"})).await, "/time_zone");
        assert_eq!(pointer(json!({"version": 5})).await, "/version");

        let log = anna
            .get("/api/v1/audit?action=network.update&with_total=true")
            .await
            .expect(200);
        assert_eq!(log["total"], 1);
        let entry = &log["items"][0];
        assert!(entry["actor"].as_str().unwrap().starts_with("user:usr_"));
        assert_eq!(
            (&entry["before"]["name"], &entry["after"]["name"]),
            (&json!("Полка"), &json!("Новая"))
        );
        assert_eq!(entry["subject"], before["id"]);
        let log = anna
            .get("/api/v1/audit?until=2026-11-22T09:00:00Z")
            .await
            .expect(200);
        assert_eq!(log["items"], json!([]));
    });
}

#[test]
fn only_a_sandbox_has_a_clock_and_it_goes_forward() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let working = service.owner("anna").await;
        let to = |now: &str| json!({ "now": now });
        let later = "2026-12-01T00:00:00Z";
        working
            .post("/api/v1/network/clock", to(later))
            .await
            .refused(409, "not-a-sandbox");
        let sandbox = service.set_up("boris", true).await;
        let sandbox = service.anybody().session(&sandbox);
        let moved = sandbox
            .post("/api/v1/network/clock", to("2026-12-01T03:00:00+03:00"))
            .await
            .expect(200);
        assert_eq!(
            (moved["now"].as_str(), moved["version"].as_i64()),
            (Some(later), Some(2))
        );
        let back = sandbox
            .post("/api/v1/network/clock", to("2026-11-30T23:59:59Z"))
            .await;
        assert_eq!(
            back.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/now"
        );
        assert_eq!(sandbox.get("/api/v1/network").await.json()["now"], later);
        sandbox
            .post("/api/v1/network/clock", to("9999-12-01T00:00:00Z"))
            .await
            .refused(422, "invalid-request");
    });
}

#[test]
fn a_connection_lives() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let venue = anna.new_venue("nevsky").await;
        let found = |token: &serde_json::Value| {
            let mut connection = service.app.store.connection().unwrap();
            let hash = hash_of(token.as_str().unwrap());
            let found = till_connections::by_token(&mut connection, &hash).unwrap();
            found.map(|(tenant, found)| (tenant.network().to_string(), found.id.to_string()))
        };
        let request = json!({"venue_id": "nevsky", "kind": "rkeeper", "name": "Касса", "language": "en"});
        let made = anna.post("/api/v1/connections", request).await.expect(201);
        assert_eq!(
            (&made["venue_id"], &made["active"], &made["language"]),
            (&json!(venue), &json!(true), &json!("en"))
        );
        let network = anna.get("/api/v1/network").await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!(found(&made["token"]), Some((network, id.clone())));

        let path = format!("/api/v1/connections/{id}");
        let rotated = anna.post(&format!("{path}/rotate"), json!({})).await.expect(200);
        assert!(found(&made["token"]).is_none() && found(&rotated["token"]).is_some());
        let off = anna
            .patch(&path, json!({"active": false, "name": "Старая"}))
            .await
            .expect(200);
        assert_eq!((&off["active"], &off["name"]), (&json!(false), &json!("Старая")));
        assert!(found(&rotated["token"]).is_none());
        assert_eq!(anna.get(&path).await.expect(200), off);
        let wrong = anna
            .patch(&path, json!({"settings": {"colour": 1}}))
            .await
            .refused(422, "invalid-request");
        assert_eq!(wrong["errors"][0]["pointer"], "/settings/colour");

        let log = anna.get(&format!("/api/v1/audit?subject={id}")).await.expect(200);
        let actions: Vec<_> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["action"].clone())
            .collect();
        assert_eq!(
            actions,
            ["connection.update", "connection.rotate", "connection.create"]
        );
        assert!(!log.to_string().contains("kop_till_"));
    });
}

#[test]
fn a_connection_needs_a_venue_a_known_system_and_settings_that_it_understands() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let make = |body: serde_json::Value| {
            let anna = anna.clone();
            async move { anna.post("/api/v1/connections", body).await }
        };
        let request = |kind: &str, settings: serde_json::Value| json!({"venue_id": "nevsky", "kind": kind, "name": "Касса", "settings": settings});
        make(request("rkeeper", json!({})))
            .await
            .refused(404, "unknown-venue");
        let wrong = make(request("abacus", json!({})))
            .await
            .refused(422, "invalid-request");
        assert_eq!(wrong["errors"][0]["pointer"], "/kind");
        let wrong = make(request("iiko", json!({"colour": 1})))
            .await
            .refused(422, "invalid-request");
        assert_eq!(wrong["errors"][0]["pointer"], "/settings/colour");
        make(request("onec", json!([])))
            .await
            .refused(422, "invalid-request");
        let account = json!({"client_id": "cafe", "client_secret": "s3cret"});
        for (kind, settings, pointer) in [
            (
                "rkeeper-delivery",
                json!({"api": "127.0.0.1:8098/orders"}),
                "/settings/api",
            ),
            (
                "rkeeper-delivery",
                json!({"auth": "ftp://ucs.example"}),
                "/settings/auth",
            ),
            ("rkeeper-delivery", json!({"client_id": "cafe"}), "/settings"),
            (
                "rkeeper-delivery",
                json!({"client_secret": "s3cret"}),
                "/settings",
            ),
            (
                "iiko",
                json!({"server": {"address": "resto.example:443"}}),
                "/settings/server/address",
            ),
            (
                "iiko",
                json!({"cloud": {"address": "localhost"}}),
                "/settings/cloud/address",
            ),
            (
                "onec",
                json!({"odata": {"url": "shop/odata", "user": "k", "password": "p"}}),
                "/settings/odata/url",
            ),
        ] {
            let wrong = make(request(kind, settings.clone()))
                .await
                .refused(422, "invalid-request");
            assert_eq!(wrong["errors"][0]["pointer"], pointer, "{settings}");
        }
        // What is wrong with these is only the venue.
        for settings in [
            account,
            json!({"api": "http://127.0.0.1:8098/orders", "auth": ""}),
        ] {
            make(request("rkeeper-delivery", settings))
                .await
                .refused(404, "unknown-venue");
        }
        assert_eq!(
            anna.get("/api/v1/connections").await.expect(200)["items"],
            json!([])
        );
        let hash = hash_of("kop_till_x");
        let mut connection = service.app.store.connection().unwrap();
        assert!(
            till_connections::by_token(&mut connection, &hash)
                .unwrap()
                .is_none()
        );
    });
}
