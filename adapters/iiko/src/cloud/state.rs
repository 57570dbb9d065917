//! What is remembered from one step of asking to the next.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Id;

/// What is remembered of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// Fingerprint of the account: another one begins anew.
    pub account: String,
    /// A token, while it is good.
    pub token: Option<Token>,
    /// What was asked last.
    pub asked: Option<Asked>,
    /// The restaurants that the account may see, where the settings name none.
    pub restaurants: Option<Listed>,
    /// Where each restaurant stands.
    pub places: BTreeMap<Id, Place>,
    /// Deliveries that were found and are to be read once more, by their ids.
    pub rereads: BTreeMap<Id, Reread>,
    /// Errands for orders of a till that iiko has taken to load into the cloud, with the tries they had then.
    pub loads: BTreeMap<String, u32>,
    /// With how many an errand's order may be named in a call, where more were refused.
    pub together: BTreeMap<String, usize>,
    /// Calls of this round.
    pub calls: u32,
    /// What went wrong in this round without ending it.
    pub troubles: Vec<String>,
    /// When the first of the errands wants to be looked at again that were put off in this round.
    pub put_off_until: Option<DateTime<Utc>>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub text: String,
    pub good_until: DateTime<Utc>,
    /// Not yet taken by any call: when it is refused, the account has no right, and another one would not help.
    pub fresh: bool,
}

/// The restaurants of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub names: BTreeMap<Id, String>,
    /// How long the list is believed.
    pub until: DateTime<Utc>,
}

/// Where a restaurant stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    /// Changes up to this revision were brought.
    pub revision: Option<i64>,
    /// Until when nothing is missing.
    pub seen_at: Option<DateTime<Utc>>,
    /// When changes are asked for next.
    pub due_at: Option<DateTime<Utc>>,
    /// What is missing and is being fetched.
    pub gap: Option<Gap>,
    /// The revision that iiko did not go on from last.
    pub lost: Option<i64>,
    /// That is not made up for yet.
    pub far: bool,
    /// Revision of the menu that was taken over.
    pub menu_revision: i64,
    /// When the menu is asked for next.
    pub menu_at: Option<DateTime<Utc>>,
}

/// A time of which changes by revision are not to be had: it is filled by the dates of deliveries, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    /// Orders that changed after this moment are missing.
    pub since: DateTime<Utc>,
    /// Deliveries that were promised after this moment are looked through: those of long ago may have been cancelled in the
    /// gap. `None`: the books were not ours before it or nothing was lost, a day more is enough.
    #[serde(default)]
    pub promised_since: Option<DateTime<Utc>>,
    /// When the gap was found: then nothing is missing up to here.
    pub found_at: DateTime<Utc>,
    /// Deliveries of before this moment are still to be looked through; `None`: nothing was yet.
    pub left: Option<DateTime<Utc>>,
    /// The revision to go on from. It is the first answer's: what changes while older days are looked through is newer.
    pub revision: Option<i64>,
}

/// A delivery that was found, until it is read once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reread {
    /// Its restaurant.
    pub place: Id,
    /// As it was found.
    pub event: Value,
    /// How often it was asked for in vain.
    pub tries: u32,
    /// With how many it may be asked for at once, where more were refused; `None`: as many as a call can bring.
    #[serde(default)]
    pub together: Option<usize>,
    /// When it is asked for again; `None`: now.
    pub due_at: Option<DateTime<Utc>>,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    Token,
    Organizations,
    /// Deliveries that changed.
    Changes(Id),
    /// Deliveries of a day of the gap; the rest of it begins here.
    Day(Id, DateTime<Utc>),
    /// Deliveries that were found, by id.
    Rereads(Id, Vec<Id>),
    /// Orders by id, because of these errands.
    Orders(Id, What, Vec<String>),
    /// Orders of a till are loaded into the cloud, because of these errands.
    Load(Id, Id, Vec<String>),
    /// The till is told something, because of this errand.
    Notify(String),
    /// The menu of a restaurant.
    Menu(Id),
}

/// Which orders are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Deliveries, by their ids in the cloud.
    Delivery,
    /// Orders of tables, by their ids in the cloud.
    Table,
    /// Orders of tables, by their ids at the till.
    TillOrder,
}
