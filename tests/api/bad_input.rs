//! Bad input at the REST door: every time a problem with a stable code, the field at fault and a sentence in the
//! cashier's language, and nothing is posted.

use std::sync::Mutex;

use kopilka::storage::Store;
use serde_json::{Value, json};

use super::client::{Client, PASSWORD, Service};
use crate::databases::each_database_async;
use crate::ledger::shop::count;

/// A till with a key, a venue "a" and a guest with card 777 who has 100.00.
struct Till {
    store: Store,
    owner: Client,
    till: Client,
    hold: String,
    /// What was not refused as it must be; told together when the test ends.
    faults: Mutex<Vec<String>>,
}

impl Drop for Till {
    fn drop(&mut self) {
        let faults = self.faults.lock().unwrap();
        assert!(
            faults.is_empty() || std::thread::panicking(),
            "{}",
            faults.join("\n")
        );
    }
}

impl Till {
    async fn open(service: &Service) -> Self {
        let owner = service.owner("anna").await;
        let venue = json!({"external_id": "a", "name": "Кафе", "base_percent": "10", "types": ["place"]});
        owner.post("/api/v1/venues", venue).await.expect(201);
        let guest = json!({"external_id": "crm-1", "card": "777", "phone": "+79215550101"});
        owner.post("/api/v1/customers", guest).await.expect(201);
        let credit = json!({"amount": "100.00"});
        owner
            .post("/api/v1/customers/crm-1/credits", credit)
            .await
            .expect(201);
        let (_, secret) = owner
            .new_key(json!({"name": "Касса", "scopes": ["till", "customers"]}))
            .await;
        let till = service.anybody().key(&secret);
        till.post("/api/v1/receipts", receipt()).await.expect(201);
        let hold = json!({"venue_id": "a", "customer": {"card": "777"}, "amount": "1.00"});
        let hold = till.post("/api/v1/holds", hold).await.expect(201);
        Till {
            store: service.app.store.clone(),
            owner,
            till,
            hold: hold["id"].as_str().unwrap().to_owned(),
            faults: Mutex::default(),
        }
    }

    /// Rows of everything that something accepted would write.
    fn rows(&self) -> Vec<(&'static str, i64)> {
        [
            "venues",
            "rules",
            "customers",
            "cards",
            "accounts",
            "lots",
            "holds",
            "hold_parts",
            "receipts",
            "receipt_lines",
            "redemption_parts",
            "returns",
            "transactions",
            "postings",
            "events",
            "remembered_answers",
        ]
        .map(|table| (table, count(&self.store, table)))
        .to_vec()
    }

    /// Sends it in both languages; it must be this problem, say a sentence in each, and change nothing.
    #[track_caller]
    fn refused<'a>(
        &'a self,
        who: &'a Client,
        path: &'a str,
        body: impl Into<Vec<u8>>,
        (status, code, pointer): (u16, &'a str, Option<&'a str>),
    ) -> impl Future<Output = Value> + 'a {
        let place = std::panic::Location::caller();
        let body: Vec<u8> = body.into();
        async move {
            let before = self.rows();
            let path = format!("/api/v1/{path}");
            let mut last = Value::Null;
            for language in ["ru-RU,ru;q=0.9", "en"] {
                let answer = who
                    .with("accept-language", language)
                    .post_bytes(&path, body.clone())
                    .await;
                let shown: String = String::from_utf8_lossy(&body).chars().take(300).collect();
                let what = format!("{place}: {path} {shown}: {answer:?}");
                last = serde_json::from_str(&answer.text).unwrap_or_default();
                let said = last["user_message"].as_str().unwrap_or_default();
                let russian = said.chars().any(|c| ('а'..='я').contains(&c));
                let right = answer.status.as_u16() == status
                    && answer.header("content-type") == "application/problem+json"
                    && (&last["code"], &last["status"]) == (&json!(code), &json!(status))
                    && last["type"].as_str().is_some_and(|t| t.ends_with(code))
                    && last["errors"][0]["pointer"].as_str() == pointer
                    && !said.is_empty()
                    && russian == language.starts_with("ru");
                if !right {
                    self.faults
                        .lock()
                        .unwrap()
                        .push(format!("not {status} {code} {pointer:?}: {what}"));
                }
            }
            if self.rows() != before {
                let shown = String::from_utf8_lossy(&body);
                self.faults
                    .lock()
                    .unwrap()
                    .push(format!("{place}: posted: {path} {shown}"));
            }
            last
        }
    }
}

