//! When a connection to a till system needs a person: it fails again and again, or says nothing while the venue is open.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use kopilka_contract::{Words, words};
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::terms::Weekdays;

/// How a connection is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// So many messages in a row that were refused or not understood are a failure, and so many rounds in a row in which the
    /// vendor's system could not be asked; at most [`MOST_FAILING`]; 0: never.
    pub failing_after: u32,
    /// Silence of so many minutes within opening hours is told; `None`: never.
    pub quiet_minutes: Option<u32>,
    /// When the venue is open, by its own clock; empty: always.
    pub opening_hours: Vec<OpeningHours>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            failing_after: 5,
            quiet_minutes: None,
            opening_hours: Vec::new(),
        }
    }
}

/// Most that [`Watch::failing_after`] may be.
pub const MOST_FAILING: u32 = 50;
/// Most that [`Watch::quiet_minutes`] may be: a week.
pub const MOST_QUIET_MINUTES: u32 = 7 * 24 * 60;
/// Most of [`Watch::opening_hours`].
pub const MOST_OPENING_HOURS: usize = 14;

/// From when until when the venue is open on some weekdays, by its own clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningHours {
    /// The days on which it opens.
    pub weekdays: Weekdays,
    /// When it opens.
    #[serde(with = "hours_and_minutes")]
    pub from: NaiveTime,
    /// When it closes; not after `from`: on the next day.
    #[serde(with = "hours_and_minutes")]
    pub until: NaiveTime,
}

impl OpeningHours {
    /// When the opening began that `moment` lies in, or just follows; `None`: there is none. One that begins with `moment` is left out.
    fn open_before(&self, zone: Tz, moment: Timestamp) -> Option<Timestamp> {
        let today = zone.from_utc_datetime(&moment.naive_utc()).date_naive();
        let overnight = self.until <= self.from;
        [
            Some(today),
            today.checked_sub_days(Days::new(1)).filter(|_| overnight),
        ]
        .into_iter()
        .flatten()
        .filter(|day| self.weekdays.has(day.weekday()))
        .find_map(|day| {
            let last = if overnight { day.succ_opt()? } else { day };
            let at = |local: chrono::NaiveDateTime| {
                zone.from_local_datetime(&local).earliest().map(|at| at.to_utc())
            };
            let (from, until) = (at(day.and_time(self.from))?, at(last.and_time(self.until))?);
            (from < moment && moment <= until).then_some(from)
        })
    }
}

/// What is known of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// When something last came over it, or when it was made or switched on.
    pub heard_at: Timestamp,
    /// Its newest messages, the newest first: when each came, and the code of the refusal or `unreadable` of those
    /// that say something is wrong with it.
    pub newest: Vec<(Timestamp, Option<String>)>,
    /// Since when its till's reports and the books say something differently that nobody has settled.
    pub differs_since: Option<Timestamp>,
    /// How many times in a row its vendor's system could not be asked, and when that last went well, or could have.
    pub unanswered: (u32, Timestamp),
    /// Since when it has been silent, where that is told and goes on.
    pub quiet_since: Option<Timestamp>,
}

/// What is wrong with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// Its messages are refused, or can't be read.
    Failing {
        /// When the first of them came.
        since: Timestamp,
        /// Code of the newest refusal.
        code: String,
    },
    /// Its vendor's system is not reached, or refuses to be asked.
    Unreachable {
        /// When it was last reached.
        since: Timestamp,
    },
    /// Nothing comes while the venue is open.
    Quiet {
        /// Since when.
        since: Timestamp,
    },
    /// Its till's own report says something else than the books.
    Differs {
        /// Since when.
        since: Timestamp,
    },
}

/// [`Alert::kind`] of a connection whose messages are refused or not understood.
pub const FAILING: &str = "failing";
/// [`Alert::kind`] of a connection whose vendor's system can't be asked.
pub const UNREACHABLE: &str = "unreachable";
/// [`Alert::kind`] of a connection that says nothing.
pub const QUIET: &str = "quiet";
/// [`Alert::kind`] of a connection whose till's own report says something else than the books.
pub const DIFFERS: &str = "differs";
/// So many kinds there are: most alerts of a connection that go on at once.
pub const ALERT_KINDS: i64 = 4;

