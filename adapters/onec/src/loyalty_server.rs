//! The stock «Сервер лояльности» dialogue: find a card, its balance, lock, write off, unlock.
//!
//! Names of methods, parameters and answer members, and the sentences that the till compares literally, are those of
//! 1C's library subsystem «Сервер лояльности», 3.0.7.84 in 1C:Trade Management 11.5.18 and an older edition in UNF
//! 3.0.5. Facts that shape this file:
//!
//! * only HTTP 200 is success; the body of anything else is never shown, so refusals are 200 with words;
//! * looking a card up with `BlockBonuses=1` locks all its bonuses, and `BonusCount` is what was locked: nothing, where
//!   another till has them, and nothing where several guests may be meant: the till asks again by the code of the one chosen;
//! * the write-off comes after the fiscal receipt was printed, has no id, and is not repeated: a till that does not
//!   read «Бонусы успешно списаны» unlocks the card instead;
//! * the receipt itself never comes this way.

mod calculation;
mod card_types;
mod elsewhere;
mod issue;
mod meeting;
mod replies;
mod wire;

use kopilka_contract::{
    Ask, CustomerRef, Dialogue, Guest, Hold, Language, Message, Money, Refusal, Reply, Settings, Spend, Told,
    Unreadable, Words, words,
};

pub use self::card_types::CardType;
use self::elsewhere::Elsewhere;
use self::meeting::{Meeting, Met, is_blocked, is_not_found};
use self::wire::{Answer, AutomaticDiscounts};
pub(crate) use self::wire::{guest_of, guid};
use crate::guest_name::{GuestName, Who, session, session_beginning};
use crate::numbers;
use crate::query::Query;
use crate::reply;
use crate::settings::{LockMinutes, OneCSettings, Version};

const WRITTEN_OFF: &str = "Бонусы успешно списаны";
const UNLOCKED: &str = "Бонусы разблокированы";
const CARD_NOT_FOUND: &str = "Карта клиента не найдена";
const NO_AMOUNT: &str = "Количество баллов не указано";
const NOT_SUPPORTED: &str = "Не поддерживается";
const NO_CARDS_ISSUED: &str = "Выдача карт с кассы не поддерживается";
const FAILED: &str = "Сервис лояльности не ответил";
const SEVERAL: &str = "Подходит несколько клиентов, уточните";

