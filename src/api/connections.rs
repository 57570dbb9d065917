//! Venues' links to till systems: their tokens and settings.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use kopilka_contract::{Adapter, Language, Settings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::json_body::{JsonBody, PathId, QueryOf, misread};
use super::names;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use super::secrets::{hash_of, random_text};
use super::venues::named;
use crate::app::App;
use crate::domain::ids::{ConnectionId, MessageId, VenueId};
use crate::pos::{ADAPTERS, adapter, secrets};
use crate::storage::messages::{self, Lately};
use crate::storage::networks;
use crate::storage::polls::{self, Standing};
use crate::storage::till_connections::{self, StoredConnection};
use crate::storage::{AnyConnection, Tenant};

/// What stands before a connection's token.
pub const TOKEN_PREFIX: &str = "kop_till_";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change))
        .routes(routes!(rotate))
}

/// The till systems that we speak with, for the description of the API.
fn kinds() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(ADAPTERS.iter().map(|adapter| adapter.kind())))
        .build()
}

/// The adapter of a till system that a caller names.
fn adapter_of(kind: &str) -> Result<&'static dyn Adapter, Problem> {
    adapter(kind).ok_or_else(|| {
        let known: Vec<&str> = ADAPTERS.iter().map(|adapter| adapter.kind()).collect();
        let known = known.join(", ");
        Problem::invalid(
            "/kind",
            format!("Такой кассовой системы нет; есть: {known}."),
            format!("There is no such till system; there are: {known}."),
        )
    })
}

/// Refuses settings that the adapter does not understand.
fn check_settings(adapter: &dyn Adapter, values: &Value) -> Result<(), Problem> {
    if !values.is_object() {
        return Err(Problem::invalid(
            "/settings",
            "Настройки — это объект.",
            "Settings are an object.",
        ));
    }
    let settings = Settings {
        time_zone: Tz::UTC,
        language: Language::default(),
        values: values.clone(),
    };
    adapter
        .check_settings(&settings)
        .map_err(|error| misread("/settings", &error.0))
}

/// Refuses a secret that is only the sign for one.
fn nothing_hidden(adapter: &dyn Adapter, settings: &Value) -> Result<(), Problem> {
    match secrets::still_hidden(adapter, settings) {
        Some(place) => Err(Problem::invalid(
            &format!("/settings{place}"),
            "Впишите сам пароль: «***» годится, только пока не меняется адрес, на который он отправляется.",
            "Give the password itself: *** will do only while the address that it is sent to stays.",
        )),
        None => Ok(()),
    }
}

/// A venue's link to a till system, without its token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct ConnectionView {
    #[schema(value_type = String, example = "con_01hgw3zj3q7hx")]
    id: ConnectionId,
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    venue_id: VenueId,
    #[schema(example = "rkeeper")]
    kind: String,
    #[schema(example = "r_keeper на Невском")]
    name: String,
    /// The adapter's own. A password that was given stands here as `***`.
    #[schema(value_type = Object, example = json!({}))]
    settings: Value,
    /// Language of the words for the cashier.
    #[schema(example = "ru")]
    language: String,
    /// Whether its messages are taken.
    active: bool,
    created_at: DateTime<Utc>,
    state: ConnectionState,
    /// How asking the vendor's system goes; null where this kind only speaks itself.
    polling: Option<PollingState>,
}

/// How asking the vendor's system goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct PollingState {
    /// When it is asked next; null: the settings say nothing of whom to ask.
    next_at: Option<DateTime<Utc>>,
    /// When asking last went well.
    succeeded_at: Option<DateTime<Utc>>,
    /// When it last failed.
    failed_at: Option<DateTime<Utc>>,
    /// Why it last failed.
    #[schema(example = "auth-delivery.ucs.ru answered 401")]
    failure: Option<String>,
    /// How many times in a row it has failed since it went well.
    #[schema(example = 0)]
    failures: u32,
    /// How many things wait to be asked.
    #[schema(example = 0)]
    errands: u32,
}

impl PollingState {
    fn of(standing: Standing) -> Self {
        PollingState {
            next_at: standing.next_at,
            succeeded_at: standing.succeeded_at,
            failed_at: standing.failed_at,
            failure: standing.failure,
            failures: standing.failures,
            errands: standing.errands,
        }
    }
}

/// A connection with how it does, and how asking its vendor's system goes.
type Looked = (StoredConnection, Lately, Standing);

/// How a connection has done of late, by its newest 200 messages. What only asks (a card read, a quote) is not kept and
/// not counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
struct ConnectionState {
    /// Null: nothing has come yet.
    last_message_at: Option<DateTime<Utc>>,
    /// The newest message that waits for a person.
    last_error: Option<ConnectionError>,
    /// How many of its newest messages came to each outcome.
    #[schema(example = json!({"posted": 180, "repeated": 19, "refused": 1}))]
    outcomes: BTreeMap<String, u32>,
    /// The longest time that one of them took, in milliseconds.
    #[schema(example = 41)]
    took_ms_max: Option<i64>,
    /// The middle one of these times.
    #[schema(example = 4)]
    took_ms_median: Option<i64>,
}

