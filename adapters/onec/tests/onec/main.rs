//! Whole messages of 1C against golden files: what was understood (`*.asks.txt`) and what was answered
//! (`*.answer.*`), byte for byte. `UPDATE_GOLDEN=1 cargo test -p kopilka-onec` writes the golden files anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

mod calculation;
mod checklist;
mod commerce_ml;
mod loyalty_server;
mod odata;
mod receipt_json;
mod robustness;
mod settings;
mod stage;
mod told_sale;
