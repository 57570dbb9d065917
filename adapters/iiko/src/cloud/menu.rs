//! The menu of a restaurant (*iikoCloud API*, `nomenclature`), so that bonuses can depend on what is sold.

use std::collections::{BTreeMap, BTreeSet};

use kopilka_contract::{
    Ask, Delivery, Dialogue, Errand, Menu, MenuCategory, MenuGroup, MenuProduct, Message, Money, Refusal,
    Reply, Settings, Told, Unreadable, Words, words,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errand::Wanted;
use super::found::told;
use super::settings::MenuCategories;
use crate::Id;
use crate::decimal::money;
use crate::remark::Remark;
use crate::settings::IikoSettings;
use crate::webhook;
use crate::wire::{if_readable, list};

/// An answer with a menu.
pub(super) struct Fetched {
    /// Its revision: asked for from there on, only what is newer comes.
    pub(super) revision: i64,
    /// `None`: nothing has changed.
    pub(super) message: Option<Delivery>,
}

/// A menu as iiko writes it. Only this much of it is kept: pictures and descriptions make it many times as long.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Nomenclature {
    #[serde(deserialize_with = "list")]
    groups: Vec<Group>,
    #[serde(deserialize_with = "list")]
    product_categories: Vec<Category>,
    #[serde(deserialize_with = "list")]
    products: Vec<Value>,
    #[serde(deserialize_with = "if_readable")]
    revision: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    id: Id,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "Id::if_any")]
    parent_group: Option<Id>,
    #[serde(default)]
    is_deleted: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Category {
    id: Id,
    #[serde(default)]
    name: String,
    #[serde(default)]
    is_deleted: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    id: Id,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "Id::if_any")]
    parent_group: Option<Id>,
    #[serde(default, deserialize_with = "Id::if_any")]
    product_category_id: Option<Id>,
    #[serde(default, deserialize_with = "list")]
    size_prices: Vec<SizePrice>,
    #[serde(default, deserialize_with = "if_readable")]
    use_balance_for_sell: Option<bool>,
    #[serde(default, deserialize_with = "if_readable")]
    is_deleted: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
struct SizePrice {
    price: Price,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    #[serde(default, deserialize_with = "money")]
    current_price: Option<Money>,
    #[serde(default)]
    is_included_in_menu: bool,
}

/// Fields of a product that are kept.
const KEPT: [&str; 8] = [
    "id",
    "name",
    "type",
    "parentGroup",
    "productCategoryId",
    "sizePrices",
    "useBalanceForSell",
    "isDeleted",
];

impl Fetched {
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let mut menu: Nomenclature =
            serde_json::from_slice(body).map_err(|error| format!("the menu can't be read: {error}"))?;
        for product in &mut menu.products {
            if let Value::Object(fields) = product {
                fields.retain(|name, _| KEPT.contains(&name.as_str()));
            }
        }
        let Some(revision) = menu.revision else {
            return Err("the answer holds no menu".to_owned());
        };
        let message = if menu.products.is_empty() {
            None
        } else {
            let kept = serde_json::to_value(&menu).unwrap_or_default();
            Some(told("menu", &kept))
        };
        Ok(Fetched { revision, message })
    }
}

/// Somebody at the door wants the menu to be taken over now.
#[derive(Debug)]
pub(super) struct Wish;

/// Reads such a wish; it is good only where there is an account to ask with.
pub(super) fn wish(settings: &Settings) -> Result<Wish, Unreadable> {
    let iiko = settings.typed::<IikoSettings>();
    if iiko.is_ok_and(|iiko| iiko.cloud.has_account()) {
        return Ok(Wish);
    }
    let reason = Words::new(
        "меню запрошено, но cloud.api_login не указан",
        "the menu is asked for, but cloud.api_login is not set",
    );
    Err(Unreadable {
        reply: webhook::failure(409, &reason.en),
        reason,
    })
}

impl Dialogue for Wish {
    fn asks(&self) -> Vec<Ask> {
        Vec::new()
    }

    fn errands(&self) -> Vec<Errand> {
        vec![Wanted::Menu.errand()]
    }

    fn remarks(&self) -> Vec<Words> {
        vec![Remark::MenuAsked.words()]
    }

    fn reply(&self, _told: &[Result<Told, Refusal>]) -> Reply {
        webhook::taken()
    }
}

/// A menu to be taken over.
#[derive(Debug)]
struct Taking {
    menu: Menu,
    remarks: Vec<Remark>,
}

