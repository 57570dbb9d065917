//! An order as iikoCloud shows it (*iikoCloud API*, `TableOrderInfo` and `DeliveryOrderInfo`).
//!
//! The two differ in little that matters here, so one set of structures reads both. Fields that money or the standing
//! of the order depends on must be readable; the others may have any shape.

use std::collections::BTreeSet;

use kopilka_contract::Money;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Id;
use crate::decimal::money;
use crate::envelope::Service;
use crate::settings::IikoSettings;
use crate::wire::{if_readable, list};

/// The order in an event's `eventInfo`: present only with `Success`.
pub(crate) fn order_in(event_info: &Value) -> Option<&Value> {
    event_info.get("order").filter(|order| !order.is_null())
}

/// `eventInfo` of an order event, but for the order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderInfo {
    /// Id in the cloud.
    #[serde(default, deserialize_with = "Id::if_any")]
    pub id: Option<Id>,
    /// Id on the till; absent until the till has it.
    #[serde(default, deserialize_with = "Id::if_any")]
    pub pos_id: Option<Id>,
    #[serde(default, deserialize_with = "Id::if_any")]
    pub organization_id: Option<Id>,
    /// Last change as the cloud saw it, in milliseconds: the version of the snapshot.
    pub timestamp: i64,
    /// `Success`, `InProgress` or `Error`.
    #[serde(default, deserialize_with = "if_readable")]
    pub creation_status: Option<String>,
}

/// An order without what was sold.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub status: String,
    /// Deliveries only.
    #[serde(default, deserialize_with = "if_readable")]
    pub is_deleted: Option<bool>,
    /// Deliveries only: the order goes on under another id.
    #[serde(default, deserialize_with = "Id::if_any")]
    pub moved_to_delivery_id: Option<Id>,
    /// Deliveries only: it went on here from another id.
    #[serde(default, deserialize_with = "Id::if_any")]
    pub moved_from_delivery_id: Option<Id>,
    /// Deliveries only: it was split off this one between cash registers; each is a receipt of its own.
    #[serde(default, deserialize_with = "Id::if_any")]
    pub parent_delivery_id: Option<Id>,
    /// Deliveries only.
    #[serde(default, deserialize_with = "if_readable")]
    pub problem: Option<Problem>,
    #[serde(default, deserialize_with = "if_readable")]
    pub cancel_info: Option<CancelInfo>,
    #[serde(default, deserialize_with = "if_readable")]
    pub when_closed: Option<String>,
    /// Deliveries only.
    #[serde(default, deserialize_with = "if_readable")]
    pub when_delivered: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub number: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub source_key: Option<String>,
    #[serde(default, deserialize_with = "Id::if_any")]
    pub terminal_group_id: Option<Id>,
    #[serde(default, deserialize_with = "if_readable")]
    pub order_type: Option<Named>,
    #[serde(default, deserialize_with = "if_readable")]
    pub customer: Option<Customer>,
    #[serde(default, deserialize_with = "if_readable")]
    pub phone: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub guests_info: Option<GuestsInfo>,
    /// Table orders only.
    #[serde(default, deserialize_with = "if_readable")]
    pub waiter: Option<Named>,
    #[serde(default, deserialize_with = "if_readable")]
    pub comment: Option<String>,
    /// Deliveries only.
    #[serde(default, deserialize_with = "if_readable")]
    pub marketing_source: Option<Named>,
    /// What plugins and sites keep with an order; only keys that were asked for, from till 8.0.6 on.
    #[serde(default, deserialize_with = "if_readable")]
    pub external_data: Option<Vec<ExternalData>>,
}

/// A text that somebody keeps with an order under a key of his own.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ExternalData {
    #[serde(default, deserialize_with = "if_readable")]
    pub key: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub value: Option<String>,
}

/// What an order came to, and how it was paid.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sale {
    /// To be paid, after discounts and surcharges; assumed to be without tips ([`Sale::sold_for`]).
    #[serde(default, deserialize_with = "money")]
    pub sum: Option<Money>,
    #[serde(default, deserialize_with = "list")]
    pub payments: Vec<PaymentInfo>,
    #[serde(default, deserialize_with = "list")]
    pub discounts: Vec<Discount>,
    /// Given beside what is paid for the order.
    #[serde(default, deserialize_with = "list")]
    pub tips: Vec<PaymentInfo>,
}

impl Sale {
    /// What was sold for: tips are not, also where the settings say that iiko counts them into the sum.
    pub fn sold_for(&self, iiko: &IikoSettings) -> Option<Money> {
        let given = self.tips.iter().filter(|tip| tip.is_preliminary != Some(true));
        let tips: Money = given.filter_map(|tip| tip.sum).sum();
        self.sum
            .map(|sum| if iiko.tips_in_sum { sum - tips } else { sum })
    }

    /// The items of an order. Each is read by itself, so that a broken one can be named.
    pub fn items(order: &Value) -> Result<&[Value], serde_json::Error> {
        match order.get("items") {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(serde::de::Error::custom("`items` is not a list")),
        }
    }

