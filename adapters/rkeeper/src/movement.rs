//! `TransactionsEx`: apply the money movements of a receipt, all or none.
//!
//! | `chmode` | asked of the ledger |
//! | --- | --- |
//! | 1 payment | close the receipt |
//! | 2 rollback of a payment | give everything back; a newer attempt may sell again |
//! | 3 return | give everything back |
//! | 4 rollback of a return | the sale stands again |
//! | 5 to 13 | nothing: orders, guest bills, prints |
//! | 0 | a script's transaction without a receipt: refused, or as the next row, by a setting |
//! | no receipt XML | close, or as rollback of a payment, by the signs of the transactions |

use chrono::NaiveDateTime;
use kopilka_contract::{
    Ask, Close, Closed, Dialogue, GiveBack, Language, Money, PaidBy, Payer, Redemption, Refusal, Reply,
    Stands, Told, UndoReturn, WhatBack, Words,
};

use crate::Connection;
use crate::answer::{self, Form, Tag};
use crate::card_code;
use crate::card_info::is_unknown_card;
use crate::check::{Check, Moment};
use crate::function::Function;
use crate::payments::Payments;
use crate::read_error::ReadError;
use crate::receipt::{ReadReceipt, made_at};
use crate::remark::Remark;
use crate::request::{Kind, Packet};
use crate::settings::{AccrualSource, ScriptTransactions};
use crate::till_text;
use crate::till_time;
use crate::told_sale::as_told;

/// One packet of transactions.
#[derive(Debug)]
pub(crate) struct Movement {
    ask: Option<Ask>,
    slip: Slip,
    remarks: Vec<Remark>,
    form: Form,
    received_at: NaiveDateTime,
}

/// What a packet does to a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Sell,
    RollBack,
    Return,
    UndoReturn,
    /// Another connection posts the sale: what an attempt before has redeemed here comes back.
    LeaveToAnother,
    Nothing,
}

/// Where a slip goes: without a card there is none, without a row of the receipt a till does not print it.
#[derive(Debug, Default)]
struct Slip {
    card: Option<String>,
    /// Ordinal of the transaction in the packet, from 1; 0 adds a row.
    number: u8,
    /// `linetag` and `uni`.
    row: Option<(&'static str, String)>,
    /// Other cards that pay: ordinal of the transaction, code, amount, number of the payment row.
    payers: Vec<PayingCard>,
    /// Layout of a document to print as well.
    document: Option<u16>,
}

/// A card that is not the first of the receipt and whose bonuses pay a part of it.
#[derive(Debug, Clone)]
struct PayingCard {
    number: usize,
    code: String,
    amount: Money,
    row: Option<String>,
}

impl Movement {
    pub(crate) fn new(packet: &Packet, connection: &Connection) -> Result<Self, ReadError> {
        let check = packet.check.as_ref();
        let card = first_card(packet);
        let mut movement = Movement {
            ask: None,
            slip: Slip::default(),
            remarks: remarks(packet, connection),
            form: connection.form(),
            received_at: till_time::wall_clock(connection.received_at, connection.common.time_zone),
        };
        let deed = match deed(packet, connection)? {
            // An attempt before may have been paid with bonuses, and nobody else would give them back. As a return it would
            // wait for a sale that never comes here.
            Deed::Sell | Deed::Return if is_kept_aside(packet, connection)? => Deed::LeaveToAnother,
            deed => deed,
        };
        let payers = paying_cards(packet, card.as_deref(), connection);
        movement.ask = match deed {
            Deed::Nothing => None,
            Deed::Sell => {
                let (close, remarks) = sale(packet, card.as_deref(), &payers, connection)?;
                movement.remarks.extend(remarks);
                Some(Ask::Close(close))
            }
            Deed::UndoReturn => Some(Ask::UndoReturn(undo_return(packet, connection)?)),
            Deed::RollBack | Deed::Return | Deed::LeaveToAnother => {
                Some(Ask::GiveBack(give_back(packet, deed, connection)?))
            }
        };
        movement.slip = Slip {
            card,
            number: u8::from(!packet.rows.is_empty()),
            row: check.and_then(|check| row_for_slip(check, connection)),
            payers,
            document: connection.own.print_document,
        };
        Ok(movement)
    }

