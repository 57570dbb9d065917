//! Reports on movements of bonuses: transactions with filters and totals, lots, settlements between venues.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, Scope};
use super::customers;
use super::given::filled;
use super::json_body::QueryOf;
use super::openapi::Refusals;
use super::page::{ListQuery, Page};
use super::period::Period;
use super::problem::Problem;
use super::venues::reached;
use crate::app::App;
use crate::domain::books::Direction;
use crate::domain::ids::{CategoryId, CustomerId, LotId, ReceiptId, ReturnId, TransactionId, VenueId};
use crate::domain::{Money, Timestamp};
use crate::storage::lots::{self, OpenLot};
use crate::storage::transactions::{
    self, ListedTransaction, Mechanics, Redeemed, TransactionFilter, TypeTotal,
};
use crate::storage::{AnyConnection, menu, networks};

/// Routes of reports on movements of bonuses.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_of_customer))
        .routes(routes!(open_lots))
        .routes(routes!(settlements))
}

/// A movement of bonuses.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TransactionView {
    /// Its id.
    #[schema(value_type = String, example = "txn_01hgw3zj3q7hx")]
    pub id: TransactionId,
    /// The venue's type (`place`, `delivery`, `online`, …), or `promotion`, `admin`, `expiry`, `reset`, `reversal`.
    #[serde(rename = "type")]
    #[schema(example = "place")]
    pub kind: String,
    /// `accrual` or `redemption`.
    #[schema(value_type = String, example = "accrual")]
    pub direction: Direction,
    /// How much, above zero.
    #[schema(value_type = String, example = "62.50")]
    pub amount: Money,
    /// Whose bonuses moved.
    #[schema(value_type = String, example = "cus_01hgw3zj3q7hx")]
    pub customer_id: CustomerId,
    /// His name.
    #[schema(example = "Анна Иванова")]
    pub customer_name: Option<String>,
    /// Where.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: Option<VenueId>,
    /// The receipt that it belongs to.
    #[schema(value_type = Option<String>, example = "rcp_01hgw3zj3q7hx")]
    pub receipt_id: Option<ReceiptId>,
    /// Number of the receipt.
    #[schema(example = "1042")]
    pub receipt_number: Option<String>,
    /// Total of the receipt after discounts and before bonuses.
    #[schema(value_type = Option<String>, example = "1250.00")]
    pub receipt_total: Option<Money>,
    /// The return that it belongs to.
    #[schema(value_type = Option<String>)]
    pub return_id: Option<ReturnId>,
    /// When it happened in the venue.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub happened_at: Timestamp,
    /// When it was booked.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:01Z")]
    pub posted_at: Timestamp,
    /// The key or person that caused it.
    #[schema(example = "key:key_01hgw3zj3q7hx")]
    pub actor: String,
    /// Why.
    pub comment: Option<String>,
}

impl From<ListedTransaction> for TransactionView {
    fn from(transaction: ListedTransaction) -> Self {
        TransactionView {
            id: transaction.id,
            kind: transaction.kind,
            direction: transaction.direction,
            amount: transaction.amount,
            customer_id: transaction.customer,
            customer_name: transaction.customer_name,
            venue_id: transaction.venue,
            receipt_id: transaction.receipt,
            receipt_number: transaction.receipt_number,
            receipt_total: transaction.receipt_total,
            return_id: transaction.return_id,
            happened_at: transaction.happened_at,
            posted_at: transaction.posted_at,
            actor: transaction.actor,
            comment: transaction.comment,
        }
    }
}

/// Totals of a transaction type.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TypeTotalView {
    /// The type.
    #[serde(rename = "type")]
    #[schema(example = "place")]
    pub kind: String,
    /// How many transactions.
    #[schema(example = 42)]
    pub count: i64,
    /// What they gave to customers.
    #[schema(value_type = String, example = "2500.00")]
    pub accrued: Money,
    /// What they took from customers.
    #[schema(value_type = String, example = "1200.00")]
    pub redeemed: Money,
}

/// Totals of all transactions that match, not of the page only.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// How many transactions.
    #[schema(example = 42)]
    pub count: i64,
    /// What they gave to customers.
    #[schema(value_type = String, example = "2500.00")]
    pub accrued: Money,
    /// What they took from customers.
    #[schema(value_type = String, example = "1200.00")]
    pub redeemed: Money,
    /// The same by transaction type.
    pub by_type: Vec<TypeTotalView>,
}

