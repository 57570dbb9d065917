//! Webhooks of iiko: fixtures against golden files, what they mean, and what no input may do.

// Clippy lets tests unwrap and panic, but not what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod any_input;
mod fixtures;
mod golden;
mod meaning;
mod told_sale;
