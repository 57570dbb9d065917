//! Asking a vendor's system: for orders that a webhook only announced, for what changed since the last time, or to tell
//! it something.
//!
//! An adapter says what to ask next, the service asks it: [`Poll::step`] is pure, like the rest of an adapter. What is
//! learned goes the way of a webhook: a [`Delivery`] is read by [`crate::Adapter::read`], kept in the inbox and posted
//! exactly once, whoever brought it first.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::Settings;

/// What stands before the path of every message that the service fetched itself: `poll/order`. Nobody outside can send
/// one: the door refuses such paths.
pub const POLL_PATH: &str = "poll/";

/// Something to ask or to tell the vendor's system, left by a message ([`crate::Dialogue::errands`]) and kept until
/// [`Step::done`] names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// What makes it the same errand: left again before it is done, it is carried out once, as it was left last.
    /// Left again while it is being carried out, it is carried out once more.
    pub key: String,
    /// What to do, in the adapter's own words. No secrets: it is kept as it stands.
    pub what: Value,
    /// How often it was put off ([`PutOff`]).
    pub tries: u32,
}

impl Errand {
    /// A new one.
    pub fn new(key: impl Into<String>, what: Value) -> Self {
        Errand {
            key: key.into(),
            what,
            tries: 0,
        }
    }
}

/// What [`Poll::step`] is told.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the connection is set to, secrets included. They may have changed since the state was written: keep what
    /// belongs to an account (a token) together with the account's name.
    pub settings: &'a Settings,
    /// The state of the step before; `null` at the very first.
    pub state: &'a Value,
    /// What is to be done, the oldest first, without those that are put off.
    pub errands: &'a [Errand],
    /// What time it is.
    pub now: DateTime<Utc>,
    /// The answer to the call of the step before. `None`: a round begins, or goes on after a delivery; whatever call
    /// the state speaks of was not answered and never will be.
    pub answer: Option<&'a HttpAnswer>,
}

/// One step of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What comes next.
    pub next: Next,
    /// What to remember: cursor, token. Durable after a delivery and at the end of a round, so a restart loses at most
    /// the calls of one round. Never shown to anybody.
    pub state: Value,
    /// Keys of errands that are carried out. With a delivery: once that is kept.
    pub done: Vec<String>,
    /// Errands that can't be carried out now, while others can.
    pub put_off: Vec<PutOff>,
}

impl Step {
    /// A step that leaves the errands as they are.
    pub fn new(next: Next, state: Value) -> Self {
        Step {
            next,
            state,
            done: Vec::new(),
            put_off: Vec::new(),
        }
    }

    /// The same with an errand carried out.
    #[must_use]
    pub fn done(mut self, key: impl Into<String>) -> Self {
        self.done.push(key.into());
        self
    }

    /// The same with an errand put off.
    #[must_use]
    pub fn put_off(mut self, key: impl Into<String>, until: DateTime<Utc>) -> Self {
        self.put_off.push(PutOff {
            key: key.into(),
            until,
        });
        self
    }
}

/// An errand that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOff {
    /// [`Errand::key`].
    pub key: String,
    /// Until when; unless it is left again before.
    pub until: DateTime<Utc>,
}

/// What comes next in a round.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Ask the vendor. Where it can't be reached, the round ends as by [`Next::Failed`].
    Call(HttpCall),
    /// Take what was learned as messages, in order; then the round goes on. An adapter that finds a message
    /// unreadable or that the books refuse does not stop the round: the message waits for a person in the inbox.
    Deliver(Vec<Delivery>),
    /// The round is over; the next begins then, or as soon as there is an errand.
    Rest {
        /// When to ask again.
        until: DateTime<Utc>,
    },
    /// The connection is not set up for asking: nothing, until its settings change or an errand is left.
    Off,
    /// The vendor said no, or something that can't be understood. The state is kept, errands stay.
    Failed {
        /// Why, for the person who looks at the connection. No secrets.
        reason: String,
        /// When to try again; `None`: after a while that grows with every failure in a row.
        retry_at: Option<DateTime<Utc>>,
    },
}

/// A message that the service fetched: it comes to [`crate::Adapter::read`] as a `POST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What follows [`POLL_PATH`].
    pub path: String,
    /// As in a query, without `?`.
    pub query: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The body: best as the vendor sent it, for it is what support will look at.
    pub body: Vec<u8>,
}

/// A request to the vendor's system.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// The whole address, query included. Only `https`, but for this very machine.
    pub url: String,
    /// Plain `http` is good enough for any host: a setting of the connection says so.
    pub allow_plain: bool,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long it may take, in seconds, at most [`HttpCall::LONGEST_S`].
    pub timeout_s: u32,
}

impl HttpCall {
    /// No call takes longer.
    pub const LONGEST_S: u32 = 60;

    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        HttpCall {
            method: "GET",
            url: url.into(),
            allow_plain: false,
            headers: Vec::new(),
            body: Vec::new(),
            timeout_s: 20,
        }
    }

    /// A `POST` of JSON.
    pub fn post_json(url: impl Into<String>, body: &Value) -> Self {
        let mut call = HttpCall::get(url).with_header("Content-Type", "application/json");
        call.method = "POST";
        call.body = body.to_string().into_bytes();
        call
    }

    /// A `POST` of a form, as browsers send it.
    pub fn post_form(url: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let mut call = HttpCall::get(url).with_header("Content-Type", "application/x-www-form-urlencoded");
        call.method = "POST";
        let field =
            |(name, value): &(&str, &str)| format!("{}={}", percent_encoded(name), percent_encoded(value));
        call.body = fields
            .iter()
            .map(field)
            .collect::<Vec<_>>()
            .join("&")
            .into_bytes();
        call
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Without headers, query and body: these hold secrets.
impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.split('?').next().unwrap_or_default();
        write!(
            f,
            "HttpCall({} {address}, {} bytes)",
            self.method,
            self.body.len()
        )
    }
}

/// What the vendor answered, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The first header of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// In how many seconds the vendor wants to be asked again, where it says so.
    pub fn retry_after_s(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse().ok()
    }
}

/// The dialect's side of asking a vendor's system.
pub trait Poll: Send + Sync {
    /// What comes next. A round begins with no answer, and goes on until [`Next::Rest`], [`Next::Off`] or
    /// [`Next::Failed`].
    fn step(&self, situation: &Situation<'_>) -> Step;
}

/// A text as it may stand in a query or in a part of a path: all but letters, digits and `-._~` as `%XX`.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_and_a_printed_call_shows_no_secret() {
        let call = HttpCall::post_form("https://v.example/token?key=k1", &[("secret", "a b&я")])
            .with_header("Authorization", "Bearer t1");
        assert_eq!(call.body, b"secret=a%20b%26%D1%8F");
        let printed = format!("{call:?}");
        assert!(
            !printed.contains("k1") && !printed.contains("t1") && !printed.contains("a%20b"),
            "{printed}"
        );
    }

    #[test]
    fn headers_of_an_answer_are_found_in_lower_case() {
        let answer = HttpAnswer {
            status: 429,
            headers: vec![("retry-after".to_owned(), " 30".to_owned())],
            body: Vec::new(),
        };
        assert_eq!(answer.retry_after_s(), Some(30));
        assert_eq!(answer.header("date"), None);
    }
}
