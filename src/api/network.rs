//! The caller's network: its settings, and the clock of a sandbox.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::json_body::{JsonBody, from_value};
use super::names;
use super::openapi::Refusals;
use super::problem::Problem;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::NetworkId;
use crate::domain::settings::NetworkSettings;
use crate::storage::networks;
use crate::storage::networks::StoredNetwork;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, change))
        .routes(routes!(move_clock))
}

/// A network.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct NetworkView {
    #[schema(value_type = String, example = "net_01hgw3zj3q7hx")]
    id: NetworkId,
    #[schema(example = "Кофейни «Полка»")]
    name: String,
    /// Days are counted in it.
    #[schema(example = "Europe/Moscow")]
    time_zone: String,
    #[schema(value_type = SettingsShape)]
    settings: NetworkSettings,
    /// Grows with every change that a receipt's outcome depends on.
    version: i64,
    /// Whether its clock may be moved.
    sandbox: bool,
    /// What its clock says.
    now: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl NetworkView {
    pub(super) fn of(network: StoredNetwork, now: Timestamp) -> Self {
        NetworkView {
            id: network.id,
            name: network.name,
            time_zone: network.time_zone,
            settings: network.settings,
            version: network.version,
            sandbox: network.sandbox,
            now: now + network.clock_offset,
            created_at: network.created_at,
        }
    }
}

/// How the settings look, for the description of the API only: the domain knows nothing of it.
#[derive(Debug, ToSchema)]
#[schema(as = NetworkSettings)]
#[expect(dead_code, reason = "only described")]
pub(super) struct SettingsShape {
    /// How an accrual is rounded: `mode` is `down`, `half_up` or `up`; `unit` is 0.01, 0.10, 1.00 or 10.00.
    #[schema(value_type = Object, example = json!({"mode": "down", "unit": "0.01"}))]
    rounding: (),
    /// Whether the part of a line that was paid with bonuses accrues too.
    accrue_on_redeemed: bool,
    /// Kinds of payments that lower the base.
    #[schema(example = json!(["gift_certificate"]))]
    excluded_payment_kinds: Vec<String>,
    /// Border of the business day.
    #[schema(example = "05:00")]
    day_starts_at: String,
    /// Most of a receipt that bonuses may pay, in percent.
    #[schema(example = "50")]
    redeem_max_percent: String,
    /// Least that stays to be paid with money.
    #[schema(example = "1.00")]
    min_money_payment: String,
    /// How long a hold lasts.
    #[schema(example = 30)]
    hold_minutes: u32,
    /// Days that ordinary bonuses live; null: for ever.
    #[schema(example = 365)]
    bonus_lifetime_days: Option<u32>,
    /// Days until accrued bonuses start.
    accrual_delay_days: u32,
    /// Least life of bonuses that a return gives back, in days.
    #[schema(example = 7)]
    refund_grace_days: u32,
    /// A customer without a purchase for so many days loses the balance; null: never.
    inactivity_reset_days: Option<u32>,
    /// Which text of the consent guests are asked to agree to.
    #[schema(example = "2026-01")]
    consent_version: Option<String>,
    /// The text itself.
    consent_text: Option<String>,
    /// Where a guest joins by himself: the till's second screen shows it as a code.
    #[schema(example = "https://polka.example/join")]
    join_url: Option<String>,
    /// A till on which nothing happens for so many seconds is locked.
    #[schema(example = 600)]
    till_idle_lock_seconds: u32,
}

/// What changes of a network; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"name": "Кофейни «Полка»", "settings": {"redeem_max_percent": "50", "bonus_lifetime_days": 365}}))]
struct NetworkChange {
    name: Option<String>,
    time_zone: Option<String>,
    /// The settings that change; null brings a setting back to its default.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

/// Where the clock is to stand.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    /// Not before what the clock says now.
    #[schema(example = "2026-12-01T09:00:00+03:00")]
    now: DateTime<Utc>,
}

fn noted(network: &StoredNetwork) -> Value {
    json!({
        "name": network.name,
        "time_zone": network.time_zone,
        "settings": network.settings,
        "clock_offset_s": network.clock_offset.num_seconds(),
    })
}

/// The settings with some of them changed.
fn changed(settings: &NetworkSettings, change: &Map<String, Value>) -> Result<NetworkSettings, Problem> {
    let mut values = match serde_json::to_value(settings) {
        Ok(Value::Object(values)) => values,
        _ => return Err(Problem::internal()),
    };
    for (name, value) in change {
        if value.is_null() {
            // Absent: the default. An unknown name stays in, to be refused.
            if values.remove(name).is_none()
                && name != "bonus_lifetime_days"
                && name != "inactivity_reset_days"
            {
                values.insert(name.clone(), Value::Null);
            }
        } else {
            values.insert(name.clone(), value.clone());
        }
    }
    let settings: NetworkSettings = from_value("/settings", Value::Object(values))?;
    match settings.fault() {
        Some((field, ru, en)) => Err(Problem::invalid(&format!("/settings/{field}"), ru, en)),
        None => Ok(settings),
    }
}

/// The caller's network.
#[utoipa::path(get, path = "/network", tag = "network",
    responses((status = 200, description = "The network.", body = NetworkView), Refusals))]
