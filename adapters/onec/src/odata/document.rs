//! A document of a base as a document of our JSON contract, by the mapping of its configuration.

use kopilka_contract::Money;
use serde_json::{Map, Value, json};

use super::profile::{DocumentFields, Operation, PaymentFields};
use crate::fields::{Field, ZERO_GUID};
use crate::line_keys::LineKeys;
use crate::settings::BonusPayments;

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
pub(super) fn mapped(
    fields: &DocumentFields,
    document: &Value,
    names: Names<'_>,
    bonus_payments: &BonusPayments,
) -> Mapped {
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
    let paid = paid(&fields.payments, document, names);
    let of_bonuses = |paid: &&Paid<'_>| bonus_payments.has(paid.kind);
    let by_bonuses = paid.iter().filter(of_bonuses).map(|paid| paid.amount).sum();
    let sums = Sums::of(fields, document, by_bonuses);
    mapped["lines"] = Value::Array(lines(fields, document, operation, names, sums));
    if operation == Operation::Sale {
        mapped["payments"] = Value::Array(payments(&paid, sums));
    }
    Mapped::Document(mapped)
}

/// What the sums of a document say.
#[derive(Debug, Clone, Copy)]
struct Sums {
    /// Amounts of lines are before the bonuses that paid of them.
    lines_are_gross: bool,
    /// So much is to be paid, with whatever there is a row for and with cash.
    to_pay: Money,
}

impl Sums {
    /// Whether a base takes bonuses off the amounts of lines depends on its version: the total tells. Where bonuses are a payment
    /// besides, the total has them or not, and the prices tell: of a line that is net of its bonuses they are no less than both together.
    fn of(fields: &DocumentFields, document: &Value, by_bonuses: Money) -> Self {
        let rows = rows(document, &fields.lines);
        let total = money(document, &fields.total);
        let amounts: Money = rows.iter().map(|row| amount(fields, row)).sum();
        let on_lines: Money = rows.iter().map(|row| bonus(fields, row)).sum();
        let to_pay = total.unwrap_or_default();
        if !on_lines.is_positive() {
            return Sums {
                lines_are_gross: false,
                to_pay,
            };
        }
        if total == Some(amounts - on_lines) {
            return Sums {
                lines_are_gross: true,
                to_pay: to_pay + by_bonuses,
            };
        }
        let lines_are_gross =
            by_bonuses.is_positive() && rows.iter().any(|row| exceeds_its_price(fields, row));
        Sums {
            lines_are_gross,
            to_pay: if lines_are_gross {
                to_pay
            } else {
                to_pay + by_bonuses
            },
        }
    }
}

fn amount(fields: &DocumentFields, row: &Value) -> Money {
    money(row, &fields.amount).unwrap_or_default()
}

/// What bonuses have paid of a line, where the base says so.
fn bonus(fields: &DocumentFields, row: &Value) -> Money {
    let paid = fields.bonus.as_ref().and_then(|field| money(row, field));
    paid.unwrap_or_default()
}

/// Whether a line and the bonuses that paid of it come to more than its price, rounding apart.
fn exceeds_its_price(fields: &DocumentFields, row: &Value) -> bool {
    let quantity = Field::document(row)
        .get(&fields.quantity)
        .quantity()
        .ok()
        .flatten();
    let price = money(row, &fields.price).filter(|price| price.is_positive());
    price.zip(quantity).is_some_and(|(price, quantity)| {
        let whole = i128::from(price.kopecks()) * i128::from(quantity.thousandths()) / 1000;
        let both = amount(fields, row) + bonus(fields, row);
        bonus(fields, row).is_positive() && i128::from(both.kopecks()) > whole + 1
    })
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

fn lines(
    fields: &DocumentFields,
    document: &Value,
    operation: Operation,
    names: Names<'_>,
    sums: Sums,
) -> Vec<Value> {
    let rows = rows(document, &fields.lines);
    let mut keys = LineKeys::default();
    let line = |row: &Value| {
        let product = key(row, Some(&fields.product)).unwrap_or_default();
        let variant = key(row, fields.variant.as_deref());
        let key = variant.map_or_else(|| product.to_owned(), |variant| format!("{product}#{variant}"));
        let known = names.products.get(product);
        let net = if sums.lines_are_gross {
            json!((amount(fields, row) - bonus(fields, row)).to_string())
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
                line["bonusDiscount"] = json!(bonus(fields, row).to_string());
            }
            Operation::Return => line["saleLineKey"] = json!(key),
        }
        line
    };
    rows.iter().map(line).collect()
}

/// A row of a document's payments.
struct Paid<'a> {
    kind: &'a str,
    amount: Money,
}

/// Payments by their parts.
fn paid<'a>(parts: &'a [PaymentFields], document: &'a Value, names: Names<'a>) -> Vec<Paid<'a>> {
    let named = |kind: &'a str| {
        let name = names.payment_kinds.get(kind).and_then(Value::as_str);
        name.unwrap_or(kind)
    };
    let of_part = |part: &'a PaymentFields| {
        rows(document, &part.part).iter().map(move |row| {
            let field = part.kind.as_ref();
            let kind = field.and_then(|field| row[field].as_str()).map(named);
            Paid {
                kind: kind.or(part.always.as_deref()).unwrap_or("?"),
                amount: money(row, &part.amount).unwrap_or_default(),
            }
        })
    };
    let paid = parts.iter().flat_map(of_part);
    paid.filter(|paid| paid.amount.is_positive()).collect()
}

/// Payments as our contract has them; what they leave to be paid was paid with cash, which has no rows in most configurations.
fn payments(paid: &[Paid<'_>], sums: Sums) -> Vec<Value> {
    let by_rows: Money = paid.iter().map(|paid| paid.amount).sum();
    let cash = Some(Paid {
        kind: "Наличные",
        amount: sums.to_pay - by_rows,
    });
    let cash = cash.filter(|cash| cash.amount.is_positive());
    let payment = |paid: &Paid<'_>| json!({"type": paid.kind, "amount": paid.amount.to_string()});
    paid.iter().chain(&cash).map(payment).collect()
}
