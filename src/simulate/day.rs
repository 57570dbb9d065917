//! The day: who came, what was sold, what was undone, and what was said once more in the evening.

use std::sync::Arc;

use chrono::{DateTime, Duration, Timelike};
use chrono_tz::Tz;
use kopilka_contract::Money;

use super::account::{Account, Entry, Guest, Standing};
use super::dialect::{Dialect, Heard, Item, Message, PartsBack, Role, Sale, Undo};
use super::faults::{Fault, Once, Wire};
use super::office::{Office, Place, Quote};
use super::vendor::Vendor;
use super::{Counts, Failure};
use crate::demo::dice::Dice;
use crate::demo::network::{VENUES, VenuePlan};

/// Guests with a card, then those who only have a telephone.
const MEMBERS: usize = 7;
const STRANGERS: usize = 2;
/// How many of those with a card begin with bonuses.
const RICH: usize = 5;
/// What they get, in kopecks.
const GIFT: i64 = 500_000;
/// Nobody takes out his card for less, in kopecks.
const LEAST: i64 = 1_000;
/// How long before the present the day ended.
const SINCE_CLOSING: i64 = 60;
/// How long it was, in minutes.
const OPEN: i64 = 480;

/// What becomes of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    Stays,
    Returned,
    RolledBack,
    SoldAgain,
    /// A part comes back; `true`: the rest too, later.
    PartBack(bool),
}

/// A day under way.
pub(super) struct Day<'a, 'w> {
    pub(super) dialect: &'static dyn Dialect,
    pub(super) office: &'a Office,
    pub(super) place: Place,
    pub(super) wire: Wire<'w>,
    /// The vendor's own system, where the service asks it.
    pub(super) vendor: Option<Arc<dyn Vendor>>,
    pub(super) dice: Dice,
    /// What ids are made of: other ones each time.
    ids: Dice,
    pub(super) account: Account,
    pub(super) counts: Counts,
    /// What was not as a till expects it, a sentence each.
    pub(super) complaints: Vec<String>,
    /// When the simulation began.
    pub(super) now: DateTime<Tz>,
    /// Sales in all.
    pub(super) receipts: u32,
    /// What the evening repeats is taken from here.
    said: Vec<Message>,
    /// What waits for its hour: number of the sale before which it is said.
    later: Vec<(u32, Message)>,
}

impl<'a, 'w> Day<'a, 'w> {
    pub(super) fn new(
        office: &'a Office,
        place: Place,
        wire: Wire<'w>,
        (dice, ids): (Dice, Dice),
        now: DateTime<Tz>,
        receipts: u32,
    ) -> Self {
        Day {
            dialect: wire.dialect,
            office,
            place,
            wire,
            vendor: None,
            dice,
            ids,
            account: Account::default(),
            counts: Counts::default(),
            complaints: Vec::new(),
            now,
            receipts,
            said: Vec::new(),
            later: Vec::new(),
        }
    }

    /// The guests, some of whom have come before. Their numbers are made of the seed.
    pub(super) async fn invite(&mut self, seed: u64) -> Result<(), Failure> {
        let mut numbers = Dice::new(seed ^ 0x6775_6573_7473);
        let first = numbers.below(9_999_000);
        for number in 0..MEMBERS + STRANGERS {
            let phone = format!("+7900{:07}", first + number as u64);
            let card = format!("27{first:07}{number:03}");
            let member = number < MEMBERS;
            let id = if member {
                let name = format!("Гость симулятора {}", number + 1);
                Some(self.office.register(&name, &phone, &card).await?)
            } else {
                self.office.customer(&phone).await?
            };
            if let (Some(id), true) = (&id, number < RICH) {
                let (_, available) = self.office.balance(id).await?;
                let missing = Money::from_kopecks(GIFT) - available;
                if missing.is_positive() {
                    self.office.credit(id, missing).await?;
                }
            }
            let mut guest = Guest {
                id,
                card: member.then_some(card),
                phone,
                opening: Money::ZERO,
                spendable: Money::ZERO,
                known: std::collections::HashSet::new(),
            };
            if let Some(id) = &guest.id {
                (guest.opening, guest.spendable) = self.office.balance(id).await?;
                guest.known = self.office.transactions(id).await?;
            }
            self.account.guests.push(guest);
        }
        Ok(())
    }

