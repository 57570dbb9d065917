//! How a connection asks iikoCloud.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::Id;

/// The account, and what is asked with it. Without `api_login` nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudSettings {
    /// Key of the API, as iikoWeb shows it ("Cloud API"). Never shown again.
    pub api_login: Option<String>,
    /// Base address (iiko documents), without a slash at the end.
    pub address: String,
    /// Plain `http` is good enough for that address, whatever the host.
    pub plain_http: bool,
    /// Restaurants (`organizationId`) that are asked; none named: those of the connection, else all that the account
    /// may see.
    pub organizations: BTreeSet<Id>,
    /// Changed deliveries are asked for so often, in seconds; 0: never. They are the net under webhooks that were lost.
    pub poll_seconds: u32,
}

impl Default for CloudSettings {
    fn default() -> Self {
        CloudSettings {
            api_login: None,
            address: "https://api-ru.iiko.services".to_owned(),
            plain_http: false,
            organizations: BTreeSet::new(),
            poll_seconds: 60,
        }
    }
}
