//! Ids of things at iiko.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// Id of a thing at iiko: a UUID in lower case (*iikoCloud API*, all schemas). People copy ids into settings from
/// other programs, so any case is read and the lower one kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(String);

/// An empty text, or the UUID of zeros that means "none" in .NET.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an empty id")]
pub struct NotAnId;

impl Id {
    /// Reads an id; fails where the text names nothing.
    pub fn parse(text: &str) -> Result<Id, NotAnId> {
        let id = text.trim().to_ascii_lowercase();
        if id.bytes().all(|b| matches!(b, b'0' | b'-')) {
            return Err(NotAnId);
        }
        Ok(Id(id))
    }

    /// An id of our own making.
    pub(crate) fn fixed(text: &'static str) -> Id {
        Id(text.to_owned())
    }

    /// The text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a field that may be absent, null or name nothing.
    pub(crate) fn if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| Id::parse(&text).ok()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Id {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Id::parse(&text)
    }
}
