//! `calculatediscounts`: what the till asks on every change of a receipt, where it leaves automatic discounts to us.
//!
//! We give no discounts: the lines go back as they came, byte for byte, since a till applies a line whose automatic percent
//! changed. What the till gets of it are messages for the cashier, the guest's card, and the lock of his bonuses.
//! `BonusesToAccrue` stays empty: a base would accrue in its own books what stands there.

mod request;

use kopilka_contract::{
    Ask, CashierMessage, Close, Closed, Dialogue, Guest, Language, Message, Money, Receipt, Refusal, Reply,
    Settings, Told, Unreadable, Words,
};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use self::request::{Calculation, Echo, understand};
use super::elsewhere::Promocode;
use super::meeting::Met;
use super::wire::{Answer, Card};
use super::{FAILED, bonus_count, bought, is_not_found, lock, unreadable};
use crate::charset;
use crate::fields::Field;
use crate::guest_name::session;
use crate::numbers::JsonNumber;
use crate::reply;
use crate::settings::OneCSettings;

/// Reads the request: its JSON comes with `POST` and with `GET` alike. One that misses what 1C's own supplier insists on is
/// kept for a person.
pub(super) fn read(
    message: &Message<'_>,
    settings: &Settings,
    own: OneCSettings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let refuse = |words: Words| {
        let reply = reply::json(
            200,
            &Answer::error(&own.version, words.in_language(settings.language)),
        );
        unreadable(words, reply)
    };
    let not_json = || {
        refuse(Words::new(
            "тело запроса не JSON",
            "the body of the request is not JSON",
        ))
    };
    let text = charset::text(message.body, message.content_type).map_err(|_| not_json())?;
    let value: Value = serde_json::from_str(&text).map_err(|_| not_json())?;
    let echo: Echo = serde_json::from_str(&text).map_err(|_| not_json())?;
    let calculation =
        understand(&Field::document(&value), message, settings).map_err(|fault| refuse(fault.words()))?;
    Ok(Box::new(Conversation {
        goods: echo.goods,
        calculation,
        login: message.login.unwrap_or_default().to_owned(),
        language: settings.language,
        settings: own,
    }))
}

/// One request, read.
struct Conversation {
    goods: Vec<Box<RawValue>>,
    calculation: Calculation,
    /// The till's own login.
    login: String,
    language: Language,
    settings: OneCSettings,
}

impl Dialogue for Conversation {
    fn asks(&self) -> Vec<Ask> {
        let mut asks = Vec::new();
        if let Some(guest) = &self.calculation.guest {
            asks.push(Ask::Identify(guest.customer()));
        }
        asks.extend(
            self.calculation
                .receipt
                .clone()
                .map(|receipt| quote(receipt, None)),
        );
        asks
    }

    fn then(&self, told: &[Result<Told, Refusal>]) -> Result<Vec<Ask>, Unreadable> {
        let (Some(name), Some(Ok(Told::Guest(guest)))) = (&self.calculation.guest, told.first()) else {
            return Ok(Vec::new());
        };
        let ask = |more: More| match more {
            More::Lock => Some(lock(name, guest, &self.login, &self.settings)),
            More::Bought => Some(Ask::Turnover(guest.id.clone())),
            More::Most => {
                let receipt = self.calculation.receipt.clone()?;
                Some(quote(receipt, Some(session(&self.login, guest))))
            }
        };
        Ok(self.calculation.more(guest).into_iter().filter_map(ask).collect())
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        if let Some(why) = told
            .iter()
            .find_map(|answer| answer.as_ref().err().filter(|why| why.retryable))
        {
            return self.failed(why.words.in_language(self.language));
        }
        let guest = match (&self.calculation.guest, told.first()) {
            (None, _) => None,
            (Some(_), Some(Ok(Told::Guest(guest)))) => Some(&**guest),
            (Some(_), Some(Err(why))) if is_not_found(why) => None,
            (Some(_), Some(Err(why))) => return self.failed(why.words.in_language(self.language)),
            (Some(_), _) => return self.failed(FAILED),
        };
        let more = self.more_told(guest, told);
        let card = match guest {
            Some(_) if !self.calculation.card_wanted => None,
            None => self.calculation.card_wanted.then(CardDescription::default),
            Some(guest) => match self.card(guest, &more) {
                Ok(card) => Some(card),
                Err(why) => {
                    return self.failed(why.map_or(FAILED, |why| why.words.in_language(self.language)));
                }
            },
        };
        let members = Members {
            goods: &self.goods,
            gifts: [],
            promocodes_list: self.promo_codes(),
            messages: self.messages(guest, told),
            discounts_list: [],
            bonuses_to_accrue: [],
            loyalty_card_description: card,
            max_bonus_pay: (self.calculation.most_wanted).then(|| JsonNumber(self.most(guest, told, &more))),
            current_discounts: self.calculation.recover.then_some([]),
        };
        reply::json(200, &Answer::good(&self.settings.version, members))
    }
}

/// What is asked besides, once the guest is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    /// To lock his bonuses.
    Lock,
    /// What he has bought.
    Bought,
    /// What the receipt comes to with the bonuses that this till has locked.
    Most,
}

impl Calculation {
    /// In the order in which it is asked.
    fn more(&self, guest: &Guest) -> Vec<More> {
        let is_locked = guest.balance.held.is_positive();
        let most = self.most_wanted && is_locked && self.receipt.is_some();
        let all = [
            (self.lock, More::Lock),
            (self.card_wanted, More::Bought),
            (most, More::Most),
        ];
        all.into_iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, more)| more)
            .collect()
    }
}

