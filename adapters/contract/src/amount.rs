//! Amounts of money and bonuses (hundredths) and quantities of goods (thousandths).

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not a plain decimal number such as `1250.00`.
    #[error("not a decimal number")]
    NotANumber,
    /// More digits after the point than the unit has.
    #[error("too many digits after the decimal point")]
    TooPrecise,
    /// Does not fit the type.
    #[error("too large")]
    TooLarge,
}

/// Money or bonuses in kopecks (hundredths). May be negative inside the books; the doors refuse what may not be.
///
/// Outside it is a decimal string with two digits, `"1250.00"`. On input a JSON number is taken where it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// 0.00
    pub const ZERO: Money = Money(0);
    /// The largest amount that a door takes: 1,000,000,000.00.
    pub const MAX_INPUT: Money = Money(100_000_000_000);

    /// From an integer of kopecks.
    pub const fn from_kopecks(kopecks: i64) -> Self {
        Money(kopecks)
    }

    /// The integer of kopecks.
    pub const fn kopecks(self) -> i64 {
        self.0
    }

    /// Whether it is 0.00.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is above 0.00.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Sum, or `None` where it does not fit.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    /// Difference, or `None` where it does not fit.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    /// Sum of many, or `None` where it does not fit.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Money>) -> Option<Money> {
        amounts.into_iter().try_fold(Money::ZERO, Money::checked_add)
    }

    /// Reads a decimal of any precision and rounds half up (away from zero) to kopecks. For adapters only: tills
    /// send `449.99999999999994` and mean 450.00. REST refuses such text instead.
    pub fn parse_rounded(text: &str) -> Result<Money, AmountError> {
        parse_scaled(text, 2, true).map(Money)
    }
}

impl std::ops::Add for Money {
    type Output = Money;
    /// Saturates rather than wraps: inputs are limited far below, so it can be met only by a defect, and a defect
    /// must not turn a large amount into a negative one.
    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(self.0.saturating_neg())
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}

impl std::ops::SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Money>>(iter: I) -> Money {
        iter.fold(Money::ZERO, |a, b| a + b)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let abs = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", abs / 100, abs % 100)
    }
}

impl FromStr for Money {
    type Err = AmountError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_scaled(text, 2, false).map(Money)
    }
}

/// How much of a thing was sold, in thousandths: `"0.272"` kilograms, `"2"` pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity(0);
    /// One piece.
    pub const ONE: Quantity = Quantity(1000);

    /// From an integer of thousandths.
    pub const fn from_thousandths(thousandths: i64) -> Self {
        Quantity(thousandths)
    }

    /// The integer of thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// Reads a decimal of any precision and rounds half up to thousandths. For adapters only.
    pub fn parse_rounded(text: &str) -> Result<Quantity, AmountError> {
        parse_scaled(text, 3, true).map(Quantity)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let abs = self.0.unsigned_abs();
        let (whole, part) = (abs / 1000, abs % 1000);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{part:03}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl FromStr for Quantity {
    type Err = AmountError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_scaled(text, 3, false).map(Quantity)
    }
}

/// Reads a plain decimal (an optional exponent is taken, since serialisers write `1e-7`) as an integer of
/// 10^-`scale`.
fn parse_scaled(text: &str, scale: i32, round: bool) -> Result<i64, AmountError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().map_err(|_| AmountError::NotANumber)?),
        None => (text, 0),
    };
    if exponent.unsigned_abs() > 40 {
        return Err(AmountError::TooLarge);
    }
    let (negative, digits) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || (digits.contains('.') && fraction.is_empty())
    {
        return Err(AmountError::NotANumber);
    }
    // value = all_digits × 10^(exponent − fraction.len()); wanted: value × 10^scale.
    let shift = exponent - i32::try_from(fraction.len()).map_err(|_| AmountError::TooPrecise)? + scale;
    let all: String = [whole, fraction].concat();
    let (kept, dropped) = if shift >= 0 {
        (
            all.clone() + &"0".repeat(shift.unsigned_abs() as usize),
            String::new(),
        )
    } else {
        let cut = all.len().saturating_sub(shift.unsigned_abs() as usize);
        let padding = (shift.unsigned_abs() as usize).saturating_sub(all.len());
        (all[..cut].to_owned(), "0".repeat(padding) + &all[cut..])
    };
    if !round && dropped.bytes().any(|b| b != b'0') {
        return Err(AmountError::TooPrecise);
    }
    let kept = kept.trim_start_matches('0');
    let mut value: i64 = if kept.is_empty() {
        0
    } else {
        kept.parse().map_err(|_| AmountError::TooLarge)?
    };
    if dropped.as_bytes().first().is_some_and(|b| *b >= b'5') {
        value = value.checked_add(1).ok_or(AmountError::TooLarge)?;
    }
    Ok(if negative { -value } else { value })
}

