//! Cards of customers: issue, block, unblock, replace.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::customers::may_read;
use super::given::text;
use super::json_body::JsonBody;
use super::openapi::Refusals;
use super::problem::Problem;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::{CardId, CustomerId};
use crate::storage::cards::{self, Card, CardKind, CardStatus};
use crate::storage::{AnyConnection, Tenant, customers};

/// Routes of cards.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read))
        .routes(routes!(block))
        .routes(routes!(unblock))
        .routes(routes!(replace))
}

/// A card.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CardView {
    /// Its id.
    #[schema(value_type = String, example = "crd_01hgw3zj3q7hx")]
    pub id: CardId,
    /// Its number; accepted wherever its id is.
    #[schema(example = "2000123412341234")]
    pub number: String,
    /// Whose it is.
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    pub customer_id: CustomerId,
    /// `plastic` or `virtual`.
    #[schema(example = "plastic")]
    pub kind: String,
    /// `active`, `blocked`, `replaced`.
    #[schema(example = "active")]
    pub status: String,
    /// The card that was issued instead of it.
    #[schema(value_type = Option<String>)]
    pub replaced_by: Option<CardId>,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub created_at: Timestamp,
}

impl From<Card> for CardView {
    fn from(card: Card) -> Self {
        CardView {
            id: card.id,
            number: card.number,
            customer_id: card.customer,
            kind: card.kind.as_str().to_owned(),
            status: card.status.as_str().to_owned(),
            replaced_by: card.replaced_by,
            created_at: card.created_at,
        }
    }
}

/// What a card is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CardKind)]
pub enum Kind {
    /// Plastic; its number is printed on it.
    Plastic,
    /// A number only, which may be left to us.
    Virtual,
}

impl From<Kind> for CardKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Plastic => CardKind::Plastic,
            Kind::Virtual => CardKind::Virtual,
        }
    }
}

/// A card to be issued.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "virtual"}))]
pub struct NewCard {
    /// Its number; a virtual card may do without: it gets one.
    #[schema(example = "2000123412341242")]
    number: Option<String>,
    /// Absent: `plastic` where a number is given, else `virtual`; a replacement is what the old one was.
    kind: Option<Kind>,
}

/// A card's number as a till reads it.
pub(super) fn number_of(pointer: &str, given: &str) -> Result<String, Problem> {
    let number = text(pointer, given, 64)?;
    if number.contains(char::is_whitespace) || number.parse::<CardId>().is_ok() {
        return Err(Problem::invalid(
            pointer,
            "Номер карты без пробелов.",
            "A card's number has no spaces.",
        ));
    }
    Ok(number)
}

/// A number of 16 digits that begins with 2, by chance, with a check digit (Luhn): it can't be guessed from another.
fn number_by_chance() -> Result<String, Problem> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no random bytes");
        Problem::internal()
    })?;
    let digits = format!("2{:014}", u64::from_le_bytes(bytes) % 100_000_000_000_000);
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, digit)| {
            let digit = u32::from(digit - b'0');
            match digit * 2 {
                _ if i % 2 == 1 => digit,
                double if double > 9 => double - 9,
                double => double,
            }
        })
        .sum();
    Ok(format!("{digits}{}", (10 - sum % 10) % 10))
}

/// The number of a card to be issued, which nobody else has.
fn number_for(
    connection: &mut AnyConnection,
    tenant: Tenant,
    given: Option<&str>,
    kind: CardKind,
) -> Result<String, Problem> {
    if let Some(number) = given {
        return number_of("/number", number);
    }
    if kind == CardKind::Plastic {
        return Err(Problem::invalid(
            "/number",
            "У пластиковой карты должен быть номер.",
            "A plastic card needs its number.",
        ));
    }
    loop {
        let number = number_by_chance()?;
        if cards::find(connection, tenant, &number)?.is_none() {
            return Ok(number);
        }
    }
}

/// Issues a card with a number; `pointer` says where the caller gave it.
pub(super) fn issue(
    connection: &mut AnyConnection,
    author: &Author,
    id: CardId,
    customer: CustomerId,
    number: &str,
    kind: CardKind,
    pointer: &str,
) -> Result<CardView, Problem> {
    if cards::find(connection, author.tenant, number)?.is_some() {
        return Err(Problem::taken(pointer));
    }
    let card = Card {
        id,
        number: number.to_owned(),
        customer,
        kind,
        status: CardStatus::Active,
        replaced_by: None,
        created_at: author.now,
    };
    cards::insert(connection, author.tenant, &card)?;
    let view = CardView::from(card);
    author.note(connection, "card.issue", id, None, Some(&view))?;
    Ok(view)
}

