//! What the ledger promises, tried hard.

mod model;
mod properties;
