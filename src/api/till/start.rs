//! What the till's page needs to begin: where it is, who stands at it, who may, and what it must know of the network.

use chrono::{DateTime, FixedOffset, SubsecRound, Utc};
use kopilka_contract::Money;
use serde::Serialize;
use utoipa::ToSchema;

use super::device::{Till, may_stand, till_unknown};
use crate::api::problem::Problem;
use crate::api::secrets::{csrf_token, hash_of};
use crate::app::App;
use crate::domain::ids::{DeviceId, UserId, VenueId};
use crate::domain::settings::OFFLINE_PERMIT_MINUTES;
use crate::storage::{networks, user_pins, users, venues};

/// A name with its id.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TillName {
    /// `dev_…`
    #[schema(value_type = String, example = "dev_01hgw3zj3q7hx")]
    pub id: DeviceId,
    /// What the venue calls it.
    #[schema(example = "Касса 1")]
    pub name: String,
}

/// The venue of a till.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TillVenue {
    /// `ven_…`
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub id: VenueId,
    /// Its name.
    #[schema(example = "Кофейня на Мира")]
    pub name: String,
    /// Its zone.
    #[schema(example = "Europe/Moscow")]
    pub time_zone: String,
}

/// The network of a till.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TillNetwork {
    /// Its name.
    #[schema(example = "Кофейни «Полка»")]
    pub name: String,
    /// Where a guest joins by himself.
    #[schema(example = "https://polka.example/join")]
    pub join_url: Option<String>,
}

/// A member of staff who may stand at the till.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CashierView {
    /// `usr_…`
    #[schema(value_type = String, example = "usr_01hgw3zj3q7hx")]
    pub id: UserId,
    /// His name.
    #[schema(example = "Марина")]
    pub name: String,
    /// His role.
    #[schema(example = "cashier")]
    pub role: String,
    /// Whether he has a PIN that works.
    pub has_pin: bool,
}

/// The consent that a newcomer is asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsentView {
    /// Its version; null: the network asks for none.
    #[schema(example = "2026-01")]
    pub version: Option<String>,
    /// Its text.
    pub text: Option<String>,
}

/// What the till may do without a network.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OfflineView {
    /// Most that one guest may redeem; 0.00: nothing.
    #[schema(value_type = String, example = "500.00")]
    pub limit: Money,
    /// How long an allowance lives.
    #[schema(example = 240)]
    pub permit_minutes: u32,
}

/// What the till's page begins with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Start {
    /// The device.
    pub device: TillName,
    /// Where it sells.
    pub venue: TillVenue,
    /// The network.
    pub network: TillNetwork,
    /// Who stands at it; null: it is locked.
    pub cashier: Option<CashierView>,
    /// Since when he does.
    pub since: Option<DateTime<Utc>>,
    /// Who may.
    pub cashiers: Vec<CashierView>,
    /// To be sent back as `x-csrf-token` with every change.
    #[schema(example = "2kz0cKkKlkjK8gD2i0cGJ3rCnlMq0jYHZ7hWkX3JxXM")]
    pub csrf_token: String,
    /// Idle for so long, and it is locked.
    #[schema(example = 600)]
    pub idle_lock_seconds: u32,
    /// What a newcomer agrees to.
    pub consent: ConsentView,
    /// What it may do without a network.
    pub offline: OfflineView,
    /// The guest's second screen is at `/till/guest` with it.
    pub screen_token: String,
    /// The network's clock, in the venue's zone.
    #[schema(value_type = String, format = DateTime)]
    pub now: DateTime<FixedOffset>,
}

/// The token of a device's second screen: whoever has the device's cookie can make it, nobody else.
pub fn screen_token(device_token: &str, generation: i32) -> String {
    csrf_token(&format!("screen {generation} {device_token}"))
}

/// What is kept of it.
pub fn screen_hash(device_token: &str, generation: i32) -> [u8; 32] {
    hash_of(&screen_token(device_token, generation))
}

/// The beginning of a device's page as things stand now.
///
/// # Errors
/// 401 `till-unknown` where the device was revoked a moment ago; those of the database.
pub async fn start_of(app: &App, token: &str) -> Result<Start, Problem> {
    // Settings that changed a moment ago count at once.
    if let Some(till) = Till::of_token(app, token).await? {
        let (cache, tenant) = (std::sync::Arc::clone(app.ledger.terms()), till.tenant);
        app.read(move |c| cache.current(c, tenant.network()))
            .await
            .map_err(Problem::from)?;
    }
    let till = Till::of_token(app, token).await?.ok_or_else(till_unknown)?;
    let now = app.clock.now();
    let task = till.clone();
    let (venue, network, staff, pins) = app
        .read(move |c| -> Result<_, Problem> {
            let tenant = task.tenant;
            Ok((
                venues::find(c, tenant, task.device.venue)?.ok_or_else(till_unknown)?,
                networks::find(c, tenant)?,
                users::list(c, tenant, None, 1000)?,
                user_pins::owners(c, tenant)?,
            ))
        })
        .await?;
    let view = |user: &users::StoredUser| CashierView {
        id: user.id,
        name: user.name.clone(),
        role: user.role.clone(),
        has_pin: pins.contains(&user.id),
    };
    let settings = network.settings;
    Ok(Start {
        device: TillName {
            id: till.device.id,
            name: till.device.name.clone(),
        },
        network: TillNetwork {
            name: network.name,
            join_url: settings.join_url,
        },
        since: till.cashier.as_ref().and(till.device.cashier_since),
        cashier: till.cashier.as_ref().map(view),
        cashiers: staff
            .iter()
            .filter(|user| may_stand(user, till.device.venue))
            .map(view)
            .collect(),
        csrf_token: csrf_token(&till.token),
        idle_lock_seconds: settings.till_idle_lock_seconds,
        consent: ConsentView {
            version: settings.consent_version,
            text: settings.consent_text,
        },
        offline: OfflineView {
            limit: venue.settings.offline_limit.unwrap_or_default(),
            permit_minutes: venue
                .settings
                .offline_permit_minutes
                .unwrap_or(OFFLINE_PERMIT_MINUTES),
        },
        screen_token: screen_token(&till.token, till.device.screen_generation),
        now: (now + network.clock_offset)
            .trunc_subsecs(3)
            .with_timezone(&venue.time_zone)
            .fixed_offset(),
        venue: TillVenue {
            id: venue.id,
            name: venue.name,
            time_zone: venue.time_zone.name().to_owned(),
        },
    })
}
