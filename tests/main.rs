//! All integration tests, in one binary so that they link once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says so by panicking"
)]

mod api;
mod databases;
mod golden;
