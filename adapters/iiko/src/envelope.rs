//! The array of events that a webhook posts, and the part of an event that is the same for all.

use kopilka_contract::{Words, words};
use serde::Deserialize;
use serde_json::Value;

use crate::Id;
use crate::wire::if_readable;

/// Why a body is no list of events.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// iiko writes UTF-8.
    Utf16,
    /// The place of the first byte that is not UTF-8.
    NotUtf8(usize),
    /// What the parser says.
    NotJson(serde_json::Error),
    /// Neither an array nor an object.
    NotEvents,
}

impl BodyError {
    /// What is wrong, for the person who looks at the message.
    pub fn words(&self) -> Words {
        match self {
            BodyError::Utf16 => Words::new(
                "тело в UTF-16, а iiko пишет в UTF-8",
                "the body is in UTF-16; iiko writes UTF-8",
            ),
            BodyError::NotUtf8(byte) => words!(
                "тело не в UTF-8, начиная с байта {byte}",
                "the body is not UTF-8 from byte {byte} on"
            ),
            BodyError::NotJson(error) => words!("тело не JSON: {error}", "the body is not JSON: {error}"),
            BodyError::NotEvents => Words::new(
                "тело — не список событий и не одно событие",
                "the body is neither an array of events nor one event",
            ),
        }
    }
}

/// The events of a body, still unread: one that is broken must not lose its neighbours.
///
/// The vendor posts an array (*iikoCloud API*, "Webhooks"); some of his client libraries know a single object. An
/// empty body, `""`, `{}` and `[]` are probes of the address and hold no events.
pub(crate) fn events(body: &[u8]) -> Result<Vec<Value>, BodyError> {
    if body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) {
        return Err(BodyError::Utf16);
    }
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|error| BodyError::NotUtf8(error.valid_up_to()))?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    match serde_json::from_str(text).map_err(BodyError::NotJson)? {
        Value::Array(events) => Ok(events),
        Value::Object(fields) if fields.is_empty() => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        event @ Value::Object(_) => Ok(vec![event]),
        _ => Err(BodyError::NotEvents),
    }
}

/// What an event tells; what it holds depends on the type. Left where it is: an order may be long.
pub(crate) fn event_info(event: &Value) -> &Value {
    event.get("eventInfo").unwrap_or(&Value::Null)
}

/// What every event has, but for what it tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    pub event_type: String,
    /// UTC.
    #[serde(default, deserialize_with = "if_readable")]
    pub event_time: Option<String>,
    #[serde(default, deserialize_with = "Id::if_any")]
    pub organization_id: Option<Id>,
}

/// How an order is served, by the type of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Table,
    Delivery,
}

impl Service {
    /// The type of the events that show its orders.
    pub fn event_type(self) -> &'static str {
        match self {
            Service::Table => "TableOrderUpdate",
            Service::Delivery => "DeliveryOrderUpdate",
        }
    }
}

impl Envelope {
    /// The service whose order the event shows; `None`: the event is not about what became of an order.
    pub fn service(&self) -> Option<Service> {
        [Service::Table, Service::Delivery]
            .into_iter()
            .find(|service| service.event_type() == self.event_type)
    }
}
