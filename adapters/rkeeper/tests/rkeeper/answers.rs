//! What tills are told.

use kopilka_contract::{Adapter, CustomerStatus, Guest, Language, Settings, Told, Words};
use kopilka_rkeeper::RKeeper;
use serde_json::json;

use crate::ledger::{closed, closed_with_message, guest, quoted, refusal, returned};
use crate::wire::{
    CARD_IMAGE, CARD_INFO, FIND_EMAIL, NOT_UNDERSTOOD, TRANSACTIONS, fixture, fixture_text, message, read,
    read_with, same_answer, same_as_golden, settings, text, unread,
};

fn told_guest(guest: Guest) -> Told {
    Told::Guest(Box::new(guest))
}

#[test]
fn a_card_shows_its_holder_and_what_may_be_paid_on_this_order() {
    let dialogue = read(CARD_INFO, &fixture("card-read"));
    let reply = dialogue.reply(&[Ok(told_guest(guest())), Ok(quoted("510.00"))]);
    same_answer("card-read", &reply);
}

#[test]
fn a_card_without_an_order_shows_the_whole_balance() {
    let dialogue = read(CARD_INFO, &fixture("card-read-without-order"));
    same_answer(
        "card-read-without-order",
        &dialogue.reply(&[Ok(told_guest(guest()))]),
    );
}

#[test]
fn an_order_that_cannot_be_quoted_can_be_paid_with_nothing() {
    let dialogue = read(CARD_INFO, &fixture("card-read"));
    let reply = dialogue.reply(&[Ok(told_guest(guest())), Err(refusal("busy"))]);
    let answer = text(&reply);
    assert!(
        answer.contains("Summa=\"0\"") && answer.contains("Сервис занят"),
        "{answer}"
    );
}

#[test]
fn an_unknown_card_does_not_exist_and_other_refusals_lock_it() {
    let dialogue = read(CARD_INFO, &fixture("card-read"));
    let unknown = dialogue.reply(&[Err(refusal("card-not-found")), Err(refusal("card-not-found"))]);
    same_answer("card-not-found", &unknown);
    same_answer(
        "card-read-refused",
        &dialogue.reply(&[Err(refusal("busy")), Err(refusal("busy"))]),
    );
}

#[test]
fn a_blocked_card_and_a_blocked_guest_are_locked_with_a_reason() {
    let dialogue = read(CARD_INFO, &fixture("card-read"));
    let card = Guest {
        card_blocked: true,
        ..guest()
    };
    same_answer(
        "card-blocked",
        &dialogue.reply(&[Ok(told_guest(card)), Ok(quoted("510.00"))]),
    );
    let blocked = Guest {
        status: CustomerStatus::Blocked,
        ..guest()
    };
    let answer = text(&dialogue.reply(&[Ok(told_guest(blocked)), Ok(quoted("510.00"))]));
    assert!(
        answer.contains("Locked=\"1\" WhyLock=\"Гость заблокирован\""),
        "{answer}"
    );
    assert!(answer.contains("Summa=\"0\""), "{answer}");
}

#[test]
fn words_fit_the_fields_of_the_till() {
    let long = Guest {
        name: Some("Ж".repeat(300)),
        ..guest()
    };
    let answer = text(&read(CARD_INFO, &fixture("card-read-without-order")).reply(&[Ok(told_guest(long))]));
    assert!(
        answer.contains(&format!("Holder=\"{}\"", "Ж".repeat(39))),
        "{answer}"
    );
}

#[test]
fn a_look_up_finds_a_number_for_the_till() {
    let dialogue = read(FIND_EMAIL, &fixture("find-phone"));
    same_answer("find-phone", &dialogue.reply(&[Ok(told_guest(guest()))]));
    same_answer(
        "find-phone-unknown",
        &dialogue.reply(&[Err(refusal("customer-not-found"))]),
    );
    let lettered = Guest {
        card: Some("GIFT-7".to_owned()),
        phone: None,
        ..guest()
    };
    assert!(text(&dialogue.reply(&[Ok(told_guest(lettered))])).contains("Result=\"1\""));
}

