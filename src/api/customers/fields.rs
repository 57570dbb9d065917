//! What callers say of a customer: as he joins, and as he changes.

use chrono::{Datelike, NaiveDate};
use kopilka_contract::{Enrol, Phone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::given::{Change, change, external_id, optional_text};
use crate::api::problem::Problem;
use crate::domain::Timestamp;
use crate::domain::ids::{CustomerId, VenueId};
use crate::domain::rate::Coefficient;
use crate::storage::customers::Customer;

/// Sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "female")]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
}

impl Sex {
    const fn as_str(self) -> &'static str {
        match self {
            Sex::Male => "male",
            Sex::Female => "female",
        }
    }
}

/// A customer who joins. At least one of `phone`, `card`, `external_id` says who he is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// Telephone, in any spelling.
    #[schema(example = "+7 921 555-01-01")]
    phone: Option<String>,
    /// Number of a plastic card that he was handed.
    #[schema(example = "2000123412341234")]
    pub(super) card: Option<String>,
    /// Your own id of him.
    #[schema(example = "crm-2001")]
    external_id: Option<String>,
    /// Name.
    #[schema(example = "Анна Иванова")]
    name: Option<String>,
    /// E-mail.
    #[schema(example = "anna@example.com")]
    email: Option<String>,
    /// Birthday.
    #[schema(example = "1990-03-08")]
    birthday: Option<NaiveDate>,
    /// Sex.
    sex: Option<Sex>,
    /// City.
    #[schema(example = "Санкт-Петербург")]
    city: Option<String>,
    /// A note for the back office.
    comment: Option<String>,
    /// A note that cashiers are shown.
    cashier_note: Option<String>,
    /// Which text of the consent he agreed to, now.
    #[schema(example = "2026-01")]
    consent_version: Option<String>,
    /// Where he joins, by its id or yours; absent: the one venue of the key, if it has one.
    #[schema(example = "cafe")]
    pub(super) venue_id: Option<String>,
}

/// What to change of a customer; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerChange {
    /// Telephone; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    phone: Change<String>,
    /// Your own id of him; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    external_id: Change<String>,
    /// Name; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    name: Change<String>,
    /// E-mail; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    email: Change<String>,
    /// Birthday; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<NaiveDate>)]
    birthday: Change<NaiveDate>,
    /// Sex; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Sex>)]
    sex: Change<Sex>,
    /// City; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    city: Change<String>,
    /// A note for the back office; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    comment: Change<String>,
    /// A note that cashiers are shown; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    cashier_note: Change<String>,
    /// Which text of the consent he agrees to now; null: he takes it back.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    consent_version: Change<String>,
    /// Coefficient for the whole network; null: not set.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, example = "1.5")]
    pub(super) network_coefficient: Change<Coefficient>,
}

impl NewCustomer {
    /// One who joins at a till.
    pub(in crate::api) fn at_till(
        phone: String,
        name: Option<String>,
        birthday: Option<NaiveDate>,
        consent_version: Option<String>,
        venue: VenueId,
    ) -> Self {
        NewCustomer {
            phone: Some(phone),
            card: None,
            external_id: None,
            name,
            email: None,
            birthday,
            sex: None,
            city: None,
            comment: None,
            cashier_note: None,
            consent_version,
            venue_id: Some(venue.to_string()),
        }
    }
}

impl NewCustomer {
    /// One whom a till's message names.
    pub(in crate::api) fn told(ask: &Enrol) -> Self {
        NewCustomer {
            phone: ask.phone.as_ref().map(ToString::to_string),
            card: ask.card.clone(),
            external_id: None,
            name: ask.name.clone(),
            email: ask.email.clone(),
            birthday: ask.birthday,
            sex: ask.sex.map(Sex::from),
            city: None,
            comment: ask.comment.clone(),
            cashier_note: None,
            consent_version: None,
            venue_id: None,
        }
    }

    /// Whether neither a telephone nor a card nor an external id says who he is.
    pub(in crate::api) fn names_nobody(&self) -> bool {
        let named = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.trim().is_empty());
        ![&self.phone, &self.card, &self.external_id]
            .into_iter()
            .any(named)
    }

    /// The same with a telephone that is known of him, where he names none.
    pub(in crate::api) fn or_phone(mut self, known: Option<&Phone>) -> Self {
        self.phone = self.phone.or_else(|| known.map(ToString::to_string));
        self
    }
}

impl From<kopilka_contract::Sex> for Sex {
    fn from(told: kopilka_contract::Sex) -> Self {
        match told {
            kopilka_contract::Sex::Male => Sex::Male,
            kopilka_contract::Sex::Female => Sex::Female,
        }
    }
}

