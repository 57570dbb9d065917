//! A round of asking iikoCloud: what is asked next. What becomes of answers is in `hear`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use kopilka_contract::{Errand, Next, PutOff, Situation, Step};
use serde_json::{Value, json};

use super::errand::Wanted;
use super::found::told;
use super::settings::CloudSettings;
use super::state::{Asked, Gap, Place, State, What};
use super::{hear, request};
use crate::Id;
use crate::settings::IikoSettings;

/// Changes by revision are to be had of the last three hours (iiko documents); some of it is kept to spare.
const LOOK_BACK: Duration = Duration::minutes(170);
/// How far the first look goes.
const FIRST_LOOK: Duration = Duration::hours(24);
/// A gap begins so much before the last look: the clocks of others are not ours.
const OVERLAP: Duration = Duration::minutes(10);
/// Deliveries are to be had of so many days by their dates (iiko documents).
const AVAILABLE: Duration = Duration::days(7);
/// How long a restaurant is left alone that could not be asked, or of which no revision is known.
pub(super) const QUIET: Duration = Duration::minutes(15);
/// Most ids in a call (iiko documents it for deliveries).
pub(super) const MOST_IDS: usize = 200;

/// So many of a key's restaurants are named to a person.
const MOST_NAMED: usize = 20;
/// After so many calls others have their turn: a round that grows without end is cut, and the answer to its last question lost.
const MOST_CALLS: u32 = 400;

/// A round under way.
pub(super) struct Round<'a> {
    pub situation: &'a Situation<'a>,
    pub iiko: IikoSettings,
    pub state: State,
    pub now: DateTime<Utc>,
    pub done: Vec<String>,
    pub put_off: Vec<PutOff>,
}

/// What comes next.
pub(crate) fn step(situation: &Situation<'_>) -> Step {
    let iiko = match situation.settings.typed::<IikoSettings>() {
        Ok(iiko) => iiko,
        Err(error) => {
            let failed = Next::Failed {
                reason: error.to_string(),
                retry_at: None,
            };
            return Step::new(failed, situation.state.clone());
        }
    };
    let mut round = Round {
        situation,
        state: State::of(situation.state, &iiko.cloud),
        iiko,
        now: situation.now,
        done: Vec::new(),
        put_off: Vec::new(),
    };
    let next = match (round.state.asked.take(), situation.answer) {
        (Some(asked), Some(answer)) => hear::hear(&mut round, asked, answer),
        (Some(asked), None) => hear::unanswered(&mut round, &asked),
        (None, _) => round.ask_on(),
    };
    let put_off = round.put_off.iter().map(|put_off| put_off.until);
    round.state.put_off_until = put_off.chain(round.state.put_off_until).min();
    Step {
        next,
        state: serde_json::to_value(&round.state).unwrap_or_default(),
        done: round.done,
        put_off: round.put_off,
    }
}

impl State {
    /// As it was written; nothing where it can't be read. What belongs to another account is forgotten, but not what
    /// was brought of each restaurant.
    fn of(value: &Value, cloud: &CloudSettings) -> Self {
        let state: State = serde_json::from_value(value.clone()).unwrap_or_default();
        let account = cloud.account();
        if state.account == account {
            return state;
        }
        State {
            account,
            places: state.places,
            rereads: state.rereads,
            ..State::default()
        }
    }
}

