//! What an adapter is: a pure translator of one vendor's dialect.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::{Ask, Errand, GuideStep, Language, Poll, Refusal, Told, Words};

/// One HTTP message of a till, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// `GET`, `POST` …
    pub method: &'a str,
    /// What follows `/pos/<kind>/<token>/` in the address, without a leading slash and without the query.
    pub path: &'a str,
    /// The raw query, without `?`; empty where there is none.
    pub query: &'a str,
    /// `Content-Type`, if the till sent one.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// The login of `Authorization: Basic`, which tells the tills of one connection apart; it proves nothing. It is not kept: a
    /// message that is replayed has none.
    pub login: Option<&'a str>,
    /// When it reached us. Adapters have no clock: this is the only time they get.
    pub received_at: DateTime<Utc>,
}

/// Sales that a connection tells of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roads {
    /// What is sold at tables and counters.
    pub hall: bool,
    /// Delivery orders.
    pub delivery: bool,
    /// To what it is limited, one set for each setting that limits it (restaurants, groups of tills), in the spelling of its kind;
    /// an empty set limits nothing. Connections of one kind always have the same settings in the same order.
    pub only: Vec<BTreeSet<String>>,
    /// What it is fed from that may feed connections of other venues too (accounts, restaurants), in the spelling of its kind and
    /// without secrets. Empty: nothing but what is sent to its own address.
    pub feeds: BTreeSet<String>,
}

impl Roads {
    /// Whether a sale may be told of by both, which are of one kind where `same_kind`: only then they name restaurants alike.
    pub fn meet(&self, other: &Roads, same_kind: bool) -> bool {
        let limits = self.only.iter().zip(&other.only);
        let mut apart = limits
            .filter(|(mine, theirs)| !mine.is_empty() && !theirs.is_empty() && mine.is_disjoint(theirs));
        let same_sales = (self.hall && other.hall) || (self.delivery && other.delivery);
        same_sales && !(same_kind && apart.next().is_some())
    }

    /// Whether both tell of the same sales although they are of two venues; they are of one kind.
    pub fn meet_elsewhere(&self, other: &Roads) -> bool {
        !self.feeds.is_disjoint(&other.feeds) && self.meet(other, true)
    }
}

/// What a connection is set to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Zone of the venue: tills send local times.
    pub time_zone: Tz,
    /// Language of the words for the cashier.
    pub language: Language,
    /// The vendor's own settings, as the adapter defines them.
    pub values: serde_json::Value,
}

/// Settings of a connection that its adapter does not understand, with the place of what it does not.
#[derive(Debug, Error)]
#[error("the settings of this connection are not valid: {0}")]
pub struct SettingsError(#[from] pub serde_path_to_error::Error<serde_json::Error>);

impl SettingsError {
    /// The same for the person who looks at a message that could not be read because of it.
    pub fn words(&self) -> Words {
        let why = &self.0;
        crate::words!(
            "настройки подключения не подходят: {why}",
            "the settings of this connection are not valid: {why}"
        )
    }
}

impl Settings {
    /// The vendor's own settings, typed. Absent fields have their defaults.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        let values = if self.values.is_null() {
            serde_json::json!({})
        } else {
            self.values.clone()
        };
        Ok(serde_path_to_error::deserialize(values)?)
    }

    /// A local time of the venue as an instant. In the hour that the clocks repeat, the first; in the hour that they
    /// skip, the same wall clock an hour on, which is what a till that was not told shows.
    pub fn local(&self, local: NaiveDateTime) -> DateTime<FixedOffset> {
        let zoned = match self.time_zone.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
            LocalResult::None => {
                let later = local + chrono::Duration::hours(1);
                match self.time_zone.from_local_datetime(&later) {
                    LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
                    LocalResult::None => self.time_zone.from_utc_datetime(&local),
                }
            }
        };
        zoned.fixed_offset()
    }
}

/// What goes back to the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// What a message has to do with a file that comes in parts, as in exchanges of 1C. The service keeps the parts, apart for every
/// connection and `folder`, within limits of number and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filing {
    /// An exchange begins: files of this folder that came before are dropped.
    Begin {
        /// What the exchange is about.
        folder: String,
    },
    /// The body is the next part of a file, or the first one where the file was read already.
    Part {
        /// What the exchange is about.
        folder: String,
        /// Name of the file.
        file: String,
    },
    /// The body is a part of a file that nobody reads, a picture for example: it is answered as a part that is kept, and forgotten.
    Unread,
    /// The body is the last part of a file that is read at once: the message is read, kept and replayed with the file for a
    /// body.
    Last {
        /// What the exchange is about.
        folder: String,
        /// Name of the file.
        file: String,
        /// The body is the whole file: parts that came before are forgotten.
        is_whole: bool,
    },
    /// The message is about the whole file: it is read, kept and replayed with the file for a body; an empty one where
    /// there is no such file.
    Whole {
        /// What the exchange is about.
        folder: String,
        /// Name of the file.
        file: String,
        /// An ending of names of archives that may hold it: where there is no file of its name, the newest of them is the body.
        or_in: Option<&'static str>,
    },
}

