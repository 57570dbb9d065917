//! One customer's bonuses: lots, holds and debt, and everything that can happen to them.
//!
//! An account is always first brought up to an instant ([`Account::settle`]): holds whose time is over let go, lots
//! whose time is over are gone. So a balance is right at every instant, whether or not a job has run.

use kopilka_contract::{Balance, Expiring};

use super::ids::{HoldId, IdSource, LotId, ReceiptId, VenueId};
use super::{Money, Timestamp};

/// Bonuses that were credited together and live and expire together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Its id; older lots have lower ids.
    pub id: LotId,
    /// What was credited, less the debt that the credit paid.
    pub amount: Money,
    /// What is left, held parts not counted.
    pub left: Money,
    /// Usable from here.
    pub starts_at: Timestamp,
    /// Gone from here; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Usable at this venue only; `None`: in the whole network.
    pub scope: Option<VenueId>,
    /// The venue that issued it, and owes for it where another one redeems it; `None`: the network.
    pub issuer: Option<VenueId>,
    /// The receipt whose accrual it is.
    pub receipt: Option<ReceiptId>,
}

impl Lot {
    /// Whether it has started and not expired.
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.starts_at <= at && !self.is_expired(at)
    }

    /// Whether its time is over.
    pub fn is_expired(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }

    /// Lots are spent in this order: expires soonest (never = last), started soonest, oldest.
    fn spending_order(&self) -> (bool, Option<Timestamp>, Timestamp, LotId) {
        (
            self.expires_at.is_none(),
            self.expires_at,
            self.starts_at,
            self.id,
        )
    }

    fn serves(&self, venue: VenueId) -> bool {
        self.scope.is_none_or(|scope| scope == venue)
    }
}

/// A part of a hold or a redemption: how much of which lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotPart {
    /// The lot as it was; `left` has no meaning here.
    pub lot: Lot,
    /// How much of it.
    pub amount: Money,
}

/// Bonuses set aside for an open order. Their parts are out of their lots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The venue of the order.
    pub venue: VenueId,
    /// It ends by itself at this moment.
    pub ends_at: Timestamp,
    /// What it holds, in the order taken.
    pub parts: Vec<LotPart>,
}

impl Hold {
    /// How much it holds.
    pub fn amount(&self) -> Money {
        self.parts.iter().map(|part| part.amount).sum()
    }
}

/// How much bonuses issued by one venue changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByIssuer {
    /// The venue that issued them; `None`: the network.
    pub issuer: Option<VenueId>,
    /// How much.
    pub amount: Money,
}

/// Adds up parts by their issuer, in order of first appearance.
pub fn by_issuer(parts: impl IntoIterator<Item = (Option<VenueId>, Money)>) -> Vec<ByIssuer> {
    let mut sums: Vec<ByIssuer> = Vec::new();
    for (issuer, amount) in parts {
        if amount.is_zero() {
            continue;
        }
        match sums.iter_mut().find(|s| s.issuer == issuer) {
            Some(sum) => sum.amount += amount,
            None => sums.push(ByIssuer { issuer, amount }),
        }
    }
    sums
}

/// What a credit gives: the terms of the lot that it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotTerms {
    /// Usable from here.
    pub starts_at: Timestamp,
    /// Gone from here; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Usable at this venue only.
    pub scope: Option<VenueId>,
    /// Who issued it.
    pub issuer: Option<VenueId>,
    /// The receipt whose accrual it is.
    pub receipt: Option<ReceiptId>,
}

/// A customer's bonuses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// What he owes; never beside a lot with something left.
    pub debt: Money,
    /// Lots with something left, or that a hold has a part of.
    pub lots: Vec<Lot>,
    /// Holds that have not ended.
    pub holds: Vec<Hold>,
}

