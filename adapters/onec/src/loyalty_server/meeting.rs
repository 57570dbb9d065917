//! Whom the books know by what the till said.

use kopilka_contract::{Ask, CustomerStatus, Guest, Refusal, Search, SearchBy, Told};

use crate::guest_name::{GuestName, Who};

/// A guest with the name by which the till goes on.
#[derive(Debug)]
pub(super) struct Met<'a> {
    pub(super) name: GuestName,
    pub(super) guest: &'a Guest,
    /// What the till is told that he was found by.
    pub(super) search_type: &'static str,
}

/// What came of looking for guests.
pub(super) enum Meeting<'a> {
    Nobody,
    One(Met<'a>),
    Several(Vec<Met<'a>>),
    /// No answer to the question; the refusal, where there is one.
    Failed(Option<&'a Refusal>),
}

/// The question whose answer is read by [`Meeting::of`]. `locked_under`: a search finds only guests whom this till has locked.
pub(super) fn ask(who: &Who, locked_under: Option<String>) -> Ask {
    match who {
        Who::Named(name) => Ask::Identify(name.customer()),
        Who::Sought(by) => Ask::Search(Search {
            by: by.clone(),
            locked_under,
        }),
    }
}

impl<'a> Meeting<'a> {
    /// What the first answer says.
    pub(super) fn of(who: Option<&Who>, told: &'a [Result<Told, Refusal>]) -> Self {
        match (who, told.first()) {
            (None, _) => Meeting::Nobody,
            (Some(Who::Named(name)), Some(Ok(Told::Guest(guest)))) => Meeting::One(Met {
                name: name.clone(),
                guest,
                search_type: name.search_type(),
            }),
            (Some(Who::Sought(by)), Some(Ok(Told::Guests(guests)))) => Meeting::among(by, guests),
            (Some(_), Some(Err(why))) if is_not_found(why) => Meeting::Nobody,
            (Some(_), Some(Err(why))) => Meeting::Failed(Some(why)),
            (Some(_), _) => Meeting::Failed(None),
        }
    }

    fn among(by: &SearchBy, guests: &'a [Guest]) -> Self {
        let search_type = match by {
            SearchBy::Email(_) => "АдресЭП",
            SearchBy::PhoneEnd(_) => "Телефон",
        };
        let mut met: Vec<Met<'a>> = guests
            .iter()
            .map(|guest| Met {
                name: GuestName::of(guest),
                guest,
                search_type,
            })
            .collect();
        match (met.pop(), met.is_empty()) {
            (None, _) => Meeting::Nobody,
            (Some(one), true) => Meeting::One(one),
            (Some(last), false) => {
                met.push(last);
                Meeting::Several(met)
            }
        }
    }

    /// Everybody who may be meant.
    pub(super) fn all(self) -> Vec<Met<'a>> {
        match self {
            Meeting::One(met) => vec![met],
            Meeting::Several(met) => met,
            Meeting::Nobody | Meeting::Failed(_) => Vec::new(),
        }
    }

    /// The only one who may be meant.
    pub(super) fn one(self) -> Option<Met<'a>> {
        match self {
            Meeting::One(met) => Some(met),
            _ => None,
        }
    }
}

pub(super) fn is_not_found(why: &Refusal) -> bool {
    matches!(why.code.as_str(), "customer-not-found" | "card-not-found")
}

pub(super) fn is_blocked(guest: &Guest) -> bool {
    guest.card_blocked || guest.status == CustomerStatus::Blocked
}
