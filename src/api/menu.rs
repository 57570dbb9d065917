//! The menu of a venue: categories, products, and groups of categories.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::given::{Change, amount, change, external_id, optional_text, text};
use super::json_body::{JsonBody, QueryOf};
use super::names;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use super::venues::{may_read, reached};
use crate::app::App;
use crate::domain::Money;
use crate::domain::ids::{CategoryId, GroupId, ProductId, VenueId};
use crate::domain::rate::Coefficient;
use crate::storage::menu::{self, Category, Group, Product, ProductFilter, ProductKey, Unit};
use crate::storage::{AnyConnection, Tenant, networks};

/// Routes of menus.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_categories, create_category))
        .routes(routes!(read_category, update_category, delete_category))
        .routes(routes!(list_products, create_product))
        .routes(routes!(read_product, update_product, delete_product))
        .routes(routes!(list_groups, create_group))
        .routes(routes!(read_group, update_group, delete_group))
}

/// A category of a venue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CategoryView {
    /// Its id.
    #[schema(value_type = String, example = "cat_01hgw3zj3q7hx")]
    pub id: CategoryId,
    /// Its venue.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// The till's id: what lines of receipts name in `category_id`.
    #[schema(example = "17")]
    pub external_id: String,
    /// Its name.
    #[schema(example = "Десерты")]
    pub name: String,
    /// Its coefficient; null: not set, which is not 0.
    #[schema(value_type = Option<String>, example = "1.5")]
    pub coefficient: Option<Coefficient>,
    /// Whether bonuses may pay for what is in it.
    pub redeemable: bool,
}

impl From<Category> for CategoryView {
    fn from(category: Category) -> Self {
        CategoryView {
            id: category.id,
            venue_id: category.venue,
            external_id: category.external_id,
            name: category.name,
            coefficient: category.coefficient,
            redeemable: category.redeemable,
        }
    }
}

/// A category to be added.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// The till's id.
    #[schema(example = "17")]
    external_id: String,
    /// Its name.
    #[schema(example = "Десерты")]
    name: String,
    /// Its coefficient, 0 to 1000 with at most six decimals; absent: not set.
    #[schema(value_type = Option<String>, example = "1.5")]
    coefficient: Option<Coefficient>,
    /// Whether bonuses may pay for what is in it; absent: yes.
    redeemable: Option<bool>,
}

/// What to change of a category; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryChange {
    /// The till's id.
    external_id: Option<String>,
    /// Its name.
    name: Option<String>,
    /// Its coefficient; null: not set.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, example = "2")]
    coefficient: Change<Coefficient>,
    /// Whether bonuses may pay for what is in it.
    redeemable: Option<bool>,
}

/// A product of a venue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductView {
    /// Its id.
    #[schema(value_type = String, example = "prd_01hgw3zj3q7hx")]
    pub id: ProductId,
    /// Its venue.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// The till's id; accepted wherever its id is.
    #[schema(example = "1012")]
    pub external_id: Option<String>,
    /// Its name: lines of receipts are matched by it, exactly.
    #[schema(example = "Капучино")]
    pub name: String,
    /// The till's id of its category.
    #[schema(example = "17")]
    pub category_id: Option<String>,
    /// What one costs.
    #[schema(value_type = Option<String>, example = "190.00")]
    pub price: Option<Money>,
    /// Barcode.
    #[schema(example = "4600000000017")]
    pub barcode: Option<String>,
    /// Its coefficient; null: not set, which is not 0.
    #[schema(value_type = Option<String>, example = "2")]
    pub coefficient: Option<Coefficient>,
    /// Whether bonuses may pay for it.
    pub redeemable: bool,
    /// What its quantity counts: `piece` or `kg`.
    #[schema(value_type = String, example = "piece")]
    pub unit: Unit,
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        ProductView {
            id: product.id,
            venue_id: product.venue,
            external_id: product.external_id,
            name: product.name,
            category_id: product.category_id,
            price: product.price,
            barcode: product.barcode,
            coefficient: product.coefficient,
            redeemable: product.redeemable,
            unit: product.unit,
        }
    }
}

