//! Requests to try on the demo network: one `curl` line each. Sent again, each is answered as the repeat that it is.

use chrono::{Duration, NaiveDate, SecondsFormat};
use kopilka_contract::{Money, Quantity};
use serde::Serialize;
use serde_json::{Value, json};

use super::credentials::{DELIVERY_TOKEN, IIKO_TOKEN, LIVE_KEY, ONEC_TOKEN, RKEEPER_TOKEN};
use super::network::{VENUES, VenuePlan, ZONE};
use super::people::{ANNA_CARD, ANNA_NAME, ANNA_PHONE};
use crate::domain::Timestamp;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it shows.
    pub title: &'static str,
    /// Path from the root. All samples are POST.
    pub path: String,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
}

impl Sample {
    /// The line for a shell, with the address that the service is reached by.
    pub fn curl(&self, base: &str) -> String {
        let mut line = format!("curl -sS {}", quoted(&format!("{base}{}", self.path)));
        for (name, value) in &self.headers {
            line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
        }
        line.push_str(&format!(" --data-binary {}", quoted(&self.body)));
        line
    }
}

/// As one word of a shell's command line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The samples, as if the tills had closed their receipts a few minutes before `now`.
pub fn samples(now: Timestamp) -> Vec<Sample> {
    let [restaurant, cafe, shop] = &VENUES;
    let at = now - Duration::minutes(3);
    vec![
        rest(
            "REST: who is this guest, and what does she have?",
            "/api/v1/customers/identify",
            &json!({"card": ANNA_CARD, "venue_id": cafe.external_id}),
        ),
        rest(
            "REST: what would this receipt do? Nothing is written",
            "/api/v1/receipts/quote",
            &rest_receipt(cafe, at),
        ),
        rest(
            "REST: close it, and redeem 300.00",
            "/api/v1/receipts",
            &rest_receipt(cafe, at),
        ),
        Sample {
            title: "r_keeper: a receipt of the restaurant (FarCards HTTP, TransactionsEx)",
            path: format!("/pos/rkeeper/{RKEEPER_TOKEN}/TransactionsEx"),
            headers: vec![("Content-Type", "text/xml; charset=utf-8".to_owned())],
            body: rkeeper_receipt(restaurant, at),
        },
        Sample {
            title: "r_keeper Delivery: an order is announced; it is read once the connection has an account (GET /connections)",
            path: format!("/pos/rkeeper-delivery/{DELIVERY_TOKEN}/webhook"),
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: json!({"source": "rkeeper-delivery", "orderId": "60412", "statusId": 11}).to_string(),
        },
        Sample {
            title: "iiko: a closed order of the café, told by webhook",
            path: format!("/pos/iiko/{IIKO_TOKEN}"),
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: iiko_order(cafe, at).to_string(),
        },
        Sample {
            title: "1C: a receipt of the shop",
            path: format!("/pos/onec/{ONEC_TOKEN}/v1/receipts"),
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: onec_receipt(shop, at).to_string(),
        },
    ]
}

fn rest(title: &'static str, path: &str, body: &impl Serialize) -> Sample {
    Sample {
        title,
        path: path.to_owned(),
        headers: vec![
            ("Authorization", format!("Bearer {LIVE_KEY}")),
            ("Content-Type", "application/json".to_owned()),
        ],
        // Nothing in it can fail to be JSON.
        body: serde_json::to_string(body).unwrap_or_default(),
    }
}

/// A line of a sample: name, the till's ids of product and category, pieces, price of one.
struct Item {
    name: &'static str,
    product: String,
    category: &'static str,
    pieces: i64,
    price: Money,
}

impl Item {
    fn amount(&self) -> Money {
        Money::from_kopecks(self.price.kopecks() * self.pieces)
    }

    /// As tills write amounts that have no kopecks.
    fn roubles(&self) -> i64 {
        self.amount().kopecks() / 100
    }
}

