//! Deliveries that asking has found, read once more: lists of deliveries do not bring what sites and plugins keep with an
//! order (`externalData`), and who the guest is and which reservation has paid may stand only there. So they are posted
//! from the answer of `deliveries/by_id`, which shows the keys that it is asked for.

use chrono::Duration;
use kopilka_contract::{Delivery, Next};
use serde_json::Value;

use super::found::{Found, message, told};
use super::hear::Trouble;
use super::round::{MOST_IDS, QUIET, Round};
use super::state::{Asked, Reread, What};
use crate::Id;
use crate::envelope::Service;
use crate::webhook::{self, Worth};

/// After so many tries a delivery is posted as it was found: about three quarters of an hour.
const MOST_TRIES: u32 = 8;
/// A third of the pause after the first of them, which is short: mostly iiko is only some seconds behind. It trebles with each.
const PAUSE: Duration = Duration::seconds(2);
/// Most that wait for another try: where iiko shows none for long, what is remembered must not grow with every delivery.
const MOST_WAITING: usize = 500;
/// Path of a delivery that could not be read once more.
pub(super) const AS_FOUND: &str = "delivery-as-found";

impl Round<'_> {
    /// Takes deliveries that were found. Where nothing is kept with orders they are posted as they are.
    pub(super) fn bring(&mut self, place: &Id, events: Vec<Value>) -> Next {
        let by_id = !self.iiko.external_data_keys().is_empty();
        let mut messages = Vec::new();
        for event in events {
            let id = event["eventInfo"]["id"]
                .as_str()
                .and_then(|id| Id::parse(id).ok());
            match id.filter(|_| by_id) {
                Some(id) => self.keep(id, place, event),
                None => messages.push(message(Service::Delivery, &event)),
            }
        }
        self.deliver(messages)
    }

    /// Keeps a delivery until it is read once more. Of two the newer one counts.
    fn keep(&mut self, id: Id, place: &Id, event: Value) {
        let kept = self.state.rereads.get(&id);
        if kept.is_some_and(|kept| changed_at(&kept.event) > changed_at(&event)) {
            return;
        }
        let reread = Reread {
            place: place.clone(),
            event,
            tries: 0,
            together: kept.and_then(|kept| kept.together),
            due_at: None,
        };
        self.state.rereads.insert(id, reread);
    }

    /// Which are to be read next: of one restaurant as many as a call can bring.
    pub(super) fn to_reread(&self) -> Option<Asked> {
        let due = |reread: &&Reread| reread.due_at.is_none_or(|due| due <= self.now);
        let first = self.state.rereads.values().find(due)?;
        let (place, together) = (first.place.clone(), first.together);
        let alike = self.state.rereads.iter();
        let alike =
            alike.filter(|(_, reread)| due(reread) && (&reread.place, reread.together) == (&place, together));
        let ids = alike.take(together.unwrap_or(MOST_IDS));
        let ids = ids.map(|(id, _)| id.clone()).collect();
        Some(Asked::Rereads(place, ids))
    }

    /// What becomes of the answer: each is posted from it. What iiko does not show, or shows as it was before, is asked for
    /// again a few times.
    pub(super) fn take_rereads(&mut self, ids: &[Id], body: Result<&[u8], Trouble>) -> Next {
        let found = match body.map(Found::read) {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => return self.reread_later(ids, why),
            // There is no right to it: nothing that waiting would mend.
            Err(trouble) if trouble.forbidden => {
                self.trouble(trouble.words);
                let messages = ids.iter().filter_map(|id| self.as_found(id)).collect();
                return self.deliver(messages);
            }
            // One of them may be too old, say: the others are not to suffer for it.
            Err(trouble) if trouble.is_of_some() && ids.len() > 1 => return self.reread_in_halves(ids),
            Err(trouble) => return self.reread_later(ids, trouble.words),
        };
        let mut messages = Vec::new();
        for id in ids {
            let Some(kept) = self.state.rereads.get(id) else {
                continue;
            };
            let event = found.by_id(What::Delivery, id);
            let event = event.filter(|event| changed_at(event) >= changed_at(&kept.event));
            let worth = event
                .as_ref()
                .map(|event| webhook::worth(event, self.situation.settings));
            match (event, worth) {
                (Some(event), Some(Worth::Reading)) => {
                    messages.push(message(Service::Delivery, &event));
                    self.state.rereads.remove(id);
                }
                // It was opened again meanwhile: what becomes of it is a change of its own.
                (_, Some(Worth::Nothing)) => drop(self.state.rereads.remove(id)),
                _ => messages.extend(self.wait_or_give_up(id)),
            }
        }
        self.deliver(messages)
    }

    /// A question that was not answered: it is asked again, and what it was about is posted as it was found in the end.
    pub(super) fn reread_later(&mut self, ids: &[Id], why: String) -> Next {
        self.trouble(why);
        let messages = ids.iter().filter_map(|id| self.wait_or_give_up(id)).collect();
        self.deliver(messages)
    }

    /// A question that is refused is asked again in halves, down to the orders that it is refused for.
    fn reread_in_halves(&mut self, ids: &[Id]) -> Next {
        let half = ids.len().div_ceil(2);
        for id in ids {
            if let Some(kept) = self.state.rereads.get_mut(id) {
                kept.together = Some(half);
            }
        }
        self.ask_on()
    }

    /// One more try, later; the delivery as it was found after the last one, or where too many wait already.
    fn wait_or_give_up(&mut self, id: &Id) -> Option<Delivery> {
        let waiting = self.state.rereads.values().filter(|kept| kept.due_at.is_some());
        let too_many = waiting.count() >= MOST_WAITING;
        let kept = self.state.rereads.get_mut(id)?;
        kept.tries += 1;
        if kept.tries >= MOST_TRIES || too_many && kept.due_at.is_none() {
            return self.as_found(id);
        }
        let pause = (PAUSE * 3_i32.pow(kept.tries.min(MOST_TRIES))).min(QUIET);
        kept.due_at = Some(self.now + pause);
        None
    }

    /// All that is kept, where nobody will ask any more.
    pub(super) fn all_as_found(&mut self) -> Option<Next> {
        let ids: Vec<Id> = self.state.rereads.keys().cloned().collect();
        let messages: Vec<Delivery> = ids.iter().filter_map(|id| self.as_found(id)).collect();
        (!messages.is_empty()).then_some(Next::Deliver(messages))
    }

    /// A delivery as it was found, no longer kept.
    fn as_found(&mut self, id: &Id) -> Option<Delivery> {
        let kept = self.state.rereads.remove(id)?;
        Some(told(AS_FOUND, &kept.event))
    }
}

/// The version of an event's order.
fn changed_at(event: &Value) -> Option<i64> {
    event["eventInfo"]["timestamp"].as_i64()
}
