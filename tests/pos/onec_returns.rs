//! 1C: returns that name products, write-offs that several receipts may mean.

use chrono::Duration;
use serde_json::{Value, json};

use super::onec_base::{CARD, EMPTY, SALE, Shop, lock_and_write_off, push};
use super::{Till, imported};
use crate::api::client::Service;
use crate::databases::each_database_async;

const COFFEE: &str = "4e5f6071-90ab-11f0-8d3a-00155d0a0105";
const CHEESE: &str = "5f607182-90ab-11f0-8d3a-00155d0a0106";

/// A document of 1C:Retail 2 with lines (product, quantity, amount), as its OData has it. `of`: the sale that comes back.
fn document(id: &str, date: &str, of: Option<&str>, lines: &[(&str, u32, u32)]) -> Value {
    let line = |(product, quantity, amount): &(&str, u32, u32)| {
        json!({"Номенклатура_Key": product, "Характеристика_Key": EMPTY, "Количество": quantity,
               "Цена": amount / quantity, "Сумма": amount, "СуммаСкидкиОплатыБонусом": 0})
    };
    json!({
        "Ref_Key": id, "DataVersion": "AAAAAAAB6KQ=", "DeletionMark": false, "Number": id, "Date": date, "Posted": true,
        "ВидОперации": if of.is_some() { "Возврат" } else { "Продажа" }, "СтатусЧекаККМ": "Пробитый",
        "ЧекККМПродажа_Key": of.unwrap_or(EMPTY), "ДисконтнаяКарта_Key": "3d4e5f60-90ab-11f0-8d3a-00155d0a0104",
        "СуммаДокумента": lines.iter().map(|(_, _, amount)| amount).sum::<u32>(),
        "Товары": lines.iter().map(line).collect::<Vec<_>>(), "Оплата": [],
    })
}

/// A file of CommerceML with one document.
fn file(id: &str, of: Option<&str>, lines: &[(&str, u32, u32)]) -> String {
    let line = |(product, quantity, amount): &(&str, u32, u32)| {
        format!(
            "<Товар><Ид>{product}</Ид><Наименование>Товар</Наименование><Количество>{quantity}</Количество>\
             <Сумма>{amount}</Сумма></Товар>"
        )
    };
    let property = |name: &str, value: &str| {
        format!(
            "<ЗначениеРеквизита><Наименование>{name}</Наименование><Значение>{value}</Значение></ЗначениеРеквизита>"
        )
    };
    format!(
        "<КоммерческаяИнформация ВерсияСхемы=\"2.08\"><Документ><Ид>{id}</Ид><Номер>1</Номер><Дата>2026-11-22</Дата>\
         <ХозОперация>{}</ХозОперация><Сумма>{}</Сумма><Товары>{}</Товары><ЗначенияРеквизитов>{}{}\
         </ЗначенияРеквизитов></Документ></КоммерческаяИнформация>",
        if of.is_some() {
            "Возврат товара"
        } else {
            "Отпуск товара"
        },
        lines.iter().map(|(_, _, amount)| amount).sum::<u32>(),
        lines.iter().map(line).collect::<String>(),
        property("КодКарты", CARD),
        of.map_or_else(String::new, |sale| property("ЧекПродажи", sale)),
    )
}

/// A document of the JSON contract; a line of a return names the line of the sale by its number there.
fn pushed(id: &str, of: Option<&str>, lines: &[(&str, u32, u32)]) -> Value {
    let line = |(at, (product, quantity, amount)): (usize, &(&str, u32, u32))| {
        let number = if of.is_some() { "saleLineId" } else { "lineId" };
        json!({number: at + 1, "item": {"id": product}, "quantity": quantity, "amount": amount})
    };
    json!({
        "documentId": id, "operation": if of.is_some() { "return" } else { "sale" }, "date": "2026-11-22T12:00:00",
        "card": CARD, "saleDocumentId": of, "lines": lines.iter().enumerate().map(line).collect::<Vec<_>>(),
    })
}

#[test]
fn one_product_on_two_lines_comes_back_by_one_document_after_another_and_never_more_than_was_sold() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let lines = [(COFFEE, 2, 1000), (CHEESE, 1, 200), (COFFEE, 1, 400)];
        shop.base.write(document(SALE, &shop.date, None, &lines));
        shop.pass().await;
        // 5 % of 1600.00.
        assert_eq!(shop.balance().await, "1330.50");
        // The dear coffee first, though the cheap one stands alone on its line; then one of each price; then one too many.
        for (back, amount, left) in [
            ("d0000000-0000-0000-0000-000000000001", (1, 400), "1310.50"),
            ("d0000000-0000-0000-0000-000000000002", (2, 1000), "1260.50"),
            ("d0000000-0000-0000-0000-000000000003", (1, 400), "1260.50"),
        ] {
            let line = [(COFFEE, amount.0, amount.1)];
            shop.base.write(document(back, &shop.date, Some(SALE), &line));
            shop.pass().await;
            assert_eq!(shop.balance().await, left, "{back}");
        }
        let refused = shop.till.owner.get("/api/v1/messages?outcome=refused").await;
        let refused = refused.expect(200);
        assert_eq!(refused["items"][0]["code"], "return-exceeds-sale", "{refused}");
        assert_eq!(refused["items"].as_array().unwrap().len(), 1, "{refused}");
    });
}

#[test]
fn a_quantity_that_no_line_has_alone_is_taken_off_several() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.base.write(document(
            SALE,
            &shop.date,
            None,
            &[(COFFEE, 2, 1000), (COFFEE, 1, 400)],
        ));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1320.50");
        let back = document(
            "d0000000-0000-0000-0000-000000000001",
            &shop.date,
            Some(SALE),
            &[(COFFEE, 3, 1400)],
        );
        shop.base.write(back);
        shop.pass().await;
        assert_eq!(shop.balance().await, "1250.50");
    });
}