/// A product to be added.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// The till's id.
    #[schema(example = "1012")]
    external_id: Option<String>,
    /// Its name, exactly as tills send it.
    #[schema(example = "Раф лавандовый")]
    name: String,
    /// The till's id of its category.
    #[schema(example = "coffee")]
    category_id: Option<String>,
    /// What one costs.
    #[schema(value_type = Option<String>, example = "260.00")]
    price: Option<Money>,
    /// Barcode.
    #[schema(example = "4600000000017")]
    barcode: Option<String>,
    /// Its coefficient, 0 to 1000 with at most six decimals; absent: not set.
    #[schema(value_type = Option<String>, example = "2")]
    coefficient: Option<Coefficient>,
    /// Whether bonuses may pay for it; absent: yes.
    redeemable: Option<bool>,
    /// What its quantity counts: `piece` (so where absent) or `kg`.
    #[schema(value_type = Option<String>, example = "piece")]
    unit: Option<Unit>,
}

/// What to change of a product; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductChange {
    /// The till's id; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    external_id: Change<String>,
    /// Its name.
    name: Option<String>,
    /// The till's id of its category; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    category_id: Change<String>,
    /// What one costs; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, example = "210.00")]
    price: Change<Money>,
    /// Barcode; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    barcode: Change<String>,
    /// Its coefficient; null: not set.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    coefficient: Change<Coefficient>,
    /// Whether bonuses may pay for it.
    redeemable: Option<bool>,
    /// What its quantity counts: `piece` or `kg`.
    #[schema(value_type = Option<String>, example = "kg")]
    unit: Option<Unit>,
}

/// A group of categories (общая категория).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// Its id.
    #[schema(value_type = String, example = "grp_01hgw3zj3q7hx")]
    pub id: GroupId,
    /// Its venue.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// Its name.
    #[schema(example = "Сладкое")]
    pub name: String,
    /// The till's ids of its categories.
    #[schema(example = json!(["17", "18"]))]
    pub category_ids: Vec<String>,
    /// Its coefficient.
    #[schema(value_type = String, example = "1.2")]
    pub coefficient: Coefficient,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        GroupView {
            id: group.id,
            venue_id: group.venue,
            name: group.name,
            category_ids: group.category_ids,
            coefficient: group.coefficient,
        }
    }
}

/// A group to be added.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name.
    #[schema(example = "Сладкое")]
    name: String,
    /// The till's ids of its categories; a category is in one group at most.
    #[schema(example = json!(["17", "18"]))]
    category_ids: Vec<String>,
    /// Its coefficient, 0 to 1000 with at most six decimals.
    #[schema(value_type = String, example = "1.2")]
    coefficient: Coefficient,
}

/// What to change of a group; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupChange {
    /// Its name.
    name: Option<String>,
    /// The till's ids of its categories, all of them.
    category_ids: Option<Vec<String>>,
    /// Its coefficient.
    #[schema(value_type = Option<String>, example = "1.3")]
    coefficient: Option<Coefficient>,
}

/// The till's id of a category, which must not look like one of ours.
pub(crate) fn till_id(given: &str) -> Result<String, Problem> {
    text("/external_id", given, 128)?;
    Ok(external_id::<CategoryId>(Some(given))?.unwrap_or_default())
}

/// Refuses a till's id that another category of the venue has.
fn check_category(
    connection: &mut AnyConnection,
    tenant: Tenant,
    category: &Category,
) -> Result<(), Problem> {
    match menu::find_category(connection, tenant, category.venue, &category.external_id)? {
        Some(other) if other.id != category.id => Err(Problem::taken("/external_id")),
        _ => Ok(()),
    }
}

/// Refuses a name or till's id that another product of the venue has.
fn check_product(connection: &mut AnyConnection, tenant: Tenant, product: &Product) -> Result<(), Problem> {
    match menu::taken_product_key(connection, tenant, product)? {
        Some(ProductKey::Name) => Err(Problem::taken("/name")),
        Some(ProductKey::ExternalId) => Err(Problem::taken("/external_id")),
        None => Ok(()),
    }
}