/// What is granted to a message that brings much at once, a file or a list of documents: no cashier waits for its answer, and it may
/// be larger than a till's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// For how many seconds its sender waits.
    pub patience_s: u32,
    /// What the sender is told when these are over while the work goes on: he asks the same again. `None`: that we were too slow.
    pub meanwhile: Option<Reply>,
}

/// A message that the adapter could not read. It is kept raw for a person; the till gets `reply`.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// What is wrong with it, for the person who will look at it.
    pub reason: Words,
    /// What the till is told, in the vendor's own form.
    pub reply: Reply,
}

/// One thing of the many that a large message brings, as a message of its own: a document of a file, for example. It is
/// kept and replayed by itself, while the large message is kept once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Path under which the adapter reads it by itself, by `POST`.
    pub path: String,
    /// `Content-Type` of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// What has become of it.
    pub about: About,
}

impl Part {
    /// The ask that it is about; `None`: it could not be read.
    pub fn asked(&self) -> Option<usize> {
        match self.about {
            About::Ask(at) => Some(at),
            About::Unread(_) => None,
        }
    }
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// What the ask at this place is about.
    Ask(usize),
    /// It could not be read; why, for the person who will look at it.
    Unread(Words),
}

/// One message of a till, read: what it asks, and how to answer it.
pub trait Dialogue: Send + Sync {
    /// What the ledger is asked, in order. Empty: the message needs no answer from the books.
    fn asks(&self) -> Vec<Ask>;

    /// What the ledger is asked once the first asks are answered, where it depends on their answers: of whom, for example.
    ///
    /// # Errors
    /// The answers show that what the message wants cannot be done: it is kept for a person, and the till gets the reply.
    fn then(&self, _told: &[Result<Told, Refusal>]) -> Result<Vec<Ask>, Unreadable> {
        Ok(Vec::new())
    }

    /// Whether the sale that the message is about comes to be only once it is answered: where its bonuses are refused the cashier is
    /// told and takes them off, and where [`Adapter::failure`] is the answer he sells otherwise or asks again. Nobody may post it
    /// later in his name. False: it is made anyway, and `failure` is for its sender to say it again or to go on.
    fn asks_before_sale(&self) -> bool {
        false
    }

    /// The orders that the message is about, each by all the names that it gives them, the one by which the asks name
    /// them first. A till and its cloud name an order differently, and a message may have only one of the names; once
    /// a message has had both, either means the same receipt. Empty: an order has one name.
    fn orders(&self) -> Vec<Vec<String>> {
        Vec::new()
    }

    /// What a person should know about the message although it was understood: a guess that was made, a field that
    /// was not known. Kept with it.
    fn remarks(&self) -> Vec<Words> {
        Vec::new()
    }

    /// What the vendor's system is to be asked because of this message. Kept before the till is answered, and carried
    /// out by [`Adapter::poll`].
    fn errands(&self) -> Vec<Errand> {
        Vec::new()
    }

    /// What the vendor's system is to be asked or told because of what the books answered, one result for each ask, in
    /// order. Kept before the till is answered.
    fn errands_after(&self, _told: &[Result<Told, Refusal>]) -> Vec<Errand> {
        Vec::new()
    }

    /// The things that a large message brings, each as a message of its own. Empty: the message is one thing, and is kept as
    /// it came.
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }

    /// The vendor's answer, given one result for each ask, in order: those of [`Dialogue::asks`], then those of
    /// [`Dialogue::then`].
    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply;
}

/// A vendor's dialect.
pub trait Adapter: Send + Sync {
    /// Kind in the address of the door, `/pos/<kind>/<token>/…`.
    fn kind(&self) -> &'static str;

    /// Name of the vendor's product for people.
    fn title(&self) -> &'static str;

    /// Checks the vendor's own settings when a connection is made or changed.
    fn check_settings(&self, settings: &Settings) -> Result<(), SettingsError>;