fn receipt() -> Value {
    json!({"source": "till", "external_id": "r-1", "venue_id": "a", "closed_at": "2026-11-22T11:00:00+03:00",
        "customer": {"card": "777"}, "total": "100.00",
        "lines": [{"line_id": "1", "name": "Обед", "quantity": "2", "amount": "60.00"},
            {"line_id": "2", "name": "Чай", "quantity": "1", "amount": "40.00"}]})
}

/// A new receipt with one field changed; `null` takes the field away.
fn with(pointer: &str, value: Value) -> String {
    let mut body = receipt();
    body["external_id"] = json!("r-2");
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match (value.is_null(), parent) {
        (true, Value::Object(fields)) => drop(fields.remove(field)),
        (_, Value::Array(items)) => items[field.parse::<usize>().unwrap()] = value,
        (_, parent) => parent[field] = value,
    }
    body.to_string()
}

const INVALID: (u16, &str) = (422, "invalid-request");

fn at(pointer: &str) -> (u16, &str, Option<&str>) {
    (INVALID.0, INVALID.1, Some(pointer))
}

#[test]
fn receipts_that_are_no_receipts() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let t = Till::open(&service).await;
        for path in ["receipts", "receipts/quote"] {
            for broken in ["", "{", "nonsense", "{\"lines\": [}", "{} {}", "\u{feff}{}"] {
                t.refused(&t.till, path, broken, (400, "malformed-json", None))
                    .await;
            }
            for bytes in [&b"\xff\xfe{\x00}\x00"[..], b"{\"source\": \"\xd0\"}"] {
                let answer = t
                    .till
                    .post_bytes(&format!("/api/v1/{path}"), bytes.to_vec())
                    .await;
                answer.refused(400, "malformed-json");
            }
            t.refused(
                &t.till,
                path,
                vec![b' '; 1024 * 1024 + 1],
                (413, "body-too-large", None),
            )
            .await;
            let huge = json!("99999999999999999999999.00");
            let cases: Vec<(&str, Value)> = vec![
                ("/lines/0/amount", json!("60.001")),
                ("/lines/0/amount", json!(60.001)),
                ("/lines/0/amount", json!("-60.00")),
                ("/lines/0/amount", json!(-1)),
                ("/lines/0/amount", json!("1000000000.01")),
                ("/lines/0/amount", huge.clone()),
                ("/lines/0/amount", json!("60,00")),
                ("/lines/0/amount", json!("шестьдесят")),
                ("/lines/0/amount", json!("NaN")),
                ("/lines/0/amount", json!("1e400")),
                ("/lines/0/amount", json!(true)),
                ("/lines/0/amount", json!(["60.00"])),
                ("/lines/0/quantity", json!("0")),
                ("/lines/0/quantity", json!("-1")),
                ("/lines/0/quantity", json!("1.0001")),
                ("/lines/0/quantity", json!({})),
                ("/lines/1/line_id", json!("1")),
                ("/lines/1/line_id", json!(7)),
                ("/total", json!("100.01")),
                ("/total", json!("99.99")),
                ("/total", huge),
                ("/redeem", json!("-0.01")),
                ("/redeem", json!("0.001")),
                ("/redeem", json!("1000000000.01")),
                ("/payments", json!({})),
                ("/closed_at", json!("2026-11-22T11:00:00")),
                ("/closed_at", json!("2026-11-22 11:00")),
                ("/closed_at", json!("2026-02-30T11:00:00+03:00")),
                ("/closed_at", json!("yesterday")),
                ("/closed_at", json!(1_795_334_400)),
                ("/type", json!("delivery")),
                ("/external_id", json!("")),
                ("/external_id", json!("   ")),
                ("/external_id", json!("x".repeat(201))),
                ("/external_id", json!("a\nb")),
                ("/external_id", json!(42)),
                ("/source", json!("")),
                ("/phone", json!("12")),
                ("/guests", json!(-1)),
                ("/promo_codes", json!("SPRING")),
            ];
            for (pointer, value) in cases {
                t.refused(&t.till, path, with(pointer, value), at(pointer)).await;
            }
            // Where the fault is named a level deeper or higher than the field that was spoilt.
            for (pointer, value, named) in [
                (
                    "/payments",
                    json!([{"kind": "cash", "amount": "-1.00"}]),
                    "/payments/0/amount",
                ),
                (
                    "/payments",
                    json!([{"kind": "cash", "amount": "1.001"}]),
                    "/payments/0/amount",
                ),
                ("/promo_codes", json!(["SPRING"]), "/promo_codes/0"),
                (
                    "/customer",
                    json!({"card": "777", "phone": "+79215550101"}),
                    "/customer",
                ),
                ("/customer", json!({"passport": "777"}), "/customer/passport"),
                ("/lines", json!([{"amount": "1.00"}]), "/lines/0/name"),
                (
                    "/lines/0",
                    json!({"name": "x", "amount": "60.00", "colour": "red"}),
                    "/lines/0/colour",
                ),
            ] {
                let answer = with(pointer, value);
                let status = t
                    .till
                    .post_bytes(&format!("/api/v1/{path}"), answer.clone())
                    .await;
                let told = status.refused(422, "invalid-request")["errors"][0]["pointer"].clone();
                let told = told.as_str().unwrap().to_owned();
                assert!(
                    named.starts_with(&told) && told.len() > 1,
                    "{answer}: {told}, not {named}"
                );
                t.refused(&t.till, path, answer, at(&told)).await;
            }
            // The sum of lines may not leave the range either.
            let line = |id: &str| json!({"line_id": id, "name": "x", "amount": "1000000000.00"});
            let mut body: Value = serde_json::from_str(&with("/total", Value::Null)).unwrap();
            body["lines"] = json!([line("1"), line("2")]);
            t.refused(&t.till, path, body.to_string(), at("/total")).await;
            // Nothing sold: neither lines nor a total.
            body["lines"] = json!([]);
            t.refused(&t.till, path, body.to_string(), at("/lines")).await;
            // A field that nobody knows is no field to be passed over in silence.
            t.refused(&t.till, path, with("/totals", json!("1")), at("/totals"))
                .await;

            t.refused(
                &t.till,
                path,
                with("/venue_id", json!("nowhere")),
                (404, "unknown-venue", Some("/venue_id")),
            )
            .await;
            t.refused(&t.till, path, with("/venue_id", Value::Null), at("/venue_id"))
                .await;
            t.refused(
                &t.till,
                path,
                with("/customer", json!({"id": "cus_0000000000001"})),
                (404, "customer-not-found", Some("/customer")),
            )
            .await;
            t.refused(
                &t.till,
                path,
                with("/hold_id", json!("hld_0000000000001")),
                (404, "hold-not-found", Some("/hold_id")),
            )
            .await;
        }
        // Nested so deep that a reader could run out of stack.
        let deep = format!(
            r#"{{"venue_id": "a", "kind": "iiko", "name": "x", "settings": {}"#,
            "[".repeat(200_000)
        );
        t.refused(&t.owner, "connections", deep, (400, "malformed-json", None))
            .await;
        // A quote means now where it has no time; a receipt must say it.
        t.refused(
            &t.till,
            "receipts",
            with("/closed_at", Value::Null),
            at("/closed_at"),
        )
        .await;
    });
}

