//! The simulator's own account of the day, and how the books compare with it.

use std::collections::{BTreeMap, HashMap, HashSet};

use kopilka_contract::Money;
use serde_json::Value;

use super::Failure;
use super::office::{Office, Place, Quote, money, text};

/// Status of a receipt that was undone.
const CANCELLED: &str = "cancelled";

/// A guest of the day.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    /// `None`: the network has not seen him yet.
    pub(super) id: Option<String>,
    /// `None`: known by telephone only.
    pub(super) card: Option<String>,
    pub(super) phone: String,
    /// What he had when the day began.
    pub(super) opening: Money,
    /// What he has not spent of it.
    pub(super) spendable: Money,
    /// Transactions of before.
    pub(super) known: HashSet<String>,
}

/// Where a sale must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Sold.
    Sold,
    /// A part came back.
    PartBack,
    /// All came back.
    Returned,
    /// Undone: nothing of it is left.
    RolledBack,
}

/// A line as it was quoted.
#[derive(Debug, Clone)]
struct KeptLine {
    pieces: i64,
    back: i64,
    redeemed: Money,
    accrued: Money,
}

/// A sale as it must be in the books.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) number: u32,
    pub(super) external_id: String,
    /// Other names of it: it stands under one of all, and nothing is left under the rest.
    pub(super) other_ids: Vec<String>,
    pub(super) guest: Option<usize>,
    /// Another guest who paid a part of what was redeemed.
    pub(super) payer: Option<(usize, Money)>,
    pub(super) total: Money,
    pub(super) redeemed: Money,
    accrued: Money,
    lines: Vec<KeptLine>,
    pub(super) standing: Standing,
}

impl Entry {
    /// A sale of these pieces of each line that stands, and that no bonuses have to do with.
    pub(super) fn sold(
        number: u32,
        external_id: String,
        guest: Option<usize>,
        total: Money,
        pieces: &[i64],
    ) -> Self {
        let line = |pieces: &i64| KeptLine {
            pieces: *pieces,
            back: 0,
            redeemed: Money::ZERO,
            accrued: Money::ZERO,
        };
        Entry {
            number,
            external_id,
            other_ids: Vec::new(),
            guest,
            payer: None,
            total,
            redeemed: Money::ZERO,
            accrued: Money::ZERO,
            lines: pieces.iter().map(line).collect(),
            standing: Standing::Sold,
        }
    }

    /// With what was quoted for it. `redeemed`: what really was.
    pub(super) fn with(mut self, quote: &Quote, redeemed: Money) -> Self {
        self.redeemed = redeemed;
        self.accrued = quote.accrued;
        for (line, (of_line, accrued)) in self.lines.iter_mut().zip(&quote.lines) {
            line.redeemed = if redeemed.is_zero() { Money::ZERO } else { *of_line };
            line.accrued = *accrued;
        }
        self
    }

    /// So many pieces of each line came back.
    pub(super) fn take_back(&mut self, pieces: &[i64]) {
        for (line, pieces) in self.lines.iter_mut().zip(pieces) {
            line.back += pieces;
        }
        let all = self.lines.iter().all(|line| line.back == line.pieces);
        self.standing = if all {
            Standing::Returned
        } else {
            Standing::PartBack
        };
    }

    /// What it must have done to a guest's bonuses in the end.
    fn effect_on(&self, guest: usize) -> Money {
        let (payer, part) = self
            .payer
            .filter(|_| self.standing == Standing::Sold)
            .map_or((None, Money::ZERO), |(payer, part)| (Some(payer), part));
        let as_guest = Some(self.effect() + part).filter(|_| self.guest == Some(guest));
        let as_payer = Some(-part).filter(|_| payer == Some(guest));
        as_guest.unwrap_or_default() + as_payer.unwrap_or_default()
    }

