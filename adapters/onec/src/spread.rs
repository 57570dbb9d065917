//! A sum over parts in proportion, to the kopeck.

use kopilka_contract::Money;

/// Shares of `sum` in proportion to `weights`, which add up to it: each rounded down, and the kopecks left over one by one to the
/// largest remainders, the earlier first. Nothing to weigh by: all of it goes to nobody.
pub(crate) fn spread(sum: Money, weights: &[Money]) -> Vec<Money> {
    let whole: i128 = weights
        .iter()
        .map(|weight| i128::from(weight.kopecks().max(0)))
        .sum();
    if whole == 0 {
        return vec![Money::ZERO; weights.len()];
    }
    let sum = i128::from(sum.kopecks());
    let exact = |weight: &Money| sum * i128::from(weight.kopecks().max(0));
    let mut shares: Vec<i128> = weights.iter().map(|weight| exact(weight) / whole).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(weights.get(*at).map(|weight| exact(weight) % whole)));
    let left = usize::try_from(sum - shares.iter().sum::<i128>()).unwrap_or_default();
    for at in order.into_iter().take(left) {
        if let Some(share) = shares.get_mut(at) {
            *share += 1;
        }
    }
    let kopecks = |share: i128| Money::from_kopecks(i64::try_from(share).unwrap_or_default());
    shares.into_iter().map(kopecks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kopecks(amounts: &[i64]) -> Vec<Money> {
        amounts.iter().copied().map(Money::from_kopecks).collect()
    }

    #[test]
    fn shares_add_up_and_the_largest_remainders_get_what_is_left() {
        let of = |sum, weights: &[i64]| spread(Money::from_kopecks(sum), &kopecks(weights));
        assert_eq!(of(14_950, &[98_000, 50_550]), kopecks(&[9_863, 5_087]));
        assert_eq!(of(100, &[1, 1, 1]), kopecks(&[34, 33, 33]));
        assert_eq!(of(0, &[5, 5]), kopecks(&[0, 0]));
        assert_eq!(of(10, &[0, 0]), kopecks(&[0, 0]));
        assert_eq!(of(10, &[]), kopecks(&[]));
    }
}
