//! Enrolment, PINs, locks, and who may revoke a till.

use serde_json::json;

use super::{Cafe, enrol, hire, text};
use crate::api::client::PASSWORD;
use crate::databases::each_database_async;

#[test]
fn a_device_is_enrolled_seen_and_revoked() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let nobody = cafe.service.anybody();
        let who = |login: &str, password: &str| json!({"login": login, "password": password});
        nobody
            .post("/api/v1/till/logins", who("katya", "another sentence"))
            .await
            .refused(401, "unauthorized");
        let told = nobody
            .post("/api/v1/till/logins", who("katya", PASSWORD))
            .await
            .expect(200);
        assert_eq!(
            (&told["user"]["name"], &told["venues"][0]["name"]),
            (&json!("Катя"), &json!("Кафе"))
        );
        let auditor = json!({"login": "audit", "name": "А", "role": "auditor", "password": PASSWORD});
        cafe.owner.post("/api/v1/users", auditor).await.expect(201);
        nobody
            .post("/api/v1/till/logins", who("audit", PASSWORD))
            .await
            .refused(403, "forbidden");
        // A cashier of one venue opens no till at another.
        let other = json!({"external_id": "b", "name": "Б", "types": ["place"]});
        cafe.owner.post("/api/v1/venues", other).await.expect(201);
        let body = json!({"login": "katya", "password": PASSWORD, "venue_id": "b", "name": "К"});
        nobody
            .post("/api/v1/till/devices", body)
            .await
            .refused(404, "unknown-venue");

        let enrolled = enrol(&nobody, "katya", "Касса 2").await;
        let cookie = enrolled.header("set-cookie").to_owned();
        assert!(
            cookie.starts_with("kopilka_till=")
                && cookie.contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"),
            "{cookie}"
        );
        let start = enrolled.json();
        assert_eq!(start["device"]["name"], "Касса 2");
        assert_eq!(start["venue"]["name"], "Кафе");
        assert_eq!(start["cashier"]["name"], "Катя");
        assert_eq!(start["cashier"]["has_pin"], false);
        assert_eq!(start["offline"], json!({"limit": "300.00", "permit_minutes": 60}));
        assert_eq!(start["now"], "2026-11-22T12:00:00+03:00");
        let till = nobody.session(&enrolled);
        assert_eq!(till.get("/api/v1/till").await.expect(200), start);

        // A change needs the token, and the token of this very device.
        let identify = || json!({"card": "777"});
        let path = "/api/v1/customers/identify";
        till.post(path, identify()).await.expect(200);
        till.without("x-csrf-token")
            .post(path, identify())
            .await
            .refused(403, "csrf");
        let token = text(&cafe.start, "csrf_token");
        let foreign = till.without("x-csrf-token").with("x-csrf-token", &token);
        foreign.post(path, identify()).await.refused(403, "csrf");
        // It is a till of its venue, and nothing more.
        till.get("/api/v1/users").await.refused(403, "forbidden");
        till.post(path, json!({"card": "777", "venue_id": "b"}))
            .await
            .expect(404);
        till.get("/api/v1/till/devices").await.refused(403, "forbidden");

        let devices = cafe.owner.get("/api/v1/till/devices").await.expect(200);
        let device = &devices["items"][1];
        assert_eq!(
            (
                &device["name"],
                &device["enrolled_by_name"],
                &device["cashier_name"],
                &device["venue_name"]
            ),
            (&json!("Касса 2"), &json!("Катя"), &json!("Катя"), &json!("Кафе"))
        );
        let path = format!("/api/v1/till/devices/{}/revoke", text(device, "id"));
        for _ in 0..2 {
            let revoked = cafe.owner.post(&path, json!({})).await.expect(200);
            assert!(
                revoked["revoked_at"].is_string() && revoked["cashier_name"].is_null(),
                "{revoked}"
            );
        }
        till.get("/api/v1/till").await.refused(401, "till-unknown");
        till.post("/api/v1/receipts", super::sale("x", "0.00"))
            .await
            .refused(401, "till-unknown");
        nobody.get("/api/v1/till").await.refused(401, "till-unknown");
        cafe.till.get("/api/v1/till").await.expect(200);
        let log = cafe
            .owner
            .get("/api/v1/audit?action=till.revoke")
            .await
            .expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
    });
}

