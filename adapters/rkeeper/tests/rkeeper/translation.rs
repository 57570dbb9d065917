//! What messages become.

use kopilka_contract::{
    Adapter, AsTold, Ask, Close, CustomerRef, GiveBack, Message, Money, PaidBy, Payer, Redemption, WhatBack,
};
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
        assert!(unread(path, &body).reason.en.contains("has the path"), "{path}");
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
fn an_order_without_a_guid_is_quoted_as_well() {
    let guid = " checkguid=\"{E2D4C9A8-1F37-4B6E-8A21-7C9B50D3F411}\"";
    let order = fixture_text("card-read");
    let without = order.replace(guid, "");
    assert_ne!(without, order);
    let quote = quote_of(&without);
    assert_eq!(quote.receipt.external_id, "");
    assert_eq!(quote.receipt.lines, quote_of(&order).receipt.lines);
}

#[test]
fn a_card_is_read_even_where_its_order_is_not_understood() {
    let body = fixture_text("card-read").replace("sum=\"1250\"", "sum=\"much\"");
    let dialogue = read(CARD_INFO, body.as_bytes());
    assert_eq!(dialogue.asks().len(), 1);
    assert!(
        dialogue.remarks()[0].en.contains("LINE@sum"),
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
        assert!(unreadable.reason.en.contains(reason), "{}", unreadable.reason.en);
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
            .en
            .contains("checkguid")
    );
}

#[test]
fn without_a_receipt_the_signs_tell_a_sale_from_its_undoing() {
    let sale = fixture_text("sale-without-receipt-xml");
    let undone = sale
        .replace("Summa=\"-", "Summa=\"")
        .replace("Summa=\"111500", "Summa=\"-111500");
    match only_ask(&*read(TRANSACTIONS, undone.as_bytes())) {
        Ask::GiveBack(back) => {
            assert_eq!(back.sale, close_of(&sale).receipt.external_id);
            // The same numbers may be paid again.
            assert!(back.rollback);
        }
        other => panic!("{other:?}"),
    }
    let mixed = sale.replace("Summa=\"111500", "Summa=\"-111500");
    assert!(unread(TRANSACTIONS, mixed.as_bytes()).reason.en.contains("signs"));
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
    assert!(dialogue.remarks()[0].en.contains("does not add up"));
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
        by: PaidBy::Guest(CustomerRef::Card("5000123".to_owned())),
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
    assert!(read(TRANSACTIONS, &body).remarks()[0].en.contains("kind 52"));
}

#[test]
fn the_sites_own_kinds_have_the_sign_that_the_connection_says() {
    let body = fixture_text("sale-with-kinds-of-the-site");
    let other_way = body.replace("Kind=\"52\" Summa=\"-50000\"", "Kind=\"52\" Summa=\"50000\"");
    assert_ne!(other_way, body);
    let signed =
        |sign: &str| json!({"transaction_kinds": {"52": {"stands_for": "payment", "sign_of_sale": sign}}});
    for (body, sign) in [(&body, "negative"), (&other_way, "positive")] {
        let close = close_with(body, signed(sign));
        assert_eq!(close.redemption, Redemption::Now(money("500.00")), "{sign}");
    }
    for wrong in [
        json!({"stands_for": "payment", "sign": "positive"}),
        json!({"stands_for": "gift"}),
        json!("gift"),
    ] {
        let settings = settings_with(json!({"transaction_kinds": {"52": wrong}}));
        assert!(RKeeper.check_settings(&settings).is_err(), "{wrong}");
    }
}

