//! What the server is asked next: a session, the reports of some days, the end of the session. A session that is open is
//! closed whatever happens, before anything else is asked.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use kopilka_contract::{Delivery, Errand, HttpAnswer, HttpCall, Next, Situation, Step, Words};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::request;
use super::settings::ServerSettings;
use crate::settings::IikoSettings;

/// Most days that are asked for after a silence.
const MOST_DAYS: u64 = 7;
/// A report that is longer is not kept.
const LONGEST_REPORT: usize = 16 << 20;
/// A password that is not taken is not tried again at once: servers lock users out.
const AFTER_REFUSAL: Duration = Duration::hours(1);
/// A day that a person has asked for is tried so often.
const MOST_TRIES: u32 = 5;

/// What is remembered from step to step, and from night to night.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// Whose memory it is: another server begins anew.
    account: String,
    /// The last day that was asked for in its turn.
    asked_upto: Option<NaiveDate>,
    /// Where the nightly look has come to.
    next: Option<NaiveDate>,
    /// Key of the session that is open.
    session: Option<String>,
    /// What was asked last.
    asking: Option<Asking>,
    /// Why the session is closed, where that is a failure.
    failure: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asking {
    Login,
    Report(NaiveDate),
    Logout,
}

/// What comes next. The state is the one of this part alone, and the errands are those whose keys begin with
/// [`crate::poll::SERVER_ERRAND`].
pub(crate) fn step(situation: &Situation<'_>) -> Step {
    let own = match situation.settings.typed::<IikoSettings>() {
        Ok(iiko) if iiko.server.is_set_up() => iiko.server,
        _ => {
            let off = Step::new(Next::Off, Value::Null);
            return situation
                .errands
                .iter()
                .fold(off, |step, errand| step.done(errand.key.clone()));
        }
    };
    let account = format!("{} {}", own.address, own.login);
    let memory: Memory = serde_json::from_value(situation.state.clone()).unwrap_or_default();
    let memory = match memory.account == account {
        true => memory,
        false => Memory {
            account,
            ..Memory::default()
        },
    };
    Round {
        own: &own,
        situation,
        memory,
        dealt_with: None,
    }
    .step()
}

struct Round<'a> {
    own: &'a ServerSettings,
    situation: &'a Situation<'a>,
    memory: Memory,
    /// The errand that is carried out or put off by this step.
    dealt_with: Option<Dealt>,
}

enum Dealt {
    Done(String),
    PutOff(String, DateTime<Utc>),
}

