//! `issueclientcard`: a guest joins at the till.
//!
//! The till sends a name, a telephone, an e-mail, a birthday, the kind of card and perhaps the code of one that the cashier has at hand.
//! Where it asks for a number to be made (`GenerateNumber`, or a kind of card that says so), he gets a virtual card, unless he has a card
//! already. One without a code for whom none is made has his telephone number for a code from then on, as where he is found by it.

use kopilka_contract::{
    Ask, CustomerRef, Dialogue, Enrol, Guest, Language, Message, Phone, Refusal, Reply, Settings, Told,
    Unreadable, Words, words,
};
use serde::Serialize;

use super::wire::{Answer, guid};
use super::{CARD_NOT_FOUND, FAILED, card_types};
use crate::guest_name::GuestName;
use crate::numbers::JsonNumber;
use crate::query::Query;
use crate::settings::OneCSettings;
use crate::{dates, reply};

/// A request, read.
#[derive(Debug)]
struct Issue {
    name: GuestName,
    enrol: Enrol,
    /// The service makes the number of his card.
    numbered_here: bool,
    remarks: Vec<Words>,
    language: Language,
    settings: OneCSettings,
}

/// Reads a request.
pub(super) fn read(
    message: &Message<'_>,
    settings: &Settings,
    own: OneCSettings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let query = Query::parse(message.query);
    let language = settings.language;
    let text = |name: &str| query.get(name).map(str::to_owned);
    let mut remarks = Vec::new();
    let phone = query.get("Phone").and_then(Phone::parse);
    if phone.is_none() && query.get("Phone").is_some() {
        remarks.push(Words::new(
            "телефон не похож на телефон; карта выдана без него",
            "the telephone is none; the card was issued without it",
        ));
    }
    let birthday = match query.get("DateOfBirth").map(|day| dates::instant(day, settings)) {
        None | Some(Ok(None)) => None,
        Some(Ok(Some(day))) => Some(day.date_naive()),
        Some(Err(_)) => {
            remarks.push(Words::new(
                "дата рождения не похожа на дату; карта выдана без неё",
                "the birthday is no date; the card was issued without it",
            ));
            None
        }
    };
    let kind = card_types::named(&own.card_types, query.get("ClientCardTypeUID"));
    if let Err(uid) = kind {
        remarks.push(words!(
            "вид карты {uid} не из списка подключения; карта выдана обычным образом",
            "the kind of card {uid} is not in the connection's list; the card was issued as usual"
        ));
    }
    let card = text("ClientCardID");
    let by_kind = matches!(kind, Ok(Some(kind)) if kind.generate_number);
    let numbered_here = card.is_none() && (by_kind || query.get("GenerateNumber").is_some_and(says_yes));
    let named = match (&card, &phone) {
        (Some(code), _) => Some(GuestName::from_code(code)),
        (None, Some(phone)) => Some(GuestName::Phone(phone.clone())),
        (None, None) => None,
    };
    let Some(name) = named else {
        let reason = Words::new(
            "Для карты нужен телефон или код карты",
            "A card needs a telephone number or a code",
        );
        let answer = Answer::error(&own.version, reason.in_language(language));
        return Err(Unreadable {
            reply: reply::json(200, &answer),
            reason,
        });
    };
    let enrol = Enrol {
        // A code that is a number, or an id that we gave out, is no card.
        card: card.filter(|_| matches!(name, GuestName::Card(_))),
        phone: match &name {
            GuestName::Phone(own) => Some(phone.unwrap_or_else(|| own.clone())),
            _ => phone,
        },
        name: text("Client"),
        email: text("Email"),
        birthday,
        ..Enrol::default()
    };
    Ok(Box::new(Issue {
        name,
        enrol,
        numbered_here,
        remarks,
        language,
        settings: own,
    }))
}

/// How 1C writes a truth as text: in the words of its locale, or as code does.
fn says_yes(text: &str) -> bool {
    ["да", "yes", "истина", "true", "1"].contains(&text.to_lowercase().as_str())
}

impl Dialogue for Issue {
    /// Whether he was known is asked first: the till tells its cashier.
    fn asks(&self) -> Vec<Ask> {
        let who = match &self.enrol.phone {
            Some(phone) => CustomerRef::Phone(phone.clone()),
            None => self.name.customer(),
        };
        vec![Ask::Identify(who), Ask::Enrol(Box::new(self.enrol.clone()))]
    }

    fn then(&self, told: &[Result<Told, Refusal>]) -> Result<Vec<Ask>, Unreadable> {
        Ok(match told.get(1) {
            Some(Ok(Told::Guest(guest))) if self.numbered_here => {
                vec![Ask::IssueCard(CustomerRef::Id(guest.id.clone()))]
            }
            _ => Vec::new(),
        })
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.clone()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let known = matches!(told.first(), Some(Ok(Told::Guest(_))));
        match told.get(1 + usize::from(self.numbered_here && matches!(told.get(1), Some(Ok(_))))) {
            Some(Ok(Told::Guest(guest))) => {
                let card = self.card(guest, known);
                reply::json(200, &Answer::good(&self.settings.version, card))
            }
            Some(Err(why)) => self.refused(why),
            _ => reply::json(200, &Answer::error(&self.settings.version, FAILED)),
        }
    }
}

impl Issue {
    fn card<'a>(&'a self, guest: &'a Guest, existing: bool) -> IssuedCard<'a> {
        IssuedCard {
            existing_card: existing,
            card_ref: guid(guest.number),
            card_id: if self.numbered_here {
                GuestName::of(guest).code()
            } else {
                self.name.code()
            },
            client: guest.name.as_deref().unwrap_or_default(),
            phone_number: guest.phone.as_ref().map(ToString::to_string).unwrap_or_default(),
            email: guest.email.as_deref().unwrap_or_default(),
            date_of_birth: dates::json_day(guest.birthday),
            else_client: false,
            payment_percent: JsonNumber(self.settings.payment_percent_of(guest).as_money()),
            bonus_count: JsonNumber(guest.balance.available),
            bonus_rate: 1,
            bonus_currency: &self.settings.currency,
        }
    }

    /// A code of somebody else is told as such: the cashier takes another card.
    fn refused(&self, why: &Refusal) -> Reply {
        let of_another = why.code == "already-exists";
        let words = match why.code.as_str() {
            "customer-not-found" => CARD_NOT_FOUND,
            _ => why.words.in_language(self.language),
        };
        let answer = Answer {
            error: true,
            error_message: words,
            ..Answer::good(
                &self.settings.version,
                NotIssued {
                    else_client: of_another,
                },
            )
        };
        reply::json(200, &answer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IssuedCard<'a> {
    existing_card: bool,
    card_ref: String,
    #[serde(rename = "CardID")]
    card_id: String,
    client: &'a str,
    phone_number: String,
    email: &'a str,
    date_of_birth: String,
    else_client: bool,
    payment_percent: JsonNumber,
    bonus_count: JsonNumber,
    bonus_rate: u8,
    bonus_currency: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NotIssued {
    else_client: bool,
}