/// What a till asks for.
#[derive(Debug)]
enum Method {
    Ping,
    UseAutomaticDiscounts,
    GetCardTypes,
    FindClientCard { who: Option<Who>, lock: bool },
    GetClientBonuses { who: Option<Who> },
    SalesTurnover { who: Option<Who> },
    WriteOff { who: Who, amount: Money },
    NoAmount,
    Unlock { who: Option<Who> },
    Elsewhere(Elsewhere, Query),
    Unsupported(&'static str),
}

/// Reads a request by its last path segment and its query; only `calculatediscounts` has a body that matters.
pub(crate) fn read(
    method: &str,
    message: &Message<'_>,
    settings: &Settings,
    own: OneCSettings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    if method == "calculatediscounts" {
        return calculation::read(message, settings, own);
    }
    let language = settings.language;
    if changes_books(method) && message.method != "POST" {
        return Err(wrong_verb(message.method));
    }
    let query = Query::parse(message.query);
    let who = Who::from_query(&query);
    let unknown_name = who.is_none() && (query.get("Phone").is_some() || query.get("Email").is_some());
    let method = match method {
        "ping" => Method::Ping,
        "useautomaticdiscounts" => Method::UseAutomaticDiscounts,
        "getcardtypes" => Method::GetCardTypes,
        "findclientcard" => Method::FindClientCard {
            who,
            lock: query.get("BlockBonuses") == Some("1"),
        },
        "getclientbonuses" => Method::GetClientBonuses { who },
        "salesturnover" => Method::SalesTurnover { who },
        "writeoffclientbonuses" => write_off(who, &query)?,
        "unlockclientbonuses" => Method::Unlock { who },
        "issueclientcard" if own.issue_cards => return issue::read(message, settings, own),
        "issueclientcard" => Method::Unsupported(NO_CARDS_ISSUED),
        method => match Elsewhere::of(method) {
            Some(elsewhere) => Method::Elsewhere(elsewhere, query),
            None => Method::Unsupported(NOT_SUPPORTED),
        },
    };
    Ok(Box::new(Conversation {
        method,
        unknown_name,
        login: message.login.unwrap_or_default().to_owned(),
        language,
        settings: own,
    }))
}

fn changes_books(method: &str) -> bool {
    matches!(
        method,
        "writeoffclientbonuses"
            | "unlockclientbonuses"
            | "issueclientcard"
            | "writeoffgiftcard"
            | "unlockgiftcard"
            | "unlockpromocode"
            | "redeempromocode"
            | "activatepromocode"
    )
}

/// A write-off that cannot be read is kept for a person: the guest already has the discount on his fiscal receipt.
fn write_off(who: Option<Who>, query: &Query) -> Result<Method, Unreadable> {
    let amount = match query.get("BonusesCount").map(numbers::money) {
        None | Some(Ok(Money::ZERO)) => return Ok(Method::NoAmount),
        Some(Ok(amount)) if amount.is_positive() => amount,
        Some(_) => {
            let words = Words::new(
                "списание бонусов после чека: BonusesCount не похоже на сумму",
                "a write-off after the fiscal receipt: BonusesCount is not an amount",
            );
            return Err(unreadable(words, reply::sentence(200, NO_AMOUNT)));
        }
    };
    match who {
        Some(who) => Ok(Method::WriteOff { who, amount }),
        None => {
            let words = Words::new(
                "списание бонусов после чека: нет ни кода карты, ни телефона, ни e-mail",
                "a write-off after the fiscal receipt: neither a card code nor a telephone number nor an e-mail",
            );
            Err(unreadable(words, reply::sentence(200, CARD_NOT_FOUND)))
        }
    }
}

fn wrong_verb(verb: &str) -> Unreadable {
    let words = words!(
        "{verb} вместо POST: этот метод меняет остатки",
        "{verb} instead of POST: this method changes the books"
    );
    unreadable(words, reply::sentence(405, NOT_SUPPORTED))
}

fn unreadable(reason: Words, reply: Reply) -> Unreadable {
    Unreadable { reason, reply }
}

/// What the till is told where we failed: words that it shows. `ping` looks at the status only.
pub(crate) fn failure(method: &str, words: &str, version: &Version) -> Reply {
    match method {
        "ping" => reply::sentence(503, words),
        "writeoffclientbonuses" | "unlockclientbonuses" => reply::sentence(200, words),
        _ => reply::json(200, &Answer::error(version, words)),
    }
}

/// One request, read.
#[derive(Debug)]
struct Conversation {
    method: Method,
    /// The till named a guest in a way that we do not search by.
    unknown_name: bool,
    /// The till's own login.
    login: String,
    language: Language,
    settings: OneCSettings,
}

impl Dialogue for Conversation {
    fn asks(&self) -> Vec<Ask> {
        match &self.method {
            Method::FindClientCard { who: Some(who), .. }
            | Method::GetClientBonuses { who: Some(who) }
            | Method::SalesTurnover { who: Some(who) } => vec![meeting::ask(who, None)],
            Method::WriteOff { who, .. } | Method::Unlock { who: Some(who) } => {
                vec![meeting::ask(who, Some(session_beginning(&self.login)))]
            }
            _ => Vec::new(),
        }
    }

    /// A lock, a write-off and an unlock are about one guest, who is known now by whatever he was named.
    fn then(&self, told: &[Result<Told, Refusal>]) -> Result<Vec<Ask>, Unreadable> {
        let met = |who: &Who| Meeting::of(Some(who), told).one();
        Ok(match &self.method {
            Method::FindClientCard { who: Some(who), lock } => {
                let found = Meeting::of(Some(who), told).all();
                let locked = found.first().filter(|_| *lock && found.len() == 1);
                let lock = locked.map(|met| self.lock(met));
                let bought = found.iter().map(|met| Ask::Turnover(met.guest.id.clone()));
                lock.into_iter().chain(bought).collect()
            }
            Method::GetClientBonuses { who: Some(who) } => {
                met(who).map(|met| self.lock(&met)).into_iter().collect()
            }
            Method::SalesTurnover { who: Some(who) } => {
                let bought = |met: Met<'_>| Ask::Turnover(met.guest.id.clone());
                met(who).map(bought).into_iter().collect()
            }
            Method::WriteOff { who, amount } => vec![match (met(who), who) {
                (Some(met), _) => self.spend(met.name.customer(), session(&self.login, met.guest), *amount),
                // The books refuse it, and it is kept for a person.
                (None, Who::Named(name)) => {
                    let session = format!("{}/{}", self.login, name.code());
                    self.spend(name.customer(), session, *amount)
                }
                (None, Who::Sought(_)) => return Err(self.nobody_locked()),
            }],
            Method::Unlock { who: Some(who) } => match (met(who), who) {
                (Some(met), _) => vec![Ask::Void(session(&self.login, met.guest))],
                (None, Who::Named(_)) => Vec::new(),
                (None, Who::Sought(_)) => return Err(self.nobody_locked()),
            },
            _ => Vec::new(),
        })
    }

