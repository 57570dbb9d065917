//! `kopilka simulate`: a day of a restaurant, a café or a shop in the dialect of its till system, played against any
//! address. Guests come with cards and without, pay with bonuses, get their money back; on request the wire between
//! till and service fails in every way it can. The simulator keeps its own account, and compares it with the books
//! over REST when the day is over: nothing but the outside of the service is used.
//!
//! What happens is decided by the seed. The ids of receipts are made of the time too, so that a day may be played
//! again on the same service.

mod account;
mod day;
pub(crate) mod dialect;
mod faults;
mod iiko;
mod iiko_cloud;
mod iiko_plugin;
mod office;
mod onec;
mod onec_odata;
mod rkeeper;
mod rkeeper_delivery;
pub(crate) mod vendor;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::demo::credentials::LIVE_KEY;
use crate::demo::dice::Dice;
use crate::demo::network::token_of;
use crate::domain::Timestamp;
use crate::http_client::{authority, resolve};
use crate::pos::secrets::HIDDEN;

use day::Day;
use dialect::{Dialect, PartsBack, Sale};
use faults::Wire;
pub use faults::{Fault, Faults, UnknownFault};
use office::{Office, Place};
use vendor::Vendor;

/// Why a simulation ended early.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Starts the service anew, and returns when that was told; `None`: nobody can.
pub type Restart<'a> = Option<&'a mut dyn FnMut() -> Result<(), Failure>>;

/// Every dialect that is spoken here. Adding a till system adds one line.
static DIALECTS: &[&dyn Dialect] = &[
    &rkeeper::RKeeper { net: false },
    &rkeeper::RKeeper { net: true },
    &rkeeper_delivery::RKeeperDelivery,
    &iiko::Iiko,
    &iiko_plugin::IikoPlugin,
    &onec::OneC,
    &onec_odata::OneCOData,
];

/// The kinds of tills that can be played.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    dialects().map(|dialect| dialect.name())
}

/// The till systems that can be played.
pub(crate) fn dialects() -> impl Iterator<Item = &'static dyn Dialect> {
    DIALECTS.iter().copied()
}

/// What to play.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One of [`kinds`].
    pub kind: String,
    /// Where the service is: `http://host:port`.
    pub address: String,
    /// An API key with the scopes `till`, `customers`, `reports` and `admin`; `None`: the demo network's.
    pub key: Option<String>,
    /// The token of a till connection of the key's network; `None`: the demo network's, or, with a key, that of a connection
    /// that is made for the day and is switched off after it.
    pub token: Option<String>,
    /// What goes wrong.
    pub faults: Faults,
    /// How many sales there are.
    pub receipts: u32,
    /// What decides everything.
    pub seed: u64,
    /// When the simulation begins: the day ends an hour before.
    pub now: Timestamp,
}

/// How often it happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sales to guests who were named.
    pub with_guest: u32,
    /// Sales that bonuses paid a part of.
    pub redemptions: u32,
    /// Those of them that two guests paid for.
    pub shared_redemptions: u32,
    /// Those of them that were told once more with fewer bonuses.
    pub lowered_redemptions: u32,
    /// Returns of whole receipts.
    pub returns: u32,
    /// Those of them that the till could not finish: the sale stands again.
    pub undone_returns: u32,
    /// Payments that were rolled back, tried again or not.
    pub rollbacks: u32,
    /// Guests who were taken off a sale after it was closed.
    pub guests_taken_off: u32,
    /// Returns of parts.
    pub half_returns: u32,
    /// Those of them that were told wrongly at first.
    pub corrected_returns: u32,
    /// Messages that were sent once more in the evening.
    pub late_repeats: u32,
    /// Questions to which the vendor's system did not know the answer at first.
    pub late_answers: u32,
}

