//! A report of sales, row by row, into orders. Names and meanings of its fields are those of public programs that read such
//! reports; the vendor publishes none.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveDateTime};
use kopilka_contract::{Money, Settings, TillDay, TillOrder, Words, words};
use serde::Deserialize;

use super::settings::ServerSettings;
use crate::remark::{LeftOut, Remark};
use crate::{Id, decimal, moment, wire};

/// More rows than any restaurant sells in a day.
const MOST_ROWS: usize = 200_000;
/// So much the rounding of one row may move an amount.
const ROUNDING_OF_A_ROW: i64 = 1;

/// Why a report is not understood.
#[derive(Debug)]
pub(super) enum ReportError {
    /// No JSON with rows.
    Shape(serde_json::Error),
    /// More than [`MOST_ROWS`].
    TooLong,
    /// Amounts of an order that no order has.
    TooLarge(String),
    /// Their ids: orders of others would be missing in the books.
    SeveralDepartments(String),
}

impl ReportError {
    /// What is wrong, for the person who looks at the message.
    pub(super) fn words(&self) -> Words {
        match self {
            ReportError::Shape(error) => words!(
                "отчёт — не JSON со строками в data: {error}",
                "the report is no JSON with rows in `data`: {error}"
            ),
            ReportError::TooLong => words!(
                "в отчёте больше {MOST_ROWS} строк",
                "the report has more than {MOST_ROWS} rows"
            ),
            ReportError::TooLarge(order) => words!(
                "суммы заказа {order} слишком велики",
                "the amounts of order {order} are too large"
            ),
            ReportError::SeveralDepartments(ids) => words!(
                "отчёт о нескольких ресторанах: укажите рестораны этого подключения в server.departments ({ids})",
                "the report is of several restaurants: name those of this connection in server.departments ({ids})"
            ),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Body {
    data: Vec<Row>,
}

/// A sold line, as the report is asked for. What no amount depends on may be of any shape.
#[derive(Debug, Deserialize)]
struct Row {
    #[serde(rename = "Department.Id", default, deserialize_with = "wire::if_readable")]
    department: Option<String>,
    #[serde(rename = "UniqOrderId.Id", default, deserialize_with = "wire::if_readable")]
    order: Option<String>,
    #[serde(rename = "OrderNum", default, deserialize_with = "wire::if_readable")]
    number: Option<NumberOrText>,
    #[serde(rename = "OpenDate.Typed", default, deserialize_with = "wire::if_readable")]
    day: Option<String>,
    #[serde(rename = "CloseTime", default, deserialize_with = "wire::if_readable")]
    closed_at: Option<String>,
    /// `TRUE` or `FALSE`: the sale was taken back whole (assumed).
    #[serde(rename = "Storned", default, deserialize_with = "wire::if_readable")]
    storned: Option<TextOrFlag>,
    /// `NOT_DELETED`; all else is some way of being deleted.
    #[serde(rename = "OrderDeleted", default, deserialize_with = "wire::if_readable")]
    deleted: Option<String>,
    /// On a return: the order that it is of.
    #[serde(rename = "SourceOrderId", default, deserialize_with = "wire::if_readable")]
    source: Option<String>,
    /// Names of the payment types; several with commas between (assumed).
    #[serde(rename = "PayTypes", default, deserialize_with = "wire::if_readable")]
    pay_types: Option<String>,
    /// After discounts.
    #[serde(
        rename = "DishDiscountSumInt",
        default,
        deserialize_with = "decimal::money_or_text"
    )]
    sum: Option<Money>,
    #[serde(
        rename = "DishReturnSum",
        default,
        deserialize_with = "decimal::money_or_text"
    )]
    returned: Option<Money>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(serde_json::Number),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TextOrFlag {
    Flag(bool),
    Text(String),
}

impl Row {
    fn is_storned(&self) -> bool {
        match &self.storned {
            Some(TextOrFlag::Flag(flag)) => *flag,
            Some(TextOrFlag::Text(text)) => text.trim().eq_ignore_ascii_case("true"),
            None => false,
        }
    }

    /// Whether it was paid by these types alone.
    fn is_paid_by(&self, types: &BTreeSet<String>) -> bool {
        let text = self.pay_types.as_deref().unwrap_or_default();
        let mut named = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .peekable();
        let known = |name: &str| types.iter().any(|known| known.trim() == name);
        named.peek().is_some() && named.all(known)
    }

    fn is_deleted(&self) -> bool {
        let state = self.deleted.as_deref().unwrap_or_default().trim();
        !state.is_empty() && !state.eq_ignore_ascii_case("NOT_DELETED")
    }

