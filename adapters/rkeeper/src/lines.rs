//! Lines of the receipt XML to lines of a receipt.
//!
//! `LINE@sum` is after discounts and, since a payment with bonuses is a payment row, before bonuses: just what the
//! ledger wants. What is not certain is which lines count. The vendor's text does not say whether prices of modifiers
//! and of the heads of sets are inside their dishes' sums, and sites differ; so the lines are chosen that add up to
//! the total of the till.

use std::collections::HashSet;

use kopilka_contract::{Line, Money, Quantity};

use crate::check::{Check, CheckLine, LineType, guid};
use crate::payments::Payments;
use crate::read_error::ReadError;

/// The lines that were sold.
#[derive(Debug)]
pub(crate) struct Sold {
    pub(crate) lines: Vec<Line>,
    /// Sum of the lines.
    pub(crate) total: Money,
    /// Guesses that were made.
    pub(crate) remarks: Vec<String>,
}

impl Sold {
    /// The lines of a receipt of which `redeemed` was paid with bonuses.
    pub(crate) fn of(
        check: &Check,
        payments: &Payments,
        redeemed: Money,
        category_field: &str,
    ) -> Result<Self, ReadError> {
        let mut remarks = Vec::new();
        let lines = sold_lines(check)?;
        let due = total_of_till(check);
        let counted = counted_lines(&lines, due);
        let mut amounts: Vec<Money> = counted.iter().map(|line| line.sum).collect();
        let mut spread = till_spread(&counted, payments, redeemed);
        if let Some(due) = due.filter(|due| !adds_up(&amounts, *due)) {
            remarks.push(format!(
                "the lines add up to {}, the till's total is {due}: the total was spread over the lines",
                sum(&amounts)
            ));
            amounts = spread_total(&amounts, due);
            spread = None;
        }
        if payments.on_lines(&counted) && spread.is_none() && redeemed.is_positive() {
            remarks.push("the till's spread of the bonus payment over the lines does not add up".to_owned());
        }
        let total = sum(&amounts);
        let mut ids = LineIds::default();
        let lines = counted
            .iter()
            .zip(amounts)
            .enumerate()
            .map(|(index, (line, amount))| {
                let redeemed = spread.as_ref().and_then(|spread| spread.get(index).copied());
                line_of(line, ids.next(line), amount, redeemed, category_field, check)
            })
            .collect();
        Ok(Sold {
            lines,
            total,
            remarks,
        })
    }
}

/// Lines with something to sell. A free modifier says how a dish is cooked and is none; a free dish is one.
fn sold_lines(check: &Check) -> Result<Vec<&CheckLine>, ReadError> {
    let mut sold = Vec::with_capacity(check.lines.len());
    for line in &check.lines {
        let taken_back = line.sum < Money::ZERO || line.quantity < Quantity::ZERO;
        if taken_back {
            return Err(ReadError::NegativeLine(line.uni.clone().unwrap_or_default()));
        }
        let free_part = line.sum.is_zero() && line.kind != LineType::Item;
        let removed = line.sum.is_zero() && line.quantity == Quantity::ZERO;
        if !free_part && !removed {
            sold.push(line);
        }
    }
    Ok(sold)
}

/// Total after discounts: Σ `CATEG@sum` (one row even where nothing is classified), else what was paid.
fn total_of_till(check: &Check) -> Option<Money> {
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
/// printed on the fiscal receipt.
fn till_spread(lines: &[&CheckLine], payments: &Payments, redeemed: Money) -> Option<Vec<Money>> {
    if !redeemed.is_positive() {
        return None;
    }
    let spread: Vec<Money> = lines.iter().map(|line| payments.bonuses_on(line)).collect();
    let within = |(line, part): (&&CheckLine, &Money)| (Money::ZERO..=line.sum).contains(part);
    let fits = sum(&spread) == redeemed && lines.iter().zip(&spread).all(within);
    fits.then_some(spread)
}

fn line_of(
    line: &CheckLine,
    line_id: String,
    amount: Money,
    redeemed: Option<Money>,
    category_field: &str,
    check: &Check,
) -> Line {
    let category_id = category_id(line, category_field);
    let category_name = category_id
        .as_deref()
        .and_then(|id| category_name(line, category_field, id, check));
    Line {
        line_id,
        name: line.name.clone(),
        product_id: line.id.clone().or_else(|| line.code.clone()),
        category_id,
        category_name,
        // A pinch too small for thousandths was sold all the same.
        quantity: line.quantity.max(Quantity::from_thousandths(1)),
        price: line.price,
        amount,
        redeemed,
    }
}

fn category_id(line: &CheckLine, field: &str) -> Option<String> {
    let id = line.attribute(field).filter(|id| *id != "0")?;
    if id.starts_with('{') {
        return guid(id);
    }
    Some(id.to_owned())
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
