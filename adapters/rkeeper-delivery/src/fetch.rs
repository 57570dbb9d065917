//! Asking r_keeper Delivery: a token, the orders that were announced, now and then the list of orders.
//!
//! Base addresses, scope and the wrapping `{"result": …}` are those of UCS's documents and of public integrations; how
//! long a token is good it says itself. The list's fields are assumed to be those of an order.

use chrono::{DateTime, Duration, Utc};
use kopilka_contract::{
    Delivery, Errand, HttpAnswer, HttpCall, Next, Poll, Situation, Step, Unreadable, percent_encoded,
};
use serde_json::{Value, json};

use crate::announcement::errand_key;
use crate::settings::{DeliverySettings, Fate, Road};
use crate::state::{Asked, State, Token};
use crate::unread::Unread;
use crate::{amounts, answer, order};

/// After so many tries an order that can't be read is a person's business: about a day.
const MOST_TRIES: u32 = 12;
/// After so many tries an order whose webhook was ahead of it is taken as it stands.
const MOST_WAITS: u32 = 4;
/// How far the first list looks back.
const FIRST_LOOK: Duration = Duration::hours(24);
/// Most orders that wait to be read because of a list.
const LONGEST_QUEUE: usize = 500;

/// How r_keeper Delivery is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fetch;

impl Poll for Fetch {
    fn step(&self, situation: &Situation<'_>) -> Step {
        let mut state = State::of(situation.state);
        let settings = match situation.settings.typed::<DeliverySettings>() {
            Ok(settings) => settings,
            Err(error) => return failed(error.to_string(), None, &state),
        };
        let asked = state.asked.take();
        let mut round = Round {
            settings,
            state,
            errands: situation.errands,
            now: situation.now,
        };
        match (asked, situation.answer) {
            (Some(asked), Some(answer)) => round.hear(&asked, answer),
            _ => round.ask_on(None),
        }
    }
}

struct Round<'a> {
    settings: DeliverySettings,
    state: State,
    errands: &'a [Errand],
    now: DateTime<Utc>,
}

fn failed(reason: impl Into<String>, retry_at: Option<DateTime<Utc>>, state: &State) -> Step {
    let reason = reason.into();
    Step::new(Next::Failed { reason, retry_at }, state.value())
}

