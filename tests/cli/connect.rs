//! A till is connected from the command line, beside a service that runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::api::client::Service;
use crate::databases::{Database, each};
use crate::pos::{Till, fixture};

fn command(database: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kopilka"));
    command
        .env("KOPILKA__DATABASE__URL", &database.url)
        .arg("connect")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn connect(database: &Database, arguments: &[&str]) -> Child {
    command(database, arguments).spawn().unwrap()
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
        assert!(guide.contains("чек посчитается не один раз"), "{guide}");

        let send = |file: &str| {
            let path = format!("/pos/rkeeper/{token}/transactionsex.php");
            let body = fixture(file);
            runtime.block_on(async { service.anybody().post_bytes(&path, body).await });
        };
        send("rkeeper/fixtures/broken-message.xml");
        let told = read_until(&mut lines, "inbox show");
        assert!(
            told.contains("Связь с сервисом есть") && told.contains("unreadable"),
            "{told}"
        );
        send("rkeeper/fixtures/sale-with-redemption.xml");
        let told = read_until(&mut lines, "Чек ");
        assert!(
            told.contains("posted") && told.contains("списано 500,00"),
            "{told}"
        );
        read_until(&mut lines, "Гость: Анна К.");
        assert!(child.wait().unwrap().success());
        till.assert_books();

        // Once more: the venue has it already.
        let address = ["rkeeper", "--address", "https://bonus.example/", "--wait", "0"];
        let output = connect(database, &address).wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains("Зал"), "{told}");
        // The till works: its token is not taken by oversight.
        let again = [&address[..], &["--again"]].concat();
        let output = connect(database, &again).wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.contains("«Зал» работает"),
            "{told}"
        );
        assert!(told.contains("--yes"), "{told}");
        let known = runtime.block_on(async {
            let path = format!("/pos/rkeeper/{token}/licenseinfo.php");
            service.anybody().get(&path).await
        });
        assert_eq!(known.status.as_u16(), 200, "its token works on");
        let again = connect(database, &[&again[..], &["--yes", "--language", "en"]].concat());
        let output = again.wait_with_output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && told.contains(door), "{told}");
        assert!(!told.contains(&token), "{told}");
        let connections = runtime
            .block_on(till.owner.get("/api/v1/connections"))
            .expect(200);
        let connections = connections["items"].as_array().unwrap();
        assert_eq!(connections.len(), 2);
        assert_eq!(connections[1]["language"], "en", "for the cashier too");
    });
}

