//! A sale of the contract: its lines, what was paid with money and with bonuses, and whether they agree.

use std::collections::HashSet;

use kopilka_contract::{
    AsTold, Close, CustomerRef, Line, Money, Payment, Phone, Quantity, Receipt, Redemption, Words,
};
use serde::Serialize;

use super::{Contract, Said, card_code, phone, some_lines};
use crate::fault::{Fault, Problem};
use crate::fields::Field;
use crate::guest_name::GuestName;
use crate::reserve;
use crate::settings::{BonusPayments, CategorySource, ReceiptRedemption};

impl Contract<'_> {
    pub(super) fn sale(
        &self,
        document: &Field<'_>,
        external_id: String,
        said: &Said,
        remarks: &mut Vec<Words>,
    ) -> Result<Close, Fault> {
        let mut lines = self.lines(document)?;
        let paid = Paid::read(document, &self.own.bonus_payments)?;
        let spent = settle_bonuses(document, &mut lines, &paid, remarks)?;
        let phone = phone(document, remarks);
        let card = card_code(document)?.map(|code| GuestName::from_code(&code).customer());
        let reserve = document.get("bonus").get("reserveId").text()?;
        let guest = card.or_else(|| phone.clone().map(CustomerRef::Phone));
        let as_told = match said {
            Said::InItsOwn(as_told) => *as_told,
            Said::InOurWords => {
                let said = SaidSale {
                    lines: lines.iter().map(SaidLine::of).collect(),
                    payments: &paid.with_money,
                    spent,
                    guest: guest.as_ref(),
                    phone: phone.as_ref(),
                    reserve: reserve.as_deref(),
                };
                AsTold::of("1c receipt", &said)
            }
        };
        let date = document.get("date");
        let receipt = Receipt {
            version: Some(self.version(document, remarks)?),
            number: document
                .get("receiptNumber")
                .label()
                .or_else(|| document.get("number").label()),
            till: document.get("register").label(),
            shift: document.get("shiftNumber").label(),
            customer: guest,
            phone,
            total: Some(lines.iter().map(|sold| sold.line.amount).sum()),
            lines: lines.into_iter().map(|sold| sold.line).collect(),
            payments: paid.with_money,
            waiter: document.get("cashier").label(),
            ..Receipt::of(external_id, date.required(date.instant(self.settings)?)?)
        };
        Ok(Close {
            as_told,
            redemption: match self.own.receipt_redemption {
                _ if spent.is_zero() => Redemption::Nothing,
                _ if reserve.is_some() => Redemption::Held(spent),
                ReceiptRedemption::Before => Redemption::Before(spent),
                ReceiptRedemption::Now => Redemption::Now(spent),
            },
            hold: reserve
                .filter(|_| spent.is_positive())
                .map(|id| reserve::hold_name(&id)),
            ..Close::of(receipt)
        })
    }

    fn lines(&self, document: &Field<'_>) -> Result<Vec<SoldLine>, Fault> {
        let mut ids = HashSet::new();
        some_lines(document)?
            .iter()
            .enumerate()
            .map(|(index, field)| {
                let sold = self.line(field, index)?;
                if ids.insert(sold.line.line_id.clone()) {
                    Ok(sold)
                } else {
                    Err(field.get("lineId").fault(Problem::LineTwice))
                }
            })
            .collect()
    }

    fn line(&self, field: &Field<'_>, index: usize) -> Result<SoldLine, Fault> {
        let item = field.get("item");
        let line_id = field
            .get("lineId")
            .text()?
            .unwrap_or_else(|| (index + 1).to_string());
        let names = [
            item.get("name"),
            item.get("article"),
            field.get("barcode"),
            item.get("id"),
        ];
        let (quantity, amount) = (field.get("quantity"), field.get("amount"));
        Ok(SoldLine {
            bonus: field.get("bonusDiscount").money()?.unwrap_or_default(),
            line: Line {
                name: names
                    .iter()
                    .find_map(Field::label)
                    .unwrap_or_else(|| line_id.clone()),
                line_id,
                product_id: item.get("id").text()?,
                category_id: match self.own.category_source {
                    CategorySource::GroupId => item.get("groupId").text()?,
                    CategorySource::None => None,
                },
                category_name: item.get("group").label(),
                quantity: quantity.required(quantity.quantity()?)?,
                price: field.get("price").money()?,
                amount: amount.required(amount.money()?)?,
                redeemed: None,
            },
        })
    }
}

/// What a document in the words of our contract says of a sale, before any setting shapes it.
#[derive(Serialize)]
struct SaidSale<'a> {
    lines: Vec<SaidLine<'a>>,
    payments: &'a [Payment],
    spent: Money,
    guest: Option<&'a CustomerRef>,
    phone: Option<&'a Phone>,
    reserve: Option<&'a str>,
}