fn checked_category_ids(given: &[String]) -> Result<Vec<String>, Problem> {
    if given.len() > 1000 {
        return Err(Problem::invalid(
            "/category_ids",
            "Не больше 1000 категорий.",
            "At most 1000 categories.",
        ));
    }
    let mut ids: Vec<String> = Vec::new();
    for (i, id) in given.iter().enumerate() {
        let id = text(&format!("/category_ids/{i}"), id, 128)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Refuses a category that another group of the venue holds: which group's coefficient counts would be chance.
fn check_group(connection: &mut AnyConnection, tenant: Tenant, group: &Group) -> Result<(), Problem> {
    for other in menu::groups_of(connection, tenant, group.venue, None, i64::MAX)? {
        if other.id == group.id {
            continue;
        }
        let held = |id: &String| other.category_ids.contains(id);
        if let Some(i) = group.category_ids.iter().position(held) {
            return Err(Problem::invalid(
                &format!("/category_ids/{i}"),
                format!("Категория уже входит в группу «{}».", other.name),
                format!("The category is in the group {:?} already.", other.name),
            ));
        }
    }
    Ok(())
}

/// Which products.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// Part of the name, in any case, or a whole barcode.
    #[param(example = "капуч")]
    query: Option<String>,
    /// A barcode.
    barcode: Option<String>,
    /// The till's id of a category.
    #[param(example = "coffee")]
    category_id: Option<String>,
}

/// Lines of receipts are matched by the exact name: it is kept as it came, its spaces too.
pub(crate) fn product_name(given: &str) -> Result<String, Problem> {
    text("/name", given, 500)?;
    Ok(given.to_owned())
}

/// The category of a path.
fn category_of(
    connection: &mut AnyConnection,
    caller: &Caller,
    (venue, reference): &(String, String),
) -> Result<Category, Problem> {
    let venue = reached(connection, caller, venue)?;
    menu::find_category(connection, caller.tenant, venue, reference)?.ok_or_else(Problem::not_found)
}

/// Categories of a venue.
#[utoipa::path(get, path = "/venues/{venue}/categories", tag = "menu", operation_id = "list_categories",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ListQuery),
    responses((status = 200, body = Page<CategoryView>), Refusals))]
async fn list_categories(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    QueryOf(page): QueryOf<ListQuery>,
) -> Result<Json<Page<CategoryView>>, Problem> {
    may_read(&caller)?;
    let (limit, after) = (page.limit()?, page.after::<CategoryId>()?);
    app.read(move |c| {
        let venue = reached(c, &caller, &reference)?;
        let after = after.map(|id| id.0);
        let found = menu::categories_of(c, caller.tenant, venue, after, i64::from(limit) + 1)?;
        Ok(Json(Page::of(found, limit, |x| x.id).map(CategoryView::from)))
    })
    .await
}

