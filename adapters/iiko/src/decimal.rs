//! Amounts and quantities, which iiko sends as JSON doubles in currency units (*iikoCloud API*, `sum: number double`).

use std::fmt;

use kopilka_contract::{AmountError, Money, Quantity};
use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

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
    or_text: false,
};

/// The same, where a number may also stand as a text, with a point or a comma; an empty one counts as absent.
pub(crate) fn money_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    deserializer.deserialize_any(Decimal {
        or_text: true,
        ..AMOUNT
    })
}

/// Reads a quantity that may be null, rounded half up to thousandths.
pub(crate) fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Quantity>, D::Error> {
    deserializer.deserialize_any(Decimal {
        parse: Quantity::parse_rounded,
        what: "a quantity, a number",
        or_text: false,
    })
}

struct Decimal<T> {
    parse: fn(&str) -> Result<T, AmountError>,
    what: &'static str,
    /// A text will do too.
    or_text: bool,
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

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        match text.trim() {
            _ if !self.or_text => Err(E::invalid_type(Unexpected::Str(text), &self)),
            "" => Ok(None),
            text => self.read(&text.replace(',', ".")),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}