    /// Whether any bonuses could change. A receipt without a card is kept for statistics only.
    pub(crate) fn concerns_a_guest(&self) -> bool {
        match &self.ask {
            None => false,
            Some(Ask::Close(close)) => {
                close.receipt.customer.is_some() || close.redemption != Redemption::Nothing
            }
            Some(_) => self.slip.card.is_some(),
        }
    }

    fn redeems(&self) -> bool {
        matches!(&self.ask, Some(Ask::Close(close)) if matches!(close.redemption, Redemption::Now(_)))
    }

    fn sold(&self, closed: &Closed) -> Reply {
        let language = self.form.language;
        let remarks = till_text::messages(&closed.cashier_messages, language);
        let card = self.slip.card.as_ref().filter(|_| closed.customer_id.is_some());
        let Some(card) = card else {
            return self.accepted(&remarks);
        };
        let (linetag, uni) = self.slip.row.clone().unzip();
        let row = Tag::new("TRANSACTION")
            .with("num", self.slip.number)
            .with("cardcode", card)
            .with("ext_id", &closed.id)
            .with_some("linetag", linetag)
            .with_some("uni", uni)
            .with(
                "slip",
                till_text::lines(&self.slip_lines(closed), till_text::MESSAGE),
            )
            .with("extinfo", format!("BonusAdded={}", closed.accrued.kopecks()));
        let mut response = answer::success(self.received_at, &remarks).holding(row);
        for payer in &self.slip.payers {
            response = response.holding(payer_row(payer, closed, language));
        }
        if let Some(code) = self.slip.document {
            response = response.holding(answer::print_document(code, card, &self.slip_lines(closed)));
        }
        self.form.applied_with(response)
    }

    /// What the first card of the receipt paid and earned.
    fn slip_lines(&self, closed: &Closed) -> Vec<String> {
        let language = self.form.language;
        let by_others: Money = self.slip.payers.iter().map(|payer| payer.amount).sum();
        let (redeemed, accrued, balance) = match language {
            Language::Ru => ("Списано бонусов", "Начислено бонусов", "Баланс"),
            Language::En => ("Bonuses paid", "Bonuses earned", "Balance"),
        };
        let available = closed.balance.as_ref().map(|balance| balance.available);
        [
            (
                redeemed,
                Some(closed.redeemed - by_others).filter(|amount| amount.is_positive()),
            ),
            (
                accrued,
                Some(closed.accrued).filter(|amount| amount.is_positive()),
            ),
            (balance, available),
        ]
        .into_iter()
        .filter_map(|(what, amount)| Some(format!("{what}: {}", till_text::amount(amount?, language))))
        .collect()
    }

    fn accepted(&self, remarks: &[String]) -> Reply {
        if remarks.is_empty() {
            return self.form.applied();
        }
        self.form.applied_with(answer::success(self.received_at, remarks))
    }

    fn refused(&self, refusal: &Refusal) -> Reply {
        // Statistics must not keep a till from closing its receipts, nor a forgotten card a guest from leaving.
        if !self.concerns_a_guest() {
            return self.form.applied();
        }
        if is_unknown_card(refusal) && !self.redeems() {
            let remark = refusal.words.in_language(self.form.language).to_owned();
            return self.accepted(&[remark]);
        }
        self.form.refused(refusal)
    }
}

impl Dialogue for Movement {
    fn asks(&self) -> Vec<Ask> {
        self.ask.iter().cloned().collect()
    }

    /// A payment with a guest is asked for before the receipt is printed: what is refused, or fails, is not closed so. One without a
    /// guest the till closes whatever happens.
    fn asks_before_sale(&self) -> bool {
        matches!(self.ask, Some(Ask::Close(_))) && self.concerns_a_guest()
    }