impl Round<'_> {
    pub(super) fn cloud(&self) -> &CloudSettings {
        &self.iiko.cloud
    }

    /// What to ask next.
    pub(super) fn ask_on(&mut self) -> Next {
        if !self.cloud().has_account() {
            if let Some(last) = self.all_as_found() {
                return last;
            }
            // Left while there was one: nobody will ask any more.
            let keys = self.situation.errands.iter().map(|errand| errand.key.clone());
            self.done = keys.collect();
            return Next::Off;
        }
        match self.wanted() {
            Some(Ask::Call(_)) if self.state.calls >= MOST_CALLS => self.pause(),
            Some(Ask::Call(asked)) => self.call(asked),
            Some(Ask::Tell(next)) => next,
            None => self.rest(),
        }
    }

    /// Asks, with a token.
    pub(super) fn call(&mut self, asked: Asked) -> Next {
        let now = self.now;
        self.state.calls += 1;
        let token = self.state.token.as_ref().filter(|token| token.good_until > now);
        let Some(token) = token.map(|token| token.text.clone()) else {
            self.state.asked = Some(Asked::Token);
            return Next::Call(request::token(self.cloud()));
        };
        let Some((method, body)) = self.body(&asked) else {
            // An errand that is no more: cannot be, but must not stop the others.
            return self.rest();
        };
        self.state.asked = Some(asked);
        Next::Call(request::method(self.cloud(), &token, method, &body))
    }

    fn body(&self, asked: &Asked) -> Option<(&'static str, Value)> {
        Some(match asked {
            Asked::Token => return None,
            Asked::Organizations => ("organizations", json!({})),
            Asked::Changes(id) => request::changes(id, self.state.places.get(id)?.revision?),
            Asked::Day(id, from) => {
                let to = self.state.places.get(id)?.gap.as_ref()?.upper();
                request::day(id, (*from, to), self.situation.settings, &self.iiko)
            }
            Asked::Rereads(place, ids) => {
                request::orders(place, What::Delivery, ids, &self.iiko.external_data_keys())
            }
            Asked::Orders(place, what, keys) => {
                request::orders(place, *what, &self.ids(keys), &self.iiko.external_data_keys())
            }
            Asked::Load(place, group, keys) => request::load(place, group, &self.ids(keys)),
            Asked::Notify(key) => match self.errand(key).and_then(Wanted::of)? {
                Wanted::Notify {
                    organization,
                    order,
                    text,
                } => request::notify(self.cloud(), &organization, &order, &text),
                _ => return None,
            },
            Asked::Menu(id) => request::menu(id, self.state.places.get(id)?.menu_revision),
        })
    }

    pub(super) fn errand(&self, key: &str) -> Option<&Errand> {
        self.situation.errands.iter().find(|errand| errand.key == key)
    }

    /// The orders of errands.
    pub(super) fn ids(&self, keys: &[String]) -> Vec<Id> {
        let errands = keys.iter().filter_map(|key| self.errand(key));
        let wanted = errands.filter_map(Wanted::of);
        wanted
            .filter_map(|wanted| match wanted {
                Wanted::Order { id, .. } => Some(id),
                _ => None,
            })
            .collect()
    }

    fn wanted(&mut self) -> Option<Ask> {
        let polls = self.cloud().poll_seconds > 0;
        let menus = self.cloud().menu_hours > 0 || self.menu_wanted();
        let places = if polls || menus {
            self.organizations()
        } else {
            Some(Vec::new())
        };
        let Some(places) = places else {
            return Some(Ask::Call(Asked::Organizations));
        };
        if let Some(asked) = self.of_errands(&places).or_else(|| self.to_reread()) {
            return Some(Ask::Call(asked));
        }
        if polls {
            // Those that have waited longest first: otherwise the last of many would never have their turn.
            let mut by_turn: Vec<&Id> = places.iter().collect();
            by_turn.sort_by_key(|id| self.state.places.get(id).and_then(|place| place.due_at));
            if let Some(ask) = by_turn.into_iter().find_map(|id| self.of_place(id)) {
                return Some(ask);
            }
        }
        let (now, daily) = (self.now, self.cloud().menu_hours > 0);
        places.into_iter().find_map(|id| {
            let at = self.state.places.entry(id.clone()).or_default().menu_at;
            at.map_or(daily, |at| at <= now)
                .then_some(Ask::Call(Asked::Menu(id)))
        })
    }

    /// The restaurants that are asked; `None`: they are to be listed first. A key may be that of a whole chain: which of
    /// several restaurants are this connection's a person says, or a sale would be told at every venue that has the key.
    fn organizations(&mut self) -> Option<Vec<Id>> {
        let named = [&self.cloud().organizations, &self.iiko.organizations];
        if let Some(named) = named.into_iter().find(|named| !named.is_empty()) {
            return Some(named.iter().cloned().collect());
        }
        let listed = self.state.restaurants.as_ref();
        let names = &listed.filter(|listed| listed.until > self.now)?.names;
        if names.len() > 1 {
            let why = which_restaurants(names);
            self.trouble(why);
            return Some(Vec::new());
        }
        Some(names.keys().cloned().collect())
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = (&Errand, Option<Wanted>)> {
        let gone: BTreeSet<&str> = self
            .done
            .iter()
            .map(String::as_str)
            .chain(self.put_off.iter().map(|put_off| put_off.key.as_str()))
            .collect();
        let errands = self.situation.errands.iter();
        errands
            .filter(move |errand| !gone.contains(errand.key.as_str()))
            .map(|errand| (errand, Wanted::of(errand)))
    }

    /// Whether somebody asked for the menu.
    fn menu_wanted(&self) -> bool {
        let asked = self.waiting().any(|(_, wanted)| wanted == Some(Wanted::Menu));
        let due = |place: &Place| place.menu_at.is_some_and(|at| at <= self.now);
        asked || self.state.places.values().any(due)
    }

    /// Changes of a restaurant, or what fills a gap.
    fn of_place(&mut self, id: &Id) -> Option<Ask> {
        let now = self.now;
        let place = self.state.places.entry(id.clone()).or_default();
        if place.due_at.is_some_and(|due| due > now) {
            return None;
        }
        if place.gap.is_none() {
            let fresh = place.seen_at.is_some_and(|seen| now - seen < LOOK_BACK);
            if place.revision.is_some() && fresh {
                return Some(Ask::Call(Asked::Changes(id.clone())));
            }
            if let Some(next) = place.open_gap(id, now) {
                return Some(Ask::Tell(next));
            }
        }
        let from = place.gap.as_ref()?.lower();
        Some(Ask::Call(Asked::Day(id.clone(), from)))
    }

    /// There is more to ask, and the next round goes on with it at once.
    fn pause(&mut self) -> Next {
        self.state.calls = 0;
        Next::Rest { until: self.now }
    }

    /// Nothing is to be asked now. What went wrong on the way is told at the end.
    fn rest(&mut self) -> Next {
        self.state.calls = 0;
        let polls = self.cloud().poll_seconds > 0;
        let places = self.state.places.values();
        let times = places.flat_map(|place| [place.due_at.filter(|_| polls), place.menu_at]);
        let rereads = self.state.rereads.values().map(|reread| reread.due_at);
        let now = self.now;
        let first = times.chain(rereads).flatten().filter(|at| *at > now).min();
        let until = first.unwrap_or(now + Duration::days(1));
        let troubles = std::mem::take(&mut self.state.troubles);
        if troubles.is_empty() {
            self.state.put_off_until = None;
            return Next::Rest { until };
        }
        // A failure holds errands up, too: those that wait for their time keep it, and others wait no longer than this.
        let until = until.min(now + QUIET);
        Next::Failed {
            reason: troubles.join("; "),
            retry_at: Some(self.state.put_off_until.take().map_or(until, |at| until.min(at))),
        }
    }
}

