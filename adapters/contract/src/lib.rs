//! The till conversation: the few words that every till adapter and the ledger share.
//!
//! An adapter turns a vendor's bytes into [`Ask`]s and turns what the ledger [`Told`] it back into the vendor's
//! bytes. It does no I/O and keeps no state: it never sees a database, a clock, a socket or an id of ours that it
//! could not get from an answer. The service never sees a vendor's field.
//!
//! Amounts are [`Money`]: integers of kopecks inside, decimal strings outside. One bonus pays for 1.00 of money.

mod adapter;
mod amount;
mod apportion;
mod as_told;
mod ask;
mod enrol;
mod guide;
mod menu;
mod phone;
mod poll;
mod receipt;
mod secret;
mod till_day;
mod told;
mod words;

pub use adapter::{
    About, Adapter, Bulk, Dialogue, Filing, Message, Part, Reply, Roads, Settings, SettingsError, Unreadable,
};
pub use amount::{AmountError, Money, Quantity};
pub use apportion::{apportion, apportion_by_amount};
pub use as_told::AsTold;
pub use ask::{
    Ask, Close, GiveBack, Hold, LineBack, Offline, PaidBy, Payer, Permit, ProductBack, Redemption, Search,
    SearchBy, Spend, Stands, UndoReturn, WhatBack,
};
pub use enrol::{Adjust, AdjustDirection, Adjusted, Enrol, GuestCard, NameParts, Sex};
pub use guide::{GuideEntry, GuideStep};
pub use menu::{Menu, MenuCategory, MenuGroup, MenuProduct, MenuTaken};
pub use phone::Phone;
pub use poll::{
    Delivery, Errand, HttpAnswer, HttpCall, Next, POLL_PATH, Poll, PutOff, Situation, Step, percent_encoded,
};
pub use receipt::{
    CustomerRef, Line, Payment, Receipt, comparable, first_hand, first_hand_at, first_hand_came,
    is_first_hand, is_nearer, is_newer, repeated_at, repeated_moment,
};
pub use secret::{presented, same_secret};
pub use till_day::{DayCompared, TillDay, TillOrder};
pub use told::{
    Balance, CashierMessage, Closed, CustomerStatus, Expiring, Factor, FactorKind, Guest, Held, LineOutcome,
    ReceiptStatus, Refusal, Returned, Spent, Telling, Told, Voided,
};
pub use words::{Language, Words};
