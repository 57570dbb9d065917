//! A network of two venues with the real ledger over a real database, and short words for what tests tell it.

use std::sync::Arc;

use chrono::{DateTime, Duration, TimeZone, Utc};
use kopilka::clock::{Clock, MovedClock};
use kopilka::domain::decide::Amend;
use kopilka::domain::ids::{CustomerId, VenueId};
use kopilka::domain::rate::Percent;
use kopilka::domain::refusal::Refusal;
use kopilka::domain::settings::{NetworkSettings, VenueSettings};
use kopilka::domain::world::{ReturnRequest, ReturnedLine, SourceKey};
use kopilka::id_source::TimeOrderedIds;
use kopilka::ledger::{Answer, Answered, Command, Failure, Ledger, PipelineOptions, Place, Verb, verify};
use kopilka::storage::{AnyConnection, Store, Tenant};
use kopilka_contract::{
    Balance, Close, Closed, CustomerRef, Held, Hold, Language, Line, Money, Phone, Quantity, Receipt,
    Redemption, Returned, Stands,
};

use crate::databases::{self, Database};
use crate::seed::Seed;

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn card(number: &str) -> CustomerRef {
    CustomerRef::Card(number.to_owned())
}

pub fn phone(digits: &str) -> CustomerRef {
    CustomerRef::Phone(Phone::parse(digits).unwrap())
}

/// When tests begin.
pub fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).unwrap()
}

#[derive(Clone)]
pub struct Shop {
    pub store: Store,
    pub ledger: Ledger,
    pub clock: Arc<MovedClock>,
    pub tenant: Tenant,
    /// Gives 10 %.
    pub a: VenueId,
    /// Gives 5 %.
    pub b: VenueId,
}

impl Shop {
    pub fn open(store: &Store, network: &NetworkSettings) -> (Self, impl Fn(&str) -> CustomerId + use<>) {
        let seed = Seed::network(store, network);
        let venue = |name: &str, percent: i64| {
            seed.venue(
                name,
                chrono_tz::Europe::Moscow,
                Percent::from_scaled(percent * 10_000),
                &VenueSettings::default(),
            )
        };
        let (a, b) = (venue("A", 10), venue("B", 5));
        let clock = Arc::new(MovedClock::at(start()));
        let tenant = Tenant::of_test(seed.network);
        let shop = Shop {
            ledger: ledger(store, &clock, 1),
            store: store.clone(),
            clock,
            tenant,
            a,
            b,
        };
        let (store, network) = (store.clone(), seed.network);
        let customer = move |number: &str| Seed::of(&store, network).customer(number, None);
        (shop, customer)
    }

    /// The same network through another ledger, as another instance of the service would have it.
    pub fn another_instance(&self, node: u8) -> Self {
        Shop {
            ledger: ledger(&self.store, &self.clock, node),
            ..self.clone()
        }
    }

    pub fn wait(&self, time: Duration) {
        self.clock.move_to(self.clock.now() + time);
    }

    pub fn at(&self, venue: VenueId) -> Place {
        Place {
            venue,
            source: "till".to_owned(),
        }
    }

    pub fn command(&self, verb: Verb) -> Command {
        Command {
            since: std::time::Instant::now(),
            tenant: self.tenant,
            actor: "test".to_owned(),
            verb,
            raw: None,
            remarks: Vec::new(),
            language: Language::default(),
            idempotency: None,
            asks_before_sale: false,
            asker: None,
            replay_of: None,
        }
    }

    pub async fn submit(&self, verb: Verb) -> Result<Answered, Refusal> {
        match self.ledger.submit(self.command(verb)).await {
            Ok(answered) => Ok(answered),
            Err(Failure::Refused(refusal)) => Err(refusal),
            Err(other) => panic!("{other}"),
        }
    }

    pub async fn close(&self, sale: Sale) -> Result<Closed, Refusal> {
        let verb = sale.verb(self);
        match self.submit(verb).await?.answer {
            Answer::Closed(closed) => Ok(*closed),
            other => panic!("{other:?}"),
        }
    }

    /// Gives back lines (line, quantity); none: all that is left.
    pub async fn give_back(
        &self,
        external_id: &str,
        sale: &str,
        lines: &[(&str, &str)],
    ) -> Result<Returned, Refusal> {
        let lines = (!lines.is_empty()).then(|| {
            lines
                .iter()
                .map(|(line, quantity)| back_line(line, quantity))
                .collect()
        });
        self.returned(external_id, sale, |request| request.lines = lines)
            .await
    }

    pub async fn returned(
        &self,
        external_id: &str,
        sale: &str,
        change: impl FnOnce(&mut ReturnRequest),
    ) -> Result<Returned, Refusal> {
        match self.submit(self.back(external_id, sale, change)).await?.answer {
            Answer::Returned(returned) => Ok(*returned),
            other => panic!("{other:?}"),
        }
    }

    /// A return to be submitted.
    pub fn back(&self, external_id: &str, sale: &str, change: impl FnOnce(&mut ReturnRequest)) -> Verb {
        let mut request = ReturnRequest {
            version: None,
            returned_at: self.clock.now(),
            lines: None,
            rollback: false,
            stands: Stands::WithItsSale,
            cancel: false,
        };
        change(&mut request);
        Verb::GiveBack {
            place: self.at(self.a),
            external_id: external_id.to_owned(),
            sale: SourceKey {
                network: self.tenant.network(),
                venue: self.a,
                source: "till".to_owned(),
                external_id: sale.to_owned(),
            },
            request,
        }
    }

