//! The venue's wall clock, its business day, and which rules on time match.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;

use super::Timestamp;
use super::rate::Coefficient;
use super::terms::{Rule, RuleCondition};

/// When a business day begins. `None`: the calendar of the databases does not reach so far.
pub fn day_begins(day: NaiveDate, zone: Tz, day_starts_at: NaiveTime) -> Option<Timestamp> {
    // Years that both databases can hold.
    if !(1..=9999).contains(&day.year()) {
        return None;
    }
    let local = day.and_time(day_starts_at);
    // Where clocks are put forward over it, the day begins when they have been.
    (0..24)
        .map(|quarters| local + chrono::Duration::minutes(15 * quarters))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map(|t| t.to_utc())
}

/// When a business day begins, and when the next one does.
pub fn day_bounds(day: NaiveDate, zone: Tz, day_starts_at: NaiveTime) -> Option<(Timestamp, Timestamp)> {
    let next = day.succ_opt()?;
    Some((
        day_begins(day, zone, day_starts_at)?,
        day_begins(next, zone, day_starts_at)?,
    ))
}

/// Whether a till may have meant a moment: not the zero of some calendar, nor a year that no calendar of a venue can show.
pub fn is_of_our_time(at: Timestamp) -> bool {
    (2000..=2199).contains(&at.year())
}

/// A moment as the venue's rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusinessTime {
    /// The business date: the calendar date, or the one before where the day has not started yet.
    pub date: NaiveDate,
    /// Hour of the wall clock, 0-23.
    pub hour: u32,
    /// Whether the business day began on the calendar day of the wall clock.
    same_calendar_day: bool,
}

impl BusinessTime {
    /// The moment in the venue's zone, with its border of the day.
    pub fn new(at: Timestamp, zone: Tz, day_starts_at: NaiveTime) -> Self {
        let local = zone.from_utc_datetime(&at.naive_utc());
        let same_calendar_day = local.time() >= day_starts_at;
        let calendar = local.date_naive();
        let date = if same_calendar_day {
            calendar
        } else {
            calendar.pred_opt().unwrap_or(calendar)
        };
        BusinessTime {
            date,
            hour: local.hour(),
            same_calendar_day,
        }
    }

    /// Weekday of the business day.
    pub fn weekday(self) -> Weekday {
        self.date.weekday()
    }

    /// Weekday of the day on which a window over midnight began, for a moment in its part after midnight.
    fn weekday_of_wrapped_window(self, to_hour: u32) -> Weekday {
        if self.hour <= to_hour && self.same_calendar_day {
            (self.date - Days::new(1)).weekday()
        } else {
            self.weekday()
        }
    }

    fn in_hours(self, from: u32, to: u32) -> bool {
        if from <= to {
            (from..=to).contains(&self.hour)
        } else {
            self.hour >= from || self.hour <= to
        }
    }

    /// How specific a matching rule on time is: the higher, the more; `None` where it does not match or is no rule on
    /// time.
    fn specificity(self, condition: &RuleCondition) -> Option<u8> {
        match condition {
            RuleCondition::Date { date } => (*date == self.date).then_some(4),
            RuleCondition::WeekdayHours {
                weekdays,
                from_hour,
                to_hour,
            } => {
                let day = if from_hour > to_hour {
                    self.weekday_of_wrapped_window(*to_hour)
                } else {
                    self.weekday()
                };
                (self.in_hours(*from_hour, *to_hour) && weekdays.has(day)).then_some(3)
            }
            RuleCondition::Weekday { weekdays } => weekdays.has(self.weekday()).then_some(2),
            RuleCondition::Hours { from_hour, to_hour } => self.in_hours(*from_hour, *to_hour).then_some(1),
            RuleCondition::ReceiptOver { .. } | RuleCondition::ReceiptUnder { .. } => None,
        }
    }

    /// The rule on time that decides: of the most specific kind that matches, the one with the highest coefficient.
    pub fn deciding_rule(self, rules: &[Rule]) -> Option<&Rule> {
        let mut best: Option<((u8, Coefficient), &Rule)> = None;
        for rule in rules {
            if let Some(specificity) = self.specificity(&rule.condition) {
                let rank = (specificity, rule.coefficient);
                if best.is_none_or(|(best_rank, _)| rank > best_rank) {
                    best = Some((rank, rule));
                }
            }
        }
        best.map(|(_, rule)| rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_day_has_its_bounds_on_nights_of_clock_changes_too() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let bounds = |date: &str, hour, minute| {
            let starts = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
            let (from, until) = day_bounds(day(date), chrono_tz::Europe::Berlin, starts).unwrap();
            (from.to_rfc3339(), (until - from).num_hours())
        };
        assert_eq!(
            bounds("2026-07-01", 5, 0),
            ("2026-07-01T03:00:00+00:00".to_owned(), 24)
        );
        assert_eq!(
            bounds("2026-03-29", 0, 0),
            ("2026-03-28T23:00:00+00:00".to_owned(), 23)
        );
        assert_eq!(
            bounds("2026-10-25", 0, 0),
            ("2026-10-24T22:00:00+00:00".to_owned(), 25)
        );
        // 02:30 is not there on this night: 03:00 follows 01:59, and by the wall clock the day has begun then.
        assert_eq!(bounds("2026-03-29", 2, 30).0, "2026-03-29T01:00:00+00:00");
        let half_past_two = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        for (at, date) in [
            ("2026-03-29T00:59:59Z", "2026-03-28"),
            ("2026-03-29T01:00:00Z", "2026-03-29"),
        ] {
            let at: Timestamp = at.parse().unwrap();
            let time = BusinessTime::new(at, chrono_tz::Europe::Berlin, half_past_two);
            assert_eq!(time.date, day(date));
        }
        let far = day_bounds(NaiveDate::MAX, chrono_tz::UTC, NaiveTime::MIN);
        assert_eq!(far, None);
        // What is within them is of this day, by the same clock.
        for (at, date) in [
            ("2026-03-29T03:29:00Z", "2026-03-29"),
            ("2026-03-30T02:59:59Z", "2026-03-29"),
        ] {
            let at: Timestamp = at.parse().unwrap();
            let starts = NaiveTime::from_hms_opt(5, 0, 0).unwrap();
            assert_eq!(
                BusinessTime::new(at, chrono_tz::Europe::Berlin, starts).date,
                day(date)
            );
        }
    }
}