#[test]
fn refusals_of_the_ledger_are_told_with_their_field() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let t = Till::open(&service).await;
        // 100.00 given, 10.00 accrued, 1.00 held.
        let too_much = with("/redeem", json!("109.01"));
        let told = t
            .refused(
                &t.till,
                "receipts",
                too_much,
                (422, "insufficient-balance", Some("/redeem")),
            )
            .await;
        assert!(
            told["user_message"].as_str().unwrap().contains("109.00"),
            "{told}"
        );
        let over = with("/redeem", json!("100.01"));
        t.refused(&t.till, "receipts", over, (422, "redeem-limit", Some("/redeem")))
            .await;
        let conflict = receipt()
            .to_string()
            .replace("60.00", "61.00")
            .replace("100.00", "101.00");
        let told = t
            .refused(&t.till, "receipts", conflict, (409, "receipt-conflict", None))
            .await;
        assert!(
            told["user_message"].as_str().unwrap().contains("100.00 → 101.00"),
            "{told}"
        );
        let back = |lines: Value| {
            json!({"external_id": "b", "sale": {"venue_id": "a", "source": "till", "external_id": "r-1"}, "lines": lines})
                .to_string()
        };
        for (lines, status, code) in [
            (
                json!([{"line_id": "1", "quantity": "2.001"}]),
                409,
                "return-exceeds-sale",
            ),
            (
                json!([{"line_id": "1", "amount": "60.01"}]),
                409,
                "return-exceeds-sale",
            ),
            (
                json!([{"line_id": "1", "quantity": "-1"}]),
                409,
                "return-exceeds-sale",
            ),
        ] {
            t.refused(&t.till, "returns", back(lines), (status, code, None))
                .await;
        }
        for lines in [
            json!([{"line_id": "1", "quantity": "1", "amount": "1.00"}]),
            json!([{"line_id": "1"}]),
            json!([{"line_id": "1", "quantity": "0.0001"}]),
            json!({"line_id": "1"}),
        ] {
            let answer = t.till.post_bytes("/api/v1/returns", back(lines.clone())).await;
            let told = answer.refused(422, "invalid-request")["errors"][0]["pointer"].clone();
            assert!(told.as_str().unwrap().starts_with("/lines"), "{lines}: {told}");
            t.refused(&t.till, "returns", back(lines), at(told.as_str().unwrap()))
                .await;
        }
        for (field, value) in [
            ("amount", json!("-1.00")),
            ("amount", json!("1.001")),
            ("amount", json!("1000000000.01")),
            ("minutes", json!(0)),
            ("minutes", json!(50_000)),
            ("minutes", json!(-1)),
        ] {
            let mut hold = json!({"venue_id": "a", "customer": {"card": "777"}, "amount": "1.00"});
            hold[field] = value;
            t.refused(&t.till, "holds", hold.to_string(), at(&format!("/{field}")))
                .await;
        }
        let many = json!({"venue_id": "a", "customer": {"card": "777"}, "amount": "5000.00"}).to_string();
        let answer = t.till.post_bytes("/api/v1/holds", many).await;
        assert_eq!(answer.json()["code"], "insufficient-balance", "{answer:?}");
        for path in ["credits", "debits"] {
            for amount in ["0.00", "-5.00", "0.001", "1000000000.01"] {
                let body = json!({"amount": amount}).to_string();
                t.refused(&t.till, &format!("customers/crm-1/{path}"), body, at("/amount"))
                    .await;
            }
        }
        for days in [
            json!({"starts_on": "2026-12-10", "burns_on": "2026-12-01"}),
            json!({"burns_on": "2020-01-01"}),
        ] {
            let mut body = json!({"amount": "1.00"});
            body.as_object_mut()
                .unwrap()
                .extend(days.as_object().unwrap().clone());
            let answer = t.till.post("/api/v1/customers/crm-1/credits", body).await;
            answer.refused(422, "invalid-request");
        }
        // What was not refused stands as it did.
        t.till.post("/api/v1/receipts", receipt()).await.expect(200);
        t.till
            .post(&format!("/api/v1/holds/{}/void", t.hold), json!({}))
            .await
            .expect(200);
    });
}