impl Round<'_> {
    fn step(mut self) -> Step {
        match (self.memory.asking.take(), self.situation.answer) {
            (Some(Asking::Login), Some(answer)) => match request::key(answer) {
                Ok(key) => {
                    self.memory.session = Some(key);
                    self.go_on()
                }
                Err(why) => self.refused(&why),
            },
            (Some(Asking::Report(day)), Some(answer)) => self.reported(day, answer),
            // Whatever it says: a session that it does not know is closed.
            (Some(Asking::Logout), Some(_)) => {
                self.memory.session = None;
                self.go_on()
            }
            // It did not answer: what the session is worth nobody knows.
            (Some(_), None) if self.memory.session.is_some() => self.log_out(),
            _ => self.go_on(),
        }
    }

    fn reported(mut self, day: NaiveDate, answer: &HttpAnswer) -> Step {
        let why = match answer.status {
            200 if answer.body.len() <= LONGEST_REPORT => return self.deliver(day, answer),
            200 => Words::new(
                "отчёт длиннее 16 МиБ: укажите ресторан в server.departments",
                "the report is longer than 16 MiB: name the restaurant in server.departments",
            ),
            status => request::answered(status),
        };
        let errand = self
            .errand_of(day)
            .map(|errand| (errand.key.clone(), errand.tries));
        self.dealt_with = errand.map(|(key, tries)| match tries + 1 < MOST_TRIES {
            true => Dealt::PutOff(key, self.situation.now + AFTER_REFUSAL),
            false => Dealt::Done(key),
        });
        self.memory.failure = Some(why.in_language(self.situation.settings.language).to_owned());
        self.go_on()
    }

    fn deliver(mut self, day: NaiveDate, answer: &HttpAnswer) -> Step {
        let delivery = Delivery {
            path: format!("server/{}", super::OLAP),
            query: format!("day={day}"),
            content_type: answer.header("content-type").map(str::to_owned),
            body: answer.body.clone(),
        };
        self.dealt_with = self.errand_of(day).map(|errand| Dealt::Done(errand.key.clone()));
        if self.memory.next == Some(day) {
            self.memory.next = day.succ_opt();
        }
        self.end(Next::Deliver(vec![delivery]))
    }

    /// What is asked next; where there is nothing, or something has failed, the session is closed first.
    fn go_on(mut self) -> Step {
        let (own, day) = (self.own, self.next_day());
        match (self.memory.session.clone(), day) {
            (Some(_), _) if self.memory.failure.is_some() => self.log_out(),
            (Some(_), None) => self.log_out(),
            (Some(key), Some(day)) => self.call(own.report_call(&key, day), Asking::Report(day)),
            (None, _) if self.memory.failure.is_some() => {
                let reason = self.memory.failure.take().unwrap_or_default();
                self.end(Next::Failed {
                    reason,
                    retry_at: None,
                })
            }
            (None, None) => {
                let until = self.next_night();
                self.end(Next::Rest { until })
            }
            (None, Some(_)) => self.call(own.login_call(), Asking::Login),
        }
    }

    fn log_out(self) -> Step {
        let key = self.memory.session.clone().unwrap_or_default();
        let call = self.own.logout_call(&key);
        self.call(call, Asking::Logout)
    }

    fn call(mut self, call: HttpCall, asking: Asking) -> Step {
        self.memory.asking = Some(asking);
        self.end(Next::Call(call))
    }

    fn refused(self, why: &Words) -> Step {
        let reason = why.in_language(self.situation.settings.language).to_owned();
        let retry_at = Some(self.situation.now + AFTER_REFUSAL);
        self.end(Next::Failed { reason, retry_at })
    }

    fn end(self, next: Next) -> Step {
        let step = Step::new(next, serde_json::to_value(&self.memory).unwrap_or_default());
        match self.dealt_with {
            Some(Dealt::Done(key)) => step.done(key),
            Some(Dealt::PutOff(key, until)) => step.put_off(key, until),
            None => step,
        }
    }

    fn errand_of(&self, day: NaiveDate) -> Option<&Errand> {
        let mut errands = self.situation.errands.iter();
        errands.find(|errand| day_of(errand) == Some(day))
    }

    /// The day to ask for: those that people have asked for first, then those of the night.
    fn next_day(&mut self) -> Option<NaiveDate> {
        let dealt_with = match &self.dealt_with {
            Some(Dealt::Done(key) | Dealt::PutOff(key, _)) => Some(key),
            None => None,
        };
        let mut errands = self
            .situation
            .errands
            .iter()
            .filter(|errand| Some(&errand.key) != dealt_with);
        if let Some(day) = errands.find_map(day_of) {
            return Some(day);
        }
        let over = self.last_day_over();
        let earliest = before(over, MOST_DAYS);
        let next = match (self.memory.next, self.memory.asked_upto) {
            (Some(next), _) => next,
            (None, Some(upto)) if upto >= over => return None,
            (None, Some(upto)) => before(upto, self.again()).succ_opt()?,
            (None, None) => before(over, self.again()),
        };
        let next = next.max(earliest);
        if next > over {
            (self.memory.next, self.memory.asked_upto) = (None, Some(over));
            return None;
        }
        self.memory.next = Some(next);
        Some(next)
    }

    fn again(&self) -> u64 {
        u64::from(self.own.ask_again_days).min(MOST_DAYS)
    }

    /// The last business day that is over, and that the server may be asked for.
    fn last_day_over(&self) -> NaiveDate {
        let local = self
            .situation
            .now
            .with_timezone(&self.situation.settings.time_zone)
            .naive_local();
        let days = if local.time() >= self.own.ask_at { 1 } else { 2 };
        before(local.date(), days)
    }

    /// When there will be another day to ask for.
    fn next_night(&self) -> DateTime<Utc> {
        let day = self.last_day_over();
        let ask_on = day.checked_add_days(Days::new(2)).unwrap_or(day);
        let at = self.situation.settings.local(ask_on.and_time(self.own.ask_at));
        // In the night when the clocks are moved it may seem to be over already.
        at.to_utc().max(self.situation.now + Duration::minutes(1))
    }
}

