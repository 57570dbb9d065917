//! What tills sold by their own reports, against the books: days that were compared, what differs, and what people made of it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use kopilka_contract::{Errand, Settings};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::given::text;
use super::json_body::{JsonBody, PathId, QueryOf};
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::{Problem, ProblemBody};
use crate::app::App;
use crate::domain::Money;
use crate::domain::ids::{ConnectionId, DifferenceId, ReceiptId, VenueId};
use crate::domain::reconcile::DifferenceKind;
use crate::pos::adapter;
use crate::storage::reconciliations::{
    self, DifferenceFilter, OPEN, SETTLED, StoredDifference, StoredReconciliation,
};
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::{AnyConnection, errands, polls};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(days, ask))
        .routes(routes!(list))
        .routes(routes!(settle))
}

/// Days further back are not asked for: tills' reports of them are settled by bookkeepers.
const MOST_DAYS_BACK: u64 = 92;

/// A business day of a till system, compared with the books.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct ReconciliationView {
    #[schema(value_type = String, example = "con_01hgw3zj3q7hx")]
    connection_id: ConnectionId,
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    venue_id: VenueId,
    /// As the till system accounts for it.
    #[schema(example = "2026-11-21")]
    day: NaiveDate,
    /// When the report came that it was compared with last.
    told_at: DateTime<Utc>,
    /// Orders that the till sold.
    #[schema(example = 214)]
    orders_told: i32,
    /// What they come to, after discounts and without what came back.
    #[schema(value_type = String, example = "318450.00")]
    amount_told: Money,
    /// How many of them the books have.
    #[schema(example = 213)]
    orders_known: i32,
    /// What these come to in the books.
    #[schema(value_type = String, example = "316964.50")]
    amount_known: Money,
    /// Differences that wait for a person.
    #[schema(example = 1)]
    open_differences: i64,
}

impl From<StoredReconciliation> for ReconciliationView {
    fn from(day: StoredReconciliation) -> Self {
        ReconciliationView {
            connection_id: day.connection,
            venue_id: day.venue,
            day: day.day,
            told_at: day.told_at,
            orders_told: day.orders_told,
            amount_told: day.amount_told,
            orders_known: day.orders_known,
            amount_known: day.amount_known,
            open_differences: day.open,
        }
    }
}

/// What a till and the books say differently.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DifferenceKind)]
enum KindView {
    /// The till sold it, the books do not have it.
    Missing,
    /// The amounts are others.
    Amount,
    /// The till took it back, or a part of it, the books did not.
    NotReturned,
    /// The books took more back than the till.
    ReturnedHereOnly,
    /// The books have it, the till does not.
    UnknownToTill,
}

impl From<DifferenceKind> for KindView {
    fn from(kind: DifferenceKind) -> Self {
        match kind {
            DifferenceKind::Missing => KindView::Missing,
            DifferenceKind::Amount => KindView::Amount,
            DifferenceKind::NotReturned => KindView::NotReturned,
            DifferenceKind::ReturnedHereOnly => KindView::ReturnedHereOnly,
            DifferenceKind::UnknownToTill => KindView::UnknownToTill,
        }
    }
}

/// What the till and the books say differently of an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct DifferenceView {
    #[schema(value_type = String, example = "dif_01hgw3zj3q7hx")]
    id: DifferenceId,
    #[schema(value_type = String, example = "con_01hgw3zj3q7hx")]
    connection_id: ConnectionId,
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    venue_id: VenueId,
    #[schema(example = "2026-11-21")]
    day: NaiveDate,
    kind: KindView,
    /// The order: its `external_id` in the books, where they have it.
    #[schema(example = "b8a3b0d2-1c3e-4f3a-8d0e-31c1b7f0e902")]
    order: String,
    /// Its number for people.
    #[schema(example = "214")]
    number: Option<String>,
    closed_at: Option<DateTime<Utc>>,
    /// What the till says: sold, or where it is about a return, returned; null: it does not know the order.
    #[schema(value_type = Option<String>, example = "1485.50")]
    told: Option<Money>,
    /// What the books say of the same; null: they do not have it.
    #[schema(value_type = Option<String>)]
    known: Option<Money>,
    /// The receipt, where the books have it.
    #[schema(value_type = Option<String>)]
    receipt_id: Option<ReceiptId>,
    /// `open`; `gone`: a later report agrees with the books; `settled`: by a person.
    #[schema(example = "open")]
    status: String,
    found_at: DateTime<Utc>,
    /// When it was gone or settled.
    ended_at: Option<DateTime<Utc>>,
    /// Why it was settled.
    note: Option<String>,
}

