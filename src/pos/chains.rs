//! Which of many asks may be carried out at once: those that concern nothing in common.

use std::collections::{HashMap, HashSet};
use std::mem::discriminant;

use kopilka_contract::{Ask, CustomerRef, PaidBy, Redemption};

/// What an ask concerns: whoever speaks of the same must keep its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Concern {
    /// A sale, by its id at the source.
    Sale(String),
    /// A return, by its id at the source.
    Return(String),
    /// A guest, as he is named.
    Guest(CustomerRef),
    /// The bonuses of whoever it may be.
    AnybodysBonuses,
}

/// `None`: nobody knows, it may concern anything.
fn concerns(ask: &Ask) -> Option<Vec<Concern>> {
    Some(match ask {
        Ask::Close(close) => {
            let phone = close.receipt.phone.clone().map(CustomerRef::Phone);
            let named = close.receipt.named().cloned();
            let guests = named.into_iter().chain(phone).map(Concern::Guest);
            let payers = close
                .payers
                .iter()
                .map(|payer| match &payer.by {
                    PaidBy::Guest(who) => Some(Concern::Guest(who.clone())),
                    // Whose hold it is, the books know.
                    PaidBy::Hold(_) => None,
                })
                .collect::<Option<Vec<_>>>()?;
            let sale = Concern::Sale(close.receipt.external_id.clone());
            guests.chain(payers).chain([sale]).collect()
        }
        Ask::GiveBack(back) => vec![
            Concern::Sale(back.sale.clone()),
            Concern::Return(back.external_id.clone()),
        ],
        Ask::UndoReturn(undo) => vec![
            Concern::Sale(undo.sale.clone()),
            Concern::Return(undo.external_id.clone()),
        ],
        _ => return None,
    })
}

/// Whether a sale is paid with bonuses as it is told: it needs those that come before it.
fn pays(ask: &Ask) -> bool {
    matches!(ask, Ask::Close(sale) if matches!(sale.redemption, Redemption::Now(amount) if amount.is_positive()))
}

/// Which of these asks may give a guest the bonuses that another of them pays with, or are such: what comes back names no guest, and
/// where guests are named in several ways one may be meant by two.
fn feeding(asks: &[&Ask]) -> impl Fn(&Ask) -> bool + use<> {
    let some_pay = asks.iter().any(|ask| pays(ask));
    let named = asks.iter().filter_map(|ask| concerns(ask)).flatten();
    let ways: HashSet<_> = named
        .filter_map(|concern| match concern {
            Concern::Guest(who) => Some(discriminant(&who)),
            _ => None,
        })
        .collect();
    let is_one_way = ways.len() < 2;
    move |ask| some_pay && !(is_one_way && matches!(ask, Ask::Close(_)) && !pays(ask))
}

/// Parts asks into chains, each by its place among them: what concerns the same is in one chain, in its order, and chains may be
/// carried out at once. An ask that may concern anything ends a round of chains, and is a round by itself.
pub(super) fn rounds<'a>(asks: impl IntoIterator<Item = &'a Ask>) -> Vec<Vec<Vec<usize>>> {
    let asks: Vec<&Ask> = asks.into_iter().collect();
    let feeds = feeding(&asks);
    let mut rounds: Vec<Vec<Vec<usize>>> = Vec::new();
    let mut round = Round::default();
    for (at, ask) in asks.into_iter().enumerate() {
        match concerns(ask) {
            Some(mut concerns) => {
                concerns.extend(feeds(ask).then_some(Concern::AnybodysBonuses));
                round.add(at, concerns);
            }
            None => {
                rounds.extend(std::mem::take(&mut round).chains());
                rounds.push(vec![vec![at]]);
            }
        }
    }
    rounds.extend(round.chains());
    rounds
}

/// Asks that are parted already.
#[derive(Debug, Default)]
struct Round {
    chains: Vec<Vec<usize>>,
    /// In which chain a thing is spoken of.
    spoken_of: HashMap<Concern, usize>,
}

