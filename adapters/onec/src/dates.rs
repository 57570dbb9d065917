//! Dates as 1C writes them: mostly local times of the shop without a zone, and the year 0001 where there is none.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use kopilka_contract::Settings;

/// A text that is not a date in any of 1C's spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotADate;

/// How 1C spells a moment without a zone: its JSON, SQL habits, the Russian locale.
const LOCAL: [&str; 3] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%d.%m.%Y %H:%M:%S",
];
/// How it spells a day.
const DAY: [&str; 2] = ["%Y-%m-%d", "%d.%m.%Y"];

/// Reads a moment; without a zone it is one of the shop's. `None`: 1C's empty date, any day of the year 0001.
pub(crate) fn instant(text: &str, settings: &Settings) -> Result<Option<DateTime<FixedOffset>>, NotADate> {
    let moment = match zoned(text) {
        Some(moment) if moment.year() > 1 => moment,
        Some(_) => return Ok(None),
        None => match local(text).ok_or(NotADate)? {
            local if local.year() > 1 => settings.local(local),
            _ => return Ok(None),
        },
    };
    if moment.year() > 9999 {
        return Err(NotADate);
    }
    Ok(Some(moment))
}

fn zoned(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
}

fn local(text: &str) -> Option<NaiveDateTime> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return digits_only(text);
    }
    let moment = LOCAL
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || {
        DAY.iter()
            .find_map(|format| NaiveDate::parse_from_str(text, format).ok())
    };
    moment.or_else(|| Some(day()?.and_time(NaiveTime::MIN)))
}

/// `20260314194205`, or `20260314`.
fn digits_only(text: &str) -> Option<NaiveDateTime> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let year = text.get(..4)?.parse::<i32>().ok()?;
    let day = NaiveDate::from_ymd_opt(year, part(4, 6)?, part(6, 8)?)?;
    match text.len() {
        8 => Some(day.and_time(NaiveTime::MIN)),
        14 => day.and_hms_opt(part(8, 10)?, part(10, 12)?, part(12, 14)?),
        _ => None,
    }
}

/// 1C's empty date in JSON.
pub(crate) const NO_DATE: &str = "0001-01-01T00:00:00";

/// A day as a date of 1C's JSON.
pub(crate) fn json_day(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| NO_DATE.to_owned(), |day| format!("{day}T00:00:00"))
}

#[cfg(test)]
mod tests {
    use kopilka_contract::Language;

    use super::*;

    fn read(text: &str) -> Result<Option<String>, NotADate> {
        let settings = Settings {
            time_zone: chrono_tz::Europe::Samara,
            language: Language::Ru,
            values: serde_json::Value::Null,
        };
        Ok(instant(text, &settings)?.map(|moment| moment.to_rfc3339()))
    }

    #[test]
    fn a_moment_without_a_zone_is_the_shops_own() {
        for text in [
            "2026-03-14T19:42:05",
            "2026-03-14 19:42:05",
            "14.03.2026 19:42:05",
            "20260314194205",
        ] {
            assert_eq!(
                read(text),
                Ok(Some("2026-03-14T19:42:05+04:00".to_owned())),
                "{text}"
            );
        }
        for text in ["14.03.2026 0:00:00", "14.03.2026", "2026-03-14", "20260314"] {
            assert_eq!(
                read(text),
                Ok(Some("2026-03-14T00:00:00+04:00".to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn a_moment_with_a_zone_keeps_it() {
        for text in ["2026-03-14T18:42:05+03:00", "2026-03-14T18:42:05+0300"] {
            assert_eq!(
                read(text),
                Ok(Some("2026-03-14T18:42:05+03:00".to_owned())),
                "{text}"
            );
        }
        assert_eq!(
            read("2026-03-14T15:42:05.250Z"),
            Ok(Some("2026-03-14T15:42:05.250+00:00".to_owned()))
        );
    }

    #[test]
    fn the_empty_date_is_no_date() {
        for text in [
            NO_DATE,
            "01.01.0001 0:00:00",
            "00010101000000",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_date_is_refused() {
        for text in [
            "",
            "today",
            "14.03",
            "2026-13-01T00:00:00",
            "31.02.2026 10:00:00",
            "202603141942",
            "+12026-03-14 19:42:05",
            "99999999999999",
        ] {
            assert_eq!(read(text), Err(NotADate), "{text}");
        }
    }
}
