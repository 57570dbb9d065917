//! Documents of CommerceML (`Документ`) as documents of our JSON contract, which says what they mean.

use std::collections::HashMap;

use chrono::SecondsFormat;
use kopilka_contract::{Money, Words, apportion_by_amount};
use serde_json::{Map, Value, json};

use super::settings::{CommerceMlSettings, has, plain};
use super::text;
use super::xml::Element;
use crate::dates;
use crate::fields::Field;
use crate::line_keys::LineKeys;
use crate::numbers;
use crate::receipt_json::{Contract, Document, Rejected, Said};

/// What we have for a base that asks: no documents.
pub(super) const NOTHING: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<КоммерческаяИнформация ВерсияСхемы=\"2.08\"/>";

/// The documents of a file.
pub(super) struct Documents {
    pub(super) read: Vec<Taken>,
    /// Those that are no receipts.
    pub(super) skipped: Vec<Words>,
}

/// A document in the words of our JSON contract, and what that makes of it.
pub(super) struct Taken {
    /// By what people know it: its number, else its id.
    pub(super) name: String,
    pub(super) json: String,
    pub(super) document: Result<Document, Rejected>,
}

impl Documents {
    pub(super) fn of(root: &Element, contract: Contract<'_>) -> Self {
        let mut documents = Documents {
            read: Vec::new(),
            skipped: Vec::new(),
        };
        let made_at = made_at(root, contract);
        for element in all(root) {
            let own = Own {
                element,
                properties: properties(element),
                names: &contract.own.commerce_ml,
            };
            match own.operation() {
                Some(_) if own.is_of_another_shop() => documents.skipped.push(own.of_another_shop()),
                Some(operation) => {
                    let value = own.document(operation, &made_at);
                    documents.read.push(Taken {
                        name: text(element, "номер")
                            .or_else(|| text(element, "ид"))
                            .unwrap_or("?")
                            .to_owned(),
                        json: value.to_string(),
                        document: contract.read(Field::document(&value), &Said::InItsOwn(None)),
                    });
                }
                None => documents.skipped.push(own.skipped()),
            }
        }
        documents
    }
}

/// They stand in the root, or, in newer versions of the standard, in containers.
fn all(root: &Element) -> impl Iterator<Item = &Element> {
    let inside = root
        .children("контейнер")
        .flat_map(|container| container.children("документ"));
    root.children("документ").chain(inside)
}

/// The moment at which the file was made: a later file has a later snapshot of its documents. Where only a day is given, the
/// moment at which the file came.
fn made_at(root: &Element, contract: Contract<'_>) -> String {
    let made = root
        .attribute("датаформирования")
        .filter(|text| text.len() > "2026-03-14".len());
    let made = made.and_then(|text| dates::instant(text, contract.settings).ok().flatten());
    let at = made.map_or(contract.received_at, |made| made.to_utc());
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `ЗначенияРеквизитов` by their names.
fn properties(element: &Element) -> HashMap<String, &str> {
    let pairs = element.listed("значенияреквизитов", "значениереквизита");
    pairs
        .filter_map(|pair| Some((plain(text(pair, "наименование")?), text(pair, "значение")?)))
        .collect()
}

/// A document with what its base calls things.
struct Own<'a> {
    element: &'a Element,
    properties: HashMap<String, &'a str>,
    names: &'a CommerceMlSettings,
}

/// A line before its bonuses are known.
struct Row<'a> {
    element: &'a Element,
    amount: Money,
    bonus: Money,
}

