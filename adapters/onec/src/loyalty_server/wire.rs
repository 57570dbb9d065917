//! JSON answers of the loyalty server: their members, as 1C's library names them.

use kopilka_contract::{CustomerRef, Money};
use serde::Serialize;

use super::meeting::{Met, is_blocked};
use crate::dates;
use crate::numbers::JsonNumber;
use crate::settings::{OneCSettings, Version};

/// A reference for a guest, who has none in 1C: his number as a GUID of its own kind, so that a till that compares
/// references never takes two guests for one.
pub(crate) fn guid(number: i64) -> String {
    let number = number.unsigned_abs() & ((1 << 60) - 1);
    let (high, low) = (number >> 48, number & ((1 << 48) - 1));
    format!("6b6f7069-6c6b-4100-8{high:03x}-{low:012x}")
}

/// The guest whom such a reference means.
pub(crate) fn guest_of(guid: &str) -> Option<CustomerRef> {
    let guid = guid.to_ascii_lowercase();
    let rest = guid.strip_prefix("6b6f7069-6c6b-4100-8")?;
    let (high, low) = rest.split_once('-')?;
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if (high.len(), low.len()) != (3, 12) || !is_hex(high) || !is_hex(low) {
        return None;
    }
    let number = u64::from_str_radix(&format!("{high}{low}"), 16).ok()?;
    let digit = |at: u32| {
        usize::try_from(number >> (5 * at) & 31)
            .ok()
            .and_then(|digit| DIGITS.get(digit))
    };
    let id: Option<String> = (0..ID_LENGTH)
        .rev()
        .map(|at| digit(at).map(|d| char::from(*d)))
        .collect();
    Some(CustomerRef::Id(format!("cus_{}", id?)))
}

/// How ids of ours write their numbers.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_LENGTH: u32 = 13;

/// Every JSON answer: whether it went well, which version answers, and the method's own members.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer<'a, T> {
    pub(super) error: bool,
    pub(super) error_message: &'a str,
    pub(super) version: String,
    #[serde(flatten)]
    pub(super) members: T,
}

impl<'a, T> Answer<'a, T> {
    /// It went well.
    pub(super) fn good(version: &Version, members: T) -> Self {
        Answer {
            error: false,
            error_message: "",
            version: version.to_string(),
            members,
        }
    }
}

/// An answer without members.
#[derive(Serialize)]
pub(super) struct NoMembers {}

impl<'a> Answer<'a, NoMembers> {
    pub(super) fn error(version: &Version, error_message: &'a str) -> Self {
        Answer {
            error: true,
            error_message,
            version: version.to_string(),
            members: NoMembers {},
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AutomaticDiscounts {
    pub(super) use_automatic_discounts: bool,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cards<'a> {
    pub(super) loyalty_cards_list: Vec<Card<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Card<'a> {
    pub(super) client_name: &'a str,
    pub(super) is_person: bool,
    pub(super) date_of_birth: String,
    pub(super) phone: String,
    pub(super) email: &'a str,
    pub(super) barcode: String,
    pub(super) magnetic_code: &'static str,
    #[serde(rename = "CardGUID")]
    pub(super) card_guid: String,
    #[serde(rename = "ClientGUID")]
    pub(super) client_guid: String,
    pub(super) is_blocked: bool,
    pub(super) bonus_data: BonusData<'a>,
    /// What the guest has bought in all, as `salesturnover` tells it (1C:Trade Management fills it here too).
    pub(super) sell_count: JsonNumber,
    pub(super) search_type: &'static str,
    pub(super) valid: bool,
}

impl<'a> Card<'a> {
    /// The card by which a guest was named, with what the till may take of his bonuses and what he has bought.
    pub(super) fn of(met: &Met<'a>, bonus_count: Money, bought: Money, settings: &'a OneCSettings) -> Self {
        let guest = met.guest;
        let blocked = is_blocked(guest);
        let reference = guid(guest.number);
        Card {
            client_name: guest.name.as_deref().unwrap_or_default(),
            is_person: true,
            date_of_birth: dates::json_day(guest.birthday),
            phone: guest.phone.as_ref().map(ToString::to_string).unwrap_or_default(),
            email: guest.email.as_deref().unwrap_or_default(),
            barcode: met.name.code(),
            magnetic_code: "",
            card_guid: reference.clone(),
            client_guid: reference,
            is_blocked: blocked,
            bonus_data: BonusData {
                payment_percent: JsonNumber(settings.payment_percent_of(guest).as_money()),
                bonus_count: JsonNumber(bonus_count),
                bonus_rate: 1,
                bonus_currency: &settings.currency,
            },
            sell_count: JsonNumber(bought),
            search_type: met.search_type,
            valid: !blocked,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BonusData<'a> {
    pub(super) payment_percent: JsonNumber,
    pub(super) bonus_count: JsonNumber,
    pub(super) bonus_rate: u8,
    pub(super) bonus_currency: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Bonuses<'a> {
    pub(super) bonus_count: JsonNumber,
    pub(super) bonus_rate: u8,
    pub(super) bonus_currency: &'a str,
    pub(super) payment_percent: JsonNumber,
    pub(super) card_ref: String,
    pub(super) barcode: String,
    pub(super) magnetic_code: &'static str,
    pub(super) end_date: &'static str,
    pub(super) client_not_found: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Turnover {
    pub(super) card_ref: String,
    pub(super) sell_count: JsonNumber,
    pub(super) barcode: String,
    pub(super) magnetic_code: &'static str,
    pub(super) client_not_found: bool,
}
