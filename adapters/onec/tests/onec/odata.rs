//! Documents of a base by the mapping of its configuration, and bases that lack some of what a mapping names.

use chrono::{Duration, Utc};
use kopilka_contract::{Adapter, Ask, HttpAnswer, Next, Settings, Situation, percent_encoded};
use kopilka_onec::OneC;
use serde_json::{Value, json};

use crate::stage::{push, settings};

const SALE: &str = "7c1f2a34-90ab-11f0-8d3a-00155d0a0101";
const EMPTY: &str = "00000000-0000-0000-0000-000000000000";
const CARD_MONEY: &str = "6a718293-90ab-11f0-8d3a-00155d0a0107";

fn of(configuration: &str) -> Settings {
    let url = "https://base.example/shop/odata/standard.odata";
    settings(json!({"odata": {"url": url, "user": "kopilka", "configuration": configuration}}))
}

/// A receipt of 1C:UNF that says so of its operation.
fn unf(operation: &Value, sale: &str) -> Value {
    let mut document = json!({
        "Ref_Key": "8d2f3b45-91ab-11f0-8d3a-00155d0a0101", "DataVersion": "AAAAAAAB6KQ=", "Date": "2026-03-14T19:42:05",
        "Posted": true, "Статус": "Пробит", "ЧекККМ_Key": sale, "СуммаДокумента": 500,
        "Запасы": [{"Номенклатура_Key": "4e5f6071-90ab-11f0-8d3a-00155d0a0105", "Количество": 1, "Цена": 500, "Сумма": 500}],
    });
    if !operation.is_null() {
        document["ВидОперации"] = operation.clone();
    }
    document
}

/// What is asked of the books for a document; nothing, where it is no receipt.
fn asked(configuration: &str, entity: &str, body: &Value) -> Vec<Ask> {
    let query = format!("entity={}&turn=0", percent_encoded(entity));
    let body = body.to_string();
    let mut message = push("poll/odata", Some("application/json"), body.as_bytes());
    message.query = &query;
    let read = OneC.read(&message, &of(configuration));
    read.map(|dialogue| dialogue.asks()).unwrap_or_default()
}

#[test]
fn a_receipt_of_unf_is_what_its_operation_says_and_a_sale_where_it_says_nothing() {
    let of_document =
        |document: &Value| asked("unf_retail_3", "Document_ЧекККМ", &json!({"document": document}));
    for operation in [json!("Продажа"), Value::Null, json!("")] {
        let asks = of_document(&unf(&operation, EMPTY));
        assert!(matches!(asks.as_slice(), [Ask::Close(_)]), "{operation} {asks:?}");
    }
    let asks = of_document(&unf(&json!("Возврат"), SALE));
    let [Ask::GiveBack(back)] = asks.as_slice() else {
        panic!("{asks:?}");
    };
    assert_eq!(back.sale, SALE);
    let mut elsewhere = unf(&json!("Возврат"), EMPTY);
    elsewhere["ЧекККМПродажа_Key"] = json!(SALE);
    assert!(matches!(of_document(&elsewhere).as_slice(), [Ask::GiveBack(_)]));
    assert_eq!(of_document(&unf(&json!("ВыдачаНаличных"), EMPTY)), []);
}

#[test]
fn a_payment_has_the_name_of_its_kind() {
    let document = json!({
        "Ref_Key": SALE, "DataVersion": "AAAAAAAB6KQ=", "Date": "2026-03-14T19:42:05", "Posted": true,
        "ВидОперации": "Продажа", "СтатусЧекаККМ": "Пробитый", "СуммаДокумента": 500,
        "Товары": [{"Номенклатура_Key": "4e5f6071-90ab-11f0-8d3a-00155d0a0105", "Количество": 1, "Цена": 500, "Сумма": 500}],
        "Оплата": [{"ВидОплаты_Key": CARD_MONEY, "Сумма": 300}],
    });
    let kinds = |known: Value| {
        let body = json!({"document": document, "paymentKinds": known});
        let asks = asked("retail_2", "Document_ЧекККМ", &body);
        let [Ask::Close(close)] = asks.as_slice() else {
            panic!("{asks:?}");
        };
        let kinds = close.receipt.payments.iter().map(|payment| payment.kind.clone());
        kinds.collect::<Vec<String>>()
    };
    assert_eq!(
        kinds(json!({CARD_MONEY: "Сертификат"})),
        ["Сертификат", "Наличные"]
    );
    assert_eq!(kinds(json!({CARD_MONEY: null})), [CARD_MONEY, "Наличные"]);
}

