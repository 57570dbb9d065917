//! What the ledger promises, tried hard.

mod exactly_once;
mod many_customers;
mod model;
mod properties;
mod races;
pub mod shop;
mod tampering;
mod told_anew;
mod told_since;
mod word_for_word;
mod write_offs;
