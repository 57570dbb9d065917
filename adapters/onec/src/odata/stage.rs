//! How far a round has come.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use kopilka_contract::{Delivery, percent_encoded};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::document::{key, rows};
use super::profile::{CardFields, DocumentFields, KindFields, PaymentFields, ProductFields, Profile};
use super::request::{Asked, KEYS, PAGE};
use super::settings::ODataSettings;
use crate::fields::is_guid;

/// A round between two steps.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stage {
    /// When it began.
    pub(super) began: DateTime<Utc>,
    /// Local time from which documents are looked at.
    pub(super) since: NaiveDateTime,
    /// Which kind of documents, by its place in the mapping.
    pub(super) kind: usize,
    /// So many documents of it were looked at.
    pub(super) skip: usize,
    /// The page that is worked on.
    pub(super) page: Option<Page>,
    /// What was asked and is not answered yet.
    pub(super) asked: Option<Asked>,
    /// Codes of cards by their keys; null: the base has no such card.
    cards: Map<String, Value>,
    /// Products by their keys; null: the base has no such product.
    products: Map<String, Value>,
    /// Names of kinds of payment by their keys; null: the base has no such kind.
    #[serde(default)]
    payment_kinds: Map<String, Value>,
}

/// What a document was like when it was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Its date.
    pub(super) date: NaiveDateTime,
    /// Its data version.
    version: String,
    /// How it stood.
    standing: String,
    /// How many times it had changed its standing under this version.
    turn: u8,
}

/// New and changed documents of a page.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Page {
    documents: Vec<Value>,
    /// There may be another page.
    more: bool,
}

impl Page {
    /// Sorts out what a base has sent. `seen` says what a document was like when it was last delivered.
    pub(super) fn of<'s>(
        values: Vec<Value>,
        fields: &DocumentFields,
        own: &ODataSettings,
        since: NaiveDateTime,
        seen: &dyn Fn(&str) -> Option<&'s Seen>,
    ) -> Self {
        let full = values.len() >= PAGE;
        let in_time = |document: &Value| date(document).is_some_and(|date| date >= since);
        // With no filter the newest come first: a page with an old one is the last that matters.
        let more = full && (own.filter || values.iter().all(in_time));
        let wanted = |document: &Value| {
            // What was never a receipt is no news. One that does not stand is, even unseen: another road may have told of it.
            match document["Ref_Key"].as_str().and_then(seen) {
                Some(known) => {
                    known.version != version(document) || known.standing != standing(document, fields)
                }
                None => !is_put_aside(document, fields),
            }
        };
        let of_shop = |document: &Value| match (&own.shop, &fields.shop) {
            (Some(shop), Some(field)) => document[field].as_str() == Some(shop.as_str()),
            _ => true,
        };
        let documents = values
            .into_iter()
            .filter(|d| in_time(d) && of_shop(d) && wanted(d))
            .collect();
        Page { documents, more }
    }

    /// The documents as messages, each with what it refers to.
    pub(super) fn deliveries(
        &self,
        fields: &DocumentFields,
        stage: &Stage,
        seen: &BTreeMap<String, Seen>,
    ) -> Vec<Delivery> {
        let only = |known: &Map<String, Value>, keys: BTreeSet<&str>| -> Map<String, Value> {
            keys.into_iter()
                .filter_map(|key| Some((key.to_owned(), known.get(key)?.clone())))
                .collect()
        };
        let delivery = |document: &Value| {
            let body = json!({
                "document": document,
                "cards": only(&stage.cards, key(document, fields.card.as_deref()).into_iter().collect()),
                "products": only(&stage.products, products(document, fields)),
                "paymentKinds": only(&stage.payment_kinds, payment_kinds(document, fields)),
            });
            let key = document["Ref_Key"].as_str().unwrap_or_default();
            let turn = seen.get(key).map_or(0, |seen| seen.turn);
            Delivery {
                path: super::DELIVERED.to_owned(),
                query: format!("entity={}&turn={turn}", percent_encoded(&fields.entity)),
                content_type: Some("application/json; charset=utf-8".to_owned()),
                body: body.to_string().into_bytes(),
            }
        };
        self.documents.iter().map(delivery).collect()
    }

    /// What to remember of the documents. `before`: what was remembered of them.
    pub(super) fn seen<'s>(
        &self,
        fields: &DocumentFields,
        before: &dyn Fn(&str) -> Option<&'s Seen>,
    ) -> BTreeMap<String, Seen> {
        let one = |document: &Value| {
            let key = document["Ref_Key"].as_str()?;
            let version = version(document);
            let same = before(key).filter(|before| before.version == version);
            let seen = Seen {
                date: date(document)?,
                version: version.to_owned(),
                standing: standing(document, fields),
                turn: same.map_or(0, |before| before.turn.saturating_add(1)),
            };
            Some((key.to_owned(), seen))
        };
        self.documents.iter().filter_map(one).collect()
    }
}

