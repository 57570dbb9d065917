//! Whose data a query may touch.

use crate::domain::ids::NetworkId;

/// A network that the caller has been proven to belong to. Every query takes one, so a query without a network cannot
/// be written by oversight.
///
/// Only a login, a key check, a connection's token, a worker that walks all networks, and the command line make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenant(NetworkId);

impl Tenant {
    /// See the type for who may call this.
    pub(crate) fn proven(network: NetworkId) -> Self {
        Tenant(network)
    }

    /// For tests that drive the ledger without a door in front of it.
    #[doc(hidden)]
    pub fn of_test(network: NetworkId) -> Self {
        Tenant(network)
    }

    /// The network.
    pub fn network(self) -> NetworkId {
        self.0
    }

    /// The network's id as stored.
    pub fn id(self) -> i64 {
        self.0.0
    }
}
