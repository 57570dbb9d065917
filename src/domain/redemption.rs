//! How much of a receipt bonuses may pay, and which part of which line they pay.

use kopilka_contract::{Line, apportion_by_amount};

use super::Money;
use super::refusal::Refusal;
use super::terms::VenueTerms;

/// Whether bonuses may pay for the line: neither its product nor its category forbids it.
pub fn is_redeemable(terms: &VenueTerms, line: &Line) -> bool {
    let product = terms.products.get(&line.name).is_none_or(|p| p.redeemable);
    let category = line
        .category_id
        .as_ref()
        .and_then(|id| terms.categories.get(id))
        .is_none_or(|c| c.redeemable);
    product && category
}

/// Most that bonuses may pay on a receipt, whatever the customer has.
pub fn redeem_limit(terms: &VenueTerms, lines: &[Line], total: Money) -> Money {
    let redeemable: Money = lines
        .iter()
        .filter(|line| is_redeemable(terms, line))
        .map(|line| line.amount)
        .sum();
    let by_percent =
        i128::from(redeemable.kopecks()) * i128::from(terms.redeem_max_percent.scaled()) / 1_000_000;
    let by_percent = Money::from_kopecks(i64::try_from(by_percent).unwrap_or(i64::MAX)).min(redeemable);
    by_percent.min(total - terms.min_money_payment).max(Money::ZERO)
}

/// The part of each line that bonuses pay: the till's own spread where it sent one, else in proportion to the
/// redeemable lines' amounts. Where bonuses paid more than those come to (a rule may be younger than the payment), in
/// proportion to all lines' amounts.
///
/// # Errors
/// `redeem-spread` where the till's spread does not add up to `redeemed` or exceeds a line.
pub fn spread(terms: &VenueTerms, lines: &[Line], redeemed: Money) -> Result<Vec<Money>, Refusal> {
    if lines.iter().any(|line| line.redeemed.is_some()) {
        let given: Vec<Money> = lines
            .iter()
            .map(|line| line.redeemed.unwrap_or_default())
            .collect();
        let fits = given
            .iter()
            .zip(lines)
            .all(|(part, line)| *part >= Money::ZERO && *part <= line.amount);
        let sum = Money::checked_sum(given.iter().copied());
        if !fits || sum != Some(redeemed) {
            return Err(Refusal::RedeemSpread {
                spread: sum.unwrap_or_default(),
                redeemed,
            });
        }
        return Ok(given);
    }
    let redeemable = |line: &&Line| is_redeemable(terms, line);
    let within: Money = lines.iter().filter(redeemable).map(|line| line.amount).sum();
    let weights = lines.iter().map(|line| {
        if redeemed > within || redeemable(&line) {
            line.amount
        } else {
            Money::ZERO
        }
    });
    Ok(apportion_by_amount(redeemed, weights))
}