#[test]
fn a_return_finds_its_product_by_whichever_road_the_sale_has_come() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        let good = imported(1, 0, 0);
        let lines = [(CHEESE, 1, 200), (COFFEE, 2, 1000)];
        let coffee = [(COFFEE, 1, 500)];

        // Told by JSON with numbered lines, given back in a file.
        let sold = push(&till, &pushed("a", None, &lines)).await;
        assert_eq!(sold["status"], "accepted", "{sold}");
        assert_eq!(till.balance(&guest).await, "60.00");
        let back = till
            .send("POST", "v1/commerceml", file("b", Some("a"), &coffee))
            .await;
        assert_eq!(back.text, good);
        assert_eq!(till.balance(&guest).await, "35.00");

        // Told in a file, with a characteristic, given back by JSON with a number that its lines do not have.
        let variant = format!("{COFFEE}#6a718293-90ab-11f0-8d3a-00155d0a0107");
        let sold = file("c", None, &[(CHEESE, 1, 200), (&variant, 2, 1000)]);
        assert_eq!(till.send("POST", "v1/commerceml", sold).await.text, good);
        assert_eq!(till.balance(&guest).await, "95.00");
        let back = push(&till, &pushed("d", Some("c"), &coffee)).await;
        assert_eq!(back["earnedTakenBack"], "25.00", "{back}");
        let again = push(&till, &pushed("d", Some("c"), &coffee)).await;
        assert_eq!(again["status"], "duplicate", "{again}");
        // The very same by the other road, which names no lines: told already.
        let by_file = till
            .send("POST", "v1/commerceml", file("d", Some("c"), &coffee))
            .await;
        assert_eq!(by_file.text, imported(0, 1, 0));
        assert_eq!(till.balance(&guest).await, "70.00");
        // By the product alone, and one that was not sold.
        let mut alone = pushed("e", Some("c"), &coffee);
        alone["lines"][0].as_object_mut().unwrap().remove("saleLineId");
        let back = push(&till, &alone).await;
        assert_eq!(back["earnedTakenBack"], "25.00", "{back}");
        alone["documentId"] = json!("f");
        alone["lines"][0]["item"]["id"] = json!("tea");
        let back = push(&till, &alone).await;
        assert_eq!(back["code"], "unknown-line", "{back}");
        assert_eq!(till.balance(&guest).await, "45.00");
        till.assert_books();
    });
}

#[test]
fn a_line_that_the_sale_has_is_the_one_that_comes_back_whatever_it_costs() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "0.00").await;
        push(&till, &pushed("a", None, &[(COFFEE, 1, 1000), (COFFEE, 1, 400)])).await;
        assert_eq!(till.balance(&guest).await, "70.00");
        // The first line, though the second costs what is given back.
        let back = push(&till, &pushed("b", Some("a"), &[(COFFEE, 1, 400)])).await;
        assert_eq!(back["earnedTakenBack"], "50.00", "{back}");
        let more = push(&till, &pushed("c", Some("a"), &[(COFFEE, 1, 400)])).await;
        assert_eq!(more["code"], "return-exceeds-sale", "{more}");
        till.assert_books();
    });
}

/// A sale of 1000.00 of which bonuses paid so much, closed now.
fn paid(till: &Till, id: &str, bonuses: u32) -> Value {
    let at = till.service.clock_now().with_timezone(&chrono_tz::Europe::Moscow);
    json!({
        "documentId": id, "operation": "sale", "date": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "card": CARD,
        "lines": [{"lineId": 1, "item": {"id": COFFEE}, "quantity": 1, "amount": 1000 - bonuses, "bonusDiscount": bonuses}],
    })
}

#[test]
fn each_receipt_takes_over_the_write_offs_that_were_made_for_it() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "onec", json!({})).await;
        let guest = till.customer(CARD, "+79005550101", "2000.00").await;
        let clock = &till.service.clock;
        // Split by tax systems, and its receipt is late.
        lock_and_write_off(&till, &["60", "90"]).await;
        let split = paid(&till, "split", 150);
        clock.move_to(till.service.clock_now() + Duration::minutes(10));
        lock_and_write_off(&till, &["200"]).await;
        let whole = paid(&till, "whole", 200);
        clock.move_to(till.service.clock_now() + Duration::minutes(10));
        // The same amount as a part of the split one, of another sale.
        lock_and_write_off(&till, &["90"]).await;
        let small = paid(&till, "small", 90);
        assert_eq!(till.balance(&guest).await, "1560.00");
        for (document, spent) in [(&split, "150.00"), (&small, "90.00"), (&whole, "200.00")] {
            let told = push(&till, document).await;
            assert_eq!(
                (&told["status"], &told["spent"]),
                (&json!("accepted"), &json!(spent)),
                "{told}"
            );
        }
        clock.move_to(till.service.clock_now() + Duration::minutes(10));
        let path = "/api/v1/write-offs?older_than_minutes=0&venue_id=r";
        let free = till.owner.get(path).await.expect(200);
        assert_eq!(free["items"], json!([]), "{free}");
        // 5 % of what money has paid: 850.00, 910.00 and 800.00.
        assert_eq!(till.balance(&guest).await, "1688.00");
        // What was written off at 60.00 and 90.00 comes back with the receipt that took it over.
        let back = push(&till, &pushed("back", Some("split"), &[(COFFEE, 1, 850)])).await;
        assert_eq!(
            (&back["spentGivenBack"], &back["earnedTakenBack"]),
            (&json!("150.00"), &json!("42.50")),
            "{back}"
        );
        till.assert_books();
    });
}