    /// What it must have done to all its guests' bonuses in the end. A line's share is taken back by pieces, rounded down
    /// of all that came back so far.
    fn effect(&self) -> Money {
        match self.standing {
            Standing::Sold => self.accrued - self.redeemed,
            Standing::Returned | Standing::RolledBack => Money::ZERO,
            Standing::PartBack => {
                let back = |share: Money, line: &KeptLine| {
                    Money::from_kopecks(share.kopecks() * line.back / line.pieces.max(1))
                };
                let left = |line: &KeptLine| {
                    (line.accrued - back(line.accrued, line)) - (line.redeemed - back(line.redeemed, line))
                };
                self.lines.iter().map(left).sum()
            }
        }
    }
}

/// The account of a day.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) guests: Vec<Guest>,
    pub(super) entries: BTreeMap<u32, Entry>,
}

impl Account {
    /// Leaves out what was sold and undone again before the service had asked: it never got there.
    pub(super) async fn forget_unseen(&mut self, office: &Office, place: &Place) -> Result<(), Failure> {
        let undone = self
            .entries
            .values()
            .filter(|entry| entry.standing == Standing::RolledBack);
        let undone: Vec<Entry> = undone.cloned().collect();
        for entry in undone {
            if posted(&entry, office, place).await?.is_empty() {
                self.entries.remove(&entry.number);
            }
        }
        Ok(())
    }

    /// Everything in which the books differ, a sentence each.
    pub(super) async fn compare(
        &self,
        office: &Office,
        place: &Place,
        refused: &BTreeMap<u32, String>,
    ) -> Result<Vec<String>, Failure> {
        let mut differences = Vec::new();
        // Of receipts of the day: a write-off that came before its receipt is known by the receipt only.
        let mut booked = HashSet::new();
        let mut ids = HashMap::new();
        for (index, guest) in self.guests.iter().enumerate() {
            let id = match &guest.id {
                Some(id) => Some(id.clone()),
                None => office.customer(&guest.phone).await?,
            };
            ids.extend(id.map(|id| (index, id)));
        }
        for entry in self.entries.values() {
            let name = format!("receipt {} ({})", entry.number, entry.external_id);
            let mut found = posted(entry, office, place).await?.into_iter();
            let stands = found.next();
            for twin in found {
                let transactions = twin["transactions"].as_array();
                booked.extend(transactions.into_iter().flatten().map(|t| text(t, "id")));
                if !moved(&twin).is_zero() || twin["status"] != CANCELLED {
                    differences.push(format!("{name} stands once more: {}", text(&twin, "id")));
                }
            }
            let Some(posted) = stands else {
                // Undone before it came: then it was never posted.
                if entry.standing == Standing::RolledBack {
                    continue;
                }
                let why = refused.get(&entry.number).map_or("", String::as_str);
                differences.push(format!("{name} is not in the books {why}"));
                continue;
            };
            let transactions = posted["transactions"].as_array();
            booked.extend(transactions.into_iter().flatten().map(|t| text(t, "id")));
            let guest = entry.guest.and_then(|guest| ids.get(&guest));
            let unlike = unlike(entry, guest.map(String::as_str), &posted);
            if !unlike.is_empty() {
                let why = refused.get(&entry.number).map_or("", String::as_str);
                differences.push(format!("{name}: {} {why}", unlike.join(", ")));
            }
        }
        for (index, guest) in self.guests.iter().enumerate() {
            let effects = self.entries.values().map(|entry| entry.effect_on(index));
            let expected = guest.opening + effects.sum();
            let Some(id) = ids.get(&index) else {
                if expected != guest.opening {
                    differences.push(format!("guest {} is unknown to the network", guest.phone));
                }
                continue;
            };
            let (balance, _) = office.balance(id).await?;
            if balance != expected {
                differences.push(format!(
                    "guest {} has {balance}, by the simulator's account {expected}",
                    guest.phone
                ));
            }
            for transaction in office.transactions(id).await? {
                if !booked.contains(&transaction) && !guest.known.contains(&transaction) {
                    differences.push(format!(
                        "guest {}: transaction {transaction} belongs to no receipt of the day",
                        guest.phone
                    ));
                }
            }
        }
        Ok(differences)
    }
}

/// The receipts of a sale under all its names, the one that stands first.
async fn posted(entry: &Entry, office: &Office, place: &Place) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    for id in std::iter::once(&entry.external_id).chain(&entry.other_ids) {
        found.extend(office.receipt(place, id).await?);
    }
    found.sort_by_key(|receipt| receipt["status"] == CANCELLED);
    Ok(found)
}