impl From<Vec<TypeTotal>> for Totals {
    fn from(by_type: Vec<TypeTotal>) -> Self {
        Totals {
            count: by_type.iter().map(|t| t.count).sum(),
            accrued: by_type.iter().map(|t| t.accrued).sum(),
            redeemed: by_type.iter().map(|t| t.redeemed).sum(),
            by_type: by_type
                .into_iter()
                .map(|t| TypeTotalView {
                    kind: t.kind,
                    count: t.count,
                    accrued: t.accrued,
                    redeemed: t.redeemed,
                })
                .collect(),
        }
    }
}

/// One page of transactions, and totals where asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TransactionPage {
    /// The newest first.
    pub items: Vec<TransactionView>,
    /// Cursor of the next page; null: this is the last.
    pub next_cursor: Option<String>,
    /// How many match in all, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// Totals of all that match, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
}

/// Which transactions. Lists are separated by commas. Filters that look at a receipt leave out transactions that have
/// none.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransactionQuery {
    /// The first business day of the network, or a time.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// The last business day, which counts whole, or a time, which does not count.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// Transaction types.
    #[serde(rename = "type")]
    #[param(rename = "type", example = "place,delivery")]
    kind: Option<String>,
    /// `accrual` or `redemption`.
    #[param(value_type = Option<String>, example = "accrual")]
    direction: Option<Direction>,
    /// What set bonuses in motion: `purchase`, `promotion`, `admin`, `expiry`, `reset`, `reversal`.
    #[param(example = "purchase")]
    mechanics: Option<String>,
    /// Venues, by their ids or yours.
    #[param(example = "cafe")]
    venue_id: Option<String>,
    /// A customer, by his id or yours.
    #[param(example = "crm-1042")]
    customer_id: Option<String>,
    /// Part of the name of an item in the receipt, in any case.
    #[param(example = "капучино")]
    item: Option<String>,
    /// Category of an item in the receipt: the till's id, or ours.
    #[param(example = "coffee")]
    category_id: Option<String>,
    /// Business weekdays of the receipt, 1 (Monday) to 7.
    #[param(example = "6,7")]
    weekday: Option<String>,
    /// Hours of the receipt on the venue's clock, 0 to 23.
    #[param(example = "17,18")]
    hour: Option<String>,
    /// Where the guest had heard of the venue.
    #[param(example = "Яндекс Карты")]
    advertising_source: Option<String>,
    /// Least total of the receipt.
    #[param(value_type = Option<String>, example = "500.00")]
    receipt_min: Option<String>,
    /// Greatest total of the receipt.
    #[param(value_type = Option<String>, example = "5000.00")]
    receipt_max: Option<String>,
    /// Whether to add up all that match.
    #[serde(default)]
    with_totals: bool,
}

fn members<T>(name: &str, given: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Problem> {
    given
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            read(text).ok_or_else(|| {
                Problem::invalid(
                    name,
                    format!("Параметр {name}: непонятное значение."),
                    format!("{name}: unknown value {text:?}."),
                )
            })
        })
        .collect()
}

fn number_within(range: std::ops::RangeInclusive<i32>) -> impl Fn(&str) -> Option<i32> {
    move |text| text.parse().ok().filter(|n| range.contains(n))
}

fn mechanics(text: &str) -> Option<Mechanics> {
    Some(match text {
        "purchase" => Mechanics::Purchase,
        "promotion" => Mechanics::Promotion,
        "admin" => Mechanics::Admin,
        "expiry" => Mechanics::Expiry,
        "reset" => Mechanics::Reset,
        "reversal" => Mechanics::Reversal,
        _ => return None,
    })
}

fn bound(name: &str, given: Option<&str>) -> Result<Option<Money>, Problem> {
    given
        .filter(|t| !t.is_empty())
        .map(|text| {
            Money::from_str(text).map_err(|error| {
                Problem::invalid(
                    name,
                    format!("Параметр {name}: нужна сумма вида 1250.00."),
                    format!("{name}: {error}; an amount such as 1250.00 is needed."),
                )
            })
        })
        .transpose()
}