#[test]
fn a_scripts_transaction_is_posted_only_where_the_connection_says_so() {
    let body = fixture_text("script-transaction");
    assert!(
        unread(TRANSACTIONS, body.as_bytes())
            .reason
            .en
            .contains("chmode 0")
    );
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
    assert!(
        read(TRANSACTIONS, body.as_bytes()).remarks()[0]
            .en
            .contains("spread over the lines")
    );
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

#[test]
fn whoever_opens_the_address_in_a_browser_only_looks_whether_it_answers() {
    let opened = |path: &'static str| {
        let message = Message {
            method: "GET",
            ..message(path, b"")
        };
        RKeeper.read(&message, &settings_with(json!({})))
    };
    for path in [
        "",
        "/",
        "licenseinfo.php",
        "getcardinfoex.php",
        "transactionsex.php",
    ] {
        let Ok(dialogue) = opened(path) else {
            panic!("{path} does not answer")
        };
        assert!(dialogue.asks().is_empty(), "{path}");
        assert_eq!(dialogue.remarks().len(), 1, "{path}");
    }
    assert!(opened("getcardinfo.php").is_err(), "no such function answers");
}

fn close_with(body: &str, values: serde_json::Value) -> Close {
    match only_ask(&*read_with(TRANSACTIONS, body.as_bytes(), values)) {
        Ask::Close(close) => close,
        other => panic!("{other:?}"),
    }
}

