//! Times as iiko writes them: `2026-03-14 16:42:07.318`, with a space and without a zone (*iikoCloud API*).

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};

/// A time without a zone: of the terminal for `when…` fields, UTC for `eventTime`.
pub(crate) fn parse(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .filter(|at| is_plausible(at.year()))
}

/// An order's `timestamp`, in milliseconds, as an instant. One in seconds would be a moment of 1970.
pub(crate) fn from_timestamp(milliseconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds).filter(|at| is_plausible(at.year()))
}

/// Also keeps clear of the ends of the calendar, where zones cannot be applied.
fn is_plausible(year: i32) -> bool {
    (2000..2200).contains(&year)
}