/// Makes the filter that a query means, within what the caller may see.
fn filter_of(
    connection: &mut AnyConnection,
    caller: &Caller,
    query: &TransactionQuery,
) -> Result<TransactionFilter, Problem> {
    let tenant = caller.tenant;
    let network = networks::find(connection, tenant)?;
    let period = Period::read(query.from.as_deref(), query.to.as_deref(), &network)?;
    let named = members("venue_id", query.venue_id.as_deref(), |text| {
        Some(text.to_owned())
    })?;
    let mut venues = Vec::new();
    for reference in &named {
        venues.push(reached(connection, caller, reference)?);
    }
    let customer = match filled(&query.customer_id) {
        Some(reference) => Some(customers::found(connection, tenant, &reference)?.id),
        None => None,
    };
    let mut within = if named.is_empty() {
        caller.venues.clone()
    } else {
        Some(venues)
    };
    let mut category_id = filled(&query.category_id);
    if let Some(id) = category_id
        .as_ref()
        .and_then(|text| text.parse::<CategoryId>().ok())
    {
        let category = menu::category_anywhere(connection, tenant, id)?.ok_or_else(Problem::not_found)?;
        caller.needs_venue(category.venue)?;
        // Our id is of one venue; the till's may mean something else at another.
        if named.is_empty() {
            within = Some(vec![category.venue]);
        }
        category_id = Some(category.external_id);
    }
    Ok(TransactionFilter {
        from: period.from,
        until: period.until,
        kinds: members("type", query.kind.as_deref(), |text| Some(text.to_owned()))?,
        direction: query.direction,
        mechanics: members("mechanics", query.mechanics.as_deref(), mechanics)?,
        venues: within,
        customer,
        item: filled(&query.item),
        category_id,
        weekdays: members("weekday", query.weekday.as_deref(), number_within(1..=7))?,
        hours: members("hour", query.hour.as_deref(), number_within(0..=23))?,
        advertising_source: filled(&query.advertising_source),
        receipt_min: bound("receipt_min", query.receipt_min.as_deref())?,
        receipt_max: bound("receipt_max", query.receipt_max.as_deref())?,
    })
}

fn page_of(
    connection: &mut AnyConnection,
    caller: &Caller,
    page: &ListQuery,
    filter: &TransactionFilter,
    with_totals: bool,
) -> Result<TransactionPage, Problem> {
    let (limit, before) = (page.limit()?, page.after::<TransactionId>()?);
    let before = before.map(|id| id.0);
    let found = transactions::list(connection, caller.tenant, filter, before, i64::from(limit) + 1)?;
    let totals = if with_totals || page.with_total {
        Some(Totals::from(transactions::totals(
            connection,
            caller.tenant,
            filter,
        )?))
    } else {
        None
    };
    let shown = Page::of(found, limit, |t| t.id).map(TransactionView::from);
    Ok(TransactionPage {
        items: shown.items,
        next_cursor: shown.next_cursor,
        total: totals.as_ref().filter(|_| page.with_total).map(|t| t.count),
        totals: totals.filter(|_| with_totals),
    })
}

/// Transactions, the newest first. A caller who is limited to venues sees theirs only.
#[utoipa::path(get, path = "/transactions", tag = "reports", operation_id = "list_transactions",
    params(ListQuery, TransactionQuery), responses((status = 200, body = TransactionPage), Refusals))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<TransactionQuery>,
) -> Result<Json<TransactionPage>, Problem> {
    caller.needs(Scope::Reports)?;
    app.read(move |c| {
        let filter = filter_of(c, &caller, &query)?;
        Ok(Json(page_of(c, &caller, &page, &filter, query.with_totals)?))
    })
    .await
}

/// Transactions of a customer, the newest first. The same filters.
#[utoipa::path(get, path = "/customers/{customer}/transactions", tag = "customers", operation_id = "list_transactions_of_customer",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042"), ListQuery, TransactionQuery),
    responses((status = 200, body = TransactionPage), Refusals))]
async fn list_of_customer(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
    QueryOf(page): QueryOf<ListQuery>,
    QueryOf(query): QueryOf<TransactionQuery>,
) -> Result<Json<TransactionPage>, Problem> {
    customers::may_read(&caller)?;
    app.read(move |c| {
        let mut filter = filter_of(c, &caller, &query)?;
        filter.customer = Some(customers::found(c, caller.tenant, &reference)?.id);
        Ok(Json(page_of(c, &caller, &page, &filter, query.with_totals)?))
    })
    .await
}

