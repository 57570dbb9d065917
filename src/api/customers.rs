//! Customers: who they are, their standing and their coefficients.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{Datelike, NaiveDate};
use kopilka_contract::{CustomerStatus, Enrol, Phone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::cards::{self, CardView};
use super::given::{Change, change, external_id, optional_text};
use super::json_body::{JsonBody, QueryOf};
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use super::venues::{named, reached};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::{CardId, CustomerId, EventId, VenueId};
use crate::domain::rate::Coefficient;
use crate::storage::cards::CardKind;
use crate::storage::customers::{self, Customer, CustomerFilter};
use crate::storage::{AnyConnection, Tenant, outbox};

/// Whoever has any of these may read a customer.
const READERS: [Scope; 3] = [Scope::Customers, Scope::Till, Scope::Reports];

/// Routes of customers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update))
        .routes(routes!(block))
        .routes(routes!(unblock))
        .routes(routes!(set_coefficient, remove_coefficient))
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

/// Sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "female")]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
}

impl Sex {
    const fn as_str(self) -> &'static str {
        match self {
            Sex::Male => "male",
            Sex::Female => "female",
        }
    }
}

/// A coefficient for one venue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VenueCoefficient {
    /// The venue.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// The coefficient there.
    #[schema(value_type = String, example = "2")]
    pub coefficient: Coefficient,
}

/// A customer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CustomerView {
    /// His id.
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    pub id: CustomerId,
    /// Your own id of him; accepted wherever his id is.
    #[schema(example = "crm-1042")]
    pub external_id: Option<String>,
    /// `registered`, `potential` (known only from a delivery or an order), `blocked`.
    #[schema(value_type = String, example = "registered")]
    pub status: CustomerStatus,
    /// Name.
    #[schema(example = "Анна Иванова")]
    pub name: Option<String>,
    /// Telephone.
    #[schema(value_type = Option<String>, example = "+79215550101")]
    pub phone: Option<Phone>,
    /// E-mail.
    #[schema(example = "anna@example.com")]
    pub email: Option<String>,
    /// Birthday.
    #[schema(example = "1990-03-08")]
    pub birthday: Option<NaiveDate>,
    /// `male` or `female`.
    #[schema(example = "female")]
    pub sex: Option<String>,
    /// City.
    #[schema(example = "Санкт-Петербург")]
    pub city: Option<String>,
    /// A note for the back office.
    pub comment: Option<String>,
    /// A note that cashiers are shown.
    pub cashier_note: Option<String>,
    /// Which text of the consent he agreed to.
    #[schema(example = "2026-01")]
    pub consent_version: Option<String>,
    /// When he agreed.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub consent_at: Option<Timestamp>,
    /// Coefficient for the whole network; null: not set, which is not 0.
    #[schema(value_type = Option<String>, example = "1.5")]
    pub network_coefficient: Option<Coefficient>,
    /// Coefficients for single venues; they go before the network's.
    pub venue_coefficients: Vec<VenueCoefficient>,
    /// Cards, the newest first.
    pub cards: Vec<CardView>,
    /// Where he joined.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: Option<VenueId>,
    /// When he joined the programme; null: he has not.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub registered_at: Option<Timestamp>,
    /// When he was first seen.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub created_at: Timestamp,
    /// When what is here last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub updated_at: Timestamp,
}

/// Customers with their coefficients and cards.
fn views(
    connection: &mut AnyConnection,
    tenant: Tenant,
    found: Vec<Customer>,
) -> Result<Vec<CustomerView>, Problem> {
    let ids: Vec<CustomerId> = found.iter().map(|c| c.id).collect();
    let mut coefficients = customers::venue_coefficients(connection, tenant, &ids)?;
    let mut cards = crate::storage::cards::of_customers(connection, tenant, &ids)?;
    let view = |customer: Customer| CustomerView {
        id: customer.id,
        external_id: customer.external_id,
        status: customer.status,
        name: customer.name,
        phone: customer.phone,
        email: customer.email,
        birthday: customer.birthday,
        sex: customer.sex,
        city: customer.city,
        comment: customer.comment,
        cashier_note: customer.cashier_note,
        consent_version: customer.consent_version,
        consent_at: customer.consent_at,
        network_coefficient: customer.network_coefficient,
        venue_coefficients: coefficients
            .remove(&customer.id)
            .unwrap_or_default()
            .into_iter()
            .map(|(venue_id, coefficient)| VenueCoefficient {
                venue_id,
                coefficient,
            })
            .collect(),
        cards: cards
            .remove(&customer.id)
            .unwrap_or_default()
            .into_iter()
            .map(CardView::from)
            .collect(),
        venue_id: customer.venue,
        registered_at: customer.registered_at,
        created_at: customer.created_at,
        updated_at: customer.updated_at,
    };
    Ok(found.into_iter().map(view).collect())
}

