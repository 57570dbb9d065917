//! Numbers as r_keeper Delivery sends them: JSON numbers of roubles and of pieces (UCS documents, "order by id"); decimal
//! strings are read too.

use kopilka_contract::{Money, Quantity};
use serde_json::Value;

use crate::unread::{Amount, Unread};

/// The text of a number. JSON doubles print as the shortest text that names them, which is what was sent.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// An amount from nothing to a billion, rounded half up to kopecks; `None`: there is none.
///
/// # Errors
/// Where there is something else instead.
pub(crate) fn money(of: Amount, value: &Value) -> Result<Option<Money>, Unread> {
    if value.is_null() {
        return Ok(None);
    }
    let read = text(value).and_then(|text| Money::parse_rounded(&text).ok());
    match read.filter(|amount| (Money::ZERO..=Money::MAX_INPUT).contains(amount)) {
        Some(amount) => Ok(Some(amount)),
        None => Err(Unread::NotAnAmount(of)),
    }
}

/// A quantity above zero, rounded half up to thousandths; 1 where there is none.
///
/// # Errors
/// Where there is something else instead.
pub(crate) fn quantity(value: &Value) -> Result<Quantity, Unread> {
    if value.is_null() {
        return Ok(Quantity::ONE);
    }
    let read = text(value).and_then(|text| Quantity::parse_rounded(&text).ok());
    read.filter(|quantity| *quantity > Quantity::ZERO)
        .ok_or(Unread::NotAQuantity)
}

/// An id that is a text or a number; `None`: there is none.
pub(crate) fn id(value: &Value) -> Option<String> {
    text(value).filter(|id| !id.is_empty() && id.len() <= 100 && !id.chars().any(char::is_control))
}

/// A status number that is a number or a text; `None`: there is none.
pub(crate) fn status(value: &Value) -> Option<i64> {
    text(value)?.parse().ok()
}

/// A text that says something.
pub(crate) fn words(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(500).collect())
}