/// What a till system does at all, as its dialect says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// Bonuses can pay at it.
    pub redeems: bool,
    /// Those of several guests can pay for one receipt.
    pub shares_redemptions: bool,
    /// A closed order may be told once more with fewer bonuses.
    pub lowers_redemptions: bool,
    /// A payment can be rolled back.
    pub rolls_back: bool,
    /// A return can be taken back.
    pub undoes_returns: bool,
    /// Parts of a receipt can come back.
    pub half_returns: bool,
    /// A return may be told once more with other lines.
    pub corrects_returns: bool,
    /// What it did not say can be seen in the vendor's own system.
    pub is_asked: bool,
}

impl Habits {
    fn of(dialect: &dyn Dialect, sale: &Sale) -> Self {
        Habits {
            redeems: dialect.redeems(),
            shares_redemptions: dialect.takes_payers(sale),
            lowers_redemptions: dialect.redeems() && dialect.parts_back() == PartsBack::NewerOrder,
            rolls_back: dialect.rolls_back(),
            undoes_returns: dialect.undo_return(sale, sale.at).is_some(),
            half_returns: dialect.parts_back() != PartsBack::Never,
            corrects_returns: dialect.corrects_returns(),
            is_asked: dialect.vendor().is_some(),
        }
    }
}

/// How a day came out.
#[derive(Debug, Clone)]
pub struct Report {
    /// Kind of till.
    pub kind: &'static str,
    /// Sales.
    pub receipts: u32,
    /// What happened.
    pub counts: Counts,
    /// Messages that were answered.
    pub answered: u32,
    /// How often each fault struck.
    pub struck: BTreeMap<Fault, u32>,
    /// What such a till does at all.
    pub habits: Habits,
    /// In what the books differ, and what tills were told wrongly: a sentence each.
    pub differences: Vec<String>,
}

impl Report {
    /// Whether the books came out.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let mut rows = vec![
            ("receipts", self.receipts),
            ("with a guest", counts.with_guest),
            ("with redemption", counts.redemptions),
            ("paid by two", counts.shared_redemptions),
            ("paid by fewer", counts.lowered_redemptions),
            ("returns", counts.returns),
            ("undone returns", counts.undone_returns),
            ("half-returns", counts.half_returns),
            ("corrected returns", counts.corrected_returns),
            ("rollbacks", counts.rollbacks),
            ("guests taken off", counts.guests_taken_off),
            ("late repeats", counts.late_repeats),
            ("late answers", counts.late_answers),
            ("messages answered", self.answered),
        ];
        let faults = self.struck.iter().filter(|(f, _)| **f != Fault::HalfReturns);
        rows.extend(faults.map(|(fault, count)| (fault.name(), *count)));
        writeln!(f, "{:18} {}", "till system", self.kind)?;
        for (what, count) in rows {
            writeln!(f, "{what:18} {count}")?;
        }
        for difference in &self.differences {
            writeln!(f, "DIFFERS            {difference}")?;
        }
        let books = if self.is_clean() {
            "came out"
        } else {
            "did NOT come out"
        };
        write!(f, "{:18} {books}", "the books")
    }
}

/// Plays the day and compares the books.
///
/// # Errors
/// Where the day could not be played to its end: nobody answers, the key may not do what is needed.
pub fn run(plan: &Plan, restart: Restart<'_>) -> Result<Report, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(play(plan, restart))
}

