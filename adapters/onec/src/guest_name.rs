//! How a 1C till names a guest.

use kopilka_contract::{CustomerRef, Phone};

use crate::loyalty_server::guest_of;
use crate::query::Query;

/// A card code, a telephone number, or a reference that we gave out.
///
/// The till gets a code for every guest that it finds, and names him by that code from then on: in the lock, in the
/// write-off, in the receipt. A guest found by his number has it for a code, `+79005550101`, so that the lock and the
/// write-off have one session although nothing else joins them. Card codes do not begin with a plus.
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

    /// From the parameters of the loyalty server. Where the card is known the others are blank. A part of a number
    /// (`*0101`) and an e-mail name nobody here.
    pub(crate) fn from_query(query: &Query) -> Option<Self> {
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

    /// Key of the lock session of this guest at this till.
    pub(crate) fn session(&self) -> String {
        match self {
            GuestName::Card(code) => format!("card:{code}"),
            GuestName::Phone(phone) => format!("phone:{}", phone.digits()),
            GuestName::Reference(guid, _) => format!("guest:{guid}"),
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
            assert_eq!(
                (name.code(), name.session()),
                (reference.to_owned(), format!("guest:{reference}"))
            );
        }
        let foreign = "CardGUID=3d4e5f60-90ab-11f0-8d3a-00155d0a0104";
        assert_eq!(GuestName::from_query(&Query::parse(foreign)), None);
    }

    #[test]
    fn an_e_mail_or_a_part_of_a_number_names_nobody() {
        for raw in ["Phone=*0101", "Phone=&Email=anna@example.com", ""] {
            assert_eq!(GuestName::from_query(&Query::parse(raw)), None, "{raw}");
        }
    }
}
