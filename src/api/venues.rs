//! Venues and their rules on time and amount.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono_tz::Tz;
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
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::{RuleId, VenueId};
use crate::domain::rate::{Coefficient, Percent};
use crate::domain::settings::VenueSettings;
use crate::domain::terms::RuleCondition;
use crate::storage::transactions::LEDGER_TYPES;
use crate::storage::venues::{self, StoredRule, Venue};
use crate::storage::{AnyConnection, Tenant, networks};

/// Whoever has any of these may read how venues are set up.
const READERS: [Scope; 5] = [
    Scope::Admin,
    Scope::Reports,
    Scope::Till,
    Scope::Customers,
    Scope::Marketing,
];

/// Routes of venues and rules.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update))
        .routes(routes!(list_rules, create_rule))
        .routes(routes!(read_rule, update_rule, delete_rule))
}

/// Refuses who may not read how venues are set up.
pub(super) fn may_read(caller: &Caller) -> Result<(), Problem> {
    caller.needs_any(&READERS)
}

/// The venue that a text in a path or query means, by its id or the caller's own, if the caller may touch it.
pub(super) fn reached(
    connection: &mut AnyConnection,
    caller: &Caller,
    reference: &str,
) -> Result<VenueId, Problem> {
    let venue = venues::resolve(connection, caller.tenant, reference)?.ok_or_else(Problem::not_found)?;
    caller.needs_venue(venue)?;
    Ok(venue)
}

/// The venues that a list is of: the one that a filter names, else all that the caller may see; `None`: the whole network.
///
/// # Errors
/// As [`reached`].
pub(super) fn within(
    connection: &mut AnyConnection,
    caller: &Caller,
    named: Option<String>,
) -> Result<Option<Vec<VenueId>>, Problem> {
    match named {
        Some(reference) => Ok(Some(vec![reached(connection, caller, &reference)?])),
        None => Ok(caller.venues.clone()),
    }
}

/// The venue that a body names, at `pointer`.
///
/// # Errors
/// 404 `unknown-venue` where there is none, or the caller may not touch it.
pub(super) fn named(
    connection: &mut AnyConnection,
    caller: &Caller,
    pointer: &str,
    reference: &str,
) -> Result<VenueId, Problem> {
    venues::resolve(connection, caller.tenant, reference)?
        .filter(|venue| caller.needs_venue(*venue).is_ok())
        .ok_or_else(|| Problem::no_venue(pointer))
}

/// A venue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VenueView {
    /// Its id.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub id: VenueId,
    /// Your own id of it; accepted wherever its id is.
    #[schema(example = "cafe")]
    pub external_id: Option<String>,
    /// Its name.
    #[schema(example = "Кафе на Невском")]
    pub name: String,
    /// IANA zone: rules look at its wall clock.
    #[schema(value_type = String, example = "Europe/Moscow")]
    pub time_zone: Tz,
    /// Base bonus, in percent.
    #[schema(value_type = String, example = "5")]
    pub base_percent: Percent,
    /// Transaction types that its receipts may have.
    #[schema(example = json!(["place", "delivery"]))]
    pub types: Vec<String>,
    /// The type of a receipt that names none.
    #[schema(example = "place")]
    pub default_type: String,
    /// What it overrides of the network's settings.
    #[schema(value_type = Object, example = json!({"redeem_max_percent": "50", "day_starts_at": "05:00"}))]
    pub settings: VenueSettings,
    /// Out of use.
    pub archived: bool,
    /// Since when; receipts that were closed before are taken still.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub archived_at: Option<Timestamp>,
    /// When it was set up.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub created_at: Timestamp,
}

impl From<Venue> for VenueView {
    fn from(venue: Venue) -> Self {
        VenueView {
            id: venue.id,
            external_id: venue.external_id,
            name: venue.name,
            time_zone: venue.time_zone,
            base_percent: venue.base_percent,
            types: venue.types,
            default_type: venue.default_type,
            settings: venue.settings,
            archived: venue.archived_at.is_some(),
            archived_at: venue.archived_at,
            created_at: venue.created_at,
        }
    }
}