    /// A sale to nobody.
    pub(super) async fn first(&mut self) -> Result<Sale, Failure> {
        let sale = self.sale(1, None);
        let message = self.dialect.close(&sale, sale.at);
        self.tell(message).await?;
        self.enter(&sale, None);
        Ok(sale)
    }

    /// All the other sales, with what comes of them.
    pub(super) async fn play(&mut self) -> Result<(), Failure> {
        for number in 2..=self.receipts {
            let restarts = self.wire.faults.has(Fault::Restarts) && self.receipts > 4;
            if restarts && number % (self.receipts / 4) == 1 {
                self.wire.restart()?;
                self.wire.restart_soon = true;
            }
            self.sell(number).await?;
            let (due, later) = std::mem::take(&mut self.later)
                .into_iter()
                .partition(|(at, _)| *at <= number);
            self.later = later;
            for (_, message) in due {
                self.tell(message).await?;
            }
        }
        for (_, message) in std::mem::take(&mut self.later) {
            self.tell(message).await?;
        }
        self.wire.calm().await?;
        // In the evening tills send some of it once more.
        for message in std::mem::take(&mut self.said) {
            if self.dice.percent(15) {
                self.counts.late_repeats += 1;
                self.wire.tell(message).await?;
            }
        }
        self.wire.calm().await
    }

    async fn tell(&mut self, message: Message) -> Result<(), Failure> {
        if let (Some(vendor), Some(fact)) = (&self.vendor, &message.fact) {
            vendor.happened(fact);
        }
        if message.role == Role::Shows || self.wire.loses(&message) {
            return Ok(());
        }
        self.said.push(message.clone());
        self.wire.tell(message).await
    }

    async fn sell(&mut self, number: u32) -> Result<(), Failure> {
        let guest = self.guest();
        let mut sale = self.sale(number, guest);
        let known = guest.filter(|_| self.dialect.guest(&sale).is_some());
        let story = self.story();
        let wants = self.dice.percent(45);
        let share = self.dice.between(20, 60);
        if known.is_some() {
            self.counts.with_guest += 1;
        }
        let before = self.dialect.before(&sale);
        // Asked before the till locks anything.
        let planned = match known {
            Some(guest) if wants && self.dialect.redeems_for(&sale) && sale.card.is_some() => {
                self.planned(&sale, guest, share).await?
            }
            _ => Money::ZERO,
        };
        sale.redeem = planned;
        let mut quote = self.quoted(&mut sale, known).await?;
        let mut offered = Money::ZERO;
        for message in before {
            if message.role == Role::Tells {
                self.tell(message).await?;
                continue;
            }
            let told = self.wire.ask(&message).await?;
            match self.dialect.may_redeem(&told.body) {
                Some(may) => offered = may,
                None => self
                    .complaints
                    .push(format!("sale {number}: the card was not read: {}", told.body)),
            }
        }
        if planned > offered {
            self.complaints.push(format!(
                "sale {number}: the till may take {offered}, the network said {planned}"
            ));
            sale.redeem = Money::ZERO;
            quote = self.quoted(&mut sale, known).await?;
        }
        let closed = self.dialect.close(&sale, sale.at);
        let tells_first = self.dialect.tells_first(&sale);
        if tells_first {
            self.tell(closed.clone()).await?;
        }
        let posted = self.pay_with_bonuses(&sale, known).await?;
        if !tells_first {
            self.tell(closed).await?;
        }
        for message in self.dialect.after(&sale) {
            if message.role == Role::Tells {
                self.tell(message).await?;
                continue;
            }
            let told = self.wire.ask(&message).await?;
            if let Heard::Again(words) | Heard::Refused(words) = told.heard {
                self.complaints
                    .push(format!("sale {number}: the card was not unlocked: {words}"));
            }
        }
        let off = self
            .dialect
            .takes_guest_off(&sale, sale.at + Duration::seconds(5));
        if let Some(off) = off.filter(|_| known.is_some() && posted.is_zero()) {
            self.counts.guests_taken_off += 1;
            self.tell(off).await?;
            self.enter(&sale, None);
            return Ok(());
        }
        self.enter(&sale, known);
        if let (Some(quote), Some(entry)) = (quote, self.account.entries.remove(&number)) {
            let pieces: Vec<i64> = sale.items.iter().map(|item| item.pieces).collect();
            self.account
                .entries
                .insert(number, entry.with(&quote, &pieces, posted));
        }
        self.follow(story, sale, known).await
    }