impl Alert {
    /// Stable name of what is wrong.
    pub const fn kind(&self) -> &'static str {
        match self {
            Alert::Failing { .. } => FAILING,
            Alert::Unreachable { .. } => UNREACHABLE,
            Alert::Quiet { .. } => QUIET,
            Alert::Differs { .. } => DIFFERS,
        }
    }

    /// Code of the newest refusal, for one that fails.
    pub fn code(&self) -> Option<&str> {
        match self {
            Alert::Failing { code, .. } => Some(code),
            Alert::Unreachable { .. } | Alert::Quiet { .. } | Alert::Differs { .. } => None,
        }
    }

    /// Since when it is so.
    pub const fn since(&self) -> Timestamp {
        match self {
            Alert::Failing { since, .. }
            | Alert::Unreachable { since }
            | Alert::Quiet { since }
            | Alert::Differs { since } => *since,
        }
    }
}

/// What a person is told of an alert of this [`Alert::kind`] and [`Alert::code`].
pub fn alert_words(kind: &str, code: Option<&str>) -> Words {
    match (kind, code) {
        (FAILING, Some("unreadable")) => Words::new(
            "Касса присылает то, что не удаётся прочитать: посмотрите последние сообщения подключения во входящих.",
            "The till sends what can't be read: look at the newest messages of the connection in the inbox.",
        ),
        (FAILING, code) => {
            let code = code.unwrap_or_default();
            words!(
                "Сообщения кассы подряд отклоняются ({code}): причины — во входящих подключения.",
                "One message of the till after another is refused ({code}): the connection's inbox says why."
            )
        }
        (UNREACHABLE, _) => Words::new(
            "Система кассы не отвечает на опрос или не пускает: причина — в polling.failure подключения. Проверьте адрес, учётную запись и связь.",
            "The till's system does not answer when it is asked, or lets nobody in: polling.failure of the connection says why. Check the address, the account and the network.",
        ),
        (QUIET, _) => Words::new(
            "Касса молчит, хотя заведение открыто: проверьте, включена ли она, есть ли связь и тот ли адрес в её настройках.",
            "The till is silent though the venue is open: check that it is on, that it has a network, and the address in its settings.",
        ),
        (DIFFERS, _) => Words::new(
            "Отчёт самой кассы расходится с книгами: разберите расхождения (kopilka reconcile, GET /till-differences).",
            "The till's own report differs from the books: settle the differences (kopilka reconcile, GET /till-differences).",
        ),
        (kind, _) => Words::same(kind),
    }
}

