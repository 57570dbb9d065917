//! One order under several names: whichever a message uses, the receipt is one.

use std::collections::BTreeMap;

use kopilka_contract::Ask;

use crate::app::App;
use crate::domain::Timestamp;
use crate::storage::{AnyConnection, StorageError, Tenant, order_names};

/// Under which name each order of a message is known at its source.
#[derive(Debug, Default)]
pub struct OrderNames(BTreeMap<String, String>);

impl OrderNames {
    /// Looks the orders up; what a message says of their names for the first time is written down before anything is
    /// posted, so that two messages that come at once agree. Each order is the list of its names, the best one first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of(
        app: &App,
        tenant: Tenant,
        source: &str,
        orders: Vec<Vec<String>>,
    ) -> Result<Self, StorageError> {
        let names: Vec<String> = orders.iter().flatten().cloned().collect();
        if names.is_empty() {
            return Ok(OrderNames::default());
        }
        let (at, wanted) = (source.to_owned(), names.clone());
        let known = app
            .read(move |c| order_names::known(c, tenant, &at, &wanted))
            .await?;
        if names.iter().all(|name| known.contains_key(name)) {
            return Ok(OrderNames(known));
        }
        let (at, now) = (source.to_owned(), app.clock.now());
        let learned = app.small_writes.write(move |c| {
            for order in &orders {
                learn(c, tenant, &at, order, now)?;
            }
            Ok(OrderNames(order_names::known(c, tenant, &at, &names)?))
        });
        learned.await
    }

    /// What a till asks, of its order under the name by which that is known.
    pub fn apply(&self, ask: &mut Ask) {
        let name = match ask {
            Ask::Close(close) | Ask::Quote(close) => &mut close.receipt.external_id,
            Ask::GiveBack(back) => &mut back.sale,
            Ask::UndoReturn(undo) => &mut undo.sale,
            _ => return,
        };
        if let Some(known) = self.0.get(name) {
            name.clone_from(known);
        }
    }
}

/// An order is known under the name that came first; of names that come together, under the best.
fn learn(
    connection: &mut AnyConnection,
    tenant: Tenant,
    source: &str,
    order: &[String],
    now: Timestamp,
) -> Result<(), StorageError> {
    let known = order_names::known(connection, tenant, source, order)?;
    let known_as = order.iter().find_map(|name| known.get(name));
    if let Some(external_id) = known_as.or(order.first()) {
        let new = order.iter().filter(|name| !known.contains_key(*name)).cloned();
        // One that another message has taught since it was looked up is taken: all is decided anew.
        order_names::add(
            connection,
            tenant,
            source,
            &new.collect::<Vec<_>>(),
            external_id,
            now,
        )?;
    }
    Ok(())
}
