//! Sales made without a network that the books refused: nothing is dropped, a person settles each.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::SOURCE;
use super::device::till_locked;
use crate::api::answers::ReceiptAnswer;
use crate::api::author::Author;
use crate::api::caller::{Caller, Scope};
use crate::api::given::optional_text;
use crate::api::json_body::{JsonBody, PathId, QueryOf, from_json, from_value};
use crate::api::openapi::Refusals;
use crate::api::page::{ListQuery, Page};
use crate::api::problem::{Problem, ProblemBody};
use crate::api::receipts::{ReceiptRequest, asked};
use crate::api::till_path::{Envelope, unexpected, venue};
use crate::app::App;
use crate::domain::ids::{ConflictId, UserId, VenueId};
use crate::ledger::{Answer, Answered, Verb};
use crate::storage::till_conflicts::{self, OPEN, StoredConflict};
use crate::storage::users;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(settle))
}

/// A message with a sale that was made without a network.
#[derive(Debug, Clone)]
pub struct OfflineSale {
    /// In whose name it is posted: at a till the cashier's who made it.
    pub caller: Caller,
    cashier: Option<(UserId, String)>,
    receipt: Value,
    raw: Bytes,
}

impl OfflineSale {
    /// Reads whether a message brings such a sale, as loosely as can be: one that is wrong elsewhere is not lost either.
    ///
    /// # Errors
    /// 401 `till-locked` where it comes from a locked till and names no cashier of the network.
    pub async fn of(app: &App, caller: &Caller, raw: &Bytes) -> Result<Option<Self>, Problem> {
        // Most receipts don't have the word in them.
        if !raw.windows(9).any(|w| w == b"\"offline\"") {
            return Ok(None);
        }
        let Ok(receipt) = from_json::<Value>(raw) else {
            return Ok(None);
        };
        let Some(offline) = receipt.get("offline").filter(|o| o.is_object()) else {
            return Ok(None);
        };
        let named = offline.get("cashier_id").and_then(Value::as_str);
        let cashier = match named.and_then(|text| text.parse::<UserId>().ok()) {
            Some(id) => {
                let tenant = caller.tenant;
                app.read(move |c| users::find(c, tenant, id))
                    .await
                    .map_err(Problem::from)?
                    .map(|user| (user.id, user.name))
            }
            None => None,
        };
        let mut caller = caller.clone();
        if let Some(till) = &mut caller.till {
            let made_by = cashier.clone().or_else(|| till.cashier.clone());
            let (id, name) = made_by.ok_or_else(till_locked)?;
            caller.actor = format!("user:{id}");
            till.cashier = Some((id, name));
        }
        let at_till = caller.till.as_ref().and_then(|till| till.cashier.clone());
        Ok(Some(OfflineSale {
            cashier: at_till.or(cashier),
            caller,
            receipt,
            raw: raw.clone(),
        }))
    }

    /// Puts it on the list where the books refused it for good, and takes it off where they did not.
    ///
    /// # Errors
    /// Those of the database: then the till is told to try again.
    pub async fn note(self, app: &App, closed: &Result<Answered, Problem>) -> Result<(), Problem> {
        let text = |field: &str| self.receipt.get(field).and_then(Value::as_str);
        let Ok(venue) = venue(app, &self.caller, text("venue_id")).await else {
            // Of no venue of ours: it is in the inbox, as every message is.
            return Ok(());
        };
        let source = match &self.caller.till {
            Some(_) => SOURCE,
            None => text("source").unwrap_or("rest"),
        }
        .to_owned();
        let external_id = match text("external_id").filter(|id| id.chars().count() <= 200) {
            Some(id) => id.to_owned(),
            None => Sha256::digest(&self.raw)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
        };
        let (tenant, now) = (self.caller.tenant, app.clock.now());
        let refused = match closed {
            Ok(_) => {
                return app
                    .write(move |c| till_conflicts::accepted(c, tenant, venue, &source, &external_id, now))
                    .await
                    .map_err(Problem::from);
            }
            Err(problem) => problem,
        };
        if !is_for_good(refused) {
            return Ok(());
        }
        let till = match &self.caller.till {
            Some(till) => Some(till.name.clone()),
            None => text("till").map(str::to_owned),
        };
        let conflict = StoredConflict {
            id: ConflictId(app.ids.next_id()),
            venue,
            source,
            external_id,
            till,
            cashier: self.cashier.as_ref().map(|(id, _)| *id),
            cashier_name: self.cashier.map(|(_, name)| name),
            code: refused.code.clone(),
            words: refused.words.clone(),
            receipt: self.receipt,
            received_at: now,
            status: OPEN.to_owned(),
            settled_by: None,
            settled_at: None,
            note: None,
        };
        app.write(move |c| till_conflicts::keep(c, tenant, &conflict))
            .await
            .map_err(Problem::from)?;
        Ok(())
    }
}

