//! Who may come in: setting up, logging in, keys, rights.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kopilka::api::access::AccessLimits;
use kopilka::api::limits::Quota;
use kopilka::api::setup;
use serde_json::{Value, json};

use super::client::{PASSWORD, Service};
use crate::databases::each_database_async;

#[test]
fn an_invitation_makes_one_network() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let nobody = service.anybody();
        let token = setup::invite(&service.app, setup::INVITATION_LIFE).await.unwrap();
        let request = |token: &str, login: &str, password: &str| {
            json!({
                "token": token,
                "network": {"name": "Полка", "time_zone": "Europe/Moscow"},
                "owner": {"login": login, "name": "Анна", "password": password},
            })
        };
        let wrong = nobody.post("/api/v1/setup", request("x", "anna", PASSWORD)).await;
        wrong.refused(403, "invalid-invitation");
        let wrong = nobody
            .post("/api/v1/setup", request(&token, "anna", "short"))
            .await;
        assert_eq!(
            wrong.refused(422, "weak-password")["errors"][0]["pointer"],
            "/owner/password"
        );
        let made = nobody
            .post("/api/v1/setup", request(&token, " Anna ", PASSWORD))
            .await;
        assert_eq!(made.expect(201)["user"]["login"], "anna");
        assert!(
            made.header("set-cookie")
                .contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=")
        );
        let again = nobody
            .post("/api/v1/setup", request(&token, "boris", PASSWORD))
            .await;
        again.refused(403, "invalid-invitation");

        let second = setup::invite(&service.app, setup::INVITATION_LIFE).await.unwrap();
        let taken = nobody
            .post("/api/v1/setup", request(&second, "anna", PASSWORD))
            .await;
        taken.refused(409, "already-exists");
        let made = nobody
            .post("/api/v1/setup", request(&second, "boris", PASSWORD))
            .await;
        made.expect(201);

        let late = setup::invite(&service.app, chrono::Duration::hours(1))
            .await
            .unwrap();
        service
            .clock
            .move_to(super::client::start() + chrono::Duration::hours(2));
        let made = nobody
            .post("/api/v1/setup", request(&late, "vera", PASSWORD))
            .await;
        made.refused(403, "invalid-invitation");
    });
}

#[test]
fn staff_log_in_and_out() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        service.owner("anna").await;
        let nobody = service.anybody();
        let login = |login: &str, password: &str| {
            let (nobody, body) = (nobody.clone(), json!({"login": login, "password": password}));
            async move { nobody.post("/api/v1/sessions", body).await }
        };
        let unknown = login("nobody", PASSWORD).await.refused(401, "unauthorized");
        let wrong = login("anna", "another sentence")
            .await
            .refused(401, "unauthorized");
        assert_eq!(unknown["detail"], wrong["detail"]);

        let answer = login("ANNA ", PASSWORD).await;
        answer.expect(201);
        let anna = nobody.session(&answer);
        let current = anna.get("/api/v1/sessions/current").await.expect(200);
        assert_eq!(current, answer.json());
        assert!(current["user"].get("password_hash").is_none());

        anna.delete("/api/v1/sessions/current").await.expect(204);
        anna.get("/api/v1/sessions/current")
            .await
            .refused(401, "unauthorized");
    });
}

#[test]
fn an_unknown_login_takes_as_long_as_a_wrong_password() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        service.owner("anna").await;
        let mut times = Vec::new();
        for login in ["anna", "nobody"] {
            let mut least = Duration::MAX;
            for _ in 0..5 {
                let started = Instant::now();
                let body = json!({"login": login, "password": "another sentence"});
                service.anybody().post("/api/v1/sessions", body).await.expect(401);
                least = least.min(started.elapsed());
            }
            times.push(least);
        }
        assert!(times[1] * 3 > times[0] && times[0] * 3 > times[1], "{times:?}");
    });
}

#[test]
fn sessions_end() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let hours = |hours| {
            service
                .clock
                .move_to(super::client::start() + chrono::Duration::hours(hours))
        };
        hours(11);
        anna.get("/api/v1/network").await.expect(200);
        hours(13);
        // A session in use lives on: it was lengthened behind the request.
        service
            .until(|| async { anna.get("/api/v1/network").await.status == 200 })
            .await;
        hours(13 + 13);
        anna.get("/api/v1/network").await.refused(401, "unauthorized");
    });
}