/// Cards of a customer, the newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Cards {
    /// All of them.
    pub items: Vec<CardView>,
}

/// Cards of a customer, the newest first.
#[utoipa::path(get, path = "/customers/{customer}/cards", tag = "cards", operation_id = "list_cards",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042")),
    responses((status = 200, body = Cards), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<Cards>, Problem> {
    may_read(&caller)?;
    app.read(move |c| {
        let customer = super::customers::found(c, caller.tenant, &reference)?;
        let mut all = cards::of_customers(c, caller.tenant, &[customer.id])?;
        let items = all.remove(&customer.id).unwrap_or_default();
        Ok(Json(Cards {
            items: items.into_iter().map(CardView::from).collect(),
        }))
    })
    .await
}

/// Issues a card.
#[utoipa::path(post, path = "/customers/{customer}/cards", tag = "cards", operation_id = "issue_card", request_body = NewCard,
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042")),
    responses((status = 201, body = CardView), (status = 409, description = "`already-exists`: the number is taken"), Refusals))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<NewCard>,
) -> Result<(StatusCode, Json<CardView>), Problem> {
    caller.needs(Scope::Customers)?;
    let author = Author::of(&app, &caller)?;
    let kind = match (given.kind, &given.number) {
        (Some(kind), _) => CardKind::from(kind),
        (None, Some(_)) => CardKind::Plastic,
        (None, None) => CardKind::Virtual,
    };
    let id = CardId(author.next_id());
    let view = app
        .write(move |c| -> Result<CardView, Problem> {
            let customer =
                customers::find_to_change(c, author.tenant, &reference)?.ok_or_else(Problem::not_found)?;
            let number = number_for(c, author.tenant, given.number.as_deref(), kind)?;
            issue(c, &author, id, customer.id, &number, kind, "/number")
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// A card by its id or number.
#[utoipa::path(get, path = "/cards/{card}", tag = "cards", operation_id = "get_card",
    params(("card" = String, Path, description = "Id or number", example = "9000000017")),
    responses((status = 200, body = CardView), Refusals))]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<CardView>, Problem> {
    may_read(&caller)?;
    app.read(move |c| {
        let card = cards::find(c, caller.tenant, &reference)?.ok_or_else(Problem::not_found)?;
        Ok(Json(CardView::from(card)))
    })
    .await
}

fn replaced() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "card-replaced",
        "Эта карта заменена другой и больше не действует.",
        "The card was replaced by another and never works again.",
    )
}

/// The card of a path, to be changed: until the transaction ends nobody else changes this customer's cards.
fn to_change(connection: &mut AnyConnection, tenant: Tenant, reference: &str) -> Result<Card, Problem> {
    let card = cards::find(connection, tenant, reference)?.ok_or_else(Problem::not_found)?;
    customers::find_to_change(connection, tenant, &card.customer.to_string())?
        .ok_or_else(Problem::not_found)?;
    let card = cards::find(connection, tenant, &card.id.to_string())?.ok_or_else(Problem::not_found)?;
    if card.status == CardStatus::Replaced {
        return Err(replaced());
    }
    Ok(card)
}

async fn set_status(
    app: App,
    caller: Caller,
    reference: String,
    action: &'static str,
    status: CardStatus,
) -> Result<Json<CardView>, Problem> {
    caller.needs(Scope::Customers)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        let before = to_change(c, author.tenant, &reference)?;
        let card = change_status(c, &author, before, action, status)?;
        Ok(Json(CardView::from(card)))
    })
    .await
}

fn change_status(
    c: &mut AnyConnection,
    author: &Author,
    before: Card,
    action: &'static str,
    status: CardStatus,
) -> Result<Card, Problem> {
    let mut card = before.clone();
    card.status = status;
    if card != before {
        cards::update(c, author.tenant, &card)?;
        let (before, after) = (CardView::from(before), CardView::from(card.clone()));
        author.note(c, action, card.id, Some(&before), Some(&after))?;
    }
    Ok(card)
}

