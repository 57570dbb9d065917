//! 1C: the stock loyalty-server dialogue, and receipts by JSON.

use kopilka::domain::Money;
use kopilka::storage::{books, receipts};
use serde_json::{Value, json};

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

const CARD: &str = "2900000001734";

fn find(lock: &str) -> String {
    format!(
        "hs/loyaltyservice/findclientcard/?ClientCardID={CARD}&Phone=&Email=&BlockBonuses={lock}&ClientGUID=&CardGUID="
    )
}

fn write_off(amount: &str) -> String {
    format!(
        "hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&CardGUID=&Phone=&Email=&BonusesCount={amount}"
    )
}

#[test]
fn a_card_is_found_locked_spent_from_and_unlocked_and_the_receipt_takes_the_write_off_over() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "1250.50").await;
        assert_eq!(till.send("GET", "hs/loyaltyservice/ping/", "").await.text, "ok");
        let found: Value = till.send("GET", &find("1"), "").await.json();
        assert_eq!(
            found["LoyaltyCardsList"][0]["BonusData"]["BonusCount"].to_string(),
            "1250.5",
            "{found}"
        );
        let balance = till
            .owner
            .get(&format!("/api/v1/customers/{guest}/balance?venue_id=r"))
            .await
            .expect(200);
        assert_eq!(
            (balance["held"].as_str(), balance["available"].as_str()),
            (Some("1250.50"), Some("0.00"))
        );

        let spent = till.send("POST", &write_off("149,5"), "").await;
        assert_eq!(spent.text, "Бонусы успешно списаны");
        // The same again, at once, is the same write-off.
        assert_eq!(
            till.send("POST", &write_off("149,5"), "").await.text,
            "Бонусы успешно списаны"
        );
        let unlock = format!("hs/loyaltyservice/unlockclientbonuses/?ClientCardID={CARD}&Phone=&Email=");
        assert_eq!(till.send("POST", &unlock, "").await.text, "Бонусы разблокированы");
        assert_eq!(till.balance(&guest).await, "1101.00");

        let sale = fixture("onec/fixtures/receipt_json/sale_with_redemption.request.json");
        let answer: Value = till.send("POST", "v1/receipts", sale.clone()).await.json();
        assert_eq!(answer["status"], "accepted", "{answer}");
        // 1485.50 net of 149.50 in bonuses: 5 % of it accrue, and nothing is redeemed again.
        assert_eq!(till.balance(&guest).await, "1175.27");
        let again: Value = till.send("POST", "v1/receipts", sale).await.json();
        assert_eq!(again["status"], "duplicate", "{again}");

        // The receipt shows the write-off that it took over.
        let connections = till.owner.get("/api/v1/connections").await.expect(200);
        let path = format!(
            "/api/v1/receipts?venue_id=r&source={}&external_id=7c1f2a34-90ab-11f0-8d3a-00155d0a0101",
            connections["items"][0]["id"].as_str().unwrap()
        );
        let posted = till.owner.get(&path).await.expect(200);
        let moved: Vec<_> = posted["transactions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| (t["direction"].as_str().unwrap(), t["amount"].as_str().unwrap()))
            .collect();
        assert_eq!(
            moved,
            [("redemption", "149.50"), ("accrual", "74.27")],
            "{posted}"
        );

        let back = fixture("onec/fixtures/receipt_json/return.request.json");
        let answer: Value = till.send("POST", "v1/receipts", back).await.json();
        assert_eq!(answer["status"], "accepted", "{answer}");
        // The line of 555.00, of which 49.50 were bonuses: they come back, and 25.27 accrued on it go.
        assert_eq!(till.balance(&guest).await, "1199.50");
        till.assert_books();
    });
}

#[test]
fn a_write_off_after_the_fiscal_receipt_is_posted_even_without_bonuses_up_to_its_limit() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "100.00").await;
        till.send("GET", &find("1"), "").await;
        // While the card was locked the bonuses went another way.
        till.owner
            .post(&format!("/api/v1/customers/{guest}/reset"), json!({}))
            .await
            .expect(201);
        assert_eq!(till.balance(&guest).await, "0.00");
        assert_eq!(
            till.send("POST", &write_off("60"), "").await.text,
            "Бонусы успешно списаны"
        );
        assert_eq!(till.balance(&guest).await, "-60.00");
        assert_ne!(
            till.send("POST", &write_off("500"), "").await.text,
            "Бонусы успешно списаны"
        );
        assert_eq!(till.balance(&guest).await, "-60.00");
        till.assert_books();
    });
}