/// A message that was refused or not understood.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct ConnectionError {
    #[schema(value_type = String, example = "msg_01hgw3zj3q7hx")]
    message_id: MessageId,
    at: DateTime<Utc>,
    /// Code of the refusal; null: it was not understood.
    #[schema(example = "insufficient-balance")]
    code: Option<String>,
}

impl ConnectionState {
    fn of(lately: Lately) -> Self {
        ConnectionState {
            last_message_at: lately.last_message_at,
            last_error: lately.last_error.map(|(message_id, at, code)| ConnectionError {
                message_id,
                at,
                code,
            }),
            outcomes: lately.outcomes,
            took_ms_max: lately.took_ms.map(|(longest, _)| longest),
            took_ms_median: lately.took_ms.map(|(_, middle)| middle),
        }
    }
}

impl ConnectionView {
    fn of((connection, lately, standing): Looked) -> Self {
        let adapter = adapter(&connection.kind);
        let asks = adapter.is_some_and(|adapter| adapter.poll().is_some());
        ConnectionView {
            id: connection.id,
            venue_id: connection.venue,
            kind: connection.kind,
            name: connection.name,
            settings: secrets::hidden(adapter, connection.settings),
            language: connection.language,
            active: connection.active,
            created_at: connection.created_at,
            state: ConnectionState::of(lately),
            polling: asks.then(|| PollingState::of(standing)),
        }
    }
}

/// What the audit log keeps: settings may hold a till's passwords, so only their names are kept.
fn noted(connection: &StoredConnection) -> Value {
    let names: Vec<&String> = connection
        .settings
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    json!({
        "venue_id": connection.venue,
        "kind": connection.kind,
        "name": connection.name,
        "settings": names,
        "language": connection.language,
        "active": connection.active,
    })
}

/// A connection with its token.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct NewConnectionView {
    #[serde(flatten)]
    connection: ConnectionView,
    /// What the till is given; shown this once: it is not kept.
    #[schema(example = "kop_till_3fQxX1uV0o0Jx2bq6XG0Zr8mB1yQJmFZb0J8hV0c8rE")]
    token: String,
}

/// A new connection.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionRequest {
    /// Id or external id.
    #[schema(example = "ven_01hgw3zj3q7hx")]
    venue_id: String,
    /// Which dialect it speaks.
    #[schema(schema_with = kinds)]
    kind: String,
    #[schema(example = "r_keeper на Невском")]
    name: String,
    /// The adapter's own; absent: its defaults.
    #[schema(value_type = Option<Object>, example = json!({}))]
    settings: Option<Value>,
    /// Language of the words for the cashier, `ru` or `en`.
    #[serde(default)]
    #[schema(value_type = String, example = "ru")]
    language: Language,
}

/// What changes of a connection; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct ConnectionChange {
    #[schema(example = "r_keeper на Невском")]
    name: Option<String>,
    /// All of the adapter's own settings at once. A password that is `***` stays as it is.
    #[schema(value_type = Option<Object>, example = json!({}))]
    settings: Option<Value>,
    #[schema(value_type = Option<String>, example = "en")]
    language: Option<Language>,
    /// False: its messages are refused.
    active: Option<bool>,
}

fn language_name(language: Language) -> String {
    match language {
        Language::Ru => "ru",
        Language::En => "en",
    }
    .to_owned()
}

fn new_token() -> Result<String, Problem> {
    Ok(format!("{TOKEN_PREFIX}{}", random_text::<32>()?))
}

/// A connection with how it does.
fn with_state(
    connection: &mut AnyConnection,
    tenant: Tenant,
    found: StoredConnection,
) -> Result<Looked, Problem> {
    let lately = messages::lately(connection, tenant, found.id)?;
    let standing = polls::standing(connection, tenant, found.id)?;
    Ok((found, lately, standing))
}

/// A connection that the caller may see.
fn seen(caller: &Caller, found: Option<StoredConnection>) -> Result<StoredConnection, Problem> {
    let found = found.ok_or_else(Problem::not_found)?;
    caller.needs_venue(found.venue)?;
    Ok(found)
}

/// Connections.
#[utoipa::path(get, path = "/connections", tag = "tills", params(ListQuery),
    responses((status = 200, description = "A page of connections.", body = Page<ConnectionView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<ConnectionView>>, Problem> {
    caller.needs(Scope::Admin)?;
    let (limit, after) = (query.limit()?, query.after()?);
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            let (tenant, venues) = (caller.tenant, caller.venues.as_deref());
            let rows = till_connections::list(connection, tenant, venues, after, i64::from(limit) + 1)?;
            let total = if query.with_total {
                Some(till_connections::count(connection, tenant, venues)?)
            } else {
                None
            };
            let page = Page::of(rows, limit, |c| c.id.0).with_total(total);
            page.try_map(|found| with_state(connection, tenant, found))
        })
        .await?;
    Ok(Json(page.map(ConnectionView::of)))
}

