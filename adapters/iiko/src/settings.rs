//! What a connection to iiko is set to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Id;
use crate::envelope::Service;

/// The settings of one connection. Everything has a default: an empty object accrues on every closed order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IikoSettings {
    /// Payment types (`paymentType.id`) that are our bonuses. Names are never compared: every venue has its own.
    pub bonus_payment_types: BTreeSet<Id>,
    /// Discount types (`discountType.id`) that are our bonuses, where points are posted as a discount
    /// (*Resto.Front.Api*, "PaymentProcessor" and the post of 2022-10-12 on payment discounts).
    pub bonus_discount_types: BTreeSet<Id>,
    /// Post a delivery as soon as the guest has it (`Delivered`) instead of when the till closes it (`Closed`).
    /// The later `Closed` snapshot then posts only what differs.
    pub accrue_on_delivered: bool,
    /// Restaurants (`organizationId`) that this connection listens to; none named: all.
    pub organizations: BTreeSet<Id>,
    /// Till groups (`order.terminalGroupId`) that this connection listens to; none named: all.
    pub terminal_groups: BTreeSet<Id>,
    /// Category id by product id. An order names only products; what category they are in, the nomenclature knows.
    pub categories: BTreeMap<Id, String>,
    /// Transaction type of a receipt by type of its order.
    pub receipt_types: ReceiptTypes,
    /// Our payment kind by `paymentType.id`, for kinds that iiko lumps together (`External`). Others keep iiko's kind
    /// in lower case: `cash`, `card`, `credit`, `writeoff`, `voucher`, `external` …
    pub payment_kinds: BTreeMap<Id, String>,
    /// Orders with such a `sourceKey` come from an aggregator, with a telephone and a name that are not the guest's:
    /// they are posted without a guest.
    pub aggregators: BTreeSet<String>,
}

/// Transaction type of a receipt by type of its order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptTypes {
    /// Of table orders.
    pub table: String,
    /// Of delivery orders, those that the guest fetches himself included.
    pub delivery: String,
    /// By `orderType.id`; goes before the two others.
    pub by_order_type: BTreeMap<Id, String>,
}

impl Default for ReceiptTypes {
    fn default() -> Self {
        ReceiptTypes {
            table: "place".to_owned(),
            delivery: "delivery".to_owned(),
            by_order_type: BTreeMap::new(),
        }
    }
}

impl ReceiptTypes {
    pub(crate) fn of(&self, service: Service, order_type: Option<&Id>) -> &str {
        let by_service = match service {
            Service::Table => &self.table,
            Service::Delivery => &self.delivery,
        };
        order_type
            .and_then(|id| self.by_order_type.get(id))
            .unwrap_or(by_service)
    }
}
