//! What a till system's report of a day says, against what the books have: a pure comparison.

use std::collections::{BTreeMap, BTreeSet};

use kopilka_contract::{Money, TillDay, TillOrder};

use super::Timestamp;
use super::ids::ReceiptId;

/// A receipt of the books, as far as a report can speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownReceipt {
    /// Its id.
    pub id: ReceiptId,
    /// The name under which its source knows it.
    pub name: String,
    /// Number for people.
    pub number: Option<String>,
    /// When the till closed it.
    pub closed_at: Timestamp,
    /// After discounts, before bonuses.
    pub total: Money,
    /// Paid with bonuses.
    pub redeemed: Money,
    /// Paid with bonuses as the till says, and not posted: only a repeat of the order spoke of them.
    pub unposted: Money,
    /// Amount of goods that came back, before bonuses.
    pub returned: Money,
    /// Cancelled or rolled back: nothing of it counts.
    pub cancelled: bool,
    /// When something of it last came back.
    pub returned_at: Option<Timestamp>,
}

/// What the books know of the connection's orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Receipts by the name that each was found by: of all orders that the report names, and of the business day.
    pub receipts: BTreeMap<String, KnownReceipt>,
    /// Other names of these receipts.
    pub aliases: BTreeMap<String, String>,
    /// Names of orders that were told to be no sale, and are none: staff's meals, written off.
    pub not_sold: BTreeSet<String>,
    /// When the business day begins and the next one does; only receipts between them can be unknown to the till.
    pub day: Option<(Timestamp, Timestamp)>,
}

impl Known {
    /// The same with what is known of the orders that were told before, under another source: what is newer goes before.
    #[must_use]
    pub fn or(mut self, before: Known) -> Self {
        self.not_sold.extend(before.not_sold);
        self.receipts = before.receipts.into_iter().chain(self.receipts).collect();
        self.aliases = before.aliases.into_iter().chain(self.aliases).collect();
        self
    }

    fn receipt(&self, order: &TillOrder) -> Option<&KnownReceipt> {
        order.names.iter().find_map(|name| {
            let name = self.aliases.get(name).unwrap_or(name);
            self.receipts.get(name)
        })
    }
}

impl Known {
    /// Whether the till's own word is that an order is no sale, however a report counts it.
    fn is_not_sold(&self, order: &TillOrder) -> bool {
        let mut names = order.names.iter();
        order.not_sold || names.any(|name| self.not_sold.contains(self.aliases.get(name).unwrap_or(name)))
    }
}

/// What is wrong with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// The till sold it, and the books do not have it.
    Missing,
    /// Both have it, with other amounts.
    Amount,
    /// The till took it back, or a part of it, and the books did not.
    NotReturned,
    /// The books took more back than the till.
    ReturnedHereOnly,
    /// The books have it, and the till does not.
    UnknownToTill,
}

/// Something that the till and the books say differently of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub kind: DifferenceKind,
    /// Name of the order: the one of the books, where they have it.
    pub order: String,
    /// Number for people.
    pub number: Option<String>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What the till says: sold, or for a return, returned. `None`: it does not know the order.
    pub told: Option<Money>,
    /// What the books say of the same. `None`: they do not have it.
    pub known: Option<Money>,
    /// The receipt, where the books have it.
    pub receipt: Option<ReceiptId>,
}

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Orders that the till sold on the day.
    pub orders_told: u32,
    /// What they come to, less what came back.
    pub amount_told: Money,
    /// How many of them the books have.
    pub orders_known: u32,
    /// What these come to in the books, less what came back.
    pub amount_known: Money,
    /// The differences, by order.
    pub differences: Vec<Difference>,
}

/// Compares a day.
pub fn compare(told: &TillDay, known: &Known) -> Compared {
    let mut compared = Compared::default();
    let mut found = BTreeSet::new();
    for order in &told.orders {
        let receipt = known.receipt(order);
        if let Some(receipt) = receipt {
            found.insert(receipt.name.as_str());
        }
        let not_sold = known.is_not_sold(order);
        if not_sold && receipt.is_none_or(|receipt| receipt.cancelled) {
            continue;
        }
        compared.count(order, receipt);
        match receipt {
            Some(receipt) => compared.differences.extend(differing(order, receipt, known.day)),
            None if told.all_are_told => compared.differences.extend(missing(order)),
            None => {}
        }
    }
    let hours = hours(told, known);
    let unknown = known
        .receipts
        .values()
        .filter(|receipt| !found.contains(receipt.name.as_str()) && !receipt.is_nothing())
        .filter(|receipt| hours.is_some_and(|(from, until)| (from..=until).contains(&receipt.closed_at)));
    compared.differences.extend(unknown.map(|receipt| {
        let left = receipt.total - receipt.returned;
        receipt.difference(DifferenceKind::UnknownToTill, None, left)
    }));
    compared
}