fn view(connection: &mut AnyConnection, tenant: Tenant, customer: Customer) -> Result<CustomerView, Problem> {
    let mut all = views(connection, tenant, vec![customer])?;
    all.pop().ok_or_else(Problem::not_found)
}

/// What the audit log says of a change of a customer: which fields changed, never what they hold. The log can't be
/// mended, and people may ask to be forgotten.
#[derive(Debug, Serialize)]
struct Noted {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<&'static str>,
    status: CustomerStatus,
    network_coefficient: Option<Coefficient>,
}

impl Noted {
    fn of(customer: &Customer, fields: Vec<&'static str>) -> Self {
        Noted {
            fields,
            status: customer.status,
            network_coefficient: customer.network_coefficient,
        }
    }
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

fn phone_of(pointer: &str, given: &str) -> Result<Phone, Problem> {
    Phone::parse(given).ok_or_else(|| {
        Problem::invalid(
            pointer,
            "Это не номер телефона.",
            "Not a telephone number; expected something like +79215550101.",
        )
    })
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

/// A customer who joins. At least one of `phone`, `card`, `external_id` says who he is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// Telephone, in any spelling.
    #[schema(example = "+7 921 555-01-01")]
    phone: Option<String>,
    /// Number of a plastic card that he was handed.
    #[schema(example = "2000123412341234")]
    card: Option<String>,
    /// Your own id of him.
    #[schema(example = "crm-2001")]
    external_id: Option<String>,
    /// Name.
    #[schema(example = "Анна Иванова")]
    name: Option<String>,
    /// E-mail.
    #[schema(example = "anna@example.com")]
    email: Option<String>,
    /// Birthday.
    #[schema(example = "1990-03-08")]
    birthday: Option<NaiveDate>,
    /// Sex.
    sex: Option<Sex>,
    /// City.
    #[schema(example = "Санкт-Петербург")]
    city: Option<String>,
    /// A note for the back office.
    comment: Option<String>,
    /// A note that cashiers are shown.
    cashier_note: Option<String>,
    /// Which text of the consent he agreed to, now.
    #[schema(example = "2026-01")]
    consent_version: Option<String>,
    /// Where he joins, by its id or yours; absent: the one venue of the key, if it has one.
    #[schema(example = "cafe")]
    venue_id: Option<String>,
}

/// What to change of a customer; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerChange {
    /// Telephone; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    phone: Change<String>,
    /// Your own id of him; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    external_id: Change<String>,
    /// Name; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    name: Change<String>,
    /// E-mail; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    email: Change<String>,
    /// Birthday; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<NaiveDate>)]
    birthday: Change<NaiveDate>,
    /// Sex; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Sex>)]
    sex: Change<Sex>,
    /// City; null: not known.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    city: Change<String>,
    /// A note for the back office; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    comment: Change<String>,
    /// A note that cashiers are shown; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    cashier_note: Change<String>,
    /// Which text of the consent he agrees to now; null: he takes it back.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    consent_version: Change<String>,
    /// Coefficient for the whole network; null: not set.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, example = "1.5")]
    network_coefficient: Change<Coefficient>,
}

impl NewCustomer {
    /// One who joins at a till.
    pub(super) fn at_till(
        phone: String,
        name: Option<String>,
        birthday: Option<NaiveDate>,
        consent_version: Option<String>,
        venue: VenueId,
    ) -> Self {
        NewCustomer {
            phone: Some(phone),
            card: None,
            external_id: None,
            name,
            email: None,
            birthday,
            sex: None,
            city: None,
            comment: None,
            cashier_note: None,
            consent_version,
            venue_id: Some(venue.to_string()),
        }
    }
}

