//! The REST door, driven in process.

mod access;
mod bad_input;
pub mod client;
mod isolation;
mod network;
mod problems;
mod resources;
mod server;
mod till;
