//! `GetCardInfoEx`: who is this card, and what may it do? Asked four to eight times per sale; a pure read.

use chrono_tz::Tz;
use kopilka_contract::{
    Ask, Close, Closed, CustomerRef, CustomerStatus, Dialogue, Expiring, Guest, Language, Money, PaidBy,
    Payer, Redemption, Refusal, Reply, Told, Words,
};

use crate::Connection;
use crate::answer::{CardFace, Form, Tag};
use crate::card_code;
use crate::check::Check;
use crate::function::Function;
use crate::payments::Payments;
use crate::read_error::ReadError;
use crate::receipt::ReadReceipt;
use crate::remark::Remark;
use crate::request::CardQuery;
use crate::settings::{AccrualSource, BlockedCards};
use crate::till_text;

/// One reading of a card.
#[derive(Debug)]
pub(crate) struct CardInfo {
    guest: CustomerRef,
    /// The order, where it may still be paid with bonuses: what may be paid depends on it.
    order: Option<Close>,
    /// An order came and was not understood: its payment would not be either, so bonuses can't pay.
    not_understood: bool,
    remarks: Vec<Remark>,
    form: Form,
    time_zone: Tz,
    discount: u16,
    discount_limit: Money,
    bonus: u16,
    blocked_cards: BlockedCards,
    manager_above: Option<Money>,
    /// The rules of the venue do not say what the order will bring.
    accrues_elsewhere: bool,
}

impl CardInfo {
    pub(crate) fn new(query: CardQuery, connection: &Connection) -> Result<Self, ReadError> {
        let holders = match &query.check {
            Some(Ok(check)) => &check.holders[..],
            _ => &[],
        };
        let code = card_code::code_of(&query.card, holders).ok_or(ReadError::Missing("QRY@Card"))?;
        if card_code::is_guest_code(&code) {
            return Err(ReadError::GuestCodeAsCard);
        }
        let guest = card_code::guest_of_code(&code, connection.own.card_as_phone);
        let order = match query.check {
            Some(Ok(check)) => order(&check, &code, &guest, connection),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        };
        let aside = order.as_ref().err();
        let remarks = aside.map(|error| Remark::OrderLeftAside(error.words()));
        Ok(CardInfo {
            guest,
            not_understood: remarks.is_some(),
            order: order.ok().flatten(),
            remarks: remarks.into_iter().collect(),
            form: connection.form(),
            time_zone: connection.common.time_zone,
            discount: connection.own.discount_code,
            discount_limit: connection.own.discount_limit,
            bonus: match connection.own.accrual_source {
                AccrualSource::Service => 0,
                AccrualSource::Till => connection.own.bonus_code,
            },
            blocked_cards: connection.own.blocked_cards,
            manager_above: connection.own.manager_above,
            accrues_elsewhere: connection.own.accrual_source == AccrualSource::Till,
        })
    }

    fn found(&self, guest: &Guest, quoted: Option<&Result<Told, Refusal>>) -> Reply {
        if let Some(why) = why_locked(guest) {
            let mut face = CardFace::locked(&self.form.line(&why));
            face.holder = holder(guest);
            face.person_id = guest.number;
            face.account = account(guest.number);
            face.blocked = self.blocked_cards;
            return self.form.only(face.tag());
        }
        let offer = match self.not_understood {
            true => Offer::default(),
            false => Offer::of(guest, quoted),
        };
        self.form.only(
            CardFace {
                why_locked: None,
                blocked: self.blocked_cards,
                manager: self.manager_above.is_some_and(|most| offer.limit > most),
                bonus: self.bonus,
                holder: holder(guest),
                person_id: guest.number,
                account: account(guest.number),
                discount: self.discount,
                discount_limit: self.discount_limit,
                available: offer.limit,
                about: till_text::line(&self.about(guest), till_text::MESSAGE),
                screen: till_text::line(&self.screen(guest, &offer), till_text::MESSAGE),
                print: till_text::line(&self.print(guest, &offer), till_text::MESSAGE),
            }
            .tag(),
        )
    }