#[test]
fn a_number_that_the_till_could_not_send_back_is_not_given() {
    let found = |card: Option<&str>, phone: Option<&str>, values: serde_json::Value| {
        let named = Guest {
            card: card.map(str::to_owned),
            phone: phone.and_then(kopilka_contract::Phone::parse),
            ..guest()
        };
        text(&read_with(FIND_EMAIL, &fixture("find-phone"), values).reply(&[Ok(told_guest(named))]))
    };
    let phone = Some("+79215550101");
    for (card, phone, code) in [
        // A till drops the zeros, and takes ten digits from 9 on for a telephone, perhaps another guest's.
        (Some("000123456789"), phone, Some("9215550101")),
        (Some("9111111111"), phone, Some("9215550101")),
        (Some("123456789"), phone, Some("123456789")),
        (Some("000123456789"), None, None),
        (Some("9111111111"), None, None),
        (None, phone, Some("9215550101")),
    ] {
        let answer = found(card, phone, json!({}));
        match code {
            Some(code) => assert!(
                answer.contains(&format!("CardCode=\"{code}\"")),
                "{card:?}: {answer}"
            ),
            None => assert!(answer.contains("Result=\"1\""), "{card:?}: {answer}"),
        }
    }
    let plastic = found(Some("9111111111"), phone, json!({"card_as_phone": false}));
    assert!(plastic.contains("CardCode=\"9111111111\""), "{plastic}");
}

#[test]
fn an_order_that_is_not_understood_can_be_paid_with_nothing() {
    let body = fixture_text("card-read").replace("sum=\"1250\"", "sum=\"much\"");
    let answer = text(&read(CARD_INFO, body.as_bytes()).reply(&[Ok(told_guest(guest()))]));
    assert!(
        answer.contains("Summa=\"0\"") && answer.contains("Заказ не понят"),
        "{answer}"
    );
}

#[test]
fn a_sale_prints_what_accrued() {
    let dialogue = read(TRANSACTIONS, &fixture("sale"));
    let told = Told::Closed(Box::new(closed("0.00", "80.75", "1320.75")));
    same_answer("sale", &dialogue.reply(&[Ok(told)]));
}

#[test]
fn a_sale_with_redemption_prints_both_and_shows_messages_to_the_cashier() {
    let dialogue = read(TRANSACTIONS, &fixture("sale-with-redemption"));
    let told = Told::Closed(Box::new(closed_with_message()));
    same_answer("sale-with-redemption", &dialogue.reply(&[Ok(told)]));
}

#[test]
fn a_repeat_is_answered_like_the_first_attempt() {
    let told = || [Ok(Told::Closed(Box::new(closed_with_message())))];
    let first = read(TRANSACTIONS, &fixture("sale-with-redemption")).reply(&told());
    assert_eq!(
        read(TRANSACTIONS, &fixture("sale-with-redemption-repeat")).reply(&told()),
        first
    );
}

#[test]
fn a_refused_redemption_tells_the_cashier_why() {
    let body = fixture("sale-with-redemption");
    let refused = [Err(refusal("insufficient-balance"))];
    same_answer(
        "sale-with-redemption-refused",
        &read(TRANSACTIONS, &body).reply(&refused),
    );
    let nested = read_with(TRANSACTIONS, &body, json!({"outbuf_placement": "nested"}));
    same_answer("sale-with-redemption-refused-nested", &nested.reply(&refused));
}

#[test]
fn returns_and_rollbacks_are_acknowledged() {
    for name in ["return", "rollback"] {
        same_answer(name, &read(TRANSACTIONS, &fixture(name)).reply(&[Ok(returned())]));
    }
}

