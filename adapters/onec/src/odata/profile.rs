//! Where receipts stand in the OData of a configuration: data, one file each, and of a connection's own where it has to be.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A configuration of 1C whose mapping comes with the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Configuration {
    /// 1C:Retail 2. Its fields are documented by published configurations; the catalogues of its cards and of its kinds of payment are
    /// assumed.
    #[default]
    #[serde(rename = "retail_2")]
    Retail2,
    /// 1C:Trade Management 11.
    #[serde(rename = "trade_11")]
    Trade11,
    /// 1C:UNF and 1C:Retail 3, which stands on it. Returns are receipts of another operation, or documents of their own where a
    /// base has such: which of the two is assumed, and both are read.
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
    /// Kinds of payment, where payments have only keys of them. A base that lacks the entity is no trouble: keys stay keys.
    #[serde(default)]
    pub payment_kinds: Option<KindFields>,
}

/// Fields of one kind of documents. Lines have no ids that returns would name, so a line is known by its product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentFields {
    /// Name of the entity.
    pub entity: String,
    /// Not every base has it: an answer that there is no such entity is then no failure.
    #[serde(default)]
    pub optional: bool,
    /// Whether it is a sale or a return.
    pub operation: OperationField,
    /// Its standing beside `Posted`.
    #[serde(default)]
    pub status: Option<StatusField>,
    /// The shop, where a base has several.
    #[serde(default)]
    pub shop: Option<String>,
    /// The sale, in a return: a field, or several of which the first that is not empty counts.
    #[serde(default, deserialize_with = "one_or_several")]
    pub sale: Vec<String>,
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
        /// What a document without the field, or with an empty one, is; absent: no receipt.
        #[serde(default)]
        absent: Option<Operation>,
    },
}

impl OperationField {
    /// What a document is; `None`: no receipt.
    pub(super) fn of(&self, document: &Value) -> Option<Operation> {
        let (field, sale, back, absent) = match self {
            OperationField::Always(operation) => return Some(*operation),
            OperationField::By {
                field,
                sale,
                back,
                absent,
            } => (field, sale, back, absent),
        };
        let is = |values: &[String], value: &str| values.iter().any(|known| known == value);
        match document[field].as_str().unwrap_or_default() {
            "" => *absent,
            value if is(sale, value) => Some(Operation::Sale),
            value if is(back, value) => Some(Operation::Return),
            _ => None,
        }
    }
}

/// A name, or a list of names.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Several(names) => names,
    })
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

/// Where names of kinds of payment are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindFields {
    /// Name of the entity.
    pub entity: String,
    /// The name: settings of the venue that exclude payments know them by it.
    pub name: String,
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