/// Whether sending the same again is of no use: not where it is about who sends it, or how often.
fn is_for_good(problem: &Problem) -> bool {
    let about_the_sender = matches!(
        problem.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    );
    problem.status.is_client_error() && !problem.retryable && !about_the_sender
}

/// Who made a sale.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct MadeBy {
    /// `usr_…`
    #[schema(value_type = Option<String>, example = "usr_01hgw3zj3q7hx")]
    id: Option<UserId>,
    /// His name.
    #[schema(example = "Катя")]
    name: String,
}

/// A sale that waits for a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConflictView {
    /// `cnf_…`
    #[schema(value_type = String, example = "cnf_01hgw3zj3q7hx")]
    id: ConflictId,
    /// Where it was made.
    #[schema(value_type = String, example = "ven_01hgw3zj3q7hx")]
    venue_id: VenueId,
    /// When: as the receipt says, else when it reached us.
    at: DateTime<Utc>,
    /// Why the books refused it: the code.
    #[schema(example = "offline-permit-spent")]
    reason: String,
    /// The same in words.
    words: String,
    /// The receipt as it was sent.
    #[schema(value_type = Object)]
    receipt: Value,
    /// The till.
    #[schema(example = "Касса 1")]
    till: Option<String>,
    /// Who made it.
    cashier: Option<MadeBy>,
    /// `open`; `posted`: accepted when the till sent it again; or how a person settled it.
    #[schema(example = "open")]
    status: String,
    /// What he noted.
    note: Option<String>,
}

impl ConflictView {
    fn of(conflict: StoredConflict, caller: &Caller) -> Self {
        let closed_at = conflict
            .receipt
            .get("closed_at")
            .and_then(Value::as_str)
            .and_then(|t| DateTime::parse_from_rfc3339(t).ok())
            .map(|t| t.to_utc());
        ConflictView {
            id: conflict.id,
            venue_id: conflict.venue,
            at: closed_at.unwrap_or(conflict.received_at),
            reason: conflict.code,
            words: conflict.words.in_language(caller.language).to_owned(),
            receipt: conflict.receipt,
            till: conflict.till,
            cashier: conflict.cashier_name.map(|name| MadeBy {
                id: conflict.cashier,
                name,
            }),
            status: conflict.status,
            note: conflict.note,
        }
    }
}

/// Sales made without a network that the books refused and that nobody has settled yet, the oldest first.
#[utoipa::path(get, path = "/till/conflicts", tag = "virtual till", params(ListQuery),
    responses((status = 200, body = Page<ConflictView>), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<ConflictView>>, Problem> {
    caller.may_read(Scope::Till)?;
    let (limit, after) = (query.limit()?, query.after::<ConflictId>()?);
    let (tenant, venues) = (caller.tenant, caller.venues.clone());
    let found = app
        .read(move |c| {
            let after = after.map(|id| id.0);
            till_conflicts::open(c, tenant, venues.as_deref(), after, i64::from(limit) + 1)
        })
        .await
        .map_err(Problem::from)?;
    let page = Page::of(found, limit, |conflict| conflict.id);
    Ok(Json(page.map(|conflict| ConflictView::of(conflict, &caller))))
}

/// How a refused sale is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// It is posted, and bonuses pay nothing: the guest is known, and his accrual counts.
    WithoutRedemption,
    /// It is posted as a sale to nobody.
    WithoutGuest,
    /// It is not posted.
    Dismiss,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Action::WithoutRedemption => "without_redemption",
            Action::WithoutGuest => "without_guest",
            Action::Dismiss => "dismiss",
        }
    }

    /// The receipt to post instead.
    fn amended(self, receipt: &Value) -> Value {
        let mut receipt = receipt.clone();
        let Some(fields) = receipt.as_object_mut() else {
            return receipt;
        };
        let gone: &[&str] = match self {
            Action::WithoutGuest => &["redeem", "hold_id", "customer", "phone", "customer_name"],
            _ => &["redeem", "hold_id"],
        };
        for field in gone {
            fields.remove(*field);
        }
        if let Some(offline) = fields.get_mut("offline").and_then(Value::as_object_mut) {
            offline.remove("permit");
            offline.remove("cashier_id");
        }
        let lines = fields.get_mut("lines").and_then(Value::as_array_mut);
        for line in lines.into_iter().flatten().filter_map(Value::as_object_mut) {
            line.remove("redeemed");
        }
        receipt
    }
}

/// How to settle it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "without_redemption", "note": "Гость доплатил деньгами"}))]
struct Settlement {
    action: Action,
    /// Why; a sale is not dismissed without it.
    #[serde(default)]
    note: Option<String>,
}

