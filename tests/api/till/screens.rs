//! The guest's second screen.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Cafe, text};
use crate::databases::each_database_async;

#[test]
fn the_second_screen_shows_what_the_till_says() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let guest = cafe.service.anybody();
        let path = format!("/api/v1/till/screens/{}", text(&cafe.start, "screen_token"));
        let shown = guest.get(&path).await.expect(200);
        assert_eq!(
            shown,
            json!({"version": 0, "state": null, "network": {"name": "Полка"}, "join_url": null})
        );
        let say = async |state: serde_json::Value| {
            cafe.till
                .put("/api/v1/till/screen", json!({"state": state}))
                .await
        };
        say(json!({"total": "420.00"})).await.expect(204);
        let shown = guest.get(&format!("{path}?after=0")).await.expect(200);
        assert_eq!(
            (&shown["version"], &shown["state"]["total"]),
            (&json!(1), &json!("420.00"))
        );
        // It waits for something new, and hears of it at once.
        let (asked, newer) = (Instant::now(), format!("{path}?after=1"));
        let (told, ()) = tokio::join!(guest.get(&newer), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            say(json!({"total": "500.00"})).await.expect(204);
        });
        assert_eq!(told.expect(200)["state"]["total"], "500.00");
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());

        say(json!({"text": "я".repeat(5000)}))
            .await
            .refused(422, "invalid-request");
        guest
            .get("/api/v1/till/screens/x")
            .await
            .refused(404, "not-found");
        let rotated = cafe
            .till
            .post("/api/v1/till/screen/rotate", json!({}))
            .await
            .expect(200);
        guest.get(&path).await.refused(404, "not-found");
        let path = format!("/api/v1/till/screens/{}", text(&rotated, "screen_token"));
        assert_eq!(guest.get(&path).await.expect(200)["state"]["total"], "500.00");
        assert_eq!(
            cafe.till.get("/api/v1/till").await.expect(200)["screen_token"],
            rotated["screen_token"]
        );
        let devices = cafe.owner.get("/api/v1/till/devices").await.expect(200);
        let revoke = format!("/api/v1/till/devices/{}/revoke", text(&devices["items"][0], "id"));
        cafe.owner.post(&revoke, json!({})).await.expect(200);
        guest.get(&path).await.refused(404, "not-found");
    });
}
