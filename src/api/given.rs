//! Fields as callers give them: texts within their limits, and changes that tell what is absent from what is null.

use serde::{Deserialize, Deserializer};

use super::problem::Problem;
use crate::domain::Money;

/// A field of a change: absent leaves it, null clears it.
pub type Change<T> = Option<Option<T>>;

/// Reads a [`Change`]; use it with `#[serde(default, deserialize_with = "change")]`.
///
/// # Errors
/// Those of the field.
pub fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Change<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A text that must say something, without spaces around it.
///
/// # Errors
/// 422 where it is empty, longer than `most` characters, or has control characters.
pub fn text(pointer: &str, given: &str, most: usize) -> Result<String, Problem> {
    let given = given.trim();
    let length = given.chars().count();
    if length == 0 || length > most || given.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Problem::invalid(
            pointer,
            format!("Нужен текст длиной от 1 до {most} знаков."),
            format!("A text of 1 to {most} characters is needed."),
        ));
    }
    Ok(given.to_owned())
}

/// A filter of a query; an empty one is as good as absent.
pub fn filled(given: &Option<String>) -> Option<String> {
    given.clone().filter(|text| !text.trim().is_empty())
}

/// A text that may be absent; an empty one is as good as absent.
///
/// # Errors
/// Those of [`text`].
pub fn optional_text(pointer: &str, given: Option<&str>, most: usize) -> Result<Option<String>, Problem> {
    given
        .filter(|t| !t.trim().is_empty())
        .map(|t| text(pointer, t, most))
        .transpose()
}

/// An id of the caller's own. It must not look like one of ours, or it could not be told from it.
///
/// # Errors
/// Those of [`text`], and 422 where it looks like our id.
pub fn external_id<I: std::str::FromStr>(given: Option<&str>) -> Result<Option<String>, Problem> {
    let id = optional_text("/external_id", given, 128)?;
    if id.as_ref().is_some_and(|id| id.parse::<I>().is_ok()) {
        return Err(Problem::invalid(
            "/external_id",
            "Внешний номер не должен выглядеть как внутренний.",
            "An external id must not look like an id of ours.",
        ));
    }
    Ok(id)
}

/// An amount that a door takes.
///
/// # Errors
/// 422 where it is negative or too large.
pub fn amount(pointer: &str, given: Money) -> Result<Money, Problem> {
    if (Money::ZERO..=Money::MAX_INPUT).contains(&given) {
        return Ok(given);
    }
    Err(Problem::invalid(
        pointer,
        "Сумма от 0 до 1 000 000 000.",
        "An amount is 0.00 to 1000000000.00.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::VenueId;

    #[test]
    fn absent_and_null_are_not_the_same() {
        #[derive(Debug, Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "change")]
            name: Change<String>,
        }
        let read = |json: &str| serde_json::from_str::<Body>(json).unwrap().name;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"name":null}"#), Some(None));
        assert_eq!(read(r#"{"name":"x"}"#), Some(Some("x".to_owned())));
    }

    #[test]
    fn texts_are_trimmed_and_limited() {
        assert_eq!(text("/name", "  Кафе ", 4).unwrap(), "Кафе");
        for wrong in ["", "  ", "Кафе!", "a\u{0}"] {
            assert!(text("/name", wrong, 4).is_err(), "{wrong:?}");
        }
        assert_eq!(optional_text("/name", Some(" "), 4).unwrap(), None);
        let ours = VenueId(5).to_string();
        assert!(external_id::<VenueId>(Some(&ours)).is_err());
        assert!(external_id::<VenueId>(Some("7")).is_ok());
    }
}
