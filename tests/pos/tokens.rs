//! The tokens in the addresses of the tills' doors.

use std::time::Duration;

use kopilka::api::access::AccessLimits;
use kopilka::api::limits::Quota;
use serde_json::json;

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

#[test]
fn guessing_tokens_is_stopped_and_the_tills_at_the_same_address_are_not() {
    each_database_async(|store| async move {
        let limits = AccessLimits {
            unknown_tokens: Quota {
                name: "unknown-tokens",
                count: 3,
                window: Duration::from_secs(600),
            },
            ..AccessLimits::default()
        };
        let service = Service::with_limits(store, limits);
        let till = Till::new(&service, "iiko", json!({})).await;
        let another = Till::of("boris", &service, "iiko", json!({})).await;
        let shown = |address: &str, token: &str| {
            let (who, path) = (service.anybody().from(address), format!("/pos/iiko/{token}"));
            async move { who.post(&path, json!([])).await }
        };
        shown("192.0.2.1", &till.token).await.expect(200);
        for guess in ["a", "b", "b", "b", "b", "c"] {
            shown("192.0.2.1", guess).await.refused(404, "not-found");
        }
        let refused = shown("192.0.2.1", "d").await;
        refused.refused(429, "too-many-requests");
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 100);
        // A token that was good already goes on; so does everybody elsewhere.
        for _ in 0..10 {
            shown("192.0.2.1", &till.token).await.expect(200);
        }
        shown("192.0.2.2", &another.token).await.expect(200);
        shown("192.0.2.1", &another.token).await.expect(200);
        shown("192.0.2.2", "d").await.refused(404, "not-found");
    });
}

#[test]
fn a_connection_that_is_switched_on_again_is_known_at_once() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let connections = till.owner.get("/api/v1/connections").await.expect(200);
        let path = format!(
            "/api/v1/connections/{}",
            connections["items"][0]["id"].as_str().unwrap()
        );
        for (active, status) in [(false, 404), (true, 200), (false, 404)] {
            till.owner
                .patch(&path, json!({"active": active}))
                .await
                .expect(200);
            assert_eq!(till.send("POST", "", "[]").await.status.as_u16(), status);
        }
    });
}

#[test]
fn a_connection_that_names_addresses_hears_nobody_else_and_says_who_tried() {
    each_database_async(|store| async move {
        let service = Service::behind("10.0.0.0/8", store, AccessLimits::default());
        let till = Till::new(&service, "iiko", json!({})).await;
        let connections = till.owner.get("/api/v1/connections").await.expect(200);
        let connection = &connections["items"][0];
        assert_eq!(connection["only_from"], json!([]));
        let path = format!("/api/v1/connections/{}", connection["id"].as_str().unwrap());
        for wrong in [json!(["till.example"]), json!([""]), json!(vec!["10.0.0.1"; 51])] {
            let refused = till.owner.patch(&path, json!({"only_from": wrong})).await;
            assert_eq!(
                refused.refused(422, "invalid-request")["errors"][0]["pointer"],
                "/only_from"
            );
        }
        let named = json!(["192.0.2.0/24", "2001:db8::7"]);
        let changed = till.owner.patch(&path, json!({"only_from": named})).await;
        assert_eq!(changed.expect(200)["only_from"], named);

        let sale = fixture("iiko/fixtures/delivery-closed.request.json");
        let told = |peer: &str, client: &str| {
            let who = service.anybody().from(peer).with("x-forwarded-for", client);
            let (path, sale) = (format!("/pos/iiko/{}", till.token), sale.parse().unwrap());
            async move { who.post(&path, sale).await }
        };
        told("203.0.113.9", "192.0.2.1").await.refused(404, "not-found");
        told("10.1.2.3", "203.0.113.9").await.refused(404, "not-found");
        assert!(till.transactions().await.is_empty());
        let kept = till.messages("refused").await;
        let detail = kept["items"][0]["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("foreign-address: ") && detail.contains("203.0.113.9"),
            "{detail}"
        );
        let replay = format!(
            "/api/v1/messages/{}/replay",
            kept["items"][0]["id"].as_str().unwrap()
        );
        let again = till.owner.post(&replay, json!({})).await.expect(200);
        let answer = again["answer"].as_str().unwrap();
        assert!(
            again["done"] == false && answer.contains("203.0.113.9"),
            "{answer}"
        );
        assert!(till.transactions().await.is_empty());

        told("10.1.2.3", "192.0.2.1").await.expect(200);
        assert_eq!(till.transactions().await.len(), 1);
        till.owner
            .patch(&path, json!({"only_from": []}))
            .await
            .expect(200);
        told("203.0.113.9", "203.0.113.9").await.expect(200);
        let again = till.owner.post(&replay, json!({})).await.expect(200);
        assert_eq!(again["done"], true, "its address may speak now");
    });
}
