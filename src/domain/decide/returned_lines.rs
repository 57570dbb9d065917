//! What a return does to the lines of a sale, before anything is booked.

use super::back_by_product::return_product;
use crate::domain::refusal::Refusal;
use crate::domain::world::{ReturnRequest, ReturnedBy, ReturnedLine, StoredLine};
use crate::domain::{Money, Quantity};

/// Marks what a return names as returned.
///
/// # Errors
/// `return-exceeds-sale`, `return-mixed`, `unknown-line`, `invalid-request`; some lines may be marked then.
pub(super) fn bring_back(lines: &mut [StoredLine], request: &ReturnRequest) -> Result<(), Refusal> {
    match &request.lines {
        None => lines.iter_mut().for_each(return_rest),
        Some(wanted) => {
            for wanted in wanted {
                return_wanted(lines, wanted)?;
            }
        }
    }
    Ok(())
}

/// So much of some lines has come back, before bonuses.
pub(super) fn amount_back(lines: &[StoredLine]) -> Money {
    lines.iter().map(|line| line.returned_amount).sum()
}

/// As if nothing of the line had come back.
pub(super) fn forget_returns(line: &mut StoredLine) {
    line.returned_by = None;
    line.returned_quantity = Quantity::ZERO;
    line.returned_amount = Money::ZERO;
    line.redemption_undone = Money::ZERO;
    line.accrual_undone = Money::ZERO;
    line.changed = true;
}

/// Whether nothing of a line is left with the guest.
pub(super) fn is_all_back(line: &StoredLine) -> bool {
    // Of what costs nothing tills do not tell that it came back.
    line.amount.is_zero()
        || line.returned_amount == line.amount
            && (line.returned_by == Some(ReturnedBy::Amount) || line.returned_quantity == line.quantity)
}

fn return_rest(line: &mut StoredLine) {
    match line.returned_by {
        Some(ReturnedBy::Amount) => {}
        _ => {
            line.returned_by = Some(ReturnedBy::Quantity);
            line.returned_quantity = line.quantity;
        }
    }
    line.returned_amount = line.amount;
    line.changed = true;
}

fn return_wanted(lines: &mut [StoredLine], wanted: &ReturnedLine) -> Result<(), Refusal> {
    let named = lines.iter().position(|line| line.line_id == wanted.line_id);
    match (&wanted.product, named.and_then(|named| lines.get_mut(named))) {
        (Some(product), line) if product.any_line || line.is_none() => return_product(lines, wanted, product),
        (_, Some(line)) => return_line(line, wanted.quantity, wanted.amount),
        (_, None) => Err(Refusal::UnknownLine {
            line_id: wanted.line_id.clone(),
        }),
    }
}

pub(super) fn return_line(
    line: &mut StoredLine,
    quantity: Option<Quantity>,
    amount: Option<Money>,
) -> Result<(), Refusal> {
    let exceeds = || Refusal::ReturnExceedsSale {
        line_id: line.line_id.clone(),
    };
    let mixed = || Refusal::ReturnMixed {
        line_id: line.line_id.clone(),
    };
    match (quantity, amount) {
        (Some(quantity), None) => {
            if quantity == Quantity::ZERO {
                return Ok(());
            }
            if line.returned_by == Some(ReturnedBy::Amount) {
                return Err(mixed());
            }
            let sum = line
                .returned_quantity
                .thousandths()
                .checked_add(quantity.thousandths())
                .ok_or_else(exceeds)?;
            if quantity < Quantity::ZERO || sum > line.quantity.thousandths() {
                return Err(exceeds());
            }
            line.returned_by = Some(ReturnedBy::Quantity);
            line.returned_quantity = Quantity::from_thousandths(sum);
            line.returned_amount = share(line.amount, sum, line.quantity.thousandths());
        }
        (None, Some(amount)) => {
            if amount.is_zero() {
                return Ok(());
            }
            if line.returned_by == Some(ReturnedBy::Quantity) {
                return Err(mixed());
            }
            let sum = line.returned_amount.checked_add(amount).ok_or_else(exceeds)?;
            if amount < Money::ZERO || sum > line.amount {
                return Err(exceeds());
            }
            line.returned_by = Some(ReturnedBy::Amount);
            line.returned_amount = sum;
        }
        _ => {
            return Err(Refusal::invalid(
                "/lines",
                "Строку возвращают либо по количеству, либо по сумме.",
                "A line is returned by quantity or by amount, one of the two.",
            ));
        }
    }
    line.changed = true;
    Ok(())
}

/// floor(amount × returned / whole)
pub(super) fn share(amount: Money, returned: i64, whole: i64) -> Money {
    if whole <= 0 {
        return Money::ZERO;
    }
    let part = i128::from(amount.kopecks()) * i128::from(returned) / i128::from(whole);
    Money::from_kopecks(i64::try_from(part).unwrap_or(i64::MAX))
}

/// Brings each line's undone shares up to what has been returned of it in all; says how much that undoes now.
pub(super) fn undo_shares(lines: &mut [StoredLine]) -> (Money, Money) {
    let (mut accrual, mut redemption) = (Money::ZERO, Money::ZERO);
    for line in lines {
        let (returned, whole) = match line.returned_by {
            None => continue,
            Some(ReturnedBy::Quantity) => (line.returned_quantity.thousandths(), line.quantity.thousandths()),
            Some(ReturnedBy::Amount) => (line.returned_amount.kopecks(), line.amount.kopecks()),
        };
        let accrued = share(line.accrued, returned, whole);
        let redeemed = share(line.redeemed, returned, whole);
        accrual += accrued - line.accrual_undone;
        redemption += redeemed - line.redemption_undone;
        line.accrual_undone = accrued;
        line.redemption_undone = redeemed;
    }
    (accrual, redemption)
}
