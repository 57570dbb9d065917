//! What iikoCloud is asked, step by step, and what its answers become.

// Clippy lets tests unwrap and panic, but not what they share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod asking;
mod errands;
mod gaps;
mod menu;
mod rereads;
mod round;
