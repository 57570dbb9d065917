//! Lines of the receipt XML to lines of a receipt.
//!
//! `LINE@sum` is after discounts and, since a payment with bonuses is a payment row, before bonuses: just what the
//! ledger wants (a setting says where a till sends it net). What is not certain is which lines count. The vendor's text
//! does not say whether prices of modifiers and of the heads of sets are inside their dishes' sums, and sites differ; so
//! the lines are chosen that add up to the total of the till.

use std::collections::HashSet;

use kopilka_contract::{Line, Money, Quantity};

use crate::check::{Category, Check, CheckLine, LineType, guid};
use crate::payments::Payments;
use crate::read_error::ReadError;
use crate::remark::Remark;
use crate::settings::RKeeperSettings;

/// The lines that were sold.
#[derive(Debug)]
pub(crate) struct Sold {
    pub(crate) lines: Vec<Line>,
    /// Sum of the lines.
    pub(crate) total: Money,
    /// Guesses that were made.
    pub(crate) remarks: Vec<Remark>,
}

impl Sold {
    /// The lines of a receipt of which `redeemed` was paid with bonuses.
    pub(crate) fn of(
        check: &Check,
        payments: &Payments,
        redeemed: Money,
        settings: &RKeeperSettings,
    ) -> Result<Self, ReadError> {
        let mut remarks = Vec::new();
        let (lines, back) = sold_lines(check)?;
        let taken_back: Money = back.iter().map(|line| line.sum).sum();
        let bonuses = if redeemed.is_zero() {
            payments.bonuses
        } else {
            redeemed
        };
        // What the lines of the sale add up to, before dishes are taken back.
        let due = total_of_till(check).map(|due| due - taken_back);
        let due = match settings.lines_net_of_bonuses {
            true => net_total(&lines, due, bonuses),
            false => due,
        };
        let counted = counted_lines(&lines, due);
        let mut amounts: Vec<Money> = counted.iter().map(|line| line.sum).collect();
        let mut spread = None;
        if let Some(due) = due.filter(|due| !adds_up(&amounts, *due)) {
            remarks.push(Remark::TotalSpread {
                lines: sum(&amounts),
                total: due,
            });
            amounts = spread_total(&amounts, due);
        } else if settings.lines_net_of_bonuses {
            spread = net_spread(&counted, payments, redeemed);
        } else {
            spread = till_spread(&counted, payments, redeemed);
        }
        if settings.lines_net_of_bonuses && bonuses.is_positive() {
            let parts = spread
                .clone()
                .unwrap_or_else(|| by_weight(&counted, &amounts, bonuses));
            amounts = amounts.iter().zip(parts).map(|(net, part)| *net + part).collect();
        }
        if payments.on_lines(&counted) && spread.is_none() && redeemed.is_positive() {
            remarks.push(Remark::SpreadDoesNotAddUp);
        }
        let mut quantities: Vec<Quantity> = counted.iter().map(|line| line.quantity).collect();
        if !back.is_empty() {
            remarks.push(Remark::TakenBack { amount: -taken_back });
            amounts = without_returned(&counted, amounts, &mut quantities, &back);
            spread = spread.filter(|spread| spread.iter().zip(&amounts).all(|(part, amount)| part <= amount));
        }
        let total = sum(&amounts);
        let mut ids = LineIds::default();
        let lines = counted
            .iter()
            .zip(amounts.into_iter().zip(quantities))
            .enumerate()
            .map(|(index, (line, (amount, quantity)))| {
                let redeemed = spread.as_ref().and_then(|spread| spread.get(index).copied());
                let (category_id, category_name) = category(line, &settings.category_field, check);
                Line {
                    line_id: ids.next(line),
                    name: line.name.clone(),
                    product_id: line.id.clone().or_else(|| line.code.clone()),
                    category_id,
                    category_name,
                    // A pinch too small for thousandths was sold all the same.
                    quantity: quantity.max(Quantity::from_thousandths(1)),
                    price: line.price,
                    amount,
                    redeemed,
                }
            })
            .collect();
        Ok(Sold {
            lines,
            total,
            remarks,
        })
    }
}