/// Adds a category.
#[utoipa::path(post, path = "/venues/{venue}/categories", tag = "menu", operation_id = "create_category", request_body = NewCategory,
    params(("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 201, body = CategoryView), (status = 409, description = "`already-exists`: the venue has a category with this till's id"), Refusals))]
async fn create_category(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<NewCategory>,
) -> Result<(StatusCode, Json<CategoryView>), Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let id = CategoryId(author.next_id());
    let view = app
        .write(move |c| -> Result<CategoryView, Problem> {
            networks::bump(c, author.tenant)?;
            let category = Category {
                id,
                venue: reached(c, &caller, &reference)?,
                external_id: till_id(&given.external_id)?,
                name: names::name("/name", &given.name, 200)?,
                coefficient: given.coefficient,
                redeemable: given.redeemable.unwrap_or(true),
            };
            check_category(c, author.tenant, &category)?;
            menu::insert_category(c, author.tenant, &category)?;
            let view = CategoryView::from(category);
            author.note(c, "category.create", id, None, Some(&view))?;
            Ok(view)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// A category of a venue.
#[utoipa::path(get, path = "/venues/{venue}/categories/{category}", tag = "menu", operation_id = "get_category",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("category" = String, Path, description = "Id or the till's id", example = "dessert")), responses((status = 200, body = CategoryView), Refusals))]
async fn read_category(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<Json<CategoryView>, Problem> {
    may_read(&caller)?;
    app.read(move |c| Ok(Json(CategoryView::from(category_of(c, &caller, &path)?))))
        .await
}

/// Changes a category.
#[utoipa::path(patch, path = "/venues/{venue}/categories/{category}", tag = "menu", operation_id = "update_category",
    request_body = CategoryChange, params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("category" = String, Path, description = "Id or the till's id", example = "dessert")),
    responses((status = 200, body = CategoryView), (status = 409, description = "`already-exists`: the venue has a category with this till's id"), Refusals))]
async fn update_category(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    JsonBody { value: given, .. }: JsonBody<CategoryChange>,
) -> Result<Json<CategoryView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let before = category_of(c, &caller, &path)?;
        let mut category = before.clone();
        if let Some(id) = &given.external_id {
            category.external_id = till_id(id)?;
        }
        if let Some(name) = &given.name {
            category.name = names::name("/name", name, 200)?;
        }
        category.coefficient = given.coefficient.unwrap_or(category.coefficient);
        category.redeemable = given.redeemable.unwrap_or(category.redeemable);
        check_category(c, author.tenant, &category)?;
        menu::update_category(c, author.tenant, &category)?;
        let view = CategoryView::from(category);
        author.note(
            c,
            "category.update",
            view.id,
            Some(&CategoryView::from(before)),
            Some(&view),
        )?;
        Ok(Json(view))
    })
    .await
}

/// Removes a category.
#[utoipa::path(delete, path = "/venues/{venue}/categories/{category}", tag = "menu", operation_id = "delete_category",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("category" = String, Path, description = "Id or the till's id", example = "dessert")), responses((status = 204), Refusals))]
async fn delete_category(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let gone = CategoryView::from(category_of(c, &caller, &path)?);
        menu::delete_category(c, author.tenant, gone.id)?;
        author.note(c, "category.delete", gone.id, Some(&gone), None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The product of a path.
fn product_of(
    connection: &mut AnyConnection,
    caller: &Caller,
    (venue, reference): &(String, String),
) -> Result<Product, Problem> {
    let venue = reached(connection, caller, venue)?;
    menu::find_product(connection, caller.tenant, venue, reference)?.ok_or_else(Problem::not_found)
}

/// Products of a venue.
#[utoipa::path(get, path = "/venues/{venue}/products", tag = "menu", operation_id = "list_products",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ListQuery, ProductQuery),
    responses((status = 200, body = Page<ProductView>), Refusals))]
async fn list_products(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<ProductQuery>,
) -> Result<Json<Page<ProductView>>, Problem> {
    may_read(&caller)?;
    let (limit, after) = (page.limit()?, page.after::<ProductId>()?);
    let filter = ProductFilter {
        query: query.query.filter(|q| !q.trim().is_empty()),
        barcode: query.barcode,
        category_id: query.category_id,
    };
    app.read(move |c| {
        let venue = reached(c, &caller, &reference)?;
        let after = after.map(|id| id.0);
        let found = menu::products_of(c, caller.tenant, venue, &filter, after, i64::from(limit) + 1)?;
        Ok(Json(Page::of(found, limit, |x| x.id).map(ProductView::from)))
    })
    .await
}