impl NewCustomer {
    /// One whom a till's message names.
    pub(super) fn told(ask: &Enrol) -> Self {
        NewCustomer {
            phone: ask.phone.as_ref().map(ToString::to_string),
            card: ask.card.clone(),
            external_id: None,
            name: ask.name.clone(),
            email: ask.email.clone(),
            birthday: ask.birthday,
            sex: ask.sex.map(Sex::from),
            city: None,
            comment: ask.comment.clone(),
            cashier_note: None,
            consent_version: None,
            venue_id: None,
        }
    }

    /// Whether neither a telephone nor a card nor an external id says who he is.
    pub(super) fn names_nobody(&self) -> bool {
        let named = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.trim().is_empty());
        ![&self.phone, &self.card, &self.external_id]
            .into_iter()
            .any(named)
    }

    /// The same with a telephone that is known of him, where he names none.
    pub(super) fn or_phone(mut self, known: Option<&Phone>) -> Self {
        self.phone = self.phone.or_else(|| known.map(ToString::to_string));
        self
    }
}

impl From<kopilka_contract::Sex> for Sex {
    fn from(told: kopilka_contract::Sex) -> Self {
        match told {
            kopilka_contract::Sex::Male => Sex::Male,
            kopilka_contract::Sex::Female => Sex::Female,
        }
    }
}

impl From<&NewCustomer> for CustomerChange {
    /// What a newcomer does not say leaves what was known of him as a potential customer.
    fn from(given: &NewCustomer) -> Self {
        let said = |text: &Option<String>| text.clone().map(Some);
        CustomerChange {
            phone: said(&given.phone),
            external_id: said(&given.external_id),
            name: said(&given.name),
            email: said(&given.email),
            birthday: given.birthday.map(Some),
            sex: given.sex.map(Some),
            city: said(&given.city),
            comment: said(&given.comment),
            cashier_note: said(&given.cashier_note),
            consent_version: said(&given.consent_version),
            network_coefficient: None,
        }
    }
}

fn email_of(given: Option<&str>) -> Result<Option<String>, Problem> {
    let email = optional_text("/email", given, 254)?;
    let plausible = |email: &String| {
        let parts = email.split_once('@');
        parts.is_some_and(|(name, host)| {
            !name.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && !email.contains(char::is_whitespace)
        })
    };
    if email.as_ref().is_some_and(|e| !plausible(e)) {
        return Err(Problem::invalid(
            "/email",
            "Это не адрес почты.",
            "Not an e-mail address.",
        ));
    }
    Ok(email)
}

fn birthday_of(given: Option<NaiveDate>, now: Timestamp) -> Result<Option<NaiveDate>, Problem> {
    // Somewhere it is tomorrow already.
    let latest = now.date_naive().succ_opt().unwrap_or(now.date_naive());
    if given.is_some_and(|day| day.year() < 1900 || day > latest) {
        return Err(Problem::invalid(
            "/birthday",
            "День рождения вне пределов.",
            "The birthday is out of range.",
        ));
    }
    Ok(given)
}

/// Makes a change, and names the fields that it changed.
fn apply(
    customer: &mut Customer,
    given: &CustomerChange,
    now: Timestamp,
) -> Result<Vec<&'static str>, Problem> {
    let before = customer.clone();
    if let Some(phone) = &given.phone {
        let phone = phone.as_deref().filter(|p| !p.trim().is_empty());
        customer.phone = phone.map(|p| phone_of("/phone", p)).transpose()?;
    }
    if let Some(id) = &given.external_id {
        customer.external_id = external_id::<CustomerId>(id.as_deref())?;
    }
    if let Some(email) = &given.email {
        customer.email = email_of(email.as_deref())?;
    }
    if let Some(birthday) = given.birthday {
        customer.birthday = birthday_of(birthday, now)?;
    }
    if let Some(sex) = given.sex {
        customer.sex = sex.map(|s| s.as_str().to_owned());
    }
    if let Some(version) = &given.consent_version {
        customer.consent_version = optional_text("/consent_version", version.as_deref(), 100)?;
        customer.consent_at = customer.consent_version.as_ref().map(|_| now);
    }
    let texts = [
        ("/name", &given.name, &mut customer.name, 200),
        ("/city", &given.city, &mut customer.city, 100),
        ("/comment", &given.comment, &mut customer.comment, 2000),
        (
            "/cashier_note",
            &given.cashier_note,
            &mut customer.cashier_note,
            500,
        ),
    ];
    for (pointer, given, field, most) in texts {
        if let Some(text) = given {
            *field = optional_text(pointer, text.as_deref(), most)?;
        }
    }
    if let Some(coefficient) = given.network_coefficient {
        customer.network_coefficient = coefficient;
    }
    Ok(differences(&before, customer))
}

