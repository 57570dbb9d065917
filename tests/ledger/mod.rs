//! What the ledger promises, tried hard.

mod model;
mod properties;
mod races;
mod shop;