/// Lines with something to sell, and lines that take something of it back: a returned dish is a line with a negative
/// quantity, as r_keeper's own XML interface has it (assumed here). A free modifier says how a dish is cooked and is
/// none; a free dish is one.
///
/// # Errors
/// Where nothing is sold beside what is taken back.
fn sold_lines(check: &Check) -> Result<(Vec<&CheckLine>, Vec<&CheckLine>), ReadError> {
    let (mut sold, mut back) = (Vec::with_capacity(check.lines.len()), Vec::new());
    for line in &check.lines {
        let free_part = line.sum.is_zero() && line.kind != LineType::Item;
        let removed = line.sum.is_zero() && line.quantity == Quantity::ZERO;
        if line.sum < Money::ZERO || line.quantity < Quantity::ZERO {
            back.push(line);
        } else if !free_part && !removed {
            sold.push(line);
        }
    }
    let left: Money = sold.iter().chain(&back).map(|line| line.sum).sum();
    match back.first() {
        // A line that takes back by its quantity must do so by its sum, or nobody knows what it means.
        Some(first) if left < Money::ZERO || sold.is_empty() || back.iter().any(|l| l.sum.is_positive()) => {
            Err(ReadError::NegativeLine(first.uni.clone().unwrap_or_default()))
        }
        _ => Ok((sold, back)),
    }
}

/// The amounts less what was taken back: of the same dish first, then in proportion.
fn without_returned(
    lines: &[&CheckLine],
    mut amounts: Vec<Money>,
    quantities: &mut [Quantity],
    back: &[&CheckLine],
) -> Vec<Money> {
    let mut rest = Money::ZERO;
    for returned in back {
        let mut money = -returned.sum;
        let mut pieces = returned.quantity.thousandths().saturating_neg().max(0);
        let same = |line: &CheckLine| line.id.is_some() && line.id == returned.id;
        let of_dish = lines.iter().zip(amounts.iter_mut().zip(quantities.iter_mut()));
        for (_, (amount, quantity)) in of_dish.filter(|(line, _)| same(line)) {
            let (taken, fewer) = (money.min(*amount), pieces.min(quantity.thousandths()));
            *amount -= taken;
            *quantity = Quantity::from_thousandths(quantity.thousandths() - fewer);
            (money, pieces) = (money - taken, pieces - fewer);
        }
        rest += money;
    }
    if rest.is_zero() {
        return amounts;
    }
    let left = (sum(&amounts) - rest).max(Money::ZERO);
    spread_total(&amounts, left)
}

/// The till's total as net lines add up to it: it may hold what bonuses paid where they do not.
fn net_total(lines: &[&CheckLine], due: Option<Money>, bonuses: Money) -> Option<Money> {
    let due = due?;
    let fits = |total: &Money| {
        let counted = counted_lines(lines, Some(*total));
        let amounts: Vec<Money> = counted.iter().map(|line| line.sum).collect();
        adds_up(&amounts, *total)
    };
    Some([due, due - bonuses].into_iter().find(fits).unwrap_or(due))
}

/// The till's own spread over lines that come without it.
fn net_spread(lines: &[&CheckLine], payments: &Payments, redeemed: Money) -> Option<Vec<Money>> {
    let spread: Vec<Money> = lines.iter().map(|line| payments.bonuses_on(line)).collect();
    let fits = redeemed.is_positive() && sum(&spread) == redeemed;
    (fits && spread.iter().all(|part| *part >= Money::ZERO)).then_some(spread)
}

/// Bonuses in proportion to what the lines cost in money; where bonuses paid for everything, to their prices.
fn by_weight(lines: &[&CheckLine], amounts: &[Money], bonuses: Money) -> Vec<Money> {
    if !sum(amounts).is_zero() {
        return spread_total(amounts, bonuses);
    }
    let price = |line: &&CheckLine| {
        let whole =
            i128::from(line.price.unwrap_or_default().kopecks()) * i128::from(line.quantity.thousandths());
        Money::from_kopecks(
            i64::try_from(whole / 1000)
                .unwrap_or(0)
                .clamp(0, Money::MAX_INPUT.kopecks()),
        )
    };
    spread_total(&lines.iter().map(price).collect::<Vec<_>>(), bonuses)
}

