//! The inbox: every message of tills and integrators as it came, with what became of it, and doing it again after its
//! cause is mended.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::Author;
use super::caller::{Caller, Scope};
use super::given::text;
use super::json_body::{JsonBody, PathId, QueryOf};
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::problem::Problem;
use crate::app::App;
use crate::domain::ids::{ConnectionId, MessageId, VenueId};
use crate::pos::inbox;
use crate::storage::messages::{self, KeptMessage, MessageFilter, MessageHead, OUTCOMES, WAITING};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(replay))
        .routes(routes!(replay_many))
        .routes(routes!(dismiss))
}

/// Most messages that one call does again.
const MOST_REPLAYS: u32 = 100;
/// Most characters of a note about a message that is dismissed.
pub(crate) const MOST_NOTE: usize = 500;

/// A message that reached us, without its body.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct MessageView {
    #[schema(value_type = String, example = "msg_01hgw3zj3q7hx")]
    id: MessageId,
    received_at: DateTime<Utc>,
    /// `rest`, or the till system.
    #[schema(example = "rkeeper")]
    kind: String,
    /// The till's connection; null: it came over this API.
    #[schema(value_type = Option<String>, example = "con_01hgw3zj3q7hx")]
    connection_id: Option<ConnectionId>,
    /// Null: it names no venue that is known.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    venue_id: Option<VenueId>,
    #[schema(example = "POST")]
    method: String,
    /// Of a till: what follows the token in its address.
    #[schema(example = "transactionsex.php")]
    path: String,
    query: String,
    /// Length of the body.
    #[schema(example = 4096)]
    bytes: i64,
    /// `posted`, `repeated`, `ignored`, `replayed`; `refused` and `unreadable` wait for a person, unless `needs_nobody` says why not.
    #[schema(example = "refused")]
    outcome: String,
    /// Why a refused message waits for nobody: `turned-away` at the door (a wrong password, a foreign address), `answered` (the
    /// cashier was told no, or that we were too slow, and went on without the bonuses), `dismissed` by a person. Null: it waits, or was not refused.
    #[schema(example = json!(null))]
    needs_nobody: Option<String>,
    /// Code of the refusal. `too-slow`: the sender had been told that we were too slow; with `refused` it was not done, else it was done after that. `older-than-sale`: a deletion or rollback that changed nothing.
    #[schema(example = "insufficient-balance")]
    code: Option<String>,
    /// What a person should know about it; after it was done again in vain, why that failed.
    detail: Option<String>,
    /// Why it was refused at first, where doing it again failed for another reason.
    first_detail: Option<String>,
    /// What it became: a receipt, a return, a hold.
    #[schema(example = "rcp_01hgw3zj3q7hx")]
    subject: Option<String>,
    /// Milliseconds from its arrival until it was decided; null where that was not measured.
    #[schema(example = 4)]
    took_ms: Option<i64>,
}

impl MessageView {
    fn of(message: MessageHead) -> Self {
        MessageView {
            id: message.id,
            received_at: message.received_at,
            kind: message.kind,
            connection_id: message.connection,
            venue_id: message.venue,
            method: message.method,
            path: message.path,
            query: message.query,
            bytes: message.bytes,
            outcome: message.outcome,
            code: message.code,
            detail: message.detail,
            subject: message.subject,
            took_ms: message.took_ms,
            needs_nobody: message.needs_nobody,
            first_detail: message.first_detail,
        }
    }
}

/// A message with its body.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct WholeMessageView {
    #[serde(flatten)]
    message: MessageView,
    /// `Content-Type`, if one was sent.
    #[schema(example = "text/xml")]
    content_type: Option<String>,
    /// The body as text; null where it is not UTF-8.
    #[schema(example = "<ROOT/>")]
    body: Option<String>,
    /// The body byte for byte in Base64, where it is not UTF-8.
    body_base64: Option<String>,
}

impl WholeMessageView {
    fn of(message: KeptMessage) -> Self {
        let (body, body_base64) = match String::from_utf8(message.body) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        WholeMessageView {
            message: MessageView::of(message.head),
            content_type: message.content_type,
            body,
            body_base64,
        }
    }
}

/// Which messages are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MessageQuery {
    /// Of one connection.
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// Of one till system, or `rest`.
    #[param(example = "rest")]
    kind: Option<String>,
    /// With one outcome; `waiting`: those that wait for a person.
    #[param(example = "waiting")]
    outcome: Option<String>,
    /// With one code.
    #[param(example = "too-slow")]
    code: Option<String>,
    /// Not before.
    since: Option<DateTime<Utc>>,
    /// Before.
    until: Option<DateTime<Utc>>,
    /// That hold this text as it stands: number of an order, of a card, a name. With `connection_id`, `since` and `until` it is found
    /// sooner.
    text: Option<String>,
}

