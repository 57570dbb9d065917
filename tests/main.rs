//! All integration tests, in one binary so that they link once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "these are tests, and so are their helpers, which clippy can't tell"
)]

mod api;
mod browser;
mod cli;
mod databases;
mod demo;
mod durability;
mod golden;
mod guides;
mod ledger;
mod polling;
mod pos;
mod seed;
mod simulate;
mod storage;
mod support;
mod worker;
