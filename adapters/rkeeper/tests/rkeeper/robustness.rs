//! No bytes make the adapter panic.

use std::collections::BTreeSet;

use kopilka_contract::{Adapter, Words};
use kopilka_rkeeper::RKeeper;

use crate::ledger::refusal;
use crate::wire::{
    CARD_INFO, FIND_EMAIL, NOT_UNDERSTOOD, TRANSACTIONS, UNDERSTOOD, fixture, fixture_text, message,
    settings, text, unread,
};

/// Reads a message and answers it, whatever it is. Every answer is XML with status 200.
fn survives(path: &str, body: &[u8]) {
    let message = message(path, body);
    match RKeeper.read(&message, &settings()) {
        Ok(dialogue) => {
            dialogue.remarks();
            let told: Vec<_> = dialogue.asks().iter().map(|_| Err(refusal("busy"))).collect();
            text(&dialogue.reply(&told));
        }
        Err(unreadable) => {
            assert!(!unreadable.reason.ru.is_empty());
            text(&unreadable.reply);
        }
    }
}

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    UNDERSTOOD.into_iter().chain(NOT_UNDERSTOOD)
}

/// Messages that differ in more than a few values.
const DIFFERENT: [(&str, &str); 5] = [
    ("card-read", CARD_INFO),
    ("find-phone", FIND_EMAIL),
    ("sale-with-redemption", TRANSACTIONS),
    ("rollback", TRANSACTIONS),
    ("sale-without-receipt-xml", TRANSACTIONS),
];

#[test]
fn a_message_cut_at_any_byte_is_answered() {
    for (name, path) in all() {
        let body = fixture(name);
        for end in 0..body.len() {
            survives(path, &body[..end]);
        }
    }
}

#[test]
fn a_message_with_any_byte_changed_is_answered() {
    for (name, path) in DIFFERENT {
        let body = fixture(name);
        for (index, change) in (0..body.len()).zip([0x01, 0x20, 0x80, 0x0f, 0xff].into_iter().cycle()) {
            let mut changed = body.clone();
            changed[index] ^= change;
            survives(path, &changed);
        }
    }
}

#[test]
fn extreme_values_are_answered() {
    let values = [
        "-1",
        "0",
        "9223372036854775807",
        "-9223372036854775808",
        "99999999999999999999",
        "1e40",
        "1e-40",
        "1e2147483647",
        "1e-2147483648",
        "1e99999999999",
        ".",
        "",
        "NaN",
        "0.00000000000000000000000000001",
        "+262142-12-31T23:59:59",
        "-262143-01-01T00:00:00",
        "9999-12-31T23:59:59",
        "2026-13-41T99:99:99",
        "4294967295",
        "&#1;&#x10FFFF;",
        "💥",
    ];
    for (name, path) in DIFFERENT {
        let body = fixture_text(name);
        let attributes: BTreeSet<&str> = body
            .split(['<', '>', ' ', '/'])
            .filter_map(|word| word.split_once('=').map(|(attribute, _)| attribute))
            .collect();
        for attribute in attributes {
            let start = format!(" {attribute}=\"");
            let Some((before, rest)) = body.split_once(&start) else {
                continue;
            };
            let Some((_, after)) = rest.split_once('"') else {
                continue;
            };
            for value in values {
                survives(path, format!("{before}{start}{value}\"{after}").as_bytes());
            }
        }
    }
}

#[test]
fn nests_crowds_and_doubles_are_refused() {
    let nest = "<a>".repeat(100_000);
    let crowd = format!("<ROOT>{}</ROOT>", "<a/>".repeat(60_000));
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=\"\"")).collect();
    for (body, reason) in [
        (nest, "deeper"),
        (crowd, "more than 50000"),
        (format!("<ROOT{attributes}/>"), "attributes"),
        ("<ROOT><QRY Card=\"1\" card=\"2\"/></ROOT>".to_owned(), "twice"),
        ("<ROOT/><ROOT/>".to_owned(), "outside"),
        ("<ROOT/>and more".to_owned(), "outside"),
        ("<ROOT>&secret;</ROOT>".to_owned(), "secret"),
        ("<ROOT><QRY></ROOT></QRY>".to_owned(), "well-formed"),
        ("<ROOT><QRY Card=\"0\"/></ROOT>".to_owned(), "QRY@Card"),
        ("<SOAP/>".to_owned(), "ROOT"),
        (" ".to_owned(), "empty"),
    ] {
        let unreadable = unread(CARD_INFO, body.as_bytes());
        assert!(
            unreadable.reason.en.contains(reason),
            "{reason}: {}",
            unreadable.reason.en
        );
    }
}