/// One connection.
#[utoipa::path(get, path = "/connections/{id}", tag = "tills",
    params(("id" = String, Path, example = "con_01hgw3zj3q7hx")),
    responses((status = 200, description = "The connection.", body = ConnectionView), Refusals))]
async fn one(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConnectionId>,
) -> Result<Json<ConnectionView>, Problem> {
    caller.needs(Scope::Admin)?;
    let found = app
        .read(move |connection| -> Result<_, Problem> {
            let found = seen(&caller, till_connections::find(connection, caller.tenant, id)?)?;
            with_state(connection, caller.tenant, found)
        })
        .await?;
    Ok(Json(ConnectionView::of(found)))
}

/// Connects a venue's till system. Its token is in this answer and nowhere else.
#[utoipa::path(post, path = "/connections", tag = "tills", request_body = ConnectionRequest,
    responses((status = 201, description = "Made; give the token to the till.", body = NewConnectionView), Refusals))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<ConnectionRequest>,
) -> Result<(StatusCode, Json<NewConnectionView>), Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let request = body.value;
    let name = names::name("/name", &request.name, 200)?;
    let settings = request.settings.unwrap_or_else(|| json!({}));
    let adapter = adapter_of(&request.kind)?;
    check_settings(adapter, &settings)?;
    nothing_hidden(adapter, &settings)?;
    let token = new_token()?;
    let hash = hash_of(&token);
    let id = ConnectionId(author.next_id());
    let made = app
        .write(move |connection| -> Result<Looked, Problem> {
            let tenant = caller.tenant;
            let venue = named(connection, &caller, "/venue_id", &request.venue_id)?;
            let made = StoredConnection {
                id,
                venue,
                kind: request.kind.clone(),
                name: name.clone(),
                settings: settings.clone(),
                language: language_name(request.language),
                active: true,
                created_at: author.now,
            };
            till_connections::insert(connection, tenant, &made, &hash)?;
            author.note(connection, "connection.create", id, None, Some(&noted(&made)))?;
            with_state(connection, tenant, made)
        })
        .await?;
    let connection = ConnectionView::of(made);
    Ok((StatusCode::CREATED, Json(NewConnectionView { connection, token })))
}

/// Changes a connection, or switches it off and on.
#[utoipa::path(patch, path = "/connections/{id}", tag = "tills", request_body = ConnectionChange,
    params(("id" = String, Path, example = "con_01hgw3zj3q7hx")),
    responses((status = 200, description = "As it now is.", body = ConnectionView), Refusals))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConnectionId>,
    body: JsonBody<ConnectionChange>,
) -> Result<Json<ConnectionView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let change = body.value;
    let name = change
        .name
        .as_deref()
        .map(|n| names::name("/name", n, 200))
        .transpose()?;
    let changed = app
        .write(move |connection| -> Result<_, Problem> {
            let tenant = caller.tenant;
            networks::hold(connection, tenant)?;
            let before = seen(&caller, till_connections::find(connection, tenant, id)?)?;
            let mut changed = before.clone();
            if let Some(name) = &name {
                changed.name.clone_from(name);
            }
            if let Some(settings) = &change.settings {
                let adapter = adapter_of(&changed.kind)?;
                let settings = secrets::filled_in(adapter, settings.clone(), &before.settings);
                check_settings(adapter, &settings)?;
                nothing_hidden(adapter, &settings)?;
                changed.settings = settings;
            }
            if let Some(language) = change.language {
                changed.language = language_name(language);
            }
            if let Some(active) = change.active {
                changed.active = active;
            }
            till_connections::update(connection, tenant, &changed)?;
            if changed.settings != before.settings || changed.active != before.active {
                polls::begin_anew(connection, tenant, id, author.now)?;
            }
            author.note(
                connection,
                "connection.update",
                id,
                Some(&noted(&before)),
                Some(&noted(&changed)),
            )?;
            with_state(connection, tenant, changed)
        })
        .await?;
    app.connections.forget(id);
    Ok(Json(ConnectionView::of(changed)))
}

/// Gives a connection another token; the one before stops working.
#[utoipa::path(post, path = "/connections/{id}/rotate", tag = "tills",
    params(("id" = String, Path, example = "con_01hgw3zj3q7hx")),
    responses((status = 200, description = "With its new token.", body = NewConnectionView), Refusals))]
async fn rotate(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConnectionId>,
) -> Result<Json<NewConnectionView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let token = new_token()?;
    let hash = hash_of(&token);
    let found = app
        .write(move |connection| -> Result<_, Problem> {
            let tenant = caller.tenant;
            let found = seen(&caller, till_connections::find(connection, tenant, id)?)?;
            till_connections::set_token(connection, tenant, id, &hash)?;
            author.note::<Value>(connection, "connection.rotate", id, None, None)?;
            with_state(connection, tenant, found)
        })
        .await?;
    app.connections.forget(id);
    let connection = ConnectionView::of(found);
    Ok(Json(NewConnectionView { connection, token }))
}
