//! Asking iiko: its cloud ([`crate::cloud`]) and the restaurant's own server ([`crate::olap`]), one after the other in a
//! round. Each has a state of its own and knows nothing of the other; where one fails, the other is asked all the same.

use chrono::{DateTime, Duration, Utc};
use kopilka_contract::{Errand, Next, Poll, PutOff, Situation, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{cloud, olap};

/// Before the keys of errands for the restaurant's server; all others are for the cloud.
pub(crate) const SERVER_ERRAND: &str = "server/";
/// First pause after a failure, and the longest.
const FIRST_PAUSE: Duration = Duration::seconds(15);
const LONGEST_PAUSE: Duration = Duration::hours(1);

/// What a part does next, by its own state.
type StepOf = fn(&Situation<'_>) -> Step;

/// How iiko is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IikoPoll {
    cloud: StepOf,
    server: StepOf,
}

/// As it is asked.
pub(crate) static POLL: IikoPoll = IikoPoll {
    cloud: cloud::step,
    server: olap::step,
};

/// Whom a part asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Cloud,
    Server,
}

impl Part {
    const IN_TURN: [Part; 2] = [Part::Cloud, Part::Server];

    fn named(self, reason: &str) -> String {
        match self {
            Part::Cloud => format!("iikoCloud: {reason}"),
            Part::Server => format!("iikoServer: {reason}"),
        }
    }

    fn takes(self, errand: &Errand) -> bool {
        errand.key.starts_with(SERVER_ERRAND) == (self == Part::Server)
    }
}

/// What is remembered of one part.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// What it remembers itself.
    state: Value,
    /// How it ended in the round under way.
    end: Option<End>,
    /// Its failure, until it ends well.
    failure: Option<Failure>,
    /// It was not set up when it was asked last.
    off: bool,
}

/// How a part's round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    Rests(DateTime<Utc>),
    Off,
    Failed,
}

/// A part that fails is left alone for a while that grows, or until it is set otherwise.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Failure {
    reason: String,
    until: DateTime<Utc>,
    in_a_row: u32,
    /// Fingerprint of the settings with which it failed.
    settings: String,
}

/// The state of a connection: each part's under its name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    cloud: Memory,
    server: Memory,
    /// Who is asking.
    turn: Option<Part>,
    /// A call was made and has no answer yet.
    calling: bool,
}

impl State {
    fn of(&mut self, part: Part) -> &mut Memory {
        match part {
            Part::Cloud => &mut self.cloud,
            Part::Server => &mut self.server,
        }
    }

    fn value(&self) -> Value {
        // Fixed names, texts and times: nothing that could fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Poll for IikoPoll {
    fn step(&self, situation: &Situation<'_>) -> Step {
        let mut round = Round {
            poll: *self,
            state: serde_json::from_value(situation.state.clone()).unwrap_or_default(),
            situation,
            done: Vec::new(),
            put_off: Vec::new(),
        };
        let next = round.next();
        Step {
            next,
            state: round.state.value(),
            done: round.done,
            put_off: round.put_off,
        }
    }
}

struct Round<'a> {
    poll: IikoPoll,
    situation: &'a Situation<'a>,
    state: State,
    done: Vec<String>,
    put_off: Vec<PutOff>,
}

