//! Numbers as 1C writes them and as it wants them written.
//!
//! A number that 1C turns into text by itself (`Строка(Число)`) is in the words of its locale, `1 259,5` with a
//! no-break space; one that a developer formatted is `1259.5`, or `.5`. A till reads JSON numbers: `1250.5`.

use kopilka_contract::{AmountError, Money, Quantity};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;

/// The most goods in one line, a thousand million.
const MOST: Quantity = Quantity::from_thousandths(1_000_000_000_000);

/// An amount in any spelling of 1C, rounded half up to kopecks. `1,259` is none: in an English locale it is a thousand, and an amount
/// has no three decimals.
pub(crate) fn money(text: &str) -> Result<Money, AmountError> {
    if may_be_thousands(text) {
        return Err(AmountError::NotANumber);
    }
    plausible(Money::parse_rounded(&plain(text)?)?)
}

/// An amount in JSON. Its shortest text is what the sender wrote; nothing is computed with the number itself.
pub(crate) fn json_money(number: &Number) -> Result<Money, AmountError> {
    plausible(Money::parse_rounded(&number.to_string())?)
}

/// A quantity in any spelling of 1C, rounded half up to thousandths.
pub(crate) fn quantity(text: &str) -> Result<Quantity, AmountError> {
    plausible_quantity(Quantity::parse_rounded(&plain(text)?)?)
}

/// A quantity in JSON.
pub(crate) fn json_quantity(number: &Number) -> Result<Quantity, AmountError> {
    plausible_quantity(Quantity::parse_rounded(&number.to_string())?)
}

fn plausible(amount: Money) -> Result<Money, AmountError> {
    if amount > Money::MAX_INPUT || amount < -Money::MAX_INPUT {
        return Err(AmountError::TooLarge);
    }
    Ok(amount)
}

fn plausible_quantity(quantity: Quantity) -> Result<Quantity, AmountError> {
    if quantity > MOST {
        return Err(AmountError::TooLarge);
    }
    Ok(quantity)
}

/// The same number as plain decimal text: `1 259,5` → `1259.5`, `.37` → `0.37`.
fn plain(text: &str) -> Result<String, AmountError> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = match digits.split_once([',', '.']) {
        Some((whole, fraction)) if is_digits(fraction) => (whole, Some(fraction)),
        Some(_) => return Err(AmountError::NotANumber),
        None => (digits, None),
    };
    let whole = match (whole, fraction) {
        ("", Some(_)) => "0".to_owned(),
        (whole, _) => ungrouped(whole).ok_or(AmountError::NotANumber)?,
    };
    Ok(match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    })
}

/// Digits without the blanks between their thousands; `None` where the blanks stand anywhere else.
fn ungrouped(whole: &str) -> Option<String> {
    let groups: Vec<&str> = whole.split([' ', '\u{a0}', '\u{202f}']).collect();
    let (first, thousands) = groups.split_first()?;
    let grouped_by_three =
        thousands.is_empty() || (first.len() <= 3 && thousands.iter().all(|group| group.len() == 3));
    (grouped_by_three && groups.iter().all(|group| is_digits(group))).then(|| groups.concat())
}

/// Whether a comma may stand between thousands: one to three digits before it, no nought in front, and just three after it.
fn may_be_thousands(text: &str) -> bool {
    let text = text.trim();
    let parts = text.strip_prefix('-').unwrap_or(text).split_once(',');
    parts.is_some_and(|(whole, rest)| {
        (1..=3).contains(&whole.len()) && !whole.starts_with('0') && rest.len() == 3 && is_digits(rest)
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// An amount that is written as a JSON number, in its shortest form and without ever being a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonNumber(pub(crate) Money);

impl Serialize for JsonNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        let shortest = text.trim_end_matches('0').trim_end_matches('.');
        RawValue::from_string(shortest.to_owned())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_1c_is_read() {
        for (text, kopecks) in [
            ("1 485,50", 148_550),
            ("1\u{a0}485,50", 148_550),
            ("1\u{202f}485,5", 148_550),
            ("1 000 000", 100_000_000),
            ("1485,5", 148_550),
            ("1485.5", 148_550),
            (".37", 37),
            (",37", 37),
            ("-0", 0),
            ("-.5", -50),
            ("449.99999999999994", 45_000),
            (" 7 ", 700),
            // Nothing but decimals: thousands are otherwise.
            ("0,125", 13),
            ("1259,500", 125_950),
            ("1 259,500", 125_950),
            ("1.259", 126),
        ] {
            assert_eq!(money(text).map(Money::kopecks), Ok(kopecks), "{text}");
        }
        assert_eq!(quantity("1,259").map(Quantity::thousandths), Ok(1259));
        assert_eq!(quantity("0,3725").map(Quantity::thousandths), Ok(373));
    }

    #[test]
    fn what_only_looks_like_a_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            ",",
            "1,",
            "1.",
            "1 2",
            "12 34,5",
            "1,485.50",
            "1.485,50",
            "1,259",
            "-12,000",
            " 125,900 ",
            " 1  000",
            "1e5",
            "1e-2147483648",
            "+5",
            "--5",
            "пять",
            "0x10",
            "1 0000",
            "1 000 ,5",
        ] {
            assert_eq!(money(text), Err(AmountError::NotANumber), "{text}");
        }
        assert_eq!(money("1000000000,01"), Err(AmountError::TooLarge));
        assert_eq!(quantity("99999999999"), Err(AmountError::TooLarge));
    }

    #[test]
    fn amounts_are_written_as_the_shortest_json_numbers() {
        for (kopecks, text) in [
            (0, "0"),
            (64_000, "640"),
            (125_050, "1250.5"),
            (5, "0.05"),
            (-150, "-1.5"),
            (100_000_000_000, "1000000000"),
        ] {
            let written = serde_json::to_string(&JsonNumber(Money::from_kopecks(kopecks))).unwrap();
            assert_eq!(written, text);
        }
    }
}
