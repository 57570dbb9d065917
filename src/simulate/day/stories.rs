//! What becomes of a sale: it stays, or comes back in whole or in part, or is told anew.

use chrono::{DateTime, Duration};
use chrono_tz::Tz;
use kopilka_contract::Money;

use super::{Day, Entry, Quote};
use crate::simulate::Failure;
use crate::simulate::account::Standing;
use crate::simulate::dialect::{PartsBack, Sale, Undo};
use crate::simulate::faults::Fault;

/// What becomes of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    Stays,
    Returned,
    RolledBack,
    SoldAgain,
    /// A part comes back; `true`: the rest too, later.
    PartBack(bool),
    /// The order is told once more, and less of it was paid with bonuses.
    FewerPoints,
}

impl Day<'_, '_> {
    /// Which story a sale has.
    pub(super) fn story(&mut self) -> Story {
        let (chance, rest) = (self.dice.below(100), self.dice.percent(50));
        let parts_back = self.dialect.parts_back();
        let halves = self.wire.faults.has(Fault::HalfReturns) && parts_back != PartsBack::Never;
        match chance {
            0..10 => Story::Returned,
            10..18 if self.dialect.rolls_back() => Story::RolledBack,
            18..26 if self.dialect.rolls_back() => Story::SoldAgain,
            26..40 if halves => Story::PartBack(rest),
            40..70 if halves && parts_back == PartsBack::NewerOrder => Story::FewerPoints,
            _ => Story::Stays,
        }
    }

    /// What becomes of the sale.
    pub(super) async fn follow(
        &mut self,
        story: Story,
        sale: Sale,
        guest: Option<usize>,
    ) -> Result<(), Failure> {
        match story {
            Story::Stays => Ok(()),
            Story::Returned => {
                self.comes_back(&sale);
                Ok(())
            }
            Story::RolledBack => self.is_rolled_back(&sale, false).await,
            Story::SoldAgain => self.is_rolled_back(&sale, true).await,
            Story::PartBack(_) if self.dialect.parts_back() == PartsBack::NewerOrder => {
                self.struck_by_half_return();
                self.shrinks(sale, guest).await
            }
            Story::PartBack(rest) => {
                self.struck_by_half_return();
                self.comes_back_in_parts(&sale, rest);
                Ok(())
            }
            Story::FewerPoints => self.is_paid_with_fewer_points(sale, guest).await,
        }
    }

    /// All of it comes back, hours later. The till could not finish every other return.
    fn comes_back(&mut self, sale: &Sale) {
        self.counts.returns += 1;
        let undo = self.dialect.undo(sale, &Undo::Return, after(sale, 1800));
        let hour = sale.number + 1 + u32::try_from(self.dice.below(6)).unwrap_or_default();
        self.later.push((hour, undo));
        let stands_again = self.dialect.undo_return(sale, after(sale, 1830));
        if let Some(stands_again) = stands_again.filter(|_| self.counts.returns.is_multiple_of(2)) {
            self.counts.undone_returns += 1;
            self.later.push((hour + 1, stands_again));
        } else if self.dialect.returns_cancel() {
            self.stand(sale.number, Standing::RolledBack);
        } else {
            self.stand(sale.number, Standing::Returned);
        }
    }

    /// Its payment is rolled back, and may be made again.
    async fn is_rolled_back(&mut self, sale: &Sale, again: bool) -> Result<(), Failure> {
        self.counts.rollbacks += 1;
        let undo = self.dialect.undo(sale, &Undo::RollBack, after(sale, 7));
        self.tell(undo).await?;
        // Where the service asks, it may see none of the sale: what was written off apart would find no receipt.
        let paid_apart = sale.redeem.is_positive() && self.dialect.write_off(sale).is_some();
        if !again && !paid_apart {
            self.stand(sale.number, Standing::RolledBack);
            return Ok(());
        }
        let sold = self.dialect.close(sale, after(sale, 20));
        if self.vendor.is_none() {
            return self.tell(sold).await;
        }
        // Later, so that the service may see what was between.
        self.later.push((sale.number + 20, sold));
        Ok(())
    }

