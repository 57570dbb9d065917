//! A slow model of one customer's bonuses, written from the rules' text and not from the program: plain integers of
//! kopecks and minutes, one list of lots from which nothing is ever removed.

use std::collections::BTreeMap;

pub type Kopecks = i64;
pub type Minute = i64;

/// A venue, as far as the model knows venues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    A,
    B,
}

#[derive(Debug, Clone)]
pub struct Lot {
    pub left: Kopecks,
    start: Minute,
    end: Option<Minute>,
    scope: Option<At>,
    receipt: Option<usize>,
}

#[derive(Debug, Clone)]
struct Hold {
    ends: Minute,
    /// How many holds were taken before it.
    number: usize,
    /// (place of the lot in the list, how much)
    parts: Vec<(usize, Kopecks)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Live,
    Captured,
    /// Voided by somebody, who was told this much.
    Voided(Kopecks),
    Ended,
    /// A reset let it go.
    Reset,
}

#[derive(Debug, Clone)]
pub struct SoldLine {
    pub quantity: i64,
    pub amount: Kopecks,
    pub redeemed: Kopecks,
    pub accrued: Kopecks,
    /// (returned so far, by amount?)
    returned: Option<(i64, bool)>,
    undone_accrual: Kopecks,
    undone_redemption: Kopecks,
}

#[derive(Debug, Clone)]
pub struct Sold {
    pub at: At,
    pub lines: Vec<SoldLine>,
    /// (place of the lot, how much, of it given back), in the order spent
    spent: Vec<(usize, Kopecks, Kopecks)>,
}

/// What the venues and the network have set; the same for both venues.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Hundredths of a percent.
    pub base: i64,
    /// Tenths.
    pub customer: i64,
    /// Tenths, per category; the last category is not redeemable.
    pub categories: [i64; 4],
    /// Kopecks.
    pub rounding_unit: i64,
    /// 0 down, 1 half up, 2 up.
    pub rounding_mode: u8,
    /// Whole percents.
    pub redeem_max: i64,
    pub min_money: Kopecks,
    pub accrue_on_redeemed: bool,
    pub lifetime_days: Option<i64>,
    pub delay_days: i64,
    pub grace_days: i64,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub category: usize,
    pub quantity: i64,
    pub amount: Kopecks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    pub available: Kopecks,
    pub balance: Kopecks,
    pub held: Kopecks,
    pub pending: Kopecks,
    pub debt: Kopecks,
}

/// How much of a line comes back.
#[derive(Debug, Clone, Copy)]
pub enum Back {
    Quantity(i64),
    Amount(Kopecks),
}

type Refused = &'static str;

#[derive(Debug, Clone)]
pub struct Model {
    pub settings: Settings,
    pub now: Minute,
    lots: Vec<Lot>,
    holds: BTreeMap<(At, String), (Hold, Fate)>,
    /// How many holds were taken so far.
    taken: usize,
    debt: Kopecks,
    pub sold: Vec<Sold>,
}

const DAY: Minute = 24 * 60;

impl Model {
    pub fn new(settings: Settings) -> Self {
        Model {
            settings,
            now: 0,
            lots: Vec::new(),
            holds: BTreeMap::new(),
            taken: 0,
            debt: 0,
            sold: Vec::new(),
        }
    }

    /// Minute by minute: holds end, then lots burn.
    pub fn advance(&mut self, to: Minute) {
        while self.now < to {
            self.now += 1;
            let now = self.now;
            for key in self.live_holds(|hold| hold.ends <= now) {
                self.let_go(&key, Fate::Ended);
            }
            for lot in &mut self.lots {
                if lot.end.is_some_and(|end| end <= self.now) {
                    lot.left = 0;
                }
            }
        }
    }

    pub fn balance(&self, venue: Option<At>) -> Balance {
        let active = |lot: &&Lot| lot.start <= self.now;
        let serves = |lot: &&Lot| lot.scope.is_none() || venue.is_some() && lot.scope == venue;
        let held = self.held();
        let in_active: Kopecks = self.lots.iter().filter(active).map(|l| l.left).sum();
        Balance {
            available: self
                .lots
                .iter()
                .filter(active)
                .filter(serves)
                .map(|l| l.left)
                .sum(),
            balance: in_active + held - self.debt,
            held,
            pending: self
                .lots
                .iter()
                .filter(|l| l.start > self.now)
                .map(|l| l.left)
                .sum(),
            debt: self.debt,
        }
    }

    fn held(&self) -> Kopecks {
        let live = self.holds.values().filter(|(_, fate)| *fate == Fate::Live);
        live.flat_map(|(hold, _)| &hold.parts).map(|(_, part)| part).sum()
    }