/// Total after discounts: Σ `CATEG@sum` (one row even where nothing is classified), else what was paid.
pub(crate) fn total_of_till(check: &Check) -> Option<Money> {
    let categories: Vec<Money> = check.categories.iter().map(|category| category.sum).collect();
    let paid: Vec<Money> = check.payments.iter().map(|payment| payment.sum).collect();
    let amounts = [categories, paid]
        .into_iter()
        .find(|amounts| !amounts.is_empty())?;
    Some(sum(&amounts)).filter(|total| *total >= Money::ZERO)
}

/// The lines that make the total: all of them, or those left when heads of sets, modifiers or both are only another
/// view of the dishes. Where nothing fits, the dishes.
fn counted_lines<'a>(lines: &[&'a CheckLine], due: Option<Money>) -> Vec<&'a CheckLine> {
    let without = |left_out: &[LineType]| -> Vec<&'a CheckLine> {
        let kept = lines.iter().filter(|line| !left_out.contains(&line.kind));
        kept.copied().collect()
    };
    let fits = |lines: &Vec<&CheckLine>| {
        let amounts: Vec<Money> = lines.iter().map(|line| line.sum).collect();
        due.is_some_and(|due| adds_up(&amounts, due))
    };
    let views: [&[LineType]; 4] = [
        &[],
        &[LineType::Modifier, LineType::Combo],
        &[LineType::Combo],
        &[LineType::Modifier],
    ];
    let dishes = without(&[LineType::Modifier, LineType::Combo]);
    let otherwise = if dishes.is_empty() { without(&[]) } else { dishes };
    views.into_iter().map(without).find(fits).unwrap_or(otherwise)
}

/// Whether lines make a total. Each was rounded to kopecks by itself, so each may be one kopeck off.
fn adds_up(amounts: &[Money], total: Money) -> bool {
    let difference = (sum(amounts) - total).kopecks().unsigned_abs();
    difference == 0 || difference < amounts.len() as u64
}

fn sum(amounts: &[Money]) -> Money {
    amounts.iter().copied().sum()
}

/// Spreads a total over lines in proportion to their amounts; kopecks that are left go to the largest remainders.
fn spread_total(amounts: &[Money], total: Money) -> Vec<Money> {
    let whole = i128::from(sum(amounts).kopecks());
    if whole == 0 {
        // Nothing to be in proportion to: the first line stands for the receipt.
        return (0..amounts.len())
            .map(|index| if index == 0 { total } else { Money::ZERO })
            .collect();
    }
    let parts: Vec<i128> = amounts
        .iter()
        .map(|amount| i128::from(amount.kopecks()) * i128::from(total.kopecks()))
        .collect();
    let mut shares: Vec<i128> = parts.iter().map(|part| part / whole).collect();
    let left = i128::from(total.kopecks()) - shares.iter().sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|index| std::cmp::Reverse(parts.get(*index).map(|part| part % whole)));
    for index in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
        }
    }
    shares
        .into_iter()
        .map(|share| Money::from_kopecks(i64::try_from(share).unwrap_or(0)))
        .collect()
}

/// How the till itself has spread the bonus payment over the lines, if it has and if that adds up: these sums are
/// printed on the fiscal receipt. Each part was rounded to kopecks by itself, so half a kopeck for each is forgiven, and
/// stands on the line with the largest part.
fn till_spread(lines: &[&CheckLine], payments: &Payments, redeemed: Money) -> Option<Vec<Money>> {
    if !redeemed.is_positive() {
        return None;
    }
    let mut spread: Vec<Money> = lines.iter().map(|line| payments.bonuses_on(line)).collect();
    let rest = redeemed - sum(&spread);
    let parts = spread.iter().filter(|part| part.is_positive()).count() as u64;
    if rest.kopecks().unsigned_abs().saturating_mul(2) > parts {
        return None;
    }
    let takes_it = |(line, part): &(&&CheckLine, &mut Money)| **part + rest <= line.sum;
    let largest = lines.iter().zip(&mut spread).filter(takes_it);
    if let Some((_, part)) = largest.max_by_key(|(_, part)| **part) {
        *part += rest;
    }
    let within = |(line, part): (&&CheckLine, &Money)| (Money::ZERO..=line.sum).contains(part);
    let fits = sum(&spread) == redeemed && lines.iter().zip(&spread).all(within);
    fits.then_some(spread)
}