#[test]
fn a_receipt_without_a_card_is_always_accepted() {
    let dialogue = read(TRANSACTIONS, &fixture("receipt-without-card"));
    let mut statistics = closed("0.00", "0.00", "0.00");
    statistics.customer_id = None;
    statistics.balance = None;
    for told in [Ok(Told::Closed(Box::new(statistics))), Err(refusal("busy"))] {
        same_answer("receipt-without-card", &dialogue.reply(&[told]));
    }
    let undone = fixture_text("receipt-without-card").replace("chmode=\"1\"", "chmode=\"3\"");
    same_answer(
        "return",
        &read(TRANSACTIONS, undone.as_bytes()).reply(&[Err(refusal("internal"))]),
    );
}

#[test]
fn an_unknown_card_stops_only_a_sale_that_redeems() {
    let unknown = || [Err(refusal("card-not-found"))];
    let accrual = text(&read(TRANSACTIONS, &fixture("sale")).reply(&unknown()));
    assert!(
        accrual.contains("Result=\"0\"") && accrual.contains("err_text=\"Карта не найдена\""),
        "{accrual}"
    );
    let redemption = text(&read(TRANSACTIONS, &fixture("sale-with-redemption")).reply(&unknown()));
    assert!(
        redemption.contains("Result=\"1\"") && redemption.contains("error_code=\"14\""),
        "{redemption}"
    );
}

#[test]
fn words_follow_the_language_of_the_connection() {
    let english = Settings {
        language: Language::En,
        ..settings()
    };
    let body = fixture("sale-with-redemption");
    let dialogue = RKeeper.read(&message(TRANSACTIONS, &body), &english).unwrap();
    let answer = text(&dialogue.reply(&[Ok(Told::Closed(Box::new(closed_with_message())))]));
    assert!(
        answer.contains("Bonuses paid: 500.00&#10;Bonuses earned: 55.75&#10;Balance: 795.75"),
        "{answer}"
    );
}

#[test]
fn a_message_that_is_not_understood_is_answered_in_xml() {
    for (name, path) in NOT_UNDERSTOOD {
        let unreadable = unread(path, &fixture(name));
        assert!(!unreadable.reason.ru.is_empty());
        same_answer(name, &unreadable.reply);
    }
    same_answer("unknown-path", &unread("openthedoor.php", b"").reply);
}

#[test]
fn the_person_who_looks_is_told_what_is_wrong() {
    for ((name, path), reason) in NOT_UNDERSTOOD.into_iter().zip([
        "ends before",
        "document type",
        "document type",
        "secret",
        "not UTF-8",
    ]) {
        let unreadable = unread(path, &fixture(name));
        assert!(
            unreadable.reason.en.contains(reason),
            "{name}: {}",
            unreadable.reason.en
        );
    }
}

#[test]
fn a_licence_notice_is_kept_and_acknowledged() {
    let dialogue = read("LicenseInfo.php", b"\xFF\xFE whatever");
    assert_eq!(dialogue.remarks().len(), 1);
    same_answer("licence", &dialogue.reply(&[]));
}

#[test]
fn a_picture_of_a_card_is_its_code_as_a_qr() {
    let dialogue = read(CARD_IMAGE, &fixture("card-image"));
    let reply = dialogue.reply(&[Ok(told_guest(guest()))]);
    assert_eq!((reply.status, reply.content_type), (200, "image/bmp"));
    // 21 modules and 8 of quiet around them, 8 dots each; rows of 29 bytes filled up to 32.
    let side = 29 * 8;
    assert_eq!(reply.body.len(), 62 + side * 32);
    assert_eq!(&reply.body[..2], b"BM");
    assert_eq!(reply.body[18..22], u32::try_from(side).unwrap().to_le_bytes());
    same_as_golden("card-image.answer.bmp", &reply.body);
    // The finder's upper left corner is black, the quiet zone is white.
    let dot = |x: usize, y: usize| reply.body[62 + (side - 1 - y) * 32 + x / 8] & (0x80 >> (x % 8)) == 0;
    assert!(dot(32, 32) && !dot(31, 32) && !dot(32, 31));
    let unknown = text(&dialogue.reply(&[Err(refusal("card-not-found"))]));
    assert!(unknown.contains("ErrorText=\"Карта не найдена\""), "{unknown}");
    let none = read_with(CARD_IMAGE, &fixture("card-image"), json!({"card_image": "none"}));
    assert!(none.asks().is_empty());
    assert!(text(&none.reply(&[])).contains("ErrorText"));
    assert!(text(&unread(CARD_IMAGE, b"").reply).contains("ErrorText"));
}

