//! Percents and coefficients: exact decimals as scaled integers.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a decimal from 0 to 1000 with at most {0} digits after the point")]
pub struct RateError(u32);

macro_rules! rate {
    ($(#[$doc:meta])* $name:ident, $scale:literal, $one:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Digits after the point.
            pub const SCALE: u32 = $scale;

            /// From the scaled integer as stored.
            pub const fn from_scaled(scaled: i64) -> Self {
                $name(scaled)
            }

            /// The scaled integer.
            pub const fn scaled(self) -> i64 {
                self.0
            }

            /// Reads a decimal such as `1.5`; 0 to 1000.
            fn parse(text: &str) -> Option<i64> {
                let value: Decimal = text.parse().ok()?;
                if value.is_sign_negative() && !value.is_zero() || value > Decimal::ONE_THOUSAND {
                    return None;
                }
                let scaled = value.checked_mul(Decimal::from($one))?;
                if !scaled.fract().is_zero() {
                    return None;
                }
                i64::try_from(scaled).ok()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", Decimal::new(self.0, $scale).normalize())
            }
        }

        impl FromStr for $name {
            type Err = RateError;
            fn from_str(text: &str) -> Result<Self, RateError> {
                Self::parse(text).map($name).ok_or(RateError($scale))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged)]
                enum Given {
                    Text(String),
                    Number(serde_json::Number),
                }
                let text = match Given::deserialize(deserializer)? {
                    Given::Text(text) => text,
                    Given::Number(number) => number.to_string(),
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

rate!(
    /// A percent, 0 to 1000, in ten-thousandths: `5` is 50 000.
    Percent, 4, 10_000
);
rate!(
    /// A coefficient, 0 to 1000, in millionths: `1.5` is 1 500 000. Zero is a real value: nothing accrues.
    Coefficient, 6, 1_000_000
);

impl Percent {
    /// 0 %.
    pub const ZERO: Percent = Percent(0);
    /// 100 %.
    pub const HUNDRED: Percent = Percent(1_000_000);
}

impl Coefficient {
    /// 1.
    pub const ONE: Coefficient = Coefficient(1_000_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_their_digits_and_their_range() {
        assert_eq!("1.234567".parse::<Coefficient>().unwrap().scaled(), 1_234_567);
        assert_eq!("7.5".parse::<Percent>().unwrap().to_string(), "7.5");
        assert_eq!("0".parse::<Coefficient>().unwrap().to_string(), "0");
        assert_eq!("1000".parse::<Percent>().unwrap().scaled(), 10_000_000);
        for text in ["1000.0001", "-1", "1.2345678", "", "x"] {
            assert!(text.parse::<Coefficient>().is_err(), "{text}");
        }
        assert!("1.23456".parse::<Percent>().is_err());
    }
}