#[test]
fn a_parameter_of_the_query_that_there_is_not_is_refused() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let t = Till::open(&service).await;
        for (path, name) in [
            ("receipts?venue=a", "venue"),
            ("messages?outcome=posted&limit=5&Limit=5", "Limit"),
            ("customers?phonee=%2B79215550101", "phonee"),
            ("venues/a?with_total=true", "with_total"),
        ] {
            let answer = t.owner.get(&format!("/api/v1/{path}")).await;
            let told = answer.refused(422, "invalid-request");
            assert_eq!(told["errors"][0]["pointer"], name, "{told}");
        }
        let told = t.owner.get("/api/v1/connections?venue=a").await;
        let told = told.refused(422, "invalid-request");
        assert!(
            told["detail"]
                .as_str()
                .unwrap()
                .contains("limit, cursor, with_total"),
            "{told}"
        );
        let made = t.owner.post("/api/v1/holds?x=1", json!({})).await;
        made.refused(422, "invalid-request");
        t.owner
            .get("/api/v1/messages?outcome=posted&limit=5")
            .await
            .expect(200);
        // Whoever probes may say what he likes.
        let probe = service.anybody().get("/healthz?probe=1").await;
        assert_eq!(probe.status.as_u16(), 200);
    });
}

#[test]
fn rules_of_no_kind() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let t = Till::open(&service).await;
        for condition in [
            json!({"kind": "full_moon"}),
            json!({"kind": "hours", "from_hour": 1}),
            json!({"kind": "hours", "from_hour": 1, "to_hour": 24}),
            json!({"kind": "weekday", "weekdays": ["fryday"]}),
            json!({"kind": "weekday", "weekdays": []}),
            json!({"kind": "date", "date": "2026-02-30"}),
            json!({"kind": "receipt_over", "amount": "1.001"}),
            json!({"kind": "receipt_over", "amount": "-1"}),
            json!({"kind": "receipt_over", "amount": "1", "weekdays": [1]}),
            json!({}),
            json!("hours"),
        ] {
            let body = json!({"condition": condition, "coefficient": "2"}).to_string();
            let answer = t.owner.post_bytes("/api/v1/venues/a/rules", body.clone()).await;
            let told = answer.refused(422, "invalid-request")["errors"][0]["pointer"].clone();
            assert!(told.as_str().unwrap().starts_with("/condition"), "{body}: {told}");
            t.refused(&t.owner, "venues/a/rules", body, at(told.as_str().unwrap()))
                .await;
        }
        for coefficient in [
            json!("1000.1"),
            json!("-1"),
            json!("1.0000001"),
            json!("x"),
            json!(null),
        ] {
            let body = json!({"condition": {"kind": "hours", "from_hour": 1, "to_hour": 2}, "coefficient": coefficient});
            t.refused(&t.owner, "venues/a/rules", body.to_string(), at("/coefficient"))
                .await;
        }
    });
}

