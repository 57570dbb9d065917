//! By what a newer state of a document is known for the same sale.

use std::fs;

use kopilka_contract::{Adapter, AsTold, Ask, Message};
use kopilka_onec::OneC;
use serde_json::{Value, json};

use crate::stage::{fixture, push, settings};

fn said(message: &Message<'_>, values: Value) -> AsTold {
    let dialogue = OneC.read(message, &settings(values));
    match dialogue.map(|dialogue| dialogue.asks()).as_deref() {
        Ok([Ask::Close(close)]) => close.as_told.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn in_json(document: &Value, values: Value) -> AsTold {
    said(
        &push("v1/receipts", None, document.to_string().as_bytes()),
        values,
    )
}

fn over_odata(body: &Value) -> AsTold {
    let body = body.to_string();
    let mut message = push("poll/odata", Some("application/json"), body.as_bytes());
    message.query = "entity=Document_%D0%A7%D0%B5%D0%BA%D0%9A%D0%9A%D0%9C&turn=0";
    let url = "https://base.example/shop/odata/standard.odata";
    let own = json!({"url": url, "user": "kopilka", "configuration": "unf_retail_3"});
    said(&message, json!({"odata": own}))
}

/// What is said after one value is another.
fn each(document: &Value, changes: &[(&str, Value)], of: impl Fn(&Value) -> AsTold) -> Vec<AsTold> {
    let change = |(pointer, value): &(&str, Value)| {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap() = value.clone();
        of(&document)
    };
    changes.iter().map(change).collect()
}

#[test]
fn a_document_of_the_contract_says_the_same_until_its_sale_changes() {
    let document = fs::read(fixture("receipt_json/sale_with_redemption.request.json")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let of = |document: &Value| in_json(document, Value::Null);
    let words = of(&document);
    let noise = [
        ("/dataVersion", json!("AAAAAAAB7Kg=")),
        ("/cashier", json!("Иванов")),
        ("/lines/0/item/name", json!("Кофе")),
    ];
    assert_eq!(each(&document, &noise, of), [words; 3]);
    for values in [
        json!({"receipt_redemption": "now"}),
        json!({"category_source": "none"}),
    ] {
        assert_eq!(in_json(&document, values), words);
    }
    let changes = [
        ("/card/code", json!("2900000001735")),
        ("/lines/0/quantity", json!(2)),
        ("/lines/0/item/id", json!("4e5f6071-90ab-11f0-8d3a-00155d0a0109")),
        ("/payments/0/type", json!("Сертификат")),
    ];
    for other in each(&document, &changes, of) {
        assert_ne!(other, words);
    }
}

#[test]
fn a_document_of_a_base_says_the_same_until_its_sale_changes() {
    let body = json!({
        "document": {
            "Ref_Key": "8d2f3b45-91ab-11f0-8d3a-00155d0a0101", "DataVersion": "AAAAAAAB6KQ=",
            "Date": "2026-03-14T19:42:05", "Posted": true, "Статус": "Пробит", "ВидОперации": "Продажа",
            "ЧекККМ_Key": "00000000-0000-0000-0000-000000000000", "СуммаДокумента": 500,
            "Запасы": [{"Номенклатура_Key": "4e5f6071-90ab-11f0-8d3a-00155d0a0105", "Количество": 1, "Цена": 500,
                "Сумма": 500, "Комментарий": ""}],
        },
        "products": {"4e5f6071-90ab-11f0-8d3a-00155d0a0105": {"name": "Кофе"}},
    });
    let words = over_odata(&body);
    let noise = [
        ("/document/DataVersion", json!("AAAAAAAB6KU=")),
        (
            "/products/4e5f6071-90ab-11f0-8d3a-00155d0a0105/name",
            json!("Чай"),
        ),
    ];
    assert_eq!(each(&body, &noise, over_odata), [words; 2]);
    let changes = [
        (
            "/document/Запасы/0/Номенклатура_Key",
            json!("4e5f6071-90ab-11f0-8d3a-00155d0a0106"),
        ),
        ("/document/Запасы/0/Количество", json!(2)),
    ];
    for other in each(&body, &changes, over_odata) {
        assert_ne!(other, words);
    }
}