impl Round<'_> {
    /// What to ask next; the errand `without` is dealt with.
    fn ask_on(&mut self, without: Option<&str>) -> Step {
        let errand = self
            .errands
            .iter()
            .find(|errand| Some(errand.key.as_str()) != without);
        if !self.settings.has_account() {
            let waits = errand.is_some();
            return match waits {
                true => failed(
                    "orders wait to be read, but client_id and client_secret are not set",
                    Some(self.now + Duration::hours(1)),
                    &self.state,
                ),
                false => Step::new(Next::Off, self.state.value()),
            };
        }
        let announced = errand.and_then(|errand| amounts::id(&errand.what["order"]));
        let listing = self.settings.list_minutes > 0 && self.settings.accrual == Road::Webhook;
        let list_due = listing && self.state.list_at.is_none_or(|at| at <= self.now);
        let next = match announced.or_else(|| self.state.queue.first().cloned()) {
            Some(order) => Asked::Order(order),
            None if list_due => Asked::List,
            None => {
                let list_at = self.state.list_at.filter(|_| listing);
                let until = list_at.unwrap_or(self.now + Duration::days(1));
                return Step::new(Next::Rest { until }, self.state.value());
            }
        };
        let account = self.account();
        let token = self.state.token.as_ref();
        match token.filter(|token| token.account == account && token.good_until > self.now) {
            Some(token) => {
                let bearer = format!("Bearer {}", token.text);
                let path = match &next {
                    Asked::Order(order) => format!("orders/{}", percent_encoded(order)),
                    Asked::Token | Asked::List => "orders".to_owned(),
                };
                let url = format!("{}/{path}", self.settings.api.trim_end_matches('/'));
                self.call(HttpCall::get(url).with_header("Authorization", bearer), next)
            }
            None => {
                let fields = [
                    ("grant_type", "client_credentials"),
                    ("client_id", self.settings.client_id.as_str()),
                    ("client_secret", self.settings.client_secret.as_str()),
                    ("scope", self.settings.scope.as_str()),
                ];
                let call = HttpCall::post_form(&self.settings.auth, &fields);
                self.call(call, Asked::Token)
            }
        }
    }

    fn account(&self) -> String {
        format!("{} at {}", self.settings.client_id, self.settings.auth)
    }

    fn call(&mut self, mut call: HttpCall, asked: Asked) -> Step {
        call.allow_plain = self.settings.plain_http;
        self.state.asked = Some(asked);
        Step::new(Next::Call(call), self.state.value())
    }

    fn hear(&mut self, asked: &Asked, answer: &HttpAnswer) -> Step {
        match (asked, answer.status) {
            (Asked::Token, 200) => self.take_token(&answer.body),
            (Asked::Token, 400 | 401 | 403) => failed(
                "the account was refused: check client_id and client_secret",
                Some(self.now + Duration::minutes(15)),
                &self.state,
            ),
            // The account may read orders and not this one.
            (Asked::Order(order), 403) if self.token_is_fresh() => self.not_given(order, 403),
            (Asked::Order(_) | Asked::List, 401 | 403) => self.another_token(),
            (Asked::Order(order), 200) => self.take_order(order, &answer.body),
            (Asked::Order(order), 404 | 410) => self.not_there(order, answer.status),
            // One order that can't be given must not keep the others waiting.
            (Asked::Order(order), 400..=428 | 430..=599) => self.not_given(order, answer.status),
            (Asked::List, 200) => self.take_list(&answer.body),
            // A site may have no right to lists, or call them otherwise: orders come by webhook all the same.
            (Asked::List, 400 | 404 | 405) => self.after_list(),
            (_, status) => {
                let wait = answer
                    .retry_after_s()
                    .map(|s| self.now + Duration::seconds(i64::from(s.min(3600))));
                let what = match asked {
                    Asked::Token => "a token".to_owned(),
                    Asked::Order(order) => format!("order {order}"),
                    Asked::List => "the list of orders".to_owned(),
                };
                failed(
                    format!("asked for {what}, r_keeper Delivery answered {status}"),
                    wait,
                    &self.state,
                )
            }
        }
    }

    fn take_token(&mut self, body: &[u8]) -> Step {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(text) = answer["access_token"].as_str().filter(|text| text.is_ascii()) else {
            return failed(
                "the answer to the account holds no access_token",
                None,
                &self.state,
            );
        };
        // A minute less than it is good for, so that it does not end on its way; without a word, five minutes.
        let seconds = answer["expires_in"]
            .as_i64()
            .unwrap_or(360)
            .clamp(120, 30 * 86_400)
            - 60;
        self.state.token = Some(Token {
            text: text.to_owned(),
            account: self.account(),
            good_until: self.now + Duration::seconds(seconds),
            fresh: true,
        });
        self.ask_on(None)
    }

    /// A token ended before its time; a fresh one that is refused has no right.
    fn another_token(&mut self) -> Step {
        let fresh = self.state.token.take().is_some_and(|token| token.fresh);
        if fresh {
            let reason = "the account may not read orders: check its rights and the scope";
            return failed(reason, None, &self.state);
        }
        self.ask_on(None)
    }

    fn token_is_fresh(&self) -> bool {
        self.state.token.as_ref().is_some_and(|token| token.fresh)
    }

    fn token_works(&mut self) {
        if let Some(token) = &mut self.state.token {
            token.fresh = false;
        }
    }

    fn tries(&self, order: &str) -> u32 {
        let key = errand_key(order);
        let errand = self.errands.iter().find(|errand| errand.key == key);
        errand.map_or(MOST_TRIES, |errand| errand.tries)
    }

    fn take_order(&mut self, id: &str, body: &[u8]) -> Step {
        self.token_works();
        if self.is_announced_ahead(id, body).unwrap_or_default() && self.tries(id) < MOST_WAITS {
            return self.put_off(id);
        }
        self.deliver("order", id, body.to_vec())
    }

    /// Whether an order's webhook told of something that the order does not show yet; `None`: it told nothing to compare.
    fn is_announced_ahead(&self, id: &str, body: &[u8]) -> Option<bool> {
        let key = errand_key(id);
        let announced = &self.errands.iter().find(|errand| errand.key == key)?.what;
        let told = self.settings.fate(amounts::status(&announced["status"])?)?;
        let order = order::read(body).ok()?;
        let Some(shown) = self.settings.fate(order.status()?) else {
            return Some(true);
        };
        // A sale may be cancelled yet. The reverse is a late webhook: a cancelled order is hardly sold again.
        let is_late = order::time(&announced["changed"])
            .zip(order.updated_at())
            .is_some_and(|(announced, shown)| announced < shown);
        Some((told, shown) == (Fate::Cancelled, Fate::Sold) && !is_late)
    }

    fn deliver(&mut self, path: &str, order: &str, body: Vec<u8>) -> Step {
        self.forget_queued(order);
        let delivery = Delivery {
            path: path.to_owned(),
            query: String::new(),
            content_type: Some("application/json".to_owned()),
            body,
        };
        Step::new(Next::Deliver(vec![delivery]), self.state.value()).done(errand_key(order))
    }

    /// Not there yet, perhaps; in the end a person is told.
    fn not_there(&mut self, order: &str, status: u16) -> Step {
        self.token_works();
        if self.tries(order) < MOST_TRIES {
            return self.put_off(order);
        }
        let missing = json!({"orderId": order, "status": status});
        self.deliver("missing", order, missing.to_string().into_bytes())
    }

    /// Refused, or the vendor's system broke on it: the others go on, and in the end a person is told. An order that
    /// only a list named is asked for again after the others of the list.
    fn not_given(&mut self, order: &str, status: u16) -> Step {
        let key = errand_key(order);
        if self.errands.iter().any(|errand| errand.key == key) || !self.state.queue.iter().any(|q| q == order)
        {
            return self.not_there(order, status);
        }
        let tries = self.state.queue_tries.entry(order.to_owned()).or_default();
        *tries += 1;
        if *tries >= MOST_TRIES {
            return self.not_there(order, status);
        }
        self.state.queue.retain(|queued| queued != order);
        self.state.queue.push(order.to_owned());
        let reason = format!("asked for order {order}, r_keeper Delivery answered {status}");
        failed(reason, None, &self.state)
    }

    fn forget_queued(&mut self, order: &str) {
        self.state.queue.retain(|queued| queued != order);
        self.state.queue_tries.remove(order);
    }

    /// The others go on meanwhile.
    fn put_off(&mut self, order: &str) -> Step {
        let wait = Duration::seconds(30 << self.tries(order).min(8));
        let key = errand_key(order);
        self.forget_queued(order);
        self.ask_on(Some(&key)).put_off(key, self.now + wait)
    }

    fn take_list(&mut self, body: &[u8]) -> Step {
        self.token_works();
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let since = self.state.seen.unwrap_or(self.now - FIRST_LOOK);
        let mut changed = list_in(&answer["result"])
            .iter()
            .filter_map(|listed| self.decided(listed))
            .filter(|(changed, _)| *changed > since)
            .collect::<Vec<_>>();
        // The oldest first: what finds no place in the queue is found by the next list, which begins where this one ended.
        changed.sort();
        let mut seen = since;
        for (changed, id) in changed {
            // Of those changed at one moment all are taken, or the rest would be lost.
            if self.state.queue.len() >= LONGEST_QUEUE && changed > seen {
                break;
            }
            seen = changed;
            if !self.state.queue.contains(&id) {
                self.state.queue.push(id);
            }
        }
        self.state.seen = Some(seen);
        self.after_list()
    }

    /// When an order of a list changed, and its number, where its fate is decided.
    fn decided(&self, listed: &Value) -> Option<(DateTime<Utc>, String)> {
        let status = amounts::status(&listed["orderStatusId"])?;
        self.settings.fate(status)?;
        let changed = order::time(&listed["updatedAt"])?;
        Some((changed.to_utc(), amounts::id(&listed["orderId"])?))
    }

    fn after_list(&mut self) -> Step {
        self.state.list_at = Some(self.now + Duration::minutes(i64::from(self.settings.list_minutes.max(1))));
        self.ask_on(None)
    }
}

/// The orders of a list: the result itself, or the first list in it (assumed).
fn list_in(result: &Value) -> &[Value] {
    match result {
        Value::Array(orders) => orders,
        Value::Object(fields) => fields
            .values()
            .find_map(Value::as_array)
            .map_or(&[], Vec::as_slice),
        _ => &[],
    }
}

/// An order that could not be read for a day: it waits for a person.
pub(crate) fn missing(body: &[u8]) -> Unreadable {
    let named: Value = serde_json::from_slice(body).unwrap_or_default();
    let order = amounts::id(&named["orderId"]).unwrap_or_default();
    let status = amounts::status(&named["status"]);
    answer::unreadable(Unread::NotGiven { order, status })
}
