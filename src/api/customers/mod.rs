//! Customers: who they are, their standing and their coefficients.

mod coefficients;
mod fields;
mod joining;
mod view;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kopilka_contract::CustomerStatus;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::json_body::{JsonBody, QueryOf};
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use crate::app::App;
use crate::domain::ids::CustomerId;
use crate::storage::customers::{self, Customer, CustomerFilter};
use crate::storage::{AnyConnection, Tenant};

pub use fields::{CustomerChange, NewCustomer, Sex};
pub(super) use joining::{Joined, change_known, join, register};
pub use view::{CustomerView, VenueCoefficient};

use fields::phone_of;
use joining::Noted;
use view::{view, views};

/// Whoever has any of these may read a customer.
const READERS: [Scope; 3] = [Scope::Customers, Scope::Till, Scope::Reports];

/// Routes of customers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update))
        .routes(routes!(block))
        .routes(routes!(unblock))
        .routes(routes!(
            coefficients::set_coefficient,
            coefficients::remove_coefficient
        ))
}

/// Refuses who may not read customers.
pub(super) fn may_read(caller: &Caller) -> Result<(), Problem> {
    caller.needs_any(&READERS)
}

/// The customer that a path means, by his id or the caller's own.
pub(super) fn found(
    connection: &mut AnyConnection,
    tenant: Tenant,
    reference: &str,
) -> Result<Customer, Problem> {
    customers::find(connection, tenant, reference)?.ok_or_else(Problem::not_found)
}

/// Which customers.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CustomerQuery {
    /// A telephone, in any spelling.
    #[param(example = "+79215550117")]
    phone: Option<String>,
    /// `registered`, `potential` or `blocked`.
    #[param(value_type = Option<String>, example = "registered")]
    status: Option<CustomerStatus>,
    /// An e-mail, in any case.
    email: Option<String>,
    /// Part of the name, telephone or e-mail, in any case, or the beginning of a card's number.
    #[param(example = "анна")]
    query: Option<String>,
}

/// Customers, the newest first. A caller who has only the scope `till` names the telephone.
#[utoipa::path(get, path = "/customers", tag = "customers", operation_id = "list_customers",
    params(ListQuery, CustomerQuery), responses((status = 200, body = Page<CustomerView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<CustomerQuery>,
) -> Result<Json<Page<CustomerView>>, Problem> {
    if query.phone.is_some() {
        may_read(&caller)?;
    } else {
        caller.needs_any(&[Scope::Customers, Scope::Reports])?;
    }
    let (limit, before) = (page.limit()?, page.after::<CustomerId>()?);
    // A plus in a query is a space for those who forget to escape it.
    let phone = query.phone.as_deref().map(|p| phone_of("phone", p.trim()));
    let filter = CustomerFilter {
        phone: phone.transpose()?,
        status: query.status,
        email: query.email,
        query: query.query.filter(|q| !q.trim().is_empty()),
    };
    app.read(move |c| {
        let tenant = caller.tenant;
        let before = before.map(|id| id.0);
        let found = customers::list(c, tenant, &filter, before, i64::from(limit) + 1)?;
        let total = if page.with_total {
            Some(customers::count(c, tenant, &filter)?)
        } else {
            None
        };
        let page = Page::of(found, limit, |customer| customer.id);
        Ok(Json(Page {
            items: views(c, tenant, page.items)?,
            next_cursor: page.next_cursor,
            total,
        }))
    })
    .await
}

/// Registers a customer. A potential one with the telephone becomes registered and keeps his id, bonuses and history.
#[utoipa::path(post, path = "/customers", tag = "customers", operation_id = "create_customer", request_body = NewCustomer,
    responses(
        (status = 201, body = CustomerView, description = "A new customer"),
        (status = 200, body = CustomerView, description = "A potential customer, now registered"),
        (status = 409, description = "`already-exists`: the telephone, external id or card is taken"),
        Refusals))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: given, .. }: JsonBody<NewCustomer>,
) -> Result<(StatusCode, Json<CustomerView>), Problem> {
    match join(&app, &caller, given).await? {
        Joined::New(view) => Ok((StatusCode::CREATED, Json(*view))),
        Joined::WasPotential(view) => Ok((StatusCode::OK, Json(*view))),
        Joined::Already(_) => Err(Problem::taken("/phone")),
    }
}

/// A customer by his id or your own.
#[utoipa::path(get, path = "/customers/{customer}", tag = "customers", operation_id = "get_customer",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042")),
    responses((status = 200, body = CustomerView), Refusals))]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    may_read(&caller)?;
    app.read(move |c| {
        let customer = found(c, caller.tenant, &reference)?;
        Ok(Json(view(c, caller.tenant, customer)?))
    })
    .await
}

/// Changes a customer.
#[utoipa::path(patch, path = "/customers/{customer}", tag = "customers", operation_id = "update_customer", request_body = CustomerChange,
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042")),
    responses((status = 200, body = CustomerView),
        (status = 409, description = "`already-exists`: the telephone or external id is taken"), Refusals))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<CustomerChange>,
) -> Result<Json<CustomerView>, Problem> {
    caller.needs(Scope::Customers)?;
    // It counts at every venue.
    if given.network_coefficient.is_some() && caller.venues.is_some() {
        return Err(Problem::forbidden());
    }
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        let customer = change_known(c, &author, &reference, &given)?;
        Ok(Json(view(c, author.tenant, customer)?))
    })
    .await
}

async fn set_standing(
    app: App,
    caller: Caller,
    reference: String,
    action: &'static str,
    standing: fn(&Customer) -> CustomerStatus,
) -> Result<Json<CustomerView>, Problem> {
    caller.needs(Scope::Customers)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        let before =
            customers::find_to_change(c, author.tenant, &reference)?.ok_or_else(Problem::not_found)?;
        let mut customer = before.clone();
        customer.status = standing(&before);
        if customer.status != before.status {
            customer.updated_at = author.now;
            customers::update(c, author.tenant, &customer)?;
            let note = |customer: &Customer| Noted::of(customer, Vec::new());
            author.note(
                c,
                action,
                customer.id,
                Some(&note(&before)),
                Some(&note(&customer)),
            )?;
        }
        Ok(Json(view(c, author.tenant, customer)?))
    })
    .await
}

/// Blocks a customer: nothing accrues, nothing is redeemed. His bonuses stay.
#[utoipa::path(post, path = "/customers/{customer}/block", tag = "customers", operation_id = "block_customer",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042")),
    responses((status = 200, body = CustomerView), Refusals))]
async fn block(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    set_standing(app, caller, reference, "customer.block", |_| {
        CustomerStatus::Blocked
    })
    .await
}

/// Unblocks a customer: he is again what he was.
#[utoipa::path(post, path = "/customers/{customer}/unblock", tag = "customers", operation_id = "unblock_customer",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042")),
    responses((status = 200, body = CustomerView), Refusals))]
async fn unblock(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    set_standing(
        app,
        caller,
        reference,
        "customer.unblock",
        |customer| match customer.registered_at {
            Some(_) => CustomerStatus::Registered,
            None => CustomerStatus::Potential,
        },
    )
    .await
}
