//! `v1/identify`: who is this guest? One opaque text and where it came from; a pure read.

use chrono_tz::Tz;
use kopilka_contract::{
    Ask, CustomerRef, CustomerStatus, Dialogue, Guest, Language, Phone, Refusal, Reply, Told,
};
use serde::{Deserialize, Serialize};

use super::answer::{self, BalanceAnswer};
use super::receipt_lines::points;

/// What was read or typed.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    query: String,
    #[serde(default)]
    source: Source,
}

/// How it came to the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Barcode,
    Track,
    Phone,
    #[default]
    Code,
}

#[derive(Debug)]
pub(super) struct Identify {
    who: Vec<CustomerRef>,
    language: Language,
    zone: Tz,
}

pub(super) fn read(request: Request, language: Language, zone: Tz) -> Identify {
    Identify {
        who: ways(request.query.trim(), request.source),
        language,
        zone,
    }
}

/// Whom a text may mean, the likeliest first.
fn ways(text: &str, source: Source) -> Vec<CustomerRef> {
    let phone = Phone::parse(text).map(CustomerRef::Phone);
    match source {
        Source::Phone => phone.into_iter().collect(),
        Source::Track => vec![CustomerRef::Card(track(text).to_owned())],
        // A card's number is a code too; a telephone may be typed into any field.
        Source::Barcode | Source::Code => std::iter::once(CustomerRef::Qr(text.to_owned()))
            .chain(phone)
            .collect(),
    }
}

/// The card's number in the text of a magnetic track: `;9000000017=0000?`, `%B9000000017^…`.
fn track(text: &str) -> &str {
    let text = text.trim_start_matches([';', '%', '+']);
    let text = text
        .strip_prefix('B')
        .filter(|_| text.contains('^'))
        .unwrap_or(text);
    text.split(['=', '?', '^']).next().unwrap_or(text)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    found: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<BalanceAnswer>,
    cashier_message: Option<String>,
    /// Always false: a guest is not sent codes yet.
    requires_confirmation_code: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    id: String,
    display_name: Option<String>,
    phone_masked: Option<String>,
    card: Option<String>,
    /// Nothing accrues and nothing can be spent.
    blocked: bool,
    /// Share of a receipt that points may pay, in percent.
    redeem_max_percent: String,
}

impl Dialogue for Identify {
    fn asks(&self) -> Vec<Ask> {
        self.who.iter().cloned().map(Ask::Identify).collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let language = self.language;
        let found = told.iter().find_map(|told| match told {
            Ok(Told::Guest(guest)) => Some(guest),
            _ => None,
        });
        if let Some(guest) = found {
            return answer::json(200, &self.found(guest));
        }
        let refused = told.iter().filter_map(|told| told.as_ref().err());
        match refused
            .clone()
            .find(|refused| refused.code != "customer-not-found")
        {
            Some(refused) => answer::refusal(refused, language),
            None => answer::json(
                200,
                &Answer {
                    found: false,
                    member: None,
                    balance: None,
                    cashier_message: Some(not_found(language).to_owned()),
                    requires_confirmation_code: false,
                },
            ),
        }
    }
}

impl Identify {
    fn found(&self, guest: &Guest) -> Answer {
        let blocked = guest.card_blocked || guest.status == CustomerStatus::Blocked;
        Answer {
            found: true,
            member: Some(Member {
                id: guest.id.clone(),
                display_name: guest.name.as_deref().and_then(display_name),
                phone_masked: guest.phone.as_ref().map(masked),
                card: guest.card.clone(),
                blocked,
                redeem_max_percent: guest.redeem_max_percent.clone(),
            }),
            balance: Some(BalanceAnswer::of(&guest.balance, self.zone)),
            cashier_message: answer::cashier_message(
                Some(self.greeting(guest)),
                &guest.cashier_messages,
                self.language,
            ),
            requires_confirmation_code: false,
        }
    }

    /// `Анна К. Доступно баллов: 640. Сгорит 100 — 31.03.`
    fn greeting(&self, guest: &Guest) -> String {
        let (available, language) = (points(guest.balance.available, self.language), self.language);
        let name = guest.name.as_deref().and_then(display_name);
        // An initial has its dot already.
        let name = name.as_deref().map(|name| name.trim_end_matches('.'));
        let mut text = match (name, language) {
            (Some(name), Language::Ru) => format!("{name}. Доступно баллов: {available}."),
            (Some(name), Language::En) => format!("{name}. Points available: {available}."),
            (None, Language::Ru) => format!("Доступно баллов: {available}."),
            (None, Language::En) => format!("Points available: {available}."),
        };
        if let Some(expiring) = &guest.balance.expiring {
            let day = expiring.at.with_timezone(&self.zone).format("%d.%m");
            let amount = points(expiring.amount, language);
            text += &match language {
                Language::Ru => format!(" Сгорит {amount} — {day}."),
                Language::En => format!(" {amount} expire on {day}."),
            };
        }
        text
    }
}

fn not_found(language: Language) -> &'static str {
    match language {
        Language::Ru => "Гость не найден. Проверьте номер карты или телефон.",
        Language::En => "No such guest. Check the card number or the telephone.",
    }
}

/// First name, and the first letter of what follows: the screen is seen by others.
fn display_name(name: &str) -> Option<String> {
    let mut words = name.split_whitespace();
    let first = words.next()?;
    Some(match words.next().and_then(|rest| rest.chars().next()) {
        Some(letter) => format!("{first} {letter}."),
        None => first.to_owned(),
    })
}

/// A telephone with its last four digits only.
fn masked(phone: &Phone) -> String {
    let digits = phone.digits();
    let tail = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default();
    let (one, two) = tail.split_at(tail.len().min(2));
    format!("+*** ***-{one}-{two}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_holds_the_number_of_its_card() {
        for text in [
            ";9000000017=0000?",
            "9000000017",
            "%B9000000017^IVANOVA^?",
            ";9000000017?",
        ] {
            assert_eq!(track(text), "9000000017", "{text}");
        }
    }

    #[test]
    fn names_and_telephones_are_not_shown_whole() {
        assert_eq!(display_name("Анна Кузнецова").as_deref(), Some("Анна К."));
        assert_eq!(display_name("Анна").as_deref(), Some("Анна"));
        assert_eq!(display_name(" "), None);
        assert_eq!(masked(&Phone::parse("+79005550101").unwrap()), "+*** ***-01-01");
    }

    #[test]
    fn a_telephone_is_understood_wherever_it_is_typed() {
        let phone = CustomerRef::Phone(Phone::parse("89005550101").unwrap());
        assert_eq!(ways("89005550101", Source::Phone), std::slice::from_ref(&phone));
        assert_eq!(ways("89005550101", Source::Code)[1], phone);
        assert!(ways("что-то", Source::Phone).is_empty());
    }
}
