//! A business day as a till system's own reports tell it afterwards: what it sold is compared with what reached the books.

use chrono::{DateTime, FixedOffset, NaiveDate};

use crate::Money;

/// All that a till system says it sold on one business day. Nothing is posted because of it: it only shows what the other
/// roads have missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillDay {
    /// The day as the till system accounts for it.
    pub day: NaiveDate,
    /// Each order once.
    pub orders: Vec<TillOrder>,
    /// Whether the books should have every order. False where tills tell us only of some (of those with a guest, for
    /// example): then an order that the books do not have is no difference.
    pub all_are_told: bool,
}

/// An order as a report tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillOrder {
    /// Its names, as [`crate::Dialogue::orders`] gives them: the best one first.
    pub names: Vec<String>,
    /// Number for people.
    pub number: Option<String>,
    /// When it was closed, where the report says so.
    pub closed_at: Option<DateTime<FixedOffset>>,
    /// What was sold, after discounts; `None`: it was sold on another day, and something of it came back on this one.
    /// Bonuses that the till takes for a discount are off it, those that it takes for a payment are not: either will do.
    pub sold: Option<Money>,
    /// What of it came back, as a positive amount.
    pub returned: Money,
    /// Deleted, or taken back whole: nothing of it should count.
    pub cancelled: bool,
    /// It was paid in a way that is no sale: the books need not have it.
    pub not_sold: bool,
    /// How far the rounding of its lines may move the amounts.
    pub rounding: Money,
}

/// What comparing a day came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayCompared {
    /// Orders that the till system sold on the day.
    pub told: usize,
    /// How many of them the books have.
    pub known: usize,
    /// Differences that wait for a person, with those that were found before.
    pub open: usize,
    /// How many of them are new.
    pub found: usize,
    /// Differences of before that are there no more.
    pub gone: usize,
}