/// Which messages are done again.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct ReplayRequest {
    /// Of one connection.
    #[schema(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// Of one till system, or `rest`.
    #[schema(example = "rkeeper")]
    kind: Option<String>,
    /// `refused` or `unreadable`; absent: both.
    #[schema(example = "refused")]
    outcome: Option<String>,
    /// Not before.
    since: Option<DateTime<Utc>>,
    /// Before.
    until: Option<DateTime<Utc>>,
    /// That hold this text.
    text: Option<String>,
    /// At most so many, the oldest of them first; 100 where absent.
    #[schema(example = 100, minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// How a message is done again.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReplayQuery {
    /// True: though it was turned away at the door, its password being wrong or its address foreign.
    #[serde(default)]
    although_unauthorized: bool,
}

/// How doing a message again went.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct ReplayView {
    #[schema(value_type = String, example = "msg_01hgw3zj3q7hx")]
    id: MessageId,
    /// Whether it is posted now, or was before.
    done: bool,
    /// What its sender would have been told.
    #[schema(example = "<Root><TransactionsEx Result=\"0\"/></Root>")]
    answer: String,
}

/// Why nobody has to see to a message any more.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DismissRequest {
    /// For the audit log, at most 500 characters.
    #[schema(example = "гость расплатился картой")]
    note: String,
}

/// How doing many messages again went.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct ReplaysView {
    /// In the order in which they were done: the oldest first.
    items: Vec<ReplayView>,
    /// How many are done.
    #[schema(example = 1)]
    done: usize,
    /// Whether there are more that match: ask again.
    more: bool,
}

/// The outcomes that a caller asks for, and whether only what waits for a person.
fn outcomes(wanted: Option<String>) -> Result<(Vec<String>, bool), Problem> {
    match wanted.as_deref() {
        None => Ok((Vec::new(), false)),
        Some("waiting") => Ok((Vec::new(), true)),
        Some(outcome) if OUTCOMES.contains(&outcome) => Ok((wanted.into_iter().collect(), false)),
        Some(_) => Err(Problem::invalid(
            "outcome",
            format!("Такого исхода нет; есть: waiting, {}.", OUTCOMES.join(", ")),
            format!(
                "There is no such outcome; there are: waiting, {}.",
                OUTCOMES.join(", ")
            ),
        )),
    }
}

/// A message that the caller may see.
async fn seen(app: &App, caller: &Caller, id: MessageId) -> Result<KeptMessage, Problem> {
    let tenant = caller.tenant;
    let found = app.read(move |c| messages::find(c, tenant, id)).await;
    let found = found.map_err(Problem::from)?.ok_or_else(Problem::not_found)?;
    match (found.head.venue, &caller.venues) {
        (Some(venue), _) => caller.needs_venue(venue)?,
        (None, Some(_)) => return Err(Problem::not_found()),
        (None, None) => {}
    }
    Ok(found)
}

/// Messages of tills and integrators with what became of them, the newest first. A `text` is looked for in 20,000 messages at a time:
/// a page may have fewer items than `limit`, or none, and still a `next_cursor`, by which the search goes on in older ones.
#[utoipa::path(get, path = "/messages", tag = "tills", params(ListQuery, MessageQuery),
    responses((status = 200, description = "A page of messages.", body = Page<MessageView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
    QueryOf(wanted): QueryOf<MessageQuery>,
) -> Result<Json<Page<MessageView>>, Problem> {
    caller.needs_any(&[Scope::Admin, Scope::Reports])?;
    let (limit, before) = (query.limit()?, query.after()?);
    let (outcomes, waiting) = outcomes(wanted.outcome)?;
    let filter = MessageFilter {
        venues: caller.venues.clone(),
        connection: wanted.connection_id,
        outcomes,
        waiting,
        kind: wanted.kind,
        code: wanted.code,
        since: wanted.since,
        until: wanted.until,
        text: wanted.text.filter(|text| !text.is_empty()),
        before: before.map(MessageId),
    };
    let page = app
        .read(move |connection| -> Result<_, Problem> {
            let listed = messages::list(connection, caller.tenant, &filter, i64::from(limit) + 1)?;
            let page = Page::of(listed.items, limit, |m| m.id.0);
            Ok(page.or_go_on_after(listed.looked_to.map(|id| id.0)))
        })
        .await?;
    Ok(Json(page.map(MessageView::of)))
}

/// One message as it came, with its body: it may hold personal data.
#[utoipa::path(get, path = "/messages/{id}", tag = "tills",
    params(("id" = String, Path, example = "msg_01hgw3zj3q7hx")),
    responses((status = 200, description = "The message.", body = WholeMessageView), Refusals))]
