//! The demo network: what `kopilka demo` shows. Everything in it is made from a fixed seed and the time of its start.

pub mod credentials;
pub mod dice;
pub mod loader;
pub mod menu;
pub mod network;
pub mod people;
pub mod samples;
pub mod season;

pub use loader::{LoadError, Loaded, load};
pub use season::Scale;
