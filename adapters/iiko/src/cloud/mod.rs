//! Asking iikoCloud: the net under webhooks that were lost, orders that were announced without their content, the menu; and
//! telling the till what it should know.
//!
//! Deliveries that changed are asked for by revision (`deliveries/by_revision`), which goes back three hours. At the first
//! start, after a longer outage and where iiko does not know the revision, the gap is filled by the dates of deliveries
//! (`deliveries/by_delivery_date_and_status`), newest first, so that no change falls between the two. What is found
//! becomes a message that the reader of webhooks understands: order, id and version are the same, so that it is one
//! receipt whichever brings it first. Orders of tables are not to be had like this: iiko has no list of changes of them.
//!
//! # Files
//!
//! `round` says what is asked next and `hear` what becomes of the answer; `request` are the calls, `found` the orders of
//! an answer, `reread` those that are read once more by their ids, `by_errand` those that messages left to be asked, `menu` the menu, `errand` what messages leave to be asked, `state` what is remembered.

mod by_errand;
mod errand;
mod found;
mod hear;
mod menu;
mod request;
mod reread;
mod round;
mod settings;
mod state;

use kopilka_contract::{Dialogue, Message, Settings, Unreadable, Words, words};

pub(crate) use errand::{NOT_READ, Wanted};
pub(crate) use round::step;
pub use settings::{CloudApplication, CloudSettings, MenuCategories};

use crate::remark::Remark;
use crate::webhook;

/// Reads what was fetched.
pub(crate) fn read(
    what: &str,
    message: &Message<'_>,
    settings: &Settings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let unreadable = |reason: Words| Unreadable {
        reason,
        reply: webhook::nothing_here(),
    };
    match what {
        "delivery" | "table" => Ok(Box::new(webhook::read(message, settings)?)),
        reread::AS_FOUND => {
            let mut delivery = webhook::read(message, settings)?;
            delivery.remark(&Remark::NotReadAgain);
            Ok(Box::new(delivery))
        }
        "menu" => menu::read(message, settings),
        "missing" | "gap" => Err(unreadable(hear::lost(what, message.body))),
        other => Err(unreadable(not_fetched(other))),
    }
}

/// Why something is not read that the service itself does not fetch.
pub(crate) fn not_fetched(what: &str) -> Words {
    words!(
        "под именем «{what}» ничего не запрашивается",
        "nothing is fetched as `{what}`"
    )
}

/// Reads a wish that the menu be taken over now.
pub(crate) fn wish_for_menu(settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
    Ok(Box::new(menu::wish(settings)?))
}
