//! The REST door, driven in process.

mod access;
pub mod client;
mod isolation;
mod network;
mod problems;
mod resources;
mod server;
