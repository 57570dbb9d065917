//! 1C: the loyalty server's dialogue at the till (find and lock, write off, unlock), and receipts in JSON from the base.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use chrono_tz::Tz;
use kopilka_contract::Money;
use serde_json::{Value, json};

use super::dialect::{
    Dialect, GuestName, Heard, Item, Message, PartsBack, Role, Sale, Undo, by_card, by_phone, number,
};

/// The till with its base.
#[derive(Debug)]
pub(super) struct OneC;

impl Dialect for OneC {
    fn kind(&self) -> &'static str {
        "onec"
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        by_card(sale).or_else(|| by_phone(sale))
    }

    fn redeems(&self) -> bool {
        true
    }

    fn rolls_back(&self) -> bool {
        false
    }

    fn parts_back(&self) -> PartsBack {
        PartsBack::Return
    }

    fn corrects_returns(&self) -> bool {
        true
    }

    /// Three tills, one after the other.
    fn login(&self, message: &Message) -> Option<String> {
        Some(format!("Касса {}", 1 + message.sale % 3))
    }

    fn tells_first(&self, sale: &Sale) -> bool {
        sale.number.is_multiple_of(4)
    }

    fn external_id(&self, sale: &Sale) -> String {
        sale.id.clone()
    }

    fn ids(&self, item: &Item, settings: &Value) -> (String, Option<String>) {
        let none = settings.get("category_source").and_then(Value::as_str) == Some("none");
        (item.product.clone(), (!none).then(|| item.category.to_owned()))
    }

    fn before(&self, sale: &Sale) -> Vec<Message> {
        let found = |card: &String| {
            let query = format!("ClientCardID={card}&Phone=&Email=&BlockBonuses=1&ClientGUID=&CardGUID=");
            loyalty_server(sale, Role::Asks, "GET", "findclientcard", &query)
        };
        sale.card.iter().map(found).collect()
    }

    fn may_redeem(&self, answer: &str) -> Option<Money> {
        let answer: Value = answer.parse().ok()?;
        let locked = &answer["LoyaltyCardsList"][0]["BonusData"]["BonusCount"];
        Money::parse_rounded(&locked.to_string()).ok()
    }

    fn write_off(&self, sale: &Sale) -> Option<Message> {
        let card = sale.card.as_ref()?;
        let amount = sale.redeem.to_string().replace('.', ",");
        let query = changing(card, &amount);
        Some(loyalty_server(
            sale,
            Role::Once,
            "POST",
            "writeoffclientbonuses",
            &query,
        ))
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        let lines: Vec<Value> = sale.items.iter().zip(line_ids(&sale.items)).map(sold).collect();
        let mut document = document(sale, &sale.id, now, sale.at);
        let own = json!({
            "documentType": "ЧекККМ",
            "operation": "Продажа",
            "total": number(sale.to_pay()),
            "lines": lines,
            "payments": [{"type": "ПлатежнаяКарта", "amount": number(sale.to_pay())}],
            "bonus": {"spent": number(sale.redeem), "program": "Основная"},
        });
        join(&mut document, own);
        receipt(sale, &document)
    }

    fn after(&self, sale: &Sale) -> Vec<Message> {
        let unlock = |card: &String| {
            loyalty_server(
                sale,
                Role::Asks,
                "POST",
                "unlockclientbonuses",
                &changing(card, ""),
            )
        };
        sale.card.iter().map(unlock).collect()
    }

    /// A return names the lines of its sale, or only products, or it stands in a file.
    fn undo(&self, sale: &Sale, undo: &Undo, now: DateTime<Tz>) -> Message {
        let (id, pieces) = back(sale, undo);
        if sale.number % 3 == 1 {
            return in_a_file(sale, &id, &pieces, now);
        }
        let by_line = sale.number % 3 == 2;
        let lines: Vec<Value> = sale
            .items
            .iter()
            .zip(line_ids(&sale.items))
            .zip(pieces)
            .filter(|(_, pieces)| *pieces > 0)
            .map(|((item, line_id), pieces)| {
                let amount = Money::from_kopecks(item.price.kopecks() * pieces);
                json!({
                    "saleLineId": by_line.then_some(line_id), "item": {"id": item.product, "name": item.name},
                    "quantity": pieces, "price": number(item.price), "amount": number(amount),
                })
            })
            .collect();
        let mut document = document(sale, &id, now, now);
        let own = json!({
            "documentType": "ЧекККМВозврат",
            "operation": "Возврат",
            "saleDocumentId": sale.id,
            "lines": lines,
        });
        join(&mut document, own);
        receipt(sale, &document)
    }

    fn hear(&self, message: &Message, status: u16, body: &str) -> Heard {
        if status != 200 {
            return Heard::Again(format!("{status} {body}"));
        }
        if message.path == FILE {
            return match body.strip_prefix("success") {
                Some(rest) if rest.ends_with("не принято: 0") => Heard::Taken,
                Some(_) => Heard::Refused(body.to_owned()),
                None => Heard::Again(body.to_owned()),
            };
        }
        let answer: Value = body.parse().unwrap_or_default();
        if message.path.starts_with("v1/") {
            let taken = ["accepted", "updated", "duplicate", "stale"]
                .iter()
                .any(|status| answer["status"] == *status);
            return match taken {
                true => Heard::Taken,
                false if answer["retryable"] == true => Heard::Again(body.to_owned()),
                false => Heard::Refused(body.to_owned()),
            };
        }
        let done = ["Бонусы успешно списаны", "Бонусы разблокированы"].contains(&body.trim())
            || answer["Error"] == false;
        if done {
            Heard::Taken
        } else {
            Heard::Again(body.to_owned())
        }
    }
}