    /// The kinds of its payments, where all that was really paid is of kinds that are no sale.
    pub fn no_sale(&self, iiko: &IikoSettings) -> Option<String> {
        // What points have paid is a sale, whatever paid the rest.
        let by_points = |discount: &Discount| {
            let id = discount.discount_type.as_ref().and_then(|kind| kind.id.as_ref());
            id.is_some_and(|id| iiko.bonus_discount_types.contains(id))
        };
        if self.discounts.iter().any(by_points) {
            return None;
        }
        let paid = self.payments.iter().filter(|payment| {
            payment.is_preliminary != Some(true) && payment.sum.is_some_and(Money::is_positive)
        });
        let mut found = BTreeSet::new();
        for payment in paid {
            let id = payment.payment_type.as_ref().and_then(|kind| kind.id.as_ref());
            if id.is_some_and(|id| iiko.bonus_payment_types.contains(id)) {
                return None;
            }
            let kind = payment
                .payment_type
                .as_ref()
                .and_then(|kind| kind.kind.as_deref());
            found.insert(kind.filter(|kind| iiko.is_not_sold(kind))?);
        }
        let found: Vec<&str> = found.into_iter().collect();
        (!found.is_empty()).then(|| found.join(", "))
    }
}

/// A thing with an id and a name: product, waiter, type of an order …
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Named {
    #[serde(default, deserialize_with = "Id::if_any")]
    pub id: Option<Id>,
    #[serde(default, deserialize_with = "if_readable")]
    pub name: Option<String>,
}

/// Why and when a delivery was cancelled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CancelInfo {
    #[serde(default, deserialize_with = "if_readable")]
    pub when_cancelled: Option<String>,
}

/// What the restaurant has marked a delivery with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    #[serde(default)]
    pub has_problem: bool,
    #[serde(default, deserialize_with = "if_readable")]
    pub description: Option<String>,
}

/// A guest: `regular` with a name and a surname, or `one-time` with a name.
#[derive(Debug, Deserialize)]
pub(crate) struct Customer {
    /// Of a `regular` one.
    #[serde(default, deserialize_with = "Id::if_any")]
    pub id: Option<Id>,
    #[serde(default, deserialize_with = "if_readable")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub surname: Option<String>,
}

/// How many sit at the table.
#[derive(Debug, Deserialize)]
pub(crate) struct GuestsInfo {
    #[serde(default, deserialize_with = "if_readable")]
    pub count: Option<u32>,
}

/// One payment.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentInfo {
    #[serde(default)]
    pub payment_type: Option<PaymentType>,
    #[serde(default, deserialize_with = "money")]
    pub sum: Option<Money>,
    /// Planned, not paid.
    #[serde(default)]
    pub is_preliminary: Option<bool>,
}

/// Type of a payment.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PaymentType {
    #[serde(default, deserialize_with = "Id::if_any")]
    pub id: Option<Id>,
    /// `Cash`, `Card`, `Credit`, `Writeoff`, `Voucher`, `External` …
    #[serde(default, deserialize_with = "if_readable")]
    pub kind: Option<String>,
}

/// One discount, or a surcharge.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Discount {
    #[serde(default, serialize_with = "only_id")]
    pub discount_type: Option<Named>,
    #[serde(default, deserialize_with = "money")]
    pub sum: Option<Money>,
    /// Positions that it is about; empty: the whole order.
    #[serde(default, deserialize_with = "list")]
    pub selective_positions: Vec<String>,
    /// The same with the sum of each (from till 8.5.6 on).
    #[serde(default, deserialize_with = "list")]
    pub selective_positions_with_sum: Vec<DiscountedPosition>,
}

/// What a discount took off one position.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiscountedPosition {
    #[serde(default, deserialize_with = "Id::if_any")]
    pub position_id: Option<Id>,
    #[serde(default, deserialize_with = "money")]
    pub sum: Option<Money>,
}

/// Where an order stands for the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not sold yet.
    Open,
    /// Sold.
    Sold,
    /// Never to be sold, or no longer.
    Cancelled,
}

impl Order {
    /// What is kept with the order under a key.
    pub fn external(&self, key: &str) -> Option<&str> {
        let key = Some(key.trim()).filter(|key| !key.is_empty())?;
        let mut kept = self.external_data.iter().flatten();
        let found = kept.find(|data| data.key.as_deref() == Some(key))?;
        found
            .value
            .as_deref()
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// Where the order stands; a status that is not known counts as open.
    pub fn standing(&self, service: Service, accrue_on_delivered: bool) -> Standing {
        if self.is_deleted == Some(true) {
            return Standing::Cancelled;
        }
        match (service, self.status.as_str()) {
            (_, "Closed") => Standing::Sold,
            (Service::Delivery, "Delivered") if accrue_on_delivered => Standing::Sold,
            (Service::Table, "Deleted") | (Service::Delivery, "Cancelled") => Standing::Cancelled,
            _ => Standing::Open,
        }
    }
}

/// A number for people; a number on the wire, but nothing is computed with it.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    })
}

/// Things are told by their ids: they may be renamed.
fn only_id<S: Serializer>(named: &Option<Named>, serializer: S) -> Result<S::Ok, S::Error> {
    let id = named.as_ref().and_then(|named| named.id.as_ref());
    id.serialize(serializer)
}
