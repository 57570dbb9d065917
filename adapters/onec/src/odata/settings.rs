//! How a base is asked over OData.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::profile::{Configuration, Profile};

/// Settings of asking a base.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ODataSettings {
    /// Address of the base's OData: `https://host/base/odata/standard.odata`.
    pub url: String,
    /// A user of the base who may read receipts.
    pub user: String,
    /// His password.
    #[serde(default)]
    pub password: String,
    /// Which configuration the base has.
    #[serde(default)]
    pub configuration: Configuration,
    /// A mapping of the base's own, instead of the configuration's.
    #[serde(default)]
    pub mapping: Option<Profile>,
    /// GUID of the shop, where a base has several: receipts of others are left out.
    #[serde(default)]
    pub shop: Option<String>,
    /// How often to ask, in seconds. Receipts do not live for ever: a closed shift may absorb them.
    #[serde(default = "usual_pause")]
    pub every_seconds: u32,
    /// Documents of so many hours before the last time are looked at again: they are posted late, and changed.
    /// At most a year.
    #[serde(default = "usual_overlap", deserialize_with = "overlap")]
    pub overlap_hours: u32,
    /// Whether the base is asked with `$filter`. Some bases answer 500 to it: then all documents are paged through,
    /// the newest first.
    #[serde(default = "yes")]
    pub filter: bool,
    /// Plain HTTP is good enough: the base is in the same building.
    #[serde(default)]
    pub allow_http: bool,
}

fn usual_pause() -> u32 {
    60
}

fn usual_overlap() -> u32 {
    48
}

/// Hours of a year.
const LONGEST_OVERLAP: u32 = 366 * 24;

fn overlap<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        hours @ 0..=LONGEST_OVERLAP => Ok(hours),
        _ => Err(D::Error::custom("overlap_hours is 0 to 8784, a year")),
    }
}

fn yes() -> bool {
    true
}

impl ODataSettings {
    /// The mapping to be used.
    pub(super) fn profile(&self) -> Profile {
        self.mapping
            .clone()
            .unwrap_or_else(|| self.configuration.profile())
    }
}

/// Without the password.
impl fmt::Debug for ODataSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ODataSettings")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("configuration", &self.configuration)
            .finish_non_exhaustive()
    }
}