/// A line. A product that has an id may be renamed; of one that has none, its name and its group's tell which it is.
#[derive(Serialize)]
struct SaidLine<'a> {
    line_id: &'a str,
    product: Option<&'a str>,
    named: Option<(&'a str, Option<&'a str>)>,
    quantity: Quantity,
    amount: Money,
    bonus: Money,
}

impl<'a> SaidLine<'a> {
    fn of(sold: &'a SoldLine) -> Self {
        let line = &sold.line;
        let names = (line.name.as_str(), line.category_name.as_deref());
        SaidLine {
            line_id: &line.line_id,
            product: line.product_id.as_deref(),
            named: line.product_id.is_none().then_some(names),
            quantity: line.quantity,
            amount: line.amount,
            bonus: sold.bonus,
        }
    }
}

/// A line of a sale: `line.amount` as it was sent, net of bonuses, until [`settle_bonuses`] has seen all lines.
#[derive(Debug)]
struct SoldLine {
    line: Line,
    bonus: Money,
}

/// Payments of a sale, bonuses apart.
#[derive(Debug, Default)]
struct Paid {
    with_money: Vec<Payment>,
    with_bonuses: Money,
}

impl Paid {
    fn read(document: &Field<'_>, bonuses: &BonusPayments) -> Result<Self, Fault> {
        let mut paid = Paid::default();
        for payment in document.get("payments").items()? {
            let amount = payment.get("amount").money()?.unwrap_or_default();
            if amount.is_zero() {
                continue;
            }
            let kind = payment.get("type");
            match kind.required(kind.label())? {
                kind if bonuses.has(&kind) => paid.with_bonuses += amount,
                kind => paid.with_money.push(Payment { kind, amount }),
            }
        }
        Ok(paid)
    }

    /// What was paid with money, where payments were sent at all.
    fn money(&self) -> Option<Money> {
        let sum = self.with_money.iter().map(|payment| payment.amount).sum();
        (!self.with_money.is_empty() || self.with_bonuses.is_positive()).then_some(sum)
    }
}

/// Brings the lines from 1C's amounts, net of bonuses, to ours, before bonuses; checks them against the total and
/// the payments; answers how much was paid with bonuses.
fn settle_bonuses(
    document: &Field<'_>,
    lines: &mut [SoldLine],
    paid: &Paid,
    remarks: &mut Vec<Words>,
) -> Result<Money, Fault> {
    let sum: Money = lines.iter().map(|sold| sold.line.amount).sum();
    let on_lines: Money = lines.iter().map(|sold| sold.bonus).sum();
    let declared = document.get("bonus").get("spent");
    let spent = declared
        .money()?
        .filter(|spent| spent.is_positive())
        .unwrap_or(paid.with_bonuses);
    let total = document.get("total");
    let total_sent = total.money()?;

    if on_lines.is_zero() && spent.is_positive() {
        // The spread is unknown. Only a sum that lacks the bonuses shows that the lines do not.
        let net = sum - spent;
        if total_sent != Some(net) && paid.money() != Some(net) {
            return Err(declared.fault(Problem::BonusesOnNoLine { spent }));
        }
        return Ok(spent);
    }
    if on_lines.is_positive() && paid.money() == Some(sum - on_lines) {
        let problem = Problem::LinesBeforeBonuses {
            lines: sum,
            paid: sum - on_lines,
        };
        return Err(document.get("lines").fault(problem));
    }
    if let Some(total_sent) = total_sent.filter(|total| *total != sum && *total != sum + on_lines) {
        if !is_rounding(sum - total_sent, lines.len()) {
            return Err(total.fault(Problem::TotalDiffers {
                lines: sum,
                total: total_sent,
            }));
        }
        remarks.push(Words::new(
            format!("итог {total_sent} отличается от суммы строк {sum} из-за округления; взята сумма строк"),
            format!("the total {total_sent} differs from the lines' {sum} by rounding; the lines were taken"),
        ));
    }
    if on_lines.is_positive() {
        if spent.is_positive() && spent != on_lines {
            remarks.push(Words::new(
                format!("bonus.spent {spent}, а в строках bonusDiscount {on_lines}; взяты строки"),
                format!("bonus.spent is {spent}, but bonusDiscount of the lines is {on_lines}; the lines were taken"),
            ));
        }
        for sold in lines {
            sold.line.amount += sold.bonus;
            sold.line.redeemed = Some(sold.bonus);
        }
    }
    Ok(on_lines)
}

/// Whether a difference can come of rounding each line to kopecks: at most half a kopeck a line.
fn is_rounding(difference: Money, lines: usize) -> bool {
    usize::try_from(difference.kopecks().unsigned_abs()).is_ok_and(|kopecks| kopecks <= lines.div_ceil(2))
}
