//! Reconciliation with the restaurant's own server: every night it is asked for its report of the days before, and what it
//! sold is compared with what the other roads have brought. Nothing is posted because of it.
//!
//! `settings` and `request` are how it is asked, `asking` what comes next, `report` what it answers.

mod asking;
mod report;
mod request;
mod settings;

use chrono::NaiveDate;
use kopilka_contract::{
    Ask, Dialogue, Errand, Message, Refusal, Reply, Settings, TillDay, Told, Unreadable, Words,
};
use serde_json::json;

pub(crate) use asking::step;
pub use settings::ServerSettings;

use crate::cloud::not_fetched;
use crate::poll::SERVER_ERRAND;
use crate::remark::Remark;
use crate::settings::IikoSettings;
use crate::webhook;

/// What a report is fetched as: `poll/server/olap?day=2026-03-14`.
const OLAP: &str = "olap";

/// An errand that asks for a day; `None`: the server is not asked.
pub(crate) fn errand(settings: &Settings, day: NaiveDate) -> Option<Errand> {
    let iiko = settings.typed::<IikoSettings>().ok()?;
    let key = format!("{SERVER_ERRAND}day/{day}");
    iiko.server
        .is_set_up()
        .then(|| Errand::new(key, json!({"day": day})))
}

/// Reads what was fetched as `server/<what>`.
pub(crate) fn read(
    what: &str,
    message: &Message<'_>,
    settings: &Settings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let unreadable = |reason: Words| Unreadable {
        reason,
        reply: webhook::nothing_here(),
    };
    if what != OLAP {
        return Err(unreadable(not_fetched(&format!("server/{what}"))));
    }
    let iiko = settings
        .typed::<IikoSettings>()
        .map_err(|error| unreadable(error.words()))?;
    let day = message.query.strip_prefix("day=");
    let day = day
        .and_then(|day| day.parse().ok())
        .ok_or_else(|| unreadable(no_day()))?;
    let (day, remarks) =
        report::read(message.body, day, settings, &iiko.server).map_err(|error| unreadable(error.words()))?;
    Ok(Box::new(Report { day, remarks }))
}

fn no_day() -> Words {
    Words::new(
        "отчёт не говорит, за какой он день",
        "the report does not say of which day it is",
    )
}

/// A report, read.
struct Report {
    day: TillDay,
    remarks: Vec<Remark>,
}

impl Dialogue for Report {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Reconcile(Box::new(self.day.clone()))]
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.iter().map(Remark::words).collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        let body = match told {
            [Ok(Told::Reconciled(day))] => {
                json!({"orders": day.told, "known": day.known, "differences": day.open})
            }
            _ => json!({}),
        };
        Reply {
            status: 200,
            content_type: "application/json",
            body: body.to_string().into_bytes(),
        }
    }
}
