//! What time does to balances, written down: ended holds, expired lots, balances of customers who stay away.
//!
//! Balances do not wait for these jobs: they are right at every instant, and the next command about a customer would
//! write the same down.

use kopilka_contract::{CustomerRef, Language};

use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::decide::Amend;
use crate::domain::ids::CustomerId;
use crate::ledger::{Command, Failure, Verb};
use crate::storage::{StorageError, Tenant, books};

/// Customers settled between two looks at the database.
const CHUNK: i64 = 500;

/// Writes down what time has done to every customer for whom it is due. Returns how many.
///
/// # Errors
/// Those of the database.
pub async fn write_off_due(app: &App) -> Result<usize, StorageError> {
    let mut settled = 0;
    for tenant in super::tenants(app).await? {
        let Some((now, _)) = network_now(app, tenant).await? else {
            continue;
        };
        loop {
            let due = app
                .read(move |c| books::due_customers(c, tenant, now, CHUNK))
                .await?;
            let found = due.len();
            let done = submit_all(app, tenant, due, || Amend::Settle).await;
            settled += done;
            if i64::try_from(found).unwrap_or(0) < CHUNK || done == 0 {
                break;
            }
        }
    }
    Ok(settled)
}

/// Resets the balances of customers without a purchase for as long as their network sets. Returns how many.
///
/// # Errors
/// Those of the database.
pub async fn reset_inactive(app: &App) -> Result<usize, StorageError> {
    let mut reset = 0;
    for tenant in super::tenants(app).await? {
        let Some((now, Some(days))) = network_now(app, tenant).await? else {
            continue;
        };
        let since = now - chrono::Duration::days(i64::from(days));
        let mut after = i64::MIN;
        loop {
            let found = app
                .read(move |c| books::inactive_customers(c, tenant, since, after, CHUNK))
                .await?;
            let Some(last) = found.last() else { break };
            after = *last;
            let why = || Amend::Reset {
                comment: Some(format!("no purchase for {days} days")),
            };
            reset += submit_all(app, tenant, found, why).await;
        }
    }
    Ok(reset)
}

async fn network_now(app: &App, tenant: Tenant) -> Result<Option<(Timestamp, Option<u32>)>, StorageError> {
    let terms = app.ledger.terms().clone();
    let network = app.read(move |c| terms.current(c, tenant.network())).await?;
    Ok(network.map(|n| (app.ledger.now(&n), n.settings.inactivity_reset_days)))
}

/// Queues a change for each customer, all at once, so that they share commits; says how many were made.
async fn submit_all(app: &App, tenant: Tenant, customers: Vec<i64>, amend: impl Fn() -> Amend) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for customer in customers {
        let ledger = app.ledger.clone();
        let command = Command {
            since: std::time::Instant::now(),
            tenant,
            actor: "worker".to_owned(),
            verb: Verb::Amend(CustomerRef::Id(CustomerId(customer).to_string()), amend()),
            raw: None,
            remarks: Vec::new(),
            language: Language::default(),
            idempotency: None,
            asks_before_sale: false,
            asker: None,
            replay_of: None,
        };
        tasks.spawn(async move { ledger.submit(command).await });
    }
    let mut done = 0;
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(Ok(_)) => done += 1,
            Ok(Err(Failure::Busy)) => {}
            Ok(Err(failure)) => tracing::warn!(%failure, "a job could not change a balance"),
            Err(error) => tracing::warn!(%error, "a job's task failed"),
        }
    }
    done
}
