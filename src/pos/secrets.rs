//! Settings that are passwords: they come in, and never go out again.

use kopilka_contract::Adapter;
use serde_json::Value;

/// What stands in the place of a secret. Sent back, it leaves the secret as it is.
pub const HIDDEN: &str = "***";

/// Settings as they may be shown.
pub fn hidden(adapter: Option<&dyn Adapter>, mut settings: Value) -> Value {
    for place in adapter.map_or(&[][..], Adapter::secrets) {
        if let Some(value) = settings.pointer_mut(place).filter(|value| !is_empty(value)) {
            *value = Value::from(HIDDEN);
        }
    }
    settings
}

/// New settings with the secrets that were left as they are taken from those before. Where an address is new they are
/// not: who may not read a password could have it sent to a machine of his own.
pub fn filled_in(adapter: &dyn Adapter, mut settings: Value, before: &Value) -> Value {
    let known = addresses(before);
    if addresses(&settings)
        .iter()
        .any(|address| !known.contains(address))
    {
        return settings;
    }
    for place in adapter.secrets() {
        if let (Some(value), Some(kept)) = (settings.pointer_mut(place), before.pointer(place))
            && *value == HIDDEN
        {
            *value = kept.clone();
        }
    }
    settings
}

/// The place of a secret of which only the sign is there.
pub fn still_hidden(adapter: &dyn Adapter, settings: &Value) -> Option<&'static str> {
    let hidden = |place: &&str| settings.pointer(place).is_some_and(|value| value == HIDDEN);
    adapter.secrets().iter().copied().find(hidden)
}

/// A text in which no secret stands, wherever it came from.
pub fn blotted(adapter: &dyn Adapter, settings: &Value, text: &str) -> String {
    let values = adapter
        .secrets()
        .iter()
        .filter_map(|place| settings.pointer(place)?.as_str());
    values
        .filter(|value| !value.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// Every address in the settings, at any depth.
fn addresses(settings: &Value) -> Vec<&str> {
    match settings {
        Value::String(text) if text.contains("://") => vec![text],
        Value::Array(items) => items.iter().flat_map(addresses).collect(),
        Value::Object(fields) => fields.values().flat_map(addresses).collect(),
        _ => Vec::new(),
    }
}