    /// Everything that the customer's postings must add up to.
    pub fn books(&self) -> Kopecks {
        self.lots.iter().map(|l| l.left).sum::<Kopecks>() + self.held() - self.debt
    }

    fn give(
        &mut self,
        amount: Kopecks,
        start: Minute,
        end: Option<Minute>,
        scope: Option<At>,
        receipt: Option<usize>,
    ) {
        let pays = amount.min(self.debt);
        self.debt -= pays;
        self.lots.push(Lot {
            // Without grace a refund of what has expired meanwhile is gone at once.
            left: if end.is_some_and(|end| end <= self.now) {
                0
            } else {
                amount - pays
            },
            start,
            end,
            scope,
            receipt,
        });
    }

    /// Takes one kopeck's worth of choice after the other: always from the first lot in the order.
    fn take(
        &mut self,
        amount: Kopecks,
        which: impl Fn(&Lot) -> bool,
        by_start: bool,
    ) -> Vec<(usize, Kopecks)> {
        let mut missing = amount;
        let mut parts = Vec::new();
        while missing > 0 {
            let order = |i: usize| {
                let lot = &self.lots[i];
                let end = if by_start {
                    0
                } else {
                    lot.end.unwrap_or(Minute::MAX)
                };
                (end, lot.start, i)
            };
            let next = (0..self.lots.len())
                .filter(|i| self.lots[*i].left > 0 && which(&self.lots[*i]))
                .min_by_key(|i| order(*i));
            let Some(next) = next else { break };
            let part = missing.min(self.lots[next].left);
            self.lots[next].left -= part;
            missing -= part;
            parts.push((next, part));
        }
        parts
    }

    fn put_back(&mut self, parts: &[(usize, Kopecks)]) {
        for (lot, part) in parts {
            let pays = (*part).min(self.debt);
            self.debt -= pays;
            let lot = &mut self.lots[*lot];
            if lot.end.is_none_or(|end| end > self.now) {
                lot.left += part - pays;
            }
        }
    }

    /// Names of live holds, those that end first before the others.
    fn live_holds(&self, which: impl Fn(&Hold) -> bool) -> Vec<(At, String)> {
        let mut live: Vec<_> = self
            .holds
            .iter()
            .filter(|(_, (hold, fate))| *fate == Fate::Live && which(hold))
            .map(|(key, (hold, _))| (hold.ends, hold.number, key.clone()))
            .collect();
        live.sort();
        live.into_iter().map(|(_, _, key)| key).collect()
    }

    fn let_go(&mut self, key: &(At, String), fate: Fate) {
        let Some((hold, standing)) = self.holds.get_mut(key) else {
            return;
        };
        if *standing != Fate::Live {
            return;
        }
        *standing = fate;
        let parts = std::mem::take(&mut hold.parts);
        self.put_back(&parts);
    }

    pub fn credit(
        &mut self,
        amount: Kopecks,
        start: Minute,
        end: Option<Minute>,
        scope: Option<At>,
    ) -> Result<(), Refused> {
        if end.is_some_and(|end| end <= start || end <= self.now) {
            return Err("invalid-request");
        }
        self.give(amount, start, end, scope, None);
        Ok(())
    }

    pub fn debit(&mut self, amount: Kopecks) -> Result<(), Refused> {
        let now = self.now;
        let active: Kopecks = self.lots.iter().filter(|l| l.start <= now).map(|l| l.left).sum();
        if amount > active {
            return Err("insufficient-balance");
        }
        self.take(amount, |lot| lot.start <= now, false);
        Ok(())
    }

    fn serving(&self, at: At) -> impl Fn(&Lot) -> bool + use<> {
        let now = self.now;
        move |lot: &Lot| lot.start <= now && lot.scope.is_none_or(|s| s == at)
    }

    pub fn hold(&mut self, at: At, name: &str, amount: Kopecks, minutes: Minute) -> Result<(), Refused> {
        let key = (at, name.to_owned());
        let mut tried = self.clone();
        tried.let_go(&key, Fate::Voided(0));
        if amount > tried.balance(Some(at)).available {
            return Err("insufficient-balance");
        }
        let parts = tried.take(amount, tried.serving(at), false);
        let hold = Hold {
            ends: self.now + minutes,
            number: tried.taken,
            parts,
        };
        tried.taken += 1;
        tried.holds.insert(key, (hold, Fate::Live));
        *self = tried;
        Ok(())
    }