    fn struck_by_half_return(&mut self) {
        self.counts.half_returns += 1;
        *self.wire.struck.entry(Fault::HalfReturns).or_default() += 1;
    }

    /// Only its first item is left in the order, and money pays for that.
    async fn shrinks(&mut self, mut sale: Sale, guest: Option<usize>) -> Result<(), Failure> {
        sale.items.truncate(1);
        sale.redeem = Money::ZERO;
        self.resell(sale, guest).await
    }

    /// Money pays half of what bonuses had paid.
    async fn is_paid_with_fewer_points(
        &mut self,
        mut sale: Sale,
        guest: Option<usize>,
    ) -> Result<(), Failure> {
        if !sale.redeem.is_positive() {
            return Ok(());
        }
        self.counts.lowered_redemptions += 1;
        let half = Money::from_kopecks(sale.redeem.kopecks() / 2);
        sale.redeem = Money::ZERO;
        // To be quoted once more it must be what he has yet.
        let may = self.quoted(&mut sale, guest).await?;
        sale.redeem = may.map_or(Money::ZERO, |quote| half.min(quote.may_redeem));
        self.resell(sale, guest).await
    }

    /// The order was changed after it had been closed: what counts is what is in it now, and what paid for it.
    async fn resell(&mut self, mut sale: Sale, guest: Option<usize>) -> Result<(), Failure> {
        let quote = self.quoted(&mut sale, guest).await?;
        self.enter_as(&sale, guest, quote, sale.redeem);
        let message = self.dialect.close(&sale, after(&sale, 600));
        self.later.push((sale.number + 2, message));
        Ok(())
    }

    /// One piece comes back, told wrongly at first where a till may do that; or the rest too, later.
    fn comes_back_in_parts(&mut self, sale: &Sale, rest: bool) {
        let number = sale.number;
        let all: Vec<i64> = sale.items.iter().map(|item| item.pieces).collect();
        let mut part = vec![0; all.len()];
        if let Some(first) = part.first_mut() {
            *first = 1;
        }
        let others: Vec<i64> = all.iter().zip(&part).map(|(all, part)| all - part).collect();
        let mut told = Vec::new();
        if !rest && self.dialect.corrects_returns() {
            self.counts.corrected_returns += 1;
            told.push((1, Undo::Pieces(1, all), 850));
        }
        told.push((if rest { 1 } else { 2 }, Undo::Pieces(1, part.clone()), 900));
        if rest {
            told.push((3, Undo::Pieces(2, others.clone()), 1200));
        }
        for (hour, undo, seconds) in told {
            let message = self.dialect.undo(sale, &undo, after(sale, seconds));
            self.later.push((number + hour, message));
        }
        if let Some(entry) = self.account.entries.get_mut(&number) {
            entry.take_back(&part);
            if rest {
                entry.take_back(&others);
            }
        }
    }

    /// Puts a sale into the account that nobody's bonuses have to do with.
    pub(super) fn enter(&mut self, sale: &Sale, guest: Option<usize>) {
        self.enter_as(sale, guest, None, Money::ZERO);
    }

    /// Puts a sale into the account. `posted`: what of its bonuses really paid.
    pub(super) fn enter_as(
        &mut self,
        sale: &Sale,
        guest: Option<usize>,
        quote: Option<Quote>,
        posted: Money,
    ) {
        let external_id = self.dialect.external_id(sale);
        let pieces: Vec<i64> = sale.items.iter().map(|item| item.pieces).collect();
        let mut entry = Entry::sold(sale.number, external_id, guest, sale.total(), &pieces);
        entry.other_ids = self.dialect.other_ids(sale);
        if let Some(quote) = quote {
            entry = entry.with(&quote, posted);
            let payer = sale.payer.as_ref().filter(|_| posted.is_positive());
            entry.payer = payer.map(|payer| (payer.guest, payer.part));
        }
        self.account.entries.insert(sale.number, entry);
    }

    fn stand(&mut self, number: u32, standing: Standing) {
        if let Some(entry) = self.account.entries.get_mut(&number) {
            entry.standing = standing;
        }
    }
}

/// So many seconds after a sale.
fn after(sale: &Sale, seconds: i64) -> DateTime<Tz> {
    sale.at + Duration::seconds(seconds)
}
