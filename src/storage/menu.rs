//! The menu of a venue: categories, products, and groups of categories.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use super::schema::{categories, category_groups, favourites, product_namesakes, products};
use super::{AnyConnection, StorageError, Tenant};
use crate::domain::Money;
use crate::domain::ids::{CategoryId, GroupId, ProductId, VenueId};
use crate::domain::rate::Coefficient;

/// A category of a venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Its venue.
    pub venue: VenueId,
    /// The till's id: what lines of receipts name.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// Its coefficient, if set.
    pub coefficient: Option<Coefficient>,
    /// Whether bonuses may pay for what is in it.
    pub redeemable: bool,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = categories, primary_key(network_id, id))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct CategoryRow {
    network_id: i64,
    id: i64,
    venue_id: i64,
    external_id: String,
    name: String,
    coefficient: Option<i64>,
    redeemable: bool,
}

impl CategoryRow {
    fn of(tenant: Tenant, category: &Category) -> Self {
        CategoryRow {
            network_id: tenant.id(),
            id: category.id.0,
            venue_id: category.venue.0,
            external_id: category.external_id.clone(),
            name: category.name.clone(),
            coefficient: category.coefficient.map(Coefficient::scaled),
            redeemable: category.redeemable,
        }
    }

    fn category(self) -> Category {
        Category {
            id: CategoryId(self.id),
            venue: VenueId(self.venue_id),
            external_id: self.external_id,
            name: self.name,
            coefficient: self.coefficient.map(Coefficient::from_scaled),
            redeemable: self.redeemable,
        }
    }
}

/// Categories of a venue in the order of their ids, those after `after`.
///
/// # Errors
/// Those of the database.
pub fn categories_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Category>, StorageError> {
    let rows = categories::table
        .filter(categories::network_id.eq(tenant.id()))
        .filter(categories::venue_id.eq(venue.0))
        .filter(categories::id.gt(after.unwrap_or(0)))
        .order(categories::id)
        .limit(limit)
        .select(CategoryRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(CategoryRow::category).collect())
}

/// A category of a venue, by its id or by the till's.
///
/// # Errors
/// Those of the database.
pub fn find_category(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    reference: &str,
) -> Result<Option<Category>, StorageError> {
    let mut query = categories::table
        .filter(categories::network_id.eq(tenant.id()))
        .filter(categories::venue_id.eq(venue.0))
        .select(CategoryRow::as_select())
        .into_boxed();
    query = match reference.parse::<CategoryId>() {
        Ok(id) => query.filter(categories::id.eq(id.0)),
        Err(_) => query.filter(categories::external_id.eq(reference.to_owned())),
    };
    Ok(query.first(connection).optional()?.map(CategoryRow::category))
}

/// Adds a category.
///
/// # Errors
/// Those of the database.
pub fn insert_category(
    connection: &mut AnyConnection,
    tenant: Tenant,
    category: &Category,
) -> Result<(), StorageError> {
    diesel::insert_into(categories::table)
        .values(CategoryRow::of(tenant, category))
        .execute(connection)?;
    Ok(())
}

/// Writes a category over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update_category(
    connection: &mut AnyConnection,
    tenant: Tenant,
    category: &Category,
) -> Result<(), StorageError> {
    diesel::update(categories::table.find((tenant.id(), category.id.0)))
        .set(CategoryRow::of(tenant, category))
        .execute(connection)?;
    Ok(())
}

/// Removes a category. Lines of receipts keep the till's id of it.
///
/// # Errors
/// Those of the database.
pub fn delete_category(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: CategoryId,
) -> Result<(), StorageError> {
    diesel::delete(categories::table.find((tenant.id(), id.0))).execute(connection)?;
    Ok(())
}

/// A product of a venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its venue.
    pub venue: VenueId,
    /// The till's id.
    pub external_id: Option<String>,
    /// Its name, by which lines of receipts are matched exactly.
    pub name: String,
    /// The till's id of its category.
    pub category_id: Option<String>,
    /// What one costs.
    pub price: Option<Money>,
    /// Barcode.
    pub barcode: Option<String>,
    /// Its coefficient, if set.
    pub coefficient: Option<Coefficient>,
    /// Whether bonuses may pay for it.
    pub redeemable: bool,
    /// What its quantity counts.
    pub unit: Unit,
}

/// What a product's quantity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Pieces.
    #[default]
    Piece,
    /// Kilograms: a scale tells how many.
    Kg,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Unit::Piece => "piece",
            Unit::Kg => "kg",
        }
    }

    fn parse(text: &str) -> Result<Self, StorageError> {
        match text {
            "piece" => Ok(Unit::Piece),
            "kg" => Ok(Unit::Kg),
            _ => Err(StorageError::Corrupt(format!("unit {text}"))),
        }
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = products, primary_key(network_id, id))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct ProductRow {
    network_id: i64,
    id: i64,
    venue_id: i64,
    external_id: Option<String>,
    name: String,
    category_id: Option<String>,
    price: Option<i64>,
    barcode: Option<String>,
    coefficient: Option<i64>,
    redeemable: bool,
    unit: String,
}