    /// What the sale will do; its lines get what bonuses pay of them.
    async fn quoted(&self, sale: &mut Sale, guest: Option<usize>) -> Result<Option<Quote>, Failure> {
        if guest.is_none() {
            return Ok(None);
        }
        let quote = self
            .office
            .quote(self.dialect, &self.place, sale, sale.redeem)
            .await?;
        for (item, (redeemed, _)) in sale.items.iter_mut().zip(&quote.lines) {
            item.redeemed = *redeemed;
        }
        Ok(Some(quote))
    }

    /// What the guest would pay with bonuses: a share of what he may, never of what he got today. No two sums are
    /// alike.
    async fn planned(&mut self, sale: &Sale, guest: usize, share: i64) -> Result<Money, Failure> {
        let quote = self
            .office
            .quote(self.dialect, &self.place, sale, Money::ZERO)
            .await?;
        let Some(guest) = self.account.guests.get(guest) else {
            return Ok(Money::ZERO);
        };
        let most = quote.may_redeem.min(guest.spendable).kopecks();
        let rouble = most * share / 10_000 * 100;
        let planned = rouble - i64::from(self.counts.redemptions % 100);
        Ok(Money::from_kopecks(if planned < LEAST { 0 } else { planned }))
    }

    /// What bonuses really paid.
    async fn pay_with_bonuses(&mut self, sale: &Sale, guest: Option<usize>) -> Result<Money, Failure> {
        if !sale.redeem.is_positive() {
            return Ok(Money::ZERO);
        }
        self.counts.redemptions += 1;
        let now = self
            .place
            .settings
            .get("receipt_redemption")
            .and_then(|v| v.as_str())
            == Some("now");
        for message in self.dialect.prepares(sale) {
            let told = self.wire.ask(&message).await?;
            if told.heard != Heard::Taken {
                self.complaints.push(format!(
                    "sale {}: before the reservation: {}",
                    sale.number, told.body
                ));
            }
        }
        let paid = match self.dialect.write_off(sale).filter(|_| !now) {
            None => true,
            // A reservation before the fiscal receipt: the till waits for its answer.
            Some(message) if message.role == Role::Asks => {
                let told = self.wire.ask(&message).await?;
                if told.heard != Heard::Taken {
                    self.complaints
                        .push(format!("sale {}: the reservation: {}", sale.number, told.body));
                }
                told.heard == Heard::Taken
            }
            Some(message) => match self.wire.once(&message).await? {
                Once::Told(told) => {
                    if told.heard != Heard::Taken {
                        self.complaints
                            .push(format!("sale {}: the write-off: {}", sale.number, told.body));
                    }
                    told.heard == Heard::Taken
                }
                Once::Unheard => true,
                Once::Cut => false,
            },
        };
        if !paid {
            return Ok(Money::ZERO);
        }
        if let Some(guest) = guest.and_then(|guest| self.account.guests.get_mut(guest)) {
            guest.spendable -= sale.redeem;
        }
        Ok(sale.redeem)
    }

