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

use kopilka_contract::{
    Ask, CustomerStatus, Dialogue, Guest, Hold, Language, Message, Money, Refusal, Reply, Spend, Told,
    Unreadable, Words,
};
use serde::Serialize;

use crate::dates::{self, NO_DATE};
use crate::guest_name::GuestName;
use crate::numbers::{self, JsonNumber};
use crate::query::Query;
use crate::reply;
use crate::settings::{OneCSettings, PaymentPercent, Percent, Version};

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
    Unsupported(&'static str),
}

/// Reads a request by its last path segment and its query; bodies have nothing that this part of the dialogue needs.
pub(crate) fn read(
    method: &str,
    message: &Message<'_>,
    language: Language,
    settings: OneCSettings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
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
        "issueclientcard" => Method::Unsupported(NO_CARDS_ISSUED),
        _ => Method::Unsupported(NOT_SUPPORTED),
    };
    Ok(Box::new(Conversation {
        method,
        unknown_name,
        language,
        settings,
    }))
}

fn changes_books(method: &str) -> bool {
    matches!(
        method,
        "writeoffclientbonuses" | "unlockclientbonuses" | "issueclientcard"
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
            | Method::GetClientBonuses { guest: Some(guest) } => vec![identify(guest), self.lock(guest)],
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
                use_automatic_discounts: false,
            }),
            Method::GetCardTypes => self.answer(CardTypes { card_types_list: [] }),
            Method::FindClientCard { guest, lock } => self.cards(guest.as_ref(), *lock, told),
            Method::GetClientBonuses { guest } => self.bonuses(guest.as_ref(), told),
            Method::SalesTurnover { guest } => self.turnover(guest.as_ref(), told),
            Method::WriteOff { .. } => self.written_off(told),
            Method::NoAmount => reply::sentence(200, NO_AMOUNT),
            Method::Unlock { guest } => self.unlocked(guest.as_ref(), told),
            Method::Unsupported(why) => self.error(why),
        }
    }
}

fn identify(guest: &GuestName) -> Ask {
    Ask::Identify(guest.customer())
}

impl Conversation {
    fn lock(&self, guest: &GuestName) -> Ask {
        Ask::Hold(Hold {
            once: false,
            order: Vec::new(),
            external_id: guest.session(),
            customer: guest.customer(),
            amount: None,
            at_most: None,
            minutes: self.settings.lock_minutes,
        })
    }

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
        let bonus_count = match self.bonus_count(guest, lock, told) {
            Ok(amount) => JsonNumber(amount),
            Err(why) => return self.refused(why),
        };
        let blocked = is_blocked(guest);
        let reference = guid(guest.number);
        self.answer(Cards {
            loyalty_cards_list: vec![Card {
                client_name: guest.name.as_deref().unwrap_or_default(),
                is_person: true,
                date_of_birth: dates::json_day(guest.birthday),
                phone: guest.phone.as_ref().map(ToString::to_string).unwrap_or_default(),
                email: guest.email.as_deref().unwrap_or_default(),
                barcode: name.code(),
                magnetic_code: "",
                card_guid: reference.clone(),
                client_guid: reference,
                is_blocked: blocked,
                bonus_data: BonusData {
                    payment_percent: self.payment_percent(guest),
                    bonus_count,
                    bonus_rate: 1,
                    bonus_currency: &self.settings.currency,
                },
                sell_count: 0,
                search_type: name.search_type(),
                valid: !blocked,
            }],
        })
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
                bonuses.bonus_count = match self.bonus_count(guest, true, told) {
                    Ok(amount) => JsonNumber(amount),
                    Err(why) => return self.refused(why),
                };
                bonuses.payment_percent = self.payment_percent(guest);
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

    /// What the till may take: what it has just locked, or, where it only looks, what there is.
    fn bonus_count<'a>(
        &self,
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

    fn payment_percent(&self, guest: &Guest) -> JsonNumber {
        let percent = match self.settings.payment_percent {
            PaymentPercent::Fixed(percent) => percent,
            PaymentPercent::Guest => guest.redeem_max_percent.parse().unwrap_or(Percent::ZERO),
        };
        JsonNumber(percent.as_money())
    }

    fn sentence<'a>(&self, why: &'a Refusal) -> &'a str {
        if is_not_found(why) {
            CARD_NOT_FOUND
        } else {
            why.words.in_language(self.language)
        }
    }

    fn answer<T: Serialize>(&self, members: T) -> Reply {
        let answer = Answer {
            error: false,
            error_message: "",
            version: self.settings.version.to_string(),
            members,
        };
        reply::json(200, &answer)
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

/// A reference for a guest, who has none in 1C: his number as a GUID of its own kind, so that a till that compares
/// references never takes two guests for one.
fn guid(number: i64) -> String {
    let number = number.unsigned_abs() & ((1 << 60) - 1);
    let (high, low) = (number >> 48, number & ((1 << 48) - 1));
    format!("6b6f7069-6c6b-4100-8{high:03x}-{low:012x}")
}

/// Every JSON answer: whether it went well, which version answers, and the method's own members.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a, T> {
    error: bool,
    error_message: &'a str,
    version: String,
    #[serde(flatten)]
    members: T,
}

/// An answer without members.
#[derive(Serialize)]
struct NoMembers {}

impl<'a> Answer<'a, NoMembers> {
    fn error(version: &Version, error_message: &'a str) -> Self {
        Answer {
            error: true,
            error_message,
            version: version.to_string(),
            members: NoMembers {},
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AutomaticDiscounts {
    use_automatic_discounts: bool,
}

/// The name of the list is our assumption: tills ask for kinds of cards only in order to issue one.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CardTypes {
    card_types_list: [(); 0],
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Cards<'a> {
    loyalty_cards_list: Vec<Card<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Card<'a> {
    client_name: &'a str,
    is_person: bool,
    date_of_birth: String,
    phone: String,
    email: &'a str,
    barcode: String,
    magnetic_code: &'static str,
    #[serde(rename = "CardGUID")]
    card_guid: String,
    #[serde(rename = "ClientGUID")]
    client_guid: String,
    is_blocked: bool,
    bonus_data: BonusData<'a>,
    sell_count: u8,
    search_type: &'static str,
    valid: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BonusData<'a> {
    payment_percent: JsonNumber,
    bonus_count: JsonNumber,
    bonus_rate: u8,
    bonus_currency: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Bonuses<'a> {
    bonus_count: JsonNumber,
    bonus_rate: u8,
    bonus_currency: &'a str,
    payment_percent: JsonNumber,
    card_ref: String,
    barcode: String,
    magnetic_code: &'static str,
    end_date: &'static str,
    client_not_found: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Turnover {
    card_ref: String,
    sell_count: u8,
    barcode: String,
    magnetic_code: &'static str,
    client_not_found: bool,
}