/// A settled sale.
#[derive(Debug, Serialize, ToSchema)]
struct Settled {
    conflict: ConflictView,
    /// What was posted; absent where it was dismissed.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptAnswer>,
}

fn settled_already() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "conflict-settled",
        "Эту продажу уже разобрали.",
        "Somebody has settled this sale already.",
    )
}

/// Settles a refused sale: posts it without redemption or without the guest, under its own id and exactly once, or
/// dismisses it with a note. The audit log keeps who did so. The same again answers the same.
#[utoipa::path(post, path = "/till/conflicts/{id}/settle", tag = "virtual till", request_body = Settlement,
    params(("id" = String, Path, example = "cnf_01hgw3zj3q7hx"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = Settled),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`conflict-settled`, `receipt-conflict`"),
        Refusals))]
async fn settle(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConflictId>,
    envelope: Envelope,
    body: JsonBody<Settlement>,
) -> Result<Json<Settled>, Problem> {
    caller.needs(Scope::Till)?;
    let author = Author::of(&app, &caller)?;
    let Settlement { action, note } = body.value;
    let note = optional_text("/note", note.as_deref(), 500)?;
    let tenant = caller.tenant;
    let found = app
        .read(move |c| till_conflicts::find(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let conflict = found.ok_or_else(Problem::not_found)?;
    caller.needs_venue(conflict.venue)?;
    if conflict.status != OPEN && conflict.status != action.as_str() {
        return Err(settled_already());
    }
    if action == Action::Dismiss && note.is_none() && conflict.status == OPEN {
        return Err(Problem::invalid(
            "/note",
            "Напишите, почему продажу не проводят.",
            "Say why the sale is not posted.",
        ));
    }
    let receipt = match action {
        Action::Dismiss => None,
        _ => Some(post(&app, &caller, envelope, &conflict, action, &body.raw).await?),
    };
    let settled = app
        .write(move |c| -> Result<StoredConflict, Problem> {
            let mut conflict = till_conflicts::find(c, tenant, id)?.ok_or_else(Problem::not_found)?;
            if conflict.status != OPEN {
                return Ok(conflict);
            }
            action.as_str().clone_into(&mut conflict.status);
            conflict.settled_by = Some(author.actor.clone());
            conflict.settled_at = Some(author.now);
            conflict.note.clone_from(&note);
            till_conflicts::update(c, tenant, &conflict)?;
            let before = json!({"status": OPEN, "reason": conflict.code});
            let after = json!({
                "status": conflict.status, "note": note, "source": conflict.source, "external_id": conflict.external_id,
            });
            author.note(c, "till.settle", id, Some(&before), Some(&after))?;
            Ok(conflict)
        })
        .await?;
    if settled.status != action.as_str() {
        return Err(settled_already());
    }
    Ok(Json(Settled {
        conflict: ConflictView::of(settled, &caller),
        receipt,
    }))
}

/// Posts what a person made of the sale, by the one way that receipts are posted.
async fn post(
    app: &App,
    caller: &Caller,
    envelope: Envelope,
    conflict: &StoredConflict,
    action: Action,
    raw: &Bytes,
) -> Result<ReceiptAnswer, Problem> {
    let mut request: ReceiptRequest = from_value("/receipt", action.amended(&conflict.receipt))?;
    request.venue_id = Some(conflict.venue.to_string());
    request.source = Some(conflict.source.clone());
    request.external_id = Some(conflict.external_id.clone());
    request.till = conflict.till.clone().or(request.till);
    request.waiter = request.waiter.or_else(|| conflict.cashier_name.clone());
    // It was not sold at the till at which it is settled.
    let person = Caller {
        till: None,
        ..caller.clone()
    };
    let (place, close) = asked(app, &person, request, None).await?;
    let verb = Verb::Close(place, Box::new(close));
    let command = envelope.command(app, &person, Some(conflict.venue), verb, raw);
    match app.ledger.submit(command).await?.answer {
        Answer::Closed(closed) => Ok(ReceiptAnswer::new(*closed, caller.language)),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_is_amended_as_a_person_says() {
        let sent = json!({
            "external_id": "1", "redeem": "5.00", "hold_id": "h", "customer": {"id": "c"}, "total": "10.00",
            "lines": [{"name": "x", "redeemed": "5.00"}], "offline": {"permit": "p", "queued_at": "q"},
        });
        assert_eq!(
            Action::WithoutRedemption.amended(&sent),
            json!({"external_id": "1", "customer": {"id": "c"}, "total": "10.00", "lines": [{"name": "x"}],
                "offline": {"queued_at": "q"}})
        );
        assert_eq!(
            Action::WithoutGuest.amended(&sent),
            json!({"external_id": "1", "total": "10.00", "lines": [{"name": "x"}], "offline": {"queued_at": "q"}})
        );
    }
}
