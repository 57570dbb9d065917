//! Splitting an amount so that the parts add up to it.

use kopilka_contract::{Money, apportion, apportion_by_amount};

/// Splits an amount in proportion to the weights; where none is above zero, evenly.
pub(crate) fn spread(amount: Money, weights: &[Money]) -> Vec<Money> {
    if weights.iter().any(|weight| weight.is_positive()) {
        apportion_by_amount(amount, weights.iter().copied())
    } else {
        apportion(amount, &vec![1; weights.len()])
    }
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
