//! The tokens in the addresses of the tills' doors.

use std::time::Duration;

use kopilka::api::access::AccessLimits;
use kopilka::api::limits::Quota;
use serde_json::json;

use super::Till;
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