    fn screen(&self, guest: &Guest, offer: &Offer<'_>) -> String {
        let language = self.form.language;
        let mut parts = vec![balance(guest, language)];
        if self.not_understood {
            parts.push(not_understood(language).to_owned());
        } else if let Some(refusal) = offer.refusal {
            parts.push(refusal.words.in_language(language).to_owned());
        } else if offer.quote.is_some() {
            parts.push(may_pay(offer.limit, language));
        }
        let of_order = offer.quote.iter().flat_map(|quote| &quote.cashier_messages);
        parts.extend(till_text::messages(
            guest.cashier_messages.iter().chain(of_order),
            language,
        ));
        parts.join(" ")
    }

    /// For paper, so without what only the cashier may know: what the guest has, and what the order will bring him.
    fn print(&self, guest: &Guest, offer: &Offer<'_>) -> String {
        let language = self.form.language;
        let brings = offer.quote.map(|quote| quote.accrued);
        let brings = brings.filter(|amount| amount.is_positive() && !self.accrues_elsewhere);
        let brings = brings.map(|amount| will_accrue(amount, language));
        std::iter::once(balance(guest, language))
            .chain(brings)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn about(&self, guest: &Guest) -> String {
        let expiring = guest.balance.expiring.as_ref();
        expiring
            .map(|expiring| expires(expiring, self.time_zone, self.form.language))
            .unwrap_or_default()
    }
}

impl Dialogue for CardInfo {
    fn asks(&self) -> Vec<Ask> {
        let identify = Ask::Identify(self.guest.clone());
        let quote = self.order.clone().map(Ask::Quote);
        std::iter::once(identify).chain(quote).collect()
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.iter().map(Remark::words).collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match told.first() {
            Some(Ok(Told::Guest(guest))) => self.found(guest, told.get(1)),
            Some(Err(refusal)) if is_unknown_card(refusal) => self.form.only(
                Tag::new("GetCardInfoEx")
                    .with("Result", 1)
                    .with("ErrorText", self.form.line(&refusal.words)),
            ),
            Some(Err(refusal)) => self.form.not_done(Function::GetCardInfoEx, &refusal.words),
            _ => self.form.not_done(Function::GetCardInfoEx, &crate::unanswered()),
        }
    }
}

/// Whether the ledger does not know the card at all.
pub(crate) fn is_unknown_card(refusal: &Refusal) -> bool {
    matches!(refusal.code.as_str(), "card-not-found" | "customer-not-found")
}

/// `Account`: a number that a till keeps in a signed 32-bit field and sends back in transactions. It is made of the
/// guest's number, so it is the same every time. Nothing is ever looked up by it, so it does no harm that numbers
/// which are 2³¹ − 1 apart share one.
pub(crate) fn account(number: i64) -> i64 {
    const LARGEST: i64 = (1 << 31) - 1;
    (number - 1).rem_euclid(LARGEST) + 1
}

/// What of this order the guest may pay with bonuses.
#[derive(Default)]
struct Offer<'a> {
    limit: Money,
    quote: Option<&'a Closed>,
    /// Why the order cannot be quoted; then nothing may be paid.
    refusal: Option<&'a Refusal>,
}

impl<'a> Offer<'a> {
    fn of(guest: &Guest, quoted: Option<&'a Result<Told, Refusal>>) -> Self {
        match quoted {
            Some(Ok(Told::Quoted(quote))) => Offer {
                // A till that lost our answer pays the same receipt again. Its bonuses are written off already, but
                // it compares with `Summa` and would not let the guest repeat the payment: the books count them in.
                limit: quote.may_redeem,
                quote: Some(quote),
                refusal: None,
            },
            Some(Err(refusal)) => Offer {
                limit: Money::ZERO,
                quote: None,
                refusal: Some(refusal),
            },
            _ => Offer {
                limit: guest.balance.available,
                quote: None,
                refusal: None,
            },
        }
    }
}

