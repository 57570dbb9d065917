//! The report of the restaurant's server: what a day was like, refunds in all their forms, and what no input may do.

// Clippy lets tests unwrap and panic, but not what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

use chrono_tz::Europe::Moscow;
use kopilka_contract::{Adapter, Ask, Language, Message, Settings, TillDay, TillOrder, Unreadable, Words};
use kopilka_iiko::Iiko;
use serde_json::{Value, json};

const FIXTURE: &str = include_str!("../fixtures/olap/day.report.json");
const GOLDEN: &str = include_str!("../fixtures/olap/day.orders.txt");

fn read(query: &str, body: &[u8], server: &Value) -> Result<(TillDay, Vec<Words>), Unreadable> {
    let settings = Settings {
        time_zone: Moscow,
        language: Language::Ru,
        values: json!({"server": server}),
    };
    let message = Message {
        method: "POST",
        path: "poll/server/olap",
        query,
        content_type: None,
        body,
        login: None,
        received_at: "2026-03-15T02:00:00Z".parse().unwrap(),
    };
    let dialogue = Iiko.read(&message, &settings)?;
    let mut asks = dialogue.asks();
    let (Some(Ask::Reconcile(day)), true) = (asks.pop(), asks.is_empty()) else {
        panic!("not one day")
    };
    Ok((*day, dialogue.remarks()))
}

fn of_rows(rows: Value) -> Vec<TillOrder> {
    let body = json!({"data": rows}).to_string();
    read("day=2026-03-14", body.as_bytes(), &json!({}))
        .unwrap()
        .0
        .orders
}

fn in_words(order: &TillOrder) -> String {
    let sold = order
        .sold
        .map_or("another day".to_owned(), |sold| sold.to_string());
    let cancelled = if order.cancelled { " cancelled" } else { "" };
    format!(
        "{} №{} {} sold {sold} returned {} within {}{cancelled}",
        order.names.join(" = "),
        order.number.as_deref().unwrap_or("-"),
        order.closed_at.map_or("-".to_owned(), |at| at.to_rfc3339()),
        order.returned,
        order.rounding,
    )
}

#[test]
fn a_day_of_a_restaurant_is_read_to_the_kopeck() {
    let (day, remarks) = read("day=2026-03-14", FIXTURE.as_bytes(), &json!({})).unwrap();
    let lines: Vec<String> = day
        .orders
        .iter()
        .map(in_words)
        .chain(remarks.into_iter().flat_map(|remark| [remark.ru, remark.en]))
        .collect();
    assert_eq!(lines.join("\n") + "\n", GOLDEN);
    assert!(day.all_are_told);
    assert_eq!(day.day.to_string(), "2026-03-14");
}

#[test]
fn refunds_are_read_in_both_forms_and_never_twice() {
    let sale = json!({"UniqOrderId.Id": "a", "DishDiscountSumInt": 100});
    let of = |refund: Value| {
        let orders = of_rows(json!([sale, refund]));
        assert_eq!(orders.len(), 1, "{orders:?}");
        in_words(&orders[0])
    };
    let expected = "a №- - sold 100.00 returned 40.00 within 0.02";
    for refund in [
        json!({"UniqOrderId.Id": "b", "SourceOrderId": "A", "DishDiscountSumInt": -40}),
        json!({"UniqOrderId.Id": "b", "SourceOrderId": "a", "DishDiscountSumInt": "-40.00", "DishReturnSum": 40}),
        json!({"UniqOrderId.Id": "b", "SourceOrderId": "a", "DishDiscountSumInt": 0, "DishReturnSum": "40,00"}),
        json!({"UniqOrderId.Id": "a", "DishDiscountSumInt": 0.0, "DishReturnSum": 40.0}),
    ] {
        assert_eq!(of(refund), expected);
    }
    // A refund that was deleted is none.
    let deleted = json!({"UniqOrderId.Id": "b", "SourceOrderId": "a", "DishDiscountSumInt": -40, "OrderDeleted": "DELETED"});
    assert_eq!(of(deleted), "a №- - sold 100.00 returned 0.00 within 0.02");
    // Of a sale of another day.
    let orders = of_rows(json!([{"UniqOrderId.Id": "b", "SourceOrderId": "a", "DishDiscountSumInt": -40}]));
    assert_eq!(
        in_words(&orders[0]),
        "a №- - sold another day returned 40.00 within 0.01"
    );
}