#[test]
fn a_receipt_on_its_way_is_told_what_it_will_accrue_and_posts_nothing() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({"automatic_discounts": true})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let told: Value = till
            .send("GET", "hs/loyaltyservice/useautomaticdiscounts", "")
            .await
            .json();
        assert_eq!(told["UseAutomaticDiscounts"], true, "{told}");
        let asked = fixture("onec/fixtures/calculation/sale.request.json");
        let sent: Value = asked.parse().unwrap();
        let counted: Value = till
            .send("POST", "hs/loyaltyservice/calculatediscounts/", asked)
            .await
            .json();
        // 5 % of 1200.00 and of 499.50, line by line.
        let promise = json!({"MessageText": "Будет начислено бонусов: 84.97", "AfterSale": true});
        assert!(
            counted["Messages"].as_array().unwrap().contains(&promise),
            "{counted}"
        );
        assert_eq!(counted["Goods"], sent["Goods"]);
        assert_eq!(till.balance(&guest).await, "0.00");
        let without = fixture("onec/fixtures/calculation/sale_without_card.request.json");
        let counted: Value = till
            .send("GET", "hs/loyaltyservice/calculatediscounts", without)
            .await
            .json();
        assert_eq!(
            (&counted["Error"], &counted["Messages"]),
            (&json!(false), &json!([])),
            "{counted}"
        );
        till.assert_books();
    });
}

#[test]
fn a_guest_joins_at_the_till_and_is_found_by_what_the_till_was_told() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let issue = |card: &str, phone: &str| {
            format!(
                "hs/loyaltyservice/issueclientcard/?ClientCardID={card}&CardGUID=&Phone={phone}&Email=anna@example.com\
                 &Client=%D0%90%D0%BD%D0%BD%D0%B0&DateOfBirth=02.07.1991%200:00:00&ClientCardTypeUID=&GenerateNumber="
            )
        };
        let issued: Value = till
            .send("POST", &issue("0000123", "%2B79005550177"), "")
            .await
            .json();
        assert_eq!(
            (&issued["Error"], &issued["ExistingCard"]),
            (&json!(false), &json!(false)),
            "{issued}"
        );
        assert_eq!(
            (&issued["CardID"], &issued["Client"]),
            (&json!("0000123"), &json!("Анна"))
        );
        assert_eq!(issued["DateOfBirth"], "1991-07-02T00:00:00");
        // The answer was lost: the same again.
        let again: Value = till
            .send("POST", &issue("0000123", "%2B79005550177"), "")
            .await
            .json();
        assert_eq!(
            (&again["ExistingCard"], &again["CardRef"]),
            (&json!(true), &issued["CardRef"])
        );
        // Somebody else's card.
        let taken: Value = till
            .send("POST", &issue("0000123", "%2B79005550188"), "")
            .await
            .json();
        assert_eq!(
            (&taken["Error"], &taken["ElseClient"]),
            (&json!(true), &json!(true)),
            "{taken}"
        );
        let found = till
            .owner
            .get("/api/v1/customers?phone=%2B79005550177")
            .await
            .expect(200);
        let guest = found["items"][0]["id"].as_str().unwrap().to_owned();
        let credit = json!({"amount": "100.00", "comment": "Подарок"});
        till.owner
            .post(&format!("/api/v1/customers/{guest}/credits"), credit)
            .await
            .expect(201);

        // By the reference: locked, written off and unlocked in one session.
        let reference = issued["CardRef"].as_str().unwrap();
        let find = format!(
            "hs/loyaltyservice/findclientcard/?ClientCardID=&Phone=&BlockBonuses=1&ClientGUID=&CardGUID={reference}"
        );
        let found: Value = till.send("GET", &find, "").await.json();
        let card = &found["LoyaltyCardsList"][0];
        assert_eq!(
            (&card["Barcode"], card["BonusData"]["BonusCount"].to_string()),
            (&json!(reference), "100".to_owned()),
            "{found}"
        );
        let spend =
            format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={reference}&BonusesCount=40");
        assert_eq!(till.send("POST", &spend, "").await.text, "Бонусы успешно списаны");
        let unlock = format!("hs/loyaltyservice/unlockclientbonuses/?ClientCardID={reference}");
        assert_eq!(till.send("POST", &unlock, "").await.text, "Бонусы разблокированы");
        let balance = till
            .owner
            .get(&format!("/api/v1/customers/{guest}/balance?venue_id=r"))
            .await
            .expect(200);
        assert_eq!(
            (&balance["available"], &balance["held"]),
            (&json!("60.00"), &json!("0.00"))
        );
        till.assert_books();
    });
}