impl From<StoredDifference> for DifferenceView {
    fn from(stored: StoredDifference) -> Self {
        DifferenceView {
            id: stored.id,
            connection_id: stored.connection,
            venue_id: stored.venue,
            day: stored.day,
            kind: stored.what.kind.into(),
            order: stored.what.order,
            number: stored.what.number,
            closed_at: stored.what.closed_at,
            told: stored.what.told,
            known: stored.what.known,
            receipt_id: stored.what.receipt,
            status: stored.status,
            found_at: stored.found_at,
            ended_at: stored.ended_at,
            note: stored.note,
        }
    }
}

/// A connection that the caller may see.
fn seen(
    connection: &mut AnyConnection,
    caller: &Caller,
    id: ConnectionId,
) -> Result<StoredConnection, Problem> {
    let found = till_connections::find(connection, caller.tenant, id)?.ok_or_else(Problem::not_found)?;
    caller.needs_venue(found.venue)?;
    Ok(found)
}

/// Days of a connection that were compared with the books, the newest first.
#[utoipa::path(get, path = "/connections/{id}/reconciliations", tag = "tills",
    params(("id" = String, Path, example = "con_01hgw3zj3q7hx"), ListQuery),
    responses((status = 200, description = "A page of days.", body = Page<ReconciliationView>), Refusals))]
async fn days(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConnectionId>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<ReconciliationView>>, Problem> {
    caller.needs_any(&[Scope::Admin, Scope::Reports])?;
    let (limit, before) = (query.limit()?, query.after::<NaiveDate>()?);
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            seen(connection, &caller, id)?;
            let days = reconciliations::days(connection, caller.tenant, id, before, i64::from(limit) + 1)?;
            Ok(Page::of(days, limit, |day| day.day))
        })
        .await?;
    Ok(Json(page.map(ReconciliationView::from)))
}

/// Which day to compare.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DayRequest {
    /// A business day that is over, at most 92 days ago.
    #[schema(example = "2026-11-20")]
    day: NaiveDate,
}

/// A day that the till system is asked for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct DayAsked {
    #[schema(value_type = String, example = "con_01hgw3zj3q7hx")]
    connection_id: ConnectionId,
    #[schema(example = "2026-11-20")]
    day: NaiveDate,
}

fn not_reconciled() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "not-reconciled",
        "Подключение не настроено на сверку: в его настройках не сказано, кого спрашивать об отчёте.",
        "This connection does not compare: its settings do not say whom to ask for a report.",
    )
}

/// What asks the vendor's system for the day.
fn errand(of: &StoredConnection, day: NaiveDate) -> Result<Errand, Problem> {
    let settings = Settings {
        time_zone: Tz::UTC,
        language: kopilka_contract::Language::default(),
        values: of.settings.clone(),
    };
    adapter(&of.kind)
        .filter(|_| of.active)
        .and_then(|adapter| adapter.day_report(&settings, day))
        .ok_or_else(not_reconciled)
}

/// Asks the till system for a day once more. What comes is compared as every night; its result stands in the list soon after.
/// 422 `not-reconciled` where the connection's settings do not say whom to ask.
#[utoipa::path(post, path = "/connections/{id}/reconciliations", tag = "tills", request_body = DayRequest,
    params(("id" = String, Path, example = "con_01hgw3zj3q7hx")),
    responses((status = 202, description = "It will be asked for.", body = DayAsked), Refusals))]
async fn ask(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConnectionId>,
    body: JsonBody<DayRequest>,
) -> Result<(StatusCode, Json<DayAsked>), Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let day = body.value.day;
    let left = move |connection: &mut AnyConnection| -> Result<(), Problem> {
        let found = seen(connection, &caller, id)?;
        ask_for(connection, &found, day, &author)
    };
    app.write(left).await?;
    app.errand_left.notify_one();
    let asked = DayAsked {
        connection_id: id,
        day,
    };
    Ok((StatusCode::ACCEPTED, Json(asked)))
}