#[test]
fn a_change_by_cookie_needs_proof_that_it_is_ours() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let change = |client: super::client::Client| async move {
            client.patch("/api/v1/network", json!({"name": "Другая"})).await
        };
        let cookie_only = anna.without("x-csrf-token");
        change(cookie_only.clone()).await.refused(403, "csrf");
        change(cookie_only.with("sec-fetch-site", "cross-site"))
            .await
            .refused(403, "csrf");
        change(cookie_only.with("x-csrf-token", "x"))
            .await
            .refused(403, "csrf");
        let evil = cookie_only
            .with("origin", "https://evil.example")
            .with("host", "k.example");
        change(evil).await.refused(403, "csrf");
        cookie_only.get("/api/v1/network").await.expect(200);
        change(cookie_only.with("sec-fetch-site", "same-origin"))
            .await
            .expect(200);
        change(anna).await.expect(200);
    });
}

#[test]
fn logins_are_counted() {
    each_database_async(|store| async move {
        let service = Service::with_limits(
            store,
            AccessLimits {
                logins: Quota {
                    name: "logins",
                    count: 2,
                    window: Duration::from_secs(600),
                },
                ..AccessLimits::default()
            },
        );
        service.owner("anna").await;
        let login = |login: &str, password: &str| {
            let (nobody, body) = (service.anybody(), json!({"login": login, "password": password}));
            async move { nobody.post("/api/v1/sessions", body).await }
        };
        login("anna", "wrong sentence").await.expect(401);
        // A success forgives.
        login("anna", PASSWORD).await.expect(201);
        login("anna", "wrong sentence").await.expect(401);
        login("Anna", "wrong sentence").await.expect(401);
        let refused = login("anna", PASSWORD).await;
        assert_eq!(refused.refused(429, "too-many-requests")["retryable"], true);
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 200);
        login("boris", PASSWORD).await.expect(401);
    });
}

const PROXY: &str = "10.1.2.3";

#[test]
fn logins_behind_a_proxy_are_counted_by_client() {
    each_database_async(|store| async move {
        let limits = AccessLimits {
            address_logins: Quota {
                name: "address-logins",
                count: 2,
                window: Duration::from_secs(600),
            },
            ..AccessLimits::default()
        };
        let service = Service::behind("10.0.0.0/8", store, limits);
        let login = |peer: &str, forwarded: &str, login: &str| {
            let who = service.anybody().from(peer).with("x-forwarded-for", forwarded);
            let body = json!({"login": login, "password": "wrong sentence"});
            async move { who.post("/api/v1/sessions", body).await.status.as_u16() }
        };
        for login_name in ["anna", "boris"] {
            assert_eq!(login(PROXY, "203.0.113.1", login_name).await, 401);
        }
        assert_eq!(login(PROXY, "203.0.113.1", "vera").await, 429);
        assert_eq!(
            login(PROXY, "198.51.100.9, 203.0.113.1", "vera").await,
            429,
            "what he writes himself"
        );
        assert_eq!(login(PROXY, "203.0.113.2", "vera").await, 401, "another client");
        // Nobody but the proxy is believed.
        for forwarded in ["203.0.113.3", "203.0.113.4"] {
            assert_eq!(login("192.0.2.1", forwarded, "anna").await, 401);
        }
        assert_eq!(login("192.0.2.1", "203.0.113.5", "anna").await, 429);
    });
}

#[test]
fn a_cookie_is_for_tls_only_where_a_trusted_proxy_says_so() {
    each_database_async(|store| async move {
        let service = Service::behind(PROXY, store, AccessLimits::default());
        service.owner("anna").await;
        for (peer, secure) in [(PROXY, true), ("10.1.2.4", false)] {
            let answer = service
                .anybody()
                .from(peer)
                .with("x-forwarded-proto", "https")
                .post("/api/v1/sessions", json!({"login": "anna", "password": PASSWORD}))
                .await;
            answer.expect(201);
            assert_eq!(answer.header("set-cookie").contains("; Secure"), secure, "{peer}");
        }
    });
}

