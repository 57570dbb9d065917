//! A till is connected from the command line, beside a service that runs.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::api::client::Service;
use crate::databases::{Database, each};
use crate::pos::{Till, fixture};

fn connect(database: &Database, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .env("KOPILKA__DATABASE__URL", &database.url)
        .arg("connect")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What it printed, up to a line that has the words.
fn read_until(lines: &mut impl BufRead, words: &str) -> String {
    let mut all = String::new();
    while !all.lines().last().is_some_and(|line| line.contains(words)) {
        assert!(
            lines.read_line(&mut all).unwrap() > 0,
            "{words} did not come: {all}"
        );
    }
    all
}

#[test]
fn a_till_is_connected_and_what_it_says_first_is_told() {
    each(|database| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let service = Service::on(database.store.clone());
        let till = runtime.block_on(async {
            let till = Till::new(&service, "onec", json!({})).await;
            till.customer("9000000017", "+79215550101", "1500.00").await;
            till
        });
        let address = ["--address", "https://bonus.example/", "--wait", "1"];
        let mut child = connect(database, &[&["rkeeper", "--name", "Зал"], &address[..]].concat());
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let guide = read_until(&mut lines, "Жду первого сообщения");
        let door = "Address = https://bonus.example/pos/rkeeper/kop_till_";
        let (_, rest) = guide.split_once(door).unwrap_or_else(|| panic!("{guide}"));
        let token = format!("kop_till_{}", rest.lines().next().unwrap());
        assert!(guide.contains("Pass ALL Receipts XML data"), "{guide}");
        // The venue has a till of 1C already.
        assert!(guide.contains("чек посчитается дважды"), "{guide}");

        let send = |file: &str| {
            let path = format!("/pos/rkeeper/{token}/transactionsex.php");
            let body = fixture(file);
            runtime.block_on(async { service.anybody().post_bytes(&path, body).await });
        };
        send("rkeeper/fixtures/broken-message.xml");
        let told = read_until(&mut lines, "inbox show");
        assert!(
            told.contains("Касса на связи") && told.contains("unreadable"),
            "{told}"
        );
        send("rkeeper/fixtures/sale-with-redemption.xml");
        let told = read_until(&mut lines, "Чек ");
        assert!(
            told.contains("posted") && told.contains("списано 500,00"),
            "{told}"
        );
        assert!(child.wait().unwrap().success());
        till.assert_books();

        // Once more: the venue has it already.
        let address = ["rkeeper", "--address", "https://bonus.example/", "--wait", "0"];
        let output = connect(database, &address).wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains("Зал"), "{told}");
        let again = connect(database, &[&address[..], &["--again"]].concat());
        let output = again.wait_with_output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && told.contains(door), "{told}");
        assert!(!told.contains(&token), "{told}");
        let connections = runtime
            .block_on(till.owner.get("/api/v1/connections"))
            .expect(200);
        assert_eq!(connections["items"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn what_cannot_be_connected_is_said() {
    each(|database| {
        let said = |arguments: &[&str]| {
            let mut child = connect(database, arguments);
            let mut text = String::new();
            child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
            assert!(!child.wait().unwrap().success());
            text
        };
        let kind = ["iiko", "--address", "https://bonus.example", "--wait", "0"];
        let text = said(&kind);
        assert!(text.contains("there is no network yet"), "{text}");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            Till::new(&Service::on(database.store.clone()), "onec", json!({})).await;
        });
        for (more, words) in [
            (["--venue", "nowhere"], "there is no venue nowhere"),
            (["--settings", "{"], "--settings is no JSON"),
            (["--settings", r#"{"colour": 1}"#], "colour"),
        ] {
            let text = said(&[&kind[..], &more[..]].concat());
            assert!(text.contains(words), "{text}");
        }
        let text = said(&["iiko", "--address", "bonus.example"]);
        assert!(text.contains("begins with https://"), "{text}");
        let text = said(&["--address", "https://bonus.example"]);
        assert!(text.contains("name it on the command line"), "{text}");
    });
}

#[test]
fn every_till_system_has_a_guide_that_says_the_address() {
    for adapter in kopilka::pos::ADAPTERS {
        let guide = adapter.guide("https://bonus.example/pos/x/token");
        let said = guide.iter().flat_map(|step| &step.entries);
        assert!(
            said.into_iter()
                .any(|entry| entry.value.ru.starts_with("https://bonus.example/pos/x/token")),
            "{}",
            adapter.kind()
        );
        for step in &guide {
            let words = step.entries.iter().flat_map(|e| [&e.field, &e.value]);
            for words in words.chain([&step.place]) {
                assert!(!words.ru.is_empty() && !words.en.is_empty(), "{step:?}");
            }
        }
    }
}
