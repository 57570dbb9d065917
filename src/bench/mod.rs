//! `kopilka bench`: the service under load, measured from outside, on a throw-away database.
//!
//! The service runs as a process of its own, so its memory is its own. What it is compared with (the database's
//! single commit, pgbench, a bare loop of prepared inserts) is measured in the same run, on the same machine.
#![allow(
    clippy::float_arithmetic,
    reason = "milliseconds, rates and ratios: no money here"
)]

mod bare;
mod baseline;
mod folder;
mod load;
mod report;
mod round_trips;
mod service;
mod shop;
mod tills;

use std::path::PathBuf;
use std::time::Duration;

use crate::ledger::verify::verify;
use crate::storage::{Store, StoreOptions, books, measure};

use baseline::Pgbench;
use folder::Folder;
use load::{Load, Measured};
pub(crate) use report::Report;
use report::{DatabaseReport, Receipts};
use round_trips::Counter;
use service::Service;
use shop::{Shop, Work};
use tills::TillCall;

/// Why a bench ended early.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How many requests are in flight while receipts are measured, unless told otherwise.
pub(crate) const RECEIPTS_IN_FLIGHT: [usize; 4] = [1, 8, 64, 256];
/// The same for what only reads.
const READS_IN_FLIGHT: [usize; 2] = [8, 64];
/// The same for messages of tills.
const MESSAGES_IN_FLIGHT: usize = 50;

/// What to measure.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// An empty PostgreSQL database; without it only SQLite is measured.
    pub(crate) postgres: Option<String>,
    /// A command that runs pgbench: before and after each measurement of receipts on PostgreSQL.
    pub(crate) pgbench: Option<String>,
    /// How many customers there are.
    pub(crate) customers: usize,
    /// How many requests are in flight while receipts are measured: a measurement for each.
    pub(crate) in_flight: Vec<usize>,
    /// Whether SQLite is measured.
    pub(crate) sqlite: bool,
    /// Messages of every kind of till instead of REST.
    pub(crate) tills: bool,
    /// How long each measurement takes.
    pub(crate) time: Duration,
    /// How long the service is under load before a measurement begins.
    pub(crate) warm_up: Duration,
}

/// Measures everything in the plan. What is being done goes to `say`.
pub(crate) fn run(plan: &Plan, say: &dyn Fn(&str)) -> Result<Report, Failure> {
    let folder = Folder::new()?;
    let mut report = Report::default();
    if plan.tills {
        report.long_receipts = tills::long_receipts()?;
    }
    if let Some(url) = &plan.postgres {
        let bench = Bench::new("postgres", url.clone(), plan, &folder, say)?;
        report.databases.push(bench.run()?);
    }
    if !plan.sqlite {
        return Ok(report);
    }
    let file = folder.file("bench.db");
    let url = format!("sqlite:{}", file.display());
    let bench = Bench::new("sqlite", url, plan, &folder, say)?;
    report.databases.push(bench.run()?);
    Ok(report)
}

/// The bench on one database.
struct Bench<'a> {
    name: &'static str,
    url: String,
    store: Store,
    shop: Shop,
    plan: &'a Plan,
    log: PathBuf,
    say: &'a dyn Fn(&str),
}

impl<'a> Bench<'a> {
    /// Makes the shop that is measured. Refuses a database in which somebody has something already.
    fn new(
        name: &'static str,
        url: String,
        plan: &'a Plan,
        folder: &Folder,
        say: &'a dyn Fn(&str),
    ) -> Result<Self, Failure> {
        let store = Store::open(&StoreOptions::new(url.as_str()))?;
        store.migrate()?;
        if !books::all_networks(&mut *store.connection()?)?.is_empty() {
            return Err("the database of a bench must be empty: it is filled with invented customers".into());
        }
        say(&format!("{name}: loading {} customers…", plan.customers));
        let shop = Shop::load(&store, plan.customers)?;
        // A network that has sold before: a planner that knows only empty tables plans for empty tables.
        bare::write(&store, &shop, plan.customers / 20, baseline::TOGETHER)?;
        measure::settle(&mut *store.connection()?)?;
        Ok(Bench {
            name,
            url,
            store,
            shop,
            plan,
            log: folder.file(&format!("{name}.log")),
            say,
        })
    }

