//! Who makes a change, and when: what every change of settings and customers notes in the audit log.

use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;

use super::caller::Caller;
use super::problem::Problem;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::{AuditId, ConnectionId, IdSource};
use crate::storage::{AnyConnection, StorageError, Tenant, audit};

/// Whom the audit log names for what was done on the command line.
pub const COMMAND_LINE: &str = "command-line";

/// The author of a change.
#[derive(Clone)]
pub struct Author {
    /// His network.
    pub tenant: Tenant,
    /// `key:key_…`, `user:usr_…` or `till:con_…`.
    pub actor: String,
    /// When.
    pub now: Timestamp,
    ids: Arc<dyn IdSource>,
}

impl Author {
    /// A caller who may change things.
    ///
    /// # Errors
    /// 403 `test-key`.
    pub fn of(app: &App, caller: &Caller) -> Result<Self, Problem> {
        caller.may_change()?;
        Ok(Author {
            tenant: caller.tenant,
            actor: caller.actor.clone(),
            now: app.clock.now(),
            ids: Arc::clone(&app.ids),
        })
    }

    /// A till, by its connection.
    pub fn till(app: &App, tenant: Tenant, connection: ConnectionId) -> Self {
        Author {
            tenant,
            actor: format!("till:{connection}"),
            now: app.clock.now(),
            ids: Arc::clone(&app.ids),
        }
    }

    /// Whoever may use the command line.
    pub fn command_line(app: &App, tenant: Tenant) -> Self {
        Author {
            tenant,
            actor: COMMAND_LINE.to_owned(),
            now: app.clock.now(),
            ids: Arc::clone(&app.ids),
        }
    }

    /// An id for something new.
    pub fn next_id(&self) -> i64 {
        self.ids.next_id()
    }

    /// Notes a change in the audit log, in the transaction that makes it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn note<T: Serialize>(
        &self,
        connection: &mut AnyConnection,
        action: &str,
        subject: impl Display,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<(), StorageError> {
        let value = |state: Option<&T>| state.map(serde_json::to_value).transpose();
        audit::write(
            connection,
            self.tenant,
            &self.actor,
            action,
            &subject.to_string(),
            value(before)?.as_ref(),
            value(after)?.as_ref(),
            self.now,
            AuditId(self.ids.next_id()),
        )
    }
}