    fn remarks(&self) -> Vec<Words> {
        self.remarks.iter().map(Remark::words).collect()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match (&self.ask, told.first()) {
            (None, _) => self.form.applied(),
            (Some(Ask::Close(_)), Some(Ok(Told::Closed(closed)))) => self.sold(closed),
            (Some(Ask::GiveBack(_) | Ask::UndoReturn(_)), Some(Ok(Told::Returned(_)))) => self.form.applied(),
            (Some(_), Some(Err(refusal))) => self.refused(refusal),
            (Some(_), _) => self.form.not_done(Function::TransactionsEx, &crate::unanswered()),
        }
    }
}

fn deed(packet: &Packet, connection: &Connection) -> Result<Deed, ReadError> {
    match packet.check.as_ref().map(|check| check.moment) {
        Some(Moment::Payment) => Ok(Deed::Sell),
        Some(Moment::PaymentRollback) => Ok(Deed::RollBack),
        Some(Moment::Return) => Ok(Deed::Return),
        Some(Moment::ReturnRollback) => Ok(Deed::UndoReturn),
        Some(Moment::Technical) if !packet.rows.is_empty() => match connection.own.script_transactions {
            ScriptTransactions::Refuse => Err(ReadError::ScriptTransaction),
            ScriptTransactions::Apply => deed_by_signs(packet),
        },
        Some(Moment::Technical | Moment::Counting | Moment::Editing | Moment::Looking) => Ok(Deed::Nothing),
        None => deed_by_signs(packet),
    }
}

/// Without a receipt only the signs tell a sale from its undoing, and nothing tells a rollback from a return. It is taken for
/// a rollback: the receipt may be paid again under the same numbers, and that must not pass for a repeat.
fn deed_by_signs(packet: &Packet) -> Result<Deed, ReadError> {
    let mut signs = packet.rows.iter().filter_map(|row| row.kind.sells(row.amount));
    let Some(first) = signs.next() else {
        return Ok(Deed::Nothing);
    };
    if signs.any(|sells| sells != first) {
        return Err(ReadError::MixedSigns);
    }
    Ok(if first { Deed::Sell } else { Deed::RollBack })
}

/// What identifies the receipt for ever: its GUID, which a return and every repeat share; else its numbers.
fn receipt_key(packet: &Packet) -> Result<String, ReadError> {
    let script = packet
        .check
        .as_ref()
        .filter(|check| check.moment == Moment::Technical);
    if let Some(check) = script {
        return script_key(check, packet);
    }
    let guid = packet.check.as_ref().and_then(|check| check.guid.clone());
    guid.or_else(|| packet.rows.first()?.receipt.key())
        .ok_or(ReadError::Missing("CHECKDATA@checkguid"))
}

/// A script's transactions have no receipt. Where their rows have the numbers of one, these and what is moved stand for
/// it, so that an undoing finds what it undoes; else the moment at which they were made and what is moved do, and
/// then nothing could be undone by a later message.
fn script_key(check: &Check, packet: &Packet) -> Result<String, ReadError> {
    let first = packet.rows.first();
    let moved = moved(packet);
    if let Some(receipt) = first.and_then(|row| row.receipt.key()) {
        return Ok(format!("script/{receipt}/{moved}"));
    }
    if deed_by_signs(packet)? == Deed::RollBack {
        return Err(ReadError::ScriptUndo);
    }
    let made_at = check
        .generated_at
        .ok_or(ReadError::Missing("CHECK@generateddatetime"))?;
    let till = check
        .station
        .clone()
        .or_else(|| Some(first?.receipt.till?.to_string()))
        .unwrap_or_default();
    Ok(format!(
        "script/{till}/{}/{moved}",
        made_at.format("%Y-%m-%dT%H:%M:%S%.f")
    ))
}

/// What rows move, whatever its sign: card, kind and kopecks of each.
fn moved(packet: &Packet) -> String {
    let rows = packet.rows.iter().filter(|row| !row.amount.is_zero());
    let moved: Vec<String> = rows
        .map(|row| {
            let kopecks = row.amount.kopecks().unsigned_abs();
            format!("{}:{}:{kopecks}", row.card, row.kind.code())
        })
        .collect();
    moved.join(",")
}

fn sale(
    packet: &Packet,
    card: Option<&str>,
    payers: &[PayingCard],
    connection: &Connection,
) -> Result<(Close, Vec<Remark>), ReadError> {
    let check = packet.check.as_ref();
    let seen = check.map(|check| Payments::of(check, &connection.own).bonuses);
    let (redemption, remark) = redemption(packet, seen)?;
    let guest = card.map(|code| card_code::guest_of(code, connection.own.card_as_phone));
    let key = receipt_key(packet)?;
    let amount = redemption.amount();
    let read = match check {
        Some(check) if check.moment != Moment::Technical => {
            ReadReceipt::of_check(check, key, guest, amount, connection)?
        }
        _ => ReadReceipt::of_rows(packet, key, guest, amount, connection)?,
    };
    let close = Close {
        as_told: as_told(packet),
        redemption,
        payers: payers
            .iter()
            .map(|payer| Payer {
                by: PaidBy::Guest(card_code::guest_of(&payer.code, connection.own.card_as_phone)),
                amount: payer.amount,
            })
            .collect(),
        accrual: match connection.own.accrual_source {
            _ if accrues_elsewhere(packet, connection) => Some(Money::ZERO),
            AccrualSource::Service => None,
            AccrualSource::Till => Some(counted_bonuses(packet, card)?),
        },
        ..Close::of(read.receipt)
    };
    Ok((close, read.remarks.into_iter().chain(remark).collect()))
}

/// Whether the order is a delivery that r_keeper Delivery's own connection posts: it would accrue twice.
fn accrues_elsewhere(packet: &Packet, connection: &Connection) -> bool {
    let check = packet.check.as_ref();
    check.is_some_and(|check| connection.own.is_posted_elsewhere(check))
}

/// Whether nothing of the sale of such an order is for this connection: it is the other one's receipt, and this till moves
/// no bonuses for it.
fn is_kept_aside(packet: &Packet, connection: &Connection) -> Result<bool, ReadError> {
    Ok(accrues_elsewhere(packet, connection) && packet.sum(Kind::Payment)?.is_zero())
}

/// What is redeemed: the transactions of kind 0 say so. A payment row of ours without one was not sent to be written
/// off, so it only lowers the base.
fn redemption(packet: &Packet, seen: Option<Money>) -> Result<(Redemption, Option<Remark>), ReadError> {
    let paid = -packet.sum(Kind::Payment)?;
    if paid < Money::ZERO {
        return Err(ReadError::PaymentAddsBonuses);
    }
    let seen = seen.unwrap_or(paid);
    let remark = (seen != paid).then_some(Remark::BonusesDiffer { shown: seen, paid });
    let redemption = if paid.is_positive() {
        Redemption::Now(paid)
    } else if seen.is_positive() {
        Redemption::Unconfirmed(seen)
    } else {
        Redemption::Nothing
    };
    Ok((redemption, remark))
}

/// The cards after the first that pay with bonuses, each with what it pays in all.
fn paying_cards(packet: &Packet, first: Option<&str>, connection: &Connection) -> Vec<PayingCard> {
    let (holders, mut paying) = (holders(packet), Vec::<PayingCard>::new());
    let payments = packet
        .check
        .as_ref()
        .map(|check| Payments::of(check, &connection.own));
    for (index, row) in packet.rows.iter().enumerate() {
        // A row that names no card is the first one's.
        let nameless = row.card.trim_start_matches('0').is_empty();
        if row.kind != Kind::Payment || row.amount.is_zero() || nameless {
            continue;
        }
        let Some(code) = card_code::code_of(&row.card, holders).filter(|code| Some(code.as_str()) != first)
        else {
            continue;
        };
        let amount = -row.amount;
        match paying.iter_mut().find(|known| known.code == code) {
            Some(known) => known.amount += amount,
            None => paying.push(PayingCard {
                number: index + 1,
                row: payments.as_ref().and_then(|payments| payments.row_of(&code)),
                code,
                amount,
            }),
        }
    }
    paying.retain(|payer| !payer.amount.is_zero());
    paying
}

/// What the till has counted for the first card. Bonuses of another card are not the receipt's, and are only noted.
fn counted_bonuses(packet: &Packet, first: Option<&str>) -> Result<Money, ReadError> {
    let counted = Money::checked_sum(bonuses_of(packet, first, true));
    counted
        .filter(|sum| (Money::ZERO..=Money::MAX_INPUT).contains(sum))
        .ok_or(ReadError::TooLarge("TransactionsEx@Summa"))
}

/// Bonuses that the till has counted, for the first card or for others.
fn bonuses_of<'a>(
    packet: &'a Packet,
    first: Option<&'a str>,
    of_first: bool,
) -> impl Iterator<Item = Money> + 'a {
    let holders = holders(packet);
    packet
        .rows
        .iter()
        .filter(|row| row.kind == Kind::Bonus && !row.amount.is_zero())
        .filter(move |row| {
            let code = card_code::code_of(&row.card, holders);
            code.as_deref().is_none_or(|code| Some(code) == first) == of_first
        })
        .map(|row| row.amount)
}