impl Account {
    /// Brings the account up to an instant: ends holds, each at its own moment, then expires lots. Returns what
    /// expired; the caller books it.
    pub fn settle(&mut self, now: Timestamp) -> Vec<ByIssuer> {
        let mut gone: Vec<(Option<VenueId>, Money)> = Vec::new();
        let mut ended: Vec<(Timestamp, HoldId)> = self
            .holds
            .iter()
            .filter(|h| h.ends_at <= now)
            .map(|h| (h.ends_at, h.id))
            .collect();
        ended.sort();
        for (ends_at, id) in ended {
            gone.extend(
                self.release(id, ends_at)
                    .into_iter()
                    .map(|g| (g.issuer, g.amount)),
            );
        }
        for lot in self
            .lots
            .iter_mut()
            .filter(|lot| lot.is_expired(now) && lot.left.is_positive())
        {
            gone.push((lot.issuer, lot.left));
            lot.left = Money::ZERO;
        }
        by_issuer(gone)
    }

    /// When [`Account::settle`] will next have something to do; `None`: never.
    pub fn next_due(&self) -> Option<Timestamp> {
        let lots = self
            .lots
            .iter()
            .filter(|lot| lot.left.is_positive())
            .filter_map(|lot| lot.expires_at);
        lots.chain(self.holds.iter().map(|hold| hold.ends_at)).min()
    }

    /// What may be spent at a venue.
    pub fn available(&self, venue: VenueId, now: Timestamp) -> Money {
        self.lots
            .iter()
            .filter(|lot| lot.is_active(now) && lot.serves(venue))
            .map(|lot| lot.left)
            .sum()
    }

    /// What holds have set aside.
    pub fn held(&self) -> Money {
        self.holds.iter().map(Hold::amount).sum()
    }

    /// Sum of what is left in all lots, of what is held, less debt: what the customer's postings must add up to.
    pub fn book_balance(&self) -> Money {
        self.lots.iter().map(|lot| lot.left).sum::<Money>() + self.held() - self.debt
    }

    /// The figures that a till and a page show. The account must be settled at `now`. `venue`: available there;
    /// `None`: lots that every venue takes.
    pub fn balance(&self, venue: Option<VenueId>, now: Timestamp) -> Balance {
        let active = || {
            self.lots
                .iter()
                .filter(|lot| lot.is_active(now) && lot.left.is_positive())
        };
        let serves = |lot: &&Lot| venue.map_or(lot.scope.is_none(), |v| lot.serves(v));
        let next = active().filter(serves).filter_map(|lot| lot.expires_at).min();
        Balance {
            available: active().filter(serves).map(|lot| lot.left).sum(),
            balance: active().map(|lot| lot.left).sum::<Money>() + self.held() - self.debt,
            held: self.held(),
            pending: self
                .lots
                .iter()
                .filter(|lot| lot.starts_at > now)
                .map(|lot| lot.left)
                .sum(),
            debt: self.debt,
            expiring: next.map(|at| Expiring {
                amount: active()
                    .filter(serves)
                    .filter(|lot| lot.expires_at == Some(at))
                    .map(|lot| lot.left)
                    .sum(),
                at,
            }),
        }
    }

    /// Credits bonuses: debt first, then a lot of the rest. Returns the lot, if there is a rest.
    pub fn credit(&mut self, amount: Money, terms: LotTerms, ids: &dyn IdSource) -> Option<LotId> {
        let paid = self.pay_debt(amount);
        let rest = amount - paid;
        if !rest.is_positive() {
            return None;
        }
        let id = LotId(ids.next_id());
        let LotTerms {
            starts_at,
            expires_at,
            scope,
            issuer,
            receipt,
        } = terms;
        self.lots.push(Lot {
            id,
            amount: rest,
            left: rest,
            starts_at,
            expires_at,
            scope,
            issuer,
            receipt,
        });
        Some(id)
    }

    /// Takes `amount` from active lots that serve the venue, in spending order. The caller has checked that there is
    /// enough; where there is not, takes what there is.
    pub fn take(&mut self, amount: Money, venue: VenueId, now: Timestamp) -> Vec<LotPart> {
        self.take_where(
            amount,
            |lot| lot.is_active(now) && lot.serves(venue),
            Lot::spending_order,
        )
    }

