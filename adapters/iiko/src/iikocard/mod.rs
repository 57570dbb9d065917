//! As much of iikoCard's API (`api/1/loyalty/iiko/…` of iikoCloud) as a site or an app needs that was written for iiko's own
//! loyalty: it moves by changing the base address to `/pos/iiko/<token>`.
//!
//! Off unless the connection has the setting `iikocard`: whoever may call it may give bonuses. Names and shapes are those of
//! the vendor's OpenAPI file; how an unknown guest is answered (400 with `errorDescription`) is assumed.

mod answer;
mod guest;
mod guest_id;
mod login;
mod program;
mod wallet;
mod wrong;

use kopilka_contract::{Dialogue, Message, Reply, Settings, Unreadable, Words};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::wrong::Wrong;
use crate::Id;
use crate::settings::{IikoCardSettings, IikoSettings};

pub(crate) use login::{SECOND_KIND, admits, is_login};

/// What stands before the loyalty methods.
const LOYALTY: &str = "loyalty/iiko/";

/// One request with its connection.
struct Call<'a> {
    message: &'a Message<'a>,
    card: IikoCardSettings,
    organizations: std::collections::BTreeSet<Id>,
    language: kopilka_contract::Language,
}

/// Reads a request; `path` is what follows `api/1/`.
pub(crate) fn read(
    path: &str,
    message: &Message<'_>,
    settings: &Settings,
) -> Result<Box<dyn Dialogue>, Unreadable> {
    let iiko = settings.typed::<IikoSettings>().map_err(|error| Unreadable {
        reason: error.words(),
        reply: answer::error(message, 500, "the connection is not set up"),
    })?;
    let organizations = iiko.restaurants().clone();
    let Some(card) = iiko.iikocard else {
        return Err(Unreadable {
            reason: Words::new(
                "iikoCard в этом подключении выключен (настройка iikocard)",
                "iikoCard is not switched on for this connection (setting `iikocard`)",
            ),
            reply: answer::error(message, 401, "iikoCard is not switched on"),
        });
    };
    let call = Call {
        message,
        card,
        organizations,
        language: settings.language,
    };
    if message.method != "POST" {
        return Err(call.wrong(405, &Wrong::Method));
    }
    let Some(method) = path.strip_prefix(LOYALTY) else {
        return match path {
            "access_token" => Ok(Box::new(login::read(&call)?)),
            "organizations" => Ok(Box::new(program::organizations(&call))),
            _ => Err(call.unknown(path)),
        };
    };
    call.check_organization()?;
    Ok(match method {
        "customer/info" => Box::new(guest::info(&call)?),
        "customer/create_or_update" => Box::new(guest::create_or_update(&call)?),
        "customer/card/add" => Box::new(guest::card(&call, true)?),
        "customer/card/remove" => Box::new(guest::card(&call, false)?),
        "customer/program/add" => Box::new(guest::join_program(&call)?),
        "customer/wallet/hold" => Box::new(wallet::hold(&call)?),
        "customer/wallet/cancel_hold" => Box::new(wallet::cancel_hold(&call)?),
        "customer/wallet/topup" => Box::new(wallet::adjust(&call, true)?),
        "customer/wallet/chargeoff" => Box::new(wallet::adjust(&call, false)?),
        "program" => Box::new(program::programs(&call)),
        "customer_category" => Box::new(program::categories()),
        _ => return Err(call.unknown(path)),
    })
}

/// What a caller is told where we failed: nothing is known to be done.
pub(crate) fn failure(message: &Message<'_>, words: &str) -> Reply {
    answer::error(message, 500, words)
}

impl Call<'_> {
    fn body<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        let value = self.json()?;
        serde_json::from_value(value).map_err(|error| self.wrong(400, &Wrong::Body(error)))
    }

    fn json(&self) -> Result<serde_json::Value, Unreadable> {
        serde_json::from_slice(self.message.body).map_err(|error| self.wrong(400, &Wrong::Body(error)))
    }

    fn check_organization(&self) -> Result<(), Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Named {
            #[serde(default, deserialize_with = "Id::if_any")]
            organization_id: Option<Id>,
        }
        let named: Named = self.body()?;
        let known = named.organization_id.as_ref();
        if self.organizations.is_empty() || known.is_none_or(|id| self.organizations.contains(id)) {
            return Ok(());
        }
        Err(self.wrong(400, &Wrong::OtherOrganization))
    }

    fn wrong(&self, status: u16, wrong: &Wrong) -> Unreadable {
        let reason = wrong.words();
        Unreadable {
            reply: answer::error(self.message, status, &reason.en),
            reason,
        }
    }

    fn unknown(&self, path: &str) -> Unreadable {
        let path = path.to_owned();
        self.wrong(404, &Wrong::NotServed { path })
    }

    /// A key that this message alone has, where the caller gives none: the vendor's contract has none for a top-up and a
    /// charge-off, so that each request is an operation of its own, as at iiko. A replayed message has its own again.
    fn own_key(&self, what: &str) -> String {
        let at = self.message.received_at.timestamp_micros().to_string();
        answer::uuid_of(&[what.as_bytes(), at.as_bytes(), self.message.body])
    }
}

/// A reply that is known without asking the ledger.
#[derive(Debug)]
struct Said(Reply);

impl Said {
    fn new(body: &impl Serialize) -> Self {
        Said(answer::json(200, body))
    }
}

impl Dialogue for Said {
    fn asks(&self) -> Vec<kopilka_contract::Ask> {
        Vec::new()
    }

    fn reply(&self, _told: &[Result<kopilka_contract::Told, kopilka_contract::Refusal>]) -> Reply {
        self.0.clone()
    }
}
