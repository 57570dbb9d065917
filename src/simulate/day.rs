//! The day: who came, what was sold, and what was said once more in the evening. What becomes of each sale is in [`stories`].

mod stories;

use std::sync::Arc;

use chrono::{DateTime, Duration, Timelike};
use chrono_tz::Tz;
use kopilka_contract::Money;

use super::account::{Account, Entry, Guest};
use super::dialect::{Dialect, Heard, Item, Message, Payer, Role, Sale};
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
        sale.payer = self.payer(&sale, known);
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
            (sale.redeem, sale.payer) = (Money::ZERO, None);
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
        self.enter_as(&sale, known, quote, posted);
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

    /// Another guest with a card who pays a third of what bonuses pay, in every other such sale.
    fn payer(&self, sale: &Sale, guest: Option<usize>) -> Option<Payer> {
        let takes =
            sale.redeem.is_positive() && sale.number.is_multiple_of(2) && self.dialect.takes_payers(sale);
        let guest = guest.filter(|_| takes)?;
        let part = Money::from_kopecks(sale.redeem.kopecks() / 3);
        let others = self.account.guests.iter().enumerate();
        let mut others = others.filter(|(index, other)| *index != guest && other.spendable >= part);
        others.find_map(|(guest, other)| {
            let card = other.card.clone()?;
            Some(Payer { guest, card, part })
        })
    }

    /// What bonuses really paid.
    async fn pay_with_bonuses(&mut self, sale: &Sale, guest: Option<usize>) -> Result<Money, Failure> {
        if !sale.redeem.is_positive() {
            return Ok(Money::ZERO);
        }
        self.counts.redemptions += 1;
        self.counts.shared_redemptions += u32::from(sale.payer.is_some());
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
        let of_payer = sale.payer.as_ref().map(|payer| (payer.guest, payer.part));
        let by_other = of_payer.map_or(Money::ZERO, |(_, part)| part);
        let own = guest.map(|guest| (guest, sale.redeem - by_other));
        for (guest, part) in own.into_iter().chain(of_payer) {
            if let Some(guest) = self.account.guests.get_mut(guest) {
                guest.spendable -= part;
            }
        }
        Ok(sale.redeem)
    }

    /// Three of four come with a name.
    fn guest(&mut self) -> Option<usize> {
        let comes = self.dice.percent(75);
        let guest = self.dice.index(MEMBERS + STRANGERS);
        comes.then_some(guest)
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
            payer: None,
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
