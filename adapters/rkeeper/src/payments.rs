//! Payment rows of the receipt XML: which are our bonuses, and what the others are.

use kopilka_contract::{Money, Payment};

use crate::check::{Check, CheckLine, CheckPayment, guid};
use crate::settings::RKeeperSettings;

/// The payments of a receipt.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    /// Paid with our bonuses, as the receipt says.
    pub(crate) bonuses: Money,
    /// Row number of such a payment.
    pub(crate) bonus_row: Option<String>,
    /// What each card that is named paid with our bonuses.
    pub(crate) by_card: Vec<(String, Money)>,
    /// Row numbers of such payments by the card that paid.
    rows_of_cards: Vec<(String, String)>,
    /// All others, change taken off.
    pub(crate) others: Vec<Payment>,
    /// Currencies of our bonus payments; `LINEPAYMENT` names them.
    bonus_currencies: Vec<String>,
}

impl Payments {
    /// Sorts the payments of a receipt.
    pub(crate) fn of(check: &Check, settings: &RKeeperSettings) -> Self {
        let (ours, theirs): (Vec<_>, Vec<_>) = check
            .payments
            .iter()
            .partition(|payment| is_ours(payment, check, settings));
        Payments {
            bonuses: ours.iter().map(|payment| payment.sum).sum(),
            bonus_row: ours.iter().find_map(|payment| payment.uni.clone()),
            by_card: by_card(&ours),
            rows_of_cards: ours
                .iter()
                .filter_map(|payment| payment.card.clone().zip(payment.uni.clone()))
                .collect(),
            bonus_currencies: ours.iter().filter_map(|payment| payment.id.clone()).collect(),
            others: netted(theirs.iter().map(|payment| Payment {
                kind: kind_of(payment, settings),
                amount: payment.sum,
            })),
        }
    }

    /// Row number of what a card paid with bonuses.
    pub(crate) fn row_of(&self, card: &str) -> Option<String> {
        let mut rows = self.rows_of_cards.iter();
        rows.find(|(known, _)| known == card).map(|(_, uni)| uni.clone())
    }

    /// The part of a line that the till has covered with our bonuses.
    pub(crate) fn bonuses_on(&self, line: &CheckLine) -> Money {
        let ours = line
            .paid
            .iter()
            .filter(|(id, _)| self.bonus_currencies.contains(id));
        ours.map(|(_, part)| *part).sum()
    }

    /// Whether the till has spread the bonus payment over lines at all.
    pub(crate) fn on_lines(&self, lines: &[&CheckLine]) -> bool {
        lines.iter().any(|line| !self.bonuses_on(line).is_zero())
    }
}

fn by_card(ours: &[&CheckPayment]) -> Vec<(String, Money)> {
    let mut paid: Vec<(String, Money)> = Vec::new();
    for payment in ours {
        let Some(card) = &payment.card else { continue };
        match paid.iter_mut().find(|(known, _)| known == card) {
            Some((_, amount)) => *amount += payment.sum,
            None => paid.push((card.clone(), payment.sum)),
        }
    }
    paid
}

/// A payment through our interface. Where the receipt does not say which interface is ours, any card payment is: the
/// till sent it to us.
fn is_ours(payment: &CheckPayment, check: &Check, settings: &RKeeperSettings) -> bool {
    match (&check.interface, &payment.interface) {
        (Some(our), Some(its)) => our == its,
        (None, Some(_)) => true,
        (_, None) => settings
            .bonus_currencies
            .iter()
            .any(|currency| is_called(payment, currency)),
    }
}

fn kind_of(payment: &CheckPayment, settings: &RKeeperSettings) -> String {
    let mapped = settings
        .payment_kinds
        .iter()
        .find(|(currency, _)| is_called(payment, currency));
    if let Some((_, kind)) = mapped {
        return kind.clone();
    }
    match payment.paytype.as_deref() {
        Some("1") => "cash".to_owned(),
        Some("2") => "card".to_owned(),
        _ => payment
            .name
            .clone()
            .or_else(|| payment.code.clone())
            .unwrap_or_else(|| "other".to_owned()),
    }
}

/// Whether a person would call the currency of a payment so: by GUID, code or name.
fn is_called(payment: &CheckPayment, currency: &str) -> bool {
    let named = [&payment.code, &payment.name]
        .into_iter()
        .flatten()
        .any(|name| name == currency);
    named || (payment.id.is_some() && payment.id == guid(currency))
}

/// Takes change off. It is a negative row, mostly of the same kind; change in cash from a certificate was paid by the
/// certificate, so what is still negative is taken off the largest payment.
fn netted(rows: impl Iterator<Item = Payment>) -> Vec<Payment> {
    let mut payments: Vec<Payment> = Vec::new();
    for row in rows {
        match payments.iter_mut().find(|payment| payment.kind == row.kind) {
            Some(payment) => payment.amount += row.amount,
            None => payments.push(row),
        }
    }
    let change: Money = payments
        .iter()
        .map(|payment| payment.amount.min(Money::ZERO))
        .sum();
    payments.retain(|payment| payment.amount.is_positive());
    if let Some(largest) = payments.iter_mut().max_by_key(|payment| payment.amount) {
        largest.amount += change;
    }
    payments.retain(|payment| payment.amount.is_positive());
    payments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, i64)]) -> Vec<Payment> {
        rows.iter()
            .map(|(kind, kopecks)| Payment {
                kind: (*kind).to_owned(),
                amount: Money::from_kopecks(*kopecks),
            })
            .collect()
    }

    #[test]
    fn change_is_taken_off_what_was_paid() {
        for (sent, kept) in [
            (
                &[("cash", 120_000), ("cash", -8_500)][..],
                &[("cash", 111_500)][..],
            ),
            (
                &[("certificate", 100_000), ("cash", -20_000)],
                &[("certificate", 80_000)],
            ),
            (&[("card", 500), ("cash", 100), ("cash", -100)], &[("card", 500)]),
            (&[("cash", -100)], &[]),
        ] {
            assert_eq!(netted(rows(sent).into_iter()), rows(kept));
        }
    }
}
