//! Dates and times as a till writes them: its own wall clock, without a zone.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;

/// Reads an XML date-time. Years that no till has are refused, so that arithmetic on the result cannot overflow.
pub(crate) fn local_time(text: &str) -> Option<NaiveDateTime> {
    [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H-%M-%S",
        "%Y-%m-%d %H:%M:%S%.f",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    .filter(|time| plausible(time.date()))
}

/// Reads a cash date (`RKDate`): days since 1899-12-30 (vendor's «Extdll6» text), or an ISO date or date-time as
/// clones of the DLL write it.
pub(crate) fn cash_date(text: &str) -> Option<NaiveDate> {
    if let Ok(days) = text.parse::<u32>() {
        let start = NaiveDate::from_ymd_opt(1899, 12, 30)?;
        return start
            .checked_add_signed(Duration::try_days(days.into())?)
            .filter(|date| plausible(*date));
    }
    local_time(text).map(|time| time.date()).or_else(|| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|date| plausible(*date))
    })
}

fn plausible(date: NaiveDate) -> bool {
    (1990..2200).contains(&date.year())
}

/// The version of a message: microseconds of the till's wall clock, counted as if it showed UTC. All that is needed
/// is that a later attempt of the same till has a larger one. (In the hour that clocks repeat in autumn it is not so;
/// Russia, where r_keeper lives, does not change its clocks.)
pub(crate) fn version(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp_micros()
}

/// What the wall clock of the venue showed at that moment, to the second.
pub(crate) fn wall_clock(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    let local = at.with_timezone(&zone).naive_local();
    local.with_nanosecond(0).unwrap_or(local)
}