/// Whether a lot can be spent from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LotState {
    /// Now.
    Active,
    /// Later.
    Pending,
}

/// Bonuses that were credited together and live and expire together.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LotView {
    /// Its id.
    #[schema(value_type = String, example = "lot_01hgw3zj3q7hx")]
    pub id: LotId,
    /// What was credited.
    #[schema(value_type = String, example = "100.00")]
    pub amount: Money,
    /// What is left, less what holds have taken.
    #[schema(value_type = String, example = "62.50")]
    pub remaining: Money,
    /// Whether it can be spent from now.
    pub state: LotState,
    /// When it can be spent from.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T18:00:00Z")]
    pub starts_at: Timestamp,
    /// When it ends; null: never.
    #[schema(value_type = Option<String>, format = DateTime, example = "2027-11-22T18:00:00Z")]
    pub expires_at: Option<Timestamp>,
    /// The one venue where it can be spent; null: all of the network.
    #[schema(value_type = Option<String>)]
    pub venue_id: Option<VenueId>,
    /// The venue that issued it.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    pub issuer_venue_id: Option<VenueId>,
    /// The receipt that created it.
    #[schema(value_type = Option<String>, example = "rcp_01hgw3zj3q7hx")]
    pub receipt_id: Option<ReceiptId>,
}

impl LotView {
    fn of(lot: OpenLot, now: Timestamp) -> Self {
        LotView {
            id: lot.id,
            amount: lot.amount,
            remaining: lot.remaining,
            state: if lot.starts_at > now {
                LotState::Pending
            } else {
                LotState::Active
            },
            starts_at: lot.starts_at,
            expires_at: lot.expires_at,
            venue_id: lot.scope,
            issuer_venue_id: lot.issuer,
            receipt_id: lot.receipt,
        }
    }
}

/// Lots of a customer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Lots {
    /// Those that are spent first before the others.
    pub items: Vec<LotView>,
}

/// Lots of a customer with something left, in the order they are spent.
#[utoipa::path(get, path = "/customers/{customer}/lots", tag = "customers", operation_id = "list_lots",
    params(("customer" = String, Path, description = "Id or external id", example = "crm-1042")),
    responses((status = 200, body = Lots), Refusals))]
async fn open_lots(
    State(app): State<App>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<Lots>, Problem> {
    customers::may_read(&caller)?;
    let now = app.clock.now();
    app.read(move |c| {
        let now = now + networks::find(c, caller.tenant)?.clock_offset;
        let customer = customers::found(c, caller.tenant, &reference)?;
        let found = lots::open_lots(c, caller.tenant, customer.id, now)?;
        // What can be spent elsewhere only is not for one who is limited to venues.
        let seen = |lot: &OpenLot| lot.scope.is_none_or(|venue| caller.needs_venue(venue).is_ok());
        let items = found.into_iter().filter(seen).map(|lot| LotView::of(lot, now));
        Ok(Json(Lots {
            items: items.collect(),
        }))
    })
    .await
}

/// A period that must be said.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PeriodQuery {
    /// The first business day of the network, or a time.
    #[param(example = "2026-11-01")]
    from: String,
    /// The last business day, which counts whole, or a time, which does not count.
    #[param(example = "2026-11-30")]
    to: String,
}

/// Bonuses of one issuer that a venue redeemed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RedeemedView {
    /// Where they were redeemed.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: Option<VenueId>,
    /// The venue that had issued them; null: the network, by its people and promotions.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hy")]
    pub issuer_venue_id: Option<VenueId>,
    /// How much, less what returns gave back; below zero where returns gave back more than was redeemed in the
    /// period.
    #[schema(value_type = String, example = "1200.00")]
    pub amount: Money,
}

/// Bonuses that a venue issued.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IssuedView {
    /// The venue.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    pub venue_id: Option<VenueId>,
    /// How much, less what returns took back.
    #[schema(value_type = String, example = "2500.00")]
    pub amount: Money,
}

/// What one venue owes another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Debt {
    /// Who owes: the other redeemed more of his bonuses than he of the other's.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hy")]
    pub debtor_venue_id: Option<VenueId>,
    /// Whom.
    #[schema(value_type = Option<String>, example = "ven_01hgw3zj3q7hx")]
    pub creditor_venue_id: Option<VenueId>,
    /// How much, above zero.
    #[schema(value_type = String, example = "300.00")]
    pub amount: Money,
}

