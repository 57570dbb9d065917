//! No input makes the adapter panic, and whatever it makes of one, a ledger can take.

use kopilka_contract::{Ask, Money, Quantity, Settings};
use serde_json::{Value, json};

use crate::fixtures::{Fixture, all_fixtures, fixture, read, refusal};

const PATHS: [&str; 7] = [
    "",
    "webhook",
    "guest",
    "hold",
    "release",
    "poll/order",
    "poll/missing",
];

fn survive(path: &str, body: &[u8], settings: &Settings) {
    match read(path, body, settings) {
        Ok(dialogue) => {
            let asks = dialogue.asks();
            dialogue.reply(&asks.iter().map(|_| Err(refusal())).collect::<Vec<_>>());
            for errand in dialogue.errands() {
                assert!(errand.key.len() < 200);
            }
            for ask in asks {
                let Ask::Close(close) = ask else { continue };
                let lines = &close.receipt.lines;
                let sum: Money = lines.iter().map(|line| line.amount).sum();
                assert_eq!(close.receipt.total, Some(sum));
                assert!(close.redemption.amount() <= sum);
                assert!(
                    lines
                        .iter()
                        .all(|l| l.quantity > Quantity::ZERO && l.amount >= Money::ZERO)
                );
                assert!(close.receipt.payments.iter().all(|p| p.amount.is_positive()));
            }
        }
        Err(unreadable) => assert!(!unreadable.reason.ru.is_empty()),
    }
}

#[test]
fn a_message_cut_or_flipped_at_any_byte_is_survived() {
    for Fixture {
        path,
        mut body,
        settings,
        ..
    } in all_fixtures()
    {
        for end in 0..body.len() {
            survive(&path, &body[..end], &settings);
            let bit = 1 << [0, 1, 2, 4, 7][end % 5];
            body[end] ^= bit;
            survive(&path, &body, &settings);
            body[end] ^= bit;
        }
    }
}

#[test]
fn a_message_with_any_value_replaced_is_survived_at_every_path() {
    let odd = [
        Value::Null,
        json!(true),
        json!(""),
        json!("x"),
        json!(0),
        json!(-1),
        json!(0.005),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(999_999_999.99),
        json!([]),
        json!([null]),
        json!([[1]]),
        json!({}),
        json!({"phone": 1, "amount": []}),
        json!("9999-12-31T23:59:59+14:00"),
        json!("0001-01-01T00:00:00-14:00"),
    ];
    for name in [
        "webhook.completed",
        "order.completed",
        "order.bonuses",
        "hold.by-phone",
    ] {
        let fixture = fixture(name);
        let message: Value = serde_json::from_slice(&fixture.body).unwrap();
        let mut places = Vec::new();
        pointers(&message, String::new(), &mut places);
        for place in places {
            for value in &odd {
                let mut changed = message.clone();
                *changed.pointer_mut(&place).unwrap() = value.clone();
                for path in PATHS {
                    survive(path, changed.to_string().as_bytes(), &fixture.settings);
                }
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
    let settings = fixture("webhook.completed").settings;
    for path in PATHS {
        survive(path, "[".repeat(100_000).as_bytes(), &settings);
        survive(
            path,
            format!("{{\"result\":{}", "{\"a\":".repeat(100_000)).as_bytes(),
            &settings,
        );
    }
}