    /// What becomes of the sale.
    async fn follow(&mut self, story: Story, mut sale: Sale, guest: Option<usize>) -> Result<(), Failure> {
        let number = sale.number;
        let after = |seconds: i64| sale.at + Duration::seconds(seconds);
        match story {
            Story::Stays => {}
            Story::Returned => {
                self.counts.returns += 1;
                let undo = self.dialect.undo(&sale, &Undo::Return, after(1800));
                let hour = number + 1 + u32::try_from(self.dice.below(6)).unwrap_or_default();
                self.later.push((hour, undo));
                // The till could not finish every other return.
                let stands_again = self.dialect.undo_return(&sale, after(1830));
                if let Some(stands_again) = stands_again.filter(|_| self.counts.returns.is_multiple_of(2)) {
                    self.counts.undone_returns += 1;
                    self.later.push((hour + 1, stands_again));
                } else if self.dialect.returns_cancel() {
                    self.stand(number, Standing::RolledBack);
                } else {
                    self.stand(number, Standing::Returned);
                }
            }
            Story::RolledBack | Story::SoldAgain => {
                self.counts.rollbacks += 1;
                let undo = self.dialect.undo(&sale, &Undo::RollBack, after(7));
                let again = self.dialect.close(&sale, after(20));
                self.tell(undo).await?;
                // Where the service asks, it may see none of the sale: what was written off apart would find no receipt.
                let paid_apart = sale.redeem.is_positive() && self.dialect.write_off(&sale).is_some();
                if story == Story::SoldAgain || paid_apart {
                    if self.vendor.is_some() {
                        // Later, so that the service may see what was between.
                        self.later.push((number + 20, again));
                    } else {
                        self.tell(again).await?;
                    }
                } else {
                    self.stand(number, Standing::RolledBack);
                }
            }
            Story::PartBack(rest) => {
                self.counts.half_returns += 1;
                *self.wire.struck.entry(Fault::HalfReturns).or_default() += 1;
                if self.dialect.parts_back() == PartsBack::NewerOrder {
                    let newer = after(600);
                    sale.items.truncate(1);
                    // Paid with money now.
                    sale.redeem = Money::ZERO;
                    for item in &mut sale.items {
                        item.redeemed = Money::ZERO;
                    }
                    let message = self.dialect.close(&sale, newer);
                    self.resell(&sale, guest).await?;
                    self.later.push((number + 2, message));
                    return Ok(());
                }
                let all: Vec<i64> = sale.items.iter().map(|item| item.pieces).collect();
                let mut part = vec![0; all.len()];
                if let Some(first) = part.first_mut() {
                    *first = 1;
                }
                let others: Vec<i64> = all.iter().zip(&part).map(|(all, part)| all - part).collect();
                if !rest && self.dialect.corrects_returns() {
                    self.counts.corrected_returns += 1;
                    let all = Undo::Pieces(1, all.clone());
                    self.later
                        .push((number + 1, self.dialect.undo(&sale, &all, after(850))));
                }
                let message = self
                    .dialect
                    .undo(&sale, &Undo::Pieces(1, part.clone()), after(900));
                let hour = if rest { 1 } else { 2 };
                self.later.push((number + hour, message));
                if rest {
                    let message = self
                        .dialect
                        .undo(&sale, &Undo::Pieces(2, others.clone()), after(1200));
                    self.later.push((number + 3, message));
                }
                if let Some(entry) = self.account.entries.get_mut(&number) {
                    entry.take_back(&part);
                    if rest {
                        entry.take_back(&others);
                    }
                }
            }
        }
        Ok(())
    }