/// What the transactions of a posted receipt come to.
fn moved(posted: &Value) -> Money {
    let transactions = posted["transactions"].as_array().into_iter().flatten();
    transactions
        .map(|transaction| {
            let amount = money(transaction, "amount");
            if transaction["direction"] == "accrual" {
                amount
            } else {
                -amount
            }
        })
        .sum()
}

/// In what a posted receipt is not as it must be.
fn unlike(entry: &Entry, guest: Option<&str>, posted: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, is: String, must: String| {
        if is != must {
            found.push(format!("{what} is {is}, must be {must}"));
        }
    };
    compare(
        "total",
        money(posted, "total").to_string(),
        entry.total.to_string(),
    );
    compare(
        "guest",
        text(posted, "customer_id"),
        guest.unwrap_or_default().to_owned(),
    );
    let standing = match entry.standing {
        Standing::Sold => "closed",
        Standing::PartBack => "partly_returned",
        Standing::Returned => "returned",
        Standing::RolledBack => CANCELLED,
    };
    compare("status", text(posted, "status"), standing.to_owned());
    if entry.standing != Standing::RolledBack {
        compare(
            "redeemed",
            money(posted, "redeemed").to_string(),
            entry.redeemed.to_string(),
        );
        compare(
            "accrued",
            money(posted, "accrued").to_string(),
            entry.accrued.to_string(),
        );
    }
    compare(
        "sum of its transactions",
        moved(posted).to_string(),
        entry.effect().to_string(),
    );
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> Entry {
        let rouble = |kopecks| Money::from_kopecks(kopecks);
        let quote = Quote {
            may_redeem: Money::ZERO,
            accrued: rouble(1001),
            lines: vec![(rouble(300), rouble(1000)), (rouble(0), rouble(1))],
        };
        Entry::sold(1, "a".to_owned(), Some(0), rouble(30_000), &[3, 1]).with(&quote, rouble(300))
    }

    #[test]
    fn what_is_left_of_a_sale_is_what_was_not_given_back() {
        let mut entry = entry();
        assert_eq!(entry.effect(), Money::from_kopecks(701));
        entry.take_back(&[1, 0]);
        assert_eq!(entry.standing, Standing::PartBack);
        // 333 of the accrual, 100 of the redemption.
        assert_eq!(entry.effect(), Money::from_kopecks(701 - 333 + 100));
        entry.take_back(&[2, 1]);
        assert_eq!(
            (entry.standing, entry.effect()),
            (Standing::Returned, Money::ZERO)
        );
    }

    #[test]
    fn a_part_of_a_receipt_without_a_guest_is_no_more_than_that() {
        let mut entry = Entry::sold(1, "a".to_owned(), None, Money::from_kopecks(30_000), &[3, 1]);
        entry.take_back(&[1, 0]);
        assert_eq!(entry.standing, Standing::PartBack);
        entry.take_back(&[2, 1]);
        assert_eq!(entry.standing, Standing::Returned);
    }

    #[test]
    fn a_receipt_that_differs_is_told_apart() {
        let posted = json!({
            "id": "rcp_1", "status": "closed", "customer_id": "cus_1", "total": "300.00", "redeemed": "3.00",
            "accrued": "10.01",
            "transactions": [
                {"direction": "accrual", "amount": "10.01"}, {"direction": "redemption", "amount": "3.00"},
            ],
        });
        assert_eq!(unlike(&entry(), Some("cus_1"), &posted), Vec::<String>::new());
        for (name, wrong) in [
            ("status", json!("cancelled")),
            ("customer_id", json!("cus_2")),
            ("total", json!("300.01")),
            ("redeemed", json!("0.00")),
            ("accrued", json!("20.02")),
            ("transactions", json!([])),
        ] {
            let mut other = posted.clone();
            other[name] = wrong;
            assert_eq!(unlike(&entry(), Some("cus_1"), &other).len(), 1, "{name}");
        }
    }
}
