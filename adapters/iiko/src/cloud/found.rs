//! Orders in the cloud's answers, as messages that the reader of webhooks understands: the same order is the same receipt,
//! whichever of the two brings it first.

use chrono::{DateTime, Utc};
use kopilka_contract::{Delivery, Settings};
use serde_json::{Value, json};

use super::state::What;
use crate::envelope::Service;
use crate::webhook::{self, Worth};
use crate::{Id, moment};

/// An answer with orders.
#[derive(Debug)]
pub(crate) struct Found {
    /// As the vendor wrote them, each with its restaurant.
    pub orders: Vec<(Option<Id>, Value)>,
    /// Newest revision that the answer speaks of.
    pub revision: Option<i64>,
}

impl Found {
    /// Reads an answer of any of the methods; what is wrong with it otherwise.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let answer: Value =
            serde_json::from_slice(body).map_err(|error| format!("the answer is not JSON: {error}"))?;
        let revision = answer["maxRevision"].as_i64().filter(|revision| *revision > 0);
        let mut orders = Vec::new();
        if let Some(plain) = answer["orders"].as_array() {
            orders.extend(plain.iter().map(|order| (None, order.clone())));
        } else if let Some(places) = answer["ordersByOrganizations"].as_array() {
            for place in places {
                let id = place["organizationId"].as_str().and_then(|id| Id::parse(id).ok());
                let of_place = place["orders"].as_array().into_iter().flatten();
                orders.extend(of_place.map(|order| (id.clone(), order.clone())));
            }
        } else {
            return Err("the answer holds no orders".to_owned());
        }
        Ok(Found { orders, revision })
    }

    /// The deliveries that the books want to know of, those that changed after a moment, as events.
    pub(crate) fn deliveries(&self, since: Option<DateTime<Utc>>, settings: &Settings) -> Vec<Value> {
        let newer = |order: &Value| {
            let changed = order["timestamp"].as_i64().and_then(moment::from_timestamp);
            since.is_none_or(|since| changed.is_none_or(|changed| changed >= since))
        };
        let orders = self.orders.iter().filter(|(_, order)| newer(order));
        let events = orders.map(|(place, order)| event(Service::Delivery, place.as_ref(), order));
        events
            .filter(|event| webhook::worth(event, settings) == Worth::Reading)
            .collect()
    }

    /// An order by the id that it was asked by, as an event.
    pub(crate) fn by_id(&self, what: What, id: &Id) -> Option<Value> {
        let (service, field) = match what {
            What::Delivery => (Service::Delivery, "id"),
            What::Table => (Service::Table, "id"),
            What::TillOrder => (Service::Table, "posId"),
        };
        let named = |order: &Value| order[field].as_str().and_then(|id| Id::parse(id).ok());
        let (place, order) = self
            .orders
            .iter()
            .find(|(_, order)| named(order).as_ref() == Some(id))?;
        Some(event(service, place.as_ref(), order))
    }
}

/// An order in the envelope of a webhook.
fn event(service: Service, place: Option<&Id>, order: &Value) -> Value {
    json!({
        "eventType": service.event_type(),
        "organizationId": place,
        "eventInfo": order,
    })
}

/// An event as a message.
pub(crate) fn message(service: Service, event: &Value) -> Delivery {
    let path = match service {
        Service::Delivery => "delivery",
        Service::Table => "table",
    };
    told(path, event)
}

/// Anything as a message.
pub(crate) fn told(path: &str, body: &Value) -> Delivery {
    Delivery {
        path: path.to_owned(),
        query: String::new(),
        content_type: Some("application/json".to_owned()),
        body: body.to_string().into_bytes(),
    }
}