#[test]
fn one_idempotency_key_is_for_one_request() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let t = Till::open(&service).await;
        let keyed = t.till.with("idempotency-key", "k-1");
        let body = with("/redeem", json!("10.00"));
        let first = keyed.post_bytes("/api/v1/receipts", body.clone()).await;
        first.expect(201);
        let again = keyed.post_bytes("/api/v1/receipts", body.clone()).await;
        assert_eq!(again.expect(201), first.json());
        assert_eq!(
            (
                first.header("idempotency-replayed"),
                again.header("idempotency-replayed")
            ),
            ("", "true")
        );
        let used = (422, "idempotency-key-reused", None);
        t.refused(&keyed, "receipts", body.replace("10.00", "11.00"), used)
            .await;
        t.refused(&keyed, "receipts", with("/external_id", json!("r-3")), used)
            .await;
        // The same bytes at another door are another request.
        let credit = json!({"amount": "1.00"}).to_string();
        t.refused(&keyed, "customers/crm-1/credits", credit, used).await;
        // Without the key the receipt itself is known.
        t.till.post_bytes("/api/v1/receipts", body).await.expect(200);
        for key in ["", &"x".repeat(256)] {
            let keyed = t.till.with("idempotency-key", key);
            t.refused(
                &keyed,
                "receipts",
                with("/external_id", json!("r-4")),
                at("Idempotency-Key"),
            )
            .await;
        }
    });
}

