//! The inbox from the command line, beside a service that runs.

use std::process::{Command, Output};

use serde_json::json;

use crate::api::client::Service;
use crate::databases::{Database, each};
use crate::pos::{Till, fixture};

fn inbox(database: &Database, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kopilka"))
        .env("KOPILKA__DATABASE__URL", &database.url)
        .arg("inbox")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_came_is_listed_in_the_venues_time_and_a_person_may_be_done_with_it() {
    each(|database| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let till = runtime.block_on(async {
            let till = Till::new(&Service::on(database.store.clone()), "rkeeper", json!({})).await;
            let broken = fixture("rkeeper/fixtures/broken-message.xml");
            till.send("POST", "transactionsex.php", broken).await;
            till
        });
        let output = inbox(database, &["list", "--outcome", "wating"]);
        let told = text(output.stderr);
        assert!(
            !output.status.success() && told.contains("unreadable, ignored"),
            "{told}"
        );

        let list = text(inbox(database, &["list", "--outcome", "waiting"]).stdout);
        let mut lines = list.lines();
        assert!(lines.next().unwrap().starts_with("id  "), "{list}");
        let line = lines.next().unwrap();
        let page = runtime.block_on(till.owner.get("/api/v1/messages")).expect(200);
        let kept = &page["items"][0];
        let detail: String = kept["detail"].as_str().unwrap().chars().take(30).collect();
        let connections = runtime
            .block_on(till.owner.get("/api/v1/connections"))
            .expect(200);
        let name = connections["items"][0]["name"].as_str().unwrap();
        for words in [
            kept["id"].as_str().unwrap(),
            "+03:00",
            name,
            "unreadable",
            &detail,
        ] {
            assert!(line.contains(words), "{words}: {line}");
        }

        let id = kept["id"].as_str().unwrap();
        assert!(
            !inbox(database, &["dismiss", id]).status.success(),
            "a note is asked for"
        );
        let shown = text(inbox(database, &["show", id]).stdout);
        assert!(shown.lines().nth(1).unwrap().ends_with("+03:00"), "{shown}");
        let output = inbox(database, &["replay", id]);
        let told = text(output.stdout);
        assert!(
            !output.status.success() && told.starts_with(&format!("{id}  unreadable")),
            "{told}"
        );
        assert!(told.contains(&detail) && !told.contains("<?xml"), "{told}");
        let day = |day: &str| {
            text(inbox(database, &["list", "--since", day]).stdout)
                .lines()
                .count()
        };
        assert_eq!((day("2020-01-01"), day("2999-01-01")), (2, 1));
        let output = inbox(database, &["dismiss", id, "--note", "проба"]);
        let told = text(output.stdout);
        assert!(told.contains("unreadable, dismissed"), "{told}");
        let list = text(inbox(database, &["list", "--outcome", "waiting"]).stdout);
        assert_eq!(list.lines().count(), 1, "{list}");
        let output = inbox(database, &["replay", "--waiting"]);
        assert!(output.status.success(), "{}", text(output.stderr));
    });
}