#[test]
fn a_key_opens_what_its_scopes_say() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let (_, till) = anna.new_key(json!({"name": "Касса", "scopes": ["till"]})).await;
        assert!(till.starts_with("kop_live_") && till.len() == 9 + 43, "{till}");
        let till = service.anybody().key(&till);
        till.get("/api/v1/network").await.expect(200);
        let refused = till.get("/api/v1/keys").await.refused(403, "forbidden");
        assert_eq!(
            refused["user_message"],
            "На это действие нет прав: нужно право admin."
        );
        let inbox = till.get("/api/v1/messages").await.refused(403, "forbidden");
        assert_eq!(
            inbox["detail"],
            "The key or user has no right to do this: it needs the scope admin or reports."
        );
        till.get("/api/v1/audit").await.refused(403, "forbidden");
        till.patch("/api/v1/network", json!({}))
            .await
            .refused(403, "forbidden");

        let (_, admin) = anna
            .new_key(json!({"name": "Админ", "scopes": ["admin", "admin"]}))
            .await;
        let admin = service.anybody().key(&admin);
        let keys = admin.get("/api/v1/keys?with_total=true").await.expect(200);
        assert_eq!(
            (keys["total"].as_i64(), keys["items"].as_array().unwrap().len()),
            (Some(2), 2)
        );
        assert_eq!(keys["items"][1]["scopes"], json!(["admin"]));
        assert!(!keys.to_string().contains("secret"));
        admin.get("/api/v1/users").await.refused(403, "forbidden");
        let more = admin
            .post(
                "/api/v1/keys",
                json!({"name": "Ещё", "scopes": ["admin", "till"]}),
            )
            .await;
        assert_eq!(
            more.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/scopes/1"
        );

        let (_, test) = anna
            .new_key(json!({"name": "Проба", "scopes": ["admin"], "test": true}))
            .await;
        assert!(test.starts_with("kop_test_"));
        let test = service.anybody().key(&test);
        test.get("/api/v1/keys").await.expect(200);
        test.patch("/api/v1/network", json!({"name": "x"}))
            .await
            .refused(403, "test-key");
        test.post("/api/v1/keys", json!({"name": "x", "scopes": ["admin"]}))
            .await
            .refused(403, "test-key");

        for wrong in ["Bearer kop_live_x", "Bearer x", "Basic x", "Bearer", "kop_live_x"] {
            let answer = service
                .anybody()
                .with("authorization", wrong)
                .get("/api/v1/network")
                .await;
            answer.refused(401, "unauthorized");
        }
    });
}

#[test]
fn a_revoked_or_old_key_stops_at_once() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let (id, secret) = anna.new_key(json!({"name": "Касса", "scopes": ["till"]})).await;
        let till = service.anybody().key(&secret);
        till.get("/api/v1/network").await.expect(200);
        let path = format!("/api/v1/keys/{id}");
        let revoked = anna.post(&format!("{path}/revoke"), json!({})).await.expect(200);
        assert_eq!(revoked["revoked_at"], "2026-11-22T09:00:00Z");
        till.get("/api/v1/network").await.refused(401, "unauthorized");
        // When it was last used is written down beside, at any moment from now on.
        let apart_from_use = |mut key: Value| {
            key["last_used_at"].take();
            key
        };
        let again = anna.post(&format!("{path}/revoke"), json!({})).await.expect(200);
        let shown = anna.get(&path).await.expect(200);
        for same in [again, shown] {
            assert_eq!(apart_from_use(same), apart_from_use(revoked.clone()));
        }

        let soon = "2026-11-22T13:00:00+03:00";
        let (_, secret) = anna
            .new_key(json!({"name": "На час", "scopes": ["till"], "expires_at": soon}))
            .await;
        let till = service.anybody().key(&secret);
        till.get("/api/v1/network").await.expect(200);
        service
            .clock
            .move_to(super::client::start() + chrono::Duration::hours(1));
        till.get("/api/v1/network").await.refused(401, "unauthorized");
        let past = anna
            .post(
                "/api/v1/keys",
                json!({"name": "x", "scopes": ["till"], "expires_at": soon}),
            )
            .await;
        assert_eq!(
            past.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/expires_at"
        );
    });
}

#[test]
fn the_last_use_of_a_key_is_noted() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let (id, secret) = anna.new_key(json!({"name": "Касса", "scopes": ["till"]})).await;
        let path = format!("/api/v1/keys/{id}");
        assert!(anna.get(&path).await.expect(200)["last_used_at"].is_null());
        service
            .anybody()
            .key(&secret)
            .get("/api/v1/network")
            .await
            .expect(200);
        service
            .until(|| async { anna.get(&path).await.expect(200)["last_used_at"] == "2026-11-22T09:00:00Z" })
            .await;
    });
}