/// A venue to be set up.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVenue {
    /// Your own id of it.
    #[schema(example = "cafe-2")]
    external_id: Option<String>,
    /// Its name.
    #[schema(example = "Кафе на Невском")]
    name: String,
    /// IANA zone; absent: the network's.
    #[schema(value_type = Option<String>, example = "Europe/Moscow")]
    time_zone: Option<String>,
    /// Base bonus, in percent, 0 to 1000 with at most four decimals; absent: 0.
    #[schema(value_type = Option<String>, example = "5")]
    base_percent: Option<Percent>,
    /// `place`, `delivery`, `online`, and names of your own; absent: `place`.
    #[schema(example = json!(["place", "delivery"]))]
    types: Option<Vec<String>>,
    /// One of `types`; absent: the first of them.
    #[schema(example = "place")]
    default_type: Option<String>,
    /// What it overrides of the network's settings: `rounding`, `accrue_on_redeemed`, `excluded_payment_kinds`,
    /// `day_starts_at`, `redeem_max_percent`, `min_money_payment`, `hold_minutes`; and for its till without a
    /// network `offline_limit` (0.00: no redemption) and `offline_permit_minutes`.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"redeem_max_percent": "50"}))]
    settings: VenueSettings,
}

/// What to change of a venue; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VenueChange {
    /// Your own id of it; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    external_id: Change<String>,
    /// Its name.
    name: Option<String>,
    /// IANA zone.
    time_zone: Option<String>,
    /// Base bonus, in percent.
    #[schema(value_type = Option<String>, example = "7.5")]
    base_percent: Option<Percent>,
    /// Transaction types, all of them.
    types: Option<Vec<String>>,
    /// One of the types.
    default_type: Option<String>,
    /// What it overrides of the network's settings, all of it.
    #[schema(value_type = Option<Object>)]
    settings: Option<VenueSettings>,
    /// Puts it out of use, or back. Out of use it takes no receipts but those that were closed before and come late.
    archived: Option<bool>,
}

fn checked_types(given: &[String]) -> Result<Vec<String>, Problem> {
    if given.is_empty() || given.len() > 50 {
        return Err(Problem::invalid(
            "/types",
            "Нужно от 1 до 50 типов транзакций.",
            "1 to 50 transaction types are needed.",
        ));
    }
    let mut types: Vec<String> = Vec::new();
    for (i, kind) in given.iter().enumerate() {
        let pointer = format!("/types/{i}");
        let kind = text(&pointer, kind, 64)?;
        if LEDGER_TYPES.contains(&kind.as_str()) {
            return Err(Problem::invalid(
                &pointer,
                format!("Тип {kind} служебный: его проводит сама система."),
                format!("The type {kind} is written by the ledger itself and can't be chosen."),
            ));
        }
        if types.contains(&kind) {
            return Err(Problem::invalid(
                &pointer,
                "Тип указан дважды.",
                "The type is there twice.",
            ));
        }
        types.push(kind);
    }
    Ok(types)
}

fn check_default_type(venue: &Venue) -> Result<(), Problem> {
    if venue.types.contains(&venue.default_type) {
        return Ok(());
    }
    Err(Problem::invalid(
        "/default_type",
        "Тип по умолчанию должен быть среди типов заведения.",
        "The default type must be one of the venue's types.",
    ))
}

fn checked_settings(settings: VenueSettings) -> Result<VenueSettings, Problem> {
    match settings.fault() {
        Some((field, ru, en)) => Err(Problem::invalid(&format!("/settings/{field}"), ru, en)),
        None => Ok(settings),
    }
}

/// Refuses an external id that another venue has.
fn check_external_id(connection: &mut AnyConnection, tenant: Tenant, venue: &Venue) -> Result<(), Problem> {
    let Some(external_id) = &venue.external_id else {
        return Ok(());
    };
    match venues::resolve(connection, tenant, external_id)? {
        Some(other) if other != venue.id => Err(Problem::taken("/external_id")),
        _ => Ok(()),
    }
}

/// Which venues.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VenueQuery {
    /// Only those in use (false) or out of use (true).
    archived: Option<bool>,
}

