//! Splits a total in proportion to weights, to the kopeck.

use crate::Money;

/// Splits `total` in proportion to `weights` by largest remainder; ties go to the earlier part. The parts add up to
/// `total` wherever some weight is above zero, else every part is zero. Where weights are amounts in the unit of
/// `total` and add up to no less, no part exceeds its weight. Shares of a negative total are rounded down too.
pub fn apportion(total: Money, weights: &[u128]) -> Vec<Money> {
    let whole: u128 = weights.iter().sum();
    let kopecks = u128::from(total.kopecks().unsigned_abs());
    if whole == 0 || kopecks == 0 {
        return vec![Money::ZERO; weights.len()];
    }
    let negative = total < Money::ZERO;
    let mut parts: Vec<u128> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(weights.len());
    for (i, weight) in weights.iter().enumerate() {
        let (mut part, mut remainder) = (kopecks * weight / whole, kopecks * weight % whole);
        if negative && remainder > 0 {
            (part, remainder) = (part + 1, whole - remainder);
        }
        parts.push(part);
        remainders.push((remainder, i));
    }
    let missing = parts.iter().sum::<u128>().abs_diff(kopecks);
    let missing = usize::try_from(missing).unwrap_or(usize::MAX);
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, i) in remainders.iter().take(missing) {
        if let Some(part) = parts.get_mut(*i) {
            *part = if negative {
                part.saturating_sub(1)
            } else {
                *part + 1
            };
        }
    }
    let amount = |part: u128| Money::from_kopecks(i64::try_from(part).unwrap_or(i64::MAX));
    let signed = |part| if negative { -amount(part) } else { amount(part) };
    parts.into_iter().map(signed).collect()
}

/// [`apportion`] by amounts. A negative amount weighs nothing.
pub fn apportion_by_amount(total: Money, amounts: impl IntoIterator<Item = Money>) -> Vec<Money> {
    let weights: Vec<u128> = amounts
        .into_iter()
        .map(|a| u128::from(a.kopecks().max(0).unsigned_abs()))
        .collect();
    apportion(total, &weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_odd_kopeck_goes_to_the_earlier_of_equals() {
        let parts = apportion(Money::from_kopecks(100), &[1, 1, 1]);
        assert_eq!(
            parts.iter().map(|p| p.kopecks()).collect::<Vec<_>>(),
            [34, 33, 33]
        );
    }

    #[test]
    fn a_negative_total_is_split_too_and_nobody_shares_nothing() {
        let parts = |total, weights: &[u128]| -> Vec<i64> {
            let parts = apportion(Money::from_kopecks(total), weights);
            parts.into_iter().map(Money::kopecks).collect()
        };
        assert_eq!(parts(-100, &[1, 1, 1]), [-33, -33, -34]);
        assert_eq!(parts(-10, &[0, 3, 7]), [0, -3, -7]);
        assert_eq!(parts(10, &[0, 0]), [0, 0]);
        assert_eq!(parts(10, &[]), [0; 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_never_exceed_their_line(
            amounts in prop::collection::vec(0i64..1_000_000, 1..20), permille in 0i64..=1000
        ) {
            let sum: i64 = amounts.iter().sum();
            let total = Money::from_kopecks(sum * permille / 1000);
            let parts = apportion_by_amount(total, amounts.iter().map(|a| Money::from_kopecks(*a)));
            prop_assert_eq!(parts.iter().copied().sum::<Money>(), total);
            for (part, amount) in parts.iter().zip(&amounts) {
                prop_assert!(part.kopecks() <= *amount);
            }
        }
    }
}