fn undo_return(packet: &Packet, connection: &Connection) -> Result<UndoReturn, ReadError> {
    let sale = receipt_key(packet)?;
    let made_at = made_at(packet.check.as_ref(), connection);
    Ok(UndoReturn {
        external_id: return_id(&sale),
        sale,
        version: till_time::version(made_at),
        undone_at: connection.common.local(made_at),
    })
}

/// Id of the return of a receipt, which is returned once at a time.
fn return_id(sale: &str) -> String {
    format!("{sale}/return")
}

fn give_back(packet: &Packet, deed: Deed, connection: &Connection) -> Result<GiveBack, ReadError> {
    let sale = receipt_key(packet)?;
    let made_at = made_at(packet.check.as_ref(), connection);
    let version = till_time::version(made_at);
    Ok(GiveBack {
        // One payment may be rolled back again after another attempt; a receipt is returned once.
        external_id: match deed {
            Deed::RollBack => format!("{sale}/rollback/{version}"),
            Deed::LeaveToAnother => GiveBack::of_sale_elsewhere(&sale, version),
            _ => return_id(&sale),
        },
        sale,
        version: Some(version),
        returned_at: connection.common.local(made_at),
        what: WhatBack::Everything,
        rollback: deed != Deed::Return,
        stands: Stands::WithItsSale,
    })
}

