//! The REST door, driven in process.

mod access;
pub mod client;
mod network;
mod problems;
mod resources;
mod server;
