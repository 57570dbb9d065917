//! r_keeper 7: FarCards over HTTP. The card is read while the order is open; one packet pays, rolls back or returns. Some
//! receipts are paid by two cards: all of it is done or nothing. Sites differ in whether the sums of lines hold what bonuses paid.

use chrono::{DateTime, Duration, NaiveDate};
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Value, json};

use super::dialect::{Dialect, GuestName, Heard, Item, Message, PartsBack, Payer, Role, Sale, Undo, by_card};

/// The till.
#[derive(Debug)]
pub(super) struct RKeeper {
    /// The sums of lines come without what bonuses paid of them.
    pub(super) net: bool,
}

/// A card that nobody has.
const NOBODYS_CARD: &str = "2799999999999";
/// The currency that is our bonuses.
const BONUSES: &str = "9CA200F8-5961-4A6F-AE22-A095C65D1485";

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

    fn name(&self) -> &'static str {
        if self.net { "rkeeper-net" } else { self.kind() }
    }

    fn settings(&self) -> Value {
        json!({"lines_net_of_bonuses": self.net})
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        by_card(sale)
    }

    fn redeems(&self) -> bool {
        true
    }

    fn takes_payers(&self, _sale: &Sale) -> bool {
        true
    }

    /// The second card is mistaken for one that nobody has: then the first one pays nothing either.
    fn prepares(&self, sale: &Sale) -> Vec<Message> {
        let mistaken = sale.payer.clone().map(|payer| Payer {
            card: NOBODYS_CARD.to_owned(),
            ..payer
        });
        let attempt = mistaken.map(|payer| Sale {
            payer: Some(payer),
            ..sale.clone()
        });
        let moment = sale.at - Duration::seconds(30);
        let asked = attempt.map(|attempt| self.packet(Role::Asks, &attempt, PAYMENT, moment));
        asked.into_iter().collect()
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
            self.check(sale, EDITING, sale.at)
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
        self.packet(Role::Tells, sale, PAYMENT, now)
    }

    fn after(&self, _sale: &Sale) -> Vec<Message> {
        Vec::new()
    }

    fn undo(&self, sale: &Sale, undo: &Undo, now: DateTime<Tz>) -> Message {
        let moment = match undo {
            Undo::RollBack => PAYMENT_ROLLBACK,
            Undo::Return | Undo::Pieces(..) => RETURN,
        };
        self.packet(Role::Tells, sale, moment, now)
    }

    fn undo_return(&self, sale: &Sale, now: DateTime<Tz>) -> Option<Message> {
        Some(self.packet(Role::Tells, sale, RETURN_ROLLBACK, now))
    }

    fn hear(&self, message: &Message, status: u16, body: &str) -> Heard {
        let mistaken = message.body.contains(NOBODYS_CARD);
        match (status, attribute(body, "Result")) {
            (200, Some("0")) if mistaken => {
                Heard::Refused(format!("a card that nobody has has paid: {body}"))
            }
            (200, Some("1")) if mistaken => Heard::Taken,
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

impl RKeeper {
    /// The transactions of a receipt with the receipt itself. An undo has all signs turned.
    fn packet(&self, role: Role, sale: &Sale, moment: u8, now: DateTime<Tz>) -> Message {
        let sign = if matches!(moment, PAYMENT | RETURN_ROLLBACK) {
            1
        } else {
            -1
        };
        let transactions = sale.card.as_ref().map_or(String::new(), |card| {
            let paid = paid_by_cards(sale);
            let paid = paid.map(|(card, part)| row(sale, card, 0, -sign * part.kopecks()));
            paid.collect::<String>() + &row(sale, card, 3, sign * sale.to_pay().kopecks())
        });
        let body = format!(
            "{HEAD}<ROOT><Transactions>{transactions}</Transactions>{}</ROOT>",
            self.check(sale, moment, now)
        );
        message(sale, role, "TransactionsEx", body)
    }

    fn check(&self, sale: &Sale, moment: u8, now: DateTime<Tz>) -> String {
        let time = |at: DateTime<Tz>| at.format("%Y-%m-%dT%H:%M:%S").to_string();
        let opened = time(sale.at - Duration::minutes(40));
        let open = moment == EDITING;
        let net = self.net && !open;
        let lines = sale.items.iter().enumerate();
        let lines: String = lines.map(|(index, item)| line(index, item, net)).collect();
        let (number, closed, payments) = if open {
            (0, String::new(), String::new())
        } else {
            (
                100_000 + sale.number,
                format!("closedatetime=\"{}\"", time(sale.at)),
                format!("<CHECKPAYMENTS count=\"2\">{}</CHECKPAYMENTS>", payments(sale)),
            )
        };
        let payer = sale.payer.as_ref().map(|payer| &payer.card);
        let cards = sale.card.iter().chain(payer.filter(|_| !open));
        let cards: String = cards.map(|card| format!("<ITEM cardcode=\"{card}\"/>")).collect();
        let all_cards = if open { "" } else { &cards };
        let guid = sale.id.to_uppercase();
        format!(
            "<INPBUF InpKind=\"1\"><CHECK stationcode=\"2\" restaurantcode=\"998870004\" cashservername=\"MID01\" \
             generateddatetime=\"{}\" chmode=\"{moment}\" locale=\"1049\" shiftdate=\"{}\" shiftnum=\"312\">\
             <EXTINFO reservation=\"\"><INTERFACES current=\"1002501\"><INTERFACE type=\"PDS\" id=\"1002501\" mode=\"1\" \
             interface=\"11\"><HOLDERS>{cards}</HOLDERS><ALLCARDS>{all_cards}</ALLCARDS></INTERFACE>\
             </INTERFACES></EXTINFO><CHECKDATA checknum=\"{number}\" printnum=\"1\" fiscdocnum=\"0\" tablename=\"14\" \
             startservice=\"{opened}\" {closed} ordernum=\"{}/1\" guests=\"2\" orderguid=\"{{{guid}}}\" checkguid=\"{{{guid}}}\" \
             order_cat=\"1\" order_type=\"9001\" persistentcomment=\"\"><CHECKPERSONS count=\"1\"><PERSON \
             id=\"{{C0FFEE00-1111-4222-8333-444455556666}}\" name=\"Мария\" code=\"34\" role=\"7\"/></CHECKPERSONS>\
             <CHECKLINES count=\"{}\">{lines}</CHECKLINES><CHECKCATEGS count=\"1\"><CATEG id=\"0\" code=\"0\" name=\"\" \
             sum=\"{}\" discsum=\"0\"/></CHECKCATEGS>{payments}</CHECKDATA></CHECK></INPBUF>",
            time(now),
            sale.at.format("%Y-%m-%d"),
            2000 + sale.number,
            sale.items.len(),
            sale.total(),
        )
    }
}

/// What each card pays with bonuses, those of the receipt's own guest first.
fn paid_by_cards(sale: &Sale) -> impl Iterator<Item = (&str, Money)> {
    let of_payer = sale.payer.as_ref().map(|payer| (payer.card.as_str(), payer.part));
    let by_other = of_payer.map_or(Money::ZERO, |(_, part)| part);
    let own = sale.card.as_deref().map(|card| (card, sale.redeem - by_other));
    own.into_iter()
        .chain(of_payer)
        .filter(|(_, part)| part.is_positive())
}

/// A transaction.
fn row(sale: &Sale, card: &str, kind: u8, kopecks: i64) -> String {
    let since = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default();
    let cash_day = (sale.at.date_naive() - since).num_days();
    format!(
        "<TransactionsEx Card=\"{card}\" PersonID=\"1\" Account=\"1\" Kind=\"{kind}\" Summa=\"{kopecks}\" \
         Restaurant=\"4\" RKDate=\"{cash_day}\" RKUnit=\"2\" RKCheck=\"{}\" VatSumA=\"{}\" VatPrcA=\"2000\" \
         VatSumB=\"0\" VatPrcB=\"0\"/>",
        100_000 + sale.number,
        sale.total().kopecks(),
    )
}

/// A dish. What bonuses paid of it stands apart where its sum is net of that.
fn line(index: usize, item: &Item, net: bool) -> String {
    let apart = Some(item.redeemed).filter(|part| net && part.is_positive());
    let paid = apart.map_or(String::new(), |part| {
        format!("<LINEPAYMENTS><LINEPAYMENT id=\"{{{BONUSES}}}\" sum=\"{part}\"/></LINEPAYMENTS>")
    });
    format!(
        "<LINE id=\"{{{}}}\" code=\"{}\" name=\"{}\" uni=\"{}\" type=\"dish\" price=\"{}\" pr_list_sum=\"{}\" \
         categ_id=\"{{{}}}\" servprint_id=\"\" quantity=\"{}\" sum=\"{}\">{paid}</LINE>",
        dish_id(item),
        item.product,
        item.name,
        index + 4,
        item.price,
        item.price,
        item.category,
        item.pieces,
        item.amount() - apart.unwrap_or_default(),
    )
}

/// The GUID of a dish, made of its code.
fn dish_id(item: &Item) -> String {
    format!("A1B2C3D4-0000-4A4A-9B9B-{:0>12}", item.product)
}

/// Bonuses of each card, then a bank card.
fn payments(sale: &Sale) -> String {
    let bonuses = paid_by_cards(sale).zip(23..).map(|((card, part), uni)| {
        format!(
            "<PAYMENT id=\"{{{BONUSES}}}\" code=\"10\" name=\"Бонусы\" uni=\"{uni}\" paytype=\"3\" interface=\"11\" \
             cardcode=\"{card}\" account=\"1\" ownerinfo=\"\" exttransactioninfo=\"\" bsum=\"{part}\" sum=\"{part}\"/>"
        )
    });
    format!(
        "{}<PAYMENT id=\"{{D7D5E50D-7246-4A71-939F-9B37AA300ACF}}\" code=\"4\" name=\"VISA\" uni=\"28\" paytype=\"2\" \
         bsum=\"{1}\" sum=\"{1}\"/>",
        bonuses.collect::<String>(),
        sale.to_pay()
    )
}

/// The first attribute of this name in an answer.
fn attribute<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
