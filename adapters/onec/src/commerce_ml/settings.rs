//! How a base says in CommerceML what the standard has no words for.

use serde::Deserialize;

/// What is agreed about documents in CommerceML. The standard knows no retail sale, so everything here is assumed until a base says
/// otherwise. Names are compared without case and spaces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommerceMlSettings {
    /// Whether a base is told to pack what it sends (`zip=yes`). Archives are read either way.
    pub zip: bool,
    /// Values of `ХозОперация` that are sales.
    pub sales: Vec<String>,
    /// Values that are returns.
    pub returns: Vec<String>,
    /// A property (`ЗначенияРеквизитов`) that makes a sale of an order (`Заказ товара`) where it says yes; absent: an order never
    /// is one.
    pub paid_order: Option<String>,
    /// Properties that say yes of a document that is cancelled.
    pub cancelled: Vec<String>,
    /// Properties with the code of the guest's card.
    pub card: Vec<String>,
    /// With his telephone number.
    pub phone: Vec<String>,
    /// With the till.
    pub till: Vec<String>,
    /// With the number of the shift.
    pub shift: Vec<String>,
    /// With the number on the receipt.
    pub receipt: Vec<String>,
    /// With the cashier.
    pub cashier: Vec<String>,
    /// With what bonuses paid.
    pub spent: Vec<String>,
    /// With the id of the sale, in a return.
    pub sale: Vec<String>,
    /// With the shop.
    pub shop: Vec<String>,
    /// The shop whose documents are read, where a base sends those of several; absent: all are. A document that names no shop is
    /// read, too.
    pub only_shop: Option<String>,
    /// A discount whose name has one of these words, whatever their case, is a payment with bonuses.
    pub bonus_discounts: Vec<String>,
}

impl Default for CommerceMlSettings {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        CommerceMlSettings {
            zip: false,
            sales: names(&["Отпуск товара", "Розничная продажа", "Реализация"]),
            returns: names(&["Возврат товара", "Возврат товаров от покупателя"]),
            paid_order: None,
            cancelled: names(&["ПометкаУдаления", "Отменен", "Аннулирован"]),
            card: names(&["КодКарты", "НомерКарты", "ДисконтнаяКарта"]),
            phone: names(&["Телефон", "ТелефонПокупателя"]),
            till: names(&["КассаККМ", "Касса"]),
            shift: names(&["НомерСмены", "НомерСменыККМ"]),
            receipt: names(&["НомерЧека", "НомерЧекаККМ"]),
            cashier: names(&["Кассир"]),
            spent: names(&["СписаноБонусов"]),
            sale: names(&["ЧекПродажи", "ДокументОснование"]),
            shop: names(&["Магазин"]),
            only_shop: None,
            bonus_discounts: names(&["бонус"]),
        }
    }
}

/// A name as names are compared.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether one of the names is this one.
pub(super) fn has(names: &[String], name: &str) -> bool {
    let name = plain(name);
    names.iter().any(|known| plain(known) == name)
}
