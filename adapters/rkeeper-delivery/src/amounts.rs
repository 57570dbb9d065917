//! Numbers as r_keeper Delivery sends them: JSON numbers of roubles and of pieces (UCS documents, "order by id"); decimal
//! strings are read too.

use kopilka_contract::{Money, Quantity};
use serde_json::Value;

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
/// What is there instead of an amount, in a sentence.
pub(crate) fn money(name: &str, value: &Value) -> Result<Option<Money>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let read = text(value).and_then(|text| Money::parse_rounded(&text).ok());
    match read.filter(|amount| (Money::ZERO..=Money::MAX_INPUT).contains(amount)) {
        Some(amount) => Ok(Some(amount)),
        None => Err(format!("{name} is not an amount")),
    }
}

/// A quantity above zero, rounded half up to thousandths; 1 where there is none.
///
/// # Errors
/// What is there instead of a quantity, in a sentence.
pub(crate) fn quantity(value: &Value) -> Result<Quantity, String> {
    if value.is_null() {
        return Ok(Quantity::ONE);
    }
    let read = text(value).and_then(|text| Quantity::parse_rounded(&text).ok());
    read.filter(|quantity| *quantity > Quantity::ZERO)
        .ok_or_else(|| "a dish's quantity is not a number above zero".to_owned())
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