fn differences(before: &Customer, after: &Customer) -> Vec<&'static str> {
    [
        ("phone", before.phone != after.phone),
        ("external_id", before.external_id != after.external_id),
        ("name", before.name != after.name),
        ("email", before.email != after.email),
        ("birthday", before.birthday != after.birthday),
        ("sex", before.sex != after.sex),
        ("city", before.city != after.city),
        ("comment", before.comment != after.comment),
        ("cashier_note", before.cashier_note != after.cashier_note),
        ("consent_version", before.consent_version != after.consent_version),
        (
            "network_coefficient",
            before.network_coefficient != after.network_coefficient,
        ),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

/// Refuses a telephone or external id that another customer has.
fn check_unique(connection: &mut AnyConnection, tenant: Tenant, customer: &Customer) -> Result<(), Problem> {
    if let Some(phone) = &customer.phone
        && customers::find_by_phone(connection, tenant, phone)?.is_some_and(|other| other.id != customer.id)
    {
        return Err(Problem::taken("/phone"));
    }
    if let Some(id) = &customer.external_id
        && customers::find(connection, tenant, id)?.is_some_and(|other| other.id != customer.id)
    {
        return Err(Problem::taken("/external_id"));
    }
    Ok(())
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

/// What became of a customer who wants to join.
pub(super) enum Joined {
    /// Nobody knew him.
    New(Box<CustomerView>),
    /// He was known by his telephone only.
    WasPotential(Box<CustomerView>),
    /// He, or somebody with his telephone, had joined before: nothing was changed.
    Already(CustomerId),
}

/// Lets a customer join.
///
/// # Errors
/// 403, 422 at the field, 409 `already-exists` for a card or an external id.
pub(super) async fn join(app: &App, caller: &Caller, given: NewCustomer) -> Result<Joined, Problem> {
    caller.needs_any(&[Scope::Customers, Scope::Till])?;
    let author = Author::of(app, caller)?;
    let card = given
        .card
        .as_deref()
        .map(|n| cards::number_of("/card", n))
        .transpose()?;
    if given.names_nobody() {
        return Err(Problem::invalid(
            "/phone",
            "Нужен телефон, карта или внешний номер.",
            "A telephone, a card or an external id is needed.",
        ));
    }
    let caller = caller.clone();
    app.write(move |c| register(c, &caller, &author, &given, card.as_deref()))
        .await
}

/// Lets a customer join who is not known, or potential. `card`: the number of one that is issued to him.
///
/// # Errors
/// Those of [`join`].
pub(super) fn register(
    c: &mut AnyConnection,
    caller: &Caller,
    author: &Author,
    given: &NewCustomer,
    card: Option<&str>,
) -> Result<Joined, Problem> {
    let tenant = author.tenant;
    let wanted = &CustomerChange::from(given);
    let id = CustomerId(author.next_id());
    let card_id = CardId(author.next_id());
    let event = EventId(author.next_id());
    let venue = match given.venue_id.as_deref() {
        Some(reference) => Some(named(c, caller, "/venue_id", reference)?),
        None => caller.only_venue(),
    };
    let mut customer = Customer {
        id,
        external_id: None,
        status: CustomerStatus::Potential,
        name: None,
        phone: None,
        email: None,
        birthday: None,
        sex: None,
        city: None,
        comment: None,
        cashier_note: None,
        consent_version: None,
        consent_at: None,
        network_coefficient: None,
        venue: None,
        registered_at: None,
        created_at: author.now,
        updated_at: author.now,
    };
    let mut fields = apply(&mut customer, wanted, author.now)?;
    let known = match &customer.phone {
        Some(phone) => customers::find_by_phone(c, tenant, phone)?,
        None => None,
    };
    let was_potential = known.is_some();
    if let Some(known) = known {
        let known =
            customers::find_to_change(c, tenant, &known.id.to_string())?.ok_or_else(Problem::not_found)?;
        if known.status != CustomerStatus::Potential {
            return Ok(Joined::Already(known.id));
        }
        customer = known;
        fields = apply(&mut customer, wanted, author.now)?;
    }
    customer.status = CustomerStatus::Registered;
    customer.registered_at = Some(author.now);
    customer.updated_at = author.now;
    customer.venue = customer.venue.or(venue);
    check_unique(c, tenant, &customer)?;
    let (kind, action) = if was_potential {
        customers::update(c, tenant, &customer)?;
        ("customer.registered", "customer.register")
    } else {
        customers::insert(c, tenant, &customer)?;
        ("customer.created", "customer.create")
    };
    if let Some(number) = card {
        cards::issue(
            c,
            author,
            card_id,
            customer.id,
            number,
            CardKind::Plastic,
            "/card",
        )?;
    }
    author.note(c, action, customer.id, None, Some(&Noted::of(&customer, fields)))?;
    outbox::insert(
        c,
        tenant,
        event,
        kind,
        outbox::About::Customer(customer.id),
        author.now,
    )?;
    let view = Box::new(view(c, tenant, customer)?);
    Ok(if was_potential {
        Joined::WasPotential(view)
    } else {
        Joined::New(view)
    })
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

/// Changes a customer, by his id or the caller's own.
///
/// # Errors
/// 404, 422 at the field, 409 `already-exists` for a telephone or an external id.
pub(super) fn change_known(
    c: &mut AnyConnection,
    author: &Author,
    reference: &str,
    given: &CustomerChange,
) -> Result<Customer, Problem> {
    let before = customers::find_to_change(c, author.tenant, reference)?.ok_or_else(Problem::not_found)?;
    let mut customer = before.clone();
    let fields = apply(&mut customer, given, author.now)?;
    if !fields.is_empty() {
        customer.updated_at = author.now;
        check_unique(c, author.tenant, &customer)?;
        customers::update(c, author.tenant, &customer)?;
        author.note(
            c,
            "customer.update",
            customer.id,
            Some(&Noted::of(&before, Vec::new())),
            Some(&Noted::of(&customer, fields)),
        )?;
    }
    Ok(customer)
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

/// A coefficient.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenCoefficient {
    /// 0 to 1000 with at most six decimals.
    #[schema(value_type = String, example = "2")]
    coefficient: Coefficient,
}

async fn change_coefficient(
    app: App,
    caller: Caller,
    (reference, venue): (String, String),
    coefficient: Option<Coefficient>,
) -> Result<CustomerView, Problem> {
    caller.needs(Scope::Customers)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        let customer =
            customers::find_to_change(c, author.tenant, &reference)?.ok_or_else(Problem::not_found)?;
        let venue = reached(c, &caller, &venue)?;
        let before = customers::venue_coefficients(c, author.tenant, &[customer.id])?;
        let before = before
            .get(&customer.id)
            .and_then(|all| all.iter().find(|(v, _)| *v == venue))
            .map(|(_, coefficient)| *coefficient);
        if before != coefficient {
            customers::set_venue_coefficient(c, author.tenant, customer.id, venue, coefficient)?;
            let note = |coefficient: Option<Coefficient>| {
                coefficient.map(|coefficient| VenueCoefficient {
                    venue_id: venue,
                    coefficient,
                })
            };
            let (before, after) = (note(before), note(coefficient));
            author.note(
                c,
                "customer.coefficient",
                customer.id,
                before.as_ref(),
                after.as_ref(),
            )?;
        }
        view(c, author.tenant, customer)
    })
    .await
}

/// Sets a customer's coefficient for one venue.
#[utoipa::path(put, path = "/customers/{customer}/coefficients/{venue}", tag = "customers", operation_id = "set_coefficient",
    request_body = GivenCoefficient,
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042"), ("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 200, body = CustomerView), Refusals))]
async fn set_coefficient(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    JsonBody { value: given, .. }: JsonBody<GivenCoefficient>,
) -> Result<Json<CustomerView>, Problem> {
    change_coefficient(app, caller, path, Some(given.coefficient))
        .await
        .map(Json)
}

/// Removes a customer's coefficient for one venue: the network's counts there again.
#[utoipa::path(delete, path = "/customers/{customer}/coefficients/{venue}", tag = "customers", operation_id = "remove_coefficient",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042"), ("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 204), Refusals))]
async fn remove_coefficient(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    change_coefficient(app, caller, path, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