#[test]
fn a_browser_that_is_enrolled_again_is_one_till() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        enrol(&cafe.till, "katya", "Касса 7").await;
        cafe.till.get("/api/v1/till").await.refused(401, "till-unknown");
    });
}

#[test]
fn a_browser_with_both_cookies_says_which_page_speaks() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let login = json!({"login": "anna", "password": PASSWORD});
        let session = cafe.service.anybody().post("/api/v1/sessions", login).await;
        let enrolled = enrol(&cafe.service.anybody(), "katya", "Касса 3").await;
        let both = format!("{}; {}", session.cookie(), enrolled.cookie());
        let browser = cafe.service.anybody().with("cookie", &both);
        browser.get("/api/v1/users").await.expect(200);
        browser
            .with("referer", "http://x/till")
            .get("/api/v1/users")
            .await
            .refused(403, "forbidden");
        let token = text(&enrolled.json(), "csrf_token");
        let till = browser.with("x-csrf-token", &token);
        till.get("/api/v1/users").await.refused(403, "forbidden");
        till.post("/api/v1/customers/identify", json!({"card": "777"}))
            .await
            .expect(200);
        let token = text(&session.json(), "csrf_token");
        let person = json!({"login": "vera", "name": "Вера", "role": "cashier", "password": PASSWORD});
        browser
            .with("x-csrf-token", &token)
            .post("/api/v1/users", person)
            .await
            .expect(201);
    });
}

#[test]
fn cashiers_change_by_pin_and_wrong_ones_are_limited() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let marina = hire(&cafe.owner, "marina", "Марина").await;
        let katya = text(&cafe.start["cashier"], "id");
        let session = "/api/v1/till/session";
        let by_pin = |user: &str, pin: &str| json!({"user_id": user, "pin": pin});
        cafe.till
            .post(session, by_pin(&marina, "2580"))
            .await
            .refused(401, "pin-not-set");
        cafe.till
            .post(session, json!({"user_id": marina}))
            .await
            .refused(422, "invalid-request");
        let pin = "/api/v1/till/session/pin";
        cafe.till
            .put(pin, json!({"pin": "1234"}))
            .await
            .refused(422, "weak-pin");
        cafe.till.put(pin, json!({"pin": "2580"})).await.expect(204);
        let wrong = cafe
            .till
            .put(pin, json!({"pin": "2581", "password": "another sentence"}))
            .await;
        assert_eq!(
            wrong.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/password"
        );

        let second = cafe.device("marina", "Касса 2").await;
        second.put(pin, json!({"pin": "3690"})).await.expect(204);
        let start = second.post(session, by_pin(&katya, "2580")).await.expect(200);
        assert_eq!(
            start["cashier"],
            json!({"id": katya, "name": "Катя", "role": "cashier", "has_pin": true})
        );
        // By PIN he came: his password is needed to change it.
        second
            .put(pin, json!({"pin": "1379"}))
            .await
            .refused(422, "invalid-request");

        for left in (0..5).rev() {
            let problem = cafe
                .till
                .post(session, by_pin(&marina, "0001"))
                .await
                .refused(401, "wrong-pin");
            let said = match left {
                0 => "no tries are left".to_owned(),
                left => format!("left: {left}."),
            };
            assert!(text(&problem, "detail").contains(&said), "{problem}");
        }
        let limited = cafe.till.post(session, by_pin(&marina, "3690")).await;
        limited.refused(429, "too-many-requests");
        assert!(limited.header("retry-after").parse::<u32>().unwrap() > 0);
        // Another cashier is not kept out by it, nor she at another till.
        cafe.till.post(session, by_pin(&katya, "2580")).await.expect(200);
        second.post(session, by_pin(&marina, "3690")).await.expect(200);

        // Ten wrong ones in a row, at whatever tills, and the PIN is void until the password comes.
        let (third, fourth) = (cafe.device("katya", "3").await, cafe.device("katya", "4").await);
        for till in [&third, &fourth] {
            for _ in 0..5 {
                till.post(session, by_pin(&marina, "0001"))
                    .await
                    .refused(401, "wrong-pin");
            }
        }
        let fifth = cafe.device("katya", "5").await;
        fifth
            .post(session, by_pin(&marina, "3690"))
            .await
            .refused(401, "pin-not-set");
        let start = fifth.post(session, by_pin(&katya, "2580")).await.expect(200);
        let listed = start["cashiers"].as_array().unwrap();
        assert_eq!(
            listed.iter().find(|c| c["id"] == marina.as_str()).unwrap()["has_pin"],
            false
        );
        let password = json!({"login": "marina", "password": PASSWORD});
        fifth.post(session, password).await.expect(200);
        fifth.post(session, by_pin(&marina, "3690")).await.expect(200);

        // A new password takes the PIN away and locks the tills.
        let change = json!({"password": "yet another sentence"});
        cafe.owner
            .patch(&format!("/api/v1/users/{marina}"), change)
            .await
            .expect(200);
        fifth.get("/api/v1/till/menu").await.refused(401, "till-locked");
        fifth
            .post(session, by_pin(&marina, "3690"))
            .await
            .refused(401, "pin-not-set");
    });
}

