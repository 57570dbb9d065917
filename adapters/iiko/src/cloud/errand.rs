//! What messages leave to be asked or told.

use kopilka_contract::{Errand, Words};
use serde::{Deserialize, Serialize};

use super::state::What;
use crate::Id;
use crate::envelope::Service;

/// Key of the errand for the menu.
const MENU: &str = "menu";

/// What the till is told of an order that waits for a person here.
pub(crate) static NOT_READ: std::sync::LazyLock<Words> = std::sync::LazyLock::new(|| {
    Words::new(
        "Сервис бонусов не смог прочитать заказ: бонусы по нему не начислены, его разбирает сотрудник.",
        "The bonus service could not read the order: no bonuses were given, a person looks into it.",
    )
});

/// An errand in words of our own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// An order that was announced without its content.
    Order {
        what: What,
        organization: Id,
        id: Id,
        /// Where an order of a till can be loaded from.
        terminal_group: Option<Id>,
    },
    /// The till is to be told something about an order.
    Notify {
        organization: Id,
        order: Id,
        text: String,
    },
    /// The menu.
    Menu,
}

impl Wanted {
    /// The order of an event that came without it.
    pub(crate) fn order(service: Service, organization: Id, id: Id) -> Self {
        Wanted::Order {
            what: match service {
                Service::Delivery => What::Delivery,
                Service::Table => What::Table,
            },
            organization,
            id,
            terminal_group: None,
        }
    }

    /// An order that is known by its id at the till.
    pub(crate) fn till_order(organization: Id, terminal_group: Id, id: Id) -> Self {
        Wanted::Order {
            what: What::TillOrder,
            organization,
            id,
            terminal_group: Some(terminal_group),
        }
    }

    /// Something that the till is to be told about an order.
    pub(crate) fn notify(organization: Id, order: Id, text: String) -> Self {
        Wanted::Notify {
            organization,
            order,
            text,
        }
    }

    /// As it is kept.
    pub(crate) fn errand(&self) -> Errand {
        let key = match self {
            Wanted::Order { what, id, .. } => key(*what, id),
            Wanted::Notify { order, .. } => format!("notify/{order}"),
            Wanted::Menu => MENU.to_owned(),
        };
        // Fixed names and texts: nothing that could fail.
        Errand::new(key, serde_json::to_value(self).unwrap_or_default())
    }

    /// What an errand wants; `None`: something of another version.
    pub(crate) fn of(errand: &Errand) -> Option<Self> {
        serde_json::from_value(errand.what.clone()).ok()
    }
}

/// Key of the errand for an order.
pub(crate) fn key(what: What, id: &Id) -> String {
    match what {
        What::Delivery => format!("delivery/{id}"),
        What::Table => format!("table/{id}"),
        What::TillOrder => format!("till-order/{id}"),
    }
}
