//! 1C whose base is asked over OData. The till speaks to the loyalty server; every receipt stands in the base, and an extension
//! pushes one of three besides: both roads tell of one receipt. Documents are unposted and posted again, in a new version of
//! their data or in the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration};
use chrono_tz::Tz;
use kopilka_contract::Money;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::dialect::{Dialect, GuestName, Heard, Item, Message, PartsBack, Role, Sale, Undo, number};
use super::onec::{OneC, back, data_version};
use super::vendor::{Question, Vendor};
use crate::clock::{Clock, SystemClock};
use crate::domain::Timestamp;

/// The till with its base.
#[derive(Debug)]
pub(super) struct OneCOData;

const DOCUMENTS: &str = "Document_ЧекККМ";
const CARDS: &str = "Catalog_ИнформационныеКарты";
const PRODUCTS: &str = "Catalog_Номенклатура";
const NONE: &str = "00000000-0000-0000-0000-000000000000";
/// Every so many calls the base fails.
const TROUBLE_EVERY: u32 = 23;

impl Dialect for OneCOData {
    fn kind(&self) -> &'static str {
        OneC.kind()
    }

    fn name(&self) -> &'static str {
        "onec-odata"
    }

    fn guest<'a>(&self, sale: &'a Sale) -> Option<GuestName<'a>> {
        OneC.guest(sale)
    }

    fn redeems(&self) -> bool {
        true
    }

    fn rolls_back(&self) -> bool {
        true
    }

    fn parts_back(&self) -> PartsBack {
        PartsBack::Return
    }

    fn corrects_returns(&self) -> bool {
        OneC.corrects_returns()
    }

    fn login(&self, message: &Message) -> Option<String> {
        OneC.login(message)
    }

    fn tells_first(&self, sale: &Sale) -> bool {
        OneC.tells_first(sale)
    }

    fn external_id(&self, sale: &Sale) -> String {
        OneC.external_id(sale)
    }

    fn ids(&self, item: &Item, settings: &Value) -> (String, Option<String>) {
        OneC.ids(item, settings)
    }

    fn before(&self, sale: &Sale) -> Vec<Message> {
        OneC.before(sale)
    }

    fn may_redeem(&self, answer: &str) -> Option<Money> {
        OneC.may_redeem(answer)
    }

    fn write_off(&self, sale: &Sale) -> Option<Message> {
        OneC.write_off(sale)
    }

    fn close(&self, sale: &Sale, now: DateTime<Tz>) -> Message {
        let fact = document(sale, &sale.id, version(sale, now), sale.at);
        told(sale, is_pushed(sale), OneC.close(sale, now), fact)
    }

    fn after(&self, sale: &Sale) -> Vec<Message> {
        OneC.after(sale)
    }

    fn undo(&self, sale: &Sale, undo: &Undo, now: DateTime<Tz>) -> Message {
        if *undo == Undo::RollBack {
            let mut unposted = document(sale, &sale.id, version(sale, now), sale.at);
            unposted["Posted"] = json!(false);
            let mut message = OneC.close(sale, now);
            message.body = message.body.replacen('{', "{\"posted\":false,", 1);
            return told(sale, is_pushed(sale), message, unposted);
        }
        let (id, pieces) = back(sale, undo);
        let mut returned = sale.clone();
        for (item, pieces) in returned.items.iter_mut().zip(pieces) {
            item.pieces = pieces;
            item.redeemed = Money::ZERO;
        }
        returned.items.retain(|item| item.pieces > 0);
        returned.redeem = Money::ZERO;
        // It keeps its date, however often it is written.
        let dated = sale.at + Duration::minutes(10);
        let mut document = document(&returned, &id, data_version(now), dated);
        document["ВидОперации"] = json!("Возврат");
        document["ЧекККМПродажа_Key"] = json!(sale.id);
        // By the same road as its sale or by the other one only, whichever comes first.
        let pushed = sale.number.is_multiple_of(2);
        told(sale, pushed, OneC.undo(sale, undo, now), document)
    }

    fn hear(&self, message: &Message, status: u16, body: &str) -> Heard {
        OneC.hear(message, status, body)
    }

    fn vendor(&self) -> Option<Arc<dyn Vendor>> {
        Some(Arc::new(Base::default()))
    }
}