#[test]
fn other_encodings_are_refused_by_name() {
    let declared = fixture_text("card-read").replace("UTF-8", "koi8-r");
    assert!(
        unread(CARD_INFO, declared.as_bytes())
            .reason
            .en
            .contains("koi8-r")
    );
    assert!(unread(CARD_INFO, b"\xFF\xFE<\0R\0").reason.en.contains("UTF-16"));
    let body = fixture("card-read");
    let mut by_header = message(CARD_INFO, &body);
    by_header.content_type = Some("text/xml; charset=\"windows-1251\"");
    let unreadable = RKeeper.read(&by_header, &settings()).err().unwrap();
    assert!(unreadable.reason.en.contains("windows-1251"));
    by_header.content_type = None;
    assert!(RKeeper.read(&by_header, &settings()).is_ok());
}

#[test]
fn a_failure_is_told_whatever_the_message_was() {
    for (name, path) in all() {
        text(&RKeeper.failure(&message(path, &fixture(name)), &Words::new("а", "a"), &settings()));
    }
    text(&RKeeper.failure(&message(TRANSACTIONS, b"\0"), &Words::default(), &settings()));
}

/// A receipt as large as they come: 92 lines, 60 KB.
fn large_receipt() -> String {
    let lines: String = (1..=92)
        .map(|n| {
            format!(
                "<LINE id=\"{{A1B2C3D4-0000-4A4A-9B9B-{n:012}}}\" code=\"{n}\" name=\"Блюдо «{n}» с длинным именем\" \
                 uni=\"{n}\" type=\"dish\" price=\"33.3\" pr_list_sum=\"33.3\" categ_id=\"\" servprint_id=\"\" \
                 quantity=\"1.005\" sum=\"33.466499999999996\"><LINETAXES count=\"1\"><TAX \
                 id=\"{{34694A49-F862-4D07-9ACD-5EECF76E1B6E}}\" sum=\"5.58\"/></LINETAXES><DISCOUNTS><DISCOUNTPART \
                 id=\"{{D15C0000-0005-4000-8000-000000000005}}\" disclineuni=\"17\" sum=\"-1.76\"/></DISCOUNTS>\
                 <LINEPAYMENTS><LINEPAYMENT id=\"{{D7D5E50D-7246-4A71-939F-9B37AA300ACF}}\" \
                 sum=\"33.466499999999996\"/></LINEPAYMENTS></LINE>\n"
            )
        })
        .collect();
    let sale = fixture_text("sale");
    let (before, rest) = sale.split_once("<CHECKLINES count=\"3\">").unwrap();
    let (_, after) = rest.split_once("</CHECKLINES>").unwrap();
    format!("{before}<CHECKLINES count=\"92\">{lines}</CHECKLINES>{after}")
}

#[test]
fn the_largest_receipts_are_read_and_at_once() {
    let body = large_receipt();
    assert!(body.len() >= 50_000, "{}", body.len());
    let message = message(TRANSACTIONS, body.as_bytes());
    assert_eq!(RKeeper.read(&message, &settings()).unwrap().asks().len(), 1);
    // An optimised build needs a fraction of a millisecond; five are for a machine that does other things as well.
    if !cfg!(debug_assertions) {
        let fastest = (0..20)
            .map(|_| {
                let start = std::time::Instant::now();
                assert!(RKeeper.read(&message, &settings()).is_ok());
                start.elapsed()
            })
            .min();
        assert!(fastest < Some(std::time::Duration::from_millis(5)), "{fastest:?}");
    }
}