impl Compared {
    fn count(&mut self, order: &TillOrder, receipt: Option<&KnownReceipt>) {
        let Some(sold) = order.sold.filter(|_| !order.cancelled) else {
            return;
        };
        self.orders_told = self.orders_told.saturating_add(1);
        self.amount_told += sold - order.returned;
        if let Some(receipt) = receipt {
            self.orders_known = self.orders_known.saturating_add(1);
            self.amount_known += receipt.left();
        }
    }
}

/// Between which moments a receipt of ours must be in the report. The till's day begins and ends by a clock of its own, so
/// orders at its edges may stand in the neighbouring report: only what lies between its first and its last order counts.
fn hours(told: &TillDay, known: &Known) -> Option<(Timestamp, Timestamp)> {
    let (from, until) = known.day?;
    let closed = || {
        let of_day = told.orders.iter().filter(|order| order.sold.is_some());
        of_day.filter_map(|order| order.closed_at.map(|at| at.to_utc()))
    };
    match (closed().min(), closed().max()) {
        (Some(first), Some(last)) => Some((first.max(from), last.min(until))),
        // Nothing was sold at all, says the till.
        _ if told.orders.is_empty() => Some((from, until)),
        _ => None,
    }
}

impl KnownReceipt {
    /// What of it stands.
    fn left(&self) -> Money {
        if self.cancelled {
            Money::ZERO
        } else {
            self.total - self.returned
        }
    }

    /// Whether the till may well have forgotten it.
    fn is_nothing(&self) -> bool {
        !self.left().is_positive()
    }

    fn difference(&self, kind: DifferenceKind, told: Option<Money>, known: Money) -> Difference {
        Difference {
            kind,
            order: self.name.clone(),
            number: self.number.clone(),
            closed_at: Some(self.closed_at),
            told,
            known: Some(known),
            receipt: Some(self.id),
        }
    }
}

fn missing(order: &TillOrder) -> Option<Difference> {
    let sold = order.sold.filter(|_| !order.cancelled)?;
    // What came back whole on the same day, or cost nothing, leaves nothing to miss.
    if sold - order.returned <= order.rounding {
        return None;
    }
    Some(Difference {
        kind: DifferenceKind::Missing,
        order: order.names.first().cloned().unwrap_or_default(),
        number: order.number.clone(),
        closed_at: order.closed_at.map(|at| at.to_utc()),
        told: Some(sold),
        known: None,
        receipt: None,
    })
}

/// What is wrong with an order that both have.
fn differing(
    order: &TillOrder,
    receipt: &KnownReceipt,
    day: Option<(Timestamp, Timestamp)>,
) -> Vec<Difference> {
    let returned_here = if receipt.cancelled {
        receipt.total
    } else {
        receipt.returned
    };
    if order.cancelled {
        let all_back = receipt.cancelled || receipt.left() <= order.rounding;
        let back = order.sold.unwrap_or(order.returned);
        let wrong = || {
            receipt.difference(
                DifferenceKind::NotReturned,
                Some(back.max(order.returned)),
                returned_here,
            )
        };
        return (!all_back).then(wrong).into_iter().collect();
    }
    let mut wrong = Vec::new();
    if let Some(sold) = order.sold {
        // With bonuses as a payment, or as a discount; and a report may show what came back as sold or as not.
        let amounts = [sold, sold + order.returned];
        let agree = amounts.iter().any(|amount| {
            near(*amount, receipt.total, order.rounding)
                || near(*amount, receipt.total - receipt.redeemed, order.rounding)
                || near(*amount, receipt.total - receipt.unposted, order.rounding)
        });
        if !agree {
            wrong.push(receipt.difference(DifferenceKind::Amount, Some(sold), receipt.total));
        }
    }
    if !receipt.cancelled && returned_here + order.rounding < order.returned {
        wrong.push(receipt.difference(DifferenceKind::NotReturned, Some(order.returned), returned_here));
    }
    // What came back after the till's day is told by a later report.
    let within_day = matches!((day, receipt.returned_at), (Some((_, end)), Some(returned)) if returned < end);
    let most = order.returned + receipt.redeemed + order.rounding;
    if order.sold.is_some() && within_day && returned_here > most {
        wrong.push(receipt.difference(
            DifferenceKind::ReturnedHereOnly,
            Some(order.returned),
            returned_here,
        ));
    }
    wrong
}