fn holders(packet: &Packet) -> &[String] {
    packet.check.as_ref().map_or(&[], |check| &check.holders)
}

/// The card of the first transaction that has one, else the first of the receipt.
fn first_card(packet: &Packet) -> Option<String> {
    let holders = holders(packet);
    let of_rows = packet
        .rows
        .iter()
        .filter(|row| !row.card.trim_start_matches('0').is_empty())
        .find_map(|row| card_code::code_of(&row.card, holders));
    of_rows.or_else(|| card_code::code_of("", holders))
}

/// A row to tie the slip to: our payment, our discount, else the first line.
fn row_for_slip(check: &Check, connection: &Connection) -> Option<(&'static str, String)> {
    let payment = Payments::of(check, &connection.own).bonus_row;
    let ours = |interface: &Option<String>| interface.is_some() && *interface == check.interface;
    let discount = check
        .discounts
        .iter()
        .filter(|discount| ours(&discount.interface))
        .find_map(|discount| discount.uni.clone());
    let line = check.lines.iter().find_map(|line| line.uni.clone());
    None.or(payment.map(|uni| ("PAYMENT", uni)))
        .or(discount.map(|uni| ("DISCOUNT", uni)))
        .or(line.map(|uni| ("LINE", uni)))
}

fn remarks(packet: &Packet, connection: &Connection) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let first = first_card(packet);
    let counted = |of_first| bonuses_of(packet, first.as_deref(), of_first).next().is_some();
    match connection.own.accrual_source {
        AccrualSource::Service if counted(true) || counted(false) => remarks.push(Remark::TillBonusNotPosted),
        AccrualSource::Till if counted(false) => remarks.push(Remark::BonusOfOtherCard),
        AccrualSource::Service | AccrualSource::Till => {}
    }
    if accrues_elsewhere(packet, connection) {
        remarks.push(match is_kept_aside(packet, connection) {
            Ok(true) => Remark::LeftToDelivery,
            _ => Remark::DeliveryAccrues,
        });
    }
    for row in &packet.rows {
        if let Kind::Other(code) = row.kind {
            remarks.push(Remark::KindNotPosted {
                code,
                amount: row.amount,
            });
        }
    }
    let generated = packet.check.as_ref().map(|check| check.generated_at);
    if generated == Some(None) {
        remarks.push(Remark::NoTime);
    }
    remarks
}

/// What another card paid, for its own slip.
fn payer_row(payer: &PayingCard, closed: &Closed, language: Language) -> Tag {
    let paid = match language {
        Language::Ru => "Списано бонусов",
        Language::En => "Bonuses paid",
    };
    let row = payer.row.as_ref();
    Tag::new("TRANSACTION")
        .with("num", payer.number)
        .with("cardcode", &payer.code)
        .with("ext_id", &closed.id)
        .with_some("linetag", row.map(|_| "PAYMENT"))
        .with_some("uni", row)
        .with(
            "slip",
            format!("{paid}: {}", till_text::amount(payer.amount, language)),
        )
}
