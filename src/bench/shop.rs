//! The shop that is measured: its customers, and what its tills ask.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Europe::Moscow;
use kopilka_contract::{
    Close, CustomerRef, CustomerStatus, Line, Money, Phone, Quantity, Receipt, Redemption,
};

use super::Failure;
use super::tills::{self, TillCall};
use crate::api::secrets::{LIVE_PREFIX, hash_of, random_text};
use crate::domain::Timestamp;
use crate::domain::account::Account;
use crate::domain::books::ChainHead;
use crate::domain::decide::{self, Adjustment, Amend};
use crate::domain::ids::{CardId, CustomerId, IdSource, KeyId, NetworkId, RuleId, VenueId};
use crate::domain::rate::{Coefficient, Percent};
use crate::domain::settings::{NetworkSettings, VenueSettings};
use crate::domain::terms::RuleCondition;
use crate::domain::world::{CardStanding, CustomerFacts, Found, World};
use crate::id_source::TimeOrderedIds;
use crate::simulate::dialect;
use crate::storage::cards::{self, Card, CardKind, CardStatus};
use crate::storage::keys::{self, StoredKey};
use crate::storage::networks::{self, StoredNetwork};
use crate::storage::venues::{self, StoredRule, Venue};
use crate::storage::{AnyConnection, Store, Tenant, ledger};

/// What is sold: name, category, price in kopecks.
const DISHES: [(&str, &str, i64); 12] = [
    ("Бизнес-ланч", "lunch", 42_000),
    ("Капучино", "coffee", 19_000),
    ("Эспрессо", "coffee", 12_000),
    ("Раф ванильный", "coffee", 26_000),
    ("Чай чёрный с чабрецом", "tea", 15_000),
    ("Круассан с миндалём", "bakery", 21_000),
    ("Сырники со сметаной", "breakfast", 33_000),
    ("Каша овсяная", "breakfast", 24_000),
    ("Борщ с пампушкой", "soup", 39_000),
    ("Салат «Цезарь» с курицей", "salad", 48_000),
    ("Стейк из лосося", "main", 115_000),
    ("Лимонад домашний, 0,4 л", "drinks", 23_000),
];
/// Lines of a receipt.
const LINES: usize = 5;
/// What each customer has at first, in kopecks.
const BALANCE: i64 = 10_000_000;
/// What half of the receipts redeem, in kopecks: less than the cheapest receipt.
const REDEEMED: i64 = 50_00;
/// Customers that are loaded at once.
const CHUNK: usize = 2000;
/// The source of the receipts.
pub(super) const SOURCE: &str = "bench";
/// The network's own name of its venue.
const VENUE: &str = "cafe";

/// A network with one venue, a key, and customers that have a card and bonuses each.
#[derive(Debug)]
pub(super) struct Shop {
    /// The network.
    pub(super) tenant: Tenant,
    /// The venue.
    pub(super) venue: VenueId,
    customers: usize,
    key: String,
    receipts: Arc<AtomicUsize>,
}

/// What a till asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// Close a receipt.
    Receipt,
    /// What would a receipt do?
    Quote,
    /// Who is this guest?
    Identify,
    /// What a till says in its own dialect.
    Till(TillCall),
}

