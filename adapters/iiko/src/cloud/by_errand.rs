//! What messages left to be asked or told: which of it is next, and what becomes of the answers.

use chrono::Duration;
use kopilka_contract::{Next, PutOff};
use serde_json::json;

use super::errand::{Wanted, key};
use super::found::{Found, message, told};
use super::hear::Trouble;
use super::round::{MOST_IDS, Round};
use super::state::{Asked, What};
use crate::Id;
use crate::envelope::Service;
use crate::webhook::{self, Worth};

/// After so many tries an order that is not to be had is a person's business: about two hours.
const MOST_TRIES: u32 = 8;
/// The same for what is only told.
const MOST_TELLS: u32 = 4;
/// At these tries an order that iiko has taken to load and that is still not there is loaded once more: that it was taken
/// does not say that it was carried out.
const LOAD_AGAIN: [u32; 2] = [3, 6];

impl Round<'_> {
    /// What errands want, the oldest first; orders of one restaurant together.
    pub(super) fn of_errands(&mut self, places: &[Id]) -> Option<Asked> {
        loop {
            let (errand, wanted) = self.waiting().next()?;
            let errand_key = errand.key.clone();
            match wanted {
                Some(Wanted::Notify { .. }) => return Some(Asked::Notify(errand_key)),
                Some(Wanted::Order {
                    what,
                    organization,
                    terminal_group,
                    ..
                }) => {
                    let together = self.together(&errand_key);
                    let keys = self.alike(what, &organization, terminal_group.as_ref(), together);
                    return Some(Asked::Orders(organization, what, keys));
                }
                Some(Wanted::Menu) => {
                    for id in places {
                        let place = self.state.places.entry(id.clone()).or_default();
                        (place.menu_at, place.menu_revision) = (Some(self.now), 0);
                    }
                    self.done.push(errand_key);
                }
                None => self.done.push(errand_key),
            }
        }
    }

    /// Errands for orders that one call can bring, no more than may be named together.
    fn alike(&self, what: What, place: &Id, group: Option<&Id>, together: usize) -> Vec<String> {
        let alike = self.waiting().filter_map(|(_, wanted)| match wanted? {
            Wanted::Order {
                what: other,
                organization,
                terminal_group,
                id,
            } => (other == what && organization == *place && terminal_group.as_ref() == group)
                .then(|| key(what, &id)),
            _ => None,
        });
        let alike = alike.filter(|key| self.together(key) == together);
        alike.take(together).collect()
    }

    /// With how many others, itself among them, an errand's order may be named in a call.
    fn together(&self, key: &str) -> usize {
        self.state.together.get(key).copied().unwrap_or(MOST_IDS)
    }

    /// A call that is refused is made again in halves, down to the orders that it is refused for: the others are not to
    /// suffer for them. Gives how many a half is.
    fn halve(&mut self, keys: &[String]) -> usize {
        let half = keys.len().div_ceil(2);
        let halved = keys.iter().map(|key| (key.clone(), half));
        self.state.together.extend(halved);
        half
    }

    /// What becomes of orders that were asked for by id.
    pub(super) fn take_orders(
        &mut self,
        place: &Id,
        what: What,
        keys: &[String],
        body: Result<&[u8], Trouble>,
    ) -> Next {
        let found = match body.map(Found::read) {
            Ok(Ok(found)) => Some(found),
            Ok(Err(why)) => {
                self.trouble(why);
                None
            }
            Err(trouble) if trouble.is_of_some() && keys.len() > 1 => {
                self.halve(keys);
                return self.ask_on();
            }
            Err(trouble) => {
                self.trouble(trouble.words);
                None
            }
        };
        let service = match what {
            What::Delivery => Service::Delivery,
            What::Table | What::TillOrder => Service::Table,
        };
        if let (Some(found), What::TillOrder) = (&found, what)
            && let Some(load) = self.to_load(place, keys, found)
        {
            return self.call(load);
        }
        let mut messages = Vec::new();
        for key in keys {
            let Some(errand) = self.errand(key) else {
                continue;
            };
            let Some(Wanted::Order { id, .. }) = Wanted::of(errand) else {
                continue;
            };
            let tries = errand.tries;
            let event = found.as_ref().and_then(|found| found.by_id(what, &id));
            let worth = event
                .as_ref()
                .map(|event| webhook::worth(event, self.situation.settings));
            match (event, worth) {
                (Some(event), Some(Worth::Reading)) => {
                    messages.push(message(service, &event));
                    self.finish(key);
                }
                // What becomes of it later is told by a webhook.
                (_, Some(Worth::Nothing)) => self.finish(key),
                _ if tries < MOST_TRIES => self.put_off(key, tries),
                _ => {
                    // The plugin has told of its orders itself.
                    if what != What::TillOrder {
                        messages.push(told("missing", &json!({"orderId": id})));
                    }
                    self.finish(key);
                }
            }
        }
        self.deliver(messages)
    }

    fn finish(&mut self, key: &str) {
        self.state.loads.remove(key);
        self.state.together.remove(key);
        self.done.push(key.to_owned());
    }

    /// Errands whose question was not answered wait, each by its tries.
    pub(super) fn put_all_off(&mut self, keys: &[String]) {
        for key in keys {
            let tries = self.errand(key).map_or(0, |errand| errand.tries);
            self.put_off(key, tries);
        }
    }

    /// The others go on meanwhile.
    pub(super) fn put_off(&mut self, key: &str, tries: u32) {
        self.put_off.push(PutOff {
            key: key.to_owned(),
            until: self.now + Duration::seconds(30 << tries.min(8)),
        });
    }

    /// What becomes of a message to the till.
    pub(super) fn was_told(&mut self, key: &str, body: Result<&[u8], Trouble>) -> Next {
        let tries = self.errand(key).map_or(MOST_TELLS, |errand| errand.tries);
        match body {
            Err(trouble) if !trouble.lasting && tries < MOST_TELLS => self.put_off(key, tries),
            Err(trouble) => {
                self.trouble(trouble.words);
                self.finish(key);
            }
            Ok(_) => self.finish(key),
        }
        self.ask_on()
    }

    /// What of a till's orders is to be loaded into the cloud: those of these that the cloud does not have and whose
    /// loading is due. They are of one group of tills.
    fn to_load(&self, place: &Id, keys: &[String], found: &Found) -> Option<Asked> {
        let missing = |key: &&String| {
            let wanted = self.errand(key).and_then(Wanted::of);
            matches!(wanted, Some(Wanted::Order { id, .. }) if found.by_id(What::TillOrder, &id).is_none())
        };
        let keys = keys.iter().filter(|key| self.loading_is_due(key));
        let keys: Vec<String> = keys.filter(missing).cloned().collect();
        let Some(Wanted::Order { terminal_group, .. }) = self.errand(keys.first()?).and_then(Wanted::of)
        else {
            return None;
        };
        Some(Asked::Load(place.clone(), terminal_group?, keys))
    }

    fn loading_is_due(&self, key: &str) -> bool {
        let tries = self.errand(key).map_or(0, |errand| errand.tries);
        let taken = self.state.loads.get(key);
        taken.is_none_or(|at| *at != tries && LOAD_AGAIN.contains(&tries))
    }

    /// What becomes of the loading of a till's orders: whether they are there shows when they are read.
    pub(super) fn were_loaded(
        &mut self,
        place: Id,
        group: Id,
        mut keys: Vec<String>,
        body: Result<&[u8], Trouble>,
    ) -> Next {
        match body {
            Ok(_) => {
                for key in &keys {
                    let tries = self.errand(key).map_or(0, |errand| errand.tries);
                    self.state.loads.insert(key.clone(), tries);
                }
                self.call(Asked::Orders(place, What::TillOrder, keys))
            }
            Err(trouble) if trouble.is_of_some() && keys.len() > 1 => {
                keys.truncate(self.halve(&keys));
                self.call(Asked::Load(place, group, keys))
            }
            Err(trouble) => {
                for key in &keys {
                    let tries = self.errand(key).map_or(MOST_TRIES, |errand| errand.tries);
                    if trouble.lasting && tries >= MOST_TRIES {
                        self.finish(key);
                    } else {
                        self.put_off(key, tries);
                    }
                }
                self.trouble(trouble.words);
                self.ask_on()
            }
        }
    }
}
