//! What a till sells: the venue's products, and those that it shows first.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kopilka_contract::Money;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::device::AtTill;
use crate::api::author::Author;
use crate::api::json_body::JsonBody;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::ids::ProductId;
use crate::storage::menu::{self, ProductFilter, Unit};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(set_favourites))
}

/// Most products that a till is shown.
const MOST: i64 = 10_000;
/// Most products that a till shows first.
const MOST_FAVOURITES: usize = 100;

/// A category.
#[derive(Debug, Serialize, ToSchema)]
struct TillCategory {
    /// The till's id of it: what lines of receipts name.
    #[schema(example = "coffee")]
    id: String,
    /// Its name.
    #[schema(example = "Кофе")]
    name: String,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
struct TillProduct {
    /// `prd_…`
    #[schema(value_type = String, example = "prd_01hgw3zj3q7hx")]
    id: ProductId,
    /// Its name: lines of receipts are matched by it, exactly.
    #[schema(example = "Капучино")]
    name: String,
    /// What one costs; null: the cashier types it.
    #[schema(value_type = Option<String>, example = "190.00")]
    price: Option<Money>,
    /// The till's id of its category.
    #[schema(example = "coffee")]
    category_id: Option<String>,
    /// What its quantity counts: `piece` or `kg`.
    #[schema(value_type = String, example = "piece")]
    unit: Unit,
    /// Barcode.
    #[schema(example = "4600000000017")]
    barcode: Option<String>,
    /// Whether it is shown first.
    favourite: bool,
}

/// The menu of a till.
#[derive(Debug, Serialize, ToSchema)]
struct TillMenu {
    categories: Vec<TillCategory>,
    /// Those that are shown first come first, in their order.
    products: Vec<TillProduct>,
}

/// What the till sells. With `If-None-Match` it is sent only where it has changed.
#[utoipa::path(get, path = "/till/menu", tag = "virtual till", security(("till" = [])),
    params(("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = TillMenu), (status = 304, description = "As it was."), Refusals))]
async fn show(State(app): State<App>, at: AtTill, headers: HeaderMap) -> Result<Response, Problem> {
    let (tenant, venue) = (at.caller.tenant, at.venue());
    let found: Result<_, Problem> = app
        .read(move |c| {
            Ok((
                menu::categories_of(c, tenant, venue, None, MOST)?,
                menu::products_of(c, tenant, venue, &ProductFilter::default(), None, MOST)?,
                menu::favourites_of(c, tenant, venue)?,
            ))
        })
        .await;
    let (categories, mut products, favourites) = found?;
    let place = |id: ProductId| favourites.iter().position(|f| *f == id);
    products.sort_by_key(|p| (place(p.id).unwrap_or(usize::MAX), p.id));
    let menu = TillMenu {
        categories: categories
            .into_iter()
            .map(|c| TillCategory {
                id: c.external_id,
                name: c.name,
            })
            .collect(),
        products: products
            .into_iter()
            .map(|p| TillProduct {
                favourite: place(p.id).is_some(),
                id: p.id,
                name: p.name,
                price: p.price,
                category_id: p.category_id,
                unit: p.unit,
                barcode: p.barcode,
            })
            .collect(),
    };
    let body = serde_json::to_vec(&menu).map_err(|_| Problem::internal())?;
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|v| v.trim().trim_start_matches("W/") == tag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (json, body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Which products the tills of the venue show first.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Favourites {
    /// In their order; none: no product goes before the others.
    #[schema(value_type = Vec<String>, example = json!([]))]
    product_ids: Vec<ProductId>,
}

/// Sets which products the tills of this venue show first.
#[utoipa::path(put, path = "/till/favourites", tag = "virtual till", security(("till" = [])), request_body = Favourites,
    responses((status = 204, description = "Set."), Refusals))]
async fn set_favourites(
    State(app): State<App>,
    at: AtTill,
    body: JsonBody<Favourites>,
) -> Result<StatusCode, Problem> {
    let mut wanted: Vec<ProductId> = Vec::new();
    for id in body.value.product_ids {
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    if wanted.len() > MOST_FAVOURITES {
        return Err(Problem::invalid(
            "/product_ids",
            "Не больше 100 товаров.",
            "At most 100 products.",
        ));
    }
    let author = Author::of(&app, &at.caller)?;
    let venue = at.venue();
    app.write(move |c| -> Result<(), Problem> {
        let before = menu::favourites_of(c, author.tenant, venue)?;
        if before == wanted {
            return Ok(());
        }
        menu::set_favourites(c, author.tenant, venue, &wanted)?.ok_or_else(|| {
            Problem::invalid(
                "/product_ids",
                "Такого товара здесь нет.",
                "There is no such product at this venue.",
            )
        })?;
        author.note(c, "till.favourites", venue, Some(&before), Some(&wanted))?;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
