//! A base of 1C that a test answers for, and a shop with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use chrono::Duration;
use kopilka::pos::ADAPTERS;
use kopilka::storage::Store;
use kopilka::worker::polling::{VendorClient, poll_due};
use serde_json::{Value, json};

use super::Till;
use crate::api::client::Service;

pub const CARD: &str = "2900000001734";
pub const SALE: &str = "7c1f2a34-90ab-11f0-8d3a-00155d0a0101";
pub const EMPTY: &str = "00000000-0000-0000-0000-000000000000";

/// What the base has, by entity, and what it was asked.
#[derive(Default)]
pub struct Contents {
    pub entities: BTreeMap<String, Vec<Value>>,
    asked: Vec<String>,
    pub trouble: Option<u16>,
}

/// A base of 1C:Retail 2.
#[derive(Clone)]
pub struct Base {
    contents: Arc<Mutex<Contents>>,
    url: String,
}

impl Base {
    async fn open() -> Self {
        let contents = Arc::new(Mutex::new(Contents::default()));
        let routes = Router::new()
            .route("/shop/odata/standard.odata/{entity}", get(entity))
            .with_state(Arc::clone(&contents));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/shop/odata/standard.odata",
            listener.local_addr().unwrap()
        );
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Base { contents, url }
    }

    pub fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap()
    }

    /// Writes a document over the one with the same key, or adds it.
    pub fn write(&self, document: Value) {
        let mut contents = self.contents();
        let documents = contents.entities.entry("Document_ЧекККМ".to_owned()).or_default();
        documents.retain(|known| known["Ref_Key"] != document["Ref_Key"]);
        documents.push(document);
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.contents().asked)
    }
}

