//! How a connection asks the restaurant's own server.

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveTime;
use serde::Deserialize;

use crate::Id;

/// The server, and what is asked of it. Without an address and a login nothing is.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Its address, `https://host:port`; what follows (`/resto/api/…`) is added.
    pub address: String,
    /// A user of iikoOffice who may see reports.
    pub login: String,
    /// His password; it travels as its SHA-1, as the server wants it (seen in public code). Never shown again.
    pub password: String,
    /// Plain `http` is good enough for that address, whatever the host: the server is in the same building.
    pub plain_http: bool,
    /// Restaurants (`Department.Id`) of this connection; none named: the server has only this one.
    pub departments: BTreeSet<Id>,
    /// When the day before is asked for, by the venue's clock. It must be over by then, and its shift closed.
    pub ask_at: NaiveTime,
    /// So many days before it are asked for again: orders are changed and taken back later.
    pub ask_again_days: u32,
    /// Payment types (`PayTypes`, by their names) that are no sale: an order that is paid by nothing else is not missed.
    pub not_sold_pay_types: BTreeSet<String>,
    /// Whether the books should have every order. False where tills tell only of orders with a guest.
    pub all_orders: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        ServerSettings {
            address: String::new(),
            login: String::new(),
            password: String::new(),
            plain_http: false,
            departments: BTreeSet::new(),
            ask_at: NaiveTime::from_hms_opt(5, 0, 0).unwrap_or(NaiveTime::MIN),
            ask_again_days: 1,
            not_sold_pay_types: BTreeSet::new(),
            all_orders: true,
        }
    }
}

impl ServerSettings {
    /// Whether there is anybody to ask.
    pub(crate) fn is_set_up(&self) -> bool {
        !self.address.is_empty() && !self.login.is_empty()
    }
}

/// Without the password.
impl fmt::Debug for ServerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSettings")
            .field("address", &self.address)
            .field("login", &self.login)
            .field("departments", &self.departments)
            .finish_non_exhaustive()
    }
}