/// Venues that the caller may see.
#[utoipa::path(get, path = "/venues", tag = "venues", operation_id = "list_venues",
    params(ListQuery, VenueQuery), responses((status = 200, body = Page<VenueView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<VenueQuery>,
) -> Result<Json<Page<VenueView>>, Problem> {
    may_read(&caller)?;
    let (limit, after) = (page.limit()?, page.after::<VenueId>()?);
    let found = app
        .read(move |c| {
            venues::list(
                c,
                caller.tenant,
                caller.venues.as_deref(),
                query.archived,
                after.map(|v| v.0),
                i64::from(limit) + 1,
            )
            .map_err(Problem::from)
        })
        .await?;
    Ok(Json(Page::of(found, limit, |v| v.id).map(VenueView::from)))
}

/// Sets up a venue.
#[utoipa::path(post, path = "/venues", tag = "venues", operation_id = "create_venue", request_body = NewVenue,
    responses((status = 201, body = VenueView), (status = 409, description = "`already-exists`: the external id is taken"), Refusals))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: given, .. }: JsonBody<NewVenue>,
) -> Result<(StatusCode, Json<VenueView>), Problem> {
    caller.needs(Scope::Admin)?;
    if caller.venues.is_some() {
        return Err(Problem::forbidden());
    }
    let author = Author::of(&app, &caller)?;
    let types = match &given.types {
        Some(types) => checked_types(types)?,
        None => vec!["place".to_owned()],
    };
    let default_type = given
        .default_type
        .clone()
        .or_else(|| types.first().cloned())
        .unwrap_or_default();
    let own_zone = given
        .time_zone
        .as_deref()
        .map(|zone| names::time_zone("/time_zone", zone))
        .transpose()?;
    let draft = Venue {
        id: VenueId(author.next_id()),
        external_id: external_id::<VenueId>(given.external_id.as_deref())?,
        name: names::name("/name", &given.name, 200)?,
        time_zone: own_zone.unwrap_or(Tz::UTC),
        base_percent: given.base_percent.unwrap_or(Percent::ZERO),
        types,
        default_type,
        settings: checked_settings(given.settings)?,
        created_at: author.now,
        archived_at: None,
    };
    check_default_type(&draft)?;
    let view = app
        .write(move |c| -> Result<VenueView, Problem> {
            networks::bump(c, author.tenant)?;
            let mut venue = draft.clone();
            if own_zone.is_none() {
                venue.time_zone =
                    names::time_zone("/time_zone", &networks::find(c, author.tenant)?.time_zone)?;
            }
            check_external_id(c, author.tenant, &venue)?;
            venues::insert(c, author.tenant, &venue)?;
            let view = VenueView::from(venue);
            author.note(c, "venue.create", view.id, None, Some(&view))?;
            Ok(view)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// A venue by its id or your own.
#[utoipa::path(get, path = "/venues/{venue}", tag = "venues", operation_id = "get_venue",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 200, body = VenueView), Refusals))]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<VenueView>, Problem> {
    may_read(&caller)?;
    app.read(move |c| {
        let id = reached(c, &caller, &reference)?;
        let venue = venues::find(c, caller.tenant, id)?.ok_or_else(Problem::not_found)?;
        Ok(Json(VenueView::from(venue)))
    })
    .await
}

fn changed(mut venue: Venue, given: VenueChange, now: Timestamp) -> Result<Venue, Problem> {
    if let Some(id) = given.external_id {
        venue.external_id = external_id::<VenueId>(id.as_deref())?;
    }
    if let Some(name) = given.name {
        venue.name = names::name("/name", &name, 200)?;
    }
    if let Some(name) = given.time_zone {
        venue.time_zone = names::time_zone("/time_zone", &name)?;
    }
    if let Some(percent) = given.base_percent {
        venue.base_percent = percent;
    }
    if let Some(types) = given.types {
        venue.types = checked_types(&types)?;
    }
    if let Some(kind) = given.default_type {
        venue.default_type = kind;
    }
    if let Some(settings) = given.settings {
        venue.settings = checked_settings(settings)?;
    }
    if let Some(archived) = given.archived {
        venue.archived_at = archived.then(|| venue.archived_at.unwrap_or(now));
    }
    check_default_type(&venue)?;
    Ok(venue)
}

/// Changes a venue, or puts it out of use.
#[utoipa::path(patch, path = "/venues/{venue}", tag = "venues", operation_id = "update_venue", request_body = VenueChange,
    params(("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 200, body = VenueView), (status = 409, description = "`already-exists`: the external id is taken"), Refusals))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<VenueChange>,
) -> Result<Json<VenueView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let id = reached(c, &caller, &reference)?;
        let before = venues::find(c, author.tenant, id)?.ok_or_else(Problem::not_found)?;
        let now = author.now + networks::find(c, author.tenant)?.clock_offset;
        let venue = changed(before.clone(), given.clone(), now)?;
        check_external_id(c, author.tenant, &venue)?;
        venues::update(c, author.tenant, &venue)?;
        let view = VenueView::from(venue);
        author.note(c, "venue.update", id, Some(&VenueView::from(before)), Some(&view))?;
        Ok(Json(view))
    })
    .await
}