fn quote_of(body: &str) -> Close {
    match read(CARD_INFO, body.as_bytes()).asks().pop() {
        Some(Ask::Quote(close)) => close,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_scripts_undoing_finds_its_sale_by_the_numbers_of_a_receipt_or_is_refused() {
    let apply = || json!({"script_transactions": "apply"});
    let sale = fixture_text("script-transaction").replace("RKCheck=\"0\"", "RKCheck=\"77\"");
    let undo = sale
        .replace("Summa=\"-15000\"", "Summa=\"15000\"")
        .replace("18:05:12", "18:09:00");
    assert_ne!(undo, sale);
    let Ask::GiveBack(back) = only_ask(&*read_with(TRANSACTIONS, undo.as_bytes(), apply())) else {
        panic!()
    };
    assert_eq!(back.sale, close_with(&sale, apply()).receipt.external_id);
    // Nothing names what a nameless one undoes.
    let nameless = undo.replace("RKCheck=\"77\"", "RKCheck=\"0\"");
    let settings = settings_with(apply());
    let unreadable = RKeeper
        .read(&message(TRANSACTIONS, nameless.as_bytes()), &settings)
        .err()
        .unwrap();
    assert!(
        unreadable.reason.en.contains("which one it undoes"),
        "{}",
        unreadable.reason.en
    );
    // Two of one second for one card are two.
    let ours = fixture_text("script-transaction");
    let other = ours.replace("Summa=\"-15000\"", "Summa=\"-15001\"");
    let id = |body: &str| close_with(body, apply()).receipt.external_id;
    assert_ne!(id(&ours), id(&other));
    assert_eq!(id(&ours), id(&ours));
}

#[test]
fn what_another_card_pays_of_the_order_is_not_left_for_this_one() {
    let payments = "<CHECKPAYMENTS count=\"2\"><PAYMENT id=\"{9CA200F8-5961-4A6F-AE22-A095C65D1485}\" code=\"10\" \
        name=\"Бонусы\" uni=\"23\" paytype=\"3\" interface=\"11\" cardcode=\"5000123\" bsum=\"200\" sum=\"200\"/><PAYMENT \
        id=\"{9CA200F8-5961-4A6F-AE22-A095C65D1485}\" code=\"10\" name=\"Бонусы\" uni=\"24\" paytype=\"3\" interface=\"11\" \
        cardcode=\"9000000017\" bsum=\"300\" sum=\"300\"/></CHECKPAYMENTS></CHECKDATA>";
    let order = fixture_text("card-read").replace("</CHECKDATA>", payments);
    let first = quote_of(&order);
    assert_eq!(first.redemption, Redemption::Now(money("200.00")));
    assert_eq!(
        first.payers,
        [Payer {
            by: PaidBy::Guest(CustomerRef::Card("5000123".to_owned())),
            amount: money("200.00")
        }]
    );
    let alone = quote_of(&order.replace("cardcode=\"5000123\"", "cardcode=\"9000000017\""));
    assert_eq!((alone.redemption, alone.payers.len()), (Redemption::Nothing, 0));
}

#[test]
fn a_guests_short_lived_code_is_no_card_and_the_cashier_is_told_what_to_do() {
    let body = fixture_text("card-read").replace("cardcode=\"9000000017\"", "cardcode=\"kq1.AAAA\"");
    let unreadable = unread(CARD_INFO, body.as_bytes());
    assert!(
        unreadable.reason.en.contains("FindEmail"),
        "{}",
        unreadable.reason.en
    );
    let answer = crate::wire::text(&unreadable.reply);
    assert!(
        answer.contains("Locked=\"1\"") && answer.contains("FindEmail"),
        "{answer}"
    );
}

#[test]
fn a_spread_that_is_off_by_the_rounding_of_its_parts_is_the_tills() {
    let sale = fixture_text("sale-with-redemption");
    let spread = |body: &str| -> Vec<Option<Money>> {
        close_of(body)
            .receipt
            .lines
            .iter()
            .map(|line| line.redeemed)
            .collect()
    };
    // A third of the payment each way: 427.50 and 72.49 of 500.00.
    let short = sale.replace("sum=\"72.5\"", "sum=\"72.494\"");
    assert_eq!(spread(&short), [Some(money("427.50")), Some(money("72.50"))]);
    assert!(read(TRANSACTIONS, short.as_bytes()).remarks().is_empty());
    let too_short = sale.replace("sum=\"72.5\"", "sum=\"72.48\"");
    assert_eq!(spread(&too_short), [None, None]);
}

#[test]
fn lines_that_come_without_what_bonuses_paid_get_it_back() {
    let net = || json!({"lines_net_of_bonuses": true});
    let amounts =
        |close: &Close| -> Vec<Money> { close.receipt.lines.iter().map(|line| line.amount).collect() };
    let gross = fixture_text("sale-with-redemption");
    let till = gross
        .replace(" quantity=\"1\" sum=\"427.5\"", " quantity=\"1\" sum=\"0\"")
        .replace(" quantity=\"1\" sum=\"1187.5\"", " quantity=\"1\" sum=\"1115\"");
    assert_ne!(till, gross);
    // The till's total may hold what bonuses paid, or not.
    let total_net = till
        .replace("sum=\"427.5\" discsum", "sum=\"0\" discsum")
        .replace("sum=\"1187.5\" discsum", "sum=\"1115\" discsum");
    for body in [&till, &total_net] {
        let close = close_with(body, net());
        assert_eq!(amounts(&close), [money("427.50"), money("1187.50")]);
        assert_eq!(close.receipt.total, Some(money("1615.00")));
        let spread: Vec<_> = close.receipt.lines.iter().map(|line| line.redeemed).collect();
        assert_eq!(spread, [Some(money("427.50")), Some(money("72.50"))]);
    }
    // Without the till's spread: in proportion to what money paid.
    let silent = total_net.replace("LINEPAYMENT ", "SOMETHING ");
    let close = close_with(&silent, net());
    assert_eq!(close.receipt.total, Some(money("1615.00")));
    assert_eq!(amounts(&close), [money("0.00"), money("1615.00")]);
    // A sale without bonuses is the same either way.
    let plain = fixture_text("sale");
    assert_eq!(close_with(&plain, net()), close_of(&plain));
}

#[test]
fn only_the_connections_restaurants_may_speak() {
    let with = |codes: serde_json::Value| settings_with(json!({"restaurants": codes}));
    for (path, name) in [
        (TRANSACTIONS, "sale"),
        (CARD_INFO, "card-read"),
        (CARD_INFO, "card-read-without-order"),
    ] {
        let body = fixture(name);
        for codes in [
            json!([]),
            json!(["998870004"]),
            json!(["4"]),
            json!(["0004"]),
            json!(["7", "0004"]),
        ] {
            let read = RKeeper.read(&message(path, &body), &with(codes.clone()));
            assert!(read.is_ok(), "{name} {codes}");
        }
        let other = RKeeper
            .read(&message(path, &body), &with(json!(["998870005"])))
            .err()
            .unwrap();
        assert!(other.reason.en.contains("`restaurants`"), "{}", other.reason.en);
        assert!(crate::wire::text(&other.reply).contains("другого ресторана"));
    }
    // A receipt without a card has nothing to do with it, and must not keep its till.
    let nobody = fixture("receipt-without-card");
    let other = read_with(TRANSACTIONS, &nobody, json!({"restaurants": ["5"]}));
    assert_eq!(other.asks(), []);
    assert!(other.remarks()[0].en.contains("`restaurants`"));
    assert!(crate::wire::text(&other.reply(&[])).contains("Result=\"0\""));
}

#[test]
fn of_a_delivery_order_that_another_connection_posts_only_bonuses_come_back() {
    let set = || json!({"delivery_order_categories": ["1"]});
    for name in ["sale", "return"] {
        let body = fixture_text(name)
            .replace("Kind=\"0\"", "Kind=\"3\"")
            .replace("Summa=\"50000\"", "Summa=\"-50000\"");
        let dialogue = read_with(TRANSACTIONS, body.as_bytes(), set());
        let asks = dialogue.asks();
        let [Ask::GiveBack(back)] = asks.as_slice() else {
            panic!("{name}: {asks:?}");
        };
        assert!(back.rollback && back.what == WhatBack::Everything, "{name}");
        assert!(GiveBack::is_of_sale_elsewhere(&back.external_id), "{back:?}");
        assert!(
            dialogue.remarks()[0]
                .en
                .contains("only bonuses of an earlier attempt"),
            "{:?}",
            dialogue.remarks()
        );
    }
    // What this till redeems must be posted, and accrues nothing.
    let redeems = close_with(&fixture_text("sale-with-redemption"), set());
    assert_eq!(redeems.accrual, Some(Money::ZERO));
    assert_eq!(redeems.redemption, Redemption::Now(money("500.00")));
    assert_eq!(
        quote_with(&fixture_text("card-read"), set()).accrual,
        Some(Money::ZERO)
    );
}

fn quote_with(body: &str, values: serde_json::Value) -> Close {
    match read_with(CARD_INFO, body.as_bytes(), values).asks().pop() {
        Some(Ask::Quote(close)) => close,
        other => panic!("{other:?}"),
    }
}

/// The sale with a line that takes a part of another back.
fn with_returned_soup(id: &str, sum: &str) -> String {
    let line = format!(
        "<LINE id=\"{id}\" code=\"101\" name=\"Борщ\" uni=\"9\" type=\"dish\" price=\"450\" quantity=\"-0.5\" sum=\"{sum}\"/>\
         </CHECKLINES>"
    );
    fixture_text("sale")
        .replace("</CHECKLINES>", &line)
        .replace("sum=\"427.5\" discsum", "sum=\"213.75\" discsum")
}

#[test]
fn a_dish_taken_back_inside_a_receipt_lowers_its_own_line_or_else_all() {
    let lines = |body: &str| -> Vec<(Money, String)> {
        let close = close_of(body);
        assert_eq!(close.receipt.total, Some(money("1401.25")));
        let lines = close.receipt.lines.into_iter();
        lines
            .map(|line| (line.amount, line.quantity.to_string()))
            .collect()
    };
    let same = with_returned_soup("{A1B2C3D4-0001-4A4A-9B9B-000000000101}", "-213.75");
    assert_eq!(
        lines(&same),
        [
            (money("213.75"), "0.5".to_owned()),
            (money("1187.50"), "1".to_owned())
        ]
    );
    let other = with_returned_soup("{A1B2C3D4-0009-4A4A-9B9B-000000000909}", "-213.75");
    assert_eq!(
        lines(&other),
        [
            (money("370.92"), "1".to_owned()),
            (money("1030.33"), "1".to_owned())
        ]
    );
    assert!(
        read(TRANSACTIONS, same.as_bytes()).remarks()[0]
            .en
            .contains("taken back inside")
    );
}

#[test]
fn a_receipt_that_only_takes_dishes_back_is_refused_or_kept_as_the_connection_says() {
    let body = fixture_text("sale")
        .replace("quantity=\"1\" sum=\"427.5\"", "quantity=\"-1\" sum=\"-427.5\"")
        .replace("quantity=\"1\" sum=\"1187.5\"", "quantity=\"-1\" sum=\"-1187.5\"")
        .replace("Summa=\"161500\"", "Summa=\"-161500\"");
    let answer = |values: serde_json::Value| {
        let settings = settings_with(values);
        let unreadable = RKeeper
            .read(&message(TRANSACTIONS, body.as_bytes()), &settings)
            .err()
            .unwrap();
        assert!(
            unreadable.reason.en.contains("single dishes"),
            "{}",
            unreadable.reason.en
        );
        crate::wire::text(&unreadable.reply)
    };
    assert!(answer(json!({})).contains("Result=\"1\""));
    let kept = answer(json!({"dish_returns": "keep"}));
    assert!(
        kept.contains("Result=\"0\"") && kept.contains("администратор"),
        "{kept}"
    );
}

#[test]
fn the_receipts_own_categories_may_be_those_of_its_lines() {
    let of_receipt = || json!({"category_field": "CATEG@id"});
    let categories = |body: &str| -> Vec<Option<String>> {
        let lines = close_with(body, of_receipt()).receipt.lines.into_iter();
        lines.map(|line| line.category_id).collect()
    };
    let soup = || Some("CA7E0000-0001-4000-8000-000000000017".to_owned());
    let sale = fixture_text("sale");
    assert_eq!(categories(&sale), [soup(), None]);
    let by_name = sale.replace(
        "categ_id=\"{CA7E0000-0001-4000-8000-000000000017}\"",
        "categ=\"Супы\"",
    );
    assert_ne!(by_name, sale);
    assert_eq!(categories(&by_name), [soup(), None]);
    let only = sale
        .replace(
            "<CATEG id=\"0\" code=\"0\" name=\"\" sum=\"1187.5\" discsum=\"-62.5\"/>",
            "",
        )
        .replace("sum=\"427.5\" discsum", "sum=\"1615\" discsum");
    assert_eq!(categories(&only), [soup(), soup()]);
}

#[test]
fn the_waiter_is_whom_his_role_names() {
    let sale = fixture_text("sale").replace(
        "<PERSON ",
        "<PERSON id=\"{C0FFEE00-1111-4222-8333-444455556667}\" name=\"Кассир\" code=\"1\" role=\"3\"/><PERSON ",
    );
    let waiter = |values| close_with(&sale, values).receipt.waiter;
    assert_eq!(waiter(json!({})).as_deref(), Some("Кассир"));
    assert_eq!(waiter(json!({"waiter_role": "7"})).as_deref(), Some("Мария"));
}

#[test]
fn a_receipt_whose_holders_are_not_listed_names_its_card_elsewhere() {
    let nobody = fixture_text("sale")
        .replace("<HOLDERS><ITEM cardcode=\"9000000017\"/></HOLDERS>", "<HOLDERS/>")
        .replace("Card=\"9000000017\"", "Card=\"0\"");
    let guest = |body: &str| close_of(body).receipt.customer;
    assert!(matches!(guest(&nobody), Some(CustomerRef::Phone(_))), "ALLCARDS");
    let of_interface = nobody
        .replace(
            "<ALLCARDS><ITEM cardcode=\"9000000017\"/></ALLCARDS>",
            "<ALLCARDS/>",
        )
        .replace("interface=\"11\">", "interface=\"11\" cardcode=\"GIFT-7\">");
    assert_eq!(guest(&of_interface), Some(CustomerRef::Card("GIFT-7".to_owned())));
}

/// Says of a sale by which words it is known.
fn words_of(text: &str) -> AsTold {
    close_of(text).as_told.unwrap()
}

#[test]
fn what_a_till_said_is_the_same_in_every_repeat_and_under_all_settings() {
    let sale = fixture_text("sale-with-redemption");
    let words = words_of(&sale);
    assert_eq!(words_of(&fixture_text("sale-with-redemption-repeat")), words);
    for (what, noise) in [
        ("printnum=\"1\"", "printnum=\"2\""),
        ("extfiscid=\"\"", "extfiscid=\"77\""),
        ("ownerinfo=\"Анна К.\"", "ownerinfo=\"Анна Кузнецова\""),
        ("name=\"Борщ\"", "name=\"Борщ с говядиной\""),
        (
            "categ_id=\"{CA7E0000-0001-4000-8000-000000000017}\"",
            "categ_id=\"{CA7E0000-0001-4000-8000-000000000018}\"",
        ),
        ("sum=\"427.5\"", "sum=\"427.50\""),
    ] {
        let repeat = sale.replace(what, noise);
        assert_ne!(repeat, sale, "{what}");
        assert_eq!(words_of(&repeat), words, "{noise}");
    }
    for settings in [
        json!({"accrual_source": "till", "card_as_phone": false, "lines_net_of_bonuses": true}),
        json!({"payment_kinds": {"1": "voucher"}, "bonus_currencies": ["1"], "category_field": "servprint_id"}),
        json!({"delivery_order_categories": ["1"], "order_types": {"9001": "online"}}),
    ] {
        let read = close_with(&sale, settings.clone());
        assert_ne!(read, close_of(&sale), "{settings}");
        assert_eq!(read.as_told, Some(words), "{settings}");
    }
    let of_site = fixture_text("sale-with-kinds-of-the-site");
    let turned = json!({"transaction_kinds": {"52": {"stands_for": "spending", "sign_of_sale": "negative"}}});
    assert_eq!(close_with(&of_site, turned).as_told, Some(words_of(&of_site)));
}

#[test]
fn whatever_a_till_changes_in_a_sale_changes_what_it_said() {
    let sale = fixture_text("sale-with-redemption");
    let words = words_of(&sale);
    for (what, changed) in [
        (
            "Card=\"9000000017\" PersonID=\"880017\" Account=\"880017\" Kind=\"0\"",
            "Card=\"5000123\" PersonID=\"880017\" Account=\"880017\" Kind=\"0\"",
        ),
        ("Summa=\"-50000\"", "Summa=\"-49900\""),
        ("Kind=\"3\"", "Kind=\"2\""),
        ("<ITEM cardcode=\"9000000017\"/>", "<ITEM cardcode=\"5000123\"/>"),
        ("order_type=\"9001\"", "order_type=\"9002\""),
        ("order_cat=\"1\"", "order_cat=\"2\""),
        ("id=\"{A1B2C3D4-0001-", "id=\"{A1B2C3D4-0009-"),
        ("uni=\"4\"", "uni=\"5\""),
        ("quantity=\"1\" sum=\"427.5\"", "quantity=\"2\" sum=\"427.5\""),
        ("quantity=\"1\" sum=\"427.5\"", "quantity=\"1\" sum=\"400\""),
        ("price=\"450\"", "price=\"460\""),
        ("type=\"modify\"", "type=\"dish\""),
        ("sum=\"72.5\"", "sum=\"71.5\""),
        ("name=\"Супы\" sum=\"427.5\"", "name=\"Супы\" sum=\"400\""),
        ("name=\"Рубли\"", "name=\"Тенге\""),
        ("bsum=\"1200\"", "bsum=\"1100\""),
        ("paytype=\"1\"", "paytype=\"2\""),
        ("code=\"1\" name", "code=\"2\" name"),
        ("paytype=\"3\" interface=\"11\"", "paytype=\"3\" interface=\"12\""),
        (
            "cardcode=\"9000000017\" account=\"880017\" ownerinfo",
            "cardcode=\"5000123\" account=\"880017\" ownerinfo",
        ),
    ] {
        let other = sale.replacen(what, changed, 1);
        assert_ne!(other, sale, "{what}");
        assert_ne!(words_of(&other), words, "{what} → {changed}");
    }
    // Without an id a dish is what it is called.
    let nameless = sale.replace("id=\"{A1B2C3D4-0001-4A4A-9B9B-000000000101}\" code=\"101\"", "");
    let renamed = nameless.replace("name=\"Борщ\"", "name=\"Щи\"");
    assert_ne!(words_of(&nameless), words);
    assert_ne!(words_of(&nameless), words_of(&renamed));
}