#[test]
fn every_card_that_paid_has_a_slip_of_its_own() {
    let dialogue = read(TRANSACTIONS, &fixture("sale-with-two-cards"));
    let told = Told::Closed(Box::new(closed("500.00", "55.75", "795.75")));
    same_answer("sale-with-two-cards", &dialogue.reply(&[Ok(told)]));
    same_answer(
        "sale-with-two-cards-refused",
        &dialogue.reply(&[Err(refusal("insufficient-balance"))]),
    );
}

#[test]
fn a_document_is_printed_where_the_connection_names_its_layout() {
    let dialogue = read_with(TRANSACTIONS, &fixture("sale"), json!({"print_document": 101}));
    let told = Told::Closed(Box::new(closed("0.00", "80.75", "1320.75")));
    same_answer("sale-with-document", &dialogue.reply(&[Ok(told)]));
}

#[test]
fn a_return_that_is_undone_is_acknowledged() {
    let dialogue = read(TRANSACTIONS, &fixture("return-rollback"));
    same_answer("return", &dialogue.reply(&[Ok(returned())]));
}

#[test]
fn a_blocked_card_is_seized_or_deleted_where_the_connection_says_so() {
    let blocked = || {
        [Ok(told_guest(Guest {
            card_blocked: true,
            ..guest()
        }))]
    };
    let body = fixture("card-read-without-order");
    for (setting, flags) in [
        ("locked", "Deleted=\"0\" Seize=\"0\""),
        ("seize", "Deleted=\"0\" Seize=\"1\""),
        ("deleted", "Deleted=\"1\" Seize=\"0\""),
    ] {
        let dialogue = read_with(CARD_INFO, &body, json!({"blocked_cards": setting}));
        let answer = text(&dialogue.reply(&blocked()));
        assert!(
            answer.contains(flags) && answer.contains("Locked=\"1\""),
            "{answer}"
        );
        let fine = text(&dialogue.reply(&[Ok(told_guest(guest()))]));
        assert!(fine.contains("Deleted=\"0\" Seize=\"0\""), "{fine}");
    }
}

#[test]
fn a_manager_agrees_to_large_payments_where_the_connection_says_so() {
    let body = fixture("card-read-without-order");
    for (above, manager) in [
        (json!({"manager_above": "1239.99"}), 1),
        (json!({"manager_above": "1240.00"}), 0),
    ] {
        let answer = text(&read_with(CARD_INFO, &body, above).reply(&[Ok(told_guest(guest()))]));
        assert!(answer.contains(&format!("Manager=\"{manager}\"")), "{answer}");
    }
}

#[test]
fn a_bonus_type_is_named_only_to_a_till_that_counts_itself() {
    let body = fixture("card-read-without-order");
    for (source, bonus) in [("service", 0), ("till", 7)] {
        let values = json!({"accrual_source": source, "bonus_code": 7});
        let answer = text(&read_with(CARD_INFO, &body, values).reply(&[Ok(told_guest(guest()))]));
        assert!(answer.contains(&format!("Bonus=\"{bonus}\"")), "{answer}");
    }
}

