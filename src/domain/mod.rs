//! The pure core: it takes facts and returns decisions. No database, clock, network or randomness; time and ids are
//! arguments. Everything that moves a bonus is decided here, and only here.

pub mod account;
pub mod accrual;
pub mod amount_words;
pub mod books;
pub mod business_time;
pub mod decide;
pub mod ids;
pub mod rate;
pub mod reconcile;
pub mod redemption;
pub mod refusal;
pub mod settings;
pub mod terms;
pub mod watch;
pub mod world;

pub use kopilka_contract::{Money, Phone, Quantity};

/// An instant, UTC, in whole microseconds: what both databases read back as they got it.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
