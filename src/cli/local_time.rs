//! Times as people read and type them: by the clock of the venue, or else of the network.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::domain::Timestamp;
use crate::domain::ids::VenueId;
use crate::storage::terms::NetworkTerms;

/// The zone of a venue; where there is none, that of the network.
pub(super) fn zone(terms: &NetworkTerms, venue: Option<VenueId>) -> Tz {
    let venue = venue.and_then(|venue| terms.venues.get(&venue));
    venue.map_or(terms.time_zone, |venue| venue.time_zone)
}

/// A time on that clock, with its distance from UTC.
pub(super) fn shown(at: Timestamp, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%:z").to_string()
}

/// A time that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// With its zone.
    Exact(DateTime<FixedOffset>),
    /// By the clock of the network; a date is its midnight.
    Local(NaiveDateTime),
}

impl Moment {
    /// The instant, where a local time is of this zone. In an hour that the clocks skip, or repeat, the earliest there is.
    pub(super) fn instant(self, zone: Tz) -> Timestamp {
        match self {
            Moment::Exact(at) => at.to_utc(),
            Moment::Local(local) => {
                let found = zone.from_local_datetime(&local).earliest();
                found.map_or_else(|| local.and_utc(), |at| at.to_utc())
            }
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(exact) = text.parse() {
            return Ok(Moment::Exact(exact));
        }
        if let Ok(date) = text.parse::<NaiveDate>() {
            return Ok(Moment::Local(date.and_time(NaiveTime::MIN)));
        }
        let forms = [
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M",
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%dT%H:%M:%S",
        ];
        let local = forms
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        local.map(Moment::Local).ok_or_else(|| {
            "expected a date or a time: 2026-03-14, 2026-03-14 19:00 or 2026-03-14T19:00:00+03:00".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_midnight_of_its_zone() {
        let instant = |text: &str| {
            let moment: Moment = text.parse().unwrap();
            moment.instant(Tz::Europe__Moscow).to_rfc3339()
        };
        for text in [
            "2026-03-14",
            "2026-03-14 00:00",
            "2026-03-14T00:00:00",
            "2026-03-13T21:00:00Z",
            "2026-03-14 00:00:00+03:00",
        ] {
            assert_eq!(instant(text), "2026-03-13T21:00:00+00:00", "{text}");
        }
        assert!("yesterday".parse::<Moment>().is_err());
    }
}
