//! A message on its way through the adapter, with a ledger that answers by script.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use kopilka_contract::{
    Adapter, Adjusted, Ask, Balance, CashierMessage, Close, Closed, CustomerStatus, DayCompared, Guest, Held,
    Language, LineOutcome, MenuTaken, Message, Money, Phone, ReceiptStatus, Refusal, Reply, Returned,
    Settings, Spent, Telling, Told, Unreadable, Voided, Words,
};
use kopilka_onec::OneC;
use serde_json::Value;

/// What the ledger makes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ledger {
    /// It knows the guest and does all that is asked.
    Willing,
    /// It has seen the same before.
    Repeated,
    /// Another till has the bonuses.
    LockedElsewhere,
    /// The card is blocked.
    Blocked,
    /// It does not know the guest.
    Stranger,
    /// A search means several guests.
    Crowded,
    /// This till has locked the guest's bonuses already.
    LockedHere,
    /// It refuses, for good, with this code.
    Refuses(&'static str),
    /// It is too busy.
    Busy,
}

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn refusal(code: &str, ru: &str, en: &str) -> Refusal {
    Refusal {
        code: code.to_owned(),
        words: Words::new(ru, en),
        pointer: None,
        retryable: code == "busy",
        most: None,
    }
}

impl Ledger {
    pub fn answer(self, ask: &Ask) -> Result<Told, Refusal> {
        match (self, ask) {
            (Ledger::Busy, _) => Err(refusal(
                "busy",
                "Сервис занят, повторите",
                "The service is busy, try again",
            )),
            (Ledger::Refuses(code), _) => Err(refusal(code, "Отказано", "Refused")),
            (Ledger::Stranger, Ask::Void(_)) => Ok(Told::Voided(Voided {
                id: None,
                released: Money::ZERO,
            })),
            (Ledger::Stranger, Ask::Search(_)) => Ok(Told::Guests(Vec::new())),
            (Ledger::Crowded, Ask::Search(_)) => Ok(Told::Guests(vec![self.guest(), self.namesake()])),
            (Ledger::Stranger, _) => Err(refusal(
                "card-not-found",
                "Нет такой карты",
                "There is no such card",
            )),
            (Ledger::LockedElsewhere, Ask::Hold(_)) => Err(refusal(
                "insufficient-balance",
                "Нет свободных бонусов",
                "No bonuses are free",
            )),
            (Ledger::Blocked, Ask::Hold(_)) => Err(refusal(
                "card-blocked",
                "Карта заблокирована",
                "The card is blocked",
            )),
            (_, ask) => Ok(self.does(ask)),
        }
    }

    fn does(self, ask: &Ask) -> Told {
        let replayed = self == Ledger::Repeated;
        match ask {
            Ask::Identify(_) | Ask::Enrol(_) | Ask::AddCard(_) | Ask::IssueCard(_) | Ask::RemoveCard(_) => {
                Told::Guest(Box::new(self.guest()))
            }
            Ask::Search(_) => Told::Guests(vec![self.guest()]),
            Ask::Cards(_) => Told::Cards(Vec::new()),
            Ask::Turnover(_) => Told::Turnover(money("41200.00")),
            Ask::Adjust(ask) => Told::Adjusted(Box::new(Adjusted {
                transaction_id: Some("txn_1".to_owned()),
                amount: ask.amount,
                balance: Balance::default(),
            })),
            Ask::Hold(_) => Told::Held(Box::new(Held {
                id: "hld_1".to_owned(),
                amount: money("640.50"),
                ends_at: DateTime::UNIX_EPOCH,
                guest: self.guest(),
                replayed: false,
            })),
            Ask::Void(_) => Told::Voided(Voided {
                id: Some("hld_1".to_owned()),
                released: money("640.50"),
            }),
            Ask::Spend(spend) => Told::Spent(Box::new(Spent {
                id: "txn_1".to_owned(),
                amount: spend.amount,
                debt: Money::ZERO,
                balance: Balance::default(),
                replayed,
            })),
            Ask::Quote(close) => Told::Quoted(Box::new(closed(close, false))),
            Ask::Close(close) => Told::Closed(Box::new(closed(close, replayed))),
            Ask::TakeMenu(menu) => Told::MenuTaken(MenuTaken {
                added: menu.categories.len() + menu.products.len(),
                ..MenuTaken::default()
            }),
            Ask::Reconcile(_) => Told::Reconciled(DayCompared::default()),
            Ask::GiveBack(_) | Ask::UndoReturn(_) => Told::Returned(Box::new(Returned {
                id: "ret_1".to_owned(),
                receipt_id: Some("rcp_1".to_owned()),
                status: ReceiptStatus::PartlyReturned,
                amount: money("555.00"),
                accrual_undone: money("25.20"),
                redemption_undone: money("49.50"),
                refund: money("505.50"),
                balance: Some(Balance {
                    available: money("739.00"),
                    ..Balance::default()
                }),
                replayed,
                telling: Telling::First,
            })),
        }
    }