fn before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

fn day_of(errand: &Errand) -> Option<NaiveDate> {
    errand.what["day"].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Moscow;
    use kopilka_contract::{Language, Settings};
    use serde_json::json;

    use super::*;

    struct Driven {
        settings: Settings,
        state: Value,
        errands: Vec<Errand>,
        now: DateTime<Utc>,
    }

    impl Driven {
        fn at(now: &str) -> Self {
            Driven {
                settings: Settings {
                    time_zone: Moscow,
                    language: Language::En,
                    values: json!({"server": {"address": "https://resto.example/", "login": "kopilka", "password": "secret"}}),
                },
                state: Value::Null,
                errands: Vec::new(),
                now: now.parse().unwrap(),
            }
        }

        fn step(&mut self, answer: Option<(u16, &str)>) -> String {
            let answer = answer.map(|(status, body)| HttpAnswer {
                status,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            });
            let step = step(&Situation {
                settings: &self.settings,
                state: &self.state,
                errands: &self.errands,
                now: self.now,
                answer: answer.as_ref(),
            });
            self.state = step.state;
            let gone =
                |key: &String| step.done.contains(key) || step.put_off.iter().any(|put| put.key == *key);
            self.errands.retain(|errand| !gone(&errand.key));
            match step.next {
                Next::Call(call) if call.body.is_empty() => call.url,
                Next::Call(call) => {
                    let body = String::from_utf8(call.body).unwrap();
                    let day = body
                        .find("\"from\":\"")
                        .map(|at| body[at + 8..at + 18].to_owned());
                    format!("{} {}", call.url, day.unwrap_or(body))
                }
                Next::Deliver(messages) => format!("{}?{}", messages[0].path, messages[0].query),
                Next::Rest { until } => format!("rest until {until}"),
                Next::Off => "off".to_owned(),
                Next::Failed { reason, retry_at } => {
                    let pause = retry_at.map(|at| (at - self.now).num_minutes());
                    format!("failed {pause:?} {reason}")
                }
            }
        }
    }

    const LOGIN: &str =
        "https://resto.example/resto/api/auth login=kopilka&pass=e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4";
    const LOGOUT: &str = "https://resto.example/resto/api/logout?key=k-1";

    fn report(day: &str) -> String {
        format!("https://resto.example/resto/api/v2/reports/olap?key=k-1 {day}")
    }

    #[test]
    fn at_night_the_days_before_are_asked_for_in_one_session_that_is_closed() {
        // 04:59 in Moscow: the day before is not over yet, the one before it is.
        let mut driven = Driven::at("2026-11-22T01:59:00Z");
        assert_eq!(driven.step(None), LOGIN);
        assert_eq!(driven.step(Some((200, "k-1\n"))), report("2026-11-19"));
        assert_eq!(driven.step(Some((200, "{}"))), "server/olap?day=2026-11-19");
        assert_eq!(driven.step(None), report("2026-11-20"));
        assert_eq!(driven.step(Some((200, "{}"))), "server/olap?day=2026-11-20");
        assert_eq!(driven.step(None), LOGOUT);
        assert_eq!(driven.step(Some((200, ""))), "rest until 2026-11-22 02:00:00 UTC");
        driven.now = "2026-11-22T02:00:00Z".parse().unwrap();
        assert_eq!(driven.step(None), LOGIN);
        assert_eq!(driven.step(Some((200, "k-1"))), report("2026-11-20"));
        driven.step(Some((200, "{}")));
        assert_eq!(driven.step(None), report("2026-11-21"));
        driven.step(Some((200, "{}")));
        assert_eq!(driven.step(None), LOGOUT);
        assert_eq!(
            driven.step(Some((500, "?"))),
            "rest until 2026-11-23 02:00:00 UTC"
        );
        // After a silence of a month a week is looked through.
        driven.now = "2026-12-24T12:00:00Z".parse().unwrap();
        driven.step(None);
        assert_eq!(driven.step(Some((200, "k-1"))), report("2026-12-16"));
    }

    #[test]
    fn the_session_is_closed_after_a_failure_and_after_a_call_without_an_answer() {
        let mut driven = Driven::at("2026-11-22T12:00:00Z");
        driven.step(None);
        driven.step(Some((200, "k-1")));
        assert_eq!(driven.step(Some((500, "no"))), LOGOUT);
        assert_eq!(
            driven.step(Some((200, ""))),
            "failed None the server answered 500"
        );
        assert_eq!(driven.step(None), LOGIN);
        driven.step(Some((200, "k-1")));
        // The report did not come: the round ended there, and the next one begins.
        assert_eq!(driven.step(None), LOGOUT);
        assert_eq!(driven.step(None), LOGOUT, "until it answers");
        assert_eq!(driven.step(Some((200, ""))), LOGIN);
        assert_eq!(driven.step(Some((200, "k-1"))), report("2026-11-20"));
    }

    #[test]
    fn a_password_that_is_not_taken_is_not_tried_again_at_once() {
        let mut driven = Driven::at("2026-11-22T12:00:00Z");
        driven.step(None);
        let failed = driven.step(Some((401, "")));
        assert!(
            failed.starts_with("failed Some(60)") && failed.contains("server.password"),
            "{failed}"
        );
        driven.step(None);
        let failed = driven.step(Some((200, "<html>a page</html>")));
        assert!(failed.contains("no iikoServer"), "{failed}");
    }

    #[test]
    fn a_day_that_a_person_asks_for_goes_first_and_is_given_up_at_last() {
        let mut driven = Driven::at("2026-11-22T12:00:00Z");
        let errand = |tries| {
            let mut errand = super::super::errand(
                &Driven::at("2026-11-22T12:00:00Z").settings,
                "2026-10-01".parse().unwrap(),
            )
            .unwrap();
            errand.tries = tries;
            errand
        };
        driven.errands = vec![errand(0)];
        driven.step(None);
        assert_eq!(driven.step(Some((200, "k-1"))), report("2026-10-01"));
        assert_eq!(driven.step(Some((404, ""))), LOGOUT);
        assert!(driven.errands.is_empty(), "put off");
        driven.step(Some((200, "")));
        driven.errands = vec![errand(1)];
        driven.step(None);
        driven.step(Some((200, "k-1")));
        assert_eq!(driven.step(Some((200, "{}"))), "server/olap?day=2026-10-01");
        assert!(driven.errands.is_empty(), "done");
        assert_eq!(driven.step(None), report("2026-11-20"), "then those of the night");
    }

    #[test]
    fn without_an_address_nothing_is_asked_and_errands_are_dropped() {
        let mut driven = Driven::at("2026-11-22T12:00:00Z");
        driven.errands = vec![Errand::new("server/day/2026-11-01", json!({"day": "2026-11-01"}))];
        driven.settings.values = json!({});
        assert_eq!(driven.step(None), "off");
        assert!(driven.errands.is_empty());
    }
}