impl ProductRow {
    fn of(tenant: Tenant, product: &Product) -> Self {
        ProductRow {
            network_id: tenant.id(),
            id: product.id.0,
            venue_id: product.venue.0,
            external_id: product.external_id.clone(),
            name: product.name.clone(),
            category_id: product.category_id.clone(),
            price: product.price.map(Money::kopecks),
            barcode: product.barcode.clone(),
            coefficient: product.coefficient.map(Coefficient::scaled),
            redeemable: product.redeemable,
            unit: product.unit.as_str().to_owned(),
        }
    }

    fn product(self) -> Result<Product, StorageError> {
        Ok(Product {
            id: ProductId(self.id),
            venue: VenueId(self.venue_id),
            external_id: self.external_id,
            name: self.name,
            category_id: self.category_id,
            price: self.price.map(Money::from_kopecks),
            barcode: self.barcode,
            coefficient: self.coefficient.map(Coefficient::from_scaled),
            redeemable: self.redeemable,
            unit: Unit::parse(&self.unit)?,
        })
    }
}

/// Which products are wanted.
#[derive(Debug, Clone, Default)]
pub struct ProductFilter {
    /// Part of the name, in any case, or the whole barcode.
    pub query: Option<String>,
    /// The barcode.
    pub barcode: Option<String>,
    /// The till's id of the category.
    pub category_id: Option<String>,
}

/// Products of a venue in the order of their ids, those after `after`.
///
/// # Errors
/// Those of the database.
pub fn products_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    filter: &ProductFilter,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Product>, StorageError> {
    let dialect = Dialect::of(connection);
    let mut query = products::table
        .filter(products::network_id.eq(tenant.id()))
        .filter(products::venue_id.eq(venue.0))
        .filter(products::id.gt(after.unwrap_or(0)))
        .order(products::id)
        .limit(limit)
        .select(ProductRow::as_select())
        .into_boxed();
    if let Some(text) = &filter.query {
        let by_name = diesel::dsl::sql::<Bool>(&format!("({} LIKE ", dialect.lower("products.name")))
            .bind::<Text, _>(Dialect::containing(text))
            .sql(" ESCAPE '\\')");
        query = query.filter(by_name.or(products::barcode.eq(text.clone()).assume_not_null()));
    }
    if let Some(barcode) = &filter.barcode {
        query = query.filter(products::barcode.eq(barcode.clone()));
    }
    if let Some(category) = &filter.category_id {
        query = query.filter(products::category_id.eq(category.clone()));
    }
    query
        .load(connection)?
        .into_iter()
        .map(ProductRow::product)
        .collect()
}

/// The till's ids of the categories that products of a venue are in, by the till's ids of the products. Absent: products that
/// the till's menu does not have, or has in no category.
///
/// # Errors
/// Those of the database.
pub fn categories_by_product(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    sold: &[String],
) -> Result<BTreeMap<String, String>, StorageError> {
    let rows: Vec<(Option<String>, Option<String>)> = products::table
        .filter(products::network_id.eq(tenant.id()))
        .filter(products::venue_id.eq(venue.0))
        .filter(products::external_id.eq_any(sold))
        .select((products::external_id, products::category_id))
        .load(connection)?;
    let known: HashMap<String, Option<String>> = rows
        .into_iter()
        .filter_map(|(product, category)| Some((product?, category)))
        .collect();
    let rest: Vec<&String> = sold.iter().filter(|id| !known.contains_key(*id)).collect();
    let mut found: BTreeMap<String, String> = known
        .into_iter()
        .filter_map(|(product, category)| Some((product, category?)))
        .collect();
    if !rest.is_empty() {
        let rows: Vec<(String, Option<String>)> = product_namesakes::table
            .filter(product_namesakes::network_id.eq(tenant.id()))
            .filter(product_namesakes::venue_id.eq(venue.0))
            .filter(product_namesakes::external_id.eq_any(rest))
            .select((product_namesakes::external_id, product_namesakes::category_id))
            .load(connection)?;
        found.extend(
            rows.into_iter()
                .filter_map(|(id, category)| Some((id, category?))),
        );
    }
    Ok(found)
}