/// A rule of a venue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleView {
    /// Its id.
    #[schema(value_type = String, example = "rul_01hgw3zj3q7hx")]
    pub id: RuleId,
    /// Its venue.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: VenueId,
    /// Its name for people.
    #[schema(example = "Счастливые часы")]
    pub name: Option<String>,
    /// When it matches.
    #[schema(value_type = Object, example = json!({"kind": "weekday_hours", "weekdays": ["fri"], "from_hour": 17, "to_hour": 18}))]
    pub condition: RuleCondition,
    /// What it multiplies by.
    #[schema(value_type = String, example = "1.5")]
    pub coefficient: Coefficient,
    /// When it was added.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub created_at: Timestamp,
}

impl From<StoredRule> for RuleView {
    fn from(rule: StoredRule) -> Self {
        RuleView {
            id: rule.id,
            venue_id: rule.venue,
            name: rule.name,
            condition: rule.condition,
            coefficient: rule.coefficient,
            created_at: rule.created_at,
        }
    }
}

/// A rule to be added.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Счастливые часы", "coefficient": "1.5",
    "condition": {"kind": "weekday_hours", "weekdays": ["fri"], "from_hour": 17, "to_hour": 18}
}))]
pub struct NewRule {
    /// Its name for people.
    name: Option<String>,
    /// `kind` is one of `date` (`date`), `weekday` (`weekdays`), `hours` (`from_hour`, `to_hour`: 0 to 23, both
    /// inclusive, may wrap over midnight), `weekday_hours` (all three), `receipt_over` and `receipt_under` (`amount`,
    /// strictly).
    #[schema(value_type = Object)]
    condition: RuleCondition,
    /// What it multiplies by, 0 to 1000 with at most six decimals.
    #[schema(value_type = String)]
    coefficient: Coefficient,
}

/// What to change of a rule; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleChange {
    /// Its name for people; null: none.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    name: Change<String>,
    /// When it matches.
    #[schema(value_type = Option<Object>)]
    condition: Option<RuleCondition>,
    /// What it multiplies by.
    #[schema(value_type = Option<String>, example = "2")]
    coefficient: Option<Coefficient>,
}

fn checked_condition(condition: RuleCondition) -> Result<RuleCondition, Problem> {
    match &condition {
        RuleCondition::Hours { from_hour, to_hour }
        | RuleCondition::WeekdayHours {
            from_hour, to_hour, ..
        } => {
            for (field, hour) in [("from_hour", from_hour), ("to_hour", to_hour)] {
                if *hour > 23 {
                    return Err(Problem::invalid(
                        &format!("/condition/{field}"),
                        "Час от 0 до 23.",
                        "An hour is 0 to 23.",
                    ));
                }
            }
        }
        RuleCondition::ReceiptOver { amount: threshold }
        | RuleCondition::ReceiptUnder { amount: threshold } => {
            amount("/condition/amount", *threshold)?;
        }
        RuleCondition::Date { .. } | RuleCondition::Weekday { .. } => {}
    }
    Ok(condition)
}

/// Rules of a venue.
#[utoipa::path(get, path = "/venues/{venue}/rules", tag = "venues", operation_id = "list_rules",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ListQuery),
    responses((status = 200, body = Page<RuleView>), Refusals))]
