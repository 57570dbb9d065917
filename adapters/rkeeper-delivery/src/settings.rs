//! What a connection to r_keeper Delivery is set to.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::remark::Remark;

/// The settings of one connection. Everything has a default but the account, without which no order can be read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// Base of the REST API, without a slash at the end (seen in integrations).
    pub api: String,
    /// Where tokens are given (seen in integrations).
    pub auth: String,
    /// The account's name: OAuth2 `client_id`.
    pub client_id: String,
    /// The account's password: OAuth2 `client_secret`. Never shown again.
    pub client_secret: String,
    /// OAuth2 scope (seen in integrations).
    pub scope: String,
    /// Plain `http` is good enough for these addresses, whatever the host.
    pub plain_http: bool,
    /// Restaurants (`restaurantId`) that this connection listens to; none named: all.
    pub restaurants: BTreeSet<String>,
    /// Statuses at which an order is sold (11 "completed" is required at every site, UCS documents).
    pub sold_statuses: BTreeSet<i64>,
    /// Statuses at which an order is given up (12 "cancelled", likewise).
    pub cancelled_statuses: BTreeSet<i64>,
    /// The token that is typed into the panel beside the webhook's address; `None`: the token in the address is enough.
    pub webhook_token: Option<String>,
    /// The header that it comes in (assumed: UCS documents that each request has it, and not where).
    #[serde(deserialize_with = "header_name")]
    pub webhook_header: String,
    /// Which road posts delivery orders.
    pub accrual: Road,
    /// Transaction type of the receipts.
    pub receipt_type: String,
    /// Codes in `payments[].code` that are our bonuses (assumed: an order that is read lists its payments as `PUT
    /// orders/{orderId}/pay` takes them).
    pub bonus_currencies: BTreeSet<String>,
    /// Which number of the order is the key of the bonuses that a site has set aside.
    pub hold_key: HoldKey,
    /// For how long bonuses are set aside, in minutes.
    pub hold_minutes: u32,
    /// Our payment kind by `paymentTypeId` or by a payment's code; others stay as they are.
    pub payment_kinds: BTreeMap<String, String>,
    /// The list of orders is looked through so often, in minutes, for those whose webhook was lost; 0: never.
    pub list_minutes: u32,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        DeliverySettings {
            api: "https://delivery.ucs.ru/orders/api/v1".to_owned(),
            auth: "https://auth-delivery.ucs.ru/connect/token".to_owned(),
            client_id: String::new(),
            client_secret: String::new(),
            scope: "orders".to_owned(),
            plain_http: false,
            restaurants: BTreeSet::new(),
            sold_statuses: BTreeSet::from([11]),
            cancelled_statuses: BTreeSet::from([12]),
            webhook_token: None,
            webhook_header: "X-Loyalty-Token".to_owned(),
            accrual: Road::default(),
            receipt_type: "delivery".to_owned(),
            bonus_currencies: BTreeSet::new(),
            hold_key: HoldKey::default(),
            hold_minutes: 24 * 60,
            payment_kinds: BTreeMap::new(),
            list_minutes: 60,
        }
    }
}

impl DeliverySettings {
    /// What has become of an order at this status; `None`: its fate is not decided yet.
    pub(crate) fn fate(&self, status: i64) -> Option<Fate> {
        // A status that is in both lists is a cancelled one: what was not sold is not posted.
        if self.cancelled_statuses.contains(&status) {
            return Some(Fate::Cancelled);
        }
        self.sold_statuses.contains(&status).then_some(Fate::Sold)
    }

    /// Why what is sold at a restaurant is left to others, if it is. A webhook need not name the restaurant.
    pub(crate) fn leaves_to_others(&self, restaurant: Option<&str>) -> Option<Remark> {
        if self.accrual == Road::Till {
            return Some(Remark::TillPosts);
        }
        let is_other = |named| !self.restaurants.is_empty() && !self.restaurants.contains(named);
        restaurant
            .is_some_and(is_other)
            .then_some(Remark::OtherRestaurant)
    }

    /// Whether a payment's code is a bonus currency. r_keeper shows GUIDs in capitals and braces, its cloud sends them bare.
    pub(crate) fn is_bonus(&self, code: &str) -> bool {
        let bare = |id: &str| id.trim_matches(['{', '}']).to_lowercase();
        let code = bare(code);
        self.bonus_currencies
            .iter()
            .any(|currency| bare(currency) == code)
    }

    /// Whether there is an account to ask with.
    pub(crate) fn has_account(&self) -> bool {
        !self.client_id.is_empty() && !self.client_secret.is_empty()
    }
}

fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_name = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if name.is_empty() || name.len() > 100 || !is_name(&name) {
        return Err(Error::custom("a header's name is of letters, digits and -"));
    }
    Ok(name)
}

/// Settings as a person may give them: with a whole account, or without one. A connection that has half of one still works as far as
/// it can, so this is asked only when settings are given.
#[derive(Debug, Deserialize)]
#[serde(try_from = "DeliverySettings")]
pub(crate) struct GivenSettings;

impl TryFrom<DeliverySettings> for GivenSettings {
    type Error = &'static str;

    fn try_from(given: DeliverySettings) -> Result<Self, Self::Error> {
        match (given.client_id.is_empty(), given.client_secret.is_empty()) {
            (false, true) => Err("client_id needs client_secret beside it"),
            (true, false) => Err("client_secret needs client_id beside it"),
            _ => Ok(GivenSettings),
        }
    }
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Sold,
    Cancelled,
}

/// Which road posts delivery orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Road {
    /// This connection.
    #[default]
    Webhook,
    /// The restaurant's till, where delivery orders are closed too: this connection only listens.
    Till,
}

/// Which number of the order is the key of the bonuses that a site has set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKey {
    /// `orderId`, known once the order is created.
    #[default]
    Order,
    /// `orderExternalId`, the site's own number.
    External,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bonus_currency_is_the_same_in_capitals_and_braces() {
        let settings = DeliverySettings {
            bonus_currencies: BTreeSet::from(["{9CA200F8-5961-4A6F-AE22-A095C65D1485}".to_owned()]),
            ..DeliverySettings::default()
        };
        assert!(settings.is_bonus("9ca200f8-5961-4a6f-ae22-a095c65d1485"));
        assert!(!settings.is_bonus("9ca200f8-5961-4a6f-ae22-a095c65d1486"));
    }
}