    fn run(self) -> Result<DatabaseReport, Failure> {
        let mut report = DatabaseReport {
            name: self.name,
            ..DatabaseReport::default()
        };
        if self.plan.tills {
            return self.run_tills(report);
        }
        self.say("its own single commit…");
        let half = self.plan.time / 2;
        report.single_commit = Measured::of(1, half, baseline::single_commits(&self.store, half)?);

        let raw = self.raw_loop()?;
        let mut service = Service::start(&self.url, &self.log)?;
        report.ready = service.ready;
        self.measure_receipts(&service, &mut report)?;
        self.measure_reads(&service, &mut report)?;
        report.memory = service.memory()?;
        service.stop()?;
        report.raw_loop = raw
            .zip(self.raw_loop()?)
            .map(|(before, after)| before.mean(&after));
        if !self.store.is_sqlite() {
            report.round_trips = self.count_round_trips()?;
        }

        self.say("verifying the books…");
        report.verified = verify(&self.store)?;
        Ok(report)
    }

    /// What tills ask and tell, each kind in its own dialect.
    fn run_tills(self, mut report: DatabaseReport) -> Result<DatabaseReport, Failure> {
        let mut service = Service::start(&self.url, &self.log)?;
        report.ready = service.ready;
        for call in TillCall::all() {
            let (dialect, what) = (call.dialect.name(), call.call.name());
            self.say(&format!("{dialect} {what}, {MESSAGES_IN_FLIGHT} in flight…"));
            let measured = self
                .load(MESSAGES_IN_FLIGHT, Work::Till(call))
                .run(service.address)?;
            report.tills.push((call, measured));
        }
        report.memory = service.memory()?;
        service.stop()?;
        self.say("verifying the books…");
        report.verified = verify(&self.store)?;
        Ok(report)
    }

    fn say(&self, what: &str) {
        (self.say)(&format!("{}: {what}", self.name));
    }

    /// The bare loop, on SQLite: while no service has the database open.
    fn raw_loop(&self) -> Result<Option<baseline::RawLoop>, Failure> {
        if !self.store.is_sqlite() {
            return Ok(None);
        }
        self.say("the bare loop of prepared inserts…");
        Ok(Some(baseline::raw_loop(&self.store, &self.shop, self.plan.time)?))
    }

    fn load(&self, in_flight: usize, work: Work) -> Load<'_> {
        Load {
            shop: &self.shop,
            work,
            in_flight,
            warm_up: self.plan.warm_up,
            time: self.plan.time,
        }
    }

    fn measure_receipts(&self, service: &Service, report: &mut DatabaseReport) -> Result<(), Failure> {
        let pgbench = match &self.plan.pgbench {
            Some(command) if !self.store.is_sqlite() => Some(Pgbench::new(command)),
            _ => None,
        };
        let baseline = || pgbench.as_ref().map(Pgbench::run).transpose();
        let mut before = baseline()?;
        for &in_flight in &self.plan.in_flight {
            self.say(&format!("receipts, {in_flight} in flight…"));
            let busy = service.processor_time()?;
            let measured = self.load(in_flight, Work::Receipt).run(service.address)?;
            let busy = service.processor_time()?.saturating_sub(busy);
            let after = baseline()?;
            report.receipts.push(Receipts {
                measured,
                busy,
                pgbench: before.zip(after).map(|(before, after)| (before + after) / 2.0),
            });
            before = after;
        }
        Ok(())
    }

    fn measure_reads(&self, service: &Service, report: &mut DatabaseReport) -> Result<(), Failure> {
        for in_flight in READS_IN_FLIGHT {
            self.say(&format!("identify and quote, {in_flight} in flight…"));
            let identify = self.load(in_flight, Work::Identify).run(service.address)?;
            report.identify.push(identify);
            let quote = self.load(in_flight, Work::Quote).run(service.address)?;
            report.quote.push(quote);
        }
        Ok(())
    }

    /// One till, and somebody who counts between the service and the database.
    fn count_round_trips(&self) -> Result<Option<f64>, Failure> {
        let Some(counter) = Counter::before(&self.url)? else {
            return Ok(None);
        };
        self.say("round trips per receipt…");
        let mut service = Service::start(counter.url(), &self.log)?;
        // The first receipts prepare statements and read the terms.
        let mut load = self.load(1, Work::Receipt);
        load.warm_up = Duration::from_millis(500);
        load.time = Duration::ZERO;
        load.run(service.address)?;
        let receipts = 200;
        let before = counter.count();
        load.ask(service.address, receipts)?;
        let count = counter.count() - before;
        service.stop()?;
        Ok(Some(report::per(count, receipts)))
    }
}