impl Round {
    /// Puts an ask where its concerns are; chains that it binds together become one.
    fn add(&mut self, at: usize, concerns: Vec<Concern>) {
        let mut bound: Vec<usize> = concerns
            .iter()
            .filter_map(|concern| self.spoken_of.get(concern).copied())
            .collect();
        bound.sort_unstable();
        bound.dedup();
        let into = bound.first().copied().unwrap_or_else(|| {
            self.chains.push(Vec::new());
            self.chains.len() - 1
        });
        let mut members: Vec<usize> = Vec::new();
        for other in bound.iter().skip(1) {
            members.extend(
                self.chains
                    .get_mut(*other)
                    .map(std::mem::take)
                    .unwrap_or_default(),
            );
        }
        if !members.is_empty() {
            for chain in self.spoken_of.values_mut().filter(|chain| bound.contains(chain)) {
                *chain = into;
            }
        }
        let is_bound = !members.is_empty();
        if let Some(chain) = self.chains.get_mut(into) {
            chain.append(&mut members);
            if is_bound {
                chain.sort_unstable();
            }
            // What comes last stands last.
            chain.push(at);
        }
        self.spoken_of
            .extend(concerns.into_iter().map(|concern| (concern, into)));
    }

    /// `None`: there was nothing.
    fn chains(self) -> Option<Vec<Vec<usize>>> {
        let chains: Vec<Vec<usize>> = self.chains.into_iter().filter(|c| !c.is_empty()).collect();
        (!chains.is_empty()).then_some(chains)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kopilka_contract::{Close, GiveBack, Menu, Money, Phone, Stands, UndoReturn, WhatBack};

    use super::*;

    fn back(id: &str, sale: &str) -> Ask {
        Ask::GiveBack(GiveBack {
            external_id: id.to_owned(),
            sale: sale.to_owned(),
            version: None,
            returned_at: DateTime::UNIX_EPOCH.fixed_offset(),
            what: WhatBack::Everything,
            rollback: false,
            stands: Stands::WithItsSale,
        })
    }

    fn undo(id: &str, sale: &str) -> Ask {
        Ask::UndoReturn(UndoReturn {
            external_id: id.to_owned(),
            sale: sale.to_owned(),
            version: 1,
            undone_at: DateTime::UNIX_EPOCH.fixed_offset(),
        })
    }

    #[test]
    fn what_concerns_the_same_keeps_its_order_and_the_rest_goes_at_once() {
        let asks = [
            back("1", "a"),
            back("2", "b"),
            undo("1", "a"),
            back("3", "c"),
            // The return of one sale that is told of another binds the two.
            back("1", "b"),
            back("4", "b"),
        ];
        assert_eq!(rounds(&asks), [vec![vec![0, 1, 2, 4, 5], vec![3]]]);
    }

    fn sale(id: &str, guest: CustomerRef, pays: i64) -> Ask {
        let receipt = serde_json::json!({
            "external_id": id, "customer": guest, "closed_at": "2026-11-22T12:00:00+03:00", "lines": [],
        });
        Ask::Close(Close {
            redemption: Redemption::Now(Money::from_kopecks(pays)),
            ..Close::of(serde_json::from_value(receipt).unwrap())
        })
    }

    #[test]
    fn what_bonuses_pay_waits_for_what_may_give_them() {
        let card = |number: &str| CustomerRef::Card(number.to_owned());
        let phone = || CustomerRef::Phone(Phone::parse("+79215550101").unwrap());
        let nobody_pays = [sale("1", card("1"), 0), back("2", "a"), sale("3", phone(), 0)];
        assert_eq!(rounds(&nobody_pays), [vec![vec![0], vec![1], vec![2]]]);
        // A return names no guest.
        let paid = [sale("1", card("1"), 0), back("2", "a"), sale("3", card("3"), 100)];
        assert_eq!(rounds(&paid), [vec![vec![0], vec![1, 2]]]);
        let in_two_ways = [sale("1", card("1"), 0), sale("3", phone(), 100)];
        assert_eq!(rounds(&in_two_ways), [vec![vec![0, 1]]]);
    }

    #[test]
    fn what_may_concern_anything_is_waited_for() {
        let asks = [
            Ask::TakeMenu(Menu::default()),
            back("1", "a"),
            back("2", "b"),
            Ask::Void("lock".to_owned()),
            back("3", "a"),
        ];
        assert_eq!(
            rounds(&asks),
            [
                vec![vec![0]],
                vec![vec![1], vec![2]],
                vec![vec![3]],
                vec![vec![4]]
            ]
        );
        assert!(rounds(&[]).is_empty());
    }
}
