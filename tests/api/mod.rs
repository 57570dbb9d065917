//! The REST door, driven in process.

mod access;
mod bad_input;
pub mod client;
mod delivery_orders;
mod description;
pub mod isolation;
pub mod json_schema;
mod network;
mod problems;
mod resources;
mod server;
mod till;
