//! How a customer joins, and how what is known of him changes.

use kopilka_contract::CustomerStatus;
use serde::Serialize;

use super::fields::{CustomerChange, NewCustomer, apply};
use super::view::{CustomerView, view};
use crate::api::author::Author;
use crate::api::caller::{Caller, Scope};
use crate::api::cards;
use crate::api::problem::Problem;
use crate::api::venues::named;
use crate::app::App;
use crate::domain::ids::{CardId, CustomerId, EventId};
use crate::domain::rate::Coefficient;
use crate::storage::cards::CardKind;
use crate::storage::customers::{self, Customer};
use crate::storage::{AnyConnection, Tenant, outbox};

/// What became of a customer who wants to join.
pub(in crate::api) enum Joined {
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
pub(in crate::api) async fn join(app: &App, caller: &Caller, given: NewCustomer) -> Result<Joined, Problem> {
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
pub(in crate::api) fn register(
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

/// Changes a customer, by his id or the caller's own.
///
/// # Errors
/// 404, 422 at the field, 409 `already-exists` for a telephone or an external id.
pub(in crate::api) fn change_known(
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

/// What the audit log says of a change of a customer: which fields changed, never what they hold. The log can't be
/// mended, and people may ask to be forgotten.
#[derive(Debug, Serialize)]
pub(super) struct Noted {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<&'static str>,
    status: CustomerStatus,
    network_coefficient: Option<Coefficient>,
}

impl Noted {
    pub(super) fn of(customer: &Customer, fields: Vec<&'static str>) -> Self {
        Noted {
            fields,
            status: customer.status,
            network_coefficient: customer.network_coefficient,
        }
    }
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
