//! Items of an order (*iikoCloud API*, `ProductOrderItem`, `CompoundOrderItem`, `ServiceOrderItem`).

use kopilka_contract::{Money, Quantity};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::Id;
use crate::decimal::{money, quantity};
use crate::order::Named;
use crate::wire::list;

/// What all items have, and what makes one a compound. The `type` is not looked at: the fields that are there say what
/// the item is, and a type that is not known still has its sum.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    /// Not null: the line was removed from the order.
    #[serde(default)]
    pub deleted: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "quantity")]
    pub amount: Option<Quantity>,
    /// One half of a pizza; then the product fields of the item itself are absent.
    #[serde(default)]
    pub primary_component: Option<Portion>,
    /// The other half.
    #[serde(default)]
    pub secondary_component: Option<Portion>,
    /// Modifiers of both halves.
    #[serde(default, deserialize_with = "list")]
    pub common_modifiers: Vec<Modifier>,
}

/// A product with its price: an item itself, or a component of a compound.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Portion {
    #[serde(default)]
    pub product: Option<Named>,
    /// In place of a product, in a service.
    #[serde(default)]
    pub service: Option<Named>,
    #[serde(default, deserialize_with = "list")]
    pub modifiers: Vec<Modifier>,
    /// Of one.
    #[serde(default, deserialize_with = "money")]
    pub price: Option<Money>,
    /// Of the line, before tax and discounts.
    #[serde(default, deserialize_with = "money")]
    pub cost: Option<Money>,
    /// Of the line, with tax and discounts; services and older tills have none.
    #[serde(default, deserialize_with = "money")]
    pub result_sum: Option<Money>,
    #[serde(default, deserialize_with = "Id::if_any")]
    pub position_id: Option<Id>,
}

/// What was added to a product.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Modifier {
    #[serde(default)]
    pub product: Option<Named>,
    #[serde(default, deserialize_with = "quantity")]
    pub amount: Option<Quantity>,
    /// Of one.
    #[serde(default, deserialize_with = "money")]
    pub price: Option<Money>,
    /// Of all of it, with tax and discounts.
    #[serde(default, deserialize_with = "money")]
    pub result_sum: Option<Money>,
    #[serde(default)]
    pub deleted: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "Id::if_any")]
    pub position_id: Option<Id>,
}

impl Item {
    /// Reads an item with the products in it: the components of a compound, else the item itself.
    pub fn read(value: &Value) -> Result<(Item, Vec<Portion>), serde_json::Error> {
        let mut item = Item::deserialize(value)?;
        let components = [item.primary_component.take(), item.secondary_component.take()];
        let mut portions: Vec<Portion> = components.into_iter().flatten().collect();
        if portions.is_empty() {
            portions.push(Portion::deserialize(value)?);
        }
        Ok((item, portions))
    }
}
