//! What the ledger reads and writes: one load and one apply per batch.

pub mod apply;
mod columns;
pub mod keys;
pub mod load;
mod loaded;
pub mod message;
pub mod rows;

pub use apply::apply;
pub use keys::LoadKeys;
pub use load::{Loaded, load, plan};