#[test]
fn a_key_has_an_allowance() {
    each_database_async(|store| async move {
        let service = Service::with_limits(
            store,
            AccessLimits {
                requests: Quota {
                    name: "requests",
                    count: 3,
                    window: Duration::from_secs(60),
                },
                ..AccessLimits::default()
            },
        );
        let anna = service.owner("anna").await;
        let (_, secret) = anna.new_key(json!({"name": "Касса", "scopes": ["till"]})).await;
        let till = service.anybody().key(&secret);
        let answer = till.get("/api/v1/network").await;
        assert_eq!(answer.header("ratelimit-policy"), "\"requests\";q=3;w=60");
        assert!(
            answer.header("ratelimit").starts_with("\"requests\";r=2;t="),
            "{answer:?}"
        );
        till.get("/api/v1/network").await.expect(200);
        till.get("/api/v1/network").await.expect(200);
        let answer = till.get("/api/v1/network").await;
        answer.refused(429, "too-many-requests");
        assert!((1..=20).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
        assert!(
            answer.header("ratelimit").starts_with("\"requests\";r=0;t="),
            "{answer:?}"
        );
        anna.get("/api/v1/network").await.expect(200);
    });
}

#[test]
fn a_venue_limits_keys_and_staff() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let (nevsky, ligovka) = (anna.new_venue("nevsky").await, anna.new_venue("ligovka").await);
        let (_, whole) = anna.new_key(json!({"name": "Всё", "scopes": ["admin"]})).await;
        let body = json!({"name": "Невский", "scopes": ["admin", "till"], "venue_id": "nevsky"});
        let (bound_id, bound) = anna.new_key(body).await;
        let basic = |venue: &str, secret: &str| {
            let value = format!("Basic {}", STANDARD.encode(format!("{venue}:{secret}")));
            service.anybody().with("authorization", &value)
        };
        // The key of the network is limited to the venue named beside it.
        for venue in ["nevsky", nevsky.as_str()] {
            let keys = basic(venue, &whole).get("/api/v1/keys").await.expect(200);
            assert_eq!(keys["items"].as_array().unwrap().len(), 1, "{keys}");
            assert_eq!(keys["items"][0]["id"], bound_id.as_str());
            basic(venue, &bound).get("/api/v1/network").await.expect(200);
        }
        basic("ligovka", &bound)
            .get("/api/v1/network")
            .await
            .refused(401, "unauthorized");
        let bound = service.anybody().key(&bound);
        bound
            .patch("/api/v1/network", json!({"name": "x"}))
            .await
            .refused(403, "forbidden");
        bound.get("/api/v1/audit").await.refused(403, "forbidden");
        // It makes keys of its own venue only.
        let (_, child) = bound.new_key(json!({"name": "Касса", "scopes": ["till"]})).await;
        basic("ligovka", &child)
            .get("/api/v1/network")
            .await
            .refused(401, "unauthorized");
        let other = json!({"name": "x", "scopes": ["till"], "venue_id": ligovka});
        bound
            .post("/api/v1/keys", other)
            .await
            .refused(404, "unknown-venue");

        let manager = json!({"login": "boris", "name": "Борис", "role": "manager", "password": PASSWORD,
            "venue_ids": ["nevsky", nevsky]});
        let made = anna.post("/api/v1/users", manager).await.expect(201);
        assert_eq!(made["venue_ids"], json!([nevsky]));
        let session = json!({"login": "boris", "password": PASSWORD});
        let boris = service
            .anybody()
            .session(&service.anybody().post("/api/v1/sessions", session).await);
        boris
            .patch("/api/v1/network", json!({"name": "x"}))
            .await
            .refused(403, "forbidden");
        let connection = |venue: &str| json!({"venue_id": venue, "kind": "rkeeper", "name": "Касса"});
        boris
            .post("/api/v1/connections", connection(&ligovka))
            .await
            .refused(404, "unknown-venue");
        let ours = boris
            .post("/api/v1/connections", connection(&nevsky))
            .await
            .expect(201);
        let theirs = anna
            .post("/api/v1/connections", connection("ligovka"))
            .await
            .expect(201);
        let path = |made: &serde_json::Value| format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
        boris.get(&path(&ours)).await.expect(200);
        boris.get(&path(&theirs)).await.refused(404, "not-found");
        let theirs = format!("{}/rotate", path(&theirs));
        boris.post(&theirs, json!({})).await.refused(404, "not-found");
        let seen = boris.get("/api/v1/connections?with_total=true").await.expect(200);
        assert_eq!(
            (seen["total"].as_i64(), &seen["items"][0]["id"]),
            (Some(1), &ours["id"])
        );

        let user = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
        anna.patch(&user, json!({"venue_ids": []}))
            .await
            .refused(422, "invalid-request");
        let wrong = anna
            .patch(&user, json!({"venue_ids": ["nevsky", "x"]}))
            .await
            .refused(404, "unknown-venue");
        assert_eq!(wrong["errors"][0]["pointer"], "/venue_ids/1");
        anna.patch(&user, json!({"role": "owner"}))
            .await
            .refused(422, "invalid-request");
        let free = anna
            .patch(&user, json!({"role": "owner", "venue_ids": null}))
            .await
            .expect(200);
        assert_eq!(free["venue_ids"], json!(null));
    });
}