    /// What the caller is told that went back; `None`: the rules leave it open.
    pub fn void(&mut self, at: At, name: &str) -> Result<Option<Kopecks>, Refused> {
        let key = (at, name.to_owned());
        match self.holds.get(&key).map(|(hold, fate)| (hold.clone(), *fate)) {
            None => Ok(Some(0)),
            Some((_, Fate::Captured)) => Err("hold-captured"),
            Some((_, Fate::Voided(told))) => Ok(Some(told)),
            Some((_, Fate::Ended)) => Ok(Some(0)),
            Some((_, Fate::Reset)) => Ok(None),
            Some((hold, Fate::Live)) => {
                let amount = hold.parts.iter().map(|(_, part)| part).sum();
                self.let_go(&key, Fate::Voided(amount));
                Ok(Some(amount))
            }
        }
    }

    /// Most that bonuses may pay.
    pub fn limit(&self, lines: &[Line]) -> Kopecks {
        let total: Kopecks = lines.iter().map(|l| l.amount).sum();
        let redeemable: Kopecks = lines.iter().filter(|l| l.category != 3).map(|l| l.amount).sum();
        let by_percent = redeemable * self.settings.redeem_max / 100;
        by_percent.min(total - self.settings.min_money).max(0)
    }

    /// What a hold of this venue holds now.
    pub fn in_hold(&self, at: At, name: &str) -> Kopecks {
        match self.holds.get(&(at, name.to_owned())) {
            Some((hold, Fate::Live)) => hold.parts.iter().map(|(_, part)| part).sum(),
            _ => 0,
        }
    }

    /// Sells; tells (redeemed per line, accrued per line).
    pub fn sell(
        &mut self,
        at: At,
        lines: &[Line],
        redeem: Kopecks,
        hold: Option<&str>,
    ) -> Result<(Vec<Kopecks>, Vec<Kopecks>), Refused> {
        let key = hold.map(|name| (at, name.to_owned()));
        if key.as_ref().is_some_and(|key| !self.holds.contains_key(key)) {
            return Err("hold-not-found");
        }
        let own = hold.map_or(0, |name| self.in_hold(at, name));
        if redeem > self.balance(Some(at)).available + own {
            return Err("insufficient-balance");
        }
        if redeem > self.limit(lines) {
            return Err("redeem-limit");
        }
        let mut spent: Vec<(usize, Kopecks)> = Vec::new();
        let mut missing = redeem;
        if let Some((hold, fate)) = key.as_ref().and_then(|key| self.holds.get_mut(key))
            && *fate == Fate::Live
        {
            *fate = Fate::Captured;
            let mut surplus = Vec::new();
            for (lot, part) in std::mem::take(&mut hold.parts) {
                let used = part.min(missing);
                missing -= used;
                if used > 0 {
                    spent.push((lot, used));
                }
                surplus.push((lot, part - used));
            }
            self.put_back(&surplus);
        }
        spent.extend(self.take(missing, self.serving(at), false));

        let weights: Vec<i128> = lines
            .iter()
            .map(|l| if l.category == 3 { 0 } else { i128::from(l.amount) })
            .collect();
        let redeemed = share_out(redeem, &weights);
        let accrued = self.accrual(lines, &redeemed);
        let receipt = self.sold.len();
        self.sold.push(Sold {
            at,
            lines: lines
                .iter()
                .zip(redeemed.iter().zip(&accrued))
                .map(|(line, (redeemed, accrued))| SoldLine {
                    quantity: line.quantity,
                    amount: line.amount,
                    redeemed: *redeemed,
                    accrued: *accrued,
                    returned: None,
                    undone_accrual: 0,
                    undone_redemption: 0,
                })
                .collect(),
            spent: spent.into_iter().map(|(lot, part)| (lot, part, 0)).collect(),
        });
        let start = self.now + self.settings.delay_days * DAY;
        let end = self.settings.lifetime_days.map(|days| start + days * DAY);
        self.give(accrued.iter().sum(), start, end, None, Some(receipt));
        Ok((redeemed, accrued))
    }

    fn accrual(&self, lines: &[Line], redeemed: &[Kopecks]) -> Vec<Kopecks> {
        let s = &self.settings;
        let weights: Vec<i128> = lines
            .iter()
            .zip(redeemed)
            .map(|(line, redeemed)| {
                let base = if s.accrue_on_redeemed {
                    line.amount
                } else {
                    line.amount - redeemed
                };
                i128::from(base) * i128::from(s.categories[line.category])
            })
            .collect();
        let numerator = weights.iter().sum::<i128>() * i128::from(s.base) * i128::from(s.customer);
        // Tenths twice, hundredths of a percent, and the rounding unit.
        let denominator = 10 * 10 * 10_000 * i128::from(s.rounding_unit);
        let units = match s.rounding_mode {
            0 => numerator / denominator,
            1 => (2 * numerator + denominator) / (2 * denominator),
            _ => (numerator + denominator - 1) / denominator,
        };
        share_out(i64::try_from(units).unwrap() * s.rounding_unit, &weights)
    }