/// Products of a venue's till that have the name of another, with the till's ids of their categories: the menu has each name
/// once.
///
/// # Errors
/// Those of the database.
pub fn namesakes_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
) -> Result<BTreeMap<String, Option<String>>, StorageError> {
    let rows: Vec<(String, Option<String>)> = product_namesakes::table
        .filter(product_namesakes::network_id.eq(tenant.id()))
        .filter(product_namesakes::venue_id.eq(venue.0))
        .select((product_namesakes::external_id, product_namesakes::category_id))
        .load(connection)?;
    Ok(rows.into_iter().collect())
}

/// Keeps, or brings up to date, the category of a product that has the name of another.
///
/// # Errors
/// Those of the database.
pub fn put_namesake(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    external_id: &str,
    category_id: Option<&str>,
) -> Result<(), StorageError> {
    let key = (tenant.id(), venue.0, external_id);
    let stored = diesel::update(product_namesakes::table.find(key))
        .set(product_namesakes::category_id.eq(category_id))
        .execute(connection)?;
    if stored == 0 {
        diesel::insert_into(product_namesakes::table)
            .values((
                product_namesakes::network_id.eq(tenant.id()),
                product_namesakes::venue_id.eq(venue.0),
                product_namesakes::external_id.eq(external_id),
                product_namesakes::category_id.eq(category_id),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// What of a product must be its own at a venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductKey {
    /// The name.
    Name,
    /// The till's id.
    ExternalId,
}

/// Which of a product's keys another product of the venue has already.
///
/// # Errors
/// Those of the database.
pub fn taken_product_key(
    connection: &mut AnyConnection,
    tenant: Tenant,
    product: &Product,
) -> Result<Option<ProductKey>, StorageError> {
    let others = || {
        products::table
            .filter(products::network_id.eq(tenant.id()))
            .filter(products::venue_id.eq(product.venue.0))
            .filter(products::id.ne(product.id.0))
            .select(products::id)
    };
    let named: Option<i64> = others()
        .filter(products::name.eq(product.name.clone()))
        .first(connection)
        .optional()?;
    if named.is_some() {
        return Ok(Some(ProductKey::Name));
    }
    let Some(external_id) = &product.external_id else {
        return Ok(None);
    };
    let known: Option<i64> = others()
        .filter(products::external_id.eq(external_id.clone()))
        .first(connection)
        .optional()?;
    Ok(known.map(|_| ProductKey::ExternalId))
}

/// A product of a venue, by its id or by the till's.
///
/// # Errors
/// Those of the database.
pub fn find_product(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    reference: &str,
) -> Result<Option<Product>, StorageError> {
    let mut query = products::table
        .filter(products::network_id.eq(tenant.id()))
        .filter(products::venue_id.eq(venue.0))
        .select(ProductRow::as_select())
        .into_boxed();
    query = match reference.parse::<ProductId>() {
        Ok(id) => query.filter(products::id.eq(id.0)),
        Err(_) => query.filter(products::external_id.eq(reference.to_owned())),
    };
    query
        .first(connection)
        .optional()?
        .map(ProductRow::product)
        .transpose()
}

/// Adds a product.
///
/// # Errors
/// Those of the database.
pub fn insert_product(
    connection: &mut AnyConnection,
    tenant: Tenant,
    product: &Product,
) -> Result<(), StorageError> {
    diesel::insert_into(products::table)
        .values(ProductRow::of(tenant, product))
        .execute(connection)?;
    Ok(())
}

/// Writes a product over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update_product(
    connection: &mut AnyConnection,
    tenant: Tenant,
    product: &Product,
) -> Result<(), StorageError> {
    diesel::update(products::table.find((tenant.id(), product.id.0)))
        .set(ProductRow::of(tenant, product))
        .execute(connection)?;
    Ok(())
}

/// Removes a product. Lines of receipts keep its name.
///
/// # Errors
/// Those of the database.
pub fn delete_product(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: ProductId,
) -> Result<(), StorageError> {
    diesel::delete(
        favourites::table
            .filter(favourites::network_id.eq(tenant.id()))
            .filter(favourites::product_id.eq(id.0)),
    )
    .execute(connection)?;
    diesel::delete(products::table.find((tenant.id(), id.0))).execute(connection)?;
    Ok(())
}

/// A group of categories (общая категория).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its venue.
    pub venue: VenueId,
    /// Its name.
    pub name: String,
    /// The till's ids of its categories.
    pub category_ids: Vec<String>,
    /// Its coefficient.
    pub coefficient: Coefficient,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = category_groups, primary_key(network_id, id))]
struct GroupRow {
    network_id: i64,
    id: i64,
    venue_id: i64,
    name: String,
    category_ids: String,
    coefficient: i64,
}

impl GroupRow {
    fn of(tenant: Tenant, group: &Group) -> Result<Self, StorageError> {
        Ok(GroupRow {
            network_id: tenant.id(),
            id: group.id.0,
            venue_id: group.venue.0,
            name: group.name.clone(),
            category_ids: serde_json::to_string(&group.category_ids)?,
            coefficient: group.coefficient.scaled(),
        })
    }