#[test]
fn of_two_at_once_one_wins() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let token = setup::invite(&service.app, setup::INVITATION_LIFE).await.unwrap();
        let take = |login: &str| {
            let nobody = service.anybody();
            let body = json!({
                "token": token,
                "network": {"name": "Полка", "time_zone": "Europe/Moscow"},
                "owner": {"login": login, "name": "Анна", "password": PASSWORD},
            });
            async move { nobody.post("/api/v1/setup", body).await }
        };
        let (one, two) = tokio::join!(take("anna"), take("boris"));
        let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
        lost.refused(403, "invalid-invitation");

        // Two owners throw each other out.
        let first = service.anybody().session(&won);
        let first_id = won.json()["user"]["id"].as_str().unwrap().to_owned();
        let body = json!({"login": "vera", "name": "Вера", "role": "owner", "password": PASSWORD});
        let second_id = first.post("/api/v1/users", body).await.expect(201)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let session = json!({"login": "vera", "password": PASSWORD});
        let second = service
            .anybody()
            .session(&service.anybody().post("/api/v1/sessions", session).await);
        let (by_first, by_second) = (
            format!("/api/v1/users/{second_id}"),
            format!("/api/v1/users/{first_id}"),
        );
        let (one, two) = tokio::join!(
            first.patch(&by_first, json!({"role": "cashier"})),
            second.patch(&by_second, json!({"role": "cashier"})),
        );
        let done = [&one, &two].iter().filter(|a| a.status == 200).count();
        assert_eq!(done, 1, "{one:?} {two:?}");
    });
}

#[test]
fn basic_with_a_venue_that_is_not_there_is_refused() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let (_, secret) = anna.new_key(json!({"name": "Касса", "scopes": ["till"]})).await;
        for venue in ["nowhere", "ven_0000000000001", "", "a\0b"] {
            let basic = format!("Basic {}", STANDARD.encode(format!("{venue}:{secret}")));
            let answer = service
                .anybody()
                .with("authorization", &basic)
                .get("/api/v1/network")
                .await;
            answer.refused(401, "unauthorized");
        }
    });
}

