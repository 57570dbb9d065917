//! Who calls, and what he may do.

use kopilka_contract::Language;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::Problem;
use crate::domain::ids::{DeviceId, UserId, VenueId};
use crate::storage::Tenant;

/// What a key or role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The till's path: identify, quote, hold, close, return.
    Till,
    /// Customers, cards, coefficients, admin bonuses.
    Customers,
    /// Segments, programs, promo codes.
    Marketing,
    /// Lists and totals.
    Reports,
    /// Venues, rules, users, keys, connections, settings.
    Admin,
}

impl Scope {
    /// As stored, and as keys and refusals name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Till => "till",
            Scope::Customers => "customers",
            Scope::Marketing => "marketing",
            Scope::Reports => "reports",
            Scope::Admin => "admin",
        }
    }
}

/// Role of a member of staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "manager")]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything at his venues but users and keys.
    Manager,
    /// Customers and marketing.
    Marketer,
    /// The till.
    Cashier,
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Manager => "manager",
            Role::Marketer => "marketer",
            Role::Cashier => "cashier",
            Role::Auditor => "auditor",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Role::Owner,
            Role::Manager,
            Role::Marketer,
            Role::Cashier,
            Role::Auditor,
        ]
        .into_iter()
        .find(|r| r.as_str() == text)
    }

    /// What the role may do.
    pub fn scopes(self) -> &'static [Scope] {
        match self {
            Role::Owner | Role::Manager => &[
                Scope::Till,
                Scope::Customers,
                Scope::Marketing,
                Scope::Reports,
                Scope::Admin,
            ],
            Role::Marketer => &[Scope::Customers, Scope::Marketing, Scope::Reports],
            Role::Cashier => &[Scope::Till],
            Role::Auditor => &[Scope::Reports],
        }
    }
}

/// The caller of a request: an API key or a member of staff.
#[derive(Debug, Clone)]
pub struct Caller {
    /// His network.
    pub tenant: Tenant,
    /// `key:key_…` or `user:usr_…`, for the books and the audit log.
    pub actor: String,
    /// What he may do.
    pub scopes: Vec<Scope>,
    /// His role, for members of staff.
    pub role: Option<Role>,
    /// The venues that he is limited to; `None`: all of the network.
    pub venues: Option<Vec<VenueId>>,
    /// A test key: it can only read and quote.
    pub test: bool,
    /// Language of the words for people.
    pub language: Language,
    /// The device of the virtual till through which he calls.
    pub till: Option<TillPlace>,
}

/// The virtual till through which somebody calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillPlace {
    /// The device.
    pub device: DeviceId,
    /// What the venue calls it.
    pub name: String,
    /// Id and name of who stands at it; `None`: nobody, it is locked.
    pub cashier: Option<(UserId, String)>,
}

impl Caller {
    /// Refuses a caller without the scope.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn needs(&self, scope: Scope) -> Result<(), Problem> {
        self.needs_any(&[scope])
    }

    /// Refuses a caller without any of the scopes.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn needs_any(&self, scopes: &[Scope]) -> Result<(), Problem> {
        if scopes.iter().any(|s| self.scopes.contains(s)) {
            Ok(())
        } else {
            Err(Problem::without_scope(scopes))
        }
    }

    /// Refuses everybody but owners.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn needs_owner(&self) -> Result<(), Problem> {
        match self.role {
            Some(Role::Owner) => Ok(()),
            _ => Err(Problem::forbidden()),
        }
    }

    /// Refuses a reader without the scope; an auditor reads everything.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn may_read(&self, scope: Scope) -> Result<(), Problem> {
        if self.role == Some(Role::Auditor) {
            Ok(())
        } else {
            self.needs(scope)
        }
    }

    /// Refuses a caller who is limited to some venues: this is about the whole network.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn needs_whole_network(&self) -> Result<(), Problem> {
        if self.venues.is_none() {
            Ok(())
        } else {
            Err(Problem::forbidden())
        }
    }

    /// Refuses a test key, which changes nothing.
    ///
    /// # Errors
    /// 403 `test-key`.
    pub fn may_change(&self) -> Result<(), Problem> {
        if !self.test {
            return Ok(());
        }
        Err(Problem::new(
            axum::http::StatusCode::FORBIDDEN,
            "test-key",
            "Это тестовый ключ: он может только считать, но не проводить.",
            "This is a test key: it can only read and quote.",
        ))
    }

    /// Whether he may see and touch a venue. Ask it of every venue named; another network's is not found anyway.
    ///
    /// # Errors
    /// 404: to a caller who is limited to other venues this one does not exist.
    pub fn needs_venue(&self, venue: VenueId) -> Result<(), Problem> {
        match &self.venues {
            Some(venues) if !venues.contains(&venue) => Err(Problem::not_found()),
            _ => Ok(()),
        }
    }

    /// Whether he calls through a till at which nobody stands.
    pub fn is_at_locked_till(&self) -> bool {
        self.till.as_ref().is_some_and(|till| till.cashier.is_none())
    }

    /// The venue that his key is bound to, where it is one only.
    pub fn only_venue(&self) -> Option<VenueId> {
        match self.venues.as_deref() {
            Some([venue]) => Some(*venue),
            _ => None,
        }
    }
}
