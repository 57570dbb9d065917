//! One order under several names: whichever a message uses, the receipt is one.

use std::collections::BTreeMap;

use kopilka_contract::Ask;

use crate::app::App;
use crate::domain::ids::VenueId;
use crate::storage::{StorageError, Tenant, order_names, receipts};

/// Under which name each order of a message is known at its source.
#[derive(Debug, Default)]
pub struct OrderNames(BTreeMap<String, String>);

/// An order that is known twice: messages named it differently, and only now one says that it is the same. The receipt of
/// `twin` is to be given back, and its names are to mean `kept` then ([`OrderNames::merge`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twins {
    /// The name under which the order goes on.
    pub kept: String,
    /// The name that it had besides.
    pub twin: String,
    /// Whether there is a receipt of it.
    pub is_sold: bool,
}

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
            .read_by_key(move |c| order_names::known(c, tenant, &at, &wanted))
            .await?;
        if names.iter().all(|name| known.contains_key(name)) {
            return Ok(OrderNames(known));
        }
        let (at, now) = (source.to_owned(), app.clock.now());
        let learned = app.small_writes.write(key_of(source, &names), move |c| {
            // Other messages may have taught some, or made one order of two, since they were looked up.
            let known = order_names::known(c, tenant, &at, &names)?;
            let new = meanings(&orders, &known);
            order_names::add(c, tenant, &at, &new, now)?;
            Ok(OrderNames(known.into_iter().chain(new).collect()))
        });
        learned.await
    }

    /// Whether an order is known twice: two of its names mean different ones.
    pub fn have_twins(&self, orders: &[Vec<String>]) -> bool {
        orders.iter().any(|names| {
            let mut meant = names.iter().filter_map(|name| self.0.get(name));
            let first = meant.next();
            meant.any(|other| Some(other) != first)
        })
    }

    /// Orders of a message that are known twice. Each order is the list of its names, the best one first: that one stays,
    /// unless only the other has a receipt.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn twins(
        app: &App,
        tenant: Tenant,
        (venue, source): (VenueId, &str),
        orders: &[Vec<String>],
    ) -> Result<Vec<Twins>, StorageError> {
        let orders: Vec<Vec<String>> = orders.iter().filter(|names| names.len() > 1).cloned().collect();
        if orders.is_empty() {
            return Ok(Vec::new());
        }
        let source = source.to_owned();
        let found = app.read_by_key(move |c| {
            let mut twins = Vec::new();
            for order in &orders {
                let known = order_names::known(c, tenant, &source, order)?;
                let mut meant: Vec<&String> = Vec::new();
                for name in order.iter().filter_map(|name| known.get(name)) {
                    if !meant.contains(&name) {
                        meant.push(name);
                    }
                }
                if meant.len() < 2 {
                    continue;
                }
                let sold = receipts::which_exist(c, tenant, venue, &source, &meant)?;
                let kept = meant.iter().copied().find(|name| sold.contains(*name));
                let kept = kept.unwrap_or(meant[0]).clone();
                let others = meant.into_iter().filter(|name| **name != kept);
                twins.extend(others.map(|twin| Twins {
                    kept: kept.clone(),
                    twin: twin.clone(),
                    is_sold: sold.contains(twin),
                }));
            }
            Ok(twins)
        });
        found.await
    }

    /// Makes one order of two, after the receipt of the one was given back.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn merge(app: &App, tenant: Tenant, source: &str, twins: Twins) -> Result<(), StorageError> {
        let (key, source) = (
            key_of(source, std::slice::from_ref(&twins.kept)),
            source.to_owned(),
        );
        app.small_writes
            .write(key, move |c| {
                order_names::repoint(c, tenant, &source, &twins.twin, &twins.kept)
            })
            .await
    }

    /// What a till asks, of its order under the name by which that is known.
    pub fn apply(&self, ask: &mut Ask) {
        if let Some(name) = sale_of(ask)
            && let Some(known) = self.0.get(name)
        {
            name.clone_from(known);
        }
    }
}

/// The sale that an ask is about, by its name at its source.
pub(super) fn sale_of(ask: &mut Ask) -> Option<&mut String> {
    match ask {
        Ask::Close(close) | Ask::Quote(close) => Some(&mut close.receipt.external_id),
        Ask::GiveBack(back) => Some(&mut back.sale),
        Ask::UndoReturn(undo) => Some(&mut undo.sale),
        _ => None,
    }
}

/// Messages that teach the same names have one key.
fn key_of(source: &str, names: &[String]) -> String {
    let lowest = names.iter().min().map_or("", String::as_str);
    format!("{source} {lowest}")
}

/// What names mean that mean nothing yet. An order is known under the name that came first; of names that come together, under
/// the best.
fn meanings(orders: &[Vec<String>], known: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut new = BTreeMap::new();
    for order in orders {
        let known_as = order
            .iter()
            .find_map(|name| known.get(name).or_else(|| new.get(name)));
        let Some(external_id) = known_as.or(order.first()).cloned() else {
            continue;
        };
        for name in order.iter().filter(|name| !known.contains_key(*name)) {
            new.entry(name.clone()).or_insert_with(|| external_id.clone());
        }
    }
    new
}