impl Watch {
    /// What is wrong with a connection now, the worst first.
    pub fn alerts(&self, zone: Tz, seen: &Seen, now: Timestamp) -> Vec<Alert> {
        let differs = seen.differs_since.map(|since| Alert::Differs { since });
        [
            self.failing(seen),
            self.unreachable(seen),
            self.quiet(zone, seen, now),
            differs,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn unreachable(&self, seen: &Seen) -> Option<Alert> {
        let (failures, since) = seen.unanswered;
        let too_many = self.failing_after > 0 && failures >= self.failing_after;
        too_many.then_some(Alert::Unreachable { since })
    }

    fn failing(&self, seen: &Seen) -> Option<Alert> {
        let wanted = usize::try_from(self.failing_after).ok().filter(|n| *n > 0)?;
        let code = seen.newest.first()?.1.clone()?;
        let failed: Vec<_> = seen
            .newest
            .iter()
            .take_while(|(_, code)| code.is_some())
            .collect();
        let (since, _) = **failed.last().filter(|_| failed.len() >= wanted).as_ref()?;
        Some(Alert::Failing { since: *since, code })
    }

    fn quiet(&self, zone: Tz, seen: &Seen, now: Timestamp) -> Option<Alert> {
        let longest = chrono::Duration::minutes(i64::from(self.quiet_minutes?));
        // Closing time ends no silence that was told: only a word does.
        if let Some(since) = seen.quiet_since.filter(|since| seen.heard_at <= *since) {
            return Some(Alert::Quiet { since });
        }
        let since = if self.opening_hours.is_empty() {
            seen.heard_at
        } else {
            // What was not said while it was closed is no silence.
            self.open_since(zone, now, seen.heard_at)?.max(seen.heard_at)
        };
        (now - since >= longest).then_some(Alert::Quiet { since })
    }

    /// Whether silence can never be told: the venue closes before it has lasted so long.
    pub fn is_never_quiet(&self) -> bool {
        let longest = self.quiet_minutes.zip(self.longest_opening());
        longest.is_some_and(|(quiet, open)| chrono::Duration::minutes(i64::from(quiet)) >= open)
    }

    /// For how long the venue is open at most without a break, where the clocks go evenly; `None`: always.
    pub fn longest_opening(&self) -> Option<chrono::Duration> {
        // Any week does; an opening that lasts a week before it as well never ends.
        let monday = NaiveDate::from_isoywd_opt(2024, 10, chrono::Weekday::Mon)?;
        let far_enough = monday
            .checked_sub_days(Days::new(7))?
            .and_time(NaiveTime::MIN)
            .and_utc();
        let mut longest = None;
        for day in monday.iter_days().take(7) {
            for hours in self
                .opening_hours
                .iter()
                .filter(|hours| hours.weekdays.has(day.weekday()))
            {
                let overnight = hours.until <= hours.from;
                let last = if overnight { day.succ_opt()? } else { day };
                let closes = last.and_time(hours.until).and_utc();
                let opens =
                    self.open_since(Tz::UTC, closes - chrono::Duration::nanoseconds(1), far_enough)?;
                if opens <= far_enough {
                    return None;
                }
                longest = longest.max(Some(closes - opens));
            }
        }
        longest
    }

    /// Since when the venue has been open without a break, looking back no further than to the opening at `far_enough`; `None`: it is
    /// closed.
    fn open_since(&self, zone: Tz, now: Timestamp, far_enough: Timestamp) -> Option<Timestamp> {
        let earlier = |moment: &Timestamp| {
            let openings = self.opening_hours.iter();
            let began = openings.filter_map(|hours| hours.open_before(zone, *moment));
            began.min().filter(|_| *moment > far_enough)
        };
        // An opening that begins or ends with `now` is one that has begun, or is over.
        let after_now = now + chrono::Duration::nanoseconds(1);
        std::iter::successors(Some(after_now), earlier).skip(1).last()
    }
}

/// `"09:30"`.
mod hours_and_minutes {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer};

    const FORM: &str = "%H:%M";

    pub(super) fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format(FORM))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, FORM)
            .map_err(|_| serde::de::Error::custom("a time of the day is written 09:30"))
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Moscow;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn watch(value: serde_json::Value) -> Watch {
        serde_json::from_value(value).unwrap()
    }

    fn heard(text: &str) -> Seen {
        Seen {
            heard_at: at(text),
            ..Seen::default()
        }
    }

    #[test]
    fn silence_counts_from_the_opening_and_over_midnight() {
        let bar = watch(serde_json::json!({"quiet_minutes": 60, "opening_hours": [
            {"weekdays": ["fri", "sat"], "from": "18:00", "until": "04:00"}]}));
        let quiet = |seen: &Seen, now: &str| bar.alerts(Moscow, seen, at(now));
        let friday = heard("2026-11-20T12:00:00Z");
        assert_eq!(
            quiet(&friday, "2026-11-20T14:59:00Z"),
            [],
            "it opens at 18:00 in Moscow"
        );
        assert_eq!(quiet(&friday, "2026-11-20T15:59:59Z"), []);
        let since = at("2026-11-20T15:00:00Z");
        assert_eq!(quiet(&friday, "2026-11-20T16:00:00Z"), [Alert::Quiet { since }]);
        assert_eq!(
            quiet(&friday, "2026-11-21T00:59:59Z"),
            [Alert::Quiet { since }],
            "until 04:00"
        );
        assert_eq!(quiet(&friday, "2026-11-21T01:00:00Z"), []);
        assert_eq!(quiet(&friday, "2026-11-22T18:00:00Z"), [], "closed on a Sunday");
        let late = heard("2026-11-20T20:30:00Z");
        assert_eq!(quiet(&late, "2026-11-20T21:29:59Z"), []);
        let since = late.heard_at;
        assert_eq!(quiet(&late, "2026-11-20T21:30:00Z"), [Alert::Quiet { since }]);
    }

    #[test]
    fn openings_that_adjoin_are_one_so_that_a_day_and_more_of_silence_is_told() {
        let since = at("2026-11-20T12:00:00Z");
        let shop = |hours: serde_json::Value| {
            watch(serde_json::json!({"quiet_minutes": 1500, "opening_hours": hours}))
        };
        let week = serde_json::json!([1, 2, 3, 4, 5, 6, 7]);
        for hours in [
            serde_json::json!([{"weekdays": week, "from": "00:00", "until": "00:00"}]),
            serde_json::json!([{"weekdays": week, "from": "09:00", "until": "21:00"},
                {"weekdays": week, "from": "21:00", "until": "09:00"}]),
        ] {
            let quiet =
                |now: &str| shop(hours.clone()).alerts(Moscow, &heard("2026-11-20T12:00:00Z"), at(now));
            assert_eq!(quiet("2026-11-21T12:59:59Z"), []);
            assert_eq!(quiet("2026-11-21T13:00:00Z"), [Alert::Quiet { since }]);
            assert_eq!(quiet("2026-11-28T21:00:00Z"), [Alert::Quiet { since }]);
        }
        let but_a_minute = shop(serde_json::json!([{"weekdays": week, "from": "00:01", "until": "00:00"}]));
        let seen = heard("2026-11-20T12:00:00Z");
        assert_eq!(but_a_minute.alerts(Moscow, &seen, at("2026-11-22T20:00:00Z")), []);
    }

    #[test]
    fn a_silence_as_long_as_the_longest_opening_can_never_be_told() {
        let shop = |quiet: u32, hours: serde_json::Value| {
            watch(serde_json::json!({"quiet_minutes": quiet, "opening_hours": hours}))
        };
        let days = serde_json::json!([{"weekdays": [1, 2, 3, 4], "from": "10:00", "until": "22:00"},
            {"weekdays": [7], "from": "22:00", "until": "02:00"}, {"weekdays": [1], "from": "02:00", "until": "10:00"}]);
        // From Sunday at 22:00 to Monday at 22:00.
        let longest = chrono::Duration::hours(24);
        assert_eq!(shop(60, days.clone()).longest_opening(), Some(longest));
        assert!(!shop(1439, days.clone()).is_never_quiet());
        assert!(shop(1440, days).is_never_quiet());
        let always =
            serde_json::json!([{"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "06:00", "until": "06:00"}]);
        for hours in [serde_json::json!([]), always] {
            assert_eq!(shop(60, hours.clone()).longest_opening(), None);
            assert!(!shop(MOST_QUIET_MINUTES, hours).is_never_quiet());
        }
        assert!(!Watch::default().is_never_quiet());
        // What is warned of is what never comes.
        let day = serde_json::json!([{"weekdays": [5], "from": "10:00", "until": "22:00"}]);
        for (quiet, told) in [(719, true), (720, false)] {
            let friday = shop(quiet, day.clone());
            let last = at("2026-11-20T18:59:59Z");
            let alerts = friday.alerts(Moscow, &heard("2026-11-20T06:00:00Z"), last);
            assert_eq!((alerts.len() == 1, friday.is_never_quiet()), (told, !told));
        }
    }

    #[test]
    fn a_silence_that_was_told_goes_on_after_closing_time_until_a_word_is_heard() {
        let cafe = watch(serde_json::json!({"quiet_minutes": 60, "opening_hours": [
            {"weekdays": ["fri"], "from": "10:00", "until": "22:00"}]}));
        let since = at("2026-11-20T12:00:00Z");
        let told = |heard_at: &str| Seen {
            quiet_since: Some(since),
            ..heard(heard_at)
        };
        for now in [
            "2026-11-20T13:00:00Z",
            "2026-11-20T19:00:00Z",
            "2026-11-22T12:00:00Z",
            "2026-11-27T07:00:01Z",
        ] {
            let alerts = cafe.alerts(Moscow, &told("2026-11-20T12:00:00Z"), at(now));
            assert_eq!(alerts, [Alert::Quiet { since }], "{now}");
        }
        let word = told("2026-11-20T19:30:00Z");
        assert_eq!(cafe.alerts(Moscow, &word, at("2026-11-20T19:31:00Z")), []);
        let nobody_asks =
            Watch::default().alerts(Moscow, &told("2026-11-20T12:00:00Z"), at("2026-11-20T13:00:00Z"));
        assert_eq!(nobody_asks, []);
    }

    #[test]
    fn without_opening_hours_it_is_always_open_and_without_minutes_silence_is_no_matter() {
        let shop = watch(serde_json::json!({"quiet_minutes": 30}));
        let since = at("2026-11-20T12:00:00Z");
        let alerts = shop.alerts(Moscow, &heard("2026-11-20T12:00:00Z"), at("2026-11-20T12:30:00Z"));
        assert_eq!(alerts, [Alert::Quiet { since }]);
        let alerts =
            Watch::default().alerts(Moscow, &heard("2026-11-20T12:00:00Z"), at("2027-11-20T12:30:00Z"));
        assert_eq!(alerts, []);
    }

    #[test]
    fn a_connection_fails_when_enough_messages_in_a_row_did() {
        let watch = watch(serde_json::json!({"failing_after": 2}));
        let now = at("2026-11-20T13:00:00Z");
        let message = |minute: u32, code: Option<&str>| {
            let came = now - chrono::Duration::minutes(i64::from(minute));
            (came, code.map(str::to_owned))
        };
        let seen = |newest: Vec<_>| Seen {
            heard_at: now,
            newest,
            ..Seen::default()
        };
        let wrong = Some("unknown-customer");
        assert_eq!(
            watch.alerts(Moscow, &seen(vec![message(1, wrong), message(2, None)]), now),
            []
        );
        let mended = seen(vec![message(1, None), message(2, wrong), message(3, wrong)]);
        assert_eq!(watch.alerts(Moscow, &mended, now), []);
        let failing = seen(vec![
            message(1, Some("unreadable")),
            message(2, wrong),
            message(3, None),
        ]);
        assert_eq!(
            watch.alerts(Moscow, &failing, now),
            [Alert::Failing {
                since: now - chrono::Duration::minutes(2),
                code: "unreadable".to_owned()
            }]
        );
    }

    #[test]
    fn a_vendors_system_that_is_not_reached_again_and_again_is_told() {
        let now = at("2026-11-20T13:00:00Z");
        let alerts = |failures| {
            let seen = Seen {
                heard_at: now,
                unanswered: (failures, now),
                ..Seen::default()
            };
            Watch::default().alerts(Moscow, &seen, now)
        };
        assert_eq!(alerts(4), []);
        assert_eq!(alerts(5), [Alert::Unreachable { since: now }]);
    }

    #[test]
    fn a_difference_that_nobody_has_settled_is_told() {
        let now = at("2026-11-20T13:00:00Z");
        let seen = Seen {
            heard_at: now,
            differs_since: Some(now),
            ..Seen::default()
        };
        let alerts = Watch::default().alerts(Moscow, &seen, now);
        assert_eq!(alerts, [Alert::Differs { since: now }]);
    }
}
