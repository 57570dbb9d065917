//! iiko (Syrve): webhooks of the iikoCloud API, read as the till conversation.
//!
//! iikoCloud posts a JSON array of events to the address that a restaurant names in its webhook settings; each order
//! event carries a full snapshot of a table or delivery order (*iikoCloud API*, "Webhooks"). Closed orders become
//! receipts, cancelled and deleted ones are given back, and all the others only leave a remark. A webhook comes after
//! the fiscal receipt, so it can never redeem: bonuses seen in it merely lower the base of the accrual.
//!
//! # Who may speak
//!
//! The vendor passes the `authToken` of the webhook settings along, but does not say in which header. An adapter sees
//! no headers anyway: the token in the address, `/pos/iiko/<token>/webhook`, is what authenticates the sender.
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
//! items into lines that add up, `closing` puts the receipt together, `webhook` is the dialogue.

mod closing;
mod decimal;
mod envelope;
mod guide;
mod id;
mod item;
mod lines;
mod moment;
mod order;
mod settings;
mod spread;
mod webhook;
mod wire;

use kopilka_contract::{
    Adapter, Dialogue, GuideStep, Message, Reply, Settings, SettingsError, Unreadable, Words,
};

pub use id::{Id, NotAnId};
pub use settings::{IikoSettings, ReceiptTypes};

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

    fn guide(&self, address: &str) -> Vec<GuideStep> {
        guide::guide(address)
    }

    fn read(&self, message: &Message<'_>, settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
        match message.path.trim_matches('/') {
            "" | "webhook" => Ok(Box::new(webhook::read(message, settings)?)),
            other => Err(Unreadable {
                reason: format!("nothing of iiko is served at `{other}`; webhooks go to `webhook`"),
                reply: webhook::nothing_here(),
            }),
        }
    }

    fn failure(&self, _message: &Message<'_>, words: &Words, settings: &Settings) -> Reply {
        webhook::not_received(words.in_language(settings.language))
    }
}