impl Round<'_> {
    fn next(&mut self) -> Next {
        let unanswered = std::mem::take(&mut self.state.calling) && self.situation.answer.is_none();
        match self.state.turn {
            None => {
                for part in Part::IN_TURN {
                    self.state.of(part).end = None;
                }
            }
            // The round ended there, and why was said then. The other part goes on meanwhile, where there is one.
            Some(part) if unanswered && !self.is_alone(part) => self.fail(part, "no answer", None),
            Some(_) => {}
        }
        let mut answered = self.situation.answer.is_some();
        for part in Part::IN_TURN {
            if self.state.of(part).end.is_some() || self.still_fails(part) {
                continue;
            }
            let with_answer = std::mem::take(&mut answered) && self.state.turn == Some(part);
            if let Some(next) = self.step_of(part, with_answer) {
                return next;
            }
        }
        self.finish()
    }

    /// One step of a part; `None`: it has ended.
    fn step_of(&mut self, part: Part, with_answer: bool) -> Option<Next> {
        self.state.turn = Some(part);
        let errands = self.situation.errands.iter();
        let errands: Vec<Errand> = errands.filter(|errand| part.takes(errand)).cloned().collect();
        let state = std::mem::take(&mut self.state.of(part).state);
        let ask = match part {
            Part::Cloud => self.poll.cloud,
            Part::Server => self.poll.server,
        };
        let step = ask(&Situation {
            state: &state,
            errands: &errands,
            answer: self.situation.answer.filter(|_| with_answer),
            ..*self.situation
        });
        self.state.of(part).state = step.state;
        self.done.extend(step.done);
        self.put_off.extend(step.put_off);
        match step.next {
            Next::Call(_) => {
                self.state.calling = true;
                return Some(step.next);
            }
            Next::Deliver(_) => return Some(step.next),
            Next::Rest { until } => self.end_well(part, End::Rests(until)),
            Next::Off => self.end_well(part, End::Off),
            Next::Failed { reason, retry_at } => self.fail(part, &reason, retry_at),
        }
        None
    }

    fn end_well(&mut self, part: Part, end: End) {
        let memory = self.state.of(part);
        memory.end = Some(end);
        memory.failure = None;
        memory.off = end == End::Off;
    }

    /// Whether nobody else is asked by this connection.
    fn is_alone(&self, part: Part) -> bool {
        match part {
            Part::Cloud => self.state.server.off,
            Part::Server => self.state.cloud.off,
        }
    }

    fn fail(&mut self, part: Part, reason: &str, retry_at: Option<DateTime<Utc>>) {
        let (now, settings) = (self.situation.now, self.settings());
        let memory = self.state.of(part);
        let in_a_row = memory.failure.as_ref().map_or(0, |failure| failure.in_a_row);
        let pause = (FIRST_PAUSE * (1 << in_a_row.min(8))).min(LONGEST_PAUSE);
        memory.end = Some(End::Failed);
        memory.failure = Some(Failure {
            reason: reason.to_owned(),
            until: retry_at.unwrap_or(now + pause),
            in_a_row: in_a_row.saturating_add(1),
            settings,
        });
    }

    /// Whether a part has failed a short while ago.
    fn still_fails(&mut self, part: Part) -> bool {
        let (now, settings) = (self.situation.now, self.settings());
        let memory = self.state.of(part);
        let fails = memory.failure.as_ref();
        let fails = fails.is_some_and(|failure| failure.until > now && failure.settings == settings);
        if fails {
            memory.end = Some(End::Failed);
        }
        fails
    }

    /// The round is over: a failure of either is told, and the next begins when the first of them wants to.
    fn finish(&mut self) -> Next {
        self.state.turn = None;
        let mut times = Vec::new();
        let mut reasons = Vec::new();
        for part in Part::IN_TURN {
            let memory = self.state.of(part);
            match (memory.end.take(), &memory.failure) {
                (Some(End::Rests(until)), _) => times.push(until),
                (Some(End::Failed), Some(failure)) => {
                    times.push(failure.until);
                    reasons.push(part.named(&failure.reason));
                }
                _ => {}
            }
        }
        let first = times.into_iter().min();
        match first {
            _ if !reasons.is_empty() => Next::Failed {
                reason: reasons.join("; "),
                retry_at: first,
            },
            Some(until) => Next::Rest { until },
            None => Next::Off,
        }
    }

    /// Tells settings apart without keeping their secrets.
    fn settings(&self) -> String {
        let digest = Sha256::digest(self.situation.settings.values.to_string());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;
    use kopilka_contract::{HttpAnswer, HttpCall, Language, Settings};
    use serde_json::json;

    use super::*;

    /// Asks once a round; its state counts the answers. Where the settings say so, it fails or is off.
    fn asks(name: &str, situation: &Situation<'_>) -> Step {
        let state = situation.state.as_i64().unwrap_or_default();
        if situation.settings.values[name] == "off" {
            return Step::new(Next::Off, json!(state));
        }
        let Some(answer) = situation.answer else {
            let call = HttpCall::get(format!("https://{name}/{state}/{}", situation.errands.len()));
            return Step::new(Next::Call(call), json!(state));
        };
        let next = match answer.status {
            200 => Next::Rest {
                until: situation.now + Duration::seconds(if name == "cloud" { 60 } else { 3600 }),
            },
            _ => Next::Failed {
                reason: "no".to_owned(),
                retry_at: None,
            },
        };
        let step = Step::new(next, json!(state + 1));
        match situation.errands.first() {
            Some(errand) => step.done(errand.key.clone()),
            None => step,
        }
    }

    const ASKING: IikoPoll = IikoPoll {
        cloud: |situation| asks("cloud", situation),
        server: |situation| asks("server", situation),
    };

    struct Driven {
        settings: Settings,
        state: Value,
        errands: Vec<Errand>,
        now: DateTime<Utc>,
    }

    impl Driven {
        fn new() -> Self {
            Driven {
                settings: Settings {
                    time_zone: UTC,
                    language: Language::Ru,
                    values: json!({}),
                },
                state: Value::Null,
                errands: Vec::new(),
                now: DateTime::from_timestamp(1_773_507_600, 0).unwrap(),
            }
        }

        /// One step; says what is next, and what is done.
        fn step(&mut self, status: Option<u16>) -> String {
            let answer = status.map(|status| HttpAnswer {
                status,
                headers: Vec::new(),
                body: Vec::new(),
            });
            let step = ASKING.step(&Situation {
                settings: &self.settings,
                state: &self.state,
                errands: &self.errands,
                now: self.now,
                answer: answer.as_ref(),
            });
            self.state = step.state;
            let done = step.done.join(" ");
            let next = match step.next {
                Next::Call(call) => call.url,
                Next::Rest { until } => format!("rest {}", (until - self.now).num_seconds()),
                Next::Failed { reason, retry_at } => {
                    let wait = retry_at.map_or(-1, |at| (at - self.now).num_seconds());
                    format!("failed {wait} {reason}")
                }
                other => format!("{other:?}"),
            };
            format!("{next} {done}").trim().to_owned()
        }
    }

    #[test]
    fn both_are_asked_in_a_round_and_the_first_who_wants_to_ends_the_rest() {
        let mut driven = Driven::new();
        assert_eq!(driven.step(None), "https://cloud/0/0");
        assert_eq!(driven.step(Some(200)), "https://server/0/0");
        assert_eq!(driven.step(Some(200)), "rest 60");
        driven.settings.values = json!({"cloud": "off", "server": "off"});
        assert_eq!(driven.step(None), "Off");
    }

    #[test]
    fn each_gets_its_own_errands() {
        let mut driven = Driven::new();
        driven.errands = ["a", "server/b", "server/c"]
            .map(|key| Errand::new(key, json!({})))
            .to_vec();
        assert_eq!(driven.step(None), "https://cloud/0/1");
        assert_eq!(driven.step(Some(200)), "https://server/0/2 a");
        assert_eq!(driven.step(Some(200)), "rest 60 server/b");
    }

    #[test]
    fn one_that_fails_is_told_and_pauses_while_the_other_goes_on() {
        let mut driven = Driven::new();
        driven.step(None);
        driven.step(Some(200));
        assert_eq!(driven.step(Some(500)), "failed 15 iikoServer: no");
        driven.now += Duration::seconds(10);
        assert_eq!(driven.step(None), "https://cloud/1/0");
        assert_eq!(
            driven.step(Some(200)),
            "failed 5 iikoServer: no",
            "not asked yet, not forgotten"
        );
        driven.now += Duration::seconds(5);
        driven.step(None);
        assert_eq!(driven.step(Some(200)), "https://server/1/0");
        assert_eq!(driven.step(Some(500)), "failed 30 iikoServer: no");
        // What a person has changed is tried at once.
        driven.settings.values = json!({"server": "other"});
        driven.step(None);
        assert_eq!(driven.step(Some(200)), "https://server/2/0");
        assert_eq!(driven.step(Some(200)), "rest 60");
    }

    #[test]
    fn one_that_does_not_answer_lets_the_other_go_on() {
        let mut driven = Driven::new();
        assert_eq!(driven.step(None), "https://cloud/0/0");
        assert_eq!(
            driven.step(None),
            "https://server/0/0",
            "the call to the cloud was not answered"
        );
        assert_eq!(driven.step(Some(200)), "failed 15 iikoCloud: no answer");
        // Alone, it is asked again at once: the worker has paused already.
        let mut driven = Driven::new();
        driven.settings.values = json!({"server": "off"});
        driven.step(None);
        assert_eq!(driven.step(Some(200)), "rest 60");
        assert_eq!(driven.step(None), "https://cloud/1/0");
        assert_eq!(driven.step(None), "https://cloud/1/0");
    }
}
