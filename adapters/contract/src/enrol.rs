//! What a till or a site asks about a guest himself: to join, to get or lose a card, to be given or taken bonuses by hand.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Balance, CustomerRef, Money, Phone};

/// A guest who joins the programme, or whose particulars change. Who he is: [`Enrol::who`], else his telephone, else his
/// card. A potential guest becomes registered and keeps his bonuses; what is `None` leaves what is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enrol {
    /// A guest who is known already. Refused with `customer-not-found` where an id means nobody.
    pub who: Option<CustomerRef>,
    /// His telephone.
    pub phone: Option<Phone>,
    /// Number of a card that he has from now on.
    pub card: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// The name in parts, from those who tell one: where some are not told, those that are known stay.
    pub name_parts: NameParts,
    /// E-mail.
    pub email: Option<String>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Sex.
    pub sex: Option<Sex>,
    /// A note for the back office.
    pub comment: Option<String>,
}

/// A name as iiko and others take it apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameParts {
    /// Given name.
    pub first: Option<String>,
    /// Patronymic, or what else stands in the middle.
    pub middle: Option<String>,
    /// Surname.
    pub last: Option<String>,
}

impl NameParts {
    /// A whole name taken apart: the first word, the last one, and what is between.
    pub fn of(name: &str) -> Self {
        let words: Vec<&str> = name.split_whitespace().collect();
        match words.as_slice() {
            [] => NameParts::default(),
            [only] => NameParts {
                first: Some((*only).to_owned()),
                ..NameParts::default()
            },
            [first, middle @ .., last] => NameParts {
                first: Some((*first).to_owned()),
                middle: (!middle.is_empty()).then(|| middle.join(" ")),
                last: Some((*last).to_owned()),
            },
        }
    }

    /// The parts in one; `None`: there is none.
    pub fn whole(&self) -> Option<String> {
        let parts = [&self.first, &self.middle, &self.last];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// These parts, and of those that are missing the other's.
    #[must_use]
    pub fn or(self, other: NameParts) -> Self {
        NameParts {
            first: self.first.or(other.first),
            middle: self.middle.or(other.middle),
            last: self.last.or(other.last),
        }
    }
}

/// Sex of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
}

/// A card that a guest gets or loses. Both may be said again: nothing changes then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestCard {
    /// The guest.
    pub customer: CustomerRef,
    /// Number of the card, as tills read it.
    pub number: String,
}

/// Bonuses given or taken by hand: a top-up, a charge-off. Exactly once by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjust {
    /// Names the operation at this source, up to 255 characters: the same again is answered as the first time.
    pub key: String,
    /// Whose bonuses.
    pub customer: CustomerRef,
    /// Given or taken.
    pub direction: AdjustDirection,
    /// How much, above zero.
    pub amount: Money,
    /// Why, for people.
    pub reason: Option<String>,
}

/// Which way an adjustment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustDirection {
    /// Bonuses are given; they live as ordinary bonuses of the network do.
    Credit,
    /// Bonuses are taken; refused with `insufficient-balance` where there are too few.
    Debit,
}

/// What a change of a balance did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// `txn_…`; absent where nothing moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// How much moved.
    pub amount: Money,
    /// The customer's bonuses afterwards; available: in the whole network.
    pub balance: Balance,
}