#[test]
fn many_wrong_pins_of_many_people_are_limited_too() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        let session = "/api/v1/till/session";
        let mut staff = Vec::new();
        for i in 0..5 {
            let login = format!("cashier-{i}");
            staff.push(hire(&cafe.owner, &login, &login).await);
            let till = cafe.device(&login, &login).await;
            till.put("/api/v1/till/session/pin", json!({"pin": "2580"}))
                .await
                .expect(204);
        }
        for user in staff.iter().take(4) {
            for _ in 0..5 {
                let body = json!({"user_id": user, "pin": "0001"});
                cafe.till.post(session, body).await.refused(401, "wrong-pin");
            }
        }
        let body = json!({"user_id": staff[4], "pin": "2580"});
        cafe.till
            .post(session, body)
            .await
            .refused(429, "too-many-requests");
    });
}

#[test]
fn an_idle_till_locks_itself() {
    each_database_async(|store| async move {
        let cafe = Cafe::open(store).await;
        cafe.till
            .put("/api/v1/till/session/pin", json!({"pin": "2580"}))
            .await
            .expect(204);
        let identify = async || {
            cafe.till
                .post("/api/v1/customers/identify", json!({"card": "777"}))
                .await
        };
        // Who works is not locked out.
        cafe.later(9);
        identify().await.expect(200);
        cafe.service
            .until(|| async {
                let devices = cafe.owner.get("/api/v1/till/devices").await.expect(200);
                devices["items"][0]["last_seen_at"] == "2026-11-22T09:09:00Z"
            })
            .await;
        cafe.later(9);
        identify().await.expect(200);
        cafe.service
            .until(|| async {
                let devices = cafe.owner.get("/api/v1/till/devices").await.expect(200);
                devices["items"][0]["last_seen_at"] == "2026-11-22T09:18:00Z"
            })
            .await;
        cafe.later(11);
        identify().await.refused(401, "till-locked");
        cafe.till
            .get("/api/v1/till/menu")
            .await
            .refused(401, "till-locked");
        let start = cafe.till.get("/api/v1/till").await.expect(200);
        assert_eq!((&start["cashier"], &start["since"]), (&json!(null), &json!(null)));
        let katya = text(&cafe.start["cashier"], "id");
        let body = json!({"user_id": katya, "pin": "2580"});
        cafe.till.post("/api/v1/till/session", body).await.expect(200);
        identify().await.expect(200);
        cafe.till.delete("/api/v1/till/session").await.expect(204);
        identify().await.refused(401, "till-locked");

        cafe.unlock().await;
        let change = json!({"settings": {"till_idle_lock_seconds": 60}});
        cafe.owner.patch("/api/v1/network", change).await.expect(200);
        assert_eq!(
            cafe.till.get("/api/v1/till").await.expect(200)["idle_lock_seconds"],
            60
        );
        cafe.later(2);
        identify().await.refused(401, "till-locked");
        // A member of staff who is gone stands at no till.
        cafe.unlock().await;
        let change = json!({"active": false});
        cafe.owner
            .patch(&format!("/api/v1/users/{katya}"), change)
            .await
            .expect(200);
        identify().await.refused(401, "till-locked");
    });
}