#[test]
fn a_storno_cancels_the_order_however_often_it_is_told() {
    let orders = of_rows(json!([
        {"UniqOrderId.Id": "a", "DishDiscountSumInt": 60, "Storned": "TRUE"},
        {"UniqOrderId.Id": "a", "DishDiscountSumInt": 40, "Storned": true},
        {"UniqOrderId.Id": "b", "SourceOrderId": "a", "DishDiscountSumInt": -100, "Storned": "TRUE"},
        {"UniqOrderId.Id": "c", "DishDiscountSumInt": 60, "Storned": "TRUE"},
        {"UniqOrderId.Id": "c", "DishDiscountSumInt": 40, "Storned": "FALSE"},
        {"UniqOrderId.Id": "d", "DishDiscountSumInt": 10, "OrderDeleted": "DELETED_WITH_WRITEOFF"},
    ]));
    let words: Vec<String> = orders.iter().map(in_words).collect();
    assert_eq!(
        words,
        [
            "a №- - sold 100.00 returned 100.00 within 0.03 cancelled",
            "c №- - sold 100.00 returned 60.00 within 0.02",
            "d №- - sold 10.00 returned 0.00 within 0.01 cancelled",
        ]
    );
}

#[test]
fn a_report_of_several_restaurants_is_not_taken_for_one() {
    let rows = json!({"data": [
        {"Department.Id": "d1", "UniqOrderId.Id": "a", "DishDiscountSumInt": 1},
        {"Department.Id": "D2", "UniqOrderId.Id": "b", "DishDiscountSumInt": 2},
    ]})
    .to_string();
    let refused = read("day=2026-03-14", rows.as_bytes(), &json!({})).unwrap_err();
    assert!(
        refused.reason.en.contains("server.departments (d1, d2)"),
        "{}",
        refused.reason.en
    );
    let (day, remarks) = read("day=2026-03-14", rows.as_bytes(), &json!({"departments": ["D2"]})).unwrap();
    assert_eq!(day.orders.len(), 1);
    assert_eq!(day.orders[0].names, ["b"]);
    let left_out = Words::new(
        "пропущено строк других ресторанов: 1",
        "1 rows of other restaurants are left out",
    );
    assert_eq!(remarks, [left_out]);
}

#[test]
fn what_is_no_report_is_unreadable_with_its_reason() {
    let many = vec![json!({"UniqOrderId.Id": "a", "DishDiscountSumInt": 1_000_000_000}); 100].into_iter();
    let many: Vec<Value> = many.collect();
    for (query, body, reason) in [
        ("day=2026-03-14", "<html>502</html>".to_owned(), "no JSON"),
        ("day=2026-03-14", "{\"rows\": []}".to_owned(), "`data`"),
        (
            "day=2026-03-14",
            json!({"data": [{"DishDiscountSumInt": "many"}]}).to_string(),
            "amount",
        ),
        (
            "day=2026-03-14",
            json!({"data": [{"DishDiscountSumInt": 1e300}]}).to_string(),
            "amount",
        ),
        ("day=2026-03-14", "[".repeat(100_000), "no JSON"),
        ("day=yesterday", "{}".to_owned(), "of which day"),
        ("", "{}".to_owned(), "of which day"),
    ] {
        let refused = read(query, body.as_bytes(), &json!({})).unwrap_err();
        assert!(refused.reason.en.contains(reason), "{}", refused.reason.en);
    }
    let sum = of_rows(Value::Array(many)).remove(0).sold.unwrap();
    assert_eq!(sum.to_string(), "100000000000.00");
}

/// Whatever is changed in a report, it is read or refused, and no amount of it grows.
#[test]
fn no_report_makes_the_reader_panic() {
    let bytes = FIXTURE.as_bytes();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let pieces: [&[u8]; 10] = [
        b"null",
        b"-",
        b"1e400",
        b"\"",
        b"{}",
        b"[[",
        b"0.005",
        b"99999999999999999999",
        b"TRUE",
        b"\xff",
    ];
    let mut read_well = 0;
    for _ in 0..3000 {
        let mut changed = bytes.to_vec();
        for _ in 0..=random(3) {
            let at = random(changed.len());
            let until = (at + random(12)).min(changed.len());
            changed.splice(at..until, pieces[random(pieces.len())].iter().copied());
        }
        if let Ok((day, _)) = read("day=2026-03-14", &changed, &json!({})) {
            read_well += 1;
            for order in day.orders {
                assert!(order.sold.is_none_or(|sold| sold >= order.returned), "{order:?}");
            }
        }
    }
    assert!(read_well > 50, "{read_well}");
}
