//! How a 1C till names a guest.

use kopilka_contract::{CustomerRef, Phone};

use crate::query::Query;

/// A card code or a telephone number.
///
/// The till gets a code for every guest that it finds, and names him by that code from then on: in the lock, in the
/// write-off, in the receipt. A guest found by his number has it for a code, `+79005550101`, so that the lock and the
/// write-off have one session although nothing else joins them. Card codes do not begin with a plus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GuestName {
    Card(String),
    Phone(Phone),
}

impl GuestName {
    /// From a card code, which may be a number that we gave out as one.
    pub(crate) fn from_code(code: &str) -> Self {
        match Phone::parse(code).filter(|_| code.starts_with('+')) {
            Some(phone) => GuestName::Phone(phone),
            None => GuestName::Card(code.to_owned()),
        }
    }

    /// From the parameters of the loyalty server. Where the card is known the others are blank. A part of a number
    /// (`*0101`) and an e-mail name nobody here.
    pub(crate) fn from_query(query: &Query) -> Option<Self> {
        match query.get("ClientCardID") {
            Some(code) => Some(GuestName::from_code(code)),
            None => query.get("Phone").and_then(Phone::parse).map(GuestName::Phone),
        }
    }

    pub(crate) fn customer(&self) -> CustomerRef {
        match self {
            GuestName::Card(code) => CustomerRef::Card(code.clone()),
            GuestName::Phone(phone) => CustomerRef::Phone(phone.clone()),
        }
    }

    /// Key of the lock session of this guest at this till.
    pub(crate) fn session(&self) -> String {
        match self {
            GuestName::Card(code) => format!("card:{code}"),
            GuestName::Phone(phone) => format!("phone:{}", phone.digits()),
        }
    }

    /// The code by which the till will name him.
    pub(crate) fn code(&self) -> String {
        match self {
            GuestName::Card(code) => code.clone(),
            GuestName::Phone(phone) => phone.to_string(),
        }
    }

    /// What the till is told that he was found by.
    pub(crate) fn search_type(&self) -> &'static str {
        match self {
            GuestName::Card(_) => "КодКарты",
            GuestName::Phone(_) => "Телефон",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_given_for_a_telephone_number_leads_back_to_the_same_session() {
        let found = GuestName::from_query(&Query::parse("ClientCardID=&Phone=8 (900) 555-01-01")).unwrap();
        assert_eq!(found.code(), "+79005550101");
        let later = GuestName::from_query(&Query::parse("ClientCardID=+79005550101&Phone=")).unwrap();
        assert_eq!(later.session(), found.session());
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
    fn an_e_mail_or_a_part_of_a_number_names_nobody() {
        for raw in ["Phone=*0101", "Phone=&Email=anna@example.com", ""] {
            assert_eq!(GuestName::from_query(&Query::parse(raw)), None, "{raw}");
        }
    }
}