#[test]
fn yesterdays_receipt_is_taken_and_counted_as_yesterdays() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let t = Till::open(&service).await;
        // 01:30 of the 22nd in Moscow is still the 21st in UTC; the till's own day counts.
        for (id, at) in [
            ("y-1", "2026-11-21T23:59:59+03:00"),
            ("y-2", "2026-11-22T01:30:00+03:00"),
        ] {
            let mut body = receipt();
            body["external_id"] = json!(id);
            body["closed_at"] = json!(at);
            let posted = t.till.post("/api/v1/receipts", body.clone()).await.expect(201);
            assert_eq!(posted["accrued"], "10.00");
            t.till.post("/api/v1/receipts", body).await.expect(200);
        }
        let of_day = async |day: &str| {
            let path = format!("/api/v1/transactions?from={day}&to={day}&mechanics=purchase");
            t.owner.get(&path).await.expect(200)["items"]
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!(
            (
                of_day("2026-11-20").await,
                of_day("2026-11-21").await,
                of_day("2026-11-22").await
            ),
            (0, 1, 2)
        );
    });
}

#[test]
fn keys_that_are_no_keys_post_nothing() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let t = Till::open(&service).await;
        let unauthorized = (401, "unauthorized", None);
        let (id, secret) = t.owner.new_key(json!({"name": "x", "scopes": ["till"]})).await;
        let revoked = service.anybody().key(&secret);
        revoked.get("/api/v1/network").await.expect(200);
        t.owner
            .post(&format!("/api/v1/keys/{id}/revoke"), json!({}))
            .await
            .expect(200);
        let (_, secret) = t
            .owner
            .new_key(json!({"name": "x", "scopes": ["till"], "expires_at": "2026-11-22T13:00:00+03:00"}))
            .await;
        let expired = service.anybody().key(&secret);
        let (_, secret) = t.owner.new_key(json!({"name": "x", "scopes": ["reports"]})).await;
        let other = service.anybody().key(&secret);
        let (_, secret) = t
            .owner
            .new_key(json!({"name": "x", "scopes": ["till"], "test": true}))
            .await;
        let test = service.anybody().key(&secret);
        let sale = with("/number", json!("7"));
        t.refused(&test, "receipts", sale.clone(), (403, "test-key", None))
            .await;
        test.post_bytes("/api/v1/receipts/quote", sale.clone())
            .await
            .expect(200);
        t.refused(&other, "receipts", sale.clone(), (403, "forbidden", None))
            .await;
        service
            .clock
            .move_to(super::client::start() + chrono::Duration::hours(1));
        for who in [
            &service.anybody(),
            &revoked,
            &expired,
            &service.anybody().key("kop_live_x"),
        ] {
            t.refused(who, "receipts", sale.clone(), unauthorized).await;
            t.refused(who, "receipts", "{", unauthorized).await;
        }
        t.till.post_bytes("/api/v1/receipts", sale).await.expect(201);
    });
}

#[test]
fn a_list_is_not_taken_for_an_object() {
    each_database_async(|store| async move {
        let service = Service::on(store);
        let anna = service.owner("anna").await;
        // Its fields by their places: serde would take it.
        let login = json!(["anna", PASSWORD]);
        service
            .anybody()
            .post("/api/v1/sessions", login)
            .await
            .refused(422, "invalid-request");
        let key = json!(["Касса", ["till"], null, false, null]);
        let refused = anna
            .post("/api/v1/keys", key)
            .await
            .refused(422, "invalid-request");
        assert!(
            refused["detail"].as_str().unwrap().contains("expected an object"),
            "{refused}"
        );
    });
}