impl Shop {
    /// Makes it in an empty database: through the ledger's own decisions, so the books are right from the first row.
    pub(super) fn load(store: &Store, customers: usize) -> Result<Self, Failure> {
        let ids = TimeOrderedIds::new(u8::MAX);
        let mut connection = store.own_connection()?;
        let now = Utc::now();
        let network = StoredNetwork {
            id: NetworkId(ids.next_id()),
            name: "Bench".to_owned(),
            time_zone: Moscow.name().to_owned(),
            settings: NetworkSettings::default(),
            version: 1,
            sandbox: false,
            clock_offset: chrono::Duration::zero(),
            created_at: now,
        };
        let tenant = networks::create(&mut connection, &network)?;
        let venue = add_venue(&mut connection, tenant, &ids, now)?;
        let key = format!(
            "{LIVE_PREFIX}{}",
            random_text::<32>().map_err(|problem| problem.words.en)?
        );
        let stored = StoredKey {
            id: KeyId(ids.next_id()),
            name: "bench".to_owned(),
            prefix: LIVE_PREFIX.to_owned(),
            scopes: vec!["till".to_owned()],
            venue: None,
            test: false,
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        keys::insert(&mut connection, tenant, &stored, &hash_of(&key))?;
        for start in (0..customers).step_by(CHUNK) {
            let numbers = start..customers.min(start + CHUNK);
            add_customers(&mut connection, tenant, numbers, &ids, now)?;
        }
        tills::connect(&mut connection, tenant, venue, &ids, &key, now)?;
        Ok(Shop {
            tenant,
            venue,
            customers,
            key,
            receipts: Arc::new(AtomicUsize::new(0)),
        })
    }

    /// Requests of a kind.
    pub(super) fn requests(&self, work: Work) -> Requests {
        Requests {
            work,
            key: self.key.clone(),
            customers: self.customers,
            receipts: Arc::clone(&self.receipts),
        }
    }

    /// So many different sales, no two to one customer.
    pub(super) fn distinct_sales(&self, count: usize) -> Vec<Sale> {
        let mut dice = Dice::new();
        let first = dice.below(self.customers);
        // A step that has no divisor in common with their number visits everybody, far from the one before.
        let mut step = self.customers * 5 / 8 + 1;
        while divisor(step, self.customers) > 1 {
            step += 1;
        }
        (0..count.min(self.customers))
            .map(|i| {
                let customer = (first + i * step) % self.customers;
                Sale::of(&mut dice, customer, &self.receipts)
            })
            .collect()
    }
}

fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

fn add_venue(
    connection: &mut AnyConnection,
    tenant: Tenant,
    ids: &TimeOrderedIds,
    now: Timestamp,
) -> Result<VenueId, Failure> {
    let venue = Venue {
        id: VenueId(ids.next_id()),
        external_id: Some(VENUE.to_owned()),
        name: "Кофейня".to_owned(),
        time_zone: Moscow,
        base_percent: Percent::from_scaled(50_000),
        types: vec!["place".to_owned(), "delivery".to_owned()],
        default_type: "place".to_owned(),
        settings: VenueSettings::default(),
        archived_at: None,
        created_at: now,
    };
    venues::insert(connection, tenant, &venue)?;
    for (from_hour, to_hour, coefficient) in [(9, 11, 1_500_000), (16, 18, 2_000_000), (22, 5, 500_000)] {
        let rule = StoredRule {
            id: RuleId(ids.next_id()),
            venue: venue.id,
            name: None,
            condition: RuleCondition::Hours { from_hour, to_hour },
            coefficient: Coefficient::from_scaled(coefficient),
            created_at: now,
        };
        venues::insert_rule(connection, tenant, &rule)?;
    }
    Ok(venue.id)
}

/// Customers with a card and a lot of bonuses each, in one commit.
fn add_customers(
    connection: &mut AnyConnection,
    tenant: Tenant,
    numbers: std::ops::Range<usize>,
    ids: &TimeOrderedIds,
    now: Timestamp,
) -> Result<(), Failure> {
    let network = tenant.network();
    let mut world = World::default();
    let mut new_cards = Vec::with_capacity(numbers.len());
    let gift = Amend::Credit {
        amount: Money::from_kopecks(BALANCE),
        starts_at: None,
        expires_at: None,
        scope: None,
        promotion: true,
        comment: None,
    };
    for n in numbers {
        let id = CustomerId(ids.next_id());
        let who = CustomerRef::Card(card(n));
        world.customers.insert(id, new_customer(id, network, n, now));
        let found = Found {
            customer: id,
            card: Some((card(n), CardStanding::Active)),
        };
        world.found.insert((network, who.clone()), found);
        let adjustment = Adjustment {
            network,
            customer: &who,
            amend: &gift,
            actor: "bench",
            now,
            ids,
        };
        decide::amend(&mut world, adjustment).map_err(|refusal| refusal.words().en)?;
        new_cards.push(Card {
            id: CardId(ids.next_id()),
            number: card(n),
            customer: id,
            kind: CardKind::Virtual,
            status: CardStatus::Active,
            replaced_by: None,
            created_at: now,
        });
    }
    ledger::apply(connection, &world, &[], &[])?;
    cards::insert_all(connection, tenant, &new_cards)?;
    Ok(())
}

fn new_customer(id: CustomerId, network: NetworkId, n: usize, now: Timestamp) -> CustomerFacts {
    CustomerFacts {
        id,
        network,
        status: CustomerStatus::Registered,
        name: Some(format!("Гость {n}")),
        phone: Phone::parse(&format!("+7{}", card(n))),
        email: None,
        birthday: None,
        cashier_note: None,
        card: None,
        network_coefficient: None,
        venue_coefficients: Vec::new(),
        account: Account::default(),
        loaded: Account::default(),
        head: ChainHead::default(),
        version: 0,
        last_purchase_at: Some(now),
        touched: true,
        is_new: true,
    }
}

/// Number of the card of a customer.
fn card(n: usize) -> String {
    format!("9{n:09}")
}

/// Requests of a kind, without end.
#[derive(Debug)]
pub(super) struct Requests {
    work: Work,
    key: String,
    customers: usize,
    receipts: Arc<AtomicUsize>,
}

/// A request, and how to tell whether its answer is right.
#[derive(Debug)]
pub(super) struct Request {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    right: Right,
}

#[derive(Debug)]
enum Right {
    Status(u16),
    Till(TillCall, Box<dialect::Sale>),
}

impl Request {
    /// Whether the answer is right.
    pub(super) fn is_answered(&self, status: u16, body: &[u8]) -> bool {
        match &self.right {
            Right::Status(expected) => status == *expected,
            Right::Till(call, sale) => call.is_answered(sale, status, &String::from_utf8_lossy(body)),
        }
    }
}

impl Requests {
    /// The next one.
    pub(super) fn next(&self, dice: &mut Dice) -> Request {
        let customer = dice.below(self.customers);
        let sale = |dice: &mut Dice| Sale::of(dice, customer, &self.receipts);
        match self.work {
            Work::Identify => {
                let body = format!(r#"{{"card":"{}","venue_id":"{VENUE}"}}"#, card(customer));
                self.rest("customers/identify", &body, 200)
            }
            Work::Receipt => self.rest("receipts", &sale(dice).json(), 201),
            Work::Quote => self.rest("receipts/quote", &sale(dice).json(), 200),
            Work::Till(call) => {
                let sale = sale(dice).at_a_till();
                Request {
                    bytes: call.request(&self.key, &sale),
                    right: Right::Till(call, Box::new(sale)),
                }
            }
        }
    }

    fn rest(&self, path: &str, body: &str, expected: u16) -> Request {
        let text = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        Request {
            bytes: text.into_bytes(),
            right: Right::Status(expected),
        }
    }
}

/// A sale.
#[derive(Debug)]
pub(super) struct Sale {
    id: usize,
    customer: usize,
    redeems: bool,
    closed_at: DateTime<FixedOffset>,
    /// Dishes, and how many of each.
    lines: [(usize, i64); LINES],
}

impl Sale {
    fn of(dice: &mut Dice, customer: usize, receipts: &AtomicUsize) -> Self {
        let id = receipts.fetch_add(1, Ordering::Relaxed);
        let mut lines = [(0, 0); LINES];
        for line in &mut lines {
            *line = (dice.below(DISHES.len()), if dice.below(3) == 0 { 2 } else { 1 });
        }
        Sale {
            id,
            customer,
            redeems: id.is_multiple_of(2),
            closed_at: Utc::now().with_timezone(&Moscow).fixed_offset(),
            lines,
        }
    }

