//! A return of the contract, and documents that their base has taken back.

use kopilka_contract::{Ask, GiveBack, LineBack, ProductBack, Stands, UndoReturn, WhatBack, Words};

use super::{Contract, Operation, guid_in_lower_case, some_lines};
use crate::fault::{Fault, Problem};
use crate::fields::Field;

impl Contract<'_> {
    /// A document that its base has taken back: a sale is cancelled until a newer version of it is posted, a return is undone.
    pub(super) fn cancel(
        &self,
        operation: Operation,
        document: &Field<'_>,
        id: String,
        remarks: &mut Vec<Words>,
    ) -> Result<Ask, Fault> {
        let version = self.version(document, remarks)?;
        let made = document.get("fileTime").instant(self.settings)?;
        let at = made.unwrap_or_else(|| self.received_at.fixed_offset());
        Ok(match operation {
            Operation::Sale => Ask::GiveBack(GiveBack {
                external_id: format!("{id}:cancelled:{version}"),
                sale: id,
                version: Some(version),
                returned_at: at,
                what: WhatBack::Everything,
                rollback: true,
                stands: Stands::WithItsSale,
            }),
            Operation::Return => Ask::UndoReturn(UndoReturn {
                external_id: id,
                sale: sale_of(document)?,
                version,
                undone_at: at,
            }),
        })
    }

    pub(super) fn give_back(
        &self,
        document: &Field<'_>,
        external_id: String,
        remarks: &mut Vec<Words>,
    ) -> Result<GiveBack, Fault> {
        let sale = sale_of(document)?;
        let date = document.get("date");
        let lines = some_lines(document)?
            .iter()
            .map(line_back)
            .collect::<Result<_, _>>()?;
        Ok(GiveBack {
            external_id,
            sale,
            version: Some(self.version(document, remarks)?),
            returned_at: date.required(date.instant(self.settings)?)?,
            what: WhatBack::Lines(lines),
            rollback: false,
            stands: Stands::ByItself,
        })
    }
}

/// The sale that a return brings back.
fn sale_of(document: &Field<'_>) -> Result<String, Fault> {
    let sale = document.get("saleDocumentId");
    let id = sale
        .text()?
        .ok_or_else(|| sale.fault(Problem::ReturnWithoutSale))?;
    Ok(guid_in_lower_case(id))
}

/// Lines that name neither a line of the sale nor a key of such lines come off whichever of their product.
fn line_back(line: &Field<'_>) -> Result<LineBack, Fault> {
    let (sold, quantity) = (line.get("saleLineId"), line.get("quantity"));
    let (line_id, key) = (sold.text()?, line.get("saleLineKey").text()?);
    let id = line.get("item").get("id").text()?.or_else(|| key.clone());
    if line_id.is_none() && id.is_none() {
        return Err(sold.fault(Problem::ReturnedLineUnknown));
    }
    // Only a hint at which line is meant: bases write it in many ways.
    let worth = line.get("amount").money().ok().flatten();
    let worth = worth.filter(|amount| amount.is_positive());
    let any_line = line_id.is_none();
    Ok(LineBack {
        line_id: line_id.or(key).unwrap_or_default(),
        product: id.map(|id| ProductBack { id, worth, any_line }),
        quantity: Some(quantity.required(quantity.quantity()?)?),
        amount: None,
    })
}