async fn play(plan: &Plan, restart: Restart<'_>) -> Result<Report, Failure> {
    let dialect = DIALECTS
        .iter()
        .copied()
        .find(|dialect| dialect.name() == plan.kind)
        .ok_or_else(|| format!("there is no till system {}", plan.kind))?;
    let host = authority(&plan.address).ok_or("the address must begin with http://")?;
    let address = resolve(&host)?
        .first()
        .copied()
        .ok_or_else(|| format!("nobody knows {host}"))?;
    let office = Office {
        address,
        host,
        key: plan.key.clone().unwrap_or_else(|| LIVE_KEY.to_owned()),
    };
    office.check_key(plan.key.is_some()).await?;
    let mut door = door(&office, dialect, plan).await?;
    let vendor = dialect.vendor();
    let mut settings = dialect.settings();
    if let Some(vendor) = &vendor {
        let opened = vendor::open(Arc::clone(vendor)).await?;
        settings = vendor.settings(&opened);
        if let Some(place) = door.places.iter().find(|p| asks_another(&p.settings, &settings)) {
            return Err(format!(
                "the connection {} asks a vendor's system already, and a simulated day would set it to its own: play with a \
                 network for trying things, or make a venue and a key of its own for it",
                place.connection
            )
            .into());
        }
        for place in &mut door.places {
            forget_former_day(&mut place.settings, &settings);
        }
    }
    if !settings.is_null() {
        office.set(&door.places, &settings).await?;
    }
    let played = day(plan, &office, &door, dialect, vendor.clone(), restart).await;
    // Whatever came of it. Why the day ended early says more than why nothing could be put back then.
    let put_back = door.put_back(&office, !settings.is_null()).await;
    let report = played?;
    put_back?;
    Ok(report)
}

/// Where the day is played.
struct Door {
    token: String,
    /// The connections that the token may be of.
    places: Vec<Place>,
    /// Whether the connection was made for this day.
    own: bool,
}

impl Door {
    /// As it was before the day. A vendor's system closes with the day: nobody is to ask it any more.
    async fn put_back(&self, office: &Office, was_set: bool) -> Result<(), Failure> {
        if was_set {
            office.set(&self.places, &json!({})).await?;
        }
        if self.own {
            office.switch_off(&self.places).await?;
        }
        Ok(())
    }
}

async fn door(office: &Office, dialect: &dyn Dialect, plan: &Plan) -> Result<Door, Failure> {
    let kind = dialect.kind();
    let token = match (&plan.key, &plan.token) {
        (_, Some(token)) => token.clone(),
        (None, None) => token_of(kind)
            .ok_or("the demo network has no such till")?
            .to_owned(),
        (Some(_), None) => {
            let (place, token) = office.connect(kind).await?;
            return Ok(Door {
                token,
                places: vec![place],
                own: true,
            });
        }
    };
    let places = office.places(kind).await?;
    if places.is_empty() {
        return Err(format!("the network has no active connection of the kind {kind}").into());
    }
    Ok(Door {
        token,
        places,
        own: false,
    })
}

async fn day(
    plan: &Plan,
    office: &Office,
    door: &Door,
    dialect: &'static dyn Dialect,
    vendor: Option<Arc<dyn Vendor>>,
    restart: Restart<'_>,
) -> Result<Report, Failure> {
    let place = door.places.first().cloned().ok_or("there is no connection")?;
    let moment = plan.now.timestamp_millis().unsigned_abs();
    let wire = Wire::new(
        (office.address, office.host.clone()),
        format!("/pos/{}/{}/", dialect.kind(), door.token),
        dialect,
        Dice::new(plan.seed ^ 0x7769_7265),
        restart,
    );
    let now = plan.now.with_timezone(&place.zone);
    let dice = (Dice::new(plan.seed), Dice::new(plan.seed ^ moment));
    let mut day = Day::new(office, place, wire, dice, now, plan.receipts);
    day.vendor.clone_from(&vendor);
    day.invite(plan.seed).await?;
    let first = day.first().await?;
    if let Some(vendor) = &vendor {
        office.asked(&door.places, &**vendor).await?;
    }
    day.place = here(office, &door.places, dialect, &first).await?;
    day.now = plan.now.with_timezone(&day.place.zone);
    day.wire.faults = plan.faults.clone();
    day.play().await?;
    if let Some(vendor) = &vendor {
        office.asked(std::slice::from_ref(&day.place), &**vendor).await?;
        day.account.forget_unseen(office, &day.place).await?;
        day.counts.late_answers = vendor.late_answers();
    }

    let mut differences = day.complaints;
    let found = day.account.compare(office, &day.place, &day.wire.refused).await?;
    differences.extend(found);
    Ok(Report {
        kind: dialect.name(),
        receipts: plan.receipts,
        counts: day.counts,
        answered: day.wire.answered,
        struck: day.wire.struck,
        habits: Habits::of(dialect, &first),
        differences,
    })
}