#[test]
fn bonuses_on_the_lines_that_are_a_payment_too_are_paid_once() {
    // (total, the line's amount): net of 150.00 in bonuses of a price of 1000.00, gross with a gross total and with a net one.
    for (total, amount) in [(850, 850), (1000, 1000), (850, 1000)] {
        let document = json!({
            "Ref_Key": SALE, "DataVersion": "AAAAAAAB6KQ=", "Date": "2026-03-14T19:42:05", "Posted": true,
            "ВидОперации": "Продажа", "СтатусЧекаККМ": "Пробитый", "СуммаДокумента": total,
            "Товары": [{"Номенклатура_Key": "4e5f6071-90ab-11f0-8d3a-00155d0a0105", "Количество": 2, "Цена": 500,
                        "Сумма": amount, "СуммаСкидкиОплатыБонусом": 150}],
            "Оплата": [{"ВидОплаты_Key": CARD_MONEY, "Сумма": 150}, {"ВидОплаты_Key": "card", "Сумма": 300}],
        });
        let body =
            json!({"document": document, "paymentKinds": {CARD_MONEY: "Оплата бонусами", "card": "Карта"}});
        let asks = asked("retail_2", "Document_ЧекККМ", &body);
        let [Ask::Close(close)] = asks.as_slice() else {
            panic!("{total} {amount} {asks:?}");
        };
        let receipt = &close.receipt;
        let paid: Vec<(&str, String)> = receipt
            .payments
            .iter()
            .map(|paid| (paid.kind.as_str(), paid.amount.to_string()))
            .collect();
        assert_eq!(
            paid,
            [("Карта", "300.00".to_owned()), ("Наличные", "550.00".to_owned())],
            "{total} {amount}"
        );
        assert_eq!(receipt.lines[0].amount.to_string(), "1000.00", "{total} {amount}");
        assert_eq!(
            close.redemption.amount().to_string(),
            "150.00",
            "{total} {amount}"
        );
    }
}

/// A round with a base that has these entities; what it was asked, and how the round ended.
fn round(configuration: &str, has: &[(&str, Value)]) -> (Vec<String>, Next) {
    let settings = of(configuration);
    let poll = OneC.poll().unwrap();
    let (mut state, mut answer, mut asked) = (Value::Null, None::<HttpAnswer>, Vec::new());
    for _ in 0..20 {
        let step = poll.step(&Situation {
            settings: &settings,
            state: &state,
            errands: &[],
            now: Utc::now() - Duration::days(1),
            answer: answer.as_ref(),
        });
        state = step.state;
        let Next::Call(call) = step.next else {
            return (asked, step.next);
        };
        let known = has
            .iter()
            .find(|(entity, _)| call.url.contains(&format!("/{}?", percent_encoded(entity))));
        asked.push(known.map_or_else(|| "?".to_owned(), |(entity, _)| (*entity).to_owned()));
        answer = Some(HttpAnswer {
            status: if known.is_some() { 200 } else { 404 },
            headers: Vec::new(),
            body: json!({"value": known.map_or(&Value::Null, |(_, values)| values)})
                .to_string()
                .into_bytes(),
        });
    }
    panic!("the round does not end: {asked:?}");
}

#[test]
fn a_base_of_unf_without_a_document_of_returns_is_asked_on_and_one_without_receipts_is_not() {
    let (asked, end) = round("unf_retail_3", &[("Document_ЧекККМ", json!([]))]);
    assert_eq!(asked, ["Document_ЧекККМ", "?"]);
    assert!(matches!(end, Next::Rest { .. }), "{end:?}");
    let (asked, end) = round("unf_retail_3", &[("Document_ЧекККМВозврат", json!([]))]);
    assert_eq!(asked, ["?"]);
    assert!(matches!(end, Next::Failed { .. }), "{end:?}");
}

#[test]
fn a_base_that_hides_its_kinds_of_payment_still_gives_its_receipts() {
    let at = (Utc::now() - Duration::days(1))
        .format("%Y-%m-%dT%H:%M:%S")
        .to_string();
    let document = json!({
        "Ref_Key": SALE, "DataVersion": "AAAAAAAB6KQ=", "Date": at, "Posted": true, "ВидОперации": "Продажа",
        "СтатусЧекаККМ": "Пробитый", "СуммаДокумента": 500, "Товары": [], "Оплата": [{"ВидОплаты_Key": CARD_MONEY, "Сумма": 300}],
    });
    let kind = json!([{"Ref_Key": CARD_MONEY, "Description": "Сертификат"}]);
    let receipts = ("Document_ЧекККМ", json!([document]));
    for (has, named) in [
        (vec![receipts.clone()], json!({CARD_MONEY: null})),
        (
            vec![receipts, ("Catalog_ВидыОплатЧекаККМ", kind)],
            json!({CARD_MONEY: "Сертификат"}),
        ),
    ] {
        let (asked, end) = round("retail_2", &has);
        assert_eq!(asked.len(), 2, "{asked:?}");
        let Next::Deliver(delivered) = end else {
            panic!("{end:?}");
        };
        let body: Value = serde_json::from_slice(&delivered[0].body).unwrap();
        assert_eq!(body["paymentKinds"], named);
    }
}
