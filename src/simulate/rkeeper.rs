//! r_keeper 7: FarCards over HTTP. The card is read while the order is open; one packet pays, rolls back or returns.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::Value;

use super::dialect::{Dialect, GuestName, Heard, Item, Message, PartsBack, Role, Sale, Undo, by_card};

/// The till.
#[derive(Debug)]
pub(super) struct RKeeper;

/// When a check is seen: `chmode`.
const PAYMENT: u8 = 1;
const PAYMENT_ROLLBACK: u8 = 2;
const RETURN: u8 = 3;
const RETURN_ROLLBACK: u8 = 4;
const EDITING: u8 = 5;

impl Dialect for RKeeper {
    fn kind(&self) -> &'static str {
        "rkeeper"
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        by_card(sale)
    }

    fn redeems(&self) -> bool {
        true
    }

    fn rolls_back(&self) -> bool {
        true
    }

    fn parts_back(&self) -> PartsBack {
        PartsBack::Never
    }

    fn external_id(&self, sale: &Sale) -> String {
        sale.id.to_uppercase()
    }

    fn ids(&self, item: &Item, _settings: &Value) -> (String, Option<String>) {
        (dish_id(item), Some(item.category.to_owned()))
    }

    fn before(&self, sale: &Sale) -> Vec<Message> {
        let Some(card) = &sale.card else {
            return Vec::new();
        };
        let body = format!(
            "{HEAD}<ROOT><QRY Card=\"{card}\" Restaurant=\"4\" UnitNo=\"2\">{}</QRY></ROOT>",
            check(sale, EDITING, sale.at)
        );
        vec![message(sale, Role::Asks, "GetCardInfoEx", body)]
    }

    fn may_redeem(&self, answer: &str) -> Option<Money> {
        let kopecks = attribute(answer, "Summa")?.parse().ok()?;
        Some(Money::from_kopecks(kopecks))
    }

    fn write_off(&self, _sale: &Sale) -> Option<Message> {
        None
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        packet(sale, PAYMENT, now)
    }

    fn after(&self, _sale: &Sale) -> Vec<Message> {
        Vec::new()
    }

    fn undo(&self, sale: &Sale, undo: &Undo, now: DateTime<Tz>) -> Message {
        let moment = match undo {
            Undo::RollBack => PAYMENT_ROLLBACK,
            Undo::Return | Undo::Pieces(..) => RETURN,
        };
        packet(sale, moment, now)
    }

    fn undo_return(&self, sale: &Sale, now: DateTime<Tz>) -> Option<Message> {
        Some(packet(sale, RETURN_ROLLBACK, now))
    }

    fn hear(&self, _message: &Message, status: u16, body: &str) -> Heard {
        match (status, attribute(body, "Result")) {
            (200, Some("0")) => Heard::Taken,
            // The cashier reads why, and presses once more.
            _ => Heard::Again(format!("{status} {body}")),
        }
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

fn message(sale: &Sale, role: Role, function: &str, body: String) -> Message {
    Message {
        role,
        method: "POST",
        path: function.to_owned(),
        content_type: "text/xml; charset=utf-8",
        body,
        sale: sale.number,
        fact: None,
    }
}

/// The transactions of a receipt with the receipt itself. An undo has all signs turned.
fn packet(sale: &Sale, moment: u8, now: DateTime<Tz>) -> Message {
    let sign = if matches!(moment, PAYMENT | RETURN_ROLLBACK) {
        1
    } else {
        -1
    };
    let transactions = match &sale.card {
        Some(card) => {
            let since = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default();
            let cash_day = (sale.at.date_naive() - since).num_days();
            let row = |kind: u8, kopecks: i64| {
                format!(
                    "<TransactionsEx Card=\"{card}\" PersonID=\"1\" Account=\"1\" Kind=\"{kind}\" Summa=\"{kopecks}\" \
                     Restaurant=\"4\" RKDate=\"{cash_day}\" RKUnit=\"2\" RKCheck=\"{}\" VatSumA=\"{}\" VatPrcA=\"2000\" \
                     VatSumB=\"0\" VatPrcB=\"0\"/>",
                    100_000 + sale.number,
                    sale.total().kopecks(),
                )
            };
            let redeemed = if sale.redeem.is_positive() {
                row(0, -sign * sale.redeem.kopecks())
            } else {
                String::new()
            };
            format!("{redeemed}{}", row(3, sign * sale.to_pay().kopecks()))
        }
        None => String::new(),
    };
    let body = format!(
        "{HEAD}<ROOT><Transactions>{transactions}</Transactions>{}</ROOT>",
        check(sale, moment, now)
    );
    message(sale, Role::Tells, "TransactionsEx", body)
}

fn check(sale: &Sale, moment: u8, now: DateTime<Tz>) -> String {
    let card = sale.card.as_deref().unwrap_or_default();
    let time = |at: DateTime<Tz>| at.format("%Y-%m-%dT%H:%M:%S").to_string();
    let opened = time(sale.at - chrono::Duration::minutes(40));
    let lines: String = sale.items.iter().enumerate().map(line).collect();
    let total = sale.total();
    let open = moment == EDITING;
    let (number, closed, payments) = if open {
        (0, String::new(), String::new())
    } else {
        (
            100_000 + sale.number,
            format!("closedatetime=\"{}\"", time(sale.at)),
            format!("<CHECKPAYMENTS count=\"2\">{}</CHECKPAYMENTS>", payments(sale)),
        )
    };
    let all_cards = match (&sale.card, open) {
        (Some(card), false) => format!("<ITEM cardcode=\"{card}\"/>"),
        _ => String::new(),
    };
    let guid = sale.id.to_uppercase();
    format!(
        "<INPBUF InpKind=\"1\"><CHECK stationcode=\"2\" restaurantcode=\"998870004\" cashservername=\"MID01\" \
         generateddatetime=\"{}\" chmode=\"{moment}\" locale=\"1049\" shiftdate=\"{}\" shiftnum=\"312\">\
         <EXTINFO reservation=\"\"><INTERFACES current=\"1002501\"><INTERFACE type=\"PDS\" id=\"1002501\" mode=\"1\" \
         interface=\"11\"><HOLDERS><ITEM cardcode=\"{card}\"/></HOLDERS><ALLCARDS>{all_cards}</ALLCARDS></INTERFACE>\
         </INTERFACES></EXTINFO><CHECKDATA checknum=\"{number}\" printnum=\"1\" fiscdocnum=\"0\" tablename=\"14\" \
         startservice=\"{opened}\" {closed} ordernum=\"{}/1\" guests=\"2\" orderguid=\"{{{guid}}}\" checkguid=\"{{{guid}}}\" \
         order_cat=\"1\" order_type=\"9001\" persistentcomment=\"\"><CHECKPERSONS count=\"1\"><PERSON \
         id=\"{{C0FFEE00-1111-4222-8333-444455556666}}\" name=\"Мария\" code=\"34\" role=\"7\"/></CHECKPERSONS>\
         <CHECKLINES count=\"{}\">{lines}</CHECKLINES><CHECKCATEGS count=\"1\"><CATEG id=\"0\" code=\"0\" name=\"\" \
         sum=\"{total}\" discsum=\"0\"/></CHECKCATEGS>{payments}</CHECKDATA></CHECK></INPBUF>",
        time(now),
        sale.at.format("%Y-%m-%d"),
        2000 + sale.number,
        sale.items.len(),
    )
}

fn line((index, item): (usize, &Item)) -> String {
    format!(
        "<LINE id=\"{{{}}}\" code=\"{}\" name=\"{}\" uni=\"{}\" type=\"dish\" price=\"{}\" pr_list_sum=\"{}\" \
         categ_id=\"{{{}}}\" servprint_id=\"\" quantity=\"{}\" sum=\"{}\"/>",
        dish_id(item),
        item.product,
        item.name,
        index + 4,
        item.price,
        item.price,
        item.category,
        item.pieces,
        item.amount(),
    )
}

/// The GUID of a dish, made of its code.
fn dish_id(item: &Item) -> String {
    format!("A1B2C3D4-0000-4A4A-9B9B-{:0>12}", item.product)
}

/// Bonuses, then a bank card.
fn payments(sale: &Sale) -> String {
    let card = sale.card.as_deref().unwrap_or_default();
    let bonuses = if sale.redeem.is_positive() {
        format!(
            "<PAYMENT id=\"{{9CA200F8-5961-4A6F-AE22-A095C65D1485}}\" code=\"10\" name=\"Бонусы\" uni=\"23\" paytype=\"3\" \
             interface=\"11\" cardcode=\"{card}\" account=\"1\" ownerinfo=\"\" exttransactioninfo=\"\" bsum=\"{0}\" sum=\"{0}\"/>",
            sale.redeem
        )
    } else {
        String::new()
    };
    format!(
        "{bonuses}<PAYMENT id=\"{{D7D5E50D-7246-4A71-939F-9B37AA300ACF}}\" code=\"4\" name=\"VISA\" uni=\"28\" paytype=\"2\" \
         bsum=\"{0}\" sum=\"{0}\"/>",
        sale.to_pay()
    )
}

/// The first attribute of this name in an answer.
fn attribute<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