    /// Sets bonuses aside. The caller has checked that there is enough.
    pub fn hold(&mut self, id: HoldId, amount: Money, venue: VenueId, ends_at: Timestamp, now: Timestamp) {
        let parts = self.take(amount, venue, now);
        self.holds.push(Hold {
            id,
            venue,
            ends_at,
            parts,
        });
    }

    /// Ends a hold: what it holds pays debt first, then goes back to its own lots; what belongs to a lot that has
    /// expired by `at` is gone and returned. An unknown hold changes nothing.
    pub fn release(&mut self, id: HoldId, at: Timestamp) -> Vec<ByIssuer> {
        let Some(position) = self.holds.iter().position(|h| h.id == id) else {
            return Vec::new();
        };
        let hold = self.holds.remove(position);
        by_issuer(self.put_back(hold.parts, at))
    }

    /// Those of these holds that last, and how much they hold together.
    pub fn lasting(&self, of: &[HoldId]) -> (Vec<HoldId>, Money) {
        let lasting = || self.holds.iter().filter(|hold| of.contains(&hold.id));
        (
            lasting().map(|hold| hold.id).collect(),
            lasting().map(Hold::amount).sum(),
        )
    }

    /// Uses holds for a redemption of `amount`: their parts first, in the order taken, then active lots, and what they
    /// have too much goes back. Returns what was redeemed, in order, and what was gone on the way back.
    pub fn capture(
        &mut self,
        holds: &[HoldId],
        amount: Money,
        venue: VenueId,
        now: Timestamp,
    ) -> (Vec<LotPart>, Vec<ByIssuer>) {
        let (mut used, surplus) = self.take_from_holds(holds, amount);
        let gone = by_issuer(self.put_back(surplus, now));
        let missing = amount - used.iter().map(|p| p.amount).sum();
        used.extend(self.take(missing, venue, now));
        (used, gone)
    }

    /// Writes off `amount` that can't be refused: a session's hold first (which stays, with the rest), then active
    /// lots, and what is missing becomes debt. Returns what was redeemed and what became debt.
    pub fn overdraw(
        &mut self,
        hold: Option<HoldId>,
        amount: Money,
        venue: VenueId,
        now: Timestamp,
    ) -> (Vec<LotPart>, Money) {
        let (mut used, surplus) = self.take_from_holds(hold.as_slice(), amount);
        if let Some(hold) = hold.and_then(|id| self.hold_mut(id)) {
            hold.parts = surplus;
        }
        let missing = amount - used.iter().map(|p| p.amount).sum();
        used.extend(self.take(missing, venue, now));
        let debt = amount - used.iter().map(|p| p.amount).sum();
        self.debt += debt;
        (used, debt)
    }

    /// Takes bonuses that were given back and are spent all the same: from lots that the venue may use, then from other
    /// active ones, then from pending ones by their start; what is missing becomes debt. Returns what was used, and
    /// the debt.
    pub fn take_again(&mut self, amount: Money, venue: VenueId, now: Timestamp) -> (Vec<LotPart>, Money) {
        let missing = |used: &[LotPart]| amount - used.iter().map(|p| p.amount).sum();
        let mut used = self.take(amount, venue, now);
        used.extend(self.take_where(missing(&used), |lot| lot.is_active(now), Lot::spending_order));
        used.extend(self.take_where(
            missing(&used),
            |lot| lot.starts_at > now,
            |lot| (lot.starts_at, lot.id),
        ));
        let debt = missing(&used);
        self.debt += debt;
        (used, debt)
    }

    /// Takes an accrual back: from the lots of its receipt, then from other active lots in spending order whatever
    /// their scope, then from pending lots by their start; what is missing becomes debt.
    pub fn undo_accrual(&mut self, amount: Money, receipt: ReceiptId, now: Timestamp) {
        let mut missing = amount;
        let taken = |parts: Vec<LotPart>| parts.iter().map(|p| p.amount).sum::<Money>();
        missing -= taken(self.take_where(missing, |lot| lot.receipt == Some(receipt), Lot::spending_order));
        missing -= taken(self.take_where(missing, |lot| lot.is_active(now), Lot::spending_order));
        missing -= taken(self.take_where(missing, |lot| lot.starts_at > now, |lot| (lot.starts_at, lot.id)));
        self.debt += missing;
    }