/// Gives a customer a virtual card with a number that nobody has, unless one of his works.
///
/// # Errors
/// Those of the database.
pub(super) fn give_virtual(
    c: &mut AnyConnection,
    author: &Author,
    id: CardId,
    customer: CustomerId,
) -> Result<(), Problem> {
    let his = cards::of_customers(c, author.tenant, &[customer])?.remove(&customer);
    if his.is_some_and(|his| his.iter().any(|card| card.status == CardStatus::Active)) {
        return Ok(());
    }
    let number = number_for(c, author.tenant, None, CardKind::Virtual)?;
    issue(c, author, id, customer, &number, CardKind::Virtual, "/card").map(drop)
}

/// Gives a customer a card of plastic; one of his that was taken away works again, one that works stays as it is.
///
/// # Errors
/// 409 `already-exists` where the number is another's, `card-replaced`.
pub(super) fn give(
    c: &mut AnyConnection,
    author: &Author,
    id: CardId,
    customer: CustomerId,
    number: &str,
) -> Result<(), Problem> {
    match cards::find(c, author.tenant, number)? {
        None => {
            issue(c, author, id, customer, number, CardKind::Plastic, "/card")?;
        }
        Some(card) if card.customer != customer => return Err(Problem::taken("/card")),
        Some(card) => {
            let card = to_change(c, author.tenant, &card.id.to_string())?;
            change_status(c, author, card, "card.unblock", CardStatus::Active)?;
        }
    }
    Ok(())
}

/// Takes a card away from its customer: it is blocked. One that no longer works stays as it is.
///
/// # Errors
/// 404 where he has no such card.
pub(super) fn take(
    c: &mut AnyConnection,
    author: &Author,
    customer: CustomerId,
    number: &str,
) -> Result<(), Problem> {
    let card = cards::find(c, author.tenant, number)?.filter(|card| card.customer == customer);
    let card = card.ok_or_else(Problem::not_found)?;
    if card.status == CardStatus::Active {
        let card = to_change(c, author.tenant, &card.id.to_string())?;
        change_status(c, author, card, "card.block", CardStatus::Blocked)?;
    }
    Ok(())
}

/// Blocks a card: a till does not take it.
#[utoipa::path(post, path = "/cards/{card}/block", tag = "cards", operation_id = "block_card",
    params(("card" = String, Path, description = "Id or number", example = "9000000017")),
    responses((status = 200, body = CardView), (status = 409, description = "`card-replaced`"), Refusals))]
async fn block(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<CardView>, Problem> {
    set_status(app, caller, reference, "card.block", CardStatus::Blocked).await
}

/// Unblocks a card.
#[utoipa::path(post, path = "/cards/{card}/unblock", tag = "cards", operation_id = "unblock_card",
    params(("card" = String, Path, description = "Id or number", example = "9000000017")),
    responses((status = 200, body = CardView), (status = 409, description = "`card-replaced`"), Refusals))]
async fn unblock(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<CardView>, Problem> {
    set_status(app, caller, reference, "card.unblock", CardStatus::Active).await
}

/// Issues a card instead of another, which stops at once and for ever. Answers the new card.
#[utoipa::path(post, path = "/cards/{card}/replace", tag = "cards", operation_id = "replace_card", request_body = NewCard,
    params(("card" = String, Path, description = "Id or number of the old card", example = "9000000017")),
    responses((status = 201, body = CardView),
        (status = 409, description = "`card-replaced`; `already-exists`: the number is taken"), Refusals))]
async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<NewCard>,
) -> Result<(StatusCode, Json<CardView>), Problem> {
    caller.needs(Scope::Customers)?;
    let author = Author::of(&app, &caller)?;
    let id = CardId(author.next_id());
    let view = app
        .write(move |c| -> Result<CardView, Problem> {
            let old = to_change(c, author.tenant, &reference)?;
            let kind = given.kind.map_or(old.kind, CardKind::from);
            let number = number_for(c, author.tenant, given.number.as_deref(), kind)?;
            let view = issue(c, &author, id, old.customer, &number, kind, "/number")?;
            let stopped = Card {
                status: CardStatus::Replaced,
                replaced_by: Some(id),
                ..old.clone()
            };
            cards::update(c, author.tenant, &stopped)?;
            let (before, after) = (CardView::from(old), CardView::from(stopped));
            author.note(c, "card.replace", before.id, Some(&before), Some(&after))?;
            Ok(view)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}
