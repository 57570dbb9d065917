//! An order as `GET orders/{orderId}` answers it (UCS documents; the dishes' and payments' names are assumed to be those
//! of the request that makes an order).

use chrono::{DateTime, Datelike, FixedOffset};
use serde::Deserialize;
use serde_json::Value;

use crate::amounts;
use crate::unread::Unread;

/// Most dishes of an order.
const MOST_DISHES: usize = 1000;

/// The fields that we use. Those that no money depends on may have any shape.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Order {
    pub order_id: Value,
    pub order_external_id: Value,
    pub order_status_id: Value,
    pub restaurant_id: Value,
    pub guest: Value,
    pub updated_at: Value,
    pub completed_at: Value,
    pub full_amount: Value,
    /// After discounts.
    pub amount: Value,
    pub payment_type_id: Value,
    pub payments: Value,
    pub comment: Value,
    pub order_source_name: Value,
    pub dish_list: Option<Vec<Dish>>,
}

/// A dish.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Dish {
    pub id: Value,
    pub external_id: Value,
    pub name: Value,
    pub quantity: Value,
    pub price: Value,
    /// What was added to the dish.
    pub ingredients: Option<Vec<Dish>>,
}

/// The order in an answer: `{"result": {…}}`.
///
/// # Errors
/// Why it is none.
pub(crate) fn read(body: &[u8]) -> Result<Order, Unread> {
    #[derive(Deserialize)]
    struct Answer {
        result: Order,
    }
    let answer: Answer = serde_json::from_slice(body).map_err(Unread::NotAnOrder)?;
    let order = answer.result;
    if order
        .dish_list
        .as_ref()
        .is_some_and(|dishes| dishes.len() > MOST_DISHES)
    {
        return Err(Unread::TooManyDishes { most: MOST_DISHES });
    }
    Ok(order)
}

impl Order {
    /// Its number.
    pub fn id(&self) -> Option<String> {
        amounts::id(&self.order_id)
    }

    /// Where it stands.
    pub fn status(&self) -> Option<i64> {
        amounts::status(&self.order_status_id)
    }

    /// When it changed last.
    pub fn updated_at(&self) -> Option<DateTime<FixedOffset>> {
        time(&self.updated_at)
    }

    /// When it was completed.
    pub fn completed_at(&self) -> Option<DateTime<FixedOffset>> {
        time(&self.completed_at)
    }
}

/// A time with its offset (UCS documents), in years for which calendars work.
pub(crate) fn time(value: &Value) -> Option<DateTime<FixedOffset>> {
    let at = DateTime::parse_from_rfc3339(value.as_str()?.trim()).ok()?;
    (2000..2200).contains(&at.year()).then_some(at)
}