    /// Ends all holds, then takes active lots and debt to zero; pending lots stay. Returns what was gone from holds,
    /// what was taken from lots, and the debt that was forgiven.
    pub fn reset(&mut self, now: Timestamp) -> (Vec<ByIssuer>, Vec<ByIssuer>, Money) {
        let mut holds: Vec<(Timestamp, HoldId)> = self.holds.iter().map(|h| (h.ends_at, h.id)).collect();
        holds.sort();
        let mut gone = Vec::new();
        for (_, id) in holds {
            gone.extend(self.release(id, now).into_iter().map(|g| (g.issuer, g.amount)));
        }
        let mut taken = Vec::new();
        for lot in self.lots.iter_mut().filter(|lot| lot.is_active(now)) {
            taken.push((lot.issuer, lot.left));
            lot.left = Money::ZERO;
        }
        let debt = std::mem::take(&mut self.debt);
        (by_issuer(gone), by_issuer(taken), debt)
    }

    /// Takes `amount` from active lots in spending order, whatever their scope. The caller has checked that there is
    /// enough.
    pub fn write_off(&mut self, amount: Money, now: Timestamp) -> Vec<LotPart> {
        self.take_where(amount, |lot| lot.is_active(now), Lot::spending_order)
    }

    fn hold_mut(&mut self, id: HoldId) -> Option<&mut Hold> {
        self.holds.iter_mut().find(|h| h.id == id)
    }

    fn pay_debt(&mut self, amount: Money) -> Money {
        let paid = self.debt.min(amount);
        self.debt -= paid;
        paid
    }

    /// Splits the parts of holds at `amount`: what is used and what is too much. The holds are left empty.
    fn take_from_holds(&mut self, holds: &[HoldId], amount: Money) -> (Vec<LotPart>, Vec<LotPart>) {
        let taken = self.holds.iter_mut().filter(|hold| holds.contains(&hold.id));
        let parts: Vec<LotPart> = taken.flat_map(|hold| std::mem::take(&mut hold.parts)).collect();
        let (mut used, mut surplus) = (Vec::new(), Vec::new());
        let mut missing = amount;
        for LotPart { lot, amount } in parts {
            let take = amount.min(missing);
            missing -= take;
            if take.is_positive() {
                used.push(LotPart {
                    lot: lot.clone(),
                    amount: take,
                });
            }
            if amount > take {
                surplus.push(LotPart {
                    lot,
                    amount: amount - take,
                });
            }
        }
        (used, surplus)
    }

    fn put_back(&mut self, parts: Vec<LotPart>, at: Timestamp) -> Vec<(Option<VenueId>, Money)> {
        let mut gone = Vec::new();
        for LotPart { lot, amount } in parts {
            let rest = amount - self.pay_debt(amount);
            if lot.is_expired(at) {
                gone.push((lot.issuer, rest));
            } else if let Some(own) = self.lots.iter_mut().find(|l| l.id == lot.id) {
                own.left += rest;
            } else {
                self.lots.push(Lot { left: rest, ..lot });
            }
        }
        gone
    }

    fn take_where<K: Ord>(
        &mut self,
        amount: Money,
        which: impl Fn(&Lot) -> bool,
        order: impl Fn(&Lot) -> K,
    ) -> Vec<LotPart> {
        if !amount.is_positive() {
            return Vec::new();
        }
        let mut lots: Vec<&mut Lot> = self
            .lots
            .iter_mut()
            .filter(|lot| lot.left.is_positive() && which(lot))
            .collect();
        lots.sort_by_key(|lot| order(lot));
        let mut missing = amount;
        let mut parts = Vec::new();
        for lot in lots {
            if missing.is_zero() {
                break;
            }
            let take = lot.left.min(missing);
            lot.left -= take;
            missing -= take;
            parts.push(LotPart {
                lot: lot.clone(),
                amount: take,
            });
        }
        parts
    }
}
