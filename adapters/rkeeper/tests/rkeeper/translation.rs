//! What messages become.

use kopilka_contract::{Adapter, Ask, Close, CustomerRef, Money, Payer, Redemption};
use kopilka_rkeeper::RKeeper;
use serde_json::json;

use crate::ledger::money;
use crate::wire::{
    CARD_INFO, TRANSACTIONS, UNDERSTOOD, fixture, fixture_text, message, only_ask, read, read_with,
    same_as_golden, settings_with, unread,
};

fn close_of(text: &str) -> Close {
    match only_ask(&*read(TRANSACTIONS, text.as_bytes())) {
        Ask::Close(close) => close,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_message_becomes_the_asks_that_are_pinned_beside_it() {
    for (name, path) in UNDERSTOOD {
        let dialogue = read(path, &fixture(name));
        let pinned = format!("{:#?}\nremarks: {:#?}\n", dialogue.asks(), dialogue.remarks());
        same_as_golden(&format!("{name}.asks.txt"), pinned.as_bytes());
    }
}

#[test]
fn a_repeat_is_the_same_sale_but_for_its_time_and_version() {
    let first = close_of(&fixture_text("sale-with-redemption"));
    let mut repeat = close_of(&fixture_text("sale-with-redemption-repeat"));
    assert!(repeat.receipt.version > first.receipt.version);
    repeat.receipt.version = first.receipt.version;
    repeat.receipt.closed_at = first.receipt.closed_at;
    assert_eq!(repeat, first);
}

#[test]
fn names_of_elements_and_attributes_may_be_in_any_case() {
    let sale = fixture_text("sale");
    let other_case = sale
        .replace("INPBUF", "InpBuf")
        .replace("<ROOT", "<Root")
        .replace("</ROOT", "</Root")
        .replace("checkguid=", "CheckGuid=")
        .replace("LINE ", "Line ")
        .replace("</LINE>", "</Line>");
    assert_ne!(other_case, sale);
    assert_eq!(close_of(&other_case), close_of(&sale));
}

#[test]
fn a_byte_order_mark_a_bridges_prefix_and_zero_bytes_are_forgiven() {
    let sale = fixture_text("sale");
    for forgiven in [
        format!("\u{feff}{sale}"),
        format!("Buf:\r\n{sale}"),
        format!("{sale}\0\0"),
    ] {
        assert_eq!(close_of(&forgiven), close_of(&sale));
    }
}

#[test]
fn paths_are_found_in_any_case_with_and_without_php() {
    let body = fixture("card-read");
    for path in [
        "getcardinfoex",
        "GetCardInfoEx.PHP",
        "some/GETCARDINFOEX.php",
        "getcardinfoex/",
    ] {
        assert_eq!(read(path, &body).asks().len(), 2, "{path}");
    }
    let values = json!({"paths": {"get_card_info_ex": "card.php"}});
    assert_eq!(read_with("Card", &body, values).asks().len(), 2);
    for path in ["", "getcard", "getcardinfoexx"] {
        assert!(unread(path, &body).reason.contains("has the path"), "{path}");
    }
}

#[test]
fn settings_are_checked_and_unknown_ones_refused() {
    let check = |values| RKeeper.check_settings(&settings_with(values));
    assert!(check(json!(null)).is_ok());
    assert!(check(json!({"category_field": "servprint_id", "outbuf_placement": "nested"})).is_ok());
    for wrong in [
        json!({"categoryfield": "x"}),
        json!({"accrual_source": "both"}),
        json!({"transaction_kinds": {"x": "payment"}}),
        json!("text"),
    ] {
        assert!(check(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn orders_are_quoted_only_where_they_may_still_be_paid() {
    let order = fixture_text("card-read");
    for (chmode, asks) in [
        (0, 1),
        (1, 2),
        (2, 1),
        (3, 1),
        (4, 1),
        (5, 2),
        (6, 2),
        (7, 2),
        (8, 1),
        (9, 1),
        (10, 1),
        (11, 1),
        (12, 1),
        (13, 2),
    ] {
        let body = order.replace("chmode=\"5\"", &format!("chmode=\"{chmode}\""));
        assert_eq!(
            read(CARD_INFO, body.as_bytes()).asks().len(),
            asks,
            "chmode {chmode}"
        );
    }
}

#[test]
fn a_card_is_read_even_where_its_order_is_not_understood() {
    let body = fixture_text("card-read").replace("sum=\"1250\"", "sum=\"much\"");
    let dialogue = read(CARD_INFO, body.as_bytes());
    assert_eq!(dialogue.asks().len(), 1);
    assert!(
        dialogue.remarks()[0].contains("LINE@sum"),
        "{:?}",
        dialogue.remarks()
    );
}

#[test]
fn transactions_outside_of_payments_and_undoings_change_nothing() {
    let bill = fixture_text("guest-bill");
    for chmode in 5..=13 {
        let body = bill.replace("chmode=\"6\"", &format!("chmode=\"{chmode}\""));
        let dialogue = read(TRANSACTIONS, body.as_bytes());
        assert_eq!(dialogue.asks(), [], "chmode {chmode}");
        assert!(crate::wire::text(&dialogue.reply(&[])).contains("Result=\"0\""));
    }
}

#[test]
fn what_cannot_be_applied_once_is_refused() {
    let sale = fixture_text("sale");
    for (chmode, reason) in [("0", "chmode 0"), ("14", "chmode"), ("", "chmode is missing")] {
        let body = sale.replace("chmode=\"1\"", &format!("chmode=\"{chmode}\""));
        let unreadable = unread(TRANSACTIONS, body.as_bytes());
        assert!(unreadable.reason.contains(reason), "{}", unreadable.reason);
        assert!(crate::wire::text(&unreadable.reply).contains("Result=\"1\""));
    }
}

#[test]
fn without_a_guid_the_numbers_of_the_receipt_identify_it() {
    let body = fixture_text("sale").replace(
        "checkguid=\"{E2D4C9A8-1F37-4B6E-8A21-7C9B50D3F411}\"",
        "checkguid=\"{00000000-0000-0000-0000-000000000000}\"",
    );
    assert_eq!(close_of(&body).receipt.external_id, "4/2/2026-03-14/100731");
    let iso = body.replace("RKDate=\"46095\"", "RKDate=\"2026-03-14T00-00-00\"");
    assert_eq!(close_of(&iso).receipt.external_id, "4/2/2026-03-14/100731");
    let nameless = body.replace("RKCheck=\"100731\"", "RKCheck=\"0\"");
    assert!(
        unread(TRANSACTIONS, nameless.as_bytes())
            .reason
            .contains("checkguid")
    );
}

#[test]
fn without_a_receipt_the_signs_tell_a_sale_from_a_return() {
    let sale = fixture_text("sale-without-receipt-xml");
    let undone = sale
        .replace("Summa=\"-", "Summa=\"")
        .replace("Summa=\"111500", "Summa=\"-111500");
    match only_ask(&*read(TRANSACTIONS, undone.as_bytes())) {
        Ask::GiveBack(back) => {
            assert_eq!(back.sale, close_of(&sale).receipt.external_id);
            assert!(!back.rollback);
        }
        other => panic!("{other:?}"),
    }
    let mixed = sale.replace("Summa=\"111500", "Summa=\"-111500");
    assert!(unread(TRANSACTIONS, mixed.as_bytes()).reason.contains("signs"));
}

#[test]
fn the_tills_spread_is_left_aside_where_it_does_not_add_up() {
    let sale = fixture_text("sale-with-redemption");
    let spread: Vec<_> = close_of(&sale)
        .receipt
        .lines
        .iter()
        .map(|line| line.redeemed)
        .collect();
    assert_eq!(spread, [Some(money("427.50")), Some(money("72.50"))]);
    let wrong = sale.replace("sum=\"72.5\"", "sum=\"72\"");
    let dialogue = read(TRANSACTIONS, wrong.as_bytes());
    assert!(dialogue.remarks()[0].contains("does not add up"));
    assert!(
        close_of(&wrong)
            .receipt
            .lines
            .iter()
            .all(|line| line.redeemed.is_none())
    );
}

#[test]
fn bonuses_that_no_transaction_asks_for_are_not_redeemed() {
    let silent = fixture_text("sale-with-redemption").replace("Kind=\"0\"", "Kind=\"52\"");
    let dialogue = read(TRANSACTIONS, silent.as_bytes());
    assert_eq!(
        close_of(&silent).redemption,
        Redemption::Unconfirmed(money("500.00"))
    );
    assert_eq!(dialogue.remarks().len(), 2, "{:?}", dialogue.remarks());
}

#[test]
fn a_second_card_pays_beside_the_first() {
    let close = close_of(&fixture_text("sale-with-two-cards"));
    assert_eq!(close.redemption, Redemption::Now(money("500.00")));
    let payer = Payer {
        customer: CustomerRef::Card("5000123".to_owned()),
        amount: money("200.00"),
    };
    assert_eq!(close.payers, [payer]);
    assert!(matches!(close.receipt.customer, Some(CustomerRef::Phone(_))));
    // A card that is named but pays nothing is nobody's affair.
    let silent = fixture_text("sale-with-two-cards").replace("Summa=\"-20000\"", "Summa=\"0\"");
    assert_eq!(close_of(&silent).payers, []);
}

#[test]
fn a_rollback_of_a_return_names_the_return_that_it_undoes() {
    let Ask::UndoReturn(undo) = only_ask(&*read(TRANSACTIONS, &fixture("return-rollback"))) else {
        panic!()
    };
    let Ask::GiveBack(back) = only_ask(&*read(TRANSACTIONS, &fixture("return"))) else {
        panic!()
    };
    assert_eq!((undo.external_id, undo.sale), (back.external_id, back.sale));
    assert!(Some(undo.version) > back.version);
}

#[test]
fn what_accrues_is_counted_by_us_or_by_the_till_and_never_by_both() {
    let body = fixture("sale-with-bonus-of-the-till");
    let accrual = |values| match only_ask(&*read_with(TRANSACTIONS, &body, values)) {
        Ask::Close(close) => close.accrual,
        other => panic!("{other:?}"),
    };
    assert_eq!(accrual(json!({})), None);
    assert_eq!(accrual(json!({"accrual_source": "till"})), Some(money("80.75")));
    let by_till = json!({"accrual_source": "till"});
    let silent = read_with(TRANSACTIONS, &fixture("sale"), by_till);
    let Ask::Close(close) = only_ask(&*silent) else {
        panic!()
    };
    assert_eq!(
        close.accrual,
        Some(Money::ZERO),
        "no word of the till is a word: nothing"
    );
}

#[test]
fn the_sites_own_kinds_mean_what_the_connection_says() {
    let body = fixture("sale-with-kinds-of-the-site");
    let as_payment = json!({"transaction_kinds": {"52": "payment"}});
    let Ask::Close(close) = only_ask(&*read_with(TRANSACTIONS, &body, as_payment)) else {
        panic!()
    };
    assert_eq!(close.redemption, Redemption::Now(money("500.00")));
    assert!(read(TRANSACTIONS, &body).remarks()[0].contains("kind 52"));
}

#[test]
fn a_scripts_transaction_is_posted_only_where_the_connection_says_so() {
    let body = fixture_text("script-transaction");
    assert!(unread(TRANSACTIONS, body.as_bytes()).reason.contains("chmode 0"));
    let close = |body: &str| {
        let apply = json!({"script_transactions": "apply"});
        match only_ask(&*read_with(TRANSACTIONS, body.as_bytes(), apply)) {
            Ask::Close(close) => close,
            other => panic!("{other:?}"),
        }
    };
    let first = close(&body);
    assert_eq!(first.redemption, Redemption::Now(money("150.00")));
    assert_eq!(first.receipt.total, Some(money("150.00")));
    let later = close(&body.replace("18:05:12", "18:05:13"));
    assert_ne!(first.receipt.external_id, later.receipt.external_id);
}

#[test]
fn a_code_with_letters_in_the_place_of_a_card_may_be_a_guests_own() {
    let body = fixture_text("card-read").replace("cardcode=\"9000000017\"", "cardcode=\"kq:abc.def\"");
    let asks = read(CARD_INFO, body.as_bytes()).asks();
    assert_eq!(asks[0], Ask::Identify(CustomerRef::Qr("kq:abc.def".to_owned())));
}

#[test]
fn a_card_number_is_a_telephone_only_where_the_connection_says_so() {
    let body = fixture("card-read");
    let guest = |values| read_with(CARD_INFO, &body, values).asks().remove(0);
    assert!(matches!(guest(json!({})), Ask::Identify(CustomerRef::Phone(_))));
    assert_eq!(
        guest(json!({"card_as_phone": false})),
        Ask::Identify(CustomerRef::Card("9000000017".to_owned()))
    );
}

#[test]
fn settings_name_categories_payment_kinds_and_types() {
    let body = fixture_text("sale").replace("name=\"Борщ\"", "name=\"Борщ\" CategPath=\"Кухня/Супы\"");
    let values = json!({
        "category_field": "categpath",
        "payment_kinds": {"VISA": "acquiring"},
        "order_types": {"9001": "delivery"},
    });
    let Ask::Close(close) = only_ask(&*read_with(TRANSACTIONS, body.as_bytes(), values)) else {
        panic!()
    };
    assert_eq!(close.receipt.lines[0].category_id.as_deref(), Some("Кухня/Супы"));
    assert_eq!(close.receipt.payments[0].kind, "acquiring");
    assert_eq!(close.receipt.kind.as_deref(), Some("delivery"));
}

#[test]
fn lines_that_do_not_make_the_total_share_it() {
    let body = fixture_text("sale").replace("sum=\"1187.5\" discsum", "sum=\"1172.5\" discsum");
    let close = close_of(&body);
    assert_eq!(close.receipt.total, Some(money("1600.00")));
    let sum: Money = close.receipt.lines.iter().map(|line| line.amount).sum();
    assert_eq!(sum, money("1600.00"));
    assert!(read(TRANSACTIONS, body.as_bytes()).remarks()[0].contains("spread over the lines"));
}

#[test]
fn a_receipt_of_92_lines_is_read_to_the_kopeck() {
    let mut lines = String::new();
    for n in 1..=92 {
        lines.push_str(&format!(
            "<LINE id=\"{{A1B2C3D4-0000-4A4A-9B9B-{n:012}}}\" code=\"{n}\" name=\"Блюдо {n}\" uni=\"{n}\" type=\"dish\" \
             price=\"33.3\" quantity=\"1.005\" sum=\"33.466499999999996\"><LINEPAYMENTS><LINEPAYMENT \
             id=\"{{D7D5E50D-7246-4A71-939F-9B37AA300ACF}}\" sum=\"33.466499999999996\"/></LINEPAYMENTS></LINE>"
        ));
    }
    let sale = fixture_text("sale");
    let (before, rest) = sale.split_once("<CHECKLINES count=\"3\">").unwrap();
    let (_, after) = rest.split_once("</CHECKLINES>").unwrap();
    let body = format!("{before}<CHECKLINES count=\"92\">{lines}</CHECKLINES>{after}")
        .replace("sum=\"427.5\" discsum", "sum=\"3078.918\" discsum")
        .replace("sum=\"1187.5\" discsum", "sum=\"0\" discsum");
    let close = close_of(&body);
    assert_eq!(close.receipt.lines.len(), 92);
    assert_eq!(close.receipt.total, Some(money("3079.24")));
    assert!(read(TRANSACTIONS, body.as_bytes()).remarks().is_empty());
}

#[test]
fn a_kind_and_a_title_are_what_the_door_expects() {
    assert_eq!(RKeeper.kind(), "rkeeper");
    assert!(RKeeper.title().contains("r_keeper"));
    assert!(
        RKeeper
            .read(&message("licenseinfo", b"anything"), &settings_with(json!({})))
            .is_ok()
    );
}