impl From<&NewCustomer> for CustomerChange {
    /// What a newcomer does not say leaves what was known of him as a potential customer.
    fn from(given: &NewCustomer) -> Self {
        let said = |text: &Option<String>| text.clone().map(Some);
        CustomerChange {
            phone: said(&given.phone),
            external_id: said(&given.external_id),
            name: said(&given.name),
            email: said(&given.email),
            birthday: given.birthday.map(Some),
            sex: given.sex.map(Some),
            city: said(&given.city),
            comment: said(&given.comment),
            cashier_note: said(&given.cashier_note),
            consent_version: said(&given.consent_version),
            network_coefficient: None,
        }
    }
}

pub(super) fn phone_of(pointer: &str, given: &str) -> Result<Phone, Problem> {
    Phone::parse(given).ok_or_else(|| {
        Problem::invalid(
            pointer,
            "Это не номер телефона.",
            "Not a telephone number; expected something like +79215550101.",
        )
    })
}

fn email_of(given: Option<&str>) -> Result<Option<String>, Problem> {
    let email = optional_text("/email", given, 254)?;
    let plausible = |email: &String| {
        let parts = email.split_once('@');
        parts.is_some_and(|(name, host)| {
            !name.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && !email.contains(char::is_whitespace)
        })
    };
    if email.as_ref().is_some_and(|e| !plausible(e)) {
        return Err(Problem::invalid(
            "/email",
            "Это не адрес почты.",
            "Not an e-mail address.",
        ));
    }
    Ok(email)
}

fn birthday_of(given: Option<NaiveDate>, now: Timestamp) -> Result<Option<NaiveDate>, Problem> {
    // Somewhere it is tomorrow already.
    let latest = now.date_naive().succ_opt().unwrap_or(now.date_naive());
    if given.is_some_and(|day| day.year() < 1900 || day > latest) {
        return Err(Problem::invalid(
            "/birthday",
            "День рождения вне пределов.",
            "The birthday is out of range.",
        ));
    }
    Ok(given)
}

/// Makes a change, and names the fields that it changed.
pub(super) fn apply(
    customer: &mut Customer,
    given: &CustomerChange,
    now: Timestamp,
) -> Result<Vec<&'static str>, Problem> {
    let before = customer.clone();
    if let Some(phone) = &given.phone {
        let phone = phone.as_deref().filter(|p| !p.trim().is_empty());
        customer.phone = phone.map(|p| phone_of("/phone", p)).transpose()?;
    }
    if let Some(id) = &given.external_id {
        customer.external_id = external_id::<CustomerId>(id.as_deref())?;
    }
    if let Some(email) = &given.email {
        customer.email = email_of(email.as_deref())?;
    }
    if let Some(birthday) = given.birthday {
        customer.birthday = birthday_of(birthday, now)?;
    }
    if let Some(sex) = given.sex {
        customer.sex = sex.map(|s| s.as_str().to_owned());
    }
    if let Some(version) = &given.consent_version {
        customer.consent_version = optional_text("/consent_version", version.as_deref(), 100)?;
        customer.consent_at = customer.consent_version.as_ref().map(|_| now);
    }
    let texts = [
        ("/name", &given.name, &mut customer.name, 200),
        ("/city", &given.city, &mut customer.city, 100),
        ("/comment", &given.comment, &mut customer.comment, 2000),
        (
            "/cashier_note",
            &given.cashier_note,
            &mut customer.cashier_note,
            500,
        ),
    ];
    for (pointer, given, field, most) in texts {
        if let Some(text) = given {
            *field = optional_text(pointer, text.as_deref(), most)?;
        }
    }
    if let Some(coefficient) = given.network_coefficient {
        customer.network_coefficient = coefficient;
    }
    Ok(differences(&before, customer))
}

fn differences(before: &Customer, after: &Customer) -> Vec<&'static str> {
    [
        ("phone", before.phone != after.phone),
        ("external_id", before.external_id != after.external_id),
        ("name", before.name != after.name),
        ("email", before.email != after.email),
        ("birthday", before.birthday != after.birthday),
        ("sex", before.sex != after.sex),
        ("city", before.city != after.city),
        ("comment", before.comment != after.comment),
        ("cashier_note", before.cashier_note != after.cashier_note),
        ("consent_version", before.consent_version != after.consent_version),
        (
            "network_coefficient",
            before.network_coefficient != after.network_coefficient,
        ),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}