fn items(venue: &VenuePlan, of: &[(&'static str, i64)]) -> Vec<Item> {
    let item = |(name, pieces): &(&'static str, i64)| {
        let (product, category, price) = venue.product(name)?;
        Some(Item {
            name,
            product,
            category,
            pieces: *pieces,
            price,
        })
    };
    of.iter().filter_map(item).collect()
}

fn total(items: &[Item]) -> Money {
    items.iter().map(Item::amount).sum()
}

/// A receipt over REST. Structures keep the order of their fields, which a JSON value does not: this one is read most.
#[derive(Serialize)]
struct RestReceipt {
    source: &'static str,
    external_id: &'static str,
    venue_id: &'static str,
    closed_at: String,
    customer: Value,
    lines: Vec<RestLine>,
    total: Money,
    redeem: &'static str,
}

#[derive(Serialize)]
struct RestLine {
    line_id: String,
    name: &'static str,
    category_id: &'static str,
    quantity: Quantity,
    price: Money,
    amount: Money,
}

fn rest_receipt(venue: &VenuePlan, at: Timestamp) -> RestReceipt {
    let items = items(venue, &[("Бизнес-ланч", 2), ("Капучино", 1)]);
    let lines = items.iter().enumerate().map(|(i, item)| RestLine {
        line_id: (i + 1).to_string(),
        name: item.name,
        category_id: item.category,
        quantity: Quantity::from_thousandths(item.pieces * 1000),
        price: item.price,
        amount: item.amount(),
    });
    RestReceipt {
        source: "till-1",
        external_id: "demo-0001",
        venue_id: venue.external_id,
        closed_at: at
            .with_timezone(&ZONE)
            .to_rfc3339_opts(SecondsFormat::Secs, false),
        customer: json!({"card": ANNA_CARD}),
        lines: lines.collect(),
        total: total(&items),
        redeem: "300.00",
    }
}

fn rkeeper_receipt(venue: &VenuePlan, at: Timestamp) -> String {
    let local = at.with_timezone(&ZONE);
    let closed = local.format("%Y-%m-%dT%H:%M:%S");
    let date = local.format("%Y-%m-%d");
    // r_keeper counts days from here.
    let since = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default();
    let cash_day = (local.date_naive() - since).num_days();
    let items = items(
        venue,
        &[("Борщ", 1), ("Котлета по-киевски", 1), ("Морс клюквенный", 1)],
    );
    let sum = total(&items).kopecks();
    let roubles = sum / 100;
    let lines: String = items
        .iter()
        .enumerate()
        .map(|(i, item)| {
            let price = item.price.kopecks() / 100;
            format!(
                "<LINE id=\"{{A1B2C3D4-0000-4A4A-9B9B-0000000001{i:02}}}\" code=\"{}\" name=\"{}\" uni=\"{}\" \
                 type=\"dish\" price=\"{price}\" pr_list_sum=\"{price}\" categ_id=\"{{{}}}\" quantity=\"{}\" sum=\"{}\"/>",
                item.product,
                item.name,
                i + 4,
                item.category,
                item.pieces,
                item.roubles(),
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ROOT><Transactions><TransactionsEx Card=\"{ANNA_CARD}\" PersonID=\"1\" \
         Account=\"1\" Kind=\"3\" Summa=\"{sum}\" Restaurant=\"4\" RKDate=\"{cash_day}\" RKUnit=\"2\" RKCheck=\"100731\" \
         VatSumA=\"{sum}\" VatPrcA=\"2000\" VatSumB=\"0\" VatPrcB=\"0\"/></Transactions><INPBUF InpKind=\"1\"><CHECK \
         stationcode=\"2\" restaurantcode=\"998870004\" cashservername=\"MID01\" generateddatetime=\"{closed}\" chmode=\"1\" \
         locale=\"1049\" shiftdate=\"{date}\" shiftnum=\"312\"><EXTINFO><INTERFACES current=\"1002501\"><INTERFACE \
         type=\"PDS\" id=\"1002501\" mode=\"1\" interface=\"11\"><HOLDERS><ITEM cardcode=\"{ANNA_CARD}\"/></HOLDERS>\
         <ALLCARDS><ITEM cardcode=\"{ANNA_CARD}\"/></ALLCARDS></INTERFACE></INTERFACES></EXTINFO><CHECKDATA \
         checknum=\"100731\" printnum=\"1\" tablename=\"14\" startservice=\"{closed}\" closedatetime=\"{closed}\" \
         ordernum=\"2207/1\" guests=\"2\" orderguid=\"{{5B0E7A31-64C2-4D1C-9C55-0B7A3F6E9D10}}\" \
         checkguid=\"{{E2D4C9A8-1F37-4B6E-8A21-7C9B50D3F411}}\" order_cat=\"1\" order_type=\"9001\"><CHECKPERSONS \
         count=\"1\"><PERSON id=\"{{C0FFEE00-1111-4222-8333-444455556666}}\" name=\"Мария\" code=\"34\" role=\"7\"/>\
         </CHECKPERSONS><CHECKLINES count=\"{}\">{lines}</CHECKLINES><CHECKPAYMENTS count=\"1\"><PAYMENT \
         id=\"{{D7D5E50D-7246-4A71-939F-9B37AA300ACF}}\" code=\"4\" name=\"VISA\" uni=\"21\" paytype=\"2\" \
         bsum=\"{roubles}\" sum=\"{roubles}\"/></CHECKPAYMENTS></CHECKDATA></CHECK></INPBUF></ROOT>",
        items.len(),
    )
}

fn iiko_order(venue: &VenuePlan, at: Timestamp) -> Value {
    const ORGANISATION: &str = "5d0c1f5e-2f0b-4a9e-9b1a-6f1d4f3f7a10";
    // `when…` is the terminal's time, `eventTime` is UTC.
    let when = |at: Timestamp| {
        at.with_timezone(&ZONE)
            .format("%Y-%m-%d %H:%M:%S%.3f")
            .to_string()
    };
    let items = items(venue, &[("Капучино", 2), ("Чизкейк", 1)]);
    let sum = total(&items).kopecks() / 100;
    let lines: Vec<Value> = items
        .iter()
        .enumerate()
        .map(|(i, item)| {
            json!({
                "type": "Product", "product": {"id": item.product, "name": item.name}, "modifiers": [],
                "price": item.price.kopecks() / 100, "cost": item.roubles(),
                "positionId": format!("10000000-0000-4000-8000-0000000000{i:02}"),
                "resultSum": item.roubles(), "status": "Served", "deleted": null, "amount": item.pieces,
            })
        })
        .collect();
    json!([{
        "eventType": "TableOrderUpdate",
        "eventTime": at.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        "organizationId": ORGANISATION,
        "correlationId": "0f7f6a1e-7f54-4f0e-9a67-2d2b6f0a51c3",
        "eventInfo": {
            "id": "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e901",
            "posId": "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902",
            "organizationId": ORGANISATION,
            "timestamp": at.timestamp_millis(),
            "creationStatus": "Success",
            "errorInfo": null,
            "order": {
                "customer": {"type": "regular", "name": ANNA_NAME},
                "phone": ANNA_PHONE,
                "status": "Closed",
                "whenCreated": when(at - Duration::minutes(40)),
                "whenClosed": when(at),
                "waiter": {"id": "aa0b7c6d-55b1-4b63-9a1e-7f4f0b1c9e31", "name": "Катя"},
                "sum": sum,
                "number": 214,
                "guestsInfo": {"count": 2, "splitBetweenPersons": false},
                "items": lines,
                "payments": [{
                    "paymentType": {"id": "9cd5d67a-89b4-ab69-1365-7b8c51865a90", "name": "Банковская карта", "kind": "Card"},
                    "sum": sum, "isPreliminary": false,
                }],
                "discounts": [],
                "orderType": {
                    "id": "bbbb1111-2222-4333-8444-555566667771", "name": "Обычный заказ", "orderServiceType": "Common",
                },
                "terminalGroupId": "d4c3b2a1-0f1e-4d2c-9b3a-4a5b6c7d8e81",
            },
        },
    }])
}

fn onec_receipt(venue: &VenuePlan, at: Timestamp) -> Value {
    let items = items(
        venue,
        &[("Кофе Бразилия в зёрнах, 1 кг", 1), ("Пастила яблочная", 2)],
    );
    let sum = total(&items).kopecks() / 100;
    let lines: Vec<Value> = items
        .iter()
        .enumerate()
        .map(|(i, item)| {
            json!({
                "lineId": i + 1,
                "item": {"id": item.product, "name": item.name, "groupId": item.category},
                "quantity": item.pieces, "price": item.price.kopecks() / 100,
                "amountBeforeDiscount": item.roubles(), "autoDiscount": 0, "manualDiscount": 0, "bonusDiscount": 0,
                "amount": item.roubles(), "vatRate": "НДС20",
            })
        })
        .collect();
    json!({
        "base": "shop-12",
        "documentId": "7c1f2a35-90ab-11f0-8d3a-00155d0a0101",
        "dataVersion": "AAAAAAAB6Kk=",
        "documentType": "ЧекККМ",
        "operation": "Продажа",
        "number": "МГ00-000432",
        "date": at.with_timezone(&ZONE).format("%Y-%m-%dT%H:%M:%S").to_string(),
        "shop": {"id": "1b2c3d4e-90ab-11f0-8d3a-00155d0a0102", "name": venue.name},
        "register": {"id": "2c3d4e5f-90ab-11f0-8d3a-00155d0a0103", "name": "Касса 1"},
        "shiftNumber": 218,
        "receiptNumber": 38,
        "cashier": "Орлова Н.",
        "card": {"code": ANNA_CARD},
        "currency": "643",
        "total": sum,
        "lines": lines,
        "payments": [{"type": "ПлатежнаяКарта", "amount": sum}],
        "bonus": {"spent": 0},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_one_line_for_a_shell() {
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let samples = samples(now);
        assert_eq!(samples.len(), 7);
        for sample in &samples {
            let line = sample.curl("http://127.0.0.1:8080");
            assert!(line.starts_with("curl -sS 'http://127.0.0.1:8080/"), "{line}");
            assert!(!line.contains('\n'), "{line}");
            // One word for the address, one for each header, one for the body.
            assert_eq!(
                line.matches('\'').count(),
                2 * (2 + sample.headers.len()),
                "{line}"
            );
        }
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