/// Whether a connection is set to another system than a simulated one: an address or an account of its own.
fn asks_another(set: &Value, simulated: &Value) -> bool {
    match (set, simulated) {
        (Value::Object(set), Value::Object(simulated)) => simulated
            .iter()
            .any(|(name, simulated)| set.get(name).is_some_and(|set| asks_another(set, simulated))),
        // A secret is not shown; and every simulated day has another port.
        (Value::String(set), Value::String(simulated)) => {
            set != simulated && !set.is_empty() && set != HIDDEN && !set.starts_with("http://127.0.0.1:")
        }
        _ => false,
    }
}

/// Takes out of a connection's settings what a day that was killed has left there: its secrets can't be put back.
fn forget_former_day(set: &mut Value, simulated: &Value) {
    let (Some(set), Some(simulated)) = (set.as_object_mut(), simulated.as_object()) else {
        return;
    };
    let is_left = |value: &Value| value.to_string().contains("\"http://127.0.0.1:");
    if simulated.keys().any(|name| set.get(name).is_some_and(is_left)) {
        set.retain(|name, _| !simulated.contains_key(name));
    }
}

/// Which connection a token is of, nobody tells: it is the one where the first receipt turns up.
async fn here(
    office: &Office,
    places: &[Place],
    dialect: &dyn Dialect,
    first: &Sale,
) -> Result<Place, Failure> {
    for place in places {
        let receipt = office.receipt(place, &dialect.external_id(first)).await?;
        if receipt.is_some() {
            return Ok(place.clone());
        }
    }
    Err(
        "the first receipt is not in the books: GET /messages says whether it was refused, and why; else the till's token is \
         of another network than the key"
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_asks_a_real_system_is_left_alone() {
        let simulated = json!({"api": "http://127.0.0.1:2/a", "client_id": "simulator", "odata": {"url": "http://127.0.0.1:2"}});
        for mine in [
            json!({}),
            json!({"categ_id": "x"}),
            json!({"api": "http://127.0.0.1:1/a", "client_id": "simulator"}),
            json!({"client_secret": HIDDEN, "client_id": ""}),
        ] {
            assert!(!asks_another(&mine, &simulated), "{mine}");
        }
        for real in [
            json!({"api": "https://delivery.ucs.ru"}),
            json!({"client_id": "shop"}),
            json!({"odata": {"url": "https://base.example"}}),
        ] {
            assert!(asks_another(&real, &simulated), "{real}");
        }
    }

    #[test]
    fn what_a_killed_day_left_is_not_put_back() {
        let simulated = json!({"odata": {"url": "http://127.0.0.1:2", "password": "simulator"}});
        let forgotten = |mut set: Value| {
            forget_former_day(&mut set, &simulated);
            set
        };
        let left = json!({"odata": {"url": "http://127.0.0.1:1", "password": HIDDEN}, "shop": "x"});
        assert_eq!(forgotten(left), json!({"shop": "x"}));
        let own = json!({"odata": {"url": "", "every_seconds": 60}, "shop": "x"});
        assert_eq!(forgotten(own.clone()), own);
    }

    #[test]
    fn every_till_system_can_be_played() {
        let mut adapters: Vec<&str> = crate::pos::ADAPTERS
            .iter()
            .map(|adapter| adapter.kind())
            .collect();
        let mut played: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.kind()).collect();
        played.sort_unstable();
        played.dedup();
        adapters.sort_unstable();
        assert_eq!(played, adapters);
    }
}
