//! The tills' doors: `/pos/<kind>/<connection token>/…`, what follows being the vendor's own path. The token
//! authenticates; the adapter translates; the ledger decides; every message that may change something is kept raw.

mod asking;
mod chains;
pub mod connection_cache;
pub mod conversation;
mod door;
pub mod files;
pub mod inbox;
pub mod incoming;
pub mod long_work;
pub mod menu_categories;
pub mod menu_import;
pub mod order_names;
mod orders_before;
pub mod reconciling;
pub mod same_sales;
pub mod secrets;
mod talk;
mod trying_again;

use kopilka_contract::Adapter;

pub use door::routes;

/// Every dialect that we speak. Adding a till system adds one line here.
pub static ADAPTERS: &[&dyn Adapter] = &[
    &kopilka_rkeeper::RKeeper,
    &kopilka_rkeeper_delivery::RKeeperDelivery,
    &kopilka_iiko::Iiko,
    &kopilka_onec::OneC,
];

/// The adapter of a kind.
pub fn adapter(kind: &str) -> Option<&'static dyn Adapter> {
    ADAPTERS.iter().copied().find(|adapter| adapter.kind() == kind)
}