    /// The order was changed after it had been closed: what counts is what is in it now.
    async fn resell(&mut self, sale: &Sale, guest: Option<usize>) -> Result<(), Failure> {
        self.enter(sale, guest);
        if guest.is_none() {
            return Ok(());
        }
        let quote = self
            .office
            .quote(self.dialect, &self.place, sale, Money::ZERO)
            .await?;
        if let Some(entry) = self.account.entries.remove(&sale.number) {
            let pieces: Vec<i64> = sale.items.iter().map(|item| item.pieces).collect();
            self.account
                .entries
                .insert(sale.number, entry.with(&quote, &pieces, Money::ZERO));
        }
        Ok(())
    }

    fn enter(&mut self, sale: &Sale, guest: Option<usize>) {
        let external_id = self.dialect.external_id(sale);
        let mut entry = Entry::sold(sale.number, external_id, guest, sale.total());
        entry.other_ids = self.dialect.other_ids(sale);
        self.account.entries.insert(sale.number, entry);
    }

    fn stand(&mut self, number: u32, standing: Standing) {
        if let Some(entry) = self.account.entries.get_mut(&number) {
            entry.standing = standing;
        }
    }

    /// Three of four come with a name.
    fn guest(&mut self) -> Option<usize> {
        let comes = self.dice.percent(75);
        let guest = self.dice.index(MEMBERS + STRANGERS);
        comes.then_some(guest)
    }

    fn story(&mut self) -> Story {
        let (chance, rest) = (self.dice.below(100), self.dice.percent(50));
        let halves =
            self.wire.faults.has(Fault::HalfReturns) && self.dialect.parts_back() != PartsBack::Never;
        match chance {
            0..10 => Story::Returned,
            10..18 if self.dialect.rolls_back() => Story::RolledBack,
            18..26 if self.dialect.rolls_back() => Story::SoldAgain,
            26..40 if halves => Story::PartBack(rest),
            _ => Story::Stays,
        }
    }

    fn sale(&mut self, number: u32, guest: Option<usize>) -> Sale {
        let guest = guest.and_then(|guest| self.account.guests.get(guest));
        let (card, phone) = guest.map_or((None, None), |g| (g.card.clone(), Some(g.phone.clone())));
        let member = guest.and_then(|guest| guest.id.clone().filter(|_| guest.card.is_some()));
        let minutes = OPEN * i64::from(number) / i64::from(self.receipts.max(1));
        let count = 2 + self.dice.index(3);
        let menu = menu(self.dialect.kind());
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.extend(item(menu, &mut self.dice));
        }
        let (high, low) = (self.ids.bits(), self.ids.bits());
        Sale {
            number,
            id: format!(
                "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
                high >> 32,
                high >> 16 & 0xffff,
                high & 0xfff,
                low >> 52,
                low & 0xffff_ffff_ffff
            ),
            at: not_at_the_end_of_an_hour(self.now - Duration::minutes(SINCE_CLOSING + OPEN - minutes)),
            card,
            phone,
            member,
            items,
            redeem: Money::ZERO,
        }
    }
}

/// A sale that is closed anew a moment later is of the same hour: rules may depend on it.
fn not_at_the_end_of_an_hour(at: DateTime<Tz>) -> DateTime<Tz> {
    if at.minute() == 59 {
        at - Duration::minutes(1)
    } else {
        at
    }
}

/// What the demo's venue with such tills sells.
fn menu(kind: &str) -> &'static VenuePlan {
    let [first, ..] = &VENUES;
    VENUES.iter().find(|venue| venue.has(kind)).unwrap_or(first)
}

fn item(menu: &'static VenuePlan, dice: &mut Dice) -> Option<Item> {
    let category = dice.pick(menu.categories)?;
    let (name, _, _) = dice.pick(category.products)?;
    let (product, category, price) = menu.product(name)?;
    Some(Item {
        name,
        product,
        category,
        pieces: dice.between(1, 3),
        price,
        redeemed: Money::ZERO,
    })
}