/// Leaves an errand that asks for a day.
///
/// # Errors
/// 422 where the connection does not compare or the day is not over or too long ago, and those of the database.
pub(crate) fn ask_for(
    connection: &mut AnyConnection,
    of: &StoredConnection,
    day: NaiveDate,
    author: &Author,
) -> Result<(), Problem> {
    let errand = errand(of, day)?;
    // The till's own clock knows better when a day is over, and answers with what it has.
    let today = author.now.date_naive();
    let earliest = today.checked_sub_days(Days::new(MOST_DAYS_BACK)).unwrap_or(today);
    if day >= today || day < earliest {
        return Err(Problem::invalid(
            "/day",
            "Нужен законченный день не раньше чем 92 дня назад.",
            "A day that is over is needed, at most 92 days ago.",
        ));
    }
    let (tenant, now) = (author.tenant, author.now);
    errands::leave(connection, tenant, of.id, author.next_id(), &errand, now)?;
    polls::hurry(connection, tenant, of.id, now)?;
    author.note(connection, "reconciliation.ask", of.id, None, Some(&errand.what))?;
    Ok(())
}

/// Which differences are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DifferenceQuery {
    /// Of one connection.
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// Of one business day.
    #[param(example = "2026-11-21")]
    day: Option<NaiveDate>,
    /// True: only those that wait for a person.
    #[serde(default)]
    open: bool,
}

/// What tills and the books say differently, in the order in which it was found. Those that wait are an alert of their connection
/// as well: `connection.differs`.
#[utoipa::path(get, path = "/till-differences", tag = "tills", params(ListQuery, DifferenceQuery),
    responses((status = 200, description = "A page of differences.", body = Page<DifferenceView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
    QueryOf(wanted): QueryOf<DifferenceQuery>,
) -> Result<Json<Page<DifferenceView>>, Problem> {
    caller.needs_any(&[Scope::Admin, Scope::Reports])?;
    let (limit, after) = (query.limit()?, query.after()?);
    let filter = DifferenceFilter {
        venues: caller.venues.clone(),
        connection: wanted.connection_id,
        day: wanted.day,
        open: wanted.open,
        after,
    };
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            let found =
                reconciliations::differences(connection, caller.tenant, &filter, i64::from(limit) + 1)?;
            Ok(Page::of(found, limit, |difference| difference.id))
        })
        .await?;
    Ok(Json(page.map(DifferenceView::from)))
}

/// How a difference is settled.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettleRequest {
    /// Why it may stay as it is, or what was done about it.
    #[schema(example = "Заказ персонала, бонусы не начисляются")]
    note: String,
}

fn settled_already() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "difference-settled",
        "Это расхождение уже закрыто.",
        "This difference is closed already.",
    )
}

/// Settles a difference with a reason. It posts nothing: a receipt that is missing is brought by replaying its message or by
/// hand. Should the amounts be others in a later report, it is opened anew.
#[utoipa::path(post, path = "/till-differences/{id}/settle", tag = "tills", request_body = SettleRequest,
    params(("id" = String, Path, example = "dif_01hgw3zj3q7hx")),
    responses((status = 200, description = "As it now is.", body = DifferenceView),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`difference-settled`"),
        Refusals))]
async fn settle(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<DifferenceId>,
    body: JsonBody<SettleRequest>,
) -> Result<Json<DifferenceView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let note = text("/note", &body.value.note, 500)?;
    let settled = app
        .write(move |connection| -> Result<StoredDifference, Problem> {
            let tenant = caller.tenant;
            let found = reconciliations::find(connection, tenant, id)?;
            let mut difference = found.ok_or_else(Problem::not_found)?;
            caller.needs_venue(difference.venue)?;
            if difference.status != OPEN {
                let again = difference.status == SETTLED && difference.note.as_ref() == Some(&note);
                return if again {
                    Ok(difference)
                } else {
                    Err(settled_already())
                };
            }
            SETTLED.clone_into(&mut difference.status);
            difference.ended_at = Some(author.now);
            difference.settled_by = Some(author.actor.clone());
            difference.note = Some(note.clone());
            reconciliations::update(connection, tenant, &difference)?;
            let after = json!({"order": difference.what.order, "day": difference.day, "note": note});
            author.note(connection, "difference.settle", id, None, Some(&after))?;
            Ok(difference)
        })
        .await?;
    Ok(Json(settled.into()))
}
