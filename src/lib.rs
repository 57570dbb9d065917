//! Kopilka: a loyalty service. A receipt that comes from a till becomes exactly one right posting in the bonus ledger.

pub mod addresses;
pub mod api;
pub mod app;
mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod domain;
mod http_client;
pub mod id_source;
pub mod ledger;
pub mod pages;
pub mod pos;
pub mod server;
pub mod simulate;
pub mod storage;
pub mod telemetry;
pub mod worker;