/// The category of a line, and its name.
fn category(line: &CheckLine, field: &str, check: &Check) -> (Option<String>, Option<String>) {
    if field.eq_ignore_ascii_case(OF_RECEIPT) {
        let found = category_of_receipt(line, check);
        return found.map_or((None, None), |found| {
            (found.id.as_deref().and_then(category_id), found.name.clone())
        });
    }
    let id = line.attribute(field).and_then(category_id);
    let name = id.as_deref().and_then(|id| category_name(line, field, id, check));
    (id, name)
}

/// `category_field` for the categories that the receipt itself lists.
const OF_RECEIPT: &str = "CATEG@id";

/// The listed category that a line names by id or by name, else the only one that is a category at all.
fn category_of_receipt<'a>(line: &CheckLine, check: &'a Check) -> Option<&'a Category> {
    let id_of = |category: &Category| category.id.as_deref().and_then(category_id);
    let real = |category: &&Category| id_of(category).is_some();
    let listed = || check.categories.iter().filter(real);
    let by_id = |category: &&Category| {
        let id = line.attribute("categ_id").and_then(category_id);
        id.is_some() && id == id_of(category)
    };
    let by_name = |category: &&Category| {
        let name = line.attribute("categ");
        name.is_some() && category.name.as_deref() == name
    };
    let only = || match check.categories.as_slice() {
        [only] => Some(only).filter(real),
        _ => None,
    };
    listed()
        .find(by_id)
        .or_else(|| listed().find(by_name))
        .or_else(only)
}

/// An id as we keep it: a GUID bare and in capitals, anything else as it came; `None`: no category.
fn category_id(id: &str) -> Option<String> {
    if id.starts_with('{') {
        return guid(id);
    }
    (id != "0").then(|| id.to_owned())
}

fn category_name(line: &CheckLine, field: &str, id: &str, check: &Check) -> Option<String> {
    let same_id = |known: &str| known.trim_matches(['{', '}']).eq_ignore_ascii_case(id);
    let listed = check
        .categories
        .iter()
        .find(|category| category.id.as_deref().is_some_and(same_id))
        .and_then(|category| category.name.clone());
    listed.or_else(|| {
        let name = field.strip_suffix("_id")?;
        line.attribute(name).map(str::to_owned)
    })
}

/// Ids of lines: `LINE@uni`, made unique where a till repeats or omits it.
#[derive(Default)]
struct LineIds {
    taken: HashSet<String>,
    seen: usize,
}

impl LineIds {
    fn next(&mut self, line: &CheckLine) -> String {
        self.seen += 1;
        let id = match &line.uni {
            Some(uni) if !self.taken.contains(uni) => uni.clone(),
            Some(uni) => format!("{uni}.{}", self.seen),
            None => format!("n{}", self.seen),
        };
        self.taken.insert(id.clone());
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(kopecks: &[i64]) -> Vec<Money> {
        kopecks.iter().copied().map(Money::from_kopecks).collect()
    }

    #[test]
    fn a_spread_total_adds_up_to_the_kopeck() {
        for (amounts, total) in [
            (&[100, 100, 100][..], 100),
            (&[1, 2, 3], 1_000_003),
            (&[0, 0], 5),
            (&[42_750, 118_750], 0),
        ] {
            let spread = spread_total(&money(amounts), Money::from_kopecks(total));
            assert_eq!(sum(&spread), Money::from_kopecks(total), "{amounts:?}");
            assert_eq!(spread.len(), amounts.len());
        }
        assert_eq!(
            spread_total(&money(&[100, 100, 100]), Money::from_kopecks(100)),
            money(&[34, 33, 33])
        );
    }

    #[test]
    fn lines_may_be_off_by_less_than_a_kopeck_each() {
        assert!(adds_up(&money(&[10, 10, 10]), Money::from_kopecks(32)));
        assert!(!adds_up(&money(&[10, 10, 10]), Money::from_kopecks(33)));
        assert!(!adds_up(&money(&[10]), Money::from_kopecks(11)));
        assert!(adds_up(&[], Money::ZERO));
    }
}
