//! A till's receipt as the ledger knows it.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use kopilka_contract::{CustomerRef, Language, Line, Money, Quantity, Receipt};

use crate::Connection;
use crate::check::Check;
use crate::lines::Sold;
use crate::payments::Payments;
use crate::read_error::ReadError;
use crate::remark::Remark;
use crate::request::{Kind, Packet};
use crate::till_time;

/// A receipt, and what a person should know about how it was read.
#[derive(Debug)]
pub(crate) struct ReadReceipt {
    pub(crate) receipt: Receipt,
    pub(crate) remarks: Vec<Remark>,
}

/// When a message was made: the till's own word, else when it reached us.
pub(crate) fn made_at(check: Option<&Check>, connection: &Connection) -> NaiveDateTime {
    check
        .and_then(|check| check.generated_at)
        .unwrap_or_else(|| till_time::wall_clock(connection.received_at, connection.common.time_zone))
}

impl ReadReceipt {
    /// From the receipt XML.
    pub(crate) fn of_check(
        check: &Check,
        external_id: String,
        customer: Option<CustomerRef>,
        redeemed: Money,
        connection: &Connection,
    ) -> Result<Self, ReadError> {
        let own = &connection.own;
        let payments = Payments::of(check, own);
        let sold = Sold::of(check, &payments, redeemed, own)?;
        let made_at = made_at(Some(check), connection);
        let by_type = look_up(&own.order_types, check.order_type.as_ref());
        let by_category = look_up(&own.order_categories, check.order_category.as_ref());
        Ok(ReadReceipt {
            receipt: Receipt {
                external_id,
                version: Some(till_time::version(made_at)),
                number: check.number.clone(),
                till: check.station.clone(),
                shift: check.shift.clone(),
                closed_at: connection.common.local(check.closed_at.unwrap_or(made_at)),
                kind: by_type.or(by_category),
                customer,
                phone: None,
                customer_name: None,
                lines: sold.lines,
                payments: payments.others,
                total: Some(sold.total),
                waiter: waiter(check, own.waiter_role.as_deref()),
                guests: check.guests,
                comment: check.comment.clone(),
                advertising_source: None,
            },
            remarks: sold.remarks,
        })
    }

    /// From the transactions alone, where the interface does not send receipts. Kind 3 is what the guest paid with
    /// money by one text of the vendor and the whole receipt by another; the first is taken, since a receipt of
    /// ours is the sum of both parts.
    pub(crate) fn of_rows(
        packet: &Packet,
        external_id: String,
        customer: Option<CustomerRef>,
        redeemed: Money,
        connection: &Connection,
    ) -> Result<Self, ReadError> {
        let total = packet.sum(Kind::Spending)? + redeemed;
        let made_at = made_at(None, connection);
        let first = packet.rows.first().map(|row| &row.receipt);
        let line = Line {
            line_id: "1".to_owned(),
            name: match connection.common.language {
                Language::Ru => "Чек без состава",
                Language::En => "Receipt without lines",
            }
            .to_owned(),
            product_id: None,
            category_id: None,
            category_name: None,
            quantity: Quantity::ONE,
            price: None,
            amount: total,
            redeemed: None,
        };
        Ok(ReadReceipt {
            receipt: Receipt {
                version: Some(till_time::version(made_at)),
                number: first.and_then(|row| row.number).map(|number| number.to_string()),
                till: first.and_then(|row| row.till).map(|till| till.to_string()),
                customer,
                lines: vec![line],
                total: Some(total),
                ..Receipt::of(external_id, connection.common.local(made_at))
            },
            remarks: vec![Remark::NoReceiptXml],
        })
    }
}

/// The person of that role; the first one where no role is named.
fn waiter(check: &Check, role: Option<&str>) -> Option<String> {
    let mut persons = check.persons.iter();
    let found = persons.find(|(its, _)| role.is_none() || its.as_deref() == role);
    found.map(|(_, name)| name.clone())
}

fn look_up(kinds: &BTreeMap<String, String>, code: Option<&String>) -> Option<String> {
    kinds.get(code?).cloned()
}