macro_rules! decimal_text {
    ($type:ty, $what:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse()
                            .map_err(|e: AmountError| E::custom(format!("{e}; expected {}", $what)))
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$type, E> {
                        self.visit_str(&number.to_string())
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$type, E> {
                        self.visit_str(&number.to_string())
                    }
                    // JSON's only fraction is a double. Its shortest text is what the sender wrote, for every
                    // amount a door takes; nothing is ever computed with it.
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<$type, E> {
                        self.visit_str(&number.to_string())
                    }
                }
                deserializer.deserialize_any(Text)
            }
        }
    };
}

decimal_text!(
    Money,
    "an amount as a decimal string with at most two digits after the point, such as \"1250.00\""
);
decimal_text!(
    Quantity,
    "a quantity as a decimal string with at most three digits after the point, such as \"0.272\""
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_and_writes_decimal_text() {
        for (text, kopecks, back) in [
            ("1250.00", 125_000, "1250.00"),
            ("0.5", 50, "0.50"),
            ("-0.05", -5, "-0.05"),
            ("7", 700, "7.00"),
            ("1e2", 10_000, "100.00"),
        ] {
            let money: Money = text.parse().unwrap();
            assert_eq!((money.kopecks(), money.to_string().as_str()), (kopecks, back));
        }
    }

    #[test]
    fn money_refuses_what_is_not_an_amount() {
        for text in [
            "", ".", "1.", ".5", "1,5", "abc", "1 000", "+1", "--1", "1.2.3", "NaN",
        ] {
            assert_eq!(text.parse::<Money>(), Err(AmountError::NotANumber), "{text}");
        }
        assert_eq!("0.005".parse::<Money>(), Err(AmountError::TooPrecise));
        assert_eq!(
            "99999999999999999999".parse::<Money>(),
            Err(AmountError::TooLarge)
        );
        assert_eq!("1e41".parse::<Money>(), Err(AmountError::TooLarge));
        assert_eq!("1e-2147483648".parse::<Money>(), Err(AmountError::TooLarge));
    }

    #[test]
    fn trailing_zeros_are_no_precision() {
        assert_eq!("1.5000".parse(), Ok(Money::from_kopecks(150)));
    }

    #[test]
    fn adapters_round_half_up() {
        for (text, kopecks) in [
            ("449.99999999999994", 45_000),
            ("0.005", 1),
            ("0.0049", 0),
            ("-0.005", -1),
            ("1e-7", 0),
        ] {
            assert_eq!(
                Money::parse_rounded(text),
                Ok(Money::from_kopecks(kopecks)),
                "{text}"
            );
        }
    }

    #[test]
    fn json_takes_strings_and_exact_numbers() {
        let read = |json: &str| serde_json::from_str::<Money>(json).map_err(|e| e.to_string());
        assert_eq!(read("\"10.50\""), Ok(Money::from_kopecks(1050)));
        assert_eq!(read("10.5"), Ok(Money::from_kopecks(1050)));
        assert_eq!(read("999999999.99"), Ok(Money::from_kopecks(99_999_999_999)));
        assert!(read("0.30000000000000004").is_err());
        assert!(read("true").is_err());
    }

    #[test]
    fn quantities_have_three_digits() {
        assert_eq!("0.272".parse(), Ok(Quantity::from_thousandths(272)));
        assert_eq!(Quantity::from_thousandths(1500).to_string(), "1.5");
        assert_eq!("0.2725".parse::<Quantity>(), Err(AmountError::TooPrecise));
    }
}