    /// Settings that are passwords or the like, as JSON pointers (`/cloud/password`): once given they are never shown
    /// again.
    fn secrets(&self) -> &'static [&'static str] {
        &[]
    }

    /// Names of the settings by which a connection leaves orders to another one.
    fn parting_settings(&self) -> &'static [&'static str] {
        &[]
    }

    /// JSON Pointers of the settings that are addresses of the vendor's systems.
    fn addresses(&self) -> &'static [&'static str] {
        &[]
    }

    /// How the vendor's system is asked; `None`: it only speaks itself.
    fn poll(&self) -> Option<&dyn Poll> {
        None
    }

    /// An errand that fetches what the till system itself says it sold on a day, to be compared with the books
    /// ([`Ask::Reconcile`]). `None`: this kind has no such report, or the settings do not say whom to ask.
    fn day_report(&self, settings: &Settings, day: NaiveDate) -> Option<Errand> {
        let _ = (settings, day);
        None
    }

    /// What is granted to a message that brings much at once; told from its address alone, before its body has come. `None`: it is a
    /// till's, a cashier waits.
    fn bulk(&self, message: &Message<'_>) -> Option<Bulk> {
        let _ = message;
        None
    }

    /// What the sender of a message is told that is larger than is taken: `words` say so. The same again is no use.
    fn too_large(&self, message: &Message<'_>, words: &Words, settings: &Settings) -> Reply {
        self.failure(message, words, settings)
    }

    /// Whether a message that just came may speak: for vendors whose senders show something beside the token in the address.
    /// `authorization` is the header [`Adapter::authorization_header`]. A message that is replayed from the inbox was admitted before, and its
    /// header is not kept.
    ///
    /// # Errors
    /// What the sender is told; nothing is kept.
    fn admits(
        &self,
        message: &Message<'_>,
        authorization: Option<&str>,
        settings: &Settings,
    ) -> Result<(), Reply> {
        let _ = (message, authorization, settings);
        Ok(())
    }

    /// The header in which a sender shows what [`Adapter::admits`] looks at.
    fn authorization_header(&self, message: &Message<'_>, settings: &Settings) -> String {
        let _ = (message, settings);
        "authorization".to_owned()
    }

    /// Whether a message is a login, with a password in its body: it is kept without the body.
    fn is_login(&self, message: &Message<'_>) -> bool {
        let _ = message;
        false
    }

    /// Reads one message.
    fn read(&self, message: &Message<'_>, settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable>;

    /// Which sales of its venue such a connection tells of. Where two connections of one venue tell of the same and do
    /// not share their orders, a sale counts twice, and a person is warned.
    fn roads(&self, _settings: &Settings) -> Roads {
        Roads {
            hall: true,
            delivery: true,
            ..Roads::default()
        }
    }

    /// Transaction types that its receipts name: a venue must have them, or such receipts are refused.
    fn receipt_types(&self, settings: &Settings) -> BTreeSet<String> {
        let _ = settings;
        BTreeSet::new()
    }

    /// What a person should mend in settings that can be understood, and yet leave something undone that they promise.
    fn shortcomings(&self, settings: &Settings) -> Vec<Words> {
        let _ = settings;
        Vec::new()
    }

    /// Whether its receipts say themselves what they accrue, so that the terms of the venue do not.
    fn counts_accruals(&self, settings: &Settings) -> bool {
        let _ = settings;
        false
    }

    /// What a person types into the vendor's screens, in order, so that the till reaches `address`: the whole address of
    /// the door with its token, without a slash at its end.
    fn guide(&self, _address: &str) -> Vec<GuideStep> {
        Vec::new()
    }

    /// What a message has to do with a file that comes in parts. A message with a part is answered by its dialogue once the
    /// part is kept; it asks the ledger nothing.
    fn filing(&self, _message: &Message<'_>) -> Option<Filing> {
        None
    }

    /// The OpenAPI description of a contract of our own that the door speaks, as JSON; served at
    /// `/pos/<kind>/openapi.json`. `None`: the door speaks only what its vendor has described.
    fn description(&self) -> Option<&'static str> {
        None
    }

    /// Whether [`Adapter::failure`] lets the sender of a message go on, who then never sends it again: the service has to see to it by
    /// itself.
    fn goes_on(&self, message: &Message<'_>, settings: &Settings) -> bool {
        let _ = (message, settings);
        false
    }

    /// What the till is told where we failed ourselves or are too busy (nothing was posted).
    fn failure(&self, message: &Message<'_>, words: &Words, settings: &Settings) -> Reply;
}
