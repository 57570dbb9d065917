//! The stock «Сервер лояльности» dialogue: find a card, its balance, lock, write off, unlock.
//!
//! Names of methods, parameters and answer members, and the sentences that the till compares literally, are those of
//! 1C's library subsystem «Сервер лояльности», 3.0.7.84 in 1C:Trade Management 11.5.18 and an older edition in UNF
//! 3.0.5. Facts that shape this file:
//!
//! * only HTTP 200 is success; the body of anything else is never shown, so refusals are 200 with words;
//! * looking a card up with `BlockBonuses=1` locks all its bonuses, and `BonusCount` is what was locked: nothing, where
//!   another till has them;
//! * the write-off comes after the fiscal receipt was printed, has no id, and is not repeated: a till that does not
//!   read «Бонусы успешно списаны» unlocks the card instead;
//! * the receipt itself never comes this way.

mod calculation;
mod elsewhere;
mod issue;
mod wire;

use kopilka_contract::{
    Ask, CustomerStatus, Dialogue, Guest, Hold, Language, Message, Money, Refusal, Reply, Settings, Spend,
    Told, Unreadable, Words,
};
use serde::Serialize;

use self::elsewhere::Elsewhere;
pub(crate) use self::wire::guest_of;
use self::wire::{Answer, AutomaticDiscounts, Bonuses, Card, CardTypes, Cards, Turnover, guid};
use crate::dates::NO_DATE;
use crate::guest_name::GuestName;
use crate::numbers::{self, JsonNumber};
use crate::query::Query;
use crate::reply;
use crate::settings::{OneCSettings, Version};

const WRITTEN_OFF: &str = "Бонусы успешно списаны";
const UNLOCKED: &str = "Бонусы разблокированы";
const CARD_NOT_FOUND: &str = "Карта клиента не найдена";
const NO_AMOUNT: &str = "Количество баллов не указано";
const NOT_SUPPORTED: &str = "Не поддерживается";
const NO_CARDS_ISSUED: &str = "Выдача карт с кассы не поддерживается";
const FAILED: &str = "Сервис лояльности не ответил";

