//! Dropping what nobody needs any more. Nothing of the books is ever dropped.

use crate::app::App;
use crate::storage::{StorageError, message_ticks, messages, remembered, sessions, till_files};

/// How long answers are remembered under idempotency keys. Receipts and returns are known for ever without them.
const REMEMBER_DAYS: i64 = 30;

/// So many messages are dropped in one transaction: tills wait for no more than that.
const AT_ONCE: i64 = 500;

/// How long parts of files wait for the rest.
const FILE_DAYS: i64 = 2;

/// Drops raw messages older than `keep_days` (`None`: never) that wait for nobody, old remembered answers, parts of
/// files, messages
/// to cashiers that were ticked off long ago, and sessions that have ended.
///
/// # Errors
/// Those of the database.
pub async fn clean(app: &App, keep_days: Option<u32>) -> Result<(), StorageError> {
    let now = app.clock.now();
    app.write(move |c| sessions::drop_ended(c, now)).await?;
    for tenant in super::tenants(app).await? {
        let old = now - chrono::Duration::days(REMEMBER_DAYS);
        app.write(move |c| remembered::drop_old(c, tenant, old)).await?;
        let old = now - chrono::Duration::days(FILE_DAYS);
        app.write(move |c| till_files::drop_old(c, tenant, old)).await?;
        let old = (now - chrono::Duration::days(REMEMBER_DAYS)).date_naive();
        app.write(move |c| message_ticks::drop_old(c, tenant, old))
            .await?;
        if let Some(days) = keep_days {
            let old = now - chrono::Duration::days(i64::from(days));
            let (mut dropped, mut next) = (0, Some(0));
            while let Some(after) = next {
                // Looked for beside the writers: nobody's sale waits for it.
                let found = app
                    .read(move |c| messages::old(c, tenant, old, after, AT_ONCE))
                    .await?;
                next = found.next;
                dropped += found.ids.len();
                if !found.ids.is_empty() {
                    app.write(move |c| messages::forget(c, tenant, &found.ids))
                        .await?;
                }
            }
            if dropped > 0 {
                tracing::info!(dropped, network = %tenant.network(), "dropped old messages");
            }
        }
    }
    Ok(())
}