fn near(one: Money, other: Money, rounding: Money) -> bool {
    let apart = one - other;
    apart <= rounding && -apart <= rounding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> Timestamp {
        format!("2026-11-21T{hour:02}:00:00Z").parse().unwrap()
    }

    fn rub(roubles: i64) -> Money {
        Money::from_kopecks(roubles * 100)
    }

    fn order(name: &str, sold: i64) -> TillOrder {
        TillOrder {
            names: vec![name.to_owned()],
            number: Some(format!("№{name}")),
            closed_at: Some(at(12).fixed_offset()),
            sold: Some(rub(sold)),
            returned: Money::ZERO,
            cancelled: false,
            not_sold: false,
            rounding: Money::from_kopecks(2),
        }
    }

    fn receipt(name: &str, total: i64) -> KnownReceipt {
        KnownReceipt {
            id: ReceiptId(name.parse().unwrap()),
            name: name.to_owned(),
            number: None,
            closed_at: at(12),
            total: rub(total),
            redeemed: Money::ZERO,
            unposted: Money::ZERO,
            returned: Money::ZERO,
            cancelled: false,
            returned_at: None,
        }
    }

    fn day(orders: Vec<TillOrder>) -> TillDay {
        TillDay {
            day: "2026-11-21".parse().unwrap(),
            orders,
            all_are_told: true,
        }
    }

    fn known(receipts: Vec<KnownReceipt>) -> Known {
        Known {
            receipts: receipts.into_iter().map(|r| (r.name.clone(), r)).collect(),
            aliases: BTreeMap::new(),
            not_sold: BTreeSet::new(),
            day: Some((at(0), at(23))),
        }
    }

    fn kinds(told: TillOrder, known_receipt: KnownReceipt) -> Vec<DifferenceKind> {
        let compared = compare(&day(vec![told]), &known(vec![known_receipt]));
        compared.differences.iter().map(|d| d.kind).collect()
    }

    #[test]
    fn what_agrees_is_counted_and_makes_no_difference() {
        let mut with_discount = receipt("2", 500);
        with_discount.redeemed = rub(100);
        let mut renamed = order("cloud", 70);
        renamed.names.push("3".to_owned());
        let mut aliased = order("other", 30);
        aliased.sold = Some(Money::from_kopecks(3002));
        let told = day(vec![order("1", 1000), order("2", 400), renamed, aliased]);
        let mut books = known(vec![
            receipt("1", 1000),
            with_discount,
            receipt("3", 70),
            receipt("4", 30),
        ]);
        books.aliases.insert("other".to_owned(), "4".to_owned());
        let compared = compare(&told, &books);
        assert_eq!(compared.differences, []);
        assert_eq!((compared.orders_told, compared.orders_known), (4, 4));
        assert_eq!(compared.amount_told, Money::from_kopecks(150_002));
        assert_eq!(compared.amount_known, rub(1600));
    }

    #[test]
    fn an_order_that_the_books_do_not_have_is_missing_unless_nothing_is_left_of_it() {
        let mut back_at_once = order("2", 10);
        back_at_once.returned = rub(10);
        let mut deleted = order("3", 10);
        deleted.cancelled = true;
        let mut of_another_day = order("4", 0);
        of_another_day.sold = None;
        of_another_day.returned = rub(5);
        let told = day(vec![
            order("1", 10),
            back_at_once,
            deleted,
            of_another_day,
            order("5", 0),
        ]);
        let compared = compare(&told, &known(Vec::new()));
        let [missing] = &compared.differences[..] else {
            panic!("{compared:?}")
        };
        assert_eq!(
            (missing.kind, missing.order.as_str()),
            (DifferenceKind::Missing, "1")
        );
        assert_eq!((missing.told, missing.known), (Some(rub(10)), None));
        let some_are_told = TillDay {
            all_are_told: false,
            ..told
        };
        assert_eq!(compare(&some_are_told, &known(Vec::new())).differences, []);
    }

    #[test]
    fn amounts_differ_beyond_the_rounding_only() {
        let mut near = order("1", 100);
        near.sold = Some(Money::from_kopecks(10_002));
        assert_eq!(kinds(near.clone(), receipt("1", 100)), []);
        near.sold = Some(Money::from_kopecks(10_003));
        assert_eq!(kinds(near, receipt("1", 100)), [DifferenceKind::Amount]);
        assert_eq!(kinds(order("1", 90), receipt("1", 100)), [DifferenceKind::Amount]);
    }

    #[test]
    fn points_that_only_a_webhook_spoke_of_are_no_difference() {
        let mut with_points = receipt("1", 100);
        assert_eq!(
            kinds(order("1", 70), with_points.clone()),
            [DifferenceKind::Amount]
        );
        with_points.unposted = rub(30);
        assert_eq!(kinds(order("1", 70), with_points.clone()), []);
        assert_eq!(kinds(order("1", 100), with_points), []);
    }

    #[test]
    fn what_was_told_to_be_no_sale_is_not_missed_and_its_undone_receipt_is_no_difference() {
        let told = day(vec![order("1", 100), order("2", 50)]);
        let mut undone = receipt("2", 50);
        undone.cancelled = true;
        undone.returned_at = Some(at(13));
        let mut books = known(vec![undone]);
        assert_eq!(compare(&told, &books).differences.len(), 2);
        books.not_sold = ["1", "2"].map(str::to_owned).into();
        let compared = compare(&told, &books);
        assert_eq!((compared.differences.len(), compared.orders_told), (0, 0));
        // One that stands is a sale again, and its amount counts.
        books.receipts.insert("2".to_owned(), receipt("2", 60));
        let kinds: Vec<_> = compare(&told, &books)
            .differences
            .iter()
            .map(|d| d.kind)
            .collect();
        assert_eq!(kinds, [DifferenceKind::Amount]);
        // The report itself says so.
        let mut of_staff = order("3", 10);
        of_staff.not_sold = true;
        assert_eq!(compare(&day(vec![of_staff]), &known(Vec::new())).differences, []);
    }

    #[test]
    fn what_the_till_took_back_the_books_must_have_taken_back() {
        let mut storno = order("1", 100);
        storno.cancelled = true;
        assert_eq!(
            kinds(storno.clone(), receipt("1", 100)),
            [DifferenceKind::NotReturned]
        );
        let mut cancelled = receipt("1", 100);
        cancelled.cancelled = true;
        assert_eq!(kinds(storno, cancelled), []);

        let mut part = order("1", 100);
        part.returned = rub(40);
        assert_eq!(
            kinds(part.clone(), receipt("1", 100)),
            [DifferenceKind::NotReturned]
        );
        let mut returned = receipt("1", 100);
        returned.returned = rub(40);
        assert_eq!(kinds(part.clone(), returned.clone()), []);
        // The report may leave out of the sale what came back.
        part.sold = Some(rub(60));
        assert_eq!(kinds(part.clone(), returned.clone()), []);
        // Sold the day before.
        part.sold = None;
        assert_eq!(kinds(part.clone(), returned), []);
        assert_eq!(kinds(part, receipt("1", 100)), [DifferenceKind::NotReturned]);
    }

    #[test]
    fn what_only_the_books_took_back_is_told_unless_it_was_later() {
        let mut returned = receipt("1", 100);
        returned.returned = rub(40);
        returned.returned_at = Some(at(20));
        assert_eq!(
            kinds(order("1", 100), returned.clone()),
            [DifferenceKind::ReturnedHereOnly]
        );
        returned.returned_at = Some(at(23));
        assert_eq!(kinds(order("1", 100), returned), []);
        let mut cancelled = receipt("1", 100);
        cancelled.cancelled = true;
        cancelled.returned_at = Some(at(20));
        assert_eq!(
            kinds(order("1", 100), cancelled),
            [DifferenceKind::ReturnedHereOnly]
        );
    }

    #[test]
    fn a_receipt_between_the_tills_orders_that_it_does_not_have_is_unknown_to_it() {
        let (mut first, mut last) = (order("1", 10), order("2", 10));
        first.closed_at = Some(at(10).fixed_offset());
        last.closed_at = Some(at(14).fixed_offset());
        let of = |hour: u32| {
            let mut early = receipt("3", 10);
            early.closed_at = at(hour);
            let books = known(vec![receipt("1", 10), receipt("2", 10), early]);
            let compared = compare(&day(vec![first.clone(), last.clone()]), &books);
            compared.differences.iter().map(|d| d.kind).collect::<Vec<_>>()
        };
        assert_eq!(of(12), [DifferenceKind::UnknownToTill]);
        assert_eq!(of(9), []);
        assert_eq!(of(15), []);
        let nothing_sold = compare(&day(Vec::new()), &known(vec![receipt("1", 10)]));
        assert_eq!(nothing_sold.differences[0].kind, DifferenceKind::UnknownToTill);
        assert_eq!(nothing_sold.differences[0].known, Some(rub(10)));
    }

    /// Whatever the amounts, a report made of the books themselves finds nothing, and comparing never overflows.
    #[test]
    fn books_agree_with_a_report_of_themselves() {
        let amounts = [0, 1, 99, 100_000, Money::MAX_INPUT.kopecks(), i64::MAX, i64::MIN];
        for total in amounts {
            for redeemed in amounts {
                for returned in amounts {
                    let mut known_receipt = receipt("1", 0);
                    known_receipt.total = Money::from_kopecks(total);
                    known_receipt.redeemed = Money::from_kopecks(redeemed);
                    known_receipt.returned = Money::from_kopecks(returned);
                    let mut told = order("1", 0);
                    told.sold = Some(known_receipt.total);
                    told.returned = known_receipt.returned;
                    let compared = compare(&day(vec![told]), &known(vec![known_receipt]));
                    if total >= 0 && returned >= 0 {
                        assert_eq!(compared.differences, [], "{total} {redeemed} {returned}");
                    }
                }
            }
        }
    }
}