fn date(document: &Value) -> Option<NaiveDateTime> {
    let text = document["Date"].as_str()?;
    NaiveDateTime::parse_from_str(text.get(..19)?, "%Y-%m-%dT%H:%M:%S").ok()
}

fn stands(document: &Value) -> bool {
    document["Posted"] != false && document["DeletionMark"] != true
}

/// Put aside, or not printed yet: it will come again when it is.
fn is_put_aside(document: &Value, fields: &DocumentFields) -> bool {
    let by_status = fields.status.as_ref().is_some_and(|status| {
        let value = document[&status.field].as_str().unwrap_or_default();
        !status.taken.iter().any(|taken| taken == value)
    });
    by_status || fields.operation.of(document).is_none()
}

fn version(document: &Value) -> &str {
    document["DataVersion"].as_str().unwrap_or_default()
}

/// Whether it is posted, and its status.
fn standing(document: &Value, fields: &DocumentFields) -> String {
    let status = fields
        .status
        .as_ref()
        .map(|status| document[&status.field].as_str().unwrap_or_default());
    format!("{} {}", stands(document), status.unwrap_or_default())
}

fn products<'a>(document: &'a Value, fields: &DocumentFields) -> BTreeSet<&'a str> {
    rows(document, &fields.lines)
        .iter()
        .filter_map(|row| key(row, Some(&fields.product)))
        .collect()
}

/// Keys of the kinds of a document's payments, where they are keys.
fn payment_kinds<'a>(document: &'a Value, fields: &DocumentFields) -> BTreeSet<&'a str> {
    let of_part = |part: &'_ PaymentFields| -> Vec<&'a str> {
        let rows = rows(document, &part.part).iter();
        let keys = rows.filter_map(|row| key(row, part.kind.as_deref()));
        keys.filter(|key| is_guid(key)).collect()
    };
    fields.payments.iter().flat_map(of_part).collect()
}

impl Stage {
    pub(super) fn new(began: DateTime<Utc>, since: NaiveDateTime) -> Self {
        Stage {
            began,
            since,
            kind: 0,
            skip: 0,
            page: None,
            asked: None,
            cards: Map::new(),
            products: Map::new(),
            payment_kinds: Map::new(),
        }
    }

    /// What must be asked before the page can be delivered.
    pub(super) fn unknown(&self, page: &Page, fields: &DocumentFields, profile: &Profile) -> Option<Asked> {
        let cards = page
            .documents
            .iter()
            .filter_map(|document| key(document, fields.card.as_deref()));
        let cards = missing(cards, &self.cards);
        if !cards.is_empty() {
            return Some(Asked::Cards(cards));
        }
        let products = page
            .documents
            .iter()
            .flat_map(|document| products(document, fields));
        let products = missing(products, &self.products);
        if !products.is_empty() {
            return Some(Asked::Products(products));
        }
        profile.payment_kinds.as_ref()?;
        let kinds = page
            .documents
            .iter()
            .flat_map(|document| payment_kinds(document, fields));
        let kinds = missing(kinds, &self.payment_kinds);
        (!kinds.is_empty()).then_some(Asked::PaymentKinds(kinds))
    }

    pub(super) fn learn_cards(&mut self, keys: &[String], values: &[Value], fields: &CardFields) {
        for key in keys {
            let card = values.iter().find(|value| value["Ref_Key"] == key.as_str());
            let codes = card.map(|card| fields.code.iter().filter_map(|field| card[field].as_str()));
            let code = codes.and_then(|mut codes| codes.find(|code| !code.trim().is_empty()));
            self.cards.insert(key.clone(), json!(code));
        }
    }

    pub(super) fn learn_products(&mut self, keys: &[String], values: &[Value], fields: &ProductFields) {
        for key in keys {
            let product = values.iter().find(|value| value["Ref_Key"] == key.as_str());
            let known = product
                .map(|product| json!({"name": product[&fields.name], "groupId": product[&fields.group]}));
            self.products.insert(key.clone(), json!(known));
        }
    }

    pub(super) fn learn_payment_kinds(&mut self, keys: &[String], values: &[Value], fields: &KindFields) {
        for key in keys {
            let kind = values.iter().find(|value| value["Ref_Key"] == key.as_str());
            let name = kind.and_then(|kind| kind[&fields.name].as_str());
            self.payment_kinds.insert(key.clone(), json!(name));
        }
    }

    /// The page is done with: the next one, or the next kind of documents.
    pub(super) fn turn_page(&mut self) {
        let more = self.page.take().is_some_and(|page| page.more);
        if more {
            self.skip += PAGE;
        } else {
            self.kind += 1;
            self.skip = 0;
        }
    }
}

/// The first keys of which nothing is known yet.
fn missing<'a>(keys: impl Iterator<Item = &'a str>, known: &Map<String, Value>) -> Vec<String> {
    let keys: BTreeSet<&str> = keys.filter(|key| !known.contains_key(*key)).collect();
    keys.into_iter().take(KEYS).map(str::to_owned).collect()
}
