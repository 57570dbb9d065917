//! What a till's message asks about a guest himself, carried out as REST does it: he joins, he is changed, he gets or
//! loses a card.

use kopilka_contract::{CustomerRef, CustomerStatus, Enrol, GuestCard, NameParts};

use super::author::Author;
use super::caller::Caller;
use super::cards::{self, number_of};
use super::customers::{CustomerChange, Joined, NewCustomer, change_known, register};
use super::problem::Problem;
use crate::app::App;
use crate::domain::ids::{CardId, CustomerId};
use crate::domain::refusal::Refusal;
use crate::ledger::{Failure, Place};
use crate::storage::{AnyConnection, customers};

/// Lets a guest join, or changes what is known of him. He joins at the one venue that the caller is limited to.
///
/// # Errors
/// 404 `customer-not-found` for an id that means nobody, 422 at the field, 409 `already-exists` for a card or a
/// telephone of somebody else.
pub async fn enrol(app: &App, caller: &Caller, ask: Enrol) -> Result<CustomerId, Problem> {
    let author = Author::of(app, caller)?;
    let card = ask.card.as_deref().map(|n| number_of("/card", n)).transpose()?;
    let by_card = || {
        card.clone()
            .map(CustomerRef::Card)
            .filter(|_| ask.phone.is_none())
    };
    let known = match ask.who.clone().or_else(by_card) {
        Some(who) => find(app, caller, &who).await?,
        None => None,
    };
    if known.is_none() && matches!(ask.who, Some(CustomerRef::Id(_))) {
        return Err(Refusal::CustomerNotFound.into());
    }
    let caller = caller.clone();
    app.write(move |c| {
        let id = enrolled(c, &caller, &author, &ask, known)?;
        if let Some(number) = &card {
            cards::give(c, &author, CardId(author.next_id()), id, number)?;
        }
        Ok(id)
    })
    .await
}

fn enrolled(
    c: &mut AnyConnection,
    caller: &Caller,
    author: &Author,
    ask: &Enrol,
    known: Option<CustomerId>,
) -> Result<CustomerId, Problem> {
    let mut given = NewCustomer::told(ask);
    let change = |c: &mut AnyConnection, id: CustomerId| {
        let ask = with_whole_name(c, author, ask, id)?;
        change_known(
            c,
            author,
            &id.to_string(),
            &CustomerChange::from(&NewCustomer::told(&ask)),
        )
    };
    if let Some(id) = known {
        let known = change(c, id)?;
        if known.status != CustomerStatus::Potential {
            return Ok(id);
        }
        given = given.or_phone(known.phone.as_ref());
    }
    if given.names_nobody() {
        return Err(Problem::invalid(
            "/phone",
            "Нужен телефон или карта.",
            "A telephone or a card is needed.",
        ));
    }
    // The card is given afterwards: he may have it already.
    match register(c, caller, author, &given, None)? {
        Joined::New(view) | Joined::WasPotential(view) => Ok(view.id),
        Joined::Already(id) => change(c, id).map(|customer| customer.id),
    }
}

/// What is asked, with the parts of his name that were not told as they are known.
fn with_whole_name(
    c: &mut AnyConnection,
    author: &Author,
    ask: &Enrol,
    id: CustomerId,
) -> Result<Enrol, Problem> {
    let mut ask = ask.clone();
    if ask.name_parts != NameParts::default() {
        let known = customers::find_to_change(c, author.tenant, &id.to_string())?;
        let known = known.and_then(|known| known.name).unwrap_or_default();
        ask.name = ask.name_parts.clone().or(NameParts::of(&known)).whole();
    }
    Ok(ask)
}

/// Gives a guest a card.
///
/// # Errors
/// 404 `customer-not-found`, 422, 409 `already-exists` where it is another's, `card-replaced`.
pub async fn add_card(app: &App, caller: &Caller, ask: GuestCard) -> Result<CustomerId, Problem> {
    let author = Author::of(app, caller)?;
    let number = number_of("/card", &ask.number)?;
    let customer = named(app, caller, &ask.customer).await?;
    app.write(move |c| {
        customers::find_to_change(c, author.tenant, &customer.to_string())?.ok_or_else(Problem::not_found)?;
        cards::give(c, &author, CardId(author.next_id()), customer, &number)?;
        Ok(customer)
    })
    .await
}

/// Gives a guest a virtual card with a number of ours, where he has none that works.
///
/// # Errors
/// 404 `customer-not-found`.
pub async fn issue_card(app: &App, caller: &Caller, who: CustomerRef) -> Result<CustomerId, Problem> {
    let author = Author::of(app, caller)?;
    let customer = named(app, caller, &who).await?;
    app.write(move |c| {
        customers::find_to_change(c, author.tenant, &customer.to_string())?.ok_or_else(Problem::not_found)?;
        cards::give_virtual(c, &author, CardId(author.next_id()), customer)?;
        Ok(customer)
    })
    .await
}

/// Takes a card away from a guest.
///
/// # Errors
/// 404 `customer-not-found`, `not-found` where he has no such card.
pub async fn remove_card(app: &App, caller: &Caller, ask: GuestCard) -> Result<CustomerId, Problem> {
    let author = Author::of(app, caller)?;
    let customer = named(app, caller, &ask.customer).await?;
    app.write(move |c| {
        cards::take(c, &author, customer, ask.number.trim())?;
        Ok(customer)
    })
    .await
}

async fn named(app: &App, caller: &Caller, who: &CustomerRef) -> Result<CustomerId, Problem> {
    let found = find(app, caller, who).await?;
    found.ok_or_else(|| Refusal::CustomerNotFound.into())
}

/// Whom a reference means, as tills find guests.
async fn find(app: &App, caller: &Caller, who: &CustomerRef) -> Result<Option<CustomerId>, Problem> {
    let place = Place {
        venue: caller
            .only_venue()
            .ok_or_else(|| Problem::no_venue("/venue_id"))?,
        source: "enrolment".to_owned(),
    };
    match app.ledger.identify(caller.tenant, place, who.clone()).await {
        Ok(guest) => Ok(guest.id.parse().ok()),
        Err(Failure::Refused(Refusal::CustomerNotFound)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}
