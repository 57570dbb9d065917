//! What becomes of iikoCloud's answers.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use kopilka_contract::{Delivery, HttpAnswer, Next, Words, words};
use serde_json::Value;

use super::found::Found;
use super::menu;
use super::round::{QUIET, Round};
use super::state::{Asked, Listed, Token};
use crate::Id;

/// A token is good for about an hour (iiko documents); some of it is kept to spare.
const TOKEN_LIFE: Duration = Duration::minutes(50);
/// How long the list of restaurants is believed.
const LIST_LIFE: Duration = Duration::hours(24);
/// How long to wait where the account is refused.
const REFUSED: Duration = Duration::minutes(15);
/// How long to wait where there were too many questions, and iiko does not say.
const TOO_MANY: Duration = Duration::minutes(1);
/// How long a restaurant waits of which iiko could not tell just now: the others are asked meanwhile.
const SOON: Duration = Duration::minutes(1);

/// What comes after an answer.
pub(super) fn hear(round: &mut Round<'_>, asked: Asked, answer: &HttpAnswer) -> Next {
    let status = answer.status;
    if asked == Asked::Token {
        return round.take_token(answer);
    }
    match status {
        401 => return round.another_token(),
        429 => return round.failed("iiko was asked too often", Some(round.now + wait(answer))),
        _ => {
            if let Some(token) = &mut round.state.token {
                token.fresh = false;
            }
        }
    }
    let body = if status == 200 {
        Ok(answer.body.as_slice())
    } else {
        Err(Trouble::of(&asked, answer))
    };
    match asked {
        Asked::Token => round.ask_on(),
        Asked::Organizations => round.take_organizations(body),
        Asked::Changes(id) => round.take_changes(&id, body),
        Asked::Day(id, from) => round.take_day(&id, from, body),
        Asked::Rereads(_, ids) => round.take_rereads(&ids, body),
        Asked::Orders(place, what, keys) => round.take_orders(&place, what, &keys, body),
        Asked::Load(place, group, keys) => round.were_loaded(place, group, keys, body),
        Asked::Notify(key) => round.was_told(&key, body),
        Asked::Menu(id) => round.take_menu(&id, body),
    }
}

/// What becomes of a question that got no answer at all: what it was about waits, and the rest goes on.
pub(super) fn unanswered(round: &mut Round<'_>, asked: &Asked) -> Next {
    let now = round.now;
    match asked {
        Asked::Rereads(_, ids) => {
            let why = "asked for orders by id, it did not answer".to_owned();
            return round.reread_later(ids, why);
        }
        Asked::Menu(id) => {
            round.state.places.entry(id.clone()).or_default().menu_at = Some(now + QUIET);
            round.trouble("asked for the menu, it did not answer".to_owned());
        }
        Asked::Changes(id) | Asked::Day(id, _) => {
            round.state.places.entry(id.clone()).or_default().due_at = Some(now + SOON);
            round.trouble("asked for deliveries, it did not answer".to_owned());
        }
        Asked::Orders(_, _, keys) | Asked::Load(_, _, keys) => {
            round.put_all_off(keys);
            round.trouble("asked for orders by id, it did not answer".to_owned());
        }
        Asked::Notify(key) => {
            round.put_all_off(std::slice::from_ref(key));
            round.trouble("a message to the till was not answered".to_owned());
        }
        // Without these there is nothing else to ask.
        Asked::Token | Asked::Organizations => {}
    }
    round.ask_on()
}

/// How long iiko wants to be left alone.
fn wait(answer: &HttpAnswer) -> Duration {
    let seconds = answer
        .retry_after_s()
        .map(|seconds| i64::from(seconds.clamp(1, 3600)));
    seconds.map_or(TOO_MANY, Duration::seconds)
}

/// A question that was not answered as hoped.
pub(super) struct Trouble {
    /// For the person who looks at the connection.
    pub(super) words: String,
    /// It will not be answered otherwise in a minute.
    pub(super) lasting: bool,
    /// There is no right to it, whatever exactly is asked for.
    pub(super) forbidden: bool,
    refused: bool,
}

impl Trouble {
    /// Whether it may be the trouble of some of the orders that a call names: without them it may be answered.
    pub(super) fn is_of_some(&self) -> bool {
        self.lasting && !self.forbidden
    }

