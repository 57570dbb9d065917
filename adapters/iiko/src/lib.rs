//! iiko (Syrve): webhooks of the iikoCloud API, calls of a plugin of iikoFront (`v1/…`, a contract of our own) and of sites
//! that were written for iikoCard (`api/1/…`), read as the till conversation.
//!
//! iikoCloud posts a JSON array of events to the address that a restaurant names in its webhook settings; each order
//! event carries a full snapshot of a table or delivery order (*iikoCloud API*, "Webhooks"). Closed orders become
//! receipts, cancelled and deleted ones are given back, and all the others only leave a remark. A webhook comes after
//! the fiscal receipt, so it can never redeem: bonuses seen in it merely lower the base of the accrual.
//!
//! # Who may speak
//!
//! The token in the address, `/pos/iiko/<token>/…`, is what authenticates everybody. Beside it the vendor passes the
//! `authToken` of the webhook settings along; he does not say in which header, but both `Authorization: <token>` and
//! `Authorization: Bearer <token>` were seen. Where the connection names that token, a webhook without it is refused.
//!
//! # Repeats
//!
//! Delivery is at least once and in any order. A receipt is named by the order's id on the till (`posId`, else the
//! id in the cloud) and versioned by `timestamp`, so that the ledger ignores a repeat and posts the difference of a
//! newer snapshot. The answer is always 200, which is how the vendor is told that the data was received; what could
//! not be read or was refused waits for a person and would not get better by being sent again.
//!
//! # Files
//!
//! `envelope` is the array and its events, `order` and `item` what an order looks like on the wire; `lines` turns
//! items into lines that add up, `closing` puts the receipt together, `webhook` is the dialogue. `plugin` and `iikocard` are
//! the two other roads. `poll` says what iiko itself is asked: `cloud` the iikoCloud API, `olap` the restaurant's server.

mod closing;
mod cloud;
mod decimal;
mod envelope;
mod guide;
mod id;
mod iikocard;
mod item;
mod lines;
mod moment;
mod olap;
mod order;
mod plugin;
mod poll;
mod remark;
mod settings;
mod spread;
mod told_sale;
mod webhook;
mod wire;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use kopilka_contract::{
    Adapter, Dialogue, Errand, GuideStep, Message, POLL_PATH, Poll, Reply, Roads, Settings, SettingsError,
    Unreadable, Words, words,
};

pub use cloud::{CloudApplication, CloudSettings, MenuCategories};
pub use id::{Id, NotAnId};
pub use olap::ServerSettings;
pub use settings::{IikoCardSettings, IikoSettings, NegativeSum, ReceiptTypes, ToldBy, WebhookAuthorization};

/// The dialect of iiko.
#[derive(Debug, Clone, Copy, Default)]
pub struct Iiko;

impl Adapter for Iiko {
    fn kind(&self) -> &'static str {
        "iiko"
    }

    fn title(&self) -> &'static str {
        "iiko"
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), SettingsError> {
        settings.typed::<IikoSettings>().map(drop)
    }

    fn secrets(&self) -> &'static [&'static str] {
        &[
            "/webhook_token",
            "/iikocard/api_login",
            "/cloud/api_login",
            "/cloud/application/api_key",
            "/cloud/application/client_secret",
            "/server/password",
        ]
    }

    fn addresses(&self) -> &'static [&'static str] {
        &["/cloud/address", "/server/address"]
    }

    fn poll(&self) -> Option<&dyn Poll> {
        Some(&poll::POLL)
    }

    fn day_report(&self, settings: &Settings, day: NaiveDate) -> Option<Errand> {
        olap::errand(settings, day)
    }

    fn roads(&self, settings: &Settings) -> Roads {
        let told = |by: ToldBy| by != ToldBy::None;
        settings
            .typed::<IikoSettings>()
            .map_or(Roads::default(), |iiko| Roads {
                hall: told(iiko.hall),
                delivery: told(iiko.delivery),
                only: [iiko.restaurants(), &iiko.terminal_groups]
                    .map(|ids| ids.iter().map(Id::to_string).collect())
                    .into(),
                feeds: iiko.feeds(),
            })
    }

    fn parting_settings(&self) -> &'static [&'static str] {
        &["hall", "delivery", "organizations", "terminal_groups"]
    }

    fn receipt_types(&self, settings: &Settings) -> BTreeSet<String> {
        let Ok(iiko) = settings.typed::<IikoSettings>() else {
            return BTreeSet::new();
        };
        let types = iiko.receipt_types;
        let hall = (iiko.hall != ToldBy::None).then_some(types.table);
        let delivery = (iiko.delivery != ToldBy::None).then_some(types.delivery);
        let named = types.by_order_type.into_values();
        hall.into_iter().chain(delivery).chain(named).collect()
    }

    fn shortcomings(&self, settings: &Settings) -> Vec<Words> {
        let iiko = settings.typed::<IikoSettings>();
        iiko.map_or(Vec::new(), |iiko| iiko.shortcomings())
    }

    fn guide(&self, address: &str) -> Vec<GuideStep> {
        guide::guide(address)
    }

    fn is_login(&self, message: &Message<'_>) -> bool {
        iikocard::is_login(message)
    }

    fn read(&self, message: &Message<'_>, settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
        if let Some(fetched) = message.path.strip_prefix(POLL_PATH) {
            return match fetched.split_once('/') {
                Some(("server", what)) => olap::read(what, message, settings),
                _ => cloud::read(fetched, message, settings),
            };
        }
        let path = message.path.trim_matches('/');
        if let Some(call) = path.strip_prefix("v1/") {
            return plugin::read(call, message, settings);
        }
        if let Some(method) = path.strip_prefix("api/1/") {
            return iikocard::read(method, message, settings);
        }
        match path {
            iikocard::SECOND_KIND => iikocard::read("access_token", message, settings),
            "" | "webhook" => Ok(Box::new(webhook::read(message, settings)?)),
            "menu" => cloud::wish_for_menu(settings),
            other => Err(Unreadable {
                reason: words!(
                    "по адресу «{other}» для iiko ничего нет; вебхуки идут на «webhook»",
                    "nothing of iiko is served at `{other}`; webhooks go to `webhook`"
                ),
                reply: webhook::nothing_here(),
            }),
        }
    }

    fn admits(
        &self,
        message: &Message<'_>,
        authorization: Option<&str>,
        settings: &Settings,
    ) -> Result<(), Reply> {
        let Ok(iiko) = settings.typed::<IikoSettings>() else {
            return Ok(());
        };
        match (
            message.path.trim_matches('/'),
            &iiko.webhook_token,
            &iiko.iikocard,
        ) {
            ("" | "webhook", Some(token), _) => {
                webhook::admits(authorization, token, iiko.webhook_authorization)
            }
            (path, _, Some(card)) if path.starts_with("api/1/") => {
                iikocard::admits(message, authorization, card)
            }
            _ => Ok(()),
        }
    }

    fn description(&self) -> Option<&'static str> {
        Some(include_str!("../openapi.json"))
    }

    fn failure(&self, message: &Message<'_>, words: &Words, settings: &Settings) -> Reply {
        if message.path.trim_start_matches('/').starts_with("v1/") {
            return plugin::failure(words, settings.language);
        }
        if message.path.trim_start_matches('/').starts_with("api/") {
            return iikocard::failure(message, words.in_language(settings.language));
        }
        webhook::not_received(words.in_language(settings.language))
    }
}
