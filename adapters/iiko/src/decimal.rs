//! Amounts and quantities, which iiko sends as JSON doubles in currency units (*iikoCloud API*, `sum: number double`).

use std::fmt;

use kopilka_contract::{AmountError, Money, Quantity};
use serde::Deserializer;
use serde::de::{Error, Visitor};

/// Reads an amount that may be null, rounded half up to kopecks.
pub(crate) fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    deserializer.deserialize_any(AMOUNT)
}

const AMOUNT: Decimal<Money> = Decimal {
    parse: |text| {
        let amount = Money::parse_rounded(text)?;
        let size = if amount < Money::ZERO { -amount } else { amount };
        if size > Money::MAX_INPUT {
            return Err(AmountError::TooLarge);
        }
        Ok(amount)
    },
    what: "an amount of money, a number",
};

/// The same, where a number may also stand as a text, with a point or a comma; an empty one counts as absent.
pub(crate) fn money_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    deserializer.deserialize_any(MoneyOrText)
}

struct MoneyOrText;

impl Visitor<'_> for MoneyOrText {
    type Value = Option<Money>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(AMOUNT.what)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<Money>, E> {
        AMOUNT.visit_i64(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<Money>, E> {
        AMOUNT.visit_u64(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<Money>, E> {
        AMOUNT.visit_f64(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<Money>, E> {
        match text.trim() {
            "" => Ok(None),
            text => AMOUNT.read(&text.replace(',', ".")),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Money>, E> {
        Ok(None)
    }
}

/// Reads a quantity that may be null, rounded half up to thousandths.
pub(crate) fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Quantity>, D::Error> {
    deserializer.deserialize_any(Decimal {
        parse: Quantity::parse_rounded,
        what: "a quantity, a number",
    })
}

struct Decimal<T> {
    parse: fn(&str) -> Result<T, AmountError>,
    what: &'static str,
}

impl<T> Decimal<T> {
    fn read<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        match (self.parse)(text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(E::custom(format!("{error}; expected {}", self.what))),
        }
    }
}

impl<T> Visitor<'_> for Decimal<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<T>, E> {
        self.read(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<T>, E> {
        self.read(&number.to_string())
    }

    // The till computed with doubles and may send 449.99999999999994. Rust prints the shortest decimal that names the
    // same double, which is the text that was sent; from there on it is rounded as text. Nothing is computed with it.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<T>, E> {
        self.read(&number.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}