    fn of(asked: &Asked, answer: &HttpAnswer) -> Self {
        let what = match asked {
            Asked::Token => "a token",
            Asked::Organizations => "its restaurants",
            Asked::Changes(_) => "changed deliveries",
            Asked::Day(..) => "deliveries by date",
            Asked::Orders(..) | Asked::Rereads(..) => "orders by id",
            Asked::Load(..) => "the loading of a till's order",
            Asked::Notify(_) => "a message to the till",
            Asked::Menu(_) => "the menu",
        };
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let said = said["errorDescription"].as_str().unwrap_or_default();
        let status = answer.status;
        Trouble {
            words: format!("asked for {what}, it answered {status} {said}")
                .trim()
                .to_owned(),
            lasting: (400..500).contains(&status) && status != 408,
            forbidden: status == 403,
            refused: status == 400,
        }
    }
}

impl Round<'_> {
    fn failed(&self, reason: impl Into<String>, retry_at: Option<DateTime<Utc>>) -> Next {
        Next::Failed {
            reason: reason.into(),
            retry_at,
        }
    }

    /// Something that does not end the round: it is told when the round is over.
    pub(super) fn trouble(&mut self, words: String) {
        if !self.state.troubles.contains(&words) {
            self.state.troubles.push(words);
        }
    }

    fn take_token(&mut self, answer: &HttpAnswer) -> Next {
        match answer.status {
            200 => {}
            429 => return self.failed("iiko was asked too often", Some(self.now + wait(answer))),
            400 | 401 | 403 => {
                let reason = "the account was refused: check the API key (api_login)";
                return self.failed(reason, Some(self.now + REFUSED));
            }
            status => return self.failed(format!("asked for a token, it answered {status}"), None),
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = body["token"].as_str();
        let Some(text) = text.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()))
        else {
            return self.failed("the answer to the account holds no token", None);
        };
        self.state.token = Some(Token {
            text: text.to_owned(),
            good_until: self.now + TOKEN_LIFE,
            fresh: true,
        });
        self.ask_on()
    }

    /// A token ended before its time; a fresh one that is refused has no right.
    fn another_token(&mut self) -> Next {
        let fresh = self.state.token.take().is_some_and(|token| token.fresh);
        if fresh {
            return self.failed("a new token was refused: check the rights of the API key", None);
        }
        self.ask_on()
    }

    fn take_organizations(&mut self, body: Result<&[u8], Trouble>) -> Next {
        let body = match body {
            Ok(body) => body,
            Err(trouble) => return self.failed(trouble.words, None),
        };
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let listed = answer["organizations"].as_array().into_iter().flatten();
        let named = |place: &Value| {
            let id = Id::parse(place["id"].as_str()?).ok()?;
            Some((id, place["name"].as_str().unwrap_or_default().to_owned()))
        };
        let names: BTreeMap<Id, String> = listed.filter_map(named).collect();
        let life = match names.len() {
            0 => return self.failed("the account sees no restaurant", Some(self.now + REFUSED)),
            1 => LIST_LIFE,
            // Until the settings say which; the key may be given fewer, too.
            _ => REFUSED,
        };
        self.state.restaurants = Some(Listed {
            names,
            until: self.now + life,
        });
        self.ask_on()
    }

    /// A restaurant that can't be asked: the others are, meanwhile.
    fn leave_alone(&mut self, id: &Id, trouble: Trouble) -> Next {
        let pause = if trouble.lasting { QUIET } else { SOON };
        self.state.places.entry(id.clone()).or_default().due_at = Some(self.now + pause);
        self.trouble(trouble.words);
        self.ask_on()
    }

    /// iiko does not go on from a revision: what happened since the last good answer is looked for by dates, once for each
    /// such revision among all that may have been cancelled meanwhile.
    fn lose_revision(&mut self, id: &Id) {
        let place = self.state.places.entry(id.clone()).or_default();
        place.far |= place.revision != place.lost;
        place.lost = place.revision.take();
        place.due_at = Some(self.now + QUIET);
    }

    fn take_changes(&mut self, id: &Id, body: Result<&[u8], Trouble>) -> Next {
        let body = match body {
            Ok(body) => body,
            Err(trouble) if trouble.refused => {
                // The revision is too old (nothing was ordered for hours), or iiko counts anew: dates are asked instead.
                self.lose_revision(id);
                return self.ask_on();
            }
            Err(trouble) => return self.leave_alone(id, trouble),
        };
        let found = match Found::read(body) {
            Ok(found) => found,
            Err(why) => return self.failed(why, None),
        };
        let (now, pause) = (self.now, Duration::seconds(self.cloud().poll_seconds.into()));
        let place = self.state.places.entry(id.clone()).or_default();
        let backwards = matches!((found.revision, place.revision), (Some(new), Some(old)) if new < old);
        if backwards {
            self.lose_revision(id);
        } else {
            place.revision = found.revision.or(place.revision);
            (place.seen_at, place.due_at) = (Some(now), Some(now + pause));
        }
        let events = found.deliveries(None, self.situation.settings);
        self.bring(id, events)
    }

    fn take_day(&mut self, id: &Id, from: DateTime<Utc>, body: Result<&[u8], Trouble>) -> Next {
        let body = match body {
            Ok(body) => body,
            Err(trouble) => return self.leave_alone(id, trouble),
        };
        let found = match Found::read(body) {
            Ok(found) => found,
            Err(why) => return self.failed(why, None),
        };
        let (now, pause) = (self.now, Duration::seconds(self.cloud().poll_seconds.into()));
        let place = self.state.places.entry(id.clone()).or_default();
        let Some(mut gap) = place.gap.take() else {
            return self.ask_on();
        };
        if gap.left.is_none() {
            gap.revision = found.revision;
        }
        gap.left = Some(from);
        let since = gap.since;
        if from <= gap.floor() {
            (place.revision, place.seen_at) = (gap.revision, Some(gap.found_at));
            // What changed meanwhile is asked for at once, where it can be.
            place.due_at = Some(if gap.revision.is_some() {
                now
            } else {
                now + pause.max(QUIET)
            });
        } else {
            place.gap = Some(gap);
        }
        let events = found.deliveries(Some(since), self.situation.settings);
        self.bring(id, events)
    }

    /// Tells what was learned, if anything was.
    pub(super) fn deliver(&mut self, messages: Vec<Delivery>) -> Next {
        if messages.is_empty() {
            return self.ask_on();
        }
        Next::Deliver(messages)
    }

    fn take_menu(&mut self, id: &Id, body: Result<&[u8], Trouble>) -> Next {
        let hours = i64::from(self.cloud().menu_hours);
        let again = (hours > 0).then(|| self.now + Duration::hours(hours));
        let place = self.state.places.entry(id.clone()).or_default();
        match body.map(menu::Fetched::read) {
            Ok(Ok(menu)) => {
                (place.menu_at, place.menu_revision) = (again, menu.revision);
                self.deliver(menu.message.into_iter().collect())
            }
            Ok(Err(why)) => {
                place.menu_at = again;
                self.trouble(why);
                self.ask_on()
            }
            // The menu is no reason to leave sales alone.
            Err(trouble) => {
                place.menu_at = Some(
                    self.now
                        + if trouble.lasting {
                            Duration::hours(24)
                        } else {
                            QUIET
                        },
                );
                self.trouble(trouble.words);
                self.ask_on()
            }
        }
    }
}

/// The words of a message that says what could not be brought.
pub(super) fn lost(what: &str, body: &[u8]) -> Words {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    if what == "gap" {
        let (from, to, restaurant) = (text("from"), text("to"), text("organizationId"));
        return words!(
            "iikoCloud не опрашивалась с {from} по {to} и уже не говорит, что тогда доставили (ресторан {restaurant}): сверьте с отчётом самого ресторана",
            "iikoCloud was not asked from {from} to {to} and no longer tells what was delivered then (restaurant {restaurant}): compare with the restaurant's own report"
        );
    }
    let order = text("orderId");
    words!(
        "о заказе {order} сообщили без содержания, и в iikoCloud его нет; чтобы запросить его снова, повторите его вебхук",
        "order {order} was announced without its content, and iikoCloud does not have it; to ask again replay its webhook"
    )
}
