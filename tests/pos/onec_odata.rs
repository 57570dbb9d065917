//! 1C: receipts that a base is asked for over OData.

use chrono::Duration;
use serde_json::{Value, json};

use super::fixture;
use super::onec_base::{EMPTY, Shop, back, sale};
use crate::databases::each_database_async;

#[test]
fn a_receipt_of_the_base_takes_the_tills_write_off_over_exactly_once() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.write_off().await;
        assert_eq!(shop.balance().await, "1101.00");
        let waiting = "/api/v1/write-offs?older_than_minutes=0&venue_id=r";
        let list = shop.till.owner.get(waiting).await.expect(200);
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            0,
            "a receipt may be on its way: {list}"
        );
        let clock = &shop.till.service.clock;
        clock.move_to(shop.till.service.clock_now() + Duration::minutes(5));
        let list = shop.till.owner.get(waiting).await.expect(200);
        let item = &list["items"][0];
        assert_eq!(
            (&item["amount"], &item["customer_id"]),
            (&json!("149.50"), &json!(shop.guest)),
            "{list}"
        );
        assert_eq!(
            shop.till.owner.get("/api/v1/write-offs").await.expect(200)["items"],
            json!([])
        );
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        let asked = shop.pass().await;
        assert_eq!(
            asked,
            [
                "Document_ЧекККМ",
                "Catalog_ИнформационныеКарты",
                "Catalog_Номенклатура",
                "Catalog_ВидыОплатЧекаККМ"
            ]
        );
        // 5 % of 1485.50 accrue, and nothing is redeemed again.
        assert_eq!(shop.balance().await, "1175.27");
        let list = shop.till.owner.get(waiting).await.expect(200);
        assert_eq!(list["items"], json!([]), "the receipt has taken it over");
        assert_eq!(shop.pass().await, ["Document_ЧекККМ"]);
        assert_eq!(shop.balance().await, "1175.27");

        shop.base.write(back(&shop.date));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1199.50");
        assert_eq!(shop.pass().await, ["Document_ЧекККМ"]);
        assert_eq!(shop.balance().await, "1199.50");
        // A closed shift has absorbed the receipts: what has vanished is not cancelled.
        shop.base.contents().entities.remove("Document_ЧекККМ");
        shop.pass().await;
        assert_eq!(shop.balance().await, "1199.50");
    });
}

#[test]
fn a_receipt_that_is_not_posted_any_more_is_taken_back_and_may_be_posted_again() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        // Not posted yet: no news.
        shop.base.write(sale(&shop.date, "AAAAAAAB6KM=", false));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1250.50");
        shop.write_off().await;
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1175.27");
        shop.base.write(sale(&shop.date, "AAAAAAAB6KU=", false));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1250.50");
        shop.till.assert_books();
    });
}

#[test]
fn posting_may_keep_the_data_version_and_a_write_off_follows_its_receipt_through_it() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.write_off().await;
        for _ in 0..3 {
            shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
            shop.pass().await;
            assert_eq!(shop.balance().await, "1175.27");
            shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", false));
            shop.pass().await;
            assert_eq!(shop.balance().await, "1250.50");
        }
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1175.27");
        // A document that was pushed, and unposted before the base was asked.
        let pushed = fixture("onec/fixtures/receipt_json/sale.request.json");
        let mut pushed: Value = pushed.parse().unwrap();
        let other = "7c1f2a34-90ab-11f0-8d3a-00155d0a0fff";
        pushed["documentId"] = json!(other);
        pushed["dataVersion"] = json!("AAAAAAAB6KM=");
        let answer = shop
            .till
            .send("POST", "v1/receipts", pushed.to_string())
            .await
            .json();
        assert_eq!(answer["status"], "accepted", "{answer}");
        assert_ne!(shop.balance().await, "1175.27");
        let mut unposted = sale(&shop.date, "AAAAAAAB6KQ=", false);
        unposted["Ref_Key"] = json!(other);
        shop.base.write(unposted);
        shop.pass().await;
        assert_eq!(shop.balance().await, "1175.27");
    });
}

#[test]
fn a_return_that_stands_in_the_base_before_its_sale_waits_and_one_without_a_sale_is_for_a_person() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.write_off().await;
        // The sale is older than what is looked at: it comes by hand later, by the other road.
        shop.base.write(back(&shop.date));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1101.00");
        // Its lines are numbered otherwise than the base's: the return is of a product.
        let sold = fixture("onec/fixtures/receipt_json/sale_with_redemption.request.json");
        let answer = shop.till.send("POST", "v1/receipts", sold).await.json();
        assert_eq!(answer["status"], "accepted", "{answer}");
        assert_eq!(shop.balance().await, "1199.50");

        let mut alone = back(&shop.date);
        alone["Ref_Key"] = json!("8d2f3b45-91ab-11f0-8d3a-00155d0a0fff");
        alone["ЧекККМПродажа_Key"] = json!(EMPTY);
        shop.base.write(alone);
        shop.pass().await;
        assert_eq!(shop.balance().await, "1199.50");
        let kept = shop.till.messages("unreadable").await;
        let detail = kept["items"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("возврат без чека продажи"), "{kept}");
        // It is told once, and does not stop what comes after it.
        shop.pass().await;
        let again = shop.till.messages("unreadable").await;
        assert_eq!(again["items"].as_array().unwrap().len(), 1, "{again}");
    });
}

#[test]
fn a_base_that_refuses_or_fails_is_asked_again_and_its_password_is_never_shown() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        shop.base.contents().trouble = Some(500);
        assert_eq!(shop.pass().await, ["Document_ЧекККМ"]);
        assert_eq!(shop.balance().await, "1250.50");
        let connections = shop.till.owner.get("/api/v1/connections").await.expect(200);
        assert!(!connections.to_string().contains("secret"), "{connections}");
        assert!(
            connections.to_string().contains("Операция не разрешена"),
            "{connections}"
        );
        shop.base.contents().trouble = None;
        let clock = &shop.till.service.clock;
        clock.move_to(shop.till.service.clock_now() + Duration::hours(2));
        shop.pass().await;
        // Without a write-off the bonuses of the receipt only lower what accrues.
        assert_eq!(shop.balance().await, "1324.77");
    });
}
