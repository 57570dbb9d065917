//! A document of a base as a document of our JSON contract, by the mapping of its configuration.

use kopilka_contract::Money;
use serde_json::{Map, Value, json};

use super::profile::{DocumentFields, Operation, PaymentFields};
use crate::fields::{Field, ZERO_GUID};
use crate::line_keys::LineKeys;

/// What a document's keys stand for, by the key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// Codes of cards.
    pub(super) cards: &'a Map<String, Value>,
    /// Products: `{"name": …, "groupId": …}`.
    pub(super) products: &'a Map<String, Value>,
    /// Names of kinds of payment.
    pub(super) payment_kinds: &'a Map<String, Value>,
}

/// What becomes of a document.
pub(super) enum Mapped {
    /// A document of our contract.
    Document(Value),
    /// It is no receipt: put aside, or of a kind that is none.
    NotAReceipt,
}

/// Reads a document by its mapping.
pub(super) fn mapped(fields: &DocumentFields, document: &Value, names: Names<'_>) -> Mapped {
    let Some(operation) = fields.operation.of(document) else {
        return Mapped::NotAReceipt;
    };
    let text = |field: &Option<String>| field.as_ref().and_then(|field| document.get(field)).cloned();
    let status = fields
        .status
        .as_ref()
        .map(|status| (status, document[&status.field].as_str().unwrap_or_default()));
    let is = |values: &[String], value: &str| values.iter().any(|known| known == value);
    let cancelled = status.is_some_and(|(status, value)| is(&status.cancelled, value));
    if !cancelled && !status.is_none_or(|(status, value)| is(&status.taken, value)) {
        return Mapped::NotAReceipt;
    }
    let posted = document["Posted"] != false && !cancelled;
    let card = key(document, fields.card.as_deref()).and_then(|key| names.cards.get(key));
    let mut mapped = json!({
        "documentId": document["Ref_Key"],
        "dataVersion": document["DataVersion"],
        "operation": operation.word(),
        "posted": posted,
        "deletionMark": document["DeletionMark"],
        "number": document["Number"],
        "date": document["Date"],
        "register": text(&fields.till),
        "shiftNumber": text(&fields.shift),
        "receiptNumber": text(&fields.receipt),
        "card": {"code": card},
        "phone": text(&fields.phone),
        "total": document[&fields.total],
        "saleDocumentId": fields.sale.iter().find_map(|field| key(document, Some(field))),
    });
    let lines = lines(fields, document, operation, names);
    let paid = payments(&fields.payments, document, &document[&fields.total], names);
    mapped["lines"] = Value::Array(lines);
    if operation == Operation::Sale {
        mapped["payments"] = Value::Array(paid);
    }
    Mapped::Document(mapped)
}

/// A reference that is not empty.
pub(super) fn key<'a>(value: &'a Value, field: Option<&str>) -> Option<&'a str> {
    let key = value.get(field?)?.as_str()?;
    (key != ZERO_GUID && !key.is_empty()).then_some(key)
}

/// The rows of a part; of an absent one none.
pub(super) fn rows<'a>(document: &'a Value, part: &str) -> &'a [Value] {
    document
        .get(part)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn money(value: &Value, field: &str) -> Option<Money> {
    Field::document(value).get(field).money().ok().flatten()
}

fn lines(fields: &DocumentFields, document: &Value, operation: Operation, names: Names<'_>) -> Vec<Value> {
    let rows = rows(document, &fields.lines);
    let bonus = |row: &Value| {
        fields
            .bonus
            .as_ref()
            .and_then(|field| money(row, field))
            .unwrap_or_default()
    };
    let sum = |of: &dyn Fn(&Value) -> Money| rows.iter().map(of).sum::<Money>();
    let amount = |row: &Value| money(row, &fields.amount).unwrap_or_default();
    // Whether a base takes bonuses off the amounts of lines depends on its version: the total tells.
    let total = money(document, &fields.total);
    let before = sum(&bonus).is_positive() && total == Some(sum(&amount) - sum(&bonus));
    let mut keys = LineKeys::default();
    let line = |row: &Value| {
        let product = key(row, Some(&fields.product)).unwrap_or_default();
        let variant = key(row, fields.variant.as_deref());
        let key = variant.map_or_else(|| product.to_owned(), |variant| format!("{product}#{variant}"));
        let known = names.products.get(product);
        let net = if before {
            json!((amount(row) - bonus(row)).to_string())
        } else {
            row[&fields.amount].clone()
        };
        let mut line = json!({
            "item": {
                "id": product,
                "name": known.and_then(|known| known.get("name")),
                "groupId": known.and_then(|known| known.get("groupId")),
            },
            "quantity": row[&fields.quantity],
            "price": row[&fields.price],
            "amount": net,
        });
        match operation {
            Operation::Sale => {
                line["lineId"] = json!(keys.next(&key));
                line["bonusDiscount"] = json!(bonus(row).to_string());
            }
            Operation::Return => line["saleLineKey"] = json!(key),
        }
        line
    };
    rows.iter().map(line).collect()
}

/// Payments by their parts; what they leave of the total was paid with cash, which has no rows in most configurations.
fn payments(parts: &[PaymentFields], document: &Value, total: &Value, names: Names<'_>) -> Vec<Value> {
    let mut paid = Money::ZERO;
    let mut payments = Vec::new();
    for part in parts {
        for row in rows(document, &part.part) {
            let amount = money(row, &part.amount).unwrap_or_default();
            let kind = part
                .kind
                .as_ref()
                .and_then(|field| row[field].as_str())
                .map(|kind| {
                    names
                        .payment_kinds
                        .get(kind)
                        .and_then(Value::as_str)
                        .unwrap_or(kind)
                })
                .or(part.always.as_deref());
            if amount.is_positive() {
                paid += amount;
                payments.push(json!({"type": kind.unwrap_or("?"), "amount": amount.to_string()}));
            }
        }
    }
    let total = Field::document(total).money().ok().flatten().unwrap_or_default();
    let cash = total - paid;
    if cash.is_positive() {
        payments.push(json!({"type": "Наличные", "amount": cash.to_string()}));
    }
    payments
}