#[test]
fn bonuses_set_aside_before_the_fiscal_receipt_pay_for_it_once() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "200.00").await;
        let reserve = fixture("onec/fixtures/receipt_json/reserve.request.json");
        for status in ["accepted", "duplicate"] {
            let held: Value = till.send("POST", "v1/reserve", reserve.clone()).await.json();
            assert_eq!(
                (&held["status"], &held["reserved"]),
                (&json!(status), &json!("149.50")),
                "{held}"
            );
        }
        let balance = till
            .owner
            .get(&format!("/api/v1/customers/{guest}/balance?venue_id=r"))
            .await
            .expect(200);
        assert_eq!(
            (&balance["available"], &balance["held"]),
            (&json!("50.50"), &json!("149.50"))
        );
        let sale = fixture("onec/fixtures/receipt_json/sale_with_reserve.request.json");
        let sold: Value = till.send("POST", "v1/receipts", sale.clone()).await.json();
        assert_eq!(
            (&sold["status"], &sold["spent"]),
            (&json!("accepted"), &json!("149.50")),
            "{sold}"
        );
        // 50.50 and 5 % of 1485.50.
        assert_eq!(till.balance(&guest).await, "124.77");
        let again: Value = till.send("POST", "v1/receipts", sale).await.json();
        assert_eq!(again["status"], "duplicate", "{again}");
        let cancel = fixture("onec/fixtures/receipt_json/cancel.request.json");
        let late: Value = till.send("POST", "v1/cancel", cancel).await.json();
        assert_eq!(late["code"], "hold-captured", "{late}");
        assert_eq!(till.balance(&guest).await, "124.77");

        // Another one, of a receipt that was not printed.
        let other = reserve.replace("3f2b8f0e", "3f2b8f0f").replace("149,50", "20");
        let held: Value = till.send("POST", "v1/reserve", other).await.json();
        assert_eq!(held["status"], "accepted", "{held}");
        let cancel = json!({"reserveId": "3f2b8f0f-90ab-11f0-8d3a-00155d0a0101"}).to_string();
        let let_go: Value = till.send("POST", "v1/cancel", cancel).await.json();
        assert_eq!(
            (&let_go["status"], &let_go["released"]),
            (&json!("accepted"), &json!("20.00")),
            "{let_go}"
        );
        assert_eq!(till.balance(&guest).await, "124.77");
        till.assert_books();
    });
}