/// Adds a product.
#[utoipa::path(post, path = "/venues/{venue}/products", tag = "menu", operation_id = "create_product", request_body = NewProduct,
    params(("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 201, body = ProductView), (status = 409, description = "`already-exists`: the venue has a product with this name or till's id"), Refusals))]
async fn create_product(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<NewProduct>,
) -> Result<(StatusCode, Json<ProductView>), Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let id = ProductId(author.next_id());
    let view = app
        .write(move |c| -> Result<ProductView, Problem> {
            networks::bump(c, author.tenant)?;
            let product = Product {
                id,
                venue: reached(c, &caller, &reference)?,
                external_id: external_id::<ProductId>(given.external_id.as_deref())?,
                name: product_name(&given.name)?,
                category_id: optional_text("/category_id", given.category_id.as_deref(), 128)?,
                price: given.price.map(|p| amount("/price", p)).transpose()?,
                barcode: optional_text("/barcode", given.barcode.as_deref(), 64)?,
                coefficient: given.coefficient,
                redeemable: given.redeemable.unwrap_or(true),
                unit: given.unit.unwrap_or_default(),
            };
            check_product(c, author.tenant, &product)?;
            menu::insert_product(c, author.tenant, &product)?;
            let view = ProductView::from(product);
            author.note(c, "product.create", id, None, Some(&view))?;
            Ok(view)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// A product of a venue.
#[utoipa::path(get, path = "/venues/{venue}/products/{product}", tag = "menu", operation_id = "get_product",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("product" = String, Path, description = "Id or the till's id", example = "prd_01hgw3zj3q7hx")), responses((status = 200, body = ProductView), Refusals))]
async fn read_product(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<Json<ProductView>, Problem> {
    may_read(&caller)?;
    app.read(move |c| Ok(Json(ProductView::from(product_of(c, &caller, &path)?))))
        .await
}

/// Changes a product.
#[utoipa::path(patch, path = "/venues/{venue}/products/{product}", tag = "menu", operation_id = "update_product",
    request_body = ProductChange, params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("product" = String, Path, description = "Id or the till's id", example = "prd_01hgw3zj3q7hx")),
    responses((status = 200, body = ProductView), (status = 409, description = "`already-exists`: the venue has a product with this name or till's id"), Refusals))]
async fn update_product(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    JsonBody { value: given, .. }: JsonBody<ProductChange>,
) -> Result<Json<ProductView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let before = product_of(c, &caller, &path)?;
        let mut product = before.clone();
        if let Some(id) = &given.external_id {
            product.external_id = external_id::<ProductId>(id.as_deref())?;
        }
        if let Some(name) = &given.name {
            product.name = product_name(name)?;
        }
        if let Some(category) = &given.category_id {
            product.category_id = optional_text("/category_id", category.as_deref(), 128)?;
        }
        if let Some(price) = given.price {
            product.price = price.map(|p| amount("/price", p)).transpose()?;
        }
        if let Some(barcode) = &given.barcode {
            product.barcode = optional_text("/barcode", barcode.as_deref(), 64)?;
        }
        product.coefficient = given.coefficient.unwrap_or(product.coefficient);
        product.redeemable = given.redeemable.unwrap_or(product.redeemable);
        product.unit = given.unit.unwrap_or(product.unit);
        check_product(c, author.tenant, &product)?;
        menu::update_product(c, author.tenant, &product)?;
        let view = ProductView::from(product);
        author.note(
            c,
            "product.update",
            view.id,
            Some(&ProductView::from(before)),
            Some(&view),
        )?;
        Ok(Json(view))
    })
    .await
}

/// Removes a product.
#[utoipa::path(delete, path = "/venues/{venue}/products/{product}", tag = "menu", operation_id = "delete_product",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("product" = String, Path, description = "Id or the till's id", example = "prd_01hgw3zj3q7hx")), responses((status = 204), Refusals))]
async fn delete_product(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let gone = ProductView::from(product_of(c, &caller, &path)?);
        menu::delete_product(c, author.tenant, gone.id)?;
        author.note(c, "product.delete", gone.id, Some(&gone), None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The group of a path.
fn group_of(
    connection: &mut AnyConnection,
    caller: &Caller,
    (venue, reference): &(String, String),
) -> Result<Group, Problem> {
    let id = reference.parse().map_err(|_| Problem::not_found())?;
    let venue = reached(connection, caller, venue)?;
    menu::find_group(connection, caller.tenant, venue, id)?.ok_or_else(Problem::not_found)
}

/// Groups of a venue.
#[utoipa::path(get, path = "/venues/{venue}/groups", tag = "menu", operation_id = "list_groups",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ListQuery),
    responses((status = 200, body = Page<GroupView>), Refusals))]