async fn list_rules(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    QueryOf(page): QueryOf<ListQuery>,
) -> Result<Json<Page<RuleView>>, Problem> {
    may_read(&caller)?;
    let (limit, after) = (page.limit()?, page.after::<RuleId>()?);
    app.read(move |c| {
        let venue = reached(c, &caller, &reference)?;
        let after = after.map(|r| r.0);
        let found = venues::rules_of(c, caller.tenant, venue, after, i64::from(limit) + 1)?;
        Ok(Json(Page::of(found, limit, |r| r.id).map(RuleView::from)))
    })
    .await
}

/// Adds a rule to a venue.
#[utoipa::path(post, path = "/venues/{venue}/rules", tag = "venues", operation_id = "create_rule", request_body = NewRule,
    params(("venue" = String, Path, description = "Id or external id", example = "cafe")),
    responses((status = 201, body = RuleView), Refusals))]
async fn create_rule(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    JsonBody { value: given, .. }: JsonBody<NewRule>,
) -> Result<(StatusCode, Json<RuleView>), Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let name = optional_text("/name", given.name.as_deref(), 200)?;
    let condition = checked_condition(given.condition)?;
    let id = RuleId(author.next_id());
    let view = app
        .write(move |c| -> Result<RuleView, Problem> {
            networks::bump(c, author.tenant)?;
            let rule = StoredRule {
                id,
                venue: reached(c, &caller, &reference)?,
                name: name.clone(),
                condition: condition.clone(),
                coefficient: given.coefficient,
                created_at: author.now,
            };
            venues::insert_rule(c, author.tenant, &rule)?;
            let view = RuleView::from(rule);
            author.note(c, "rule.create", id, None, Some(&view))?;
            Ok(view)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// The rule of a path.
fn rule_of(
    connection: &mut AnyConnection,
    caller: &Caller,
    (venue, rule): &(String, String),
) -> Result<StoredRule, Problem> {
    let id: RuleId = rule.parse().map_err(|_| Problem::not_found())?;
    let venue = reached(connection, caller, venue)?;
    venues::find_rule(connection, caller.tenant, venue, id)?.ok_or_else(Problem::not_found)
}

/// A rule of a venue.
#[utoipa::path(get, path = "/venues/{venue}/rules/{rule}", tag = "venues", operation_id = "get_rule",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("rule" = String, Path, example = "rul_01hgw3zj3q7hx")),
    responses((status = 200, body = RuleView), Refusals))]
async fn read_rule(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<Json<RuleView>, Problem> {
    may_read(&caller)?;
    app.read(move |c| Ok(Json(RuleView::from(rule_of(c, &caller, &path)?))))
        .await
}

/// Changes a rule.
#[utoipa::path(patch, path = "/venues/{venue}/rules/{rule}", tag = "venues", operation_id = "update_rule", request_body = RuleChange,
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("rule" = String, Path, example = "rul_01hgw3zj3q7hx")),
    responses((status = 200, body = RuleView), Refusals))]
async fn update_rule(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
    JsonBody { value: given, .. }: JsonBody<RuleChange>,
) -> Result<Json<RuleView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let before = rule_of(c, &caller, &path)?;
        let mut rule = before.clone();
        if let Some(name) = &given.name {
            rule.name = optional_text("/name", name.as_deref(), 200)?;
        }
        if let Some(condition) = &given.condition {
            rule.condition = checked_condition(condition.clone())?;
        }
        rule.coefficient = given.coefficient.unwrap_or(rule.coefficient);
        venues::update_rule(c, author.tenant, &rule)?;
        let view = RuleView::from(rule);
        author.note(
            c,
            "rule.update",
            view.id,
            Some(&RuleView::from(before)),
            Some(&view),
        )?;
        Ok(Json(view))
    })
    .await
}

/// Removes a rule.
#[utoipa::path(delete, path = "/venues/{venue}/rules/{rule}", tag = "venues", operation_id = "delete_rule",
    params(("venue" = String, Path, description = "Id or external id", example = "cafe"), ("rule" = String, Path, example = "rul_01hgw3zj3q7hx")),
    responses((status = 204), Refusals))]
async fn delete_rule(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    app.write(move |c| {
        networks::bump(c, author.tenant)?;
        let rule = RuleView::from(rule_of(c, &caller, &path)?);
        venues::delete_rule(c, author.tenant, rule.id)?;
        author.note(c, "rule.delete", rule.id, Some(&rule), None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