    fn group(self) -> Result<Group, StorageError> {
        Ok(Group {
            id: GroupId(self.id),
            venue: VenueId(self.venue_id),
            name: self.name,
            category_ids: serde_json::from_str(&self.category_ids)?,
            coefficient: Coefficient::from_scaled(self.coefficient),
        })
    }
}

/// Groups of a venue in the order of their ids, those after `after`.
///
/// # Errors
/// Those of the database.
pub fn groups_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Group>, StorageError> {
    category_groups::table
        .filter(category_groups::network_id.eq(tenant.id()))
        .filter(category_groups::venue_id.eq(venue.0))
        .filter(category_groups::id.gt(after.unwrap_or(0)))
        .order(category_groups::id)
        .limit(limit)
        .select(GroupRow::as_select())
        .load(connection)?
        .into_iter()
        .map(GroupRow::group)
        .collect()
}

/// A group of a venue.
///
/// # Errors
/// Those of the database.
pub fn find_group(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    id: GroupId,
) -> Result<Option<Group>, StorageError> {
    category_groups::table
        .find((tenant.id(), id.0))
        .filter(category_groups::venue_id.eq(venue.0))
        .select(GroupRow::as_select())
        .first(connection)
        .optional()?
        .map(GroupRow::group)
        .transpose()
}

/// Adds a group.
///
/// # Errors
/// Those of the database.
pub fn insert_group(
    connection: &mut AnyConnection,
    tenant: Tenant,
    group: &Group,
) -> Result<(), StorageError> {
    diesel::insert_into(category_groups::table)
        .values(GroupRow::of(tenant, group)?)
        .execute(connection)?;
    Ok(())
}

/// Writes a group over what is stored under its id.
///
/// # Errors
/// Those of the database.
pub fn update_group(
    connection: &mut AnyConnection,
    tenant: Tenant,
    group: &Group,
) -> Result<(), StorageError> {
    diesel::update(category_groups::table.find((tenant.id(), group.id.0)))
        .set(GroupRow::of(tenant, group)?)
        .execute(connection)?;
    Ok(())
}

/// Removes a group. Its categories stay.
///
/// # Errors
/// Those of the database.
pub fn delete_group(connection: &mut AnyConnection, tenant: Tenant, id: GroupId) -> Result<(), StorageError> {
    diesel::delete(category_groups::table.find((tenant.id(), id.0))).execute(connection)?;
    Ok(())
}

/// A category of any venue of the network.
///
/// # Errors
/// Those of the database.
pub fn category_anywhere(
    connection: &mut AnyConnection,
    tenant: Tenant,
    id: CategoryId,
) -> Result<Option<Category>, StorageError> {
    let row = categories::table
        .find((tenant.id(), id.0))
        .select(CategoryRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(CategoryRow::category))
}

/// Products that the till of a venue shows first, in their order.
///
/// # Errors
/// Those of the database.
pub fn favourites_of(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
) -> Result<Vec<ProductId>, StorageError> {
    let ids: Vec<i64> = favourites::table
        .filter(favourites::network_id.eq(tenant.id()))
        .filter(favourites::venue_id.eq(venue.0))
        .order((favourites::sequence, favourites::product_id))
        .select(favourites::product_id)
        .load(connection)?;
    Ok(ids.into_iter().map(ProductId).collect())
}

/// Sets the products that the till of a venue shows first. `None`: one of them is not the venue's, and nothing changed.
///
/// # Errors
/// Those of the database.
pub fn set_favourites(
    connection: &mut AnyConnection,
    tenant: Tenant,
    venue: VenueId,
    wanted: &[ProductId],
) -> Result<Option<()>, StorageError> {
    let known: i64 = products::table
        .filter(products::network_id.eq(tenant.id()))
        .filter(products::venue_id.eq(venue.0))
        .filter(products::id.eq_any(wanted.iter().map(|p| p.0).collect::<Vec<_>>()))
        .count()
        .get_result(connection)?;
    if usize::try_from(known).ok() != Some(wanted.len()) {
        return Ok(None);
    }
    diesel::delete(
        favourites::table
            .filter(favourites::network_id.eq(tenant.id()))
            .filter(favourites::venue_id.eq(venue.0)),
    )
    .execute(connection)?;
    for (product, sequence) in wanted.iter().zip(0..) {
        let sequence: i32 = sequence;
        diesel::insert_into(favourites::table)
            .values((
                favourites::network_id.eq(tenant.id()),
                favourites::venue_id.eq(venue.0),
                favourites::product_id.eq(product.0),
                favourites::sequence.eq(sequence),
            ))
            .execute(connection)?;
    }
    Ok(Some(()))
}
