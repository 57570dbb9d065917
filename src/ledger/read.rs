//! What the ledger answers without writing: who a guest is, what a receipt would do, what a customer has.

use std::collections::HashMap;
use std::sync::Arc;

use kopilka_contract::{Balance, Close, Closed, CustomerRef, Guest, Search};

use super::command::{Failure, Place, Verb};
use super::{Ledger, pipeline};
use crate::domain::decide::{self, Context};
use crate::domain::ids::{CustomerId, VenueId};
use crate::domain::refusal::Refusal;
use crate::domain::world::World;
use crate::domain::{Money, Timestamp};
use crate::storage::ledger::{self, LoadKeys};
use crate::storage::terms::NetworkTerms;
use crate::storage::{StorageError, Tenant, customer_search};

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        if error.is_transient() {
            return Failure::Busy;
        }
        tracing::error!(%error, "a read of the ledger failed");
        Failure::Internal
    }
}

impl Ledger {
    /// Who a guest is and what he has at a venue.
    ///
    /// # Errors
    /// `customer-not-found`.
    pub async fn identify(&self, tenant: Tenant, place: Place, who: CustomerRef) -> Result<Guest, Failure> {
        let mut keys = LoadKeys::default();
        keys.networks.insert(tenant.network());
        keys.customers.insert((tenant.network(), who.clone()));
        self.at_venue(tenant, place, keys, move |world, cx| {
            decide::identify(world, cx, &who)
        })
        .await
    }

    /// The guests whom a search may mean, at most [`Search::MOST`].
    ///
    /// # Errors
    /// [`Failure::Busy`], [`Failure::Internal`].
    pub async fn search(&self, tenant: Tenant, place: Place, search: Search) -> Result<Vec<Guest>, Failure> {
        let store = self.store.clone();
        let (asked, at) = (search.clone(), place.clone());
        let found = move || {
            let mut connection = store.connection_by_key()?;
            customer_search::search(&mut connection, tenant, at.venue, &at.source, &asked)
        };
        let found = tokio::task::spawn_blocking(found).await;
        let found = found.map_err(|_| Failure::Internal)??;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let mut keys = LoadKeys::default();
        keys.networks.insert(tenant.network());
        let who = |id: &CustomerId| CustomerRef::Id(id.to_string());
        keys.customers
            .extend(found.iter().map(|id| (tenant.network(), who(id))));
        self.at_venue(tenant, place, keys, move |world, cx| {
            let meant = found.iter().filter(|id| {
                let lock = search.locked_under.as_deref();
                lock.is_none_or(|lock| decide::is_locked(world, cx, **id, lock))
            });
            meant.map(|id| decide::identify(world, cx, &who(id))).collect()
        })
        .await
    }

    /// What a receipt would do: the same decision as closing it, on the same facts, not written down.
    ///
    /// # Errors
    /// As closing.
    pub async fn quote(&self, tenant: Tenant, place: Place, ask: Close) -> Result<Closed, Failure> {
        let mut keys = LoadKeys::default();
        let verb = Verb::Close(place.clone(), Box::new(ask.clone()));
        pipeline::add_keys(&mut keys, tenant.network(), &verb);
        self.at_venue(tenant, place, keys, move |world, cx| {
            decide::quote(world, cx, &ask)
        })
        .await
    }

    /// What a customer has, at an instant not in the past: time alone changes it until then. `venue`: available
    /// there; `None`: available in the whole network.
    ///
    /// # Errors
    /// `customer-not-found`.
    pub async fn balance(
        &self,
        tenant: Tenant,
        venue: Option<VenueId>,
        who: CustomerRef,
        at: Option<Timestamp>,
    ) -> Result<Balance, Failure> {
        let mut keys = LoadKeys::default();
        keys.networks.insert(tenant.network());
        keys.customers.insert((tenant.network(), who.clone()));
        self.with_world(tenant, keys, move |world, network, now| {
            if venue.is_some_and(|v| !network.venues.contains_key(&v)) {
                return Err(unknown_venue());
            }
            let found = world
                .found
                .get(&(tenant.network(), who))
                .ok_or(Refusal::CustomerNotFound)?;
            let facts = world
                .customers
                .get(&found.customer)
                .ok_or(Refusal::CustomerNotFound)?;
            let at = at.map_or(now, |at| at.max(now));
            let mut account = facts.account.clone();
            account.settle(at);
            Ok(account.balance(venue, at))
        })
        .await
    }

    /// What some customers may spend at a venue now. Who is unknown is left out.
    ///
    /// # Errors
    /// [`Failure::Busy`], [`Failure::Internal`].
    pub async fn available(
        &self,
        tenant: Tenant,
        venue: VenueId,
        customers: Vec<CustomerId>,
    ) -> Result<HashMap<CustomerId, Money>, Failure> {
        let mut keys = LoadKeys::default();
        keys.networks.insert(tenant.network());
        let who = |id: &CustomerId| (tenant.network(), CustomerRef::Id(id.to_string()));
        keys.customers.extend(customers.iter().map(who));
        self.with_world(tenant, keys, move |world, _, now| {
            let known = customers.iter().filter_map(|id| world.customers.get(id));
            Ok(known
                .map(|facts| {
                    let mut account = facts.account.clone();
                    account.settle(now);
                    (facts.id, account.available(venue, now))
                })
                .collect())
        })
        .await
    }

    async fn at_venue<T: Send + 'static>(
        &self,
        tenant: Tenant,
        place: Place,
        keys: LoadKeys,
        read: impl FnOnce(&World, Context<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let ids = Arc::clone(&self.ids);
        self.with_world(tenant, keys, move |world, network, now| {
            let terms = network.venues.get(&place.venue).ok_or_else(unknown_venue)?;
            let cx = Context {
                terms,
                source: &place.source,
                actor: "",
                now,
                told_at: now,
                ids: &*ids,
            };
            read(world, cx)
        })
        .await
    }

    async fn with_world<T: Send + 'static>(
        &self,
        tenant: Tenant,
        mut keys: LoadKeys,
        read: impl FnOnce(&World, &NetworkTerms, Timestamp) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let ledger = self.clone();
        keys.now = ledger.clock.now();
        let work = move || {
            let mut connection = ledger.store.connection_by_key()?;
            let loaded = ledger::load(&mut connection, &keys)?;
            let version = loaded
                .versions
                .get(&tenant.network())
                .copied()
                .unwrap_or_default();
            let network = ledger
                .terms
                .at_version(&mut connection, tenant.network(), version)?;
            drop(connection);
            let network =
                network.ok_or_else(|| StorageError::Corrupt("a network without a row".to_owned()))?;
            let mut world = loaded.world;
            world
                .terms
                .extend(network.venues.iter().map(|(id, terms)| (*id, Arc::clone(terms))));
            let now = ledger.now(&network);
            read(&world, &network, now).map_err(Failure::Refused)
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or(Err(Failure::Internal))
    }
}

fn unknown_venue() -> Refusal {
    Refusal::invalid("/venue_id", "Такого заведения нет.", "There is no such venue.")
}