    pub async fn credit(&self, who: &CustomerRef, amount: &str) {
        let credit = Amend::Credit {
            amount: money(amount),
            starts_at: None,
            expires_at: None,
            scope: None,
            promotion: false,
            comment: None,
        };
        self.submit(Verb::Amend(who.clone(), credit)).await.unwrap();
    }

    pub async fn hold(&self, name: &str, who: &CustomerRef, amount: Option<&str>) -> Result<Held, Refusal> {
        let ask = Hold {
            once: false,
            of_order: None,
            order: Vec::new(),
            external_id: name.to_owned(),
            customer: who.clone(),
            amount: amount.map(money),
            at_most: None,
            minutes: None,
        };
        match self.submit(Verb::Hold(self.at(self.a), ask)).await?.answer {
            Answer::Held(held) => Ok(*held),
            other => panic!("{other:?}"),
        }
    }

    pub async fn void(&self, name: &str) -> Result<Money, Refusal> {
        match self
            .submit(Verb::Void(self.at(self.a), name.to_owned()))
            .await?
            .answer
        {
            Answer::Voided(voided) => Ok(voided.released),
            other => panic!("{other:?}"),
        }
    }

    /// What a customer has at venue A.
    pub async fn balance(&self, who: &CustomerRef) -> Balance {
        let at = Some(self.a);
        self.ledger
            .balance(self.tenant, at, who.clone(), None)
            .await
            .unwrap()
    }

    /// Fails unless the customer has just this, and nothing held, pending or owed.
    #[track_caller]
    pub fn assert_balance(balance: &Balance, amount: &str) {
        let plain = Balance {
            available: money(amount),
            balance: money(amount),
            ..Balance::default()
        };
        assert_eq!(*balance, plain);
    }

    /// How many rows a query counts.
    pub fn count(&self, sql: &str) -> i64 {
        count(&self.store, sql)
    }

    #[track_caller]
    pub fn assert_books(&self) {
        let report = verify::verify(&self.store).unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

pub fn ledger(store: &Store, clock: &Arc<MovedClock>, node: u8) -> Ledger {
    Ledger::start(
        store.clone(),
        Arc::clone(clock) as Arc<dyn Clock>,
        Arc::new(TimeOrderedIds::new(node)),
        PipelineOptions {
            writers: 2,
            ..PipelineOptions::default()
        },
    )
    .unwrap()
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// How many rows there are `FROM …`.
pub fn count(store: &Store, from: &str) -> i64 {
    use diesel::RunQueryDsl;
    let query = diesel::sql_query(format!("SELECT COUNT(*) AS count FROM {from}"));
    let mut connection = store.connection().unwrap();
    let row: Count = match &mut *connection {
        AnyConnection::Sqlite(c) => query.get_result(c).unwrap(),
        AnyConnection::Postgres(c) => query.get_result(c).unwrap(),
    };
    row.count
}

/// A sale being told.
#[derive(Clone)]
pub struct Sale {
    pub close: Close,
    pub venue: Option<VenueId>,
}

impl Sale {
    /// One coffee.
    pub fn new(external_id: &str, amount: &str) -> Self {
        let receipt = Receipt::of(external_id.to_owned(), start().fixed_offset());
        let sale = Sale {
            close: Close::of(receipt),
            venue: None,
        };
        sale.line("1", "Coffee", "1", amount)
    }

    pub fn with(mut self, change: impl FnOnce(&mut Close)) -> Self {
        change(&mut self.close);
        self
    }

    pub fn line(self, line_id: &str, name: &str, quantity: &str, amount: &str) -> Self {
        let line = Line {
            line_id: line_id.to_owned(),
            name: name.to_owned(),
            product_id: None,
            category_id: None,
            category_name: None,
            quantity: quantity.parse::<Quantity>().unwrap(),
            price: None,
            amount: money(amount),
            redeemed: None,
        };
        self.with(|close| {
            close.receipt.lines.retain(|l| l.line_id != line_id);
            close.receipt.lines.push(line);
        })
    }

    pub fn of(self, who: &CustomerRef) -> Self {
        self.with(|close| close.receipt.customer = Some(who.clone()))
    }

    pub fn redeem(self, amount: &str) -> Self {
        self.with(|close| close.redemption = Redemption::Now(money(amount)))
    }

    pub fn hold(self, name: &str) -> Self {
        self.with(|close| close.hold = Some(name.to_owned()))
    }

    pub fn version(self, version: i64) -> Self {
        self.with(|close| close.receipt.version = Some(version))
    }

    pub fn at(mut self, venue: VenueId) -> Self {
        self.venue = Some(venue);
        self
    }

    pub fn verb(self, shop: &Shop) -> Verb {
        let place = shop.at(self.venue.unwrap_or(shop.a));
        Verb::Close(place, Box::new(self.close))
    }
}

/// Runs a test on each database, each time in a new network; proves the books afterwards.
pub fn on_each<F: Future<Output = ()>>(
    test: impl Fn(Shop, Box<dyn Fn(&str) -> CustomerId + Send + Sync>) -> F,
) {
    on_each_with(&NetworkSettings::default(), test);
}

/// The same with settings of the network.
pub fn on_each_with<F: Future<Output = ()>>(
    settings: &NetworkSettings,
    test: impl Fn(Shop, Box<dyn Fn(&str) -> CustomerId + Send + Sync>) -> F,
) {
    databases::each(|database: &Database| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (shop, customer) = Shop::open(&database.store, settings);
        runtime.block_on(test(shop.clone(), Box::new(customer)));
        shop.assert_books();
    });
}

/// So much of a line comes back.
pub fn back_line(line: &str, quantity: &str) -> ReturnedLine {
    ReturnedLine {
        product: None,
        line_id: line.to_owned(),
        quantity: Some(quantity.parse().unwrap()),
        amount: None,
    }
}
