//! Where receipts stand in the OData of a configuration: data, one file each, and of a connection's own where it has to be.

use serde::Deserialize;

/// A configuration of 1C whose mapping comes with the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Configuration {
    /// 1C:Retail 2. Its fields are documented by published configurations; the catalogue of its cards is assumed.
    #[default]
    #[serde(rename = "retail_2")]
    Retail2,
    /// 1C:Trade Management 11.
    #[serde(rename = "trade_11")]
    Trade11,
    /// 1C:UNF and 1C:Retail 3, which stands on it. That returns are a document of their own is assumed.
    #[serde(rename = "unf_retail_3")]
    UnfRetail3,
}

impl Configuration {
    fn text(self) -> &'static str {
        match self {
            Configuration::Retail2 => include_str!("../../profiles/retail_2.json"),
            Configuration::Trade11 => include_str!("../../profiles/trade_11.json"),
            Configuration::UnfRetail3 => include_str!("../../profiles/unf_retail_3.json"),
        }
    }

    /// Its mapping.
    pub(crate) fn profile(self) -> Profile {
        // The files are part of the program, and a test reads them all.
        serde_json::from_str(self.text()).unwrap_or_default()
    }
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Which configuration, for people.
    #[serde(default)]
    pub title: String,
    /// Kinds of documents.
    pub documents: Vec<DocumentFields>,
    /// Cards, whose codes documents do not have.
    pub cards: CardFields,
    /// Products, whose names lines do not have.
    pub products: ProductFields,
}

/// Fields of one kind of documents. Lines have no ids that returns would name, so a line is known by its product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentFields {
    /// Name of the entity.
    pub entity: String,
    /// Whether it is a sale or a return.
    pub operation: OperationField,
    /// Its standing beside `Posted`.
    #[serde(default)]
    pub status: Option<StatusField>,
    /// The shop, where a base has several.
    #[serde(default)]
    pub shop: Option<String>,
    /// The sale, in a return.
    #[serde(default)]
    pub sale: Option<String>,
    /// The till.
    #[serde(default)]
    pub till: Option<String>,
    /// The shift.
    #[serde(default)]
    pub shift: Option<String>,
    /// Number on the receipt.
    #[serde(default)]
    pub receipt: Option<String>,
    /// Key of the guest's card.
    #[serde(default)]
    pub card: Option<String>,
    /// His telephone number.
    #[serde(default)]
    pub phone: Option<String>,
    /// The total.
    pub total: String,
    /// The part with the lines.
    pub lines: String,
    /// Of a line: key of its product.
    pub product: String,
    /// Key of the product's variant.
    #[serde(default)]
    pub variant: Option<String>,
    /// Quantity.
    pub quantity: String,
    /// Price.
    pub price: String,
    /// Amount.
    pub amount: String,
    /// What bonuses paid.
    #[serde(default)]
    pub bonus: Option<String>,
    /// Parts with payments.
    #[serde(default)]
    pub payments: Vec<PaymentFields>,
}

/// Sale or return.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OperationField {
    /// All documents of the kind are the same.
    Always(Operation),
    /// A field says which; documents where it says anything else are no receipts.
    By {
        /// The field.
        field: String,
        /// Its values for sales.
        sale: Vec<String>,
        /// Its values for returns.
        #[serde(rename = "return")]
        back: Vec<String>,
    },
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A sale.
    Sale,
    /// A return.
    Return,
}

impl Operation {
    /// As our contract says it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Operation::Sale => "sale",
            Operation::Return => "return",
        }
    }
}

/// A field that says whether a receipt was printed. Documents with any other value are not receipts yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusField {
    /// The field.
    pub field: String,
    /// Its values for receipts.
    pub taken: Vec<String>,
    /// Its values for cancelled ones.
    pub cancelled: Vec<String>,
}

/// A part of a document with payments other than cash.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentFields {
    /// The part.
    pub part: String,
    /// How much.
    pub amount: String,
    /// The field with the kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// What all of the part is.
    #[serde(default, rename = "as")]
    pub always: Option<String>,
}

/// Where codes of cards are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFields {
    /// Name of the entity.
    pub entity: String,
    /// Fields with a code; the first that has one counts.
    pub code: Vec<String>,
}

/// Where names of products are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductFields {
    /// Name of the entity.
    pub entity: String,
    /// The name, as receipts print it.
    pub name: String,
    /// Key of the group, which is the category of a line.
    pub group: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mapping_that_comes_with_the_service_is_whole() {
        for configuration in [
            Configuration::Retail2,
            Configuration::Trade11,
            Configuration::UnfRetail3,
        ] {
            let profile: Profile = serde_json::from_str(configuration.text()).unwrap();
            assert!(
                !profile.title.is_empty() && !profile.documents.is_empty(),
                "{configuration:?}"
            );
            assert_eq!(configuration.profile(), profile);
        }
    }
}