/// That the settings do not say which of the restaurants that a key sees are this connection's.
fn which_restaurants(names: &BTreeMap<Id, String>) -> String {
    let named = names.iter().take(MOST_NAMED);
    let named: Vec<String> = named.map(|(id, name)| format!("{name} {id}")).collect();
    let more = if names.len() > MOST_NAMED { ", …" } else { "" };
    format!(
        "the key sees {} restaurants, and none is asked: name those of this connection in `organizations` ({}{more})",
        names.len(),
        named.join(", "),
    )
}

/// What is next.
enum Ask {
    Call(Asked),
    Tell(Next),
}

impl Place {
    /// Changes by revision are not to be had. What is said where not even dates bring everything.
    fn open_gap(&mut self, id: &Id, now: DateTime<Utc>) -> Option<Next> {
        let since = self.seen_at.map_or(now - FIRST_LOOK, |seen| seen - OVERLAP);
        let reach = now - AVAILABLE;
        // Where no revision was lost, nothing was missing until a moment ago: days long gone need no look.
        let outage = self.seen_at.is_some_and(|seen| now - seen >= LOOK_BACK);
        let far = std::mem::take(&mut self.far);
        self.gap = Some(Gap {
            since: since.max(reach),
            promised_since: (outage || far).then_some(reach),
            found_at: now,
            left: None,
            revision: None,
        });
        if since >= reach {
            return None;
        }
        let lost = json!({"organizationId": id, "from": since, "to": reach});
        Some(Next::Deliver(vec![told("gap", &lost)]))
    }
}

impl Gap {
    /// Deliveries promised before this moment are asked for next.
    fn upper(&self) -> DateTime<Utc> {
        self.left.unwrap_or(self.found_at + request::MARGIN)
    }

    /// Deliveries promised after this moment are asked for next.
    fn lower(&self) -> DateTime<Utc> {
        let days = if self.left.is_none() { 2 } else { 1 };
        (self.upper() - Duration::days(days)).max(self.floor())
    }

    /// Here the gap ends.
    pub(super) fn floor(&self) -> DateTime<Utc> {
        self.promised_since.unwrap_or(self.since - request::MARGIN)
    }
}
