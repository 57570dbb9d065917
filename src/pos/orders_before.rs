//! Sales that were told before a connection's orders became another's, or its own again: what is said of them later finds them
//! where they are, so that a repeat stays a repeat and a return finds its sale.

use kopilka_contract::Ask;

use super::order_names::sale_of;
use super::talk::Talk;
use crate::domain::ids::{ConnectionId, HoldId, VenueId};
use crate::ledger::Place;
use crate::storage::{AnyConnection, StorageError, Tenant, holds, order_names, receipts};

/// Where connections of a venue tell of their orders: first where they do now, then where they did.
struct Sources {
    tenant: Tenant,
    venue: VenueId,
    now: String,
    before: Vec<String>,
}

impl Sources {
    fn have(
        &self,
        connection: &mut AnyConnection,
        source: &str,
        sale: &String,
    ) -> Result<bool, StorageError> {
        let found = receipts::which_exist(connection, self.tenant, self.venue, source, &[sale])?;
        Ok(!found.is_empty())
    }

    /// The source before this one that has a receipt of a sale, and the name that the sale has there. `None`: there is none, or
    /// the sale is known where orders are told now.
    fn of_sale(
        &self,
        connection: &mut AnyConnection,
        sale: &String,
    ) -> Result<Option<(String, String)>, StorageError> {
        if self.have(connection, &self.now, sale)? {
            return Ok(None);
        }
        for source in &self.before {
            let mut known = order_names::known(connection, self.tenant, source, std::slice::from_ref(sale))?;
            let name = known.remove(sale).unwrap_or_else(|| sale.clone());
            if self.have(connection, source, &name)? {
                return Ok(Some((source.clone(), name)));
            }
        }
        Ok(None)
    }

    /// The hold of this key that was set aside before; `None`: there is none, or one of now.
    fn of_hold(&self, connection: &mut AnyConnection, key: &str) -> Result<Option<HoldId>, StorageError> {
        let mut of = |source: &String| holds::of_key(connection, self.tenant, self.venue, source, key);
        if of(&self.now)?.is_some() {
            return Ok(None);
        }
        for source in &self.before {
            if let Some(found) = of(source)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The holds that an ask speaks of by their keys.
fn holds_of(ask: &mut Ask) -> Vec<&mut String> {
    match ask {
        Ask::Close(close) | Ask::Quote(close) => close.holds_mut().collect(),
        Ask::Void(key) => vec![key],
        _ => Vec::new(),
    }
}

impl Talk {
    /// Where the books are to look for what an ask speaks of; the ask then names it as it is known there.
    pub(super) async fn place_of(&self, ask: &mut Ask) -> Result<Place, StorageError> {
        let place = self.place();
        let before = &self.known.connection.orders_before;
        let sale = sale_of(ask).cloned();
        let holds: Vec<String> = holds_of(ask).into_iter().map(|key| key.clone()).collect();
        if before.is_empty() || (sale.is_none() && holds.is_empty()) {
            return Ok(place);
        }
        let sources = Sources {
            tenant: self.known.tenant,
            venue: place.venue,
            now: place.source.clone(),
            before: before.iter().map(ConnectionId::to_string).collect(),
        };
        let (found, held) = self
            .app
            .read_by_key(move |c| {
                let sale = sale.map(|sale| sources.of_sale(c, &sale)).transpose()?.flatten();
                let held = holds.iter().map(|key| sources.of_hold(c, key));
                Ok((sale, held.collect::<Result<Vec<_>, _>>()?))
            })
            .await?;
        for (key, held) in holds_of(ask).into_iter().zip(held) {
            if let Some(held) = held {
                *key = held.to_string();
            }
        }
        let Some((source, name)) = found else {
            return Ok(place);
        };
        if let Some(sale) = sale_of(ask) {
            *sale = name;
        }
        Ok(Place { source, ..place })
    }
}