    fn number(&self) -> Option<String> {
        match &self.number {
            Some(NumberOrText::Number(number)) => Some(number.to_string()),
            Some(NumberOrText::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => None,
        }
    }

    fn closed_at(&self) -> Option<NaiveDateTime> {
        moment::parse(self.closed_at.as_deref()?)
    }

    /// What it brought and what came back. A refund is a negative sum, or no sum and a positive return: never both.
    fn amounts(&self) -> (Money, Money) {
        let sum = self.sum.unwrap_or_default();
        let returned = self.returned.unwrap_or_default();
        let returned = if returned < Money::ZERO {
            -returned
        } else {
            returned
        };
        if sum < Money::ZERO {
            (Money::ZERO, -sum)
        } else {
            (sum, returned)
        }
    }
}

/// An order while its rows are added up.
#[derive(Debug, Default)]
struct Sum {
    number: Option<String>,
    closed_at: Option<NaiveDateTime>,
    sold: Money,
    returned: Money,
    /// Rows that sold something, and those of them that were taken back.
    sales: u32,
    taken_back: u32,
    deleted: bool,
    /// Rows that were paid in a way that is no sale.
    not_sold: i64,
    rows: i64,
}

impl Sum {
    /// Adds a row of the order itself.
    fn add(&mut self, row: &Row, own: &ServerSettings) -> Option<()> {
        let (sold, returned) = row.amounts();
        self.rows += 1;
        self.not_sold += i64::from(row.is_paid_by(&own.not_sold_pay_types));
        self.deleted |= row.is_deleted();
        self.number = self.number.take().or_else(|| row.number());
        self.closed_at = self.closed_at.max(row.closed_at());
        let storned = row.is_storned();
        if !sold.is_zero() || returned.is_zero() {
            self.sales += 1;
            self.taken_back += u32::from(storned);
        }
        self.sold = self.sold.checked_add(sold)?;
        let returned = if storned { sold.max(returned) } else { returned };
        self.returned = self.returned.checked_add(returned)?;
        Some(())
    }

    /// Adds a row of a refund.
    fn give_back(&mut self, row: &Row) -> Option<()> {
        let (sold, returned) = row.amounts();
        self.rows += 1;
        if !row.is_deleted() {
            self.returned = self.returned.checked_add(returned.max(sold))?;
        }
        Some(())
    }

    fn order(self, id: &Id, settings: &Settings) -> TillOrder {
        let sold = (self.sales > 0).then_some(self.sold);
        TillOrder {
            names: vec![id.as_str().to_owned()],
            number: self.number,
            closed_at: self.closed_at.map(|local| settings.local(local)),
            sold,
            // A storno may be told by its rows and by a refund at once.
            returned: sold.map_or(self.returned, |sold| self.returned.min(sold)),
            cancelled: self.deleted || (self.sales > 0 && self.taken_back == self.sales),
            not_sold: self.rows > 0 && self.not_sold == self.rows,
            rounding: Money::from_kopecks(self.rows.max(1) * ROUNDING_OF_A_ROW),
        }
    }
}

/// Reads the report of a day. Gives it with what a person should know of it.
pub(super) fn read(
    body: &[u8],
    day: NaiveDate,
    settings: &Settings,
    own: &ServerSettings,
) -> Result<(TillDay, Vec<Remark>), ReportError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Body { data: rows } = serde_json::from_slice(body).map_err(ReportError::Shape)?;
    if rows.len() > MOST_ROWS {
        return Err(ReportError::TooLong);
    }
    let mut skipped = Skipped::default();
    let mut departments = BTreeSet::new();
    let mut sums: BTreeMap<Id, Sum> = BTreeMap::new();
    for row in &rows {
        let department = row.department.as_deref().and_then(|id| Id::parse(id).ok());
        if !own.departments.is_empty() && department.as_ref().is_none_or(|id| !own.departments.contains(id)) {
            skipped.elsewhere += 1;
            continue;
        }
        departments.extend(department);
        if row.day.as_deref().is_some_and(|of| !is_day(of, day)) {
            skipped.other_days += 1;
            continue;
        }
        let Some(id) = row.order.as_deref().and_then(|id| Id::parse(id).ok()) else {
            skipped.nameless += 1;
            continue;
        };
        let source = row.source.as_deref().and_then(|id| Id::parse(id).ok());
        let added = match source.filter(|source| *source != id) {
            Some(source) => sums.entry(source).or_default().give_back(row),
            None => sums.entry(id.clone()).or_default().add(row, own),
        };
        added.ok_or_else(|| ReportError::TooLarge(id.to_string()))?;
    }
    if own.departments.is_empty() && departments.len() > 1 {
        let ids: Vec<&str> = departments.iter().take(20).map(Id::as_str).collect();
        return Err(ReportError::SeveralDepartments(ids.join(", ")));
    }
    let orders = sums
        .into_iter()
        .map(|(id, sum)| sum.order(&id, settings))
        .collect();
    let told = TillDay {
        day,
        orders,
        all_are_told: own.all_orders,
    };
    Ok((told, skipped.remarks()))
}

/// Whether a text is a day, with or without a time of that day after it.
fn is_day(text: &str, day: NaiveDate) -> bool {
    text.trim().get(..10) == Some(day.to_string().as_str())
}

/// Rows that were left out.
#[derive(Debug, Default)]
struct Skipped {
    elsewhere: usize,
    other_days: usize,
    nameless: usize,
}

impl Skipped {
    fn remarks(&self) -> Vec<Remark> {
        let counts = [
            (self.elsewhere, LeftOut::OtherRestaurants),
            (self.other_days, LeftOut::OtherDays),
            (self.nameless, LeftOut::Nameless),
        ];
        let some = counts.into_iter().filter(|(count, _)| *count > 0);
        some.map(|(count, why)| Remark::RowsLeftOut { count, why })
            .collect()
    }
}
