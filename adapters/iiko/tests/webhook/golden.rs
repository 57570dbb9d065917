//! Every fixture against its golden files, byte for byte. `KOPILKA_WRITE_GOLDEN=1` writes them anew.

use std::fs;

use crate::fixtures::{agree, all_fixtures, path, read, told_in_full};

#[test]
fn every_fixture_asks_and_answers_what_its_golden_files_say() {
    let write = std::env::var_os("KOPILKA_WRITE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for fixture in all_fixtures() {
        let read = read(&fixture.body, &fixture.settings);
        let reply = match &read {
            Ok(dialogue) => {
                let told: Vec<_> = dialogue.asks().iter().map(agree).collect();
                dialogue.reply(&told)
            }
            Err(unreadable) => unreadable.reply.clone(),
        };
        assert_eq!(
            (reply.status, reply.content_type),
            (200, "application/json"),
            "{}",
            fixture.name
        );

        let asks = told_in_full(&read).into_bytes();
        for (kind, found) in [("asks", &asks), ("answer", &reply.body)] {
            let file = format!("{}.{kind}.json", fixture.name);
            if write {
                fs::write(path(&file), found).unwrap();
            } else if fs::read(path(&file)).ok().as_ref() != Some(found) {
                wrong.push(format!("{file}:\n{}", String::from_utf8_lossy(found)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
