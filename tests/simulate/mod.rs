//! Every till system's day, played against the service as a process of its own, with all that can go wrong.

use std::net::SocketAddr;
use std::process::Child;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use kopilka::clock::{Clock, SystemClock};
use kopilka::demo::credentials::LIVE_KEY;
use kopilka::demo::{Scale, load};
use kopilka::id_source::TimeOrderedIds;
use kopilka::ledger::verify::verify;
use kopilka::simulate::{self, Fault, Faults, Plan, Report};
use kopilka::storage::books::all_networks;
use kopilka::storage::till_connections;

use crate::databases::{self, Database};
use crate::durability::{free_address, serve};

const SMALL: Scale = Scale {
    customers: 40,
    strangers: 3,
    days: 4,
    receipts_per_day: 5,
};

/// The demo network, served.
struct Demo {
    url: String,
    address: SocketAddr,
    child: Child,
}

impl Demo {
    fn on(database: &Database) -> Self {
        let ids = Arc::new(TimeOrderedIds::new(1));
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(load(&database.store, ids, SMALL, SystemClock.now(), |_| ()))
            .unwrap();
        let address = free_address();
        Demo {
            url: database.url.clone(),
            address,
            child: serve(&database.url, address),
        }
    }

    /// Kills it, and starts it again.
    fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = serve(&self.url, self.address);
    }

    fn play(&mut self, kind: &str, faults: &str, seed: u64) -> Report {
        let plan = Plan {
            kind: kind.to_owned(),
            address: format!("http://{}", self.address),
            key: None,
            token: None,
            faults: faults.parse::<Faults>().unwrap(),
            receipts: 60,
            seed,
            now: SystemClock.now(),
        };
        let mut restart = || {
            self.restart();
            Ok(())
        };
        let report = simulate::run(&plan, Some(&mut restart)).unwrap();
        println!("{report}");
        report
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_day_for_which_a_key_is_needed_says_so() {
    databases::each(|database| {
        let address = free_address();
        let mut child = serve(&database.url, address);
        let plan = |key: Option<&str>| Plan {
            kind: "rkeeper".to_owned(),
            address: format!("http://{address}"),
            key: key.map(str::to_owned),
            token: None,
            faults: Faults::default(),
            receipts: 1,
            seed: 1,
            now: SystemClock.now(),
        };
        for (key, words) in [(None, "by --key"), (Some("kop_live_x"), "does not know this key")] {
            let told = simulate::run(&plan(key), None).unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

#[test]
fn a_day_of_every_till_system_comes_out_through_all_faults() {
    databases::each(|database| {
        let mut demo = Demo::on(database);
        for kind in simulate::kinds() {
            let report = demo.play(kind, "all", 7);
            assert!(report.is_clean(), "{} {report}", database.name);
            for fault in Fault::ALL {
                let never = match fault {
                    Fault::HalfReturns => !report.habits.half_returns,
                    // Only what can be asked for may be lost.
                    Fault::Losses => !report.habits.is_asked,
                    _ => false,
                };
                assert_eq!(report.struck.contains_key(&fault), !never, "{kind} {fault:?}");
            }
            let counts = &report.counts;
            assert!(counts.with_guest > 30 && counts.returns > 0, "{report}");
            assert!(counts.late_repeats > 0, "{report}");
            assert_eq!(counts.late_answers > 0, kind == "iiko", "{report}");
            assert_eq!(counts.redemptions > 5, report.habits.redeems, "{report}");
            let shared = counts.shared_redemptions > 0;
            assert_eq!(shared, report.habits.shares_redemptions, "{report}");
            let lowered = counts.lowered_redemptions > 0;
            assert_eq!(lowered, report.habits.lowers_redemptions, "{report}");
            assert_eq!(counts.rollbacks > 0, report.habits.rolls_back, "{report}");
            assert_eq!(
                counts.undone_returns > 0,
                report.habits.undoes_returns,
                "{report}"
            );
            assert_eq!(
                counts.corrected_returns > 0,
                report.habits.corrects_returns,
                "{report}"
            );
            let verified = verify(&database.store).unwrap();
            assert!(verified.is_clean(), "{} {kind}: {verified}", database.name);
        }
    });
}

#[test]
fn a_day_may_be_played_again_and_falls_the_same_way() {
    databases::each(|database| {
        let mut demo = Demo::on(database);
        for kind in simulate::kinds() {
            let first = demo.play(kind, "none", 3);
            let second = demo.play(kind, "none", 3);
            assert!(first.is_clean() && second.is_clean(), "{first}\n{second}");
            assert!(first.struck.is_empty());
            let alike = |report: &Report| {
                (
                    report.counts.with_guest,
                    report.counts.returns,
                    report.answered > 60,
                )
            };
            assert_eq!(alike(&first), alike(&second));
        }
    });
}

#[test]
fn books_that_are_not_right_are_found() {
    databases::each(|database| {
        let demo = Demo::on(database);
        let plan = Plan {
            kind: "rkeeper".to_owned(),
            address: format!("http://{}", demo.address),
            key: None,
            token: None,
            faults: "restarts".parse().unwrap(),
            receipts: 16,
            seed: 1,
            now: SystemClock.now(),
        };
        // Instead of starting the service anew somebody changes what it has booked.
        let mut meddle = || {
            let sql = "UPDATE receipts SET total = total + 100";
            database.store.connection()?.batch_execute(sql)?;
            Ok(())
        };
        let report = simulate::run(&plan, Some(&mut meddle)).unwrap();
        assert!(!report.is_clean());
        let wrong = report.differences.iter().filter(|d| d.contains("total is"));
        assert!(wrong.count() > 5, "{report}");
        assert!(report.to_string().contains("did NOT come out"));
    });
}

#[test]
fn with_a_key_alone_a_day_has_a_connection_of_its_own_that_is_off_afterwards() {
    databases::each(|database| {
        let demo = Demo::on(database);
        let plan = Plan {
            kind: "rkeeper".to_owned(),
            address: format!("http://{}", demo.address),
            key: Some(LIVE_KEY.to_owned()),
            token: None,
            faults: Faults::default(),
            receipts: 8,
            seed: 1,
            now: SystemClock.now(),
        };
        let report = simulate::run(&plan, None).unwrap();
        assert!(report.is_clean(), "{report}");
        let mut connection = database.store.connection().unwrap();
        let tenant = all_networks(&mut connection).unwrap().remove(0);
        let all = till_connections::list(&mut connection, tenant, None, None, 100).unwrap();
        let own: Vec<_> = all.iter().filter(|c| c.name.starts_with("Симулятор")).collect();
        assert_eq!((own.len(), own[0].active), (1, false));
        assert!(all.iter().any(|c| c.kind == "rkeeper" && c.active));
    });
}
