//! Venues' links to till systems: their tokens and settings.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kopilka_contract::Language;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::connection_checks::{
    adapter_of, addresses, check_settings, check_shared, check_watch, nothing_hidden,
};
use super::connection_view::{ConnectionView, WatchView, among, tellers, with_state};
use super::json_body::{JsonBody, PathId, QueryOf, given};
use super::names;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use super::secrets::{hash_of, random_text};
use super::venues::named;
use crate::addresses::Addresses;
use crate::app::App;
use crate::domain::ids::{ConnectionId, VenueId};
use crate::domain::watch::Watch;
use crate::pos::{ADAPTERS, secrets};
use crate::storage::AnyConnection;
use crate::storage::networks;
use crate::storage::polls;
use crate::storage::till_connections::{self, StoredConnection};

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
        "watch": connection.watch,
        "shares_orders_with": connection.shares_orders_with,
        "only_from": connection.only_from,
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
    /// How it is looked after; absent: five failures in a row are told, silence is not.
    #[serde(default)]
    #[schema(value_type = Option<WatchView>)]
    watch: Watch,
    /// Another connection of the venue, of the same kind, whose orders reach us by this one too, under the same ids: a sale by both
    /// roads is one receipt.
    #[schema(value_type = Option<String>)]
    shares_orders_with: Option<ConnectionId>,
    /// From where its messages may come, addresses and networks, at most 50; empty: from anywhere. What comes from elsewhere is
    /// answered as if nobody had the token.
    #[serde(default)]
    #[schema(example = json!(["203.0.113.7", "10.0.0.0/8"]))]
    only_from: Vec<String>,
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
    /// How it is looked after, all of it at once.
    #[schema(value_type = Option<WatchView>)]
    watch: Option<Watch>,
    /// The connection of the venue, of the same kind, whose orders its orders are from now on; null: its own. What was told before
    /// stays where it is, and is found there by later messages about it.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = json!(null))]
    shares_orders_with: Option<Option<ConnectionId>>,
    /// From where its messages may come, all of it at once; empty: from anywhere.
    #[schema(example = json!(["203.0.113.7"]))]
    only_from: Option<Vec<String>>,
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
            let network = tellers(connection, tenant)?;
            page.try_map(|found| among(connection, tenant, &network, found))
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
    let new = NewConnection {
        kind: request.kind,
        name: request.name,
        settings: request.settings.unwrap_or_else(|| json!({})),
        language: request.language,
        watch: request.watch,
        shares_orders_with: request.shares_orders_with,
        only_from: addresses(request.only_from)?,
    };
    let at = request.venue_id;
    let (made, token) = connect(&app, &author, new, move |connection| {
        named(connection, &caller, "/venue_id", &at)
    })
    .await?;
    let tenant = author.tenant;
    let made = app.read(move |c| with_state(c, tenant, made)).await?;
    let connection = ConnectionView::of(made);
    Ok((StatusCode::CREATED, Json(NewConnectionView { connection, token })))
}

/// What a connection is made of, before it is checked.
#[derive(Debug, Clone)]
pub(crate) struct NewConnection {
    /// Which dialect it speaks.
    pub(crate) kind: String,
    /// What people call it.
    pub(crate) name: String,
    /// The adapter's own settings.
    pub(crate) settings: Value,
    /// Language of the words for the cashier.
    pub(crate) language: Language,
    /// How it is looked after.
    pub(crate) watch: Watch,
    /// The connection of the venue whose orders its orders are.
    pub(crate) shares_orders_with: Option<ConnectionId>,
    /// From where its messages may come; none: from anywhere.
    pub(crate) only_from: Addresses,
}