/// The id of a return, another document of the same base, and how many pieces of each item it brings back.
pub(super) fn back(sale: &Sale, undo: &Undo) -> (String, Vec<i64>) {
    let all = || sale.items.iter().map(|item| item.pieces).collect();
    let (part, pieces) = match undo {
        Undo::Pieces(part, pieces) => (*part, pieces.clone()),
        Undo::RollBack | Undo::Return => (0, all()),
    };
    // Only the first block of its GUID differs.
    let id = format!("{:08x}{}", part + 1, sale.id.get(8..).unwrap_or_default());
    (id, pieces)
}

/// Eight bytes that grow with the time, as 1C writes them.
pub(super) fn data_version(at: DateTime<Tz>) -> String {
    STANDARD.encode(at.timestamp_millis().to_be_bytes())
}

fn loyalty_server(sale: &Sale, role: Role, verb: &'static str, method: &str, query: &str) -> Message {
    Message {
        role,
        method: verb,
        path: format!("hs/loyaltyservice/{method}/?{query}"),
        content_type: "text/plain",
        body: String::new(),
        sale: sale.number,
        fact: None,
    }
}

/// The parameters of what changes a card's bonuses: all of them, every time.
fn changing(card: &str, amount: &str) -> String {
    format!(
        "ClientCardID={card}&CardGUID=&Phone=&Email=&Client=&Store=&GiftCardNumber=&GiftCardUID=&BonusesCount={amount}\
         &GiftCardWriteOffAmount=&Promocode=&DateOfBirth=&ClientCardTypeUID=&Currency=&GenerateNumber="
    )
}

fn receipt(sale: &Sale, document: &Value) -> Message {
    Message {
        role: Role::Tells,
        method: "POST",
        path: "v1/receipts".to_owned(),
        content_type: "application/json",
        body: document.to_string(),
        sale: sale.number,
        fact: None,
    }
}

/// Where a file of CommerceML goes.
const FILE: &str = "v1/commerceml";

/// A return as a file of CommerceML.
fn in_a_file(sale: &Sale, id: &str, pieces: &[i64], now: DateTime<Tz>) -> Message {
    let row = |(item, pieces): (&Item, &i64)| {
        let amount = Money::from_kopecks(item.price.kopecks() * pieces);
        format!(
            "<Товар><Ид>{}</Ид><Наименование>{}</Наименование><Количество>{pieces}</Количество><Сумма>{amount}</Сумма></Товар>",
            item.product, item.name
        )
    };
    let returned = sale.items.iter().zip(pieces).filter(|(_, pieces)| **pieces > 0);
    let rows: String = returned.map(row).collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><КоммерческаяИнформация ВерсияСхемы=\"2.08\" ДатаФормирования=\"{at}\"><Документ>\
         <Ид>{id}</Ид><Номер>МГ00-{number:06}</Номер><Дата>{day}</Дата><Время>{time}</Время>\
         <ХозОперация>Возврат товара</ХозОперация><Товары>{rows}</Товары><ЗначенияРеквизитов><ЗначениеРеквизита>\
         <Наименование>ЧекПродажи</Наименование><Значение>{sale}</Значение></ЗначениеРеквизита></ЗначенияРеквизитов></Документ>\
         </КоммерческаяИнформация>",
        at = now.format("%Y-%m-%dT%H:%M:%S"),
        day = now.format("%Y-%m-%d"),
        time = now.format("%H:%M:%S"),
        number = sale.number,
        sale = sale.id,
    );
    Message {
        role: Role::Tells,
        method: "POST",
        path: FILE.to_owned(),
        content_type: "application/xml",
        body,
        sale: sale.number,
        fact: None,
    }
}

/// Ids of lines as an extension makes them: the product, and where it stands again, which time that is.
fn line_ids(items: &[Item]) -> Vec<String> {
    let id = |(at, item): (usize, &Item)| {
        let before = items
            .iter()
            .take(at)
            .filter(|other| other.product == item.product)
            .count();
        match before {
            0 => item.product.clone(),
            before => format!("{}/{}", item.product, before + 1),
        }
    };
    items.iter().enumerate().map(id).collect()
}

/// What documents have in common.
fn document(sale: &Sale, id: &str, now: DateTime<Tz>, dated: DateTime<Tz>) -> Value {
    json!({
        "base": "simulator",
        "documentId": id,
        "dataVersion": data_version(now),
        "number": format!("МГ00-{:06}", sale.number),
        "date": dated.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "shop": {"id": "1b2c3d4e-90ab-11f0-8d3a-00155d0a0102", "name": "Лавка"},
        "register": {"id": "2c3d4e5f-90ab-11f0-8d3a-00155d0a0103", "name": "Касса 1"},
        "shiftNumber": 218,
        "receiptNumber": sale.number,
        "cashier": "Орлова Н.",
        "card": {"code": sale.card.as_deref().unwrap_or_default(), "id": "00000000-0000-0000-0000-000000000000"},
        "phone": sale.phone.as_deref().unwrap_or_default(),
        "currency": "643",
    })
}

fn join(document: &mut Value, own: Value) {
    if let (Value::Object(document), Value::Object(own)) = (document, own) {
        document.extend(own);
    }
}

fn sold((item, line_id): (&Item, String)) -> Value {
    json!({
        "lineId": line_id,
        "item": {"id": item.product, "name": item.name, "groupId": item.category},
        "quantity": item.pieces, "price": number(item.price), "amountBeforeDiscount": number(item.amount()),
        "autoDiscount": 0, "manualDiscount": 0, "bonusDiscount": number(item.redeemed),
        "amount": number(item.amount() - item.redeemed), "vatRate": "НДС20",
    })
}
