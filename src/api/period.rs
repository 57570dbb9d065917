//! Periods of reports: instants, or whole business days of the network.

use chrono::{Days, Duration, NaiveDate};
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::domain::Timestamp;
use crate::domain::business_time::day_begins;
use crate::storage::networks::StoredNetwork;

/// From an instant up to, but without, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub from: Option<Timestamp>,
    /// The instant after the last.
    pub until: Option<Timestamp>,
}

/// How long something has waited for its other half: a write-off for its receipt, a return for its sale.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OlderThan {
    /// Waiting for at least so many minutes: until then the other half may be on its way. Absent: 60.
    #[param(example = 60, minimum = 0)]
    older_than_minutes: Option<u32>,
}

/// Minutes that the other half may take, where the caller does not say.
const USUAL_MINUTES: u32 = 60;

impl OlderThan {
    /// What came before this moment has waited so long.
    pub fn before(self, now: Timestamp) -> Timestamp {
        now - Duration::minutes(self.older_than_minutes.unwrap_or(USUAL_MINUTES).into())
    }
}

/// When a business day of the network begins.
fn beginning(network: &StoredNetwork, day: NaiveDate) -> Option<Timestamp> {
    day_begins(
        day,
        network.time_zone.parse().ok()?,
        network.settings.day_starts_at,
    )
}

fn edge(name: &str, given: &str, network: &StoredNetwork, after_day: bool) -> Result<Timestamp, Problem> {
    // A plus that was not escaped comes as a space.
    let text = given.trim().replace(' ', "+");
    let wrong = || {
        Problem::invalid(
            name,
            "Нужен день вида 2026-11-22 или время с часовым поясом.",
            "A day such as 2026-11-22 or an RFC 3339 time with an offset is needed.",
        )
    };
    if let Ok(day) = text.parse::<NaiveDate>() {
        let day = if after_day {
            day.checked_add_days(Days::new(1)).ok_or_else(wrong)?
        } else {
            day
        };
        return beginning(network, day).ok_or_else(wrong);
    }
    match chrono::DateTime::parse_from_rfc3339(&text) {
        Ok(at) => Ok(at.to_utc()),
        Err(_) => Err(wrong()),
    }
}

impl Period {
    /// Reads `from` and `to`. A day in `to` counts whole; a time in `to` is the first instant that does not count.
    ///
    /// # Errors
    /// 422 where one can't be read, or the period ends before it begins.
    pub fn read(from: Option<&str>, to: Option<&str>, network: &StoredNetwork) -> Result<Self, Problem> {
        let from = from.map(|t| edge("from", t, network, false)).transpose()?;
        let until = to.map(|t| edge("to", t, network, true)).transpose()?;
        if let (Some(from), Some(until)) = (from, until)
            && from > until
        {
            return Err(Problem::invalid(
                "to",
                "Конец периода раньше начала.",
                "The period ends before it begins.",
            ));
        }
        Ok(Period { from, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::NetworkId;
    use crate::domain::settings::NetworkSettings;

    fn network(zone: &str, day_starts_at: &str) -> StoredNetwork {
        StoredNetwork {
            id: NetworkId(1),
            name: "Сеть".to_owned(),
            time_zone: zone.to_owned(),
            settings: NetworkSettings {
                day_starts_at: day_starts_at.parse().unwrap(),
                ..NetworkSettings::default()
            },
            version: 1,
            sandbox: false,
            clock_offset: chrono::Duration::zero(),
            created_at: Timestamp::default(),
        }
    }

    fn read(from: &str, to: &str, network: &StoredNetwork) -> Option<(String, String)> {
        let period = Period::read(Some(from), Some(to), network).ok()?;
        let text = |at: Option<Timestamp>| at.map(|t| t.to_rfc3339()).unwrap_or_default();
        Some((text(period.from), text(period.until)))
    }

    #[test]
    fn a_day_is_the_business_day_of_the_network() {
        let moscow = network("Europe/Moscow", "05:00:00");
        let day = read("2026-11-22", "2026-11-22", &moscow).unwrap();
        assert_eq!(day.0, "2026-11-22T02:00:00+00:00");
        assert_eq!(day.1, "2026-11-23T02:00:00+00:00");
        let instants = read("2026-11-22T05:00:00 03:00", "2026-11-22T06:00:00Z", &moscow).unwrap();
        assert_eq!(instants.0, "2026-11-22T02:00:00+00:00");
        assert_eq!(instants.1, "2026-11-22T06:00:00+00:00");
        for wrong in [("22.11.2026", "2026-11-22"), ("2026-11-22", "2026-11-20")] {
            assert!(read(wrong.0, wrong.1, &moscow).is_none());
        }
    }

    #[test]
    fn a_day_whose_beginning_the_clock_jumps_over_begins_after_it() {
        // In Beirut summer time begins at midnight.
        let beirut = network("Asia/Beirut", "00:00:00");
        let day = read("2026-03-29", "2026-03-29", &beirut).unwrap();
        assert_eq!(day.0, "2026-03-28T22:00:00+00:00");
        assert_eq!(day.1, "2026-03-29T21:00:00+00:00");
    }
}
