//! Kinds of cards that a till may issue: what it shows its cashier to choose from, and what the choice means.

use kopilka_contract::Reply;
use serde::{Deserialize, Serialize};

use crate::fields::ZERO_GUID;
use crate::reply;

/// A kind of cards.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardType {
    /// GUID by which the till names it (`ClientCardTypeUID`).
    pub id: String,
    /// What the cashier reads.
    pub name: String,
    /// The service makes the number; else the cashier reads or types that of a card at hand.
    #[serde(default)]
    pub generate_number: bool,
}

impl CardType {
    /// What a till may issue where the connection does not say.
    pub(crate) fn usual() -> Vec<Self> {
        let kind = |id: &str, name: &str, generate_number| CardType {
            id: id.to_owned(),
            name: name.to_owned(),
            generate_number,
        };
        vec![
            kind("6b6f7069-6c6b-4100-9000-000000000001", "Виртуальная карта", true),
            kind("6b6f7069-6c6b-4100-9000-000000000002", "Пластиковая карта", false),
        ]
    }
}

/// The kind that a till names; `None`: it names none. An error is a kind that is not among them.
pub(super) fn named<'a>(
    types: &'a [CardType],
    uid: Option<&'a str>,
) -> Result<Option<&'a CardType>, &'a str> {
    let Some(uid) = uid.filter(|uid| *uid != ZERO_GUID) else {
        return Ok(None);
    };
    let found = types.iter().find(|kind| kind.id.eq_ignore_ascii_case(uid));
    found.map(Some).ok_or(uid)
}

/// A kind as the supplier of 1C:Trade Management 11.5.18 lists it: under the names of now, one of them misspelt, and under those of
/// before. There is no object around the list.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(rename = "CardTypeID")]
    id: &'a str,
    #[serde(rename = "CardTypeDescription")]
    name: &'a str,
    #[serde(rename = "IsPerson")]
    is_person: bool,
    #[serde(rename = "GenerateNumer")]
    generate_number: bool,
    #[serde(rename = "Идентификатор")]
    id_before: &'a str,
    #[serde(rename = "Наименование")]
    name_before: &'a str,
    #[serde(rename = "ЭтоИменнаяКарта")]
    is_person_before: bool,
    #[serde(rename = "ГенерироватьНомер")]
    generate_number_before: bool,
}

impl<'a> From<&'a CardType> for Listed<'a> {
    fn from(kind: &'a CardType) -> Self {
        Listed {
            id: &kind.id,
            name: &kind.name,
            is_person: true,
            generate_number: kind.generate_number,
            id_before: &kind.id,
            name_before: &kind.name,
            is_person_before: true,
            generate_number_before: kind.generate_number,
        }
    }
}

/// The answer to `getcardtypes`.
pub(super) fn listed(types: &[CardType]) -> Reply {
    reply::json(200, &types.iter().map(Listed::from).collect::<Vec<_>>())
}
