//! The adapter against messages composed from the vendor's texts (`fixtures/`).
//!
//! `fixtures/*.asks.txt` pin what a message becomes, `fixtures/*.answer.xml` what a till is told, byte for byte.
//! `UPDATE_GOLDEN=1` writes them anew; look at the difference before it is committed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected shall fail"
)]

mod answers;
mod ledger;
mod robustness;
mod translation;
mod wire;