#[test]
fn a_receipt_that_names_no_card_never_stops_the_till_however_odd_it_is() {
    let unreadable = unread(TRANSACTIONS, &fixture("receipt-without-card-odd"));
    assert!(
        unreadable.reason.en.contains("negative"),
        "{}",
        unreadable.reason.en
    );
    same_answer("return", &unreadable.reply);
    // The same with a card is for a person to look at.
    let with_card =
        fixture_text("receipt-without-card-odd").replace("cardcode=\"\"", "cardcode=\"9000000017\"");
    assert!(text(&unread(TRANSACTIONS, with_card.as_bytes()).reply).contains("Result=\"1\""));
}

#[test]
fn a_card_of_another_system_does_not_make_a_receipt_ours() {
    let discount = |interface: &str| {
        let row = format!(
            "<CHECKDISCOUNTS count=\"1\"><DISCOUNT id=\"{{D15C0000-0005-4000-8000-000000000005}}\" {interface} \
             cardcode=\"777\" sum=\"-10\"/>"
        );
        fixture_text("receipt-without-card-odd").replace("<CHECKDISCOUNTS count=\"1\">", &row)
    };
    let other_holder = fixture_text("receipt-without-card-odd").replace(
        "</INTERFACES>",
        "<INTERFACE id=\"3\" interface=\"3\"><HOLDERS><ITEM cardcode=\"777\"/></HOLDERS></INTERFACE></INTERFACES>",
    );
    for (body, result) in [
        (discount("interface=\"3\""), 0),
        (other_holder, 0),
        (discount("interface=\"11\""), 1),
        // It does not say whose it is.
        (discount(""), 1),
        (
            discount("interface=\"3\"").replace("current=\"1002501\"", "current=\"5\""),
            1,
        ),
    ] {
        assert!(body.contains("777"));
        let reply = text(&unread(TRANSACTIONS, body.as_bytes()).reply);
        assert!(reply.contains(&format!("Result=\"{result}\"")), "{body}");
    }
}

#[test]
fn our_own_failure_is_told_in_the_form_of_the_function() {
    let words = Words::new("Сервис недоступен", "The service is down");
    let fail = |path, body: &[u8]| RKeeper.failure(&message(path, body), &words, &settings());
    same_answer("failure-of-a-card-read", &fail(CARD_INFO, b"anything"));
    same_answer("failure-of-a-sale", &fail(TRANSACTIONS, &fixture("sale")));
    // Nothing to do with bonuses: the till may close it.
    same_answer(
        "receipt-without-card",
        &fail(TRANSACTIONS, &fixture("receipt-without-card")),
    );
}

#[test]
fn what_a_till_does_not_close_when_we_fail_is_what_it_asks_before_the_sale() {
    for name in [
        "sale",
        "sale-with-redemption",
        "sale-with-two-cards",
        "sale-without-receipt-xml",
        "receipt-without-card",
    ] {
        let body = fixture(name);
        let failed = RKeeper.failure(&message(TRANSACTIONS, &body), &Words::default(), &settings());
        let is_closed = text(&failed).contains("Result=\"0\"");
        assert_eq!(read(TRANSACTIONS, &body).asks_before_sale(), !is_closed, "{name}");
        let goes_on = RKeeper.goes_on(&message(TRANSACTIONS, &body), &settings());
        assert_eq!(goes_on, is_closed, "{name}");
    }
    for name in ["return", "rollback", "return-rollback"] {
        let body = fixture(name);
        assert!(!read(TRANSACTIONS, &body).asks_before_sale(), "{name}");
        assert!(
            !RKeeper.goes_on(&message(TRANSACTIONS, &body), &settings()),
            "{name}"
        );
    }
}

#[test]
fn an_answer_that_does_not_fit_the_ask_is_a_failure() {
    for told in [vec![], vec![Ok(returned())]] {
        for (path, name) in [
            (TRANSACTIONS, "sale"),
            (CARD_INFO, "card-read"),
            (FIND_EMAIL, "find-phone"),
        ] {
            let answer = text(&read(path, &fixture(name)).reply(&told));
            assert!(answer.contains("Ошибка программы лояльности"), "{answer}");
        }
    }
}