/// What venues of a network owe each other (взаиморасчёты).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Settlements {
    /// The first instant of the period.
    #[schema(value_type = String, format = DateTime, example = "2026-10-31T21:00:00Z")]
    pub from: Timestamp,
    /// The first instant after it.
    #[schema(value_type = String, format = DateTime, example = "2026-11-30T21:00:00Z")]
    pub until: Timestamp,
    /// Bonuses redeemed, by venue and by who had issued them.
    pub redeemed: Vec<RedeemedView>,
    /// Bonuses issued, by venue.
    pub issued: Vec<IssuedView>,
    /// What is owed after setting off, for each pair of venues.
    pub debts: Vec<Debt>,
}

/// Sets off what each of a pair redeemed of the other's bonuses.
fn debts(redeemed: &[Redeemed]) -> Vec<Debt> {
    let mut owed: BTreeMap<(Option<VenueId>, Option<VenueId>), Money> = BTreeMap::new();
    for row in redeemed.iter().filter(|row| row.venue != row.issuer) {
        // The issuer owes. Kept under the ordered pair, negative where the later of the two owes.
        let (pair, amount) = if row.issuer < row.venue {
            ((row.issuer, row.venue), row.amount)
        } else {
            ((row.venue, row.issuer), -row.amount)
        };
        *owed.entry(pair).or_default() += amount;
    }
    owed.into_iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|((first, second), amount)| {
            let (debtor, creditor, amount) = if amount.is_positive() {
                (first, second, amount)
            } else {
                (second, first, -amount)
            };
            Debt {
                debtor_venue_id: debtor,
                creditor_venue_id: creditor,
                amount,
            }
        })
        .collect()
}

/// What venues redeemed of each other's bonuses in a period, what they issued, and what they owe each other. A caller
/// who is limited to venues sees what concerns them.
#[utoipa::path(get, path = "/settlements", tag = "reports", operation_id = "settlements",
    params(PeriodQuery), responses((status = 200, body = Settlements), Refusals))]
async fn settlements(
    State(app): State<App>,
    caller: Caller,
    QueryOf(query): QueryOf<PeriodQuery>,
) -> Result<Json<Settlements>, Problem> {
    caller.needs(Scope::Reports)?;
    app.read(move |c| {
        let network = networks::find(c, caller.tenant)?;
        let period = Period::read(Some(&query.from), Some(&query.to), &network)?;
        let (from, until) = (period.from.unwrap_or_default(), period.until.unwrap_or_default());
        let mine = |venue: Option<VenueId>| match (&caller.venues, venue) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(venues), Some(venue)) => venues.contains(&venue),
        };
        let mut redeemed = transactions::redeemed_by_issuer(c, caller.tenant, from, until)?;
        redeemed.retain(|row| !row.amount.is_zero() && (mine(row.venue) || mine(row.issuer)));
        let mut issued = transactions::issued(c, caller.tenant, from, until)?;
        issued.retain(|(venue, amount)| !amount.is_zero() && mine(*venue));
        Ok(Json(Settlements {
            from,
            until,
            debts: debts(&redeemed),
            redeemed: redeemed
                .into_iter()
                .map(|row| RedeemedView {
                    venue_id: row.venue,
                    issuer_venue_id: row.issuer,
                    amount: row.amount,
                })
                .collect(),
            issued: issued
                .into_iter()
                .map(|(venue_id, amount)| IssuedView { venue_id, amount })
                .collect(),
        }))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn venues_owe_each_other_the_difference() {
        let row = |venue: i64, issuer: Option<i64>, kopecks: i64| Redeemed {
            venue: Some(VenueId(venue)),
            issuer: issuer.map(VenueId),
            amount: Money::from_kopecks(kopecks),
        };
        let rows = [
            row(1, Some(1), 500),
            row(1, Some(2), 300),
            row(2, Some(1), 100),
            row(2, None, 40),
            row(3, Some(1), 70),
            row(1, Some(3), 70),
        ];
        let owed: Vec<_> = debts(&rows)
            .into_iter()
            .map(|d| (d.debtor_venue_id, d.creditor_venue_id, d.amount.kopecks()))
            .collect();
        assert_eq!(
            owed,
            [
                (None, Some(VenueId(2)), 40),
                (Some(VenueId(2)), Some(VenueId(1)), 200)
            ]
        );
    }
}
