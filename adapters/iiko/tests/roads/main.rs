//! The plugin's contract and the part of iikoCard that is served: answers byte for byte, and what no input may do.

// Clippy lets tests unwrap and panic, but not what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod any_input;
mod golden;
mod ledger;