/// Reads a menu that was fetched.
pub(super) fn read(message: &Message<'_>, settings: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
    let unreadable = |reason: Words| Unreadable {
        reason,
        reply: webhook::nothing_here(),
    };
    let iiko = settings
        .typed::<IikoSettings>()
        .map_err(|error| unreadable(error.words()))?;
    let menu: Nomenclature = serde_json::from_slice(message.body)
        .map_err(|error| unreadable(words!("меню: {error}", "the menu: {error}")))?;
    Ok(Box::new(Taking::of(&menu, iiko.cloud.menu_categories)))
}

impl Taking {
    fn of(menu: &Nomenclature, by: MenuCategories) -> Self {
        let mut remarks = Vec::new();
        let mut products = Vec::new();
        for (number, value) in (1..).zip(&menu.products) {
            match Product::deserialize(value) {
                Ok(product) => products.push(product),
                Err(error) => remarks.push(Remark::ProductLeftOut {
                    number,
                    error: error.to_string(),
                }),
            }
        }
        products.retain(|product| product.is_deleted != Some(true) && !product.name.trim().is_empty());
        let named: BTreeSet<&Id> = products
            .iter()
            .filter_map(|product| product.category(by))
            .collect();
        let known: Vec<(&Id, &str)> = match by {
            MenuCategories::Groups => {
                let groups = menu.groups.iter().filter(|group| !group.is_deleted);
                groups.map(|group| (&group.id, group.name.as_str())).collect()
            }
            MenuCategories::ProductCategories => {
                let categories = menu.product_categories.iter();
                let categories = categories.filter(|category| !category.is_deleted);
                categories
                    .map(|category| (&category.id, category.name.as_str()))
                    .collect()
            }
        };
        let categories: Vec<MenuCategory> = known
            .into_iter()
            .filter(|(id, name)| named.contains(id) && !name.trim().is_empty())
            .map(|(id, name)| MenuCategory {
                external_id: id.to_string(),
                name: name.trim().to_owned(),
            })
            .collect();
        let groups = match by {
            MenuCategories::Groups => groups_above(&menu.groups, &categories),
            MenuCategories::ProductCategories => Vec::new(),
        };
        let in_menu: BTreeSet<&str> = categories.iter().map(|c| c.external_id.as_str()).collect();
        let products = products.iter().map(|product| MenuProduct {
            external_id: product.id.to_string(),
            name: product.name.clone(),
            category_id: product
                .category(by)
                .map(Id::to_string)
                .filter(|id| in_menu.contains(id.as_str())),
            price: product.price(),
            barcode: None,
            by_weight: product.use_balance_for_sell,
        });
        Taking {
            menu: Menu {
                products: products.collect(),
                categories,
                groups,
            },
            remarks,
        }
    }
}

/// The groups that hold the categories, by name.
fn groups_above(groups: &[Group], categories: &[MenuCategory]) -> Vec<MenuGroup> {
    let by_id: BTreeMap<&str, &Group> = groups.iter().map(|group| (group.id.as_str(), group)).collect();
    let mut above: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for category in categories {
        let own = by_id.get(category.external_id.as_str());
        let parent = own.and_then(|group| group.parent_group.as_ref());
        let parent = parent.and_then(|id| by_id.get(id.as_str()));
        if let Some(parent) = parent.filter(|group| !group.is_deleted && !group.name.trim().is_empty()) {
            let held = above.entry(parent.name.trim()).or_default();
            held.push(category.external_id.clone());
        }
    }
    let group = |(name, category_ids): (&str, Vec<String>)| MenuGroup {
        name: name.to_owned(),
        category_ids,
    };
    above.into_iter().map(group).collect()
}

impl Product {
    fn category(&self, by: MenuCategories) -> Option<&Id> {
        match by {
            MenuCategories::Groups => self.parent_group.as_ref(),
            MenuCategories::ProductCategories => self.product_category_id.as_ref(),
        }
    }

    /// The price of the first size that is sold: a menu of ours has one price.
    fn price(&self) -> Option<Money> {
        let sold = self
            .size_prices
            .iter()
            .find(|size| size.price.is_included_in_menu);
        let size = sold.or(self.size_prices.first())?;
        size.price.current_price.filter(|price| price.is_positive())
    }
}

impl Dialogue for Taking {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::TakeMenu(self.menu.clone())]
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.iter().map(Remark::words).collect()
    }

    fn reply(&self, _told: &[Result<Told, Refusal>]) -> Reply {
        webhook::taken()
    }
}
