//! 1C: receipts that a base is asked for over OData, with a base that a test answers for.

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

use super::{Till, fixture};
use crate::api::client::Service;
use crate::databases::each_database_async;

const CARD: &str = "2900000001734";
const SALE: &str = "7c1f2a34-90ab-11f0-8d3a-00155d0a0101";
const EMPTY: &str = "00000000-0000-0000-0000-000000000000";

/// What the base has, by entity, and what it was asked.
#[derive(Default)]
struct Contents {
    entities: BTreeMap<String, Vec<Value>>,
    asked: Vec<String>,
    trouble: Option<u16>,
}

/// A base of 1C:Retail 2.
#[derive(Clone)]
struct Base {
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

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap()
    }

    /// Writes a document over the one with the same key, or adds it.
    fn write(&self, document: Value) {
        let mut contents = self.contents();
        let documents = contents.entities.entry("Document_ЧекККМ".to_owned()).or_default();
        documents.retain(|known| known["Ref_Key"] != document["Ref_Key"]);
        documents.push(document);
    }

    fn asked(&self) -> Vec<String> {
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
fn sale(date: &str, version: &str, posted: bool) -> Value {
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

fn back(date: &str) -> Value {
    let mut back = sale(date, "AAAAAAAB7C0=", true);
    back["Ref_Key"] = json!("8d2f3b45-91ab-11f0-8d3a-00155d0a0101");
    back["ВидОперации"] = json!("Возврат");
    back["ЧекККМПродажа_Key"] = json!(SALE);
    back["СуммаДокумента"] = json!(505.5);
    back["Товары"].as_array_mut().unwrap().remove(0);
    back["Оплата"] = json!([]);
    back
}

struct Shop {
    till: Till,
    base: Base,
    client: VendorClient,
    guest: String,
    /// When the documents were made: local time, without a zone.
    date: String,
}

impl Shop {
    async fn open(store: Store) -> Self {
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
    async fn pass(&self) -> Vec<String> {
        let clock = &self.till.service.clock;
        clock.move_to(self.till.service.clock_now() + Duration::minutes(2));
        poll_due(&self.till.service.app, &self.client, ADAPTERS)
            .await
            .unwrap();
        self.base.asked()
    }

    async fn balance(&self) -> String {
        self.till.assert_books();
        self.till.balance(&self.guest).await
    }

    /// The till's side: the card is found, and bonuses are written off after the fiscal receipt.
    async fn write_off(&self) {
        let find = format!("hs/loyaltyservice/findclientcard/?ClientCardID={CARD}&BlockBonuses=1");
        self.till.send("GET", &find, "").await;
        let spend =
            format!("hs/loyaltyservice/writeoffclientbonuses/?ClientCardID={CARD}&BonusesCount=149,5");
        assert_eq!(
            self.till.send("POST", &spend, "").await.text,
            "Бонусы успешно списаны"
        );
        let unlock = format!("hs/loyaltyservice/unlockclientbonuses/?ClientCardID={CARD}");
        self.till.send("POST", &unlock, "").await;
    }
}

#[test]
fn a_receipt_of_the_base_takes_the_tills_write_off_over_exactly_once() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.write_off().await;
        assert_eq!(shop.balance().await, "1101.00");
        let waiting = "/api/v1/write-offs?older_than_minutes=0&venue_id=r";
        let list = shop.till.owner.get(waiting).await.expect(200);
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            0,
            "a receipt may be on its way: {list}"
        );
        let clock = &shop.till.service.clock;
        clock.move_to(shop.till.service.clock_now() + Duration::minutes(5));
        let list = shop.till.owner.get(waiting).await.expect(200);
        let item = &list["items"][0];
        assert_eq!(
            (&item["amount"], &item["customer_id"]),
            (&json!("149.50"), &json!(shop.guest)),
            "{list}"
        );
        assert_eq!(
            shop.till.owner.get("/api/v1/write-offs").await.expect(200)["items"],
            json!([])
        );
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        let asked = shop.pass().await;
        assert_eq!(
            asked,
            [
                "Document_ЧекККМ",
                "Catalog_ИнформационныеКарты",
                "Catalog_Номенклатура"
            ]
        );
        // 5 % of 1485.50 accrue, and nothing is redeemed again.
        assert_eq!(shop.balance().await, "1175.27");
        let list = shop.till.owner.get(waiting).await.expect(200);
        assert_eq!(list["items"], json!([]), "the receipt has taken it over");
        assert_eq!(shop.pass().await, ["Document_ЧекККМ"]);
        assert_eq!(shop.balance().await, "1175.27");

        shop.base.write(back(&shop.date));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1199.50");
        assert_eq!(shop.pass().await, ["Document_ЧекККМ"]);
        assert_eq!(shop.balance().await, "1199.50");
        // A closed shift has absorbed the receipts: what has vanished is not cancelled.
        shop.base.contents().entities.remove("Document_ЧекККМ");
        shop.pass().await;
        assert_eq!(shop.balance().await, "1199.50");
    });
}