impl<'a> Own<'a> {
    fn property(&self, names: &[String]) -> Option<&'a str> {
        names
            .iter()
            .find_map(|name| self.properties.get(&plain(name)).copied())
    }

    fn operation(&self) -> Option<&'static str> {
        let named = text(self.element, "хозоперация")?;
        let paid = || {
            self.names
                .paid_order
                .as_ref()
                .is_some_and(|name| says_yes(self.property(std::slice::from_ref(name))))
        };
        if has(&self.names.sales, named) || (plain(named) == "заказтовара" && paid()) {
            Some("sale")
        } else if has(&self.names.returns, named) {
            Some("return")
        } else {
            None
        }
    }

    fn shop(&self) -> Option<&'a str> {
        self.property(&self.names.shop)
    }

    fn is_of_another_shop(&self) -> bool {
        let shops = self.shop().zip(self.names.only_shop.as_deref());
        shops.is_some_and(|(shop, only)| plain(shop) != plain(only))
    }

    fn of_another_shop(&self) -> Words {
        let number = text(self.element, "номер").unwrap_or("?");
        let shop = self.shop().unwrap_or("?");
        Words::new(
            format!("документ {number}: магазин «{shop}», а не этого подключения, пропущен"),
            format!("document {number}: of the shop «{shop}», not of this connection's, it was left out"),
        )
    }

    fn skipped(&self) -> Words {
        let number = text(self.element, "номер").unwrap_or("?");
        let operation = text(self.element, "хозоперация").unwrap_or("?");
        Words::new(
            format!("документ {number}: «{operation}» не чек, пропущен"),
            format!("document {number}: «{operation}» is no receipt, it was left out"),
        )
    }

    fn document(&self, operation: &'static str, made_at: &str) -> Value {
        let of = |name: &str| text(self.element, name);
        let date = of("дата").map(|day| format!("{day}T{}", of("время").unwrap_or("00:00:00")));
        let mut document = json!({
            "documentId": of("ид"),
            "fileTime": made_at,
            "operation": operation,
            "posted": !self.names.cancelled.iter().any(|name| says_yes(self.property(std::slice::from_ref(name)))),
            "number": of("номер"),
            "date": date,
            "register": self.property(&self.names.till),
            "shiftNumber": self.property(&self.names.shift),
            "receiptNumber": self.property(&self.names.receipt),
            "cashier": self.property(&self.names.cashier),
            "card": {"code": self.property(&self.names.card)},
            "phone": self.property(&self.names.phone),
            "total": of("сумма"),
        });
        if let Value::Object(document) = &mut document {
            if operation == "return" {
                document.insert("saleDocumentId".to_owned(), json!(self.sale()));
                document.insert("lines".to_owned(), self.lines_back());
            } else {
                self.add_lines(document);
            }
        }
        document
    }

    /// The sale that a return names: a property, or the base document of newer versions of the standard.
    fn sale(&self) -> Option<&'a str> {
        let base = || {
            let base = self
                .element
                .child("основание")
                .or_else(|| self.element.child("основания")?.child("основание"));
            base.map(|base| text(base, "ид").unwrap_or(base.content()))
        };
        self.property(&self.names.sale).or_else(base)
    }

    fn rows(&self) -> impl Iterator<Item = &'a Element> {
        let rows = self.element.listed("товары", "товар");
        // A line of nought was struck out.
        rows.filter(|row| {
            !text(row, "количество").is_some_and(|q| numbers::quantity(q).is_ok_and(|q| q.thousandths() == 0))
        })
    }

    fn lines_back(&self) -> Value {
        let line = |row: &Element| {
            let mut line = common(row);
            line.insert("saleLineKey".to_owned(), json!(line_key(row)));
            line.insert("amount".to_owned(), json!(text(row, "сумма")));
            Value::Object(line)
        };
        self.rows().map(line).collect()
    }

    fn add_lines(&self, document: &mut Map<String, Value>) {
        let Some(mut rows) = self
            .rows()
            .map(|element| row(element, self.names))
            .collect::<Option<Vec<Row<'_>>>>()
        else {
            // An amount that is no number: our contract says which.
            document.insert("lines".to_owned(), self.lines_back());
            return;
        };
        let on_lines: Money = rows.iter().map(|row| row.bonus).sum();
        let spent = self.spent();
        if on_lines.is_zero() && spent.is_positive() {
            let shares = apportion_by_amount(spent, rows.iter().map(|row| row.amount));
            let inside = self.bonus_inside();
            for (row, share) in rows.iter_mut().zip(shares) {
                row.bonus = share;
                row.amount = if inside { row.amount } else { row.amount - share };
            }
            if !inside {
                document.remove("total");
            }
        }
        let mut keys = LineKeys::default();
        let lines: Vec<Value> = rows.iter().map(|row| row.line(&mut keys)).collect();
        document.insert("lines".to_owned(), json!(lines));
        document.insert("bonus".to_owned(), json!({"spent": spent.to_string()}));
    }

    /// What bonuses paid: a property, else the discount of the document that is called so.
    fn spent(&self) -> Money {
        let property = self
            .property(&self.names.spent)
            .and_then(|text| numbers::money(text).ok());
        property.unwrap_or_else(|| bonuses(self.element, self.names).map(|(amount, _)| amount).sum())
    }

    /// Whether the lines have the bonuses taken off already; where nothing says so, they have.
    fn bonus_inside(&self) -> bool {
        bonuses(self.element, self.names).all(|(_, inside)| inside)
    }
}