fn is_pushed(sale: &Sale) -> bool {
    sale.number.is_multiple_of(3)
}

/// What a base does to `DataVersion` when it only posts is not documented: here half of its documents keep it.
fn version(sale: &Sale, now: DateTime<Tz>) -> String {
    let keeps = !is_pushed(sale) && sale.number.is_multiple_of(2);
    data_version(if keeps { sale.at } else { now })
}

/// The document in the base, with the push of it where there is one.
fn told(sale: &Sale, pushed: bool, push: Message, document: Value) -> Message {
    let products = sale.items.iter().map(|item| {
        (
            item.product.clone(),
            json!({"name": item.name, "group": item.category}),
        )
    });
    let fact = json!({
        "document": document, "card": sale.card, "products": products.collect::<serde_json::Map<_, _>>(),
    });
    Message {
        role: if pushed { push.role } else { Role::Shows },
        fact: Some(fact),
        ..push
    }
}

/// A card's reference in the base.
fn card_key(card: &str) -> String {
    format!("3d4e5f60-90ab-11f0-8d3a-{card:0>12}")
}

fn document(sale: &Sale, id: &str, version: String, dated: DateTime<Tz>) -> Value {
    let line = |(index, item): (usize, &Item)| {
        json!({
            "Ref_Key": id, "LineNumber": (index + 1).to_string(), "Номенклатура_Key": item.product,
            "Характеристика_Key": NONE, "Количество": item.pieces, "Цена": number(item.price),
            "Сумма": number(item.amount() - item.redeemed), "СуммаСкидкиОплатыБонусом": number(item.redeemed),
        })
    };
    let phone = sale.phone.as_deref().unwrap_or_default();
    json!({
        "Ref_Key": id, "DataVersion": version, "DeletionMark": false, "Number": format!("МГ00-{:06}", sale.number),
        "Date": dated.format("%Y-%m-%dT%H:%M:%S").to_string(), "Posted": true, "ВидОперации": "Продажа",
        "СтатусЧекаККМ": "Пробитый", "ЧекККМПродажа_Key": NONE, "КассаККМ_Key": "2c3d4e5f-90ab-11f0-8d3a-00155d0a0103",
        "НомерСменыККМ": 218, "НомерЧекаККМ": sale.number.to_string(),
        "ДисконтнаяКарта_Key": sale.card.as_deref().map_or(NONE.to_owned(), card_key),
        "Телефон": phone.trim_start_matches("+7"), "СуммаДокумента": number(sale.to_pay()),
        "Товары": sale.items.iter().enumerate().map(line).collect::<Vec<_>>(),
        "Оплата": [{"LineNumber": "1", "ВидОплаты_Key": "6a718293-90ab-11f0-8d3a-00155d0a0107", "Сумма": number(sale.to_pay())}],
    })
}

/// The base.
#[derive(Debug, Default)]
struct Base(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    /// By their date, then their reference.
    documents: BTreeMap<(String, String), Document>,
    cards: BTreeMap<String, String>,
    products: BTreeMap<String, Value>,
    calls: u32,
}

/// A document as it stands.
#[derive(Debug)]
struct Document {
    content: Value,
    /// When a page first had it so.
    shown_at: Option<Timestamp>,
}

impl Base {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vendor for Base {
    fn happened(&self, fact: &Value) {
        let mut contents = self.contents();
        let document = &fact["document"];
        let of = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        if let Some(card) = fact["card"].as_str() {
            contents.cards.insert(card_key(card), card.to_owned());
        }
        for (product, known) in fact["products"].as_object().into_iter().flatten() {
            contents.products.insert(product.clone(), known.clone());
        }
        let document = Document {
            content: document.clone(),
            shown_at: None,
        };
        contents.documents.insert((of("Date"), of("Ref_Key")), document);
    }

