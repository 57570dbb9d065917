//! Each fixture against what is expected of it, byte for byte. `KOPILKA_WRITE_GOLDEN=1` writes what is found instead; the
//! difference is for a person to judge.

use std::fs;

use crate::fixtures::{all_fixtures, file, read, refusal, told_in_full};

#[test]
fn every_fixture_asks_and_answers_as_expected() {
    let write = std::env::var("KOPILKA_WRITE_GOLDEN").is_ok();
    let fixtures = all_fixtures();
    assert!(fixtures.len() >= 14, "{}", fixtures.len());
    let mut wrong = Vec::new();
    for fixture in fixtures {
        let read = read(&fixture.path, &fixture.body, &fixture.settings);
        // A ledger that refuses everything: what it agrees to is tested through the door.
        let reply = match &read {
            Ok(dialogue) => {
                dialogue.reply(&dialogue.asks().iter().map(|_| Err(refusal())).collect::<Vec<_>>())
            }
            Err(unreadable) => unreadable.reply.clone(),
        };
        let answer = format!("{} {}\n", reply.status, String::from_utf8_lossy(&reply.body));
        for (kind, found) in [("asks", told_in_full(&read)), ("answer", answer)] {
            let name = format!("{}.{kind}.txt", fixture.name);
            if write {
                fs::write(file(&name), &found).unwrap();
            } else if fs::read_to_string(file(&name)).ok().as_ref() != Some(&found) {
                wrong.push(format!("{name}:\n{found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