async fn list_groups(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    QueryOf(page): QueryOf<ListQuery>,
) -> Result<Json<Page<GroupView>>, Problem> {
    may_read(&caller)?;
    let (limit, after) = (page.limit()?, page.after::<GroupId>()?);
    app.read(move |c| {
        let venue = reached(c, &caller, &reference)?;
        let after = after.map(|id| id.0);
        let found = menu::groups_of(c, caller.tenant, venue, after, i64::from(limit) + 1)?;
        Ok(Json(Page::of(found, limit, |x| x.id).map(GroupView::from)))
    })
    .await
}

/// Adds a group.
#[utoipa::path(post, path = "/venues/{venue}/groups", tag = "menu", operation_id = "create_group", request_body = NewGroup,
    params(("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 201, body = GroupView), Refusals))]
async fn create_group(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<NewGroup>,
) -> Result<(StatusCode, Json<GroupView>), Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let id = GroupId(author.next_id());
    let view = app
        .write(move |c| -> Result<GroupView, Problem> {
            networks::bump(c, author.tenant)?;
            let group = Group {
                id,
                venue: reached(c, &caller, &reference)?,
                name: names::name("/name", &given.name, 200)?,
                category_ids: checked_category_ids(&given.category_ids)?,
                coefficient: given.coefficient,
            };
            check_group(c, author.tenant, &group)?;
            menu::insert_group(c, author.tenant, &group)?;
            let view = GroupView::from(group);
            author.note(c, "group.create", id, None, Some(&view))?;
            Ok(view)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// A group of a venue.
#[utoipa::path(get, path = "/venues/{venue}/groups/{group}", tag = "menu", operation_id = "get_group",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("group" = String, Path, example = "grp_01hgw3zj3q7hx")), responses((status = 200, body = GroupView), Refusals))]
async fn read_group(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<Json<GroupView>, Problem> {
    may_read(&caller)?;
    app.read(move |c| Ok(Json(GroupView::from(group_of(c, &caller, &path)?))))
        .await
}

/// Changes a group.
#[utoipa::path(patch, path = "/venues/{venue}/groups/{group}", tag = "menu", operation_id = "update_group",
    request_body = GroupChange, params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("group" = String, Path, example = "grp_01hgw3zj3q7hx")),
    responses((status = 200, body = GroupView), Refusals))]
async fn update_group(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    JsonBody { value: given, .. }: JsonBody<GroupChange>,
) -> Result<Json<GroupView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let before = group_of(c, &caller, &path)?;
        let mut group = before.clone();
        if let Some(name) = &given.name {
            group.name = names::name("/name", name, 200)?;
        }
        if let Some(ids) = &given.category_ids {
            group.category_ids = checked_category_ids(ids)?;
        }
        group.coefficient = given.coefficient.unwrap_or(group.coefficient);
        check_group(c, author.tenant, &group)?;
        menu::update_group(c, author.tenant, &group)?;
        let view = GroupView::from(group);
        author.note(
            c,
            "group.update",
            view.id,
            Some(&GroupView::from(before)),
            Some(&view),
        )?;
        Ok(Json(view))
    })
    .await
}

/// Removes a group.
#[utoipa::path(delete, path = "/venues/{venue}/groups/{group}", tag = "menu", operation_id = "delete_group",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("group" = String, Path, example = "grp_01hgw3zj3q7hx")), responses((status = 204), Refusals))]
async fn delete_group(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let gone = GroupView::from(group_of(c, &caller, &path)?);
        menu::delete_group(c, author.tenant, gone.id)?;
        author.note(c, "group.delete", gone.id, Some(&gone), None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
