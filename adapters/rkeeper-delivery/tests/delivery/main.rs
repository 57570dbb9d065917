//! r_keeper Delivery: fixtures against golden files, what the vendor is asked, and what no input may do.

// Clippy lets tests unwrap and panic, but not what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod any_input;
mod asking;
mod fixtures;
mod golden;
mod told_order;
