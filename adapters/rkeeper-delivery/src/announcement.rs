//! The webhook, with the template that we publish: an order has changed. What it says beyond the order's number is only
//! a hint; the order itself is read over the REST API.

use kopilka_contract::{
    Ask, Dialogue, Errand, Refusal, Reply, Told, Unreadable, Words, presented, same_secret,
};
use serde_json::{Value, json};

use crate::amounts::{id, status};
use crate::answer;
use crate::order::time;
use crate::remark::Remark;
use crate::settings::{DeliverySettings, Fate};
use crate::unread::Unread;

/// An announcement, read.
#[derive(Debug)]
pub(crate) struct Announcement {
    errands: Vec<Errand>,
    remarks: Vec<Remark>,
}

/// Whether a webhook carries the token that the panel was given for it; else it is told so, with 401.
pub(crate) fn admits(shown: Option<&str>, token: &str) -> Result<(), Reply> {
    let shown = shown.unwrap_or_default().trim();
    let alone = presented(shown).map_or_else(|| shown.to_owned(), |(_, secret)| secret);
    if same_secret(&alone, token) {
        return Ok(());
    }
    Err(answer::error(
        401,
        "the webhook's token is not the one of this connection",
    ))
}

/// Key of the errand that reads an order.
pub(crate) fn errand_key(order: &str) -> String {
    format!("order/{order}")
}

/// Reads the body of a webhook. A template may write numbers with quotes or without, and leave empty what is not known.
pub(crate) fn read(body: &[u8], settings: &DeliverySettings) -> Result<Announcement, Unreadable> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|_| answer::unreadable(Unread::NotUtf8))?;
    if text.trim().is_empty() {
        return Ok(Announcement::of(Remark::Probe));
    }
    let fields: Value =
        serde_json::from_str(text).map_err(|error| answer::unreadable(Unread::NotJson(error)))?;
    let Some(order) = id(&fields["orderId"]) else {
        return Err(answer::unreadable(Unread::NoOrderId));
    };
    if is_placeholder(&order) {
        return Err(answer::unreadable(Unread::Placeholder { order }));
    }
    let restaurant = id(&fields["restaurantId"]);
    let status = status(&fields["statusId"]);
    let fate = status.map(|status| settings.fate(status));
    if let Some(None) = fate {
        return Ok(Announcement::of(Remark::NotSoldYet { status }));
    }
    // One that is cancelled may have been posted here before the connection was set so.
    if let Some(remark) = settings
        .leaves_to_others(restaurant.as_deref())
        .filter(|_| fate == Some(Some(Fate::Sold)) || !settings.has_account())
    {
        return Ok(Announcement::of(remark));
    }
    let without_status = status.is_none().then_some(Remark::NoStatusId);
    Ok(Announcement {
        errands: vec![Errand::new(
            errand_key(&order),
            json!({"order": order, "status": status, "changed": time(&fields["changedAt"])}),
        )],
        remarks: std::iter::once(Remark::ToBeRead { order })
            .chain(without_status)
            .collect(),
    })
}

/// Whether a number is what a template holds before it is filled: brackets, or signs that no order's number has.
fn is_placeholder(order: &str) -> bool {
    order.contains('…') || order.contains("...") || order.contains(['[', ']', '{', '}', '<', '>', '%', '$'])
}

impl Announcement {
    fn of(remark: Remark) -> Self {
        Announcement {
            errands: Vec::new(),
            remarks: vec![remark],
        }
    }
}

impl Dialogue for Announcement {
    fn asks(&self) -> Vec<Ask> {
        Vec::new()
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.iter().map(Remark::words).collect()
    }

    fn errands(&self) -> Vec<Errand> {
        self.errands.clone()
    }

    fn reply(&self, _told: &[Result<Told, Refusal>]) -> Reply {
        answer::json(200, &json!({"received": true}))
    }
}
