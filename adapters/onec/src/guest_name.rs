//! How a 1C till names a guest.

use kopilka_contract::{CustomerRef, Guest, Phone, Search, SearchBy};

use crate::loyalty_server::{guest_of, guid};
use crate::query::Query;

/// A card code, a telephone number, or a reference that we gave out.
///
/// The till gets a code for every guest that it finds, and names him by that code from then on: in the lock, in the
/// write-off, in the receipt. A guest found by his number has it for a code, `+79005550101`. Card codes do not begin with a
/// plus. Whatever he is named by, his lock is one: see [`session`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GuestName {
    Card(String),
    Phone(Phone),
    /// `CardGUID` of an answer of ours.
    Reference(String, CustomerRef),
}

impl GuestName {
    /// From a card code, which may be a number that we gave out as one.
    pub(crate) fn from_code(code: &str) -> Self {
        match Phone::parse(code).filter(|_| code.starts_with('+')) {
            Some(phone) => GuestName::Phone(phone),
            None => GuestName::from_reference(code).unwrap_or_else(|| GuestName::Card(code.to_owned())),
        }
    }

    fn from_reference(guid: &str) -> Option<Self> {
        Some(GuestName::Reference(guid.to_ascii_lowercase(), guest_of(guid)?))
    }

    /// The name by which a till may name a guest whom it did not find by it: his card, else his number, else our reference.
    pub(crate) fn of(guest: &Guest) -> Self {
        match (&guest.card, &guest.phone) {
            (Some(card), _) => GuestName::Card(card.clone()),
            (None, Some(phone)) => GuestName::Phone(phone.clone()),
            (None, None) => GuestName::Reference(guid(guest.number), CustomerRef::Id(guest.id.clone())),
        }
    }

    /// From the parameters of the loyalty server. Where the card is known the others are blank.
    fn from_query(query: &Query) -> Option<Self> {
        match query.get("ClientCardID") {
            Some(code) => Some(GuestName::from_code(code)),
            None => {
                let by = |name: &str| query.get(name).and_then(GuestName::from_reference);
                let phone = query.get("Phone").and_then(Phone::parse).map(GuestName::Phone);
                by("CardGUID").or(phone).or_else(|| by("ClientGUID"))
            }
        }
    }

    pub(crate) fn customer(&self) -> CustomerRef {
        match self {
            GuestName::Card(code) => CustomerRef::Card(code.clone()),
            GuestName::Phone(phone) => CustomerRef::Phone(phone.clone()),
            GuestName::Reference(_, guest) => guest.clone(),
        }
    }

    /// The code by which the till will name him.
    pub(crate) fn code(&self) -> String {
        match self {
            GuestName::Card(code) => code.clone(),
            GuestName::Phone(phone) => phone.to_string(),
            GuestName::Reference(guid, _) => guid.clone(),
        }
    }

    /// What the till is told that he was found by.
    pub(crate) fn search_type(&self) -> &'static str {
        match self {
            GuestName::Card(_) => "КодКарты",
            GuestName::Phone(_) => "Телефон",
            GuestName::Reference(..) => "Клиент",
        }
    }
}

/// Key of the lock session of a guest at a till: neither the lock nor the write-off has an id, so it is who he is and which
/// till speaks (its login). Two tills of one connection have a session each.
pub(crate) fn session(login: &str, guest: &Guest) -> String {
    format!("{}{}", session_beginning(login), guest.id)
}

/// What the keys of all lock sessions of a till begin with.
pub(crate) fn session_beginning(login: &str) -> String {
    format!("{login}/guest:")
}

/// Whom the parameters of the loyalty server mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// One guest, if there is such.
    Named(GuestName),
    /// Whoever has this e-mail or a number with this end.
    Sought(SearchBy),
}

impl Who {
    /// From the parameters. `Phone=*0101` is the end of a number.
    pub(crate) fn from_query(query: &Query) -> Option<Self> {
        let sought = || {
            let by_phone = query.get("Phone").and_then(phone_end).map(SearchBy::PhoneEnd);
            let email = query.get("Email").filter(|email| email.contains('@'));
            by_phone.or_else(|| email.map(|email| SearchBy::Email(email.to_owned())))
        };
        match GuestName::from_query(query) {
            Some(name) => Some(Who::Named(name)),
            None => sought().map(Who::Sought),
        }
    }
}

/// The digits of `*0101`. An 8 before a whole Russian number is no part of it.
fn phone_end(text: &str) -> Option<String> {
    let end = text.strip_prefix('*')?;
    if !end
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '\u{a0}'))
    {
        return None;
    }
    let digits: String = end.chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.strip_prefix('8') {
        Some(rest) if rest.len() == 10 => rest.to_owned(),
        _ => digits,
    };
    (Search::LEAST_DIGITS..=15)
        .contains(&digits.len())
        .then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_given_for_a_telephone_number_leads_back_to_the_same_guest() {
        let found = GuestName::from_query(&Query::parse("ClientCardID=&Phone=8 (900) 555-01-01")).unwrap();
        assert_eq!(found.code(), "+79005550101");
        let later = GuestName::from_query(&Query::parse("ClientCardID=+79005550101&Phone=")).unwrap();
        assert_eq!(later.customer(), found.customer());
    }

    #[test]
    fn a_card_code_of_digits_is_a_card_and_keeps_its_zeros() {
        for code in ["0000123", "79005550101"] {
            assert_eq!(
                GuestName::from_code(code).customer(),
                CustomerRef::Card(code.to_owned())
            );
        }
    }

    #[test]
    fn a_reference_that_we_gave_out_leads_back_to_its_guest_and_another_is_no_name() {
        let reference = "6b6f7069-6c6b-4100-8000-0000000006c6";
        for raw in [
            format!("ClientCardID=&Phone=&CardGUID={reference}&ClientGUID="),
            format!("ClientCardID=&Phone=&CardGUID=&ClientGUID={reference}"),
            format!("ClientCardID={reference}&CardGUID="),
        ] {
            let name = GuestName::from_query(&Query::parse(&raw)).unwrap();
            assert_eq!(
                name.customer(),
                CustomerRef::Id("cus_00000000001p6".to_owned()),
                "{raw}"
            );
            assert_eq!(name.code(), reference);
        }
        let foreign = "CardGUID=3d4e5f60-90ab-11f0-8d3a-00155d0a0104";
        assert_eq!(GuestName::from_query(&Query::parse(foreign)), None);
    }

    #[test]
    fn an_e_mail_or_the_end_of_a_number_seeks_and_names_nobody() {
        let end = |digits: &str| Some(Who::Sought(SearchBy::PhoneEnd(digits.to_owned())));
        for (raw, meant) in [
            ("Phone=*0101", end("0101")),
            ("Phone=*9005550101", end("9005550101")),
            ("Phone=*8 (900) 555-01-01", end("9005550101")),
            ("Phone=*+7 900 5550101", end("79005550101")),
            ("Phone=*101", None),
            ("Phone=*anna", None),
            ("Email=anna", None),
            (
                "Phone=&Email=anna@example.com",
                Some(Who::Sought(SearchBy::Email("anna@example.com".to_owned()))),
            ),
            ("", None),
        ] {
            assert_eq!(Who::from_query(&Query::parse(raw)), meant, "{raw}");
        }
    }
}