/// The order as a receipt, where it has lines and may still be paid. What other cards pay of it already is not left for
/// this one; what this one pays is.
fn order(
    check: &Check,
    code: &str,
    guest: &CustomerRef,
    connection: &Connection,
) -> Result<Option<Close>, ReadError> {
    if check.lines.is_empty() || !check.moment.may_be_paid() {
        return Ok(None);
    }
    // An order whose guid the till leaves out is no receipt yet, and may be paid no more than another.
    let guid = check.guid.clone().unwrap_or_default();
    let payers = other_payers(check, code, connection);
    let by_others: Money = payers.iter().map(|payer| payer.amount).sum();
    let read = ReadReceipt::of_check(check, guid, Some(guest.clone()), Money::ZERO, connection)?;
    Ok(Some(Close {
        redemption: match by_others {
            Money::ZERO => Redemption::Nothing,
            paid => Redemption::Now(paid),
        },
        payers,
        accrual: match connection.own.is_posted_elsewhere(check) {
            true => Some(Money::ZERO),
            false => None,
        },
        ..Close::of(read.receipt)
    }))
}

/// Other cards that pay with bonuses in the receipt, each with what it pays. A row that names no card is this one's.
fn other_payers(check: &Check, code: &str, connection: &Connection) -> Vec<Payer> {
    let paid = Payments::of(check, &connection.own).by_card;
    let others = paid
        .into_iter()
        .filter(|(card, amount)| !card_code::same_card(card, code) && amount.is_positive());
    others
        .map(|(card, amount)| Payer {
            by: PaidBy::Guest(card_code::guest_of(&card, connection.own.card_as_phone)),
            amount,
        })
        .collect()
}

fn not_understood(language: Language) -> &'static str {
    match language {
        Language::Ru => "Заказ не понят: бонусами его не оплатить.",
        Language::En => "The order was not understood: bonuses can't pay it.",
    }
}

fn why_locked(guest: &Guest) -> Option<Words> {
    if guest.status == CustomerStatus::Blocked {
        return Some(Words::new("Гость заблокирован", "The guest is blocked"));
    }
    guest
        .card_blocked
        .then(|| Words::new("Карта заблокирована", "The card is blocked"))
}

fn holder(guest: &Guest) -> String {
    till_text::line(guest.name.as_deref().unwrap_or_default(), till_text::HOLDER)
}

fn balance(guest: &Guest, language: Language) -> String {
    let available = till_text::amount(guest.balance.available, language);
    match language {
        Language::Ru => format!("Баланс {available}."),
        Language::En => format!("Balance {available}."),
    }
}

fn will_accrue(amount: Money, language: Language) -> String {
    let amount = till_text::amount(amount, language);
    match language {
        Language::Ru => format!("За заказ начислится до {amount}."),
        Language::En => format!("The order will bring up to {amount}."),
    }
}

fn may_pay(limit: Money, language: Language) -> String {
    let limit = till_text::amount(limit, language);
    match language {
        Language::Ru => format!("К списанию до {limit}."),
        Language::En => format!("May pay up to {limit}."),
    }
}

fn expires(expiring: &Expiring, zone: Tz, language: Language) -> String {
    let amount = till_text::amount(expiring.amount, language);
    let date = till_text::date(expiring.at.with_timezone(&zone).date_naive(), language);
    match language {
        Language::Ru => format!("Сгорит {date}: {amount}"),
        Language::En => format!("Expires on {date}: {amount}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_positive_and_fits_a_signed_32_bit_field() {
        for (number, expected) in [
            (1, 1),
            (880_017, 880_017),
            ((1 << 31) - 1, (1 << 31) - 1),
            (1 << 31, 1),
            (0, (1 << 31) - 1),
            ((1 << 53) - 1, account((1 << 53) - 1)),
        ] {
            assert_eq!(account(number), expected);
            assert!((1..1 << 31).contains(&account(number)));
        }
    }
}
