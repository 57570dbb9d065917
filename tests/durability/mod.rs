//! kill -9: whatever was acknowledged is there once, nothing is there twice, and the books balance.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use kopilka::api::secrets::hash_of;
use kopilka::domain::rate::Percent;
use kopilka::domain::settings::{NetworkSettings, VenueSettings};
use kopilka::ledger::verify::verify;
use kopilka::storage::Store;
use kopilka::storage::schema::{api_keys, receipts};

use crate::databases::{self, Database};
use crate::seed::{Seed, long_ago};

const KEY: &str = "kop_live_durability_test_key_0000000000000000000";
const KILLS: u32 = 20;
const GUESTS: u32 = 8;

pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub fn serve(url: &str, address: SocketAddr) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .arg("serve")
        .env("KOPILKA__DATABASE__URL", url)
        .env("KOPILKA__LISTEN", address.to_string())
        .env("KOPILKA__LOG__LEVEL", "error")
        .env("KOPILKA__LIMITS__REQUESTS_PER_MINUTE_PER_KEY", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "the service does not come up"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Closes a receipt; the status, or `None` where no answer came.
fn close(address: SocketAddr, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!(
        "POST /api/v1/receipts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    // A torn answer is no answer: the body must be whole.
    answer.ends_with('}').then_some(())?;
    answer.split(' ').nth(1)?.parse().ok()
}

fn receipt(number: u32) -> String {
    let redeem = if number.is_multiple_of(2) { "1.00" } else { "0.00" };
    format!(
        r#"{{"external_id":"d{number}","venue_id":"v","closed_at":"2026-11-22T10:00:00+03:00","redeem":"{redeem}",
        "customer":{{"card":"{}"}},"lines":[{{"name":"Чай","amount":"50.00"}},{{"name":"Суп","amount":"70.00"}}]}}"#,
        number % GUESTS
    )
}

fn seed(store: &Store) {
    let seed = Seed::network(store, &NetworkSettings::default());
    seed.venue(
        "v",
        chrono_tz::Europe::Moscow,
        "10".parse::<Percent>().unwrap(),
        &VenueSettings::default(),
    );
    for card in 0..GUESTS {
        seed.customer(&card.to_string(), None);
    }
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::network_id.eq(seed.network.0),
            api_keys::id.eq(seed.next_id()),
            api_keys::name.eq("test"),
            api_keys::prefix.eq("kop_live_dur"),
            api_keys::secret_hash.eq(hash_of(KEY).to_vec()),
            api_keys::scopes.eq(r#"["till"]"#),
            api_keys::test.eq(false),
            api_keys::created_at.eq(long_ago()),
        ))
        .execute(&mut store.connection().unwrap())
        .unwrap();
}

fn run(database: &Database) {
    seed(&database.store);
    let address = free_address();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let (number, stop) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicBool::new(false)));
    let mut child = serve(&database.url, address);
    let tills: Vec<_> = (0..4)
        .map(|_| {
            let (acknowledged, number, stop) =
                (Arc::clone(&acknowledged), Arc::clone(&number), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let mine = number.fetch_add(1, Ordering::Relaxed);
                    // A till repeats until it is answered, as tills do.
                    loop {
                        match close(address, &receipt(mine)) {
                            Some(200 | 201) => break acknowledged.lock().unwrap().push(mine),
                            // Nothing to redeem yet, or busy: this one is given up.
                            Some(_) => break,
                            None if stop.load(Ordering::Relaxed) => break,
                            None => std::thread::sleep(Duration::from_millis(5)),
                        }
                    }
                }
            })
        })
        .collect();
    let mut chance = 12_345_u64;
    for kill in 0..KILLS {
        // Mostly in the middle of work, however long the machine takes to begin it; now and then while it starts.
        let before = acknowledged.lock().unwrap().len();
        let patience = Instant::now() + Duration::from_secs(10);
        while kill % 4 != 0 && acknowledged.lock().unwrap().len() == before && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(50 + (chance >> 33) % 300));
        child.kill().unwrap();
        child.wait().unwrap();
        child = serve(&database.url, address);
    }
    stop.store(true, Ordering::Relaxed);
    for till in tills {
        till.join().unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let stored: Vec<String> = receipts::table
        .select(receipts::external_id)
        .load(&mut database.store.connection().unwrap())
        .unwrap();
    let distinct: HashSet<&String> = stored.iter().collect();
    assert_eq!(distinct.len(), stored.len(), "a receipt is there twice");
    let acknowledged = acknowledged.lock().unwrap();
    assert!(
        acknowledged.len() > 40,
        "only {} receipts were acknowledged",
        acknowledged.len()
    );
    for mine in acknowledged.iter() {
        assert!(
            distinct.contains(&format!("d{mine}")),
            "receipt d{mine} was acknowledged and is gone"
        );
    }
    let report = verify(&database.store).unwrap();
    assert!(report.is_clean(), "{report}");
    println!(
        "{} receipts acknowledged through {KILLS} kills on {}",
        acknowledged.len(),
        database.name
    );
}

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    databases::each(run);
}