/// The same receipt as a question. `lock`: bonuses that the till has set aside for it.
fn quote(receipt: Receipt, lock: Option<String>) -> Ask {
    Ask::Quote(Close {
        hold: lock,
        ..Close::of(receipt)
    })
}

impl Conversation {
    fn failed(&self, words: &str) -> Reply {
        reply::json(200, &Answer::error(&self.settings.version, words))
    }

    fn promo_codes(&self) -> Vec<Promocode<'_>> {
        self.calculation
            .promo_codes
            .iter()
            .map(|code| Promocode::unknown(code))
            .collect()
    }

    fn messages(&self, guest: Option<&Guest>, told: &[Result<Told, Refusal>]) -> Vec<TillMessage> {
        let Some(guest) = guest else {
            return Vec::new();
        };
        let quoted = told.iter().find_map(|answer| match answer {
            Ok(Told::Quoted(quoted)) => Some(&**quoted),
            _ => None,
        });
        let of_receipt = quoted
            .map(|quoted| quoted.cashier_messages.as_slice())
            .unwrap_or_default();
        let mut seen: Vec<&CashierMessage> = Vec::new();
        for message in guest.cashier_messages.iter().chain(of_receipt) {
            if !seen.contains(&message) {
                seen.push(message);
            }
        }
        let now = seen.into_iter().map(|message| TillMessage {
            message_text: message.text.in_language(self.language).to_owned(),
            after_sale: false,
        });
        now.chain(quoted.and_then(|quoted| self.promise(quoted)))
            .collect()
    }

    /// What the receipt will accrue as it stands, shown after the sale.
    fn promise(&self, quoted: &Closed) -> Option<TillMessage> {
        let accrued = quoted.accrued;
        let words = Words::new(
            format!("Будет начислено бонусов: {accrued}"),
            format!("Bonuses to be accrued: {accrued}"),
        );
        accrued.is_positive().then(|| TillMessage {
            message_text: words.in_language(self.language).to_owned(),
            after_sale: true,
        })
    }

    /// What was answered to each of the questions of [`Calculation::more`].
    fn more_told<'a>(
        &self,
        guest: Option<&Guest>,
        told: &'a [Result<Told, Refusal>],
    ) -> Vec<(More, &'a Result<Told, Refusal>)> {
        let more = guest
            .map(|guest| self.calculation.more(guest))
            .unwrap_or_default();
        let before = 1 + usize::from(self.calculation.receipt.is_some());
        more.into_iter().zip(told.iter().skip(before)).collect()
    }

    fn card<'a>(
        &'a self,
        guest: &'a Guest,
        more: &[(More, &'a Result<Told, Refusal>)],
    ) -> Result<CardDescription<'a>, Option<&'a Refusal>> {
        let name = self.calculation.guest.as_ref().ok_or(None)?;
        let count = bonus_count(guest, self.calculation.lock, of(more, More::Lock)).unwrap_or(Money::ZERO);
        let met = Met {
            name: name.clone(),
            guest,
            search_type: name.search_type(),
        };
        let bought = bought(of(more, More::Bought))?;
        Ok(CardDescription {
            card_not_found: false,
            loyalty_card: Some(Card::of(&met, count, bought, &self.settings)),
        })
    }

    /// The most that the guest's bonuses may pay of the receipt as it stands, those that this till has locked among them.
    fn most(
        &self,
        guest: Option<&Guest>,
        told: &[Result<Told, Refusal>],
        more: &[(More, &Result<Told, Refusal>)],
    ) -> Money {
        let quoted = |answer: &&Result<Told, Refusal>| matches!(answer, Ok(Told::Quoted(_)));
        let answer = of(more, More::Most)
            .filter(quoted)
            .or_else(|| told.iter().find(quoted));
        match (guest, answer) {
            (Some(_), Some(Ok(Told::Quoted(quoted)))) => {
                self.settings.most_of(quoted.total, quoted.may_redeem)
            }
            _ => Money::ZERO,
        }
    }
}

/// The answer to one of the questions.
fn of<'a>(more: &[(More, &'a Result<Told, Refusal>)], wanted: More) -> Option<&'a Result<Told, Refusal>> {
    more.iter()
        .find(|(more, _)| *more == wanted)
        .map(|(_, told)| *told)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    goods: &'a [Box<RawValue>],
    gifts: [(); 0],
    promocodes_list: Vec<Promocode<'a>>,
    messages: Vec<TillMessage>,
    discounts_list: [(); 0],
    bonuses_to_accrue: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    loyalty_card_description: Option<CardDescription<'a>>,
    /// Only where `GetMaxBonusPay` asks for it. Its name is assumed: the copies of 1C's library that can be read know the question and
    /// not the answer, and count the percent of the card themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bonus_pay: Option<JsonNumber>,
    /// Only where `RecoverManagedDiscounts` wants discounts brought back: none of the cashier's are known here. That it is a list is
    /// assumed; the supplier of 1C:Trade Management does not tell it at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_discounts: Option<[(); 0]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TillMessage {
    message_text: String,
    after_sale: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CardDescription<'a> {
    card_not_found: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    loyalty_card: Option<Card<'a>>,
}

impl Default for CardDescription<'_> {
    fn default() -> Self {
        CardDescription {
            card_not_found: true,
            loyalty_card: None,
        }
    }
}