/// What a till asks for.
#[derive(Debug)]
enum Method {
    Ping,
    UseAutomaticDiscounts,
    GetCardTypes,
    FindClientCard { guest: Option<GuestName>, lock: bool },
    GetClientBonuses { guest: Option<GuestName> },
    SalesTurnover { guest: Option<GuestName> },
    WriteOff { guest: GuestName, amount: Money },
    NoAmount,
    Unlock { guest: Option<GuestName> },
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
        return Err(wrong_verb(message.method, language));
    }
    let query = Query::parse(message.query);
    let guest = GuestName::from_query(&query);
    let unknown_name = guest.is_none() && (query.get("Phone").is_some() || query.get("Email").is_some());
    let method = match method {
        "ping" => Method::Ping,
        "useautomaticdiscounts" => Method::UseAutomaticDiscounts,
        "getcardtypes" => Method::GetCardTypes,
        "findclientcard" => Method::FindClientCard {
            guest,
            lock: query.get("BlockBonuses") == Some("1"),
        },
        "getclientbonuses" => Method::GetClientBonuses { guest },
        "salesturnover" => Method::SalesTurnover { guest },
        "writeoffclientbonuses" => write_off(guest, &query, language)?,
        "unlockclientbonuses" => Method::Unlock { guest },
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
fn write_off(guest: Option<GuestName>, query: &Query, language: Language) -> Result<Method, Unreadable> {
    let amount = match query.get("BonusesCount").map(numbers::money) {
        None | Some(Ok(Money::ZERO)) => return Ok(Method::NoAmount),
        Some(Ok(amount)) if amount.is_positive() => amount,
        Some(_) => {
            let words = Words::new(
                "списание бонусов после чека: BonusesCount не похоже на сумму",
                "a write-off after the fiscal receipt: BonusesCount is not an amount",
            );
            return Err(unreadable(&words, language, reply::sentence(200, NO_AMOUNT)));
        }
    };
    match guest {
        Some(guest) => Ok(Method::WriteOff { guest, amount }),
        None => {
            let words = Words::new(
                "списание бонусов после чека: нет ни кода карты, ни полного номера телефона",
                "a write-off after the fiscal receipt: neither a card code nor a whole telephone number",
            );
            Err(unreadable(&words, language, reply::sentence(200, CARD_NOT_FOUND)))
        }
    }
}

fn wrong_verb(verb: &str, language: Language) -> Unreadable {
    let words = Words::new(
        format!("{verb} вместо POST: этот метод меняет остатки"),
        format!("{verb} instead of POST: this method changes the books"),
    );
    unreadable(&words, language, reply::sentence(405, NOT_SUPPORTED))
}

fn unreadable(words: &Words, language: Language, reply: Reply) -> Unreadable {
    Unreadable {
        reason: words.in_language(language).to_owned(),
        reply,
    }
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
    language: Language,
    settings: OneCSettings,
}

impl Dialogue for Conversation {
    fn asks(&self) -> Vec<Ask> {
        match &self.method {
            Method::FindClientCard {
                guest: Some(guest),
                lock: false,
            }
            | Method::SalesTurnover { guest: Some(guest) } => vec![identify(guest)],
            Method::FindClientCard {
                guest: Some(guest),
                lock: true,
            }
            | Method::GetClientBonuses { guest: Some(guest) } => {
                vec![identify(guest), lock(guest, &self.settings)]
            }
            Method::WriteOff { guest, amount } => vec![self.spend(guest, *amount)],
            Method::Unlock { guest: Some(guest) } => vec![identify(guest), Ask::Void(guest.session())],
            _ => Vec::new(),
        }
    }

    fn remarks(&self) -> Vec<String> {
        let words = Words::new(
            "гостя искали по e-mail или по части номера телефона: такого поиска нет",
            "the guest was looked for by e-mail or by a part of a telephone number: there is no such search",
        );
        self.unknown_name
            .then(|| words.in_language(self.language).to_owned())
            .into_iter()
            .collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match &self.method {
            Method::Ping => reply::sentence(200, "ok"),
            Method::UseAutomaticDiscounts => self.answer(AutomaticDiscounts {
                use_automatic_discounts: self.settings.automatic_discounts,
            }),
            Method::GetCardTypes => self.answer(CardTypes { card_types_list: [] }),
            Method::FindClientCard { guest, lock } => self.cards(guest.as_ref(), *lock, told),
            Method::GetClientBonuses { guest } => self.bonuses(guest.as_ref(), told),
            Method::SalesTurnover { guest } => self.turnover(guest.as_ref(), told),
            Method::WriteOff { .. } => self.written_off(told),
            Method::NoAmount => reply::sentence(200, NO_AMOUNT),
            Method::Unlock { guest } => self.unlocked(guest.as_ref(), told),
            Method::Elsewhere(elsewhere, query) => elsewhere.reply(query, &self.settings.version),
            Method::Unsupported(why) => self.error(why),
        }
    }
}

fn identify(guest: &GuestName) -> Ask {
    Ask::Identify(guest.customer())
}

fn lock(guest: &GuestName, settings: &OneCSettings) -> Ask {
    Ask::Hold(Hold {
        once: false,
        order: Vec::new(),
        external_id: guest.session(),
        customer: guest.customer(),
        amount: None,
        at_most: None,
        minutes: settings.lock_minutes,
    })
}

/// What the till may take: what it has just locked, or, where it only looks, what there is.
fn bonus_count<'a>(
    guest: &Guest,
    lock: bool,
    told: &'a [Result<Told, Refusal>],
) -> Result<Money, Option<&'a Refusal>> {
    if !lock {
        let nothing = is_blocked(guest);
        return Ok(if nothing {
            Money::ZERO
        } else {
            guest.balance.available.max(Money::ZERO)
        });
    }
    match told.get(1) {
        Some(Ok(Told::Held(held))) => Ok(held.amount),
        Some(Err(why)) if why.retryable => Err(Some(why)),
        Some(Err(_)) => Ok(Money::ZERO),
        _ => Err(None),
    }
}

impl Conversation {
    fn spend(&self, guest: &GuestName, amount: Money) -> Ask {
        Ask::Spend(Spend {
            customer: guest.customer(),
            session: guest.session(),
            amount,
            repeat_window_s: self.settings.repeat_window_s,
            debt_limit: self.settings.debt_limit,
        })
    }

    fn cards(&self, name: Option<&GuestName>, lock: bool, told: &[Result<Told, Refusal>]) -> Reply {
        let (name, guest) = match Found::in_answers(name, told) {
            Found::Guest(name, guest) => (name, guest),
            Found::Nobody => return self.answer(Cards::default()),
            Found::Failed(why) => return self.refused(why),
        };
        match bonus_count(guest, lock, told) {
            Ok(amount) => self.answer(Cards {
                loyalty_cards_list: vec![Card::of(name, guest, amount, &self.settings)],
            }),
            Err(why) => self.refused(why),
        }
    }

