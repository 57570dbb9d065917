//! Links to till systems that failed or fell silent: what a person should see to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, Scope};
use super::json_body::QueryOf;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use crate::app::App;
use crate::domain::ids::{AlertId, ConnectionId};
use crate::domain::watch::alert_words;
use crate::storage::connection_alerts::{self, AlertFilter, StoredAlert};
use crate::storage::till_connections::{self, StoredConnection};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A connection that failed or fell silent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct AlertView {
    #[schema(value_type = String, example = "alr_01hgw3zj3q7hx")]
    id: AlertId,
    #[schema(value_type = String, example = "con_01hgw3zj3q7hx")]
    connection_id: ConnectionId,
    /// What people call it.
    #[schema(example = "r_keeper на Невском")]
    connection_name: String,
    /// `failing`: its messages are refused or not understood; `unreachable`: its vendor's system can't be asked; `quiet`: nothing
    /// comes while the venue is open; `differs`: its till's own report says something else than the books (`/till-differences`).
    #[schema(example = "failing")]
    kind: String,
    /// Of the refusal, or `unreadable`; null where it does not fail.
    #[schema(example = "unknown-customer")]
    code: Option<String>,
    /// What to see to, in the language of the connection.
    #[schema(
        example = "Сообщения кассы подряд отклоняются (unknown-customer): причины — во входящих подключения."
    )]
    message: String,
    /// Since when.
    began_at: DateTime<Utc>,
    /// Null: it goes on.
    ended_at: Option<DateTime<Utc>>,
}

impl AlertView {
    /// An alert in the language of its connection.
    pub(super) fn of(alert: StoredAlert, connection: Option<&StoredConnection>) -> Self {
        let language = connection.map(StoredConnection::spoken).unwrap_or_default();
        let words = alert_words(&alert.kind, alert.code.as_deref());
        AlertView {
            id: alert.id,
            connection_id: alert.connection,
            connection_name: connection.map(|c| c.name.clone()).unwrap_or_default(),
            message: words.in_language(language).to_owned(),
            kind: alert.kind,
            code: alert.code,
            began_at: alert.began_at,
            ended_at: alert.ended_at,
        }
    }
}

/// Which alerts are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AlertQuery {
    /// Of one connection.
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// True: only those that go on.
    #[serde(default)]
    open: bool,
}

/// Connections that failed or fell silent, the newest first. Each is an event of the outbox as well:
/// `connection.failing`, `connection.unreachable`, `connection.quiet`, `connection.differs`, `connection.recovered`.
#[utoipa::path(get, path = "/connection-alerts", tag = "tills", params(ListQuery, AlertQuery),
    responses((status = 200, description = "A page of alerts.", body = Page<AlertView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
    QueryOf(wanted): QueryOf<AlertQuery>,
) -> Result<Json<Page<AlertView>>, Problem> {
    caller.needs_any(&[Scope::Admin, Scope::Reports])?;
    let (limit, before) = (query.limit()?, query.after()?);
    let filter = AlertFilter {
        venues: caller.venues.clone(),
        connection: wanted.connection_id,
        open: wanted.open,
        before,
    };
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            let rows = connection_alerts::list(connection, caller.tenant, &filter, i64::from(limit) + 1)?;
            let mut connections = BTreeMap::new();
            for alert in &rows {
                if let Entry::Vacant(unknown) = connections.entry(alert.connection.0) {
                    unknown.insert(till_connections::find(
                        connection,
                        caller.tenant,
                        alert.connection,
                    )?);
                }
            }
            let page = Page::of(rows, limit, |alert| alert.id.0);
            Ok(page.map(|alert| {
                let of = connections.get(&alert.connection.0).and_then(Option::as_ref);
                AlertView::of(alert, of)
            }))
        })
        .await?;
    Ok(Json(page))
}
