//! A telephone number in one spelling, so that one guest is found by any way of typing it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A telephone number as digits with the country code and without a plus: `79215550101`.
///
/// Russian habits are understood: `8 (921) 555-01-01` and `9215550101` are the same number as `+7 921 555-01-01`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads a number in any usual spelling; `None` where it cannot be a telephone number.
    pub fn parse(text: &str) -> Option<Phone> {
        let text = text.trim();
        let allowed =
            |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '\u{a0}');
        if !text.chars().all(allowed) {
            return None;
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let international = text.starts_with('+');
        let normal = match (digits.len(), digits.as_bytes().first()) {
            (10, Some(b'9')) if !international => format!("7{digits}"),
            (11, Some(b'8')) if !international => format!("7{}", &digits[1..]),
            (7..=15, Some(b'1'..=b'9')) => digits,
            _ => return None,
        };
        Some(Phone(normal))
    }

    /// The digits, country code first.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl TryFrom<String> for Phone {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Phone::parse(&text)
            .ok_or_else(|| "not a telephone number; expected something like +79215550101".to_owned())
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> String {
        phone.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_russian_number_is_one_number() {
        for text in [
            "+7 921 555-01-01",
            "8 (921) 555 01 01",
            "9215550101",
            "79215550101",
            " +7.921.555.01.01 ",
        ] {
            assert_eq!(Phone::parse(text).unwrap().digits(), "79215550101", "{text}");
        }
    }

    #[test]
    fn foreign_numbers_keep_their_code_and_nonsense_is_refused() {
        assert_eq!(
            Phone::parse("+375 29 123-45-67").unwrap().digits(),
            "375291234567"
        );
        for text in ["", "12", "call me", "+0123456789", "1234567890123456"] {
            assert_eq!(Phone::parse(text), None, "{text}");
        }
    }
}
