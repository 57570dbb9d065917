//! No input makes the adapter panic, and whatever it makes of one, a ledger can take.

use crate::fixtures::{all_fixtures, fixture, read};
use kopilka_contract::{Ask, Close, Money, Quantity, Settings};
use serde_json::{Value, json};

/// Reads a body and checks what every receipt promises.
fn survive(body: &[u8], settings: &Settings) {
    match read(body, settings) {
        Ok(dialogue) => {
            assert_eq!(dialogue.reply(&[]).status, 200);
            for ask in dialogue.asks() {
                match ask {
                    Ask::Close(close) => check(&close),
                    Ask::GiveBack(back) => assert!(!back.sale.is_empty()),
                    other => panic!("a webhook never asks {other:?}"),
                }
            }
        }
        Err(unreadable) => assert!(!unreadable.reason.ru.is_empty()),
    }
}

fn check(close: &Close) {
    let lines = &close.receipt.lines;
    let sum: Money = lines.iter().map(|line| line.amount).sum();
    assert_eq!(close.receipt.total, Some(sum));
    assert!(close.redemption.amount() <= sum);
    assert!(
        lines
            .iter()
            .all(|line| line.quantity > Quantity::ZERO && line.amount >= Money::ZERO)
    );

    let mut ids: Vec<&str> = lines.iter().map(|line| line.line_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), lines.len(), "line ids are unique");

    let redeemed: Vec<Money> = lines.iter().filter_map(|line| line.redeemed).collect();
    if !redeemed.is_empty() {
        assert_eq!(redeemed.len(), lines.len(), "all lines have a part or none");
        assert_eq!(redeemed.into_iter().sum::<Money>(), close.redemption.amount());
        assert!(lines.iter().all(|line| line.redeemed <= Some(line.amount)));
    }
    assert!(
        close
            .receipt
            .payments
            .iter()
            .all(|payment| payment.amount.is_positive())
    );
}

/// All messages, with each event in a message of its own and without the blanks between tokens: what is long takes
/// long to break, and breaks no differently.
fn bodies() -> Vec<(Vec<u8>, Settings)> {
    let mut bodies = Vec::new();
    for fixture in all_fixtures() {
        match serde_json::from_slice(&fixture.body) {
            Ok(Value::Array(events)) => {
                for event in events {
                    bodies.push((json!([event]).to_string().into_bytes(), fixture.settings.clone()));
                }
            }
            _ => bodies.push((fixture.body, fixture.settings)),
        }
    }
    bodies.dedup_by(|one, other| one.0 == other.0);
    bodies
}

#[test]
fn a_message_cut_at_any_byte_is_survived() {
    for (body, settings) in bodies() {
        for end in 0..body.len() {
            survive(&body[..end], &settings);
        }
    }
}

#[test]
fn a_message_with_bytes_flipped_is_survived() {
    for (number, (mut body, settings)) in bodies().into_iter().enumerate() {
        // Every third byte, from another one on in each message: most messages differ in little, so that together
        // they have every byte flipped.
        for at in (number % 3..body.len()).step_by(3) {
            // The lowest bit turns digits into other digits, the highest breaks the encoding; take turns.
            let bit = 1 << [0, 1, 2, 4, 7][at % 5];
            body[at] ^= bit;
            survive(&body, &settings);
            body[at] ^= bit;
        }
    }
}

#[test]
fn a_message_with_any_value_replaced_is_survived() {
    let odd = [
        Value::Null,
        json!(true),
        json!(""),
        json!("x"),
        json!(0),
        json!(-1),
        json!(0.005),
        json!(1e300),
        json!(-1e-300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(999_999_999.99),
        json!([]),
        json!([null]),
        json!([[1]]),
        json!({}),
        json!({"id": 1, "name": []}),
        json!("9999-12-31 23:59:59.999"),
    ];
    for name in [
        "table-closed-points-both-ways",
        "table-closed-points-as-discount",
        "delivery-closed-points-payment",
        "delivery-cancelled",
    ] {
        let fixture = fixture(name);
        let message: Value = serde_json::from_slice(&fixture.body).unwrap();
        let mut places = Vec::new();
        pointers(&message, String::new(), &mut places);
        for place in places {
            for value in &odd {
                let mut changed = message.clone();
                *changed.pointer_mut(&place).unwrap() = value.clone();
                survive(changed.to_string().as_bytes(), &fixture.settings);
            }
        }
    }
}

fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                pointers(field, format!("{at}/{name}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

#[test]
fn deep_nesting_is_unreadable_and_no_stack_overflow() {
    let fixture = fixture("probe");
    survive("[".repeat(100_000).as_bytes(), &fixture.settings);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(nested.as_bytes(), &fixture.settings).is_err());
}
