//! 1C:Enterprise, as a till and as a sender of receipts. A pure translator: no I/O, no clock, no state.
//!
//! Four roads of 1C are understood:
//!
//! * **the loyalty server** (`…/hs/loyaltyservice/<method>/`): the dialogue that stock tills (1C:Retail 2 and 3, UNF,
//!   1C:RMK) hold with the «Сервер лояльности» subsystem of 1C's own library, here in the role of its supplier. Names,
//!   formats and sentences are those of library 3.0.7.84, shipped with 1C:Trade Management 11.5, and of its older
//!   edition in UNF 3.0.5;
//! * **CommerceML 2** (`exchange`, `v1/commerceml`): goods and documents in files, for bases that speak it already;
//! * **OData**: receipts that a base is asked for, by the mapping of its configuration (`profiles/`);
//! * **receipts in JSON** (`v1/receipts`, `v1/receipts/batch`, `v1/members`, `v1/reserve`, `v1/cancel`): our own contract, which an extension of
//!   a 1C base pushes to, because the loyalty server never sees a receipt. How 1C code writes JSON, dates and numbers
//!   decides what is tolerated.

mod charset;
mod commerce_ml;
mod dates;
mod fault;
mod fields;
mod guest_name;
mod guide;
mod line_keys;
mod loyalty_server;
mod members;
mod numbers;
mod odata;
mod query;
mod receipt_answer;
mod receipt_json;
mod reply;
mod reserve;
mod route;
mod settings;

use kopilka_contract::{
    Adapter, Bulk, Dialogue, Filing, GuideStep, Message, Poll, Reply, Settings, SettingsError, Unreadable,
    Words, presented, same_secret,
};

pub use crate::commerce_ml::CommerceMlSettings;
pub use crate::loyalty_server::CardType;
pub use crate::odata::{
    CardFields, Configuration, DocumentFields, KindFields, ODataSettings, Operation, OperationField,
    PaymentFields, ProductFields, Profile, StatusField,
};
use crate::receipt_json::Contract;
use crate::route::Route;
pub use crate::settings::{
    BonusPayments, CategorySource, DataVersion, LockMinutes, NotAPayment, NotAPercent, NotAVersion,
    NotLockable, OneCSettings, PaymentPercent, Percent, ReceiptRedemption, Version,
};

/// The dialect of 1C:Enterprise, kind `onec`. Its own settings are [`OneCSettings`].
#[derive(Debug, Clone, Copy, Default)]
pub struct OneC;

impl Adapter for OneC {
    fn kind(&self) -> &'static str {
        "onec"
    }

    fn title(&self) -> &'static str {
        "1С:Предприятие"
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), SettingsError> {
        settings.typed::<OneCSettings>().map(drop)
    }

    fn guide(&self, address: &str) -> Vec<GuideStep> {
        guide::guide(address)
    }

    fn read(&self, message: &Message<'_>, settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
        let own = settings.typed::<OneCSettings>().map_err(|error| Unreadable {
            reason: error.words(),
            reply: self.failure(message, &misconfigured(), settings),
        })?;
        let contract = Contract {
            settings,
            own: &own,
            received_at: message.received_at,
            turn: 0,
        };
        match Route::of(message.path) {
            Route::LoyaltyServer(method) => loyalty_server::read(method, message, settings, own),
            Route::Receipts => receipt_json::read_one(message, contract),
            Route::ReceiptBatch => receipt_json::read_batch(message, contract),
            Route::Members => members::read(message, settings.language),
            Route::Reserve => reserve::read(message, contract),
            Route::Cancel => reserve::read_cancel(message, contract),
            Route::Exchange => commerce_ml::read(message, contract),
            Route::CommerceMlFile => commerce_ml::read_file(message, contract),
            Route::AskedFor => odata::read(message, contract),
            Route::Unknown => Err(receipt_answer::unknown_path(message.path, settings.language)),
        }
    }

    fn filing(&self, message: &Message<'_>) -> Option<Filing> {
        match Route::of(message.path) {
            Route::Exchange => commerce_ml::filing(message),
            _ => None,
        }
    }

    fn bulk(&self, message: &Message<'_>) -> Option<Bulk> {
        // How long 1C waits is not documented: HTTP connections of its code and exchanges usually give a request a minute, our
        // example half of that.
        match Route::of(message.path) {
            Route::ReceiptBatch | Route::CommerceMlFile => Some(Bulk {
                patience_s: 25,
                meanwhile: None,
            }),
            Route::Exchange => commerce_ml::bulk(message),
            _ => None,
        }
    }

    fn too_large(&self, message: &Message<'_>, words: &Words, settings: &Settings) -> Reply {
        let words = words.in_language(settings.language);
        match Route::of(message.path) {
            // The exchange has no other words for it: its answers are lines, whatever the status.
            Route::Exchange => commerce_ml::failure(words),
            Route::CommerceMlFile => reply::sentence(413, &format!("failure\n{words}")),
            Route::LoyaltyServer(_) => reply::sentence(413, words),
            _ => receipt_answer::too_large(words),
        }
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["/odata/password", "/password"]
    }

    fn addresses(&self) -> &'static [&'static str] {
        &["/odata/url"]
    }

    fn admits(
        &self,
        message: &Message<'_>,
        authorization: Option<&str>,
        settings: &Settings,
    ) -> Result<(), Reply> {
        let own = settings.typed::<OneCSettings>().unwrap_or_default();
        match &own.password {
            Some(password) if !shows(authorization, password) => {
                Err(self.not_admitted(message, settings, &own))
            }
            _ => Ok(()),
        }
    }

    fn poll(&self) -> Option<&dyn Poll> {
        Some(&odata::ODataPoll)
    }

    fn description(&self) -> Option<&'static str> {
        Some(include_str!("../openapi.json"))
    }

    fn failure(&self, message: &Message<'_>, words: &Words, settings: &Settings) -> Reply {
        let words = words.in_language(settings.language);
        match Route::of(message.path) {
            Route::LoyaltyServer(method) => {
                let own = settings.typed::<OneCSettings>().unwrap_or_default();
                loyalty_server::failure(method, words, &own.version)
            }
            Route::Exchange | Route::CommerceMlFile => commerce_ml::failure(words),
            _ => receipt_answer::failure(words),
        }
    }
}

impl OneC {
    /// What a sender without the right password is told.
    fn not_admitted(&self, message: &Message<'_>, settings: &Settings, own: &OneCSettings) -> Reply {
        let words = Words::new(
            "неверный пароль: в настройках 1С укажите пароль подключения",
            "the password is wrong: type the connection's password into 1C's settings",
        );
        let words = words.in_language(settings.language);
        match Route::of(message.path) {
            // A till shows only the words of an answer of 200, but for `ping`, of which it looks at the status.
            Route::LoyaltyServer("ping") => reply::sentence(401, words),
            Route::LoyaltyServer(method) => loyalty_server::failure(method, words, &own.version),
            Route::Exchange | Route::CommerceMlFile => commerce_ml::failure(words),
            _ => receipt_answer::not_admitted(words),
        }
    }
}

/// Whether an `Authorization` header shows the password: as that of `Basic`, or as a `Bearer` token.
fn shows(authorization: Option<&str>, password: &str) -> bool {
    let shown = authorization.and_then(|given| presented(given.trim()));
    shown.is_some_and(|(_, shown)| same_secret(&shown, password))
}

fn misconfigured() -> Words {
    Words::new(
        "Подключение кассы настроено неверно",
        "The connection of this till is not set up correctly",
    )
}