    /// Brings lines back; `None`: all that is left. Tells (amount, accrual undone, redemption undone).
    pub fn bring_back(
        &mut self,
        receipt: usize,
        back: Option<&[(usize, Back)]>,
    ) -> Result<(Kopecks, Kopecks, Kopecks), Refused> {
        let mut tried = self.clone();
        let sold = &mut tried.sold[receipt];
        let came_back = |sold: &Sold| -> Kopecks { sold.lines.iter().map(SoldLine::amount_back).sum() };
        let before = came_back(sold);
        match back {
            None => {
                for line in &mut sold.lines {
                    line.returned = match line.returned {
                        Some((_, true)) => Some((line.amount, true)),
                        _ => Some((line.quantity, false)),
                    };
                }
            }
            Some(back) => {
                for (line, back) in back {
                    let line = &mut sold.lines[*line];
                    let (more, by_amount, whole) = match *back {
                        Back::Quantity(more) => (more, false, line.quantity),
                        Back::Amount(more) => (more, true, line.amount),
                    };
                    if more == 0 {
                        continue;
                    }
                    let so_far = match line.returned {
                        Some((_, how)) if how != by_amount => return Err("return-mixed"),
                        Some((so_far, _)) => so_far,
                        None => 0,
                    };
                    if so_far + more > whole {
                        return Err("return-exceeds-sale");
                    }
                    line.returned = Some((so_far + more, by_amount));
                }
            }
        }
        let amount = came_back(sold) - before;
        let (mut accrual, mut redemption) = (0, 0);
        for line in &mut sold.lines {
            let undone = (line.part_back(line.accrued), line.part_back(line.redeemed));
            accrual += undone.0 - line.undone_accrual;
            redemption += undone.1 - line.undone_redemption;
            (line.undone_accrual, line.undone_redemption) = undone;
        }
        tried.take_back(receipt, accrual);
        tried.refund(receipt, redemption);
        *self = tried;
        Ok((amount, accrual, redemption))
    }

    fn take_back(&mut self, receipt: usize, amount: Kopecks) {
        let now = self.now;
        let sum = |parts: Vec<(usize, Kopecks)>| parts.iter().map(|(_, part)| part).sum::<Kopecks>();
        let mut missing = amount;
        missing -= sum(self.take(missing, |lot| lot.receipt == Some(receipt), false));
        missing -= sum(self.take(missing, |lot| lot.start <= now, false));
        missing -= sum(self.take(missing, |lot| lot.start > now, true));
        self.debt += missing;
    }

    fn refund(&mut self, receipt: usize, amount: Kopecks) {
        let grace = self.now + self.settings.grace_days * DAY;
        let mut missing = amount;
        for i in (0..self.sold[receipt].spent.len()).rev() {
            let (lot, part, back) = &mut self.sold[receipt].spent[i];
            let now_back = missing.min(*part - *back);
            *back += now_back;
            missing -= now_back;
            let source = self.lots[*lot].clone();
            if now_back > 0 {
                let end = source.end.map(|end| end.max(grace));
                self.give(now_back, source.start, end, source.scope, None);
            }
        }
        assert_eq!(missing, 0, "more comes back than was spent");
    }

    pub fn reset(&mut self) {
        for key in self.live_holds(|_| true) {
            self.let_go(&key, Fate::Reset);
        }
        for lot in self.lots.iter_mut().filter(|lot| lot.start <= self.now) {
            lot.left = 0;
        }
        self.debt = 0;
    }
}

impl SoldLine {
    /// floor(whole × returned / sold)
    fn part_back(&self, whole: Kopecks) -> Kopecks {
        match self.returned {
            None | Some((0, _)) => 0,
            Some((returned, true)) => whole * returned / self.amount,
            Some((returned, false)) => whole * returned / self.quantity,
        }
    }

    fn amount_back(&self) -> Kopecks {
        self.part_back(self.amount)
    }
}

/// Largest remainder, a kopeck at a time; ties go to the earlier line.
fn share_out(total: Kopecks, weights: &[i128]) -> Vec<Kopecks> {
    let whole: i128 = weights.iter().sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let total = i128::from(total);
    let mut shares: Vec<i128> = weights.iter().map(|w| total * w / whole).collect();
    let mut remainders: Vec<i128> = weights.iter().map(|w| total * w % whole).collect();
    while shares.iter().sum::<i128>() < total {
        let largest = *remainders.iter().max().unwrap();
        let line = remainders.iter().position(|r| *r == largest).unwrap();
        shares[line] += 1;
        remainders[line] = -1;
    }
    shares.into_iter().map(|s| i64::try_from(s).unwrap()).collect()
}
