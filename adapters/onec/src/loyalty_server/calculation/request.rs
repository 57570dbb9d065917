//! What a till asks about a receipt that is not closed yet.

use kopilka_contract::{Line, Message, Receipt, Settings};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fault::Fault;
use crate::fields::Field;
use crate::guest_name::GuestName;

/// The lines, to be given back as they came.
#[derive(Deserialize)]
pub(super) struct Echo {
    /// Rows as they were written.
    #[serde(rename = "Goods")]
    pub(super) goods: Vec<Box<RawValue>>,
}

/// What a till wants to know about a receipt that is not closed yet.
#[derive(Debug)]
pub(super) struct Calculation {
    /// Who is buying.
    pub(super) guest: Option<GuestName>,
    /// The card is told, and its bonuses are locked: as 1C's own supplier does, never without telling it.
    pub(super) lock: bool,
    /// `GetLoyaltyCardData`
    pub(super) card_wanted: bool,
    /// `GetMaxBonusPay`
    pub(super) most_wanted: bool,
    /// The till has to bring back discounts that its cashier had picked.
    pub(super) recover: bool,
    /// Promo codes that the guest named.
    pub(super) promo_codes: Vec<String>,
    /// What to quote; `None` for a return, and where there is nothing to sell yet.
    pub(super) receipt: Option<Receipt>,
}

/// Reads it.
///
/// # Errors
/// What 1C's own supplier insists on is missing, or cannot be read.
pub(super) fn understand(
    request: &Field<'_>,
    message: &Message<'_>,
    settings: &Settings,
) -> Result<Calculation, Fault> {
    for name in ["ObjectTime", "LoyaltyCardsList", "Goods", "RetailStore"] {
        request.get(name).present()?;
    }
    let cards = request.get("LoyaltyCardsList").items()?;
    let code = cards.first().map(Field::text).transpose()?.flatten();
    let guest = code.map(|code| GuestName::from_code(&code));
    let at = request.get("ObjectTime").instant(settings)?;
    let lines = (request.get("Goods").items()?.iter().enumerate())
        .map(|(index, line)| sold(line, index))
        .collect::<Result<Vec<_>, _>>()?;
    let lines: Vec<Line> = lines.into_iter().flatten().collect();
    let closed_at = at.unwrap_or_else(|| message.received_at.fixed_offset());
    let is_sale = !request.get("Return").flag() && !lines.is_empty();
    let card_wanted = request.get("GetLoyaltyCardData").flag();
    Ok(Calculation {
        lock: card_wanted && request.get("BlockBonuses").flag(),
        card_wanted,
        most_wanted: request.get("GetMaxBonusPay").flag(),
        recover: request.get("RecoverManagedDiscounts").flag(),
        promo_codes: (request.get("PromocodesList").items()?.iter())
            .filter_map(|code| code.get("Promocode").label())
            .collect(),
        receipt: is_sale.then(|| quoted(closed_at, guest.as_ref(), lines)),
        guest,
    })
}

/// A line as it stands now; `None`: it was struck out, or is given away.
fn sold(line: &Field<'_>, index: usize) -> Result<Option<Line>, Fault> {
    let (amount, quantity) = (line.get("Amount"), line.get("Count"));
    let amount = amount.required(amount.money()?)?;
    let Some(quantity) = quantity.quantity_if_any()? else {
        return Ok(None);
    };
    let item = line.get("Item");
    Ok(Some(Line {
        // Rows that a till has not numbered yet may share an id: their place tells them apart.
        line_id: (index + 1).to_string(),
        name: item
            .get("Name")
            .label()
            .unwrap_or_else(|| (index + 1).to_string()),
        product_id: item.get("Ref").text()?,
        category_id: None,
        category_name: None,
        quantity,
        price: line.get("Price").money()?,
        amount,
        redeemed: None,
    }))
}

fn quoted(
    closed_at: chrono::DateTime<chrono::FixedOffset>,
    guest: Option<&GuestName>,
    lines: Vec<Line>,
) -> Receipt {
    Receipt {
        customer: guest.map(GuestName::customer),
        lines,
        // Nothing is posted under the name.
        ..Receipt::of("calculatediscounts".to_owned(), closed_at)
    }
}
