//! Answers of a ledger, composed for the tests.

use chrono::{DateTime, Utc};
use kopilka_contract::{
    Balance, CashierMessage, Closed, CustomerStatus, Expiring, Guest, LineOutcome, Money, Phone,
    ReceiptStatus, Refusal, Returned, Told, Words,
};

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn balance(available: &str) -> Balance {
    Balance {
        available: money(available),
        balance: money(available),
        expiring: Some(Expiring {
            amount: money("40.00"),
            at: "2026-03-31T21:00:00Z".parse::<DateTime<Utc>>().unwrap(),
        }),
        ..Balance::default()
    }
}

pub fn guest() -> Guest {
    Guest {
        id: "cus_1".to_owned(),
        number: 880_017,
        name: Some("Анна К.".to_owned()),
        status: CustomerStatus::Registered,
        phone: Phone::parse("+79000000017"),
        email: None,
        birthday: None,
        card: None,
        card_blocked: false,
        coefficient: "1".to_owned(),
        redeem_max_percent: "30".to_owned(),
        balance: balance("1240.00"),
        cashier_messages: vec![birthday()],
    }
}

fn birthday() -> CashierMessage {
    CashierMessage {
        code: "birthday".to_owned(),
        text: Words::new(
            "Поздравьте гостя с днём рождения! 🎂",
            "Wish the guest a happy birthday! 🎂",
        ),
    }
}

pub fn quoted(may_redeem: &str) -> Told {
    Told::Quoted(Box::new(Closed {
        id: String::new(),
        status: ReceiptStatus::Quoted,
        may_redeem: money(may_redeem),
        ..closed("0.00", "85.00", "1240.00")
    }))
}

pub fn closed(redeemed: &str, accrued: &str, available: &str) -> Closed {
    Closed {
        id: "rcp_7".to_owned(),
        status: ReceiptStatus::Closed,
        customer_id: Some("cus_1".to_owned()),
        total: money("1615.00"),
        redeemed: money(redeemed),
        may_redeem: money("484.50"),
        to_pay: money("1615.00") - money(redeemed),
        accrued: money(accrued),
        lines: vec![LineOutcome {
            line_id: "4".to_owned(),
            redeemed: money(redeemed),
            accrued: money(accrued),
        }],
        balance: Some(balance(available)),
        explanation: Vec::new(),
        cashier_messages: Vec::new(),
        replayed: false,
        guest_taken_off: false,
        telling: kopilka_contract::Telling::First,
    }
}

pub fn closed_with_message() -> Closed {
    Closed {
        cashier_messages: vec![birthday()],
        ..closed("500.00", "55.75", "795.75")
    }
}

pub fn returned() -> Told {
    Told::Returned(Box::new(Returned {
        id: "ret_1".to_owned(),
        receipt_id: Some("rcp_7".to_owned()),
        status: ReceiptStatus::Returned,
        amount: money("1615.00"),
        accrual_undone: money("55.75"),
        redemption_undone: money("500.00"),
        refund: money("1115.00"),
        balance: Some(balance("1240.00")),
        replayed: false,
        telling: kopilka_contract::Telling::First,
    }))
}

pub fn refusal(code: &str) -> Refusal {
    let words = match code {
        "insufficient-balance" => Words::new(
            "Недостаточно бонусов: доступно 320,00",
            "Not enough bonuses: 320.00",
        ),
        "card-not-found" => Words::new("Карта не найдена", "The card is not found"),
        _ => Words::new("Сервис занят, повторите", "The service is busy, repeat"),
    };
    Refusal {
        code: code.to_owned(),
        words,
        pointer: None,
        retryable: false,
        most: None,
    }
}
