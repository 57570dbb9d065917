//! The REST door, driven in process.

mod access;
mod client;
mod network;
mod problems;
mod resources;
mod server;