async fn show(State(app): State<App>, caller: Caller) -> Result<Json<NetworkView>, Problem> {
    // A till needs the zone and the limits; there is nothing secret in it.
    let found: Result<StoredNetwork, Problem> = app
        .read(move |connection| Ok(networks::find(connection, caller.tenant)?))
        .await;
    Ok(Json(NetworkView::of(found?, app.clock.now())))
}

/// Changes the network: receipts from now on follow it.
#[utoipa::path(patch, path = "/network", tag = "network", request_body = NetworkChange,
    responses((status = 200, description = "As it now is.", body = NetworkView), Refusals))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<NetworkChange>,
) -> Result<Json<NetworkView>, Problem> {
    caller.needs(Scope::Admin)?;
    caller.needs_whole_network()?;
    let change = body.value;
    let name = change
        .name
        .as_deref()
        .map(|n| names::name("/name", n, 200))
        .transpose()?;
    let zone = change
        .time_zone
        .as_deref()
        .map(|z| names::time_zone("/time_zone", z))
        .transpose()?;
    let settings = change.settings;
    alter(&app, caller, "network.update", move |network, _| {
        if let Some(name) = &name {
            network.name.clone_from(name);
        }
        if let Some(zone) = &zone {
            zone.name().clone_into(&mut network.time_zone);
        }
        if let Some(settings) = &settings {
            network.settings = changed(&network.settings, settings)?;
        }
        Ok(())
    })
    .await
}

/// Moves the clock of a sandbox network forward: what expires or starts until then does so.
#[utoipa::path(post, path = "/network/clock", tag = "network", request_body = ClockRequest,
    responses((status = 200, description = "As it now is.", body = NetworkView),
        (status = 409, description = "`not-a-sandbox`: a working network's clock is never moved.", body = super::problem::ProblemBody, content_type = "application/problem+json"),
        Refusals))]
async fn move_clock(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<ClockRequest>,
) -> Result<Json<NetworkView>, Problem> {
    caller.needs(Scope::Admin)?;
    caller.needs_whole_network()?;
    let wanted = body.value.now.trunc_subsecs(6);
    alter(&app, caller, "network.clock", move |network, now| {
        if !network.sandbox {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "not-a-sandbox",
                "Часы рабочей сети не переводят.",
                "The clock of a working network is never moved.",
            ));
        }
        let ahead = wanted - now;
        if ahead < network.clock_offset || ahead > chrono::Duration::days(36_500) {
            return Err(Problem::invalid(
                "/now",
                "Часы переводят только вперёд, не дальше чем на 100 лет.",
                "The clock is moved forward only, and by 100 years at most.",
            ));
        }
        network.clock_offset = ahead;
        Ok(())
    })
    .await
}

/// Reads the network, changes it, writes it with its audit entry.
async fn alter(
    app: &App,
    caller: Caller,
    action: &'static str,
    change: impl Fn(&mut StoredNetwork, Timestamp) -> Result<(), Problem> + Send + 'static,
) -> Result<Json<NetworkView>, Problem> {
    let author = Author::of(app, &caller)?;
    let now = author.now;
    let network = app
        .write(move |connection| -> Result<StoredNetwork, Problem> {
            let tenant = caller.tenant;
            networks::hold(connection, tenant)?;
            let before = networks::find(connection, tenant)?;
            let mut network = before.clone();
            change(&mut network, now)?;
            if network == before {
                return Ok(before);
            }
            networks::update(connection, tenant, &network)?;
            author.note(
                connection,
                action,
                network.id,
                Some(&noted(&before)),
                Some(&noted(&network)),
            )?;
            network.version += 1;
            Ok(network)
        })
        .await?;
    Ok(Json(NetworkView::of(network, now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(change: Value) -> Result<NetworkSettings, (String, String)> {
        let settings = NetworkSettings {
            hold_minutes: 5,
            bonus_lifetime_days: Some(10),
            ..NetworkSettings::default()
        };
        changed(&settings, change.as_object().unwrap()).map_err(|p| {
            (
                p.code,
                p.errors.first().map(|e| e.pointer.clone()).unwrap_or_default(),
            )
        })
    }

    #[test]
    fn settings_change_one_by_one() {
        let settings = change(json!({"redeem_max_percent": "50"})).unwrap();
        assert_eq!(
            (settings.hold_minutes, settings.bonus_lifetime_days),
            (5, Some(10))
        );
        let settings =
            change(json!({"hold_minutes": null, "bonus_lifetime_days": null, "inactivity_reset_days": null}))
                .unwrap();
        assert_eq!((settings.hold_minutes, settings.bonus_lifetime_days), (30, None));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let wrong = |field: &str| Err(("invalid-request".to_owned(), format!("/settings/{field}")));
        assert_eq!(
            change(json!({"redeem_max_percent": "101"})),
            wrong("redeem_max_percent")
        );
        assert_eq!(change(json!({"hold_minutes": 0})), wrong("hold_minutes"));
        assert_eq!(change(json!({"hold_minutes": "x"})), wrong("hold_minutes"));
        assert_eq!(change(json!({"colour": 1})), wrong("colour"));
        assert_eq!(change(json!({"colour": null})), wrong("colour"));
    }
}
