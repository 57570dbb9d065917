//! A device of the virtual till: known by its cookie, locked until somebody says who he is.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use kopilka_contract::Language;

use crate::api::authentication::{charge, cookie, is_ours, not_ours};
use crate::api::caller::{Caller, Role, Scope, TillPlace};
use crate::api::finishing::language;
use crate::api::problem::Problem;
use crate::api::secrets::hash_of;
use crate::api::till_path::network_terms;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::VenueId;
use crate::storage::till_devices::{self, StoredDevice};
use crate::storage::users::{self, StoredUser};
use crate::storage::{StorageError, Tenant};

/// Name of the device's cookie.
pub const TILL_COOKIE: &str = "kopilka_till";

/// How much time may pass between two notes that a cashier is there.
const NOTED_EVERY: chrono::Duration = chrono::Duration::seconds(5);

/// A device that is known, and who stands at it.
#[derive(Debug, Clone)]
pub struct Till {
    /// Its network.
    pub tenant: Tenant,
    /// The device.
    pub device: StoredDevice,
    /// What its cookie holds.
    pub token: String,
    /// Who stands at it; `None`: it is locked.
    pub cashier: Option<StoredUser>,
    now: Timestamp,
}

/// 401: this browser is no till, or one no more.
pub fn till_unknown() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "till-unknown",
        "Эта касса не подключена. Войдите с логином и паролем.",
        "This device is not a till, or was revoked. Enrol it with a login and password.",
    )
}

/// 401: nobody stands at the till.
pub fn till_locked() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "till-locked",
        "Касса заблокирована. Введите PIN.",
        "The till is locked: a cashier must enter his PIN.",
    )
}

/// Whether a member of staff may stand at a till of a venue.
pub fn may_stand(user: &StoredUser, venue: VenueId) -> bool {
    let sells = Role::parse(&user.role).is_some_and(|role| role.scopes().contains(&Scope::Till));
    user.active && sells && user.venues.as_ref().is_none_or(|v| v.contains(&venue))
}

impl Till {
    /// The device of a request's cookie.
    ///
    /// # Errors
    /// 401 `till-unknown`, 403 `csrf`.
    pub async fn known(app: &App, method: &Method, headers: &HeaderMap) -> Result<Self, Problem> {
        let token = cookie(headers, TILL_COOKIE).ok_or_else(till_unknown)?.to_owned();
        let till = Till::of_token(app, &token).await?.ok_or_else(till_unknown)?;
        if !method.is_safe() && !is_ours(headers, &till.token) {
            return Err(not_ours());
        }
        Ok(till)
    }

    /// The device of a token; `None`: there is none, or it was revoked.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_token(app: &App, token: &str) -> Result<Option<Self>, Problem> {
        let hash = hash_of(token);
        type Found = Option<(Tenant, StoredDevice, Option<StoredUser>)>;
        let found: Found = app
            .read(move |c| -> Result<Found, StorageError> {
                let Some((tenant, device)) = till_devices::by_token(c, &hash)? else {
                    return Ok(None);
                };
                let cashier = match device.cashier {
                    Some(id) => users::find(c, tenant, id)?,
                    None => None,
                };
                Ok(Some((tenant, device, cashier)))
            })
            .await
            .map_err(Problem::from)?;
        let Some((tenant, device, cashier)) = found else {
            return Ok(None);
        };
        let now = app.clock.now();
        let settings = &network_terms(app, tenant).await?.settings;
        let idle = chrono::Duration::seconds(i64::from(settings.till_idle_lock_seconds));
        let there = now - device.active_at <= idle;
        let cashier = cashier.filter(|user| there && may_stand(user, device.venue));
        Ok(Some(Till {
            tenant,
            device,
            token: token.to_owned(),
            cashier,
            now,
        }))
    }

    /// Who calls through it, locked or not. Where somebody stands at it, it is noted that he does something.
    pub fn caller(&self, app: &App, language: Language) -> Caller {
        if self.cashier.is_some() && self.now - self.device.active_at >= NOTED_EVERY {
            self.note_activity(app);
        }
        let actor = match &self.cashier {
            Some(user) => format!("user:{}", user.id),
            None => format!("till:{}", self.device.id),
        };
        Caller {
            tenant: self.tenant,
            actor,
            scopes: vec![Scope::Till],
            role: None,
            venues: Some(vec![self.device.venue]),
            test: false,
            language,
            till: Some(TillPlace {
                device: self.device.id,
                name: self.device.name.clone(),
                cashier: self.cashier.as_ref().map(|user| (user.id, user.name.clone())),
            }),
        }
    }

    /// The cashier who stands at it.
    ///
    /// # Errors
    /// 401 `till-locked`.
    pub fn cashier(&self) -> Result<&StoredUser, Problem> {
        self.cashier.as_ref().ok_or_else(till_locked)
    }

    fn note_activity(&self, app: &App) {
        let (app, tenant, id, now) = (app.clone(), self.tenant, self.device.id, self.now);
        tokio::spawn(async move {
            let noted: Result<(), Problem> = app
                .write(move |c| Ok(till_devices::active(c, tenant, id, now)?))
                .await;
            if let Err(problem) = noted {
                tracing::warn!(code = problem.code, till = %id, "activity at a till was not noted");
            }
        });
    }
}

impl FromRequestParts<App> for Till {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Till::known(app, &parts.method, &parts.headers).await
    }
}

/// A call through a device at which somebody stands.
#[derive(Debug, Clone)]
pub struct AtTill {
    /// The device.
    pub till: Till,
    /// The cashier as a caller.
    pub caller: Caller,
}

impl AtTill {
    /// The venue of the device.
    pub fn venue(&self) -> VenueId {
        self.till.device.venue
    }
}

impl FromRequestParts<App> for AtTill {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let till = Till::from_request_parts(parts, app).await?;
        till.cashier()?;
        let caller = till.caller(app, language(&parts.headers));
        charge(app, parts, &caller)?;
        Ok(AtTill { till, caller })
    }
}
