//! Looking after the links to tills: one that fails, or says nothing while its venue is open, is told of once, and once
//! more when it is well again.

use chrono_tz::Tz;

use crate::api::till_path::network_terms;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::{AlertId, ConnectionId, EventId};
use crate::domain::watch::{ALERT_KINDS, Alert, QUIET, Seen, alert_words};
use crate::storage::connection_alerts::{self, StoredAlert};
use crate::storage::outbox::{self, About};
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::{AnyConnection, StorageError, Tenant, messages, polls, reconciliations};

/// Looks at every connection that is switched on. Returns how many alerts began or ended.
///
/// # Errors
/// Those of the database.
pub async fn look_after_connections(app: &App) -> Result<usize, StorageError> {
    let mut changed = 0;
    for tenant in super::tenants(app).await? {
        let found = app.read(move |c| till_connections::list(c, tenant, None, None, i64::MAX));
        for connection in found.await? {
            changed += look_after(app, tenant, connection).await?;
        }
    }
    Ok(changed)
}

async fn look_after(app: &App, tenant: Tenant, of: StoredConnection) -> Result<usize, StorageError> {
    let (now, id, since) = (app.clock.now(), of.id, of.heard_at.unwrap_or(of.created_at));
    let standing = app.read(move |c| -> Result<_, StorageError> {
        let going_on = connection_alerts::list(c, tenant, &going_on(id), ALERT_KINDS)?;
        let silence = going_on.iter().find(|alert| alert.kind == QUIET);
        let seen = Seen {
            quiet_since: silence.map(|alert| alert.began_at),
            ..seen(c, tenant, id, since)?
        };
        Ok((seen, going_on))
    });
    let (seen, going_on) = standing.await?;
    // One that was switched off on purpose is missed by nobody.
    let alerts = if of.active {
        of.watch.alerts(zone(app, tenant, &of).await, &seen, now)
    } else {
        Vec::new()
    };
    let wanted: Vec<StoredAlert> = alerts.iter().map(|alert| stored(app, id, alert)).collect();
    let begins: Vec<_> = wanted
        .iter()
        .filter(|alert| going_on.iter().all(|g| g.kind != alert.kind))
        .cloned()
        .collect();
    let ends: Vec<_> = going_on
        .into_iter()
        .filter(|alert| wanted.iter().all(|w| w.kind != alert.kind))
        .collect();
    if begins.is_empty() && ends.is_empty() {
        return Ok(0);
    }
    for alert in &begins {
        let words = alert_words(&alert.kind, alert.code.as_deref());
        let words = words.in_language(of.spoken());
        tracing::warn!(connection = %id, name = of.name, kind = alert.kind, code = alert.code, since = %alert.began_at, words,
            "a link to a till needs a person");
    }
    for alert in &ends {
        tracing::info!(connection = %id, name = of.name, kind = alert.kind, "a link to a till is well again");
    }
    let ids = std::sync::Arc::clone(&app.ids);
    app.write(move |c| -> Result<usize, StorageError> {
        let mut changed = 0;
        let mut tell = |c: &mut AnyConnection, event: &str| {
            changed += 1;
            outbox::insert(
                c,
                tenant,
                EventId(ids.next_id()),
                event,
                About::Connection(id),
                now,
            )
        };
        for alert in &begins {
            if connection_alerts::begin(c, tenant, alert)? {
                tell(c, &format!("connection.{}", alert.kind))?;
            }
        }
        for alert in &ends {
            if connection_alerts::end(c, tenant, id, &alert.kind, now)? {
                tell(c, "connection.recovered")?;
            }
        }
        Ok(changed)
    })
    .await
}

fn going_on(id: ConnectionId) -> connection_alerts::AlertFilter {
    connection_alerts::AlertFilter {
        connection: Some(id),
        open: true,
        ..Default::default()
    }
}

fn seen(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ConnectionId,
    heard_at: Timestamp,
) -> Result<Seen, StorageError> {
    let newest = messages::newest_of(connection, tenant, id)?;
    let asking = polls::standing(connection, tenant, id)?;
    Ok(Seen {
        heard_at: newest
            .iter()
            .filter(|sign| sign.is_heard)
            .map(|sign| sign.at)
            .fold(heard_at, Timestamp::max),
        newest: newest.into_iter().map(|sign| (sign.at, sign.wrong)).collect(),
        differs_since: reconciliations::open_since(connection, tenant, id)?,
        unanswered: (asking.failures, asking.succeeded_at.unwrap_or(heard_at)),
        quiet_since: None,
    })
}

async fn zone(app: &App, tenant: Tenant, of: &StoredConnection) -> Tz {
    network_terms(app, tenant).await.map_or(Tz::UTC, |terms| {
        terms
            .venues
            .get(&of.venue)
            .map_or(terms.time_zone, |venue| venue.time_zone)
    })
}

fn stored(app: &App, connection: ConnectionId, alert: &Alert) -> StoredAlert {
    StoredAlert {
        id: AlertId(app.ids.next_id()),
        connection,
        kind: alert.kind().to_owned(),
        code: alert.code().map(str::to_owned),
        began_at: alert.since(),
        ended_at: None,
    }
}