    fn answer(&self, question: &Question) -> (u16, String) {
        let mut contents = self.contents();
        contents.calls += 1;
        let login = format!("Basic {}", STANDARD.encode("simulator:simulator"));
        if question.authorization != login {
            return (401, String::new());
        }
        if contents.calls.is_multiple_of(TROUBLE_EVERY) {
            let said =
                json!({"code": "0", "message": {"lang": "ru", "value": "Ошибка при выполнении запроса"}});
            return (500, json!({"odata.error": said}).to_string());
        }
        let query = Asked::of(&question.query);
        let entity = percent_decode_str(question.path.trim_start_matches("/odata/standard.odata/"));
        let values = match &*entity.decode_utf8_lossy() {
            DOCUMENTS => contents.page(&query),
            CARDS => contents.cards_of(&query.keys),
            PRODUCTS => contents.products_of(&query.keys),
            _ => return (404, json!({"odata.error": {"code": "8"}}).to_string()),
        };
        (
            200,
            json!({"odata.metadata": "$metadata", "value": values}).to_string(),
        )
    }

    fn shown_since(&self) -> Option<Timestamp> {
        let contents = self.contents();
        let shown = contents.documents.values().map(|document| document.shown_at);
        shown
            .collect::<Option<Vec<Timestamp>>>()
            .map(|times| times.into_iter().max().unwrap_or_default())
    }

    fn settings(&self, address: &str) -> Value {
        json!({"odata": {
            "url": format!("{address}/odata/standard.odata"), "user": "simulator", "password": "simulator",
            "configuration": "retail_2", "every_seconds": 5, "allow_http": true,
        }})
    }
}

impl Contents {
    fn page(&mut self, asked: &Asked) -> Vec<Value> {
        let now = SystemClock.now();
        let wanted = self
            .documents
            .range_mut((asked.since.clone(), String::new())..)
            .skip(asked.skip)
            .take(asked.top);
        let show = |document: &mut Document| {
            document.shown_at.get_or_insert(now);
            document.content.clone()
        };
        wanted.map(|(_, document)| show(document)).collect()
    }

    fn cards_of(&self, keys: &BTreeSet<String>) -> Vec<Value> {
        let found = self.cards.iter().filter(|(key, _)| keys.contains(*key));
        found
            .map(|(key, code)| json!({"Ref_Key": key, "КодКарты": code}))
            .collect()
    }

    fn products_of(&self, keys: &BTreeSet<String>) -> Vec<Value> {
        let found = self.products.iter().filter(|(key, _)| keys.contains(*key));
        found
            .map(|(key, known)| json!({"Ref_Key": key, "Description": known["name"], "Parent_Key": known["group"]}))
            .collect()
    }
}

/// What a query asks for.
#[derive(Debug, Default)]
struct Asked {
    /// Documents from this moment on.
    since: String,
    /// Things with these references.
    keys: BTreeSet<String>,
    skip: usize,
    top: usize,
}

impl Asked {
    fn of(query: &str) -> Self {
        let mut asked = Asked::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = percent_decode_str(value).decode_utf8_lossy();
            match &*percent_decode_str(name).decode_utf8_lossy() {
                "$skip" => asked.skip = value.parse().unwrap_or_default(),
                "$top" => asked.top = value.parse().unwrap_or_default(),
                "$filter" => {
                    let quoted = |word: &str| -> Vec<String> {
                        let parts = value.split(word).skip(1);
                        parts
                            .filter_map(|part| Some(part.split_once('\'')?.0.to_owned()))
                            .collect()
                    };
                    asked.since = quoted("datetime'").pop().unwrap_or_default();
                    asked.keys = quoted(" guid'").into_iter().collect();
                }
                _ => {}
            }
        }
        asked
    }
}
