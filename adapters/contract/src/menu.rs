//! A menu as a till tells it.

use crate::{Money, Words};

/// What a till sells at a venue. All of it or a part: what is named is added or brought up to date, what is not named
/// stays as it is, and coefficients that people have set are never touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Menu {
    /// Categories of products, those that lines of receipts name. Where a till has a tree of groups, the ones that
    /// directly hold products.
    pub categories: Vec<MenuCategory>,
    /// What a till has above its categories.
    pub groups: Vec<MenuGroup>,
    /// Products.
    pub products: Vec<MenuProduct>,
}

/// A category of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuCategory {
    /// The till's id: [`crate::Line::category_id`] of its receipts.
    pub external_id: String,
    /// Its name, for people.
    pub name: String,
}

/// A group of categories, known by its name. It is made with a coefficient of 1; a category that a person has put into
/// another group stays there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuGroup {
    /// Its name.
    pub name: String,
    /// The till's ids of its categories.
    pub category_ids: Vec<String>,
}

/// A product. What is `None` is not known to the till and stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuProduct {
    /// The till's id: [`crate::Line::product_id`] of its receipts.
    pub external_id: String,
    /// Its name, exactly as receipts have it.
    pub name: String,
    /// The till's id of its category.
    pub category_id: Option<String>,
    /// What one costs.
    pub price: Option<Money>,
    /// Barcode.
    pub barcode: Option<String>,
    /// Whether its quantity is kilograms.
    pub by_weight: Option<bool>,
}

/// What a menu changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MenuTaken {
    /// Categories, groups and products that were not known.
    pub added: usize,
    /// Those that were brought up to date.
    pub changed: usize,
    /// What could not be taken, each with why: two products of one name, for example.
    pub skipped: Vec<Words>,
}
