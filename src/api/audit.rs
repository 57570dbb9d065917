//! The audit log.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, Scope};
use super::json_body::QueryOf;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use crate::app::App;
use crate::domain::ids::AuditId;
use crate::storage::audit::{self, AuditEntry, AuditFilter};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One change that a person or a key made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct AuditView {
    #[schema(value_type = String, example = "aud_01hgw3zj3q7hx")]
    id: AuditId,
    /// Who: a member of staff, a key or the command line.
    #[schema(example = "user:usr_01hgw3zj3q7hx")]
    actor: String,
    #[schema(example = "key.revoke")]
    action: String,
    /// Id of what was changed.
    #[schema(example = "key_01hgw3zj3q7hx")]
    subject: String,
    /// What it was; null where it was made.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// What it is; null where it is gone.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    at: DateTime<Utc>,
}

impl AuditView {
    fn of(entry: AuditEntry) -> Self {
        AuditView {
            id: entry.id,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            before: entry.before,
            after: entry.after,
            at: entry.at,
        }
    }
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Of one actor.
    #[param(example = "user:usr_01hgw3zj3q7hx")]
    actor: Option<String>,
    /// Of one action.
    #[param(example = "key.revoke")]
    action: Option<String>,
    /// About one subject.
    subject: Option<String>,
    /// Not before.
    since: Option<DateTime<Utc>>,
    /// Before.
    until: Option<DateTime<Utc>>,
}

/// Who changed what, the newest first.
#[utoipa::path(get, path = "/audit", tag = "access", params(ListQuery, AuditQuery),
    responses((status = 200, description = "A page of changes.", body = Page<AuditView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
    QueryOf(wanted): QueryOf<AuditQuery>,
) -> Result<Json<Page<AuditView>>, Problem> {
    caller.may_read(Scope::Admin)?;
    caller.needs_whole_network()?;
    let (limit, before) = (query.limit()?, query.after()?);
    let filter = AuditFilter {
        actor: wanted.actor,
        action: wanted.action,
        subject: wanted.subject,
        since: wanted.since,
        until: wanted.until,
    };
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            let tenant = caller.tenant;
            let rows = audit::list(connection, tenant, &filter, before, i64::from(limit) + 1)?;
            let total = if query.with_total {
                Some(audit::count(connection, tenant, &filter)?)
            } else {
                None
            };
            Ok(Page::of(rows, limit, |e| e.id.0).with_total(total))
        })
        .await?;
    Ok(Json(page.map(AuditView::of)))
}