#[test]
fn a_receipt_that_is_not_posted_any_more_is_taken_back_and_may_be_posted_again() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        // Not posted yet: no news.
        shop.base.write(sale(&shop.date, "AAAAAAAB6KM=", false));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1250.50");
        shop.write_off().await;
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1175.27");
        shop.base.write(sale(&shop.date, "AAAAAAAB6KU=", false));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1250.50");
        shop.till.assert_books();
    });
}

#[test]
fn posting_may_keep_the_data_version_and_a_write_off_follows_its_receipt_through_it() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.write_off().await;
        for _ in 0..3 {
            shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
            shop.pass().await;
            assert_eq!(shop.balance().await, "1175.27");
            shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", false));
            shop.pass().await;
            assert_eq!(shop.balance().await, "1250.50");
        }
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1175.27");
        // A document that was pushed, and unposted before the base was asked.
        let pushed = fixture("onec/fixtures/receipt_json/sale.request.json");
        let mut pushed: Value = pushed.parse().unwrap();
        let other = "7c1f2a34-90ab-11f0-8d3a-00155d0a0fff";
        pushed["documentId"] = json!(other);
        pushed["dataVersion"] = json!("AAAAAAAB6KM=");
        let answer = shop
            .till
            .send("POST", "v1/receipts", pushed.to_string())
            .await
            .json();
        assert_eq!(answer["status"], "accepted", "{answer}");
        assert_ne!(shop.balance().await, "1175.27");
        let mut unposted = sale(&shop.date, "AAAAAAAB6KQ=", false);
        unposted["Ref_Key"] = json!(other);
        shop.base.write(unposted);
        shop.pass().await;
        assert_eq!(shop.balance().await, "1175.27");
    });
}

#[test]
fn a_return_that_stands_in_the_base_before_its_sale_waits_and_one_without_a_sale_is_for_a_person() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.write_off().await;
        // The sale is older than what is looked at: it comes by hand later, by the other road.
        shop.base.write(back(&shop.date));
        shop.pass().await;
        assert_eq!(shop.balance().await, "1101.00");
        let mut sold: Value = fixture("onec/fixtures/receipt_json/sale_with_redemption.request.json")
            .parse()
            .unwrap();
        for (line, key) in [
            (0, "4e5f6071-90ab-11f0-8d3a-00155d0a0105"),
            (1, "5f607182-90ab-11f0-8d3a-00155d0a0106"),
        ] {
            sold["lines"][line]["lineId"] = json!(key);
        }
        let answer = shop
            .till
            .send("POST", "v1/receipts", sold.to_string())
            .await
            .json();
        assert_eq!(answer["status"], "accepted", "{answer}");
        assert_eq!(shop.balance().await, "1199.50");

        let mut alone = back(&shop.date);
        alone["Ref_Key"] = json!("8d2f3b45-91ab-11f0-8d3a-00155d0a0fff");
        alone["ЧекККМПродажа_Key"] = json!(EMPTY);
        shop.base.write(alone);
        shop.pass().await;
        assert_eq!(shop.balance().await, "1199.50");
        let kept = shop
            .till
            .owner
            .get("/api/v1/messages?outcome=unreadable")
            .await
            .expect(200);
        let detail = kept["items"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("возврат без чека продажи"), "{kept}");
        // It is told once, and does not stop what comes after it.
        shop.pass().await;
        let again = shop
            .till
            .owner
            .get("/api/v1/messages?outcome=unreadable")
            .await
            .expect(200);
        assert_eq!(again["items"].as_array().unwrap().len(), 1, "{again}");
    });
}

#[test]
fn a_base_that_refuses_or_fails_is_asked_again_and_its_password_is_never_shown() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        shop.base.write(sale(&shop.date, "AAAAAAAB6KQ=", true));
        shop.base.contents().trouble = Some(500);
        assert_eq!(shop.pass().await, ["Document_ЧекККМ"]);
        assert_eq!(shop.balance().await, "1250.50");
        let connections = shop.till.owner.get("/api/v1/connections").await.expect(200);
        assert!(!connections.to_string().contains("secret"), "{connections}");
        assert!(
            connections.to_string().contains("Операция не разрешена"),
            "{connections}"
        );
        shop.base.contents().trouble = None;
        let clock = &shop.till.service.clock;
        clock.move_to(shop.till.service.clock_now() + Duration::hours(2));
        shop.pass().await;
        // Without a write-off the bonuses of the receipt only lower what accrues.
        assert_eq!(shop.balance().await, "1324.77");
    });
}
