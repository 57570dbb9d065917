//! Kopilka: a loyalty service. A receipt that comes from a till becomes exactly one right posting in the bonus ledger.

pub mod domain;
pub mod storage;