fn says_yes(value: Option<&str>) -> bool {
    value.is_some_and(|value| ["true", "1", "да", "истина"].contains(&value.to_lowercase().as_str()))
}

/// Discounts that are payments with bonuses, by their names, and whether they are taken off the amount already (`УчтеноВСумме`).
fn bonuses(element: &Element, names: &CommerceMlSettings) -> impl Iterator<Item = (Money, bool)> {
    element.listed("скидки", "скидка").filter_map(|discount| {
        let named = text(discount, "наименование")?.to_lowercase();
        let amount = numbers::money(text(discount, "сумма")?).ok()?;
        let mut words = names.bonus_discounts.iter();
        words.any(|word| named.contains(&word.to_lowercase())).then(|| {
            (
                amount,
                !matches!(text(discount, "учтеновсумме"), Some("false" | "0")),
            )
        })
    })
}

fn row<'e>(element: &'e Element, names: &CommerceMlSettings) -> Option<Row<'e>> {
    let outside: Money = bonuses(element, names)
        .filter(|(_, inside)| !inside)
        .map(|(amount, _)| amount)
        .sum();
    Some(Row {
        element,
        amount: numbers::money(text(element, "сумма")?).ok()? - outside,
        bonus: bonuses(element, names).map(|(amount, _)| amount).sum(),
    })
}

impl Row<'_> {
    fn line(&self, keys: &mut LineKeys) -> Value {
        let mut line = common(self.element);
        line.insert("lineId".to_owned(), json!(keys.next(line_key(self.element))));
        line.insert("amount".to_owned(), json!(self.amount.to_string()));
        line.insert("bonusDiscount".to_owned(), json!(self.bonus.to_string()));
        Value::Object(line)
    }
}

/// What lines of sales and returns have in common.
fn common(row: &Element) -> Map<String, Value> {
    let of = |name: &str| text(row, name);
    let group = row.child("группы").and_then(|groups| text(groups, "ид"));
    // `product#characteristic`: other roads tell the product alone.
    let product = of("ид").map(|id| id.split_once('#').map_or(id, |(product, _)| product));
    let line = json!({
        "item": {"id": product, "article": of("артикул"), "name": of("наименование"), "groupId": group},
        "barcode": of("штрихкод"),
        "quantity": of("количество"),
        "price": of("ценазаединицу"),
    });
    match line {
        Value::Object(line) => line,
        _ => Map::new(),
    }
}

/// Lines have no ids in CommerceML, so a line is known by its product.
fn line_key(row: &Element) -> &str {
    text(row, "ид")
        .or_else(|| text(row, "наименование"))
        .unwrap_or_default()
}