    fn remarks(&self) -> Vec<Words> {
        let words = Words::new(
            "гостя искали не по коду, не по e-mail и не по четырём или больше последним цифрам телефона: такого поиска нет",
            "the guest was looked for by neither a code nor an e-mail nor the last four or more digits of a telephone: there is no \
             such search",
        );
        self.unknown_name.then_some(words).into_iter().collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match &self.method {
            Method::Ping => reply::sentence(200, "ok"),
            Method::UseAutomaticDiscounts => self.answer(AutomaticDiscounts {
                use_automatic_discounts: self.settings.automatic_discounts,
            }),
            Method::GetCardTypes if !self.settings.issue_cards => card_types::listed(&[]),
            Method::GetCardTypes => card_types::listed(&self.settings.card_types),
            Method::FindClientCard { who, lock } => self.cards(who.as_ref(), *lock, told),
            Method::GetClientBonuses { who } => self.bonuses(who.as_ref(), told),
            Method::SalesTurnover { who } => self.turnover(who.as_ref(), told),
            Method::WriteOff { .. } => self.written_off(told),
            Method::NoAmount => reply::sentence(200, NO_AMOUNT),
            Method::Unlock { who } => self.unlocked(who.as_ref(), told),
            Method::Elsewhere(elsewhere, query) => elsewhere.reply(query, &self.settings.version),
            Method::Unsupported(why) => self.error(why),
        }
    }
}

fn lock(name: &GuestName, guest: &Guest, login: &str, settings: &OneCSettings) -> Ask {
    Ask::Hold(Hold {
        once: false,
        of_order: None,
        order: Vec::new(),
        external_id: session(login, guest),
        customer: name.customer(),
        amount: None,
        at_most: None,
        minutes: settings.lock_minutes.map(LockMinutes::get),
    })
}

/// What the till may take: what it has just locked, which the answer after the look-up tells, or, where it only looks, what
/// there is.
fn bonus_count<'a>(
    guest: &Guest,
    lock: bool,
    locked: Option<&'a Result<Told, Refusal>>,
) -> Result<Money, Option<&'a Refusal>> {
    if !lock {
        let nothing = is_blocked(guest);
        return Ok(if nothing {
            Money::ZERO
        } else {
            guest.balance.available.max(Money::ZERO)
        });
    }
    match locked {
        Some(Ok(Told::Held(held))) => Ok(held.amount),
        Some(Err(why)) if why.retryable => Err(Some(why)),
        Some(Err(_)) => Ok(Money::ZERO),
        _ => Err(None),
    }
}

/// What a guest has bought, by the answer about it.
fn bought(told: Option<&Result<Told, Refusal>>) -> Result<Money, Option<&Refusal>> {
    match told {
        Some(Ok(Told::Turnover(bought))) => Ok(*bought),
        Some(Err(why)) => Err(Some(why)),
        _ => Err(None),
    }
}

impl Conversation {
    fn lock(&self, met: &Met<'_>) -> Ask {
        lock(&met.name, met.guest, &self.login, &self.settings)
    }

    fn spend(&self, customer: CustomerRef, session: String, amount: Money) -> Ask {
        Ask::Spend(Spend {
            customer,
            session,
            amount,
            repeat_window_s: self.settings.repeat_window_s,
            debt_limit: self.settings.debt_limit,
        })
    }

    /// Several guests have this e-mail or this end of a number, or none, and it is not for us to guess whose bonuses go.
    fn nobody_locked(&self) -> Unreadable {
        let words = Words::new(
            "по e-mail или концу номера не понять, чьи бонусы: касса держит резерв не ровно одного такого гостя",
            "whose bonuses is not to be told by the e-mail or the end of a number: the till has locked those of none or of several",
        );
        unreadable(words, reply::sentence(200, CARD_NOT_FOUND))
    }
}
