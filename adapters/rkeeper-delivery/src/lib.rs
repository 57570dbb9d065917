//! r_keeper Delivery: webhooks that announce orders, and the REST API that they are read by.
//!
//! There is no public contract by which r_keeper Delivery asks a loyalty service of somebody else (UCS documents only
//! its own programme). So a webhook with a template of ours says that an order has changed, the order is read over
//! `GET orders/{orderId}`, and what it says becomes a receipt: status 11 (completed) accrues, 12 (cancelled) takes it
//! back. The webhook's own words are never believed: anybody may have composed them.
//!
//! # Bonuses
//!
//! The restaurant's site sets bonuses aside at this door (`hold`, with the order's number), then pays that part of the
//! order with the bonus currency (`PUT orders/{orderId}/pay`, UCS documents). The hold is used when the order is completed
//! and let go when it is cancelled. A bonus payment without a hold redeems nothing: it lowers the base, with a warning.
//!
//! # Both roads
//!
//! An order that also comes to a hall's till could accrue twice. The setting `accrual` says which road posts: with
//! `till` this connection only listens.
//!
//! # Files
//!
//! `announcement` is the webhook, `order` what an order looks like on the wire, `lines` its dishes as lines that add
//! up, `receipt` what becomes of it in the books, `site` what a site asks; `fetch` says what the vendor is asked.

mod amounts;
mod announcement;
mod answer;
mod fetch;
mod guide;
mod lines;
mod order;
mod receipt;
mod remark;
mod settings;
mod site;
mod state;
mod told_order;
mod unread;

use std::collections::BTreeSet;

use kopilka_contract::{
    Adapter, Dialogue, GuideStep, Message, POLL_PATH, Poll, Reply, Roads, Settings, SettingsError,
    Unreadable, Words,
};

use crate::unread::Unread;

pub use settings::{DeliverySettings, HoldKey, Road};

use crate::settings::GivenSettings;

/// The dialect of r_keeper Delivery.
#[derive(Debug, Clone, Copy, Default)]
pub struct RKeeperDelivery;

impl Adapter for RKeeperDelivery {
    fn kind(&self) -> &'static str {
        "rkeeper-delivery"
    }

    fn title(&self) -> &'static str {
        "r_keeper Delivery"
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), SettingsError> {
        settings.typed::<GivenSettings>().map(drop)
    }

    fn addresses(&self) -> &'static [&'static str] {
        &["/api", "/auth"]
    }

    fn roads(&self, settings: &Settings) -> Roads {
        let delivery = settings.typed::<DeliverySettings>();
        delivery.map_or_else(
            |_| Roads::default(),
            |delivery| Roads {
                hall: false,
                delivery: delivery.accrual == Road::Webhook,
                only: vec![delivery.restaurants],
                ..Roads::default()
            },
        )
    }

    fn parting_settings(&self) -> &'static [&'static str] {
        &["accrual", "restaurants"]
    }

    fn receipt_types(&self, settings: &Settings) -> BTreeSet<String> {
        let delivery = settings.typed::<DeliverySettings>().unwrap_or_default();
        let posts = delivery.accrual == Road::Webhook;
        posts.then_some(delivery.receipt_type).into_iter().collect()
    }

    fn guide(&self, address: &str) -> Vec<GuideStep> {
        guide::guide(address)
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["/client_secret", "/webhook_token"]
    }

    fn poll(&self) -> Option<&dyn Poll> {
        Some(&fetch::Fetch)
    }

    fn authorization_header(&self, _message: &Message<'_>, settings: &Settings) -> String {
        let delivery = settings.typed::<DeliverySettings>().unwrap_or_default();
        delivery.webhook_header
    }

    fn admits(
        &self,
        message: &Message<'_>,
        authorization: Option<&str>,
        settings: &Settings,
    ) -> Result<(), Reply> {
        let delivery = settings.typed::<DeliverySettings>().unwrap_or_default();
        match (message.path.trim_matches('/'), delivery.webhook_token) {
            ("" | "webhook", Some(token)) => announcement::admits(authorization, &token),
            _ => Ok(()),
        }
    }

    fn read(&self, message: &Message<'_>, settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
        let delivery = settings
            .typed::<DeliverySettings>()
            .map_err(|error| answer::unreadable(Unread::Settings(error)))?;
        if let Some(fetched) = message.path.strip_prefix(POLL_PATH) {
            return match fetched {
                "order" => Ok(Box::new(receipt::read(message, settings, &delivery)?)),
                "missing" => Err(fetch::missing(message.body)),
                other => Err(answer::unreadable(Unread::NotFetched {
                    what: other.to_owned(),
                })),
            };
        }
        match message.path.trim_matches('/') {
            "" | "webhook" => Ok(Box::new(announcement::read(message.body, &delivery)?)),
            "guest" => Ok(Box::new(site::guest(message.body)?)),
            "hold" => Ok(Box::new(site::hold(message.body, &delivery)?)),
            "release" => Ok(Box::new(site::release(message.body)?)),
            other => Err(Unreadable {
                reason: Unread::NotServed {
                    path: other.to_owned(),
                }
                .words(),
                reply: answer::error(404, "not-found"),
            }),
        }
    }

    fn failure(&self, _message: &Message<'_>, words: &Words, settings: &Settings) -> Reply {
        answer::error(503, words.in_language(settings.language))
    }
}
