//! What a connection to a till system must be like.

use axum::http::StatusCode;
use chrono_tz::Tz;
use kopilka_contract::{Adapter, Language, Settings};
use serde_json::Value;

use super::json_body::misread;
use super::problem::Problem;
use crate::addresses::Addresses;
use crate::domain::watch::{MOST_FAILING, MOST_OPENING_HOURS, MOST_QUIET_MINUTES, Watch};
use crate::pos::same_sales::may_share_orders;
use crate::pos::{ADAPTERS, adapter, secrets};
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::{AnyConnection, Tenant};

/// So many addresses and networks may be named from where a till speaks.
const MOST_ADDRESSES: usize = 50;

/// The adapter of a till system that a caller names.
pub(super) fn adapter_of(kind: &str) -> Result<&'static dyn Adapter, Problem> {
    adapter(kind).ok_or_else(|| {
        let known: Vec<&str> = ADAPTERS.iter().map(|adapter| adapter.kind()).collect();
        let known = known.join(", ");
        Problem::invalid(
            "/kind",
            format!("Такой кассовой системы нет; есть: {known}."),
            format!("There is no such till system; there are: {known}."),
        )
    })
}

/// Refuses settings that the adapter does not understand.
pub(super) fn check_settings(adapter: &dyn Adapter, values: &Value) -> Result<(), Problem> {
    if !values.is_object() {
        return Err(Problem::invalid(
            "/settings",
            "Настройки — это объект.",
            "Settings are an object.",
        ));
    }
    let settings = Settings {
        time_zone: Tz::UTC,
        language: Language::default(),
        values: values.clone(),
    };
    adapter
        .check_settings(&settings)
        .map_err(|error| misread("/settings", &error.0))?;
    let wrong = adapter.addresses().iter().find(|place| {
        let given = values.pointer(place).and_then(Value::as_str);
        given.is_some_and(|address| !address.is_empty() && !is_of_the_web(address))
    });
    match wrong {
        Some(place) => Err(Problem::invalid(
            &format!("/settings{place}"),
            "Адрес пишется целиком, начиная с https:// (или http://).",
            "An address is written whole, from https:// (or http://) on.",
        )),
        None => Ok(()),
    }
}

/// Whether an address can be asked at all. Whether it may be is decided when it is: that depends on where it leads.
fn is_of_the_web(address: &str) -> bool {
    reqwest::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

/// Refuses a secret that is only the sign for one.
pub(super) fn nothing_hidden(adapter: &dyn Adapter, settings: &Value) -> Result<(), Problem> {
    match secrets::still_hidden(adapter, settings) {
        Some(place) => Err(Problem::invalid(
            &format!("/settings{place}"),
            "Впишите сам пароль: «***» годится, только пока не меняется адрес, на который он отправляется.",
            "Give the password itself: *** will do only while the address that it is sent to stays.",
        )),
        None => Ok(()),
    }
}

/// Refuses what nobody can look after.
pub(super) fn check_watch(watch: &Watch) -> Result<(), Problem> {
    if watch.failing_after > MOST_FAILING {
        return Err(Problem::invalid(
            "/watch/failing_after",
            "Не больше 50 сообщений подряд.",
            "At most 50 messages in a row.",
        ));
    }
    if watch
        .quiet_minutes
        .is_some_and(|minutes| !(1..=MOST_QUIET_MINUTES).contains(&minutes))
    {
        return Err(Problem::invalid(
            "/watch/quiet_minutes",
            "От одной минуты до недели (10080).",
            "One minute to a week (10080).",
        ));
    }
    if watch.opening_hours.len() > MOST_OPENING_HOURS {
        return Err(Problem::invalid(
            "/watch/opening_hours",
            "Не больше 14 записей о часах работы.",
            "At most 14 entries of opening hours.",
        ));
    }
    Ok(())
}

/// Reads from where messages may come.
pub(super) fn addresses(names: Vec<String>) -> Result<Addresses, Problem> {
    match Addresses::try_from(names) {
        Ok(addresses) if addresses.len() <= MOST_ADDRESSES => Ok(addresses),
        _ => Err(Problem::invalid(
            "/only_from",
            "Адреса и сети вида 203.0.113.7 или 10.0.0.0/8, не больше 50.",
            "Addresses and networks such as 203.0.113.7 or 10.0.0.0/8, at most 50.",
        )),
    }
}

/// Refuses to share the orders of a connection that is not there, names its orders in another way, or shares another's itself; and
/// of one whose orders others share to be another's.
pub(super) fn check_shared(
    connection: &mut AnyConnection,
    tenant: Tenant,
    of: &StoredConnection,
) -> Result<(), Problem> {
    let Some(other) = of.shares_orders_with else {
        return Ok(());
    };
    let place = "/shares_orders_with";
    let other = till_connections::find(connection, tenant, other)?
        .filter(|other| other.venue == of.venue && other.id != of.id && other.shares_orders_with.is_none())
        .ok_or_else(|| {
            Problem::invalid(
                place,
                "У заведения нет такого другого подключения, у которого свои заказы.",
                "The venue has no such other connection that has orders of its own.",
            )
        })?;
    if !may_share_orders(of, &other) {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "orders-named-differently",
            "Связать можно только подключения одной кассовой системы: разные системы называют один заказ по-разному, и он всё равно посчитался бы дважды.",
            "Only connections of one till system can be linked: different systems name one order differently, and it would count twice all the same.",
        )
        .at(place));
    }
    if till_connections::is_shared(connection, tenant, of.id)? {
        return Err(Problem::invalid(
            place,
            "Заказы этого подключения уже общие с другими: свяжите те с новым или разорвите их связь, потом повторите.",
            "Other connections share this one's orders already: link those to the new one, or part them, then try again.",
        ));
    }
    Ok(())
}
