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

/// A secret that is shorter is a word like others: blotting it out would hide the sentence, not the secret.
const SHORTEST: usize = 4;
/// A secret of so many letters stands in no text by chance; a shorter one is blotted out only as a word of its own.
const UNMISTAKABLE: usize = 12;

/// A text in which no secret stands, wherever it came from.
pub fn blotted(adapter: &dyn Adapter, settings: &Value, text: &str) -> String {
    let secrets = adapter
        .secrets()
        .iter()
        .filter_map(|place| settings.pointer(place)?.as_str());
    secrets.fold(text.to_owned(), |text, secret| without(&text, secret))
}

fn without(text: &str, secret: &str) -> String {
    let length = secret.chars().count();
    if length < SHORTEST {
        return text.to_owned();
    }
    let (mut clean, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(secret) {
        clean.push_str(before);
        let goes_on = |left: Option<char>, right: Option<char>| {
            left.zip(right)
                .is_some_and(|(l, r)| l.is_alphanumeric() && r.is_alphanumeric())
        };
        let is_part_of_a_word = goes_on(clean.chars().next_back(), secret.chars().next())
            || goes_on(secret.chars().next_back(), after.chars().next());
        clean.push_str(if length < UNMISTAKABLE && is_part_of_a_word {
            secret
        } else {
            HIDDEN
        });
        rest = after;
    }
    clean + rest
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blotted_out_and_ordinary_words_are_not() {
        assert_eq!(
            without("login demo: demos are off", "demo"),
            "login ***: demos are off"
        );
        assert_eq!(without("user=demo&x", "demo"), "user=***&x");
        assert_eq!(without("a server answered", "a"), "a server answered");
        assert_eq!(without("401: ключ неверен", "ключ"), "401: *** неверен");
        assert_eq!(without("xlong-random-1x", "long-random-1"), "x***x");
        assert_eq!(without("пароль.", "пароль."), "***");
        assert_eq!(without("nothing here", "secret"), "nothing here");
    }
}
