//! What a till is told in the stock dialogue, in its own literal sentences and objects.

use kopilka_contract::{Money, Refusal, Reply, Told};
use serde::Serialize;

use super::meeting::{Meeting, Met, is_not_found};
use super::wire::{Answer, Bonuses, Card, Cards, Turnover, guid};
use super::{CARD_NOT_FOUND, Conversation, FAILED, SEVERAL, UNLOCKED, WRITTEN_OFF, bonus_count, bought};
use crate::dates::NO_DATE;
use crate::guest_name::Who;
use crate::numbers::JsonNumber;
use crate::reply;

impl Conversation {
    pub(super) fn cards<'a>(
        &'a self,
        who: Option<&'a Who>,
        lock: bool,
        told: &'a [Result<Told, Refusal>],
    ) -> Reply {
        let meeting = Meeting::of(who, told);
        if let Meeting::Failed(why) = meeting {
            return self.refused(why);
        }
        let met = meeting.all();
        let is_locked = lock && met.len() == 1;
        let mut turnovers = told.iter().skip(if is_locked { 2 } else { 1 });
        let mut card = |met: &Met<'a>| {
            let bought = bought(turnovers.next())?;
            let count = match (lock, is_locked) {
                // What is not locked is not promised.
                (true, false) => Money::ZERO,
                _ => bonus_count(met.guest, lock, told.get(1))?,
            };
            Ok(Card::of(met, count, bought, &self.settings))
        };
        let cards: Result<Vec<Card<'_>>, Option<&Refusal>> = met.iter().map(&mut card).collect();
        match cards {
            Ok(loyalty_cards_list) => self.answer(Cards { loyalty_cards_list }),
            Err(why) => self.refused(why),
        }
    }

    pub(super) fn bonuses(&self, who: Option<&Who>, told: &[Result<Told, Refusal>]) -> Reply {
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
        match Meeting::of(who, told) {
            Meeting::Failed(why) => return self.refused(why),
            Meeting::Nobody => {}
            Meeting::Several(_) => return self.error(SEVERAL),
            Meeting::One(Met { name, guest, .. }) => {
                bonuses.bonus_count = match bonus_count(guest, true, told.get(1)) {
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

    /// What the guest has bought in all, by which a till chooses the discount of a card that grows.
    pub(super) fn turnover(&self, who: Option<&Who>, told: &[Result<Told, Refusal>]) -> Reply {
        let (card_ref, barcode, client_not_found) = match Meeting::of(who, told) {
            Meeting::One(met) => (guid(met.guest.number), met.name.code(), false),
            Meeting::Nobody => (String::new(), String::new(), true),
            Meeting::Several(_) => return self.error(SEVERAL),
            Meeting::Failed(why) => return self.refused(why),
        };
        let bought = if client_not_found {
            Money::ZERO
        } else {
            match bought(told.get(1)) {
                Ok(bought) => bought,
                Err(why) => return self.refused(why),
            }
        };
        self.answer(Turnover {
            card_ref,
            sell_count: JsonNumber(bought),
            barcode,
            magnetic_code: "",
            client_not_found,
        })
    }

    pub(super) fn written_off(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let sentence = match told.get(1) {
            Some(Ok(Told::Spent(_))) => WRITTEN_OFF,
            Some(Err(why)) => self.sentence(why),
            _ => FAILED,
        };
        reply::sentence(200, sentence)
    }

    /// An unlock after a completed write-off, whose answer was lost, finds nothing to let go and is fine all the same.
    pub(super) fn unlocked(&self, who: Option<&Who>, told: &[Result<Told, Refusal>]) -> Reply {
        let sentence = match (Meeting::of(who, told), told.get(1)) {
            (Meeting::Nobody, _) => CARD_NOT_FOUND,
            (Meeting::Failed(Some(why)), _) | (_, Some(Err(why))) => self.sentence(why),
            (_, Some(Ok(Told::Voided(_)))) => UNLOCKED,
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

    pub(super) fn answer<T: Serialize>(&self, members: T) -> Reply {
        reply::json(200, &Answer::good(&self.settings.version, members))
    }

    pub(super) fn error(&self, why: &str) -> Reply {
        reply::json(200, &Answer::error(&self.settings.version, why))
    }

    pub(super) fn refused(&self, why: Option<&Refusal>) -> Reply {
        self.error(why.map_or(FAILED, |why| why.words.in_language(self.language)))
    }
}