async fn entity(
    State(contents): State<Arc<Mutex<Contents>>>,
    Path(entity): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let mut contents = contents.lock().unwrap();
    contents.asked.push(entity.clone());
    // kopilka:secret
    if headers
        .get("authorization")
        .is_none_or(|given| given != "Basic a29waWxrYTpzZWNyZXQ=")
    {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    if let Some(trouble) = contents.trouble {
        let error = json!({"odata.error": {"code": "6", "message": {"lang": "ru", "value": "Операция не разрешена"}}});
        return (StatusCode::from_u16(trouble).unwrap(), error.to_string());
    }
    let skip: usize = query.get("$skip").map_or(0, |skip| skip.parse().unwrap());
    let all = contents.entities.get(&entity).cloned().unwrap_or_default();
    let page: Vec<Value> = all.into_iter().skip(skip).take(100).collect();
    (
        StatusCode::OK,
        json!({"odata.metadata": "…", "value": page}).to_string(),
    )
}

/// The receipt of 1485.50 of which bonuses have paid 149.50, as 1C:Retail 2 has it.
pub fn sale(date: &str, version: &str, posted: bool) -> Value {
    json!({
        "Ref_Key": SALE, "DataVersion": version, "DeletionMark": false, "Number": "МГ00-000431",
        "Date": date, "Posted": posted, "ВидОперации": "Продажа", "СтатусЧекаККМ": "Пробитый",
        "ЧекККМПродажа_Key": EMPTY, "Магазин_Key": "1b2c3d4e-90ab-11f0-8d3a-00155d0a0102",
        "КассаККМ_Key": "2c3d4e5f-90ab-11f0-8d3a-00155d0a0103", "НомерСменыККМ": 218, "НомерЧекаККМ": "37",
        "ДисконтнаяКарта_Key": "3d4e5f60-90ab-11f0-8d3a-00155d0a0104", "Телефон": "", "СуммаДокумента": 1485.5,
        "Товары": [
            {"LineNumber": "1", "Номенклатура_Key": "4e5f6071-90ab-11f0-8d3a-00155d0a0105", "Характеристика_Key": EMPTY,
             "Количество": 1, "Цена": 1200, "Сумма": 980, "СуммаСкидкиОплатыБонусом": 100},
            {"LineNumber": "2", "Номенклатура_Key": "5f607182-90ab-11f0-8d3a-00155d0a0106", "Характеристика_Key": EMPTY,
             "Количество": 0.37, "Цена": 1500, "Сумма": 505.5, "СуммаСкидкиОплатыБонусом": 49.5},
        ],
        "Оплата": [{"LineNumber": "1", "ВидОплаты_Key": "6a718293-90ab-11f0-8d3a-00155d0a0107", "Сумма": 1000}],
    })
}

pub fn back(date: &str) -> Value {
    let mut back = sale(date, "AAAAAAAB7C0=", true);
    back["Ref_Key"] = json!("8d2f3b45-91ab-11f0-8d3a-00155d0a0101");
    back["ВидОперации"] = json!("Возврат");
    back["ЧекККМПродажа_Key"] = json!(SALE);
    back["СуммаДокумента"] = json!(505.5);
    back["Товары"].as_array_mut().unwrap().remove(0);
    back["Оплата"] = json!([]);
    back
}

pub struct Shop {
    pub till: Till,
    pub base: Base,
    client: VendorClient,
    pub guest: String,
    /// When the documents were made: local time, without a zone.
    pub date: String,
}

impl Shop {
    pub async fn open(store: Store) -> Self {
        let base = Base::open().await;
        base.contents().entities.extend([
            (
                "Catalog_ИнформационныеКарты".to_owned(),
                vec![json!({"Ref_Key": "3d4e5f60-90ab-11f0-8d3a-00155d0a0104", "КодКарты": CARD})],
            ),
            (
                "Catalog_Номенклатура".to_owned(),
                vec![
                    json!({"Ref_Key": "4e5f6071-90ab-11f0-8d3a-00155d0a0105", "Description": "Кофе в зёрнах 1 кг", "Parent_Key": "g1"}),
                    json!({"Ref_Key": "5f607182-90ab-11f0-8d3a-00155d0a0106", "Description": "Сыр весовой", "Parent_Key": "g2"}),
                ],
            ),
        ]);
        let settings = json!({"odata": {
            "url": base.url, "user": "kopilka", "password": "secret", "configuration": "retail_2",
        }});
        let till = Till::new(&Service::on(store), "onec", settings).await;
        // An hour ago, by the clocks of the shop.
        let date = (till.service.clock_now() - Duration::hours(1)).with_timezone(&chrono_tz::Europe::Moscow);
        let date = date.format("%Y-%m-%dT%H:%M:%S").to_string();
        let guest = till.customer(CARD, "+79005550101", "1250.50").await;
        Shop {
            till,
            base,
            client: VendorClient::new().unwrap(),
            guest,
            date,
        }
    }

    /// One pass of the worker, two minutes after the one before; what the base was asked in it.
    pub async fn pass(&self) -> Vec<String> {
        let clock = &self.till.service.clock;
        clock.move_to(self.till.service.clock_now() + Duration::minutes(2));
        poll_due(&self.till.service.app, &self.client, ADAPTERS)
            .await
            .unwrap();
        self.base.asked()
    }

    pub async fn balance(&self) -> String {
        self.till.assert_books();
        self.till.balance(&self.guest).await
    }

    /// The till's side: the card is found, and bonuses are written off after the fiscal receipt.
    pub async fn write_off(&self) {
        let find = format!("hs/loyaltyservice/findclientcard/?ClientCardID={CARD}&BlockBonuses=1");
        self.till.send("GET", &find, "").await;
        let spend =
            format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&BonusesCount=149,5");
        assert_eq!(
            self.till.send("POST", &spend, "").await.text,
            "Бонусы успешно списаны"
        );
    }
}

/// Pushes a document of the JSON contract.
pub async fn push(till: &Till, document: &Value) -> Value {
    till.send("POST", "v1/receipts", document.to_string())
        .await
        .json()
}

/// The till's side of a sale: the card is locked, and each amount is written off. A till that reads «Бонусы успешно списаны» unlocks nothing.
pub async fn lock_and_write_off(till: &Till, amounts: &[&str]) {
    let find = format!("hs/loyaltyservice/findclientcard/?ClientCardID={CARD}&BlockBonuses=1");
    till.send("GET", &find, "").await;
    for amount in amounts {
        let spend =
            format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&BonusesCount={amount}");
        let spent = till.send("POST", &spend, "").await;
        assert_eq!(spent.text, "Бонусы успешно списаны");
    }
}
