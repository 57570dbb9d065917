//! Splitting an amount so that the parts add up to it.

use kopilka_contract::Money;

/// Splits an amount in proportion to the weights, none of them negative; where all are zero, evenly. Each part is
/// rounded down and the kopecks that are left go to the largest remainders, the first of equals first.
pub(crate) fn spread(amount: Money, weights: &[Money]) -> Vec<Money> {
    let even = !weights.iter().any(|weight| weight.is_positive());
    let weights: Vec<i128> = weights
        .iter()
        .map(|weight| {
            if even {
                1
            } else {
                i128::from(weight.kopecks().max(0))
            }
        })
        .collect();
    let total: i128 = weights.iter().sum();
    if total == 0 {
        return Vec::new();
    }
    let exact = |weight: i128| i128::from(amount.kopecks()) * weight;
    let mut parts: Vec<i128> = weights.iter().map(|w| exact(*w).div_euclid(total)).collect();

    let mut left = i128::from(amount.kopecks()) - parts.iter().sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|i| std::cmp::Reverse(exact(weights[*i]).rem_euclid(total)));
    for i in by_remainder {
        if left == 0 {
            break;
        }
        parts[i] += 1;
        left -= 1;
    }
    // Each part lies between zero and the amount, which came from an i64.
    parts
        .into_iter()
        .map(|kopecks| Money::from_kopecks(i64::try_from(kopecks).unwrap_or(0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(amount: i64, weights: &[i64]) -> Vec<i64> {
        let weights: Vec<Money> = weights.iter().copied().map(Money::from_kopecks).collect();
        let parts = spread(Money::from_kopecks(amount), &weights);
        parts.into_iter().map(Money::kopecks).collect()
    }

    #[test]
    fn parts_always_add_up_to_the_amount() {
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(-100, &[1, 1, 1]), [-33, -33, -34]);
        assert_eq!(split(10, &[0, 3, 7]), [0, 3, 7]);
    }

    #[test]
    fn weights_of_zero_share_evenly_and_nobody_shares_nothing() {
        assert_eq!(split(5, &[0, 0]), [3, 2]);
        assert_eq!(split(5, &[]), [0; 0]);
    }

    #[test]
    fn no_part_exceeds_its_weight_while_the_amount_does_not_exceed_their_sum() {
        for amount in 0..=20 {
            let parts = split(amount, &[3, 0, 7, 10]);
            assert!(
                parts
                    .iter()
                    .zip([3, 0, 7, 10])
                    .all(|(part, weight)| *part <= weight),
                "{amount}"
            );
        }
    }
}