    /// Another guest, without a card.
    fn namesake(self) -> Guest {
        Guest {
            id: "cus_2".to_owned(),
            number: 1735,
            name: Some("Кузнецова Анастасия".to_owned()),
            phone: Phone::parse("+79160000101"),
            card: None,
            balance: Balance {
                available: money("12.00"),
                ..Balance::default()
            },
            ..self.guest()
        }
    }

    fn guest(self) -> Guest {
        Guest {
            id: "cus_1".to_owned(),
            number: 1734,
            name: Some("Кузнецова Анна".to_owned()),
            status: CustomerStatus::Registered,
            phone: Phone::parse("+79005550101"),
            email: None,
            birthday: NaiveDate::from_ymd_opt(1991, 7, 2),
            card: Some("2900000001734".to_owned()),
            card_blocked: self == Ledger::Blocked,
            coefficient: "1".to_owned(),
            redeem_max_percent: "30".to_owned(),
            balance: match self {
                Ledger::LockedHere => Balance {
                    held: money("640.50"),
                    ..Balance::default()
                },
                _ => Balance {
                    available: money("640.50"),
                    ..Balance::default()
                },
            },
            cashier_messages: Vec::new(),
        }
    }
}

fn closed(close: &Close, replayed: bool) -> Closed {
    Closed {
        id: "rcp_1".to_owned(),
        status: ReceiptStatus::Closed,
        customer_id: Some("cus_1".to_owned()),
        total: close.receipt.lines.iter().map(|line| line.amount).sum(),
        redeemed: close.redemption.amount(),
        may_redeem: money(if close.hold.is_some() { "480.00" } else { "360.00" }),
        to_pay: Money::ZERO,
        accrued: money("74.20"),
        lines: Vec::<LineOutcome>::new(),
        balance: Some(Balance {
            available: money("714.70"),
            ..Balance::default()
        }),
        explanation: Vec::new(),
        cashier_messages: vec![CashierMessage {
            code: "note".to_owned(),
            text: Words::new("Начислено 74,20", "74.20 accrued"),
        }],
        replayed,
        guest_taken_off: false,
        telling: Telling::First,
    }
}

/// The shop of all fixtures.
pub fn settings(values: Value) -> Settings {
    Settings {
        time_zone: chrono_tz::Europe::Moscow,
        language: Language::Ru,
        values,
    }
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

pub fn received_at() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-03-14T16:42:07Z")
        .unwrap()
        .to_utc()
}

/// A request line of the loyalty server as a message.
pub fn request_line(line: &str) -> Message<'_> {
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Message {
        method,
        path,
        query,
        content_type: None,
        body: b"",
        login: Some("Касса 1"),
        received_at: received_at(),
    }
}

/// A pushed document as a message.
pub fn push<'a>(path: &'a str, content_type: Option<&'a str>, body: &'a [u8]) -> Message<'a> {
    Message {
        method: "POST",
        path,
        query: "",
        content_type,
        body,
        login: Some("Касса 1"),
        received_at: received_at(),
    }
}

/// What was understood, for people to read, and what was answered.
pub fn play(message: &Message<'_>, settings: &Settings, ledger: Ledger) -> (String, Reply) {
    match OneC.read(message, settings) {
        Ok(dialogue) => {
            let mut asks = dialogue.asks();
            let mut told: Vec<_> = asks.iter().map(|ask| ledger.answer(ask)).collect();
            let mut understood = String::new();
            match dialogue.then(&told) {
                Ok(more) => {
                    told.extend(more.iter().map(|ask| ledger.answer(ask)));
                    asks.extend(more);
                }
                Err(Unreadable { reason, reply }) => {
                    writeln!(understood, "{asks:#?}\ncannot be done: {}", in_both(&reason)).unwrap();
                    return (understood, reply);
                }
            }
            for ask in &asks {
                writeln!(understood, "{ask:#?}").unwrap();
            }
            for remark in dialogue.remarks() {
                writeln!(understood, "remark: {}", in_both(&remark)).unwrap();
            }
            (understood, dialogue.reply(&told))
        }
        Err(Unreadable { reason, reply }) => (format!("unreadable: {}\n", in_both(&reason)), reply),
    }
}

/// A sentence as golden files show it: in Russian, and on the next line in English.
fn in_both(words: &Words) -> String {
    format!("{}\n    {}", words.ru, words.en)
}

/// Plays a message and compares with the golden files of this name. Not 200 is a part of the answer's name.
pub fn compare(golden: &str, message: &Message<'_>, settings: &Settings, ledger: Ledger) {
    let (understood, reply) = play(message, settings, ledger);
    let kind = if reply.content_type.starts_with("application/json") {
        "json"
    } else {
        "txt"
    };
    let status = if reply.status == 200 {
        String::new()
    } else {
        format!("{}.", reply.status)
    };
    same(&fixture(&format!("{golden}.asks.txt")), understood.as_bytes());
    same(&fixture(&format!("{golden}.answer.{status}{kind}")), &reply.body);
}

fn same(path: &Path, actual: &[u8]) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return fs::write(path, actual).unwrap();
    }
    let expected = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        String::from_utf8_lossy(actual),
        String::from_utf8_lossy(&expected),
        "{} differs",
        path.display()
    );
    assert_eq!(actual, expected, "{} differs", path.display());
}