async fn one(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
) -> Result<Json<WholeMessageView>, Problem> {
    caller.needs_any(&[Scope::Admin, Scope::Reports])?;
    Ok(Json(WholeMessageView::of(seen(&app, &caller, id).await?)))
}

/// Does again what a message asks, as if it came now: after a card was made, a rule mended, a product named. What was
/// posted already is done, and nothing happens. A failure is told, and the message waits on. What was turned away at the door
/// (`needs_nobody` is `turned-away`) is done only where the call says `although_unauthorized`.
#[utoipa::path(post, path = "/messages/{id}/replay", tag = "tills",
    params(("id" = String, Path, example = "msg_01hgw3zj3q7hx"), ReplayQuery),
    responses((status = 200, description = "What came of it.", body = ReplayView), Refusals))]
async fn replay(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
    QueryOf(how): QueryOf<ReplayQuery>,
) -> Result<(StatusCode, Json<ReplayView>), Problem> {
    caller.needs(Scope::Admin)?;
    caller.may_change()?;
    seen(&app, &caller, id).await?;
    let done = again(&app, &caller, id, how.although_unauthorized).await?;
    Ok((StatusCode::OK, Json(done)))
}

/// Says that a person is done with a message that waits: it is refused for good, and not done again with the others. It stays in the
/// list with its outcome, and the note in the audit log.
#[utoipa::path(post, path = "/messages/{id}/dismiss", tag = "tills", request_body = DismissRequest,
    params(("id" = String, Path, example = "msg_01hgw3zj3q7hx")),
    responses((status = 200, description = "It waits for nobody.", body = WholeMessageView), Refusals))]
async fn dismiss(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
    body: JsonBody<DismissRequest>,
) -> Result<Json<WholeMessageView>, Problem> {
    caller.needs(Scope::Admin)?;
    let author = Author::of(&app, &caller)?;
    let note = text("/note", &body.value.note, MOST_NOTE)?;
    seen(&app, &caller, id).await?;
    inbox::dismiss(&app, author, id, note).await?;
    Ok(Json(WholeMessageView::of(seen(&app, &caller, id).await?)))
}

/// Does again what many messages ask that wait for a person: the oldest first, each as if it came now.
#[utoipa::path(post, path = "/messages/replay", tag = "tills", request_body = ReplayRequest,
    responses((status = 200, description = "What came of each.", body = ReplaysView), Refusals))]
async fn replay_many(
    State(app): State<App>,
    caller: Caller,
    body: JsonBody<ReplayRequest>,
) -> Result<(StatusCode, Json<ReplaysView>), Problem> {
    caller.needs(Scope::Admin)?;
    caller.may_change()?;
    let wanted = body.value;
    let outcome = wanted.outcome.unwrap_or_else(|| "waiting".to_owned());
    if outcome != "waiting" && !WAITING.contains(&outcome.as_str()) {
        return Err(Problem::invalid(
            "/outcome",
            "Повторить можно отклонённые (refused) и непонятые (unreadable) сообщения.",
            "Messages that were refused or unreadable are done again.",
        ));
    }
    let limit = match wanted.limit.unwrap_or(MOST_REPLAYS) {
        limit @ 1..=MOST_REPLAYS => limit,
        _ => {
            return Err(Problem::invalid(
                "/limit",
                "За раз повторяют от 1 до 100 сообщений.",
                "The limit is 1 to 100.",
            ));
        }
    };
    let filter = MessageFilter {
        venues: caller.venues.clone(),
        connection: wanted.connection_id,
        outcomes: if outcome == "waiting" {
            Vec::new()
        } else {
            vec![outcome]
        },
        waiting: true,
        kind: wanted.kind,
        code: None,
        since: wanted.since,
        until: wanted.until,
        text: wanted.text.filter(|text| !text.is_empty()),
        before: None,
    };
    let (ids, more) = inbox::waiting(&app, caller.tenant, filter, limit).await?;
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        items.push(again(&app, &caller, id, false).await?);
    }
    let done = items.iter().filter(|item| item.done).count();
    Ok((StatusCode::OK, Json(ReplaysView { items, done, more })))
}

async fn again(
    app: &App,
    caller: &Caller,
    id: MessageId,
    although_unauthorized: bool,
) -> Result<ReplayView, Problem> {
    let author = Author::of(app, caller)?;
    let replayed = if although_unauthorized {
        inbox::let_in(app, caller.tenant, id).await?
    } else {
        inbox::replay(app, caller.tenant, id).await?
    };
    let note = serde_json::json!({"done": replayed.done, "although_unauthorized": although_unauthorized});
    app.write(move |connection| -> Result<(), Problem> {
        Ok(author.note(connection, "message.replay", id, None, Some(&note))?)
    })
    .await?;
    Ok(ReplayView {
        id,
        done: replayed.done,
        answer: replayed.answer,
    })
}