/// Connects a till system at the venue that `at` finds. Returns the connection, and its token, which is nowhere else.
///
/// # Errors
/// What is wrong with the connection or the venue, and those of the database.
pub(crate) async fn connect(
    app: &App,
    author: &Author,
    new: NewConnection,
    at: impl FnOnce(&mut AnyConnection) -> Result<VenueId, Problem> + Clone + Send + 'static,
) -> Result<(StoredConnection, String), Problem> {
    let name = names::name("/name", &new.name, 200)?;
    let adapter = adapter_of(&new.kind)?;
    nothing_hidden(adapter, &new.settings)?;
    check_settings(adapter, &new.settings)?;
    check_watch(&new.watch)?;
    let token = new_token()?;
    let hash = hash_of(&token);
    let (id, author) = (ConnectionId(author.next_id()), author.clone());
    let made = app
        .write(move |connection| -> Result<StoredConnection, Problem> {
            // Of two changes at once that link connections, the second sees the first.
            networks::hold(connection, author.tenant)?;
            let venue = at.clone()(connection)?;
            let made = StoredConnection {
                id,
                venue,
                kind: new.kind.clone(),
                name: name.clone(),
                settings: new.settings.clone(),
                language: language_name(new.language),
                active: true,
                created_at: author.now,
                watch: new.watch.clone(),
                heard_at: None,
                shares_orders_with: new.shares_orders_with,
                orders_before: Vec::new(),
                only_from: new.only_from.clone(),
            };
            check_shared(connection, author.tenant, &made)?;
            till_connections::insert(connection, author.tenant, &made, &hash)?;
            author.note(connection, "connection.create", id, None, Some(&noted(&made)))?;
            Ok(made)
        })
        .await?;
    Ok((made, token))
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
    let only_from = change.only_from.clone().map(addresses).transpose()?;
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
                nothing_hidden(adapter, &settings)?;
                check_settings(adapter, &settings)?;
                changed.settings = settings;
            }
            if let Some(language) = change.language {
                changed.language = language_name(language);
            }
            if let Some(active) = change.active {
                changed.active = active;
            }
            if let Some(watch) = &change.watch {
                check_watch(watch)?;
                changed.watch.clone_from(watch);
            }
            if let Some(only_from) = &only_from {
                changed.only_from.clone_from(only_from);
            }
            if let Some(other) = change.shares_orders_with {
                changed = changed.sharing(other);
                check_shared(connection, tenant, &changed)?;
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
    let tenant = caller.tenant;
    let (found, token) = renew(&app, &author, None, move |connection| {
        seen(&caller, till_connections::find(connection, tenant, id)?)
    })
    .await?;
    let found = app
        .read(move |connection| with_state(connection, tenant, found))
        .await?;
    let connection = ConnectionView::of(found);
    Ok(Json(NewConnectionView { connection, token }))
}

/// Gives the connection that `of` finds another token, which is nowhere else; the one before stops working. With a language the words
/// for the cashier are in that one from now on.
///
/// # Errors
/// What `of` refuses, and those of the database.
pub(crate) async fn renew(
    app: &App,
    author: &Author,
    language: Option<Language>,
    of: impl FnOnce(&mut AnyConnection) -> Result<StoredConnection, Problem> + Clone + Send + 'static,
) -> Result<(StoredConnection, String), Problem> {
    let token = new_token()?;
    let (hash, author) = (hash_of(&token), author.clone());
    let found = app
        .write(move |connection| -> Result<_, Problem> {
            let before = of.clone()(connection)?;
            let mut found = before.clone();
            if let Some(language) = language.map(language_name) {
                found.language = language;
            }
            if found != before {
                till_connections::update(connection, author.tenant, &found)?;
                author.note(
                    connection,
                    "connection.update",
                    found.id,
                    Some(&noted(&before)),
                    Some(&noted(&found)),
                )?;
            }
            till_connections::set_token(connection, author.tenant, found.id, &hash)?;
            author.note::<Value>(connection, "connection.rotate", found.id, None, None)?;
            Ok(found)
        })
        .await?;
    app.connections.forget(found.id);
    Ok((found, token))
}