    fn bonuses(&self, name: Option<&GuestName>, told: &[Result<Told, Refusal>]) -> Reply {
        let mut bonuses = Bonuses {
            bonus_count: JsonNumber(Money::ZERO),
            bonus_rate: 1,
            bonus_currency: &self.settings.currency,
            payment_percent: JsonNumber(Money::ZERO),
            card_ref: String::new(),
            barcode: String::new(),
            magnetic_code: "",
            end_date: NO_DATE,
            client_not_found: true,
        };
        match Found::in_answers(name, told) {
            Found::Failed(why) => return self.refused(why),
            Found::Nobody => {}
            Found::Guest(name, guest) => {
                bonuses.bonus_count = match bonus_count(guest, true, told) {
                    Ok(amount) => JsonNumber(amount),
                    Err(why) => return self.refused(why),
                };
                bonuses.payment_percent = JsonNumber(self.settings.payment_percent_of(guest).as_money());
                bonuses.card_ref = guid(guest.number);
                bonuses.barcode = name.code();
                bonuses.client_not_found = false;
            }
        }
        self.answer(bonuses)
    }

    /// The ledger keeps no turnover for tills: it is nought, and the till only learns whether the card is known.
    fn turnover(&self, name: Option<&GuestName>, told: &[Result<Told, Refusal>]) -> Reply {
        let (card_ref, barcode, client_not_found) = match Found::in_answers(name, told) {
            Found::Guest(name, guest) => (guid(guest.number), name.code(), false),
            Found::Nobody => (String::new(), String::new(), true),
            Found::Failed(why) => return self.refused(why),
        };
        self.answer(Turnover {
            card_ref,
            sell_count: 0,
            barcode,
            magnetic_code: "",
            client_not_found,
        })
    }

    fn written_off(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let sentence = match told.first() {
            Some(Ok(Told::Spent(_))) => WRITTEN_OFF,
            Some(Err(why)) => self.sentence(why),
            _ => FAILED,
        };
        reply::sentence(200, sentence)
    }

    /// An unlock after a completed write-off, whose answer was lost, finds nothing to let go and is fine all the same.
    fn unlocked(&self, name: Option<&GuestName>, told: &[Result<Told, Refusal>]) -> Reply {
        let sentence = match (Found::in_answers(name, told), told.get(1)) {
            (Found::Nobody, _) => CARD_NOT_FOUND,
            (_, Some(Ok(Told::Voided(_)))) => UNLOCKED,
            (_, Some(Err(why))) => self.sentence(why),
            _ => FAILED,
        };
        reply::sentence(200, sentence)
    }

    fn sentence<'a>(&self, why: &'a Refusal) -> &'a str {
        if is_not_found(why) {
            CARD_NOT_FOUND
        } else {
            why.words.in_language(self.language)
        }
    }

    fn answer<T: Serialize>(&self, members: T) -> Reply {
        reply::json(200, &Answer::good(&self.settings.version, members))
    }

    fn error(&self, why: &str) -> Reply {
        reply::json(200, &Answer::error(&self.settings.version, why))
    }

    fn refused(&self, why: Option<&Refusal>) -> Reply {
        self.error(why.map_or(FAILED, |why| why.words.in_language(self.language)))
    }
}

/// What came of looking a guest up.
enum Found<'a> {
    Guest(&'a GuestName, &'a Guest),
    Nobody,
    /// No answer to the question; the refusal, where there is one.
    Failed(Option<&'a Refusal>),
}

impl<'a> Found<'a> {
    fn in_answers(name: Option<&'a GuestName>, told: &'a [Result<Told, Refusal>]) -> Self {
        match (name, told.first()) {
            (None, _) => Found::Nobody,
            (Some(name), Some(Ok(Told::Guest(guest)))) => Found::Guest(name, guest),
            (Some(_), Some(Err(why))) if is_not_found(why) => Found::Nobody,
            (Some(_), Some(Err(why))) => Found::Failed(Some(why)),
            (Some(_), _) => Found::Failed(None),
        }
    }
}

fn is_not_found(why: &Refusal) -> bool {
    matches!(why.code.as_str(), "customer-not-found" | "card-not-found")
}

fn is_blocked(guest: &Guest) -> bool {
    guest.card_blocked || guest.status == CustomerStatus::Blocked
}