    fn lines(&self) -> impl Iterator<Item = (&'static str, &'static str, i64, i64)> {
        self.lines
            .iter()
            .filter_map(|(dish, quantity)| DISHES.get(*dish).map(|dish| (dish.0, dish.1, dish.2, *quantity)))
    }

    /// Its id at the till.
    pub(super) fn external_id(&self) -> String {
        format!("2026-{}", self.id)
    }

    /// As a till sends it.
    pub(super) fn json(&self) -> String {
        let mut text = format!(
            r#"{{"source":"{SOURCE}","external_id":"{}","venue_id":"{VENUE}","closed_at":"{}","customer":{{"card":"{}"}},"#,
            self.external_id(),
            self.closed_at.format("%Y-%m-%dT%H:%M:%S%:z"),
            card(self.customer)
        );
        if self.redeems {
            let _ = write!(text, r#""redeem":"{}","#, Money::from_kopecks(REDEEMED));
        }
        text.push_str(r#""lines":["#);
        for (i, (name, category, price, quantity)) in self.lines().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let (price, amount) = (Money::from_kopecks(price), Money::from_kopecks(price * quantity));
            let _ = write!(
                text,
                r#"{comma}{{"line_id":"{}","name":"{name}","category_id":"{category}","quantity":"{quantity}","price":"{price}","amount":"{amount}"}}"#,
                i + 1
            );
        }
        text.push_str("]}");
        text
    }

    /// As the dialects of tills know it.
    fn at_a_till(&self) -> dialect::Sale {
        let number = u32::try_from(self.id).unwrap_or(u32::MAX);
        // A dish that was ordered twice is one line of a till.
        let mut dishes = BTreeMap::<usize, i64>::new();
        for (dish, quantity) in &self.lines {
            *dishes.entry(*dish).or_default() += quantity;
        }
        let item = |(dish, quantity): (usize, i64)| {
            let (name, _, price) = DISHES.get(dish)?;
            Some(tills::item(name, 100 + dish, *price, quantity))
        };
        tills::sale(number, &card(self.customer), dishes.into_iter().filter_map(item))
    }

    /// As the ledger takes it.
    pub(super) fn close(&self) -> Close {
        let line = |(i, (name, category, price, quantity)): (usize, (&str, &str, i64, i64))| Line {
            line_id: (i + 1).to_string(),
            name: name.to_owned(),
            product_id: None,
            category_id: Some(category.to_owned()),
            category_name: None,
            quantity: Quantity::from_thousandths(1000 * quantity),
            price: Some(Money::from_kopecks(price)),
            amount: Money::from_kopecks(price * quantity),
            redeemed: None,
        };
        let receipt = Receipt {
            customer: Some(CustomerRef::Card(card(self.customer))),
            lines: self.lines().enumerate().map(line).collect(),
            ..Receipt::of(self.external_id(), self.closed_at)
        };
        let redeemed = if self.redeems { REDEEMED } else { 0 };
        Close {
            redemption: Redemption::Now(Money::from_kopecks(redeemed)),
            ..Close::of(receipt)
        }
    }
}

/// Numbers that nobody foresees, fast.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Each falls in its own way.
    pub(super) fn new() -> Self {
        Dice(RandomState::new().build_hasher().finish())
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let wide = u128::from(z ^ (z >> 31)) * u128::try_from(end).unwrap_or(0);
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_says_the_same_as_json_and_as_a_close() {
        let sale = Sale::of(&mut Dice::new(), 7, &AtomicUsize::new(0));
        let json: serde_json::Value = serde_json::from_str(&sale.json()).unwrap();
        let close = sale.close();
        assert_eq!(json["external_id"], close.receipt.external_id);
        assert_eq!(json["redeem"], close.redemption.amount().to_string());
        assert_eq!(json["customer"]["card"], card(7));
        let lines = json["lines"].as_array().unwrap();
        assert_eq!(lines.len(), LINES);
        for (line, sent) in lines.iter().zip(&close.receipt.lines) {
            assert_eq!(line["amount"], sent.amount.to_string());
            assert_eq!(line["name"], sent.name);
        }
    }

    #[test]
    fn dice_stay_below_the_end() {
        let mut dice = Dice::new();
        let mut seen = [false; 6];
        for _ in 0..1000 {
            seen[dice.below(6)] = true;
        }
        assert!(seen.iter().all(|s| *s));
    }
}
