//! A ledger that agrees to everything, and one that refuses it.

use chrono::{DateTime, Utc};
use kopilka_contract::{
    Adjusted, Ask, Balance, CashierMessage, Closed, CustomerStatus, Expiring, Factor, FactorKind, Guest,
    Held, LineOutcome, Money, Phone, ReceiptStatus, Refusal, Returned, Told, Voided, Words,
};

const CUSTOMER: &str = "cus_01hgw3zj3q7hx";

fn rub(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn received_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_773_507_600, 0).unwrap()
}

fn balance() -> Balance {
    Balance {
        available: rub("640.00"),
        balance: rub("640.00"),
        held: Money::ZERO,
        pending: rub("120.00"),
        debt: Money::ZERO,
        expiring: Some(Expiring {
            amount: rub("100.00"),
            at: "2026-03-31T21:00:00Z".parse().unwrap(),
        }),
    }
}

fn messages() -> Vec<CashierMessage> {
    vec![CashierMessage {
        code: "birthday".to_owned(),
        text: Words::new("Сегодня день рождения", "It is the guest's birthday"),
    }]
}

fn guest() -> Guest {
    Guest {
        id: CUSTOMER.to_owned(),
        number: 173,
        name: Some("Анна Петровна Кузнецова".to_owned()),
        status: CustomerStatus::Registered,
        phone: Phone::parse("+79005550101"),
        email: Some("anna@example.com".to_owned()),
        birthday: "1991-07-02".parse().ok(),
        card: Some("2900000001734".to_owned()),
        card_blocked: false,
        coefficient: "1.5".to_owned(),
        redeem_max_percent: "30".to_owned(),
        balance: balance(),
        cashier_messages: messages(),
    }
}

fn closed(ask: &kopilka_contract::Close, quoted: bool) -> Closed {
    let total = ask.receipt.total.unwrap_or_default();
    let redeemed = ask.redemption.amount();
    let line = |line: &kopilka_contract::Line| LineOutcome {
        line_id: line.line_id.clone(),
        redeemed: line.redeemed.unwrap_or_default(),
        accrued: rub("10.00"),
    };
    Closed {
        id: if quoted {
            String::new()
        } else {
            "rcp_01hgw3zj3q7hy".to_owned()
        },
        status: if quoted {
            ReceiptStatus::Quoted
        } else {
            ReceiptStatus::Closed
        },
        customer_id: ask.receipt.named().map(|_| CUSTOMER.to_owned()),
        total,
        redeemed,
        may_redeem: rub("523.50"),
        to_pay: total - redeemed,
        accrued: rub("74.28"),
        lines: ask.receipt.lines.iter().map(line).collect(),
        balance: ask.receipt.named().map(|_| balance()),
        explanation: vec![Factor {
            factor: FactorKind::BasePercent,
            value: "5".to_owned(),
            source: "venue".to_owned(),
            lines: Vec::new(),
            words: Words::new("5 % от суммы", "5 % of the sum"),
        }],
        cashier_messages: messages(),
        replayed: false,
        guest_taken_off: false,
        telling: kopilka_contract::Telling::First,
    }
}

/// What a ledger that agrees to everything says.
pub fn agree(ask: &Ask) -> Result<Told, Refusal> {
    Ok(match ask {
        Ask::Identify(_) | Ask::Enrol(_) | Ask::AddCard(_) | Ask::IssueCard(_) | Ask::RemoveCard(_) => {
            Told::Guest(Box::new(guest()))
        }
        Ask::Quote(close) => Told::Quoted(Box::new(closed(close, true))),
        Ask::Close(close) => Told::Closed(Box::new(closed(close, false))),
        Ask::GiveBack(_) => Told::Returned(Box::new(Returned {
            id: "ret_01hgw3zj3q7hz".to_owned(),
            receipt_id: Some("rcp_01hgw3zj3q7hy".to_owned()),
            status: ReceiptStatus::PartlyReturned,
            amount: rub("240.00"),
            accrual_undone: rub("8.68"),
            redemption_undone: rub("66.50"),
            refund: rub("173.50"),
            balance: Some(balance()),
            replayed: false,
            telling: kopilka_contract::Telling::First,
        })),
        Ask::Hold(hold) => Told::Held(Box::new(Held {
            id: "hld_01hgw3zj3q7j0".to_owned(),
            amount: hold.amount.unwrap_or(rub("640.00")),
            ends_at: received_at() + chrono::Duration::minutes(hold.minutes.unwrap_or(30).into()),
            guest: guest(),
            replayed: false,
        })),
        Ask::Void(_) => Told::Voided(Voided {
            id: None,
            released: Money::ZERO,
        }),
        Ask::Adjust(adjust) => Told::Adjusted(Box::new(Adjusted {
            transaction_id: Some("txn_01hgw3zj3q7j1".to_owned()),
            amount: adjust.amount,
            balance: balance(),
        })),
        other => panic!("neither road asks {other:?}"),
    })
}

/// What one that refuses says: too much, and how much would do.
pub fn refuse() -> Result<Told, Refusal> {
    Err(Refusal {
        code: "redemption-too-large".to_owned(),
        words: Words::new(
            "Можно списать не более 200 баллов",
            "No more than 200 points can be redeemed",
        ),
        pointer: Some("/redeem".to_owned()),
        retryable: false,
        most: Some(rub("200.00")),
    })
}

/// One that is too busy.
pub fn busy() -> Result<Told, Refusal> {
    Err(Refusal {
        code: "busy".to_owned(),
        words: Words::new("Сервис занят", "The service is busy"),
        pointer: None,
        retryable: true,
        most: None,
    })
}
