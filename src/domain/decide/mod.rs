//! Decisions: one file per verb of the ledger. Each takes the facts and a command, and either changes the facts and
//! answers, or refuses and changes nothing.

mod adjust;
mod back_by_product;
mod booking;
mod close;
mod corrected_return;
mod decided;
mod give_back;
mod guest_of_sale;
mod held;
mod holds;
mod identify;
mod late_write_off;
mod offline;
mod payers;
mod payment;
mod receipt_identity;
mod return_identity;
mod returned_lines;
mod returns_again;
mod settle_write_off;
mod sheet;
mod spend;
mod tell_anew;
mod undo_return;
mod written_off;

pub use adjust::{Adjustment, Amend, amend};
pub use close::{close, quote};
pub use give_back::give_back;
pub use holds::{hold, is_locked, let_go_key, void};
pub use identify::{guest_view, identify};
pub use offline::hold_keys;
pub use settle_write_off::settle_write_off;
pub use spend::spend;
pub use undo_return::undo_return;

use super::Timestamp;
use super::ids::IdSource;
use super::refusal::Refusal;
use super::terms::VenueTerms;
use super::world::SourceKey;

/// What every decision at a venue is given besides the facts and the command.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Terms of the venue.
    pub terms: &'a VenueTerms,
    /// The source of the message.
    pub source: &'a str,
    /// The person or key that causes it, for the books.
    pub actor: &'a str,
    /// Now, as the network's clock says.
    pub now: Timestamp,
    /// When the message came: that of a message which a person sends through once more is when it came first.
    pub told_at: Timestamp,
    /// Where ids come from.
    pub ids: &'a dyn IdSource,
}

impl Context<'_> {
    /// Identity of something of this source at this venue.
    pub fn key(&self, external_id: &str) -> SourceKey {
        SourceKey {
            network: self.terms.network,
            venue: self.terms.venue,
            source: self.source.to_owned(),
            external_id: external_id.to_owned(),
        }
    }

    /// Refuses what a till began when its venue was out of use already. What was sold before may come late, and what
    /// was sold may come back at any time.
    ///
    /// # Errors
    /// `venue-archived`.
    pub fn in_use(&self, at: Timestamp) -> Result<(), Refusal> {
        match self.terms.archived_at {
            Some(archived_at) if at >= archived_at => Err(Refusal::VenueArchived),
            _ => Ok(()),
        }
    }
}