#[test]
fn owners_manage_staff() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let owner = anna.get("/api/v1/sessions/current").await.json()["user"]["id"].clone();
        let owner = format!("/api/v1/users/{}", owner.as_str().unwrap());
        let request = |login: &str, role: &str| json!({"login": login, "name": "Борис", "role": role, "password": PASSWORD});
        let boris = anna
            .post("/api/v1/users", request("boris", "manager"))
            .await
            .expect(201);
        let path = format!("/api/v1/users/{}", boris["id"].as_str().unwrap());
        assert_eq!(anna.get(&path).await.expect(200), boris);
        anna.post("/api/v1/users", request("Boris", "cashier"))
            .await
            .refused(409, "already-exists");
        anna.post("/api/v1/users", request("b", "cashier"))
            .await
            .refused(422, "invalid-request");
        let wrong = anna.post("/api/v1/users", request("vera", "king")).await;
        assert_eq!(
            wrong.refused(422, "invalid-request")["errors"][0]["pointer"],
            "/role"
        );

        let login = |password: &'static str| {
            let nobody = service.anybody();
            async move {
                nobody
                    .post(
                        "/api/v1/sessions",
                        json!({"login": "boris", "password": password}),
                    )
                    .await
            }
        };
        let session = login(PASSWORD).await;
        let manager = service.anybody().session(&session);
        manager
            .patch("/api/v1/network", json!({"name": "Новая"}))
            .await
            .expect(200);
        manager.get("/api/v1/users").await.refused(403, "forbidden");
        manager.get("/api/v1/keys").await.refused(403, "forbidden");
        manager.get("/api/v1/audit").await.expect(200);

        // A new role counts at once.
        anna.patch(&path, json!({"role": "auditor"})).await.expect(200);
        manager.get("/api/v1/audit").await.expect(200);
        manager
            .patch("/api/v1/network", json!({"name": "x"}))
            .await
            .refused(403, "forbidden");
        anna.patch(&path, json!({"role": "cashier"})).await.expect(200);
        manager.get("/api/v1/audit").await.refused(403, "forbidden");

        anna.patch(&path, json!({"password": "a newer sentence"}))
            .await
            .expect(200);
        manager.get("/api/v1/network").await.refused(401, "unauthorized");
        login(PASSWORD).await.expect(401);
        let again = login("a newer sentence").await;
        let manager = service.anybody().session(&again);
        let body = json!({"current": "a newer sentence", "new": "the newest sentence"});
        let fresh = manager.post("/api/v1/sessions/current/password", body).await;
        fresh.expect(200);
        manager.get("/api/v1/network").await.refused(401, "unauthorized");
        service
            .anybody()
            .session(&fresh)
            .get("/api/v1/network")
            .await
            .expect(200);
        anna.patch(&path, json!({"active": false})).await.expect(200);
        login("the newest sentence").await.refused(401, "unauthorized");
        service
            .anybody()
            .session(&fresh)
            .get("/api/v1/network")
            .await
            .refused(401, "unauthorized");

        anna.patch(&owner, json!({"role": "manager"}))
            .await
            .refused(409, "last-owner");
        anna.patch(&owner, json!({"active": false}))
            .await
            .refused(409, "last-owner");
        let list = anna
            .get("/api/v1/users?limit=1&with_total=true")
            .await
            .expect(200);
        assert_eq!(
            (list["items"][0]["login"].as_str(), list["total"].as_i64()),
            (Some("anna"), Some(2))
        );
        let next = format!(
            "/api/v1/users?limit=1&cursor={}",
            list["next_cursor"].as_str().unwrap()
        );
        let list = anna.get(&next).await.expect(200);
        assert_eq!(
            (list["items"][0]["login"].as_str(), &list["next_cursor"]),
            (Some("boris"), &json!(null))
        );
        anna.get("/api/v1/users?cursor=x")
            .await
            .refused(400, "invalid-cursor");
        let wrong = anna
            .get("/api/v1/users?limit=x")
            .await
            .refused(422, "invalid-request");
        assert_eq!(wrong["errors"][0]["pointer"], "limit");
        anna.get("/api/v1/users?limit=0")
            .await
            .refused(422, "invalid-request");
        anna.get("/api/v1/audit?actor=%00")
            .await
            .refused(422, "invalid-request");
    });
}

#[test]
fn networks_do_not_see_each_other() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        let boris = service.owner("boris").await;
        let (key, _) = anna.new_key(json!({"name": "Касса", "scopes": ["till"]})).await;
        boris
            .get(&format!("/api/v1/keys/{key}"))
            .await
            .refused(404, "not-found");
        boris
            .post(&format!("/api/v1/keys/{key}/revoke"), json!({}))
            .await
            .refused(404, "not-found");
        let user = anna.get("/api/v1/sessions/current").await.json()["user"]["id"].clone();
        let user = format!("/api/v1/users/{}", user.as_str().unwrap());
        boris.get(&user).await.refused(404, "not-found");
        boris
            .patch(&user, json!({"active": false}))
            .await
            .refused(404, "not-found");
        assert_eq!(boris.get("/api/v1/keys").await.expect(200)["items"], json!([]));
        let seen = boris.get("/api/v1/audit").await.expect(200);
        assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    });
}
