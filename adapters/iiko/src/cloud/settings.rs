//! How a connection asks iikoCloud.

use std::collections::BTreeSet;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::Id;

/// The account, and what is asked with it. Without an account nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudSettings {
    /// Key of the API, as iikoWeb shows it ("Cloud API"): a token of the first kind. Never shown again.
    pub api_login: Option<String>,
    /// An application of iiko's developer portal: a token of the second kind, instead of `api_login`.
    pub application: Option<CloudApplication>,
    /// Base address (iiko documents), without a slash at the end.
    pub address: String,
    /// Plain `http` is good enough for that address, whatever the host.
    pub plain_http: bool,
    /// Restaurants (`organizationId`) that are asked; none named: those of the connection, else the one that the account
    /// may see.
    pub organizations: BTreeSet<Id>,
    /// Changed deliveries are asked for so often, in seconds; 0: never. They are the net under webhooks that were lost.
    pub poll_seconds: u32,
    /// An order that was announced without its content is read by its id.
    pub look_up: bool,
    /// An order that a plugin closes is loaded into the cloud (from till 7.7.1 on), so that webhooks tell what becomes
    /// of it later. Up to three calls for every order (more where the till is slow), and a right of its own ("Orders: loading data").
    pub load_till_orders: bool,
    /// The till is told where an order was refused here or can't be read: it is flagged for attention.
    pub notify_refusals: bool,
    /// Name under which the till is told (`orderSource`; what may stand there is not documented).
    pub order_source: String,
    /// The menu is taken over so often, in hours; 0: only when it is asked for.
    pub menu_hours: u32,
    /// What are the categories of the menu.
    pub menu_categories: MenuCategories,
}

impl Default for CloudSettings {
    fn default() -> Self {
        CloudSettings {
            api_login: None,
            application: None,
            address: "https://api-ru.iiko.services".to_owned(),
            plain_http: false,
            organizations: BTreeSet::new(),
            poll_seconds: 60,
            look_up: true,
            load_till_orders: false,
            notify_refusals: false,
            order_source: "Kopilka".to_owned(),
            menu_hours: 24,
            menu_categories: MenuCategories::default(),
        }
    }
}

/// An application of iiko's developer portal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudApplication {
    /// `apiKey` of the restaurant: iikoWeb, "Integrations", "API keys". Never shown again.
    pub api_key: String,
    /// `appId` of the portal.
    pub app_id: String,
    /// `clientSecret` of the portal. Never shown again.
    pub client_secret: String,
}

/// What are the categories of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MenuCategories {
    /// The groups of the menu that directly hold products (`parentGroup`).
    #[default]
    Groups,
    /// The categories of products (`productCategoryId`).
    ProductCategories,
}

impl CloudSettings {
    /// Whether there is an account to ask with.
    pub(crate) fn has_account(&self) -> bool {
        self.api_login
            .as_ref()
            .is_some_and(|login| !login.trim().is_empty())
            || self.application.is_some()
    }

    /// Tells accounts apart without keeping their secrets.
    pub(crate) fn account(&self) -> String {
        let application = self.application.as_ref().map(|app| (&app.app_id, &app.api_key));
        let named = format!("{} {:?} {application:?}", self.address, self.api_login);
        let digest = Sha256::digest(named);
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The address of a method: `deliveries/by_id` …
    pub(crate) fn url(&self, version: &str, method: &str) -> String {
        format!("{}/api/{version}/{method}", self.address.trim_end_matches('/'))
    }
}