#[test]
fn a_turnover_is_what_the_guest_bought_in_all_without_what_came_back() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let ask = format!("hs/loyaltyservice/salesturnover/?ClientCardID={CARD}&Phone=");
        for (number, amount, turnover) in [(1, "1000.00", "1000"), (2, "250.50", "1250.5")] {
            let sale = json!({"venue_id": "r", "source": "site", "external_id": format!("o-{number}"),
                "customer": {"id": guest}, "closed_at": "2026-11-22T11:00:00+03:00",
                "lines": [{"line_id": "1", "name": "Обед", "amount": amount}]});
            till.owner.post("/api/v1/receipts", sale).await.expect(201);
            let told: Value = till.send("GET", &ask, "").await.json();
            assert_eq!(told["SellCount"].to_string(), turnover, "{told}");
        }
        let back = json!({"external_id": "b-1", "sale": {"venue_id": "r", "source": "site", "external_id": "o-1"},
            "lines": [{"line_id": "1", "amount": "400.00"}]});
        till.owner.post("/api/v1/returns", back).await.expect(201);
        let told: Value = till.send("GET", &ask, "").await.json();
        assert_eq!(told["SellCount"].to_string(), "850.5", "{told}");
        let (app, guest) = (&till.service.app, guest.parse().unwrap());
        let mut connection = app.store.connection().unwrap();
        let tenant = books::all_networks(&mut connection).unwrap().remove(0);
        let mut among = |most| receipts::turnover(&mut connection, tenant, guest, most).unwrap();
        assert_eq!(among(2), Some(Money::from_kopecks(85_050)));
        assert_eq!(among(1), None, "he has more receipts than that");

        // Sums that nobody waits for any more hold no further connections.
        let places = u32::try_from(app.sums.available_permits()).unwrap();
        let held = app.sums.acquire_many(places).await.unwrap();
        let told: Value = till.send("GET", &ask, "").await.json();
        assert_eq!(told["SellCount"].to_string(), "0", "{told}");
        drop(held);
        let told: Value = till.send("GET", &ask, "").await.json();
        assert_eq!(told["SellCount"].to_string(), "850.5", "{told}");
        // A question posts nothing and is not kept.
        let kept = till.owner.get("/api/v1/messages?kind=onec").await.expect(200);
        assert_eq!(kept["items"], json!([]));
    });
}

#[test]
fn a_guest_gets_a_card_whose_number_the_service_makes_once_and_the_till_hears_how_much_it_may_pay() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let kinds: Value = till
            .send("GET", "hs/loyaltyservice/getcardtypes", "")
            .await
            .json();
        let kind = kinds[0]["CardTypeID"].as_str().unwrap();
        let issue = format!(
            "hs/loyaltyservice/issueclientcard/?ClientCardID=&Phone=%2B79005550177&Client=Anna&ClientCardTypeUID={kind}"
        );
        let issued: Value = till.send("POST", &issue, "").await.json();
        let card = issued["CardID"].as_str().unwrap().to_owned();
        assert_eq!(card.len(), 16, "{issued}");
        assert_eq!(issued["ExistingCard"], false, "{issued}");
        // The answer was lost: the same again is the same card.
        let again: Value = till.send("POST", &issue, "").await.json();
        assert_eq!(
            (&again["CardID"], &again["ExistingCard"]),
            (&json!(card), &json!(true))
        );
        let found = till
            .owner
            .get("/api/v1/customers?phone=%2B79005550177")
            .await
            .expect(200);
        let guest = found["items"][0]["id"].as_str().unwrap().to_owned();
        let credit = json!({"amount": "100.00"});
        let path = format!("/api/v1/customers/{guest}/credits");
        till.owner.post(&path, credit).await.expect(201);

        let sold = json!({
            "documentId": "a", "operation": "sale", "date": "2026-11-22T12:00:00", "card": card,
            "lines": [{"lineId": 1, "item": {"id": "coffee"}, "quantity": 1, "amount": 1000}],
        });
        till.send("POST", "v1/receipts", sold.to_string()).await;
        let sale = fixture("onec/fixtures/calculation/sale_with_lock.request.json");
        let sale = sale.replace("2900000001734", &card);
        let mut most = Vec::new();
        // The second time the bonuses are locked by this till itself.
        for _ in 0..2 {
            let told: Value = till
                .send("POST", "hs/loyaltyservice/calculatediscounts/", sale.clone())
                .await
                .json();
            let shown = &told["LoyaltyCardDescription"]["LoyaltyCard"];
            assert_eq!(shown["SellCount"], 1000, "{told}");
            assert_eq!(shown["BonusData"]["BonusCount"], 150, "{told}");
            most.push(told["MaxBonusPay"].clone());
        }
        assert_eq!(most, [json!(150), json!(150)]);
        // Another till may pay nothing with them.
        let elsewhere: Value = till
            .send_as("Касса 2", "POST", "hs/loyaltyservice/calculatediscounts/", sale)
            .await
            .json();
        assert_eq!(elsewhere["MaxBonusPay"], 0, "{elsewhere}");
        till.assert_books();
    });
}
