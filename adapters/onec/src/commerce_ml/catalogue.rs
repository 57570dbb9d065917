//! Goods of CommerceML (`import.xml`, `offers.xml`) as a menu.

use std::collections::HashSet;

use kopilka_contract::{Menu, MenuCategory, MenuProduct, Money, Words};

use super::text;
use super::xml::Element;
use crate::numbers;

/// What a file says of goods; `None` where it is not about goods.
///
/// A product's category is the first group that it names. Groups that hold products are categories, wherever in the tree they
/// stand. Prices come with offers, a file of their own: the first one is taken. An offer of a characteristic (`guid#guid`) is left
/// out: it has a name and a price of its own.
pub(super) fn menu(root: &Element) -> Result<Option<Menu>, Words> {
    let groups = root.child("классификатор").map(groups_of).unwrap_or_default();
    let mut products = Vec::new();
    if let Some(catalogue) = root.child("каталог") {
        products.extend(
            catalogue
                .listed("товары", "товар")
                .filter(|p| !is_deleted(p))
                .filter_map(product),
        );
    }
    for package in root
        .children("пакетпредложений")
        .chain(root.children("изменения_пакетпредложений"))
    {
        for offer in package.listed("предложения", "предложение") {
            products.extend(offered(offer)?);
        }
    }
    let used: HashSet<&str> = products.iter().filter_map(|p| p.category_id.as_deref()).collect();
    let categories: Vec<MenuCategory> = groups
        .into_iter()
        .filter(|group| used.contains(group.external_id.as_str()))
        .collect();
    let menu = Menu {
        categories,
        groups: Vec::new(),
        products,
    };
    Ok((menu != Menu::default()).then_some(menu))
}

/// All groups of a tree, those that stand inside others too.
fn groups_of(parent: &Element) -> Vec<MenuCategory> {
    let mut found = Vec::new();
    let mut open: Vec<&Element> = parent.listed("группы", "группа").collect();
    while let Some(group) = open.pop() {
        if let (Some(id), Some(name)) = (text(group, "ид"), text(group, "наименование")) {
            found.push(MenuCategory {
                external_id: id.to_owned(),
                name: name.to_owned(),
            });
        }
        open.extend(group.listed("группы", "группа"));
    }
    found
}

/// Marked so in either of the two ways of the standard.
fn is_deleted(product: &Element) -> bool {
    let status = product.attribute("статус").or_else(|| text(product, "статус"));
    let mark = text(product, "пометкаудаления");
    status.is_some_and(|status| status.eq_ignore_ascii_case("Удален") || status == "Удалён")
        || mark.is_some_and(|mark| mark == "true")
}

fn product(product: &Element) -> Option<MenuProduct> {
    Some(MenuProduct {
        external_id: text(product, "ид")?.to_owned(),
        name: text(product, "наименование")?.to_owned(),
        category_id: product
            .child("группы")
            .and_then(|groups| text(groups, "ид"))
            .map(str::to_owned),
        price: None,
        barcode: text(product, "штрихкод").map(str::to_owned),
        by_weight: product.child("базоваяединица").map(is_weight),
    })
}

/// `166` is the kilogram of the classifier of units.
fn is_weight(unit: &Element) -> bool {
    unit.attribute("код") == Some("166") || unit.content().trim_end_matches('.').to_lowercase() == "кг"
}

fn offered(offer: &Element) -> Result<Option<MenuProduct>, Words> {
    let (Some(id), Some(name)) = (text(offer, "ид"), text(offer, "наименование")) else {
        return Ok(None);
    };
    let price = offer
        .listed("цены", "цена")
        .find_map(|price| text(price, "ценазаединицу"));
    if id.contains('#') || price.is_none() {
        return Ok(None);
    }
    let price: Option<Money> = price.map(numbers::money).transpose().map_err(|_| {
        Words::new(
            format!("цена товара «{name}» не число"),
            format!("the price of “{name}” is not a number"),
        )
    })?;
    Ok(Some(MenuProduct {
        external_id: id.to_owned(),
        name: name.to_owned(),
        category_id: None,
        price,
        barcode: text(offer, "штрихкод").map(str::to_owned),
        by_weight: None,
    }))
}