#[test]
fn what_is_turned_away_or_let_go_is_told_as_that() {
    each(|database| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let service = Service::on(database.store.clone());
        let (till, guest) = runtime.block_on(async {
            let till = Till::new(&service, "iiko", json!({"webhook_token": "the-right-one"})).await;
            let guest = till.customer("9000000017", "+79215550101", "1500.00").await;
            (till, guest)
        });
        let address = ["--address", "http://127.0.0.1:1", "--wait", "1", "--yes"];
        let mut child = connect(database, &[&["iiko", "--again"], &address[..]].concat());
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let guide = read_until(&mut lines, "Жду первого сообщения");
        let (_, rest) = guide.split_once("/pos/iiko/").unwrap();
        let token = rest.split(['/', '\n']).next().unwrap().to_owned();
        for address in ["/v1\n", "/webhook\n"] {
            assert!(guide.contains(&format!("{token}{address}")), "{guide}");
        }
        let send = |path: &str, body: String| {
            let door = format!("/pos/iiko/{token}/{path}");
            runtime.block_on(async { service.anybody().post_bytes(&door, body).await })
        };
        send("webhook", "[]".to_owned());
        let told = read_until(&mut lines, "--although-unauthorized");
        assert!(
            told.contains("unauthorized: ") && told.contains("Не принято"),
            "{told}"
        );
        assert!(
            !told.contains("Связь с сервисом есть"),
            "it was not let in: {told}"
        );

        // Bonuses are set aside by the plugin, and let go.
        let message = |file: &str| -> serde_json::Value {
            serde_json::from_str(&fixture(&format!("iiko/fixtures/plugin/{file}.request.json"))).unwrap()
        };
        let mut reserve = message("reserve.payment");
        reserve["memberId"] = json!(guest);
        let held = send("v1/reserve", reserve.to_string());
        assert_eq!(held.status.as_u16(), 200, "{held:?}");
        let told = read_until(&mut lines, "отложено");
        assert!(
            told.contains("Связь с сервисом есть") && told.contains(": отложено бонусов 259,50"),
            "{told}"
        );
        service
            .clock
            .move_to(service.clock_now() + chrono::Duration::seconds(1));
        let mut cancel = message("cancel.unknown");
        cancel["transactionId"] = reserve["transactionId"].clone();
        let cancelled = send("v1/cancel", cancel.to_string());
        assert_eq!(cancelled.status.as_u16(), 200, "{cancelled:?}");
        let told = read_until(&mut lines, "отложено");
        assert!(
            told.contains("больше не отложено") && told.contains("+03:00"),
            "{told}"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        till.assert_books();
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
        assert!(text.contains("сети ещё нет"), "{text}");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            Till::new(&Service::on(database.store.clone()), "onec", json!({})).await;
        });
        for (more, ru, en) in [
            (
                ["--venue", "nowhere"],
                "нет заведения nowhere; есть: Ресторан (r, ven_",
                "there is no venue nowhere; there are: ",
            ),
            (
                ["--settings", "{"],
                "--settings — не JSON",
                "--settings is no JSON",
            ),
            (["--settings", r#"{"colour": 1}"#], "colour", "colour"),
            (
                ["--again", "--yes"],
                "у заведения Ресторан нет подключения iiko",
                "has no connection of iiko",
            ),
        ] {
            for (language, words) in [("ru", ru), ("en", en)] {
                let text = said(&[&kind[..], &more[..], &["--language", language]].concat());
                assert!(text.contains(words), "{text}");
            }
        }
        let text = said(&["iiko", "--address", "bonus.example"]);
        assert!(text.contains("например https://bonus.example"), "{text}");
        let text = said(&["--address", "https://bonus.example"]);
        assert!(text.contains("назовите в командной строке: [KIND]"), "{text}");
    });
}

#[test]
fn a_slip_is_asked_about_again_and_a_venue_is_known_by_its_name() {
    each(|database| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let till = runtime.block_on(async {
            let till = Till::new(&Service::on(database.store.clone()), "onec", json!({})).await;
            let other = json!({"name": "Невский", "time_zone": "Europe/Moscow"});
            till.owner.post("/api/v1/venues", other).await.expect(201);
            till
        });
        let typed = |arguments: &[&str], lines: &str| {
            let mut command = command(database, arguments);
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.success(), text(output.stdout), text(output.stderr))
        };
        let lines = "9\n\n1\nbonus.example\nнет\nbonus.example\nда\n";
        let (done, told, failed) = typed(&["--venue", "невский", "--wait", "0"], lines);
        assert!(done, "{told}{failed}");
        for words in [
            "9 — нет такого: введите номер от 1 до",
            "Взять https://bonus.example? (да/нет)",
            "базовый бонус 0 %",
            "https://bonus.example/pos/rkeeper/kop_till_",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        // The command that it names for another token does what it says.
        let (_, again) = told.split_once("Новый: kopilka connect ").unwrap();
        let again: Vec<&str> = again.lines().next().unwrap().split_whitespace().collect();
        let (done, told, failed) = typed(&[&again[..], &["--wait", "0"]].concat(), "");
        assert!(
            done && told.contains("Прежний токен больше не действует"),
            "{told}{failed}"
        );
        // Of two, one has to be named.
        let another = [
            "1c",
            "--venue",
            "r",
            "--another",
            "--address",
            "https://bonus.example",
            "--wait",
            "0",
        ];
        assert!(typed(&another, "").0);
        let several = [
            "onec",
            "--venue",
            "r",
            "--again",
            "--address",
            "https://bonus.example",
        ];
        let (done, _, failed) = typed(&several, "");
        assert!(!done && failed.contains("--again --connection ID"), "{failed}");
        let of_another_kind = ["iiko", "--again", "--connection", again[3]];
        let (done, _, failed) = typed(&of_another_kind, "");
        assert!(
            !done && failed.contains("нет работающего подключения iiko con_"),
            "{failed}"
        );
        till.assert_books();
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
