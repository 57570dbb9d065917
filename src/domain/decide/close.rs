//! Closing a receipt, and quoting one: the same decision, written down or not.

use std::borrow::Cow;

use kopilka_contract::{
    CashierMessage, Close, Closed, Factor, FactorKind, ReceiptStatus, Redemption, Returned, Stands, Telling,
    Words,
};

use super::Context;
use super::booking::{credit_accrual, refund, undo_accrual};
use super::decided::{Decided, store};
use super::give_back::{apply_waiting, is_rolled_back, latest, nothing_returned};
use super::guest_of_sale::{Guest, guest, is_taken_off, named_hold};
use super::held;
use super::payers::{give_back_to_payers, paying_holds, sheet_of};
use super::payment::{LineSpread, Pays, book_payment, line_spread, unconfirmed, unposted_spread, what_pays};
use super::receipt_identity::{answer_known, check, fingerprint, says_the_same};
use super::sheet::{Reason, Sheet, cashier_messages, may_redeem};
use super::tell_anew::{is_told_anew, stand_as_told, stands_as_told, tell_anew};
use crate::domain::accrual::{self, Accrual, Sale};
use crate::domain::books::{Hash, types};
use crate::domain::ids::{HoldId, ReceiptId};
use crate::domain::redemption::redeem_limit;
use crate::domain::refusal::Refusal;
use crate::domain::world::{CustomerFacts, RedemptionPart, SourceKey, StoredReceipt, World};
use crate::domain::{Money, Timestamp};

/// Closes a receipt: exactly once, for ever.
///
/// # Errors
/// `invalid-request`, `receipt-conflict`, `receipt-has-returns`, `receipt-cancelled`, `customer-not-found`,
/// `card-blocked`, `customer-blocked`, `hold-not-found`, `insufficient-balance`, `redeem-limit`, `redeem-spread`,
/// `accrual-too-large`, and those of a sale without a network: `offline-permit-missing`, `offline-permit-invalid`,
/// `offline-permit-expired`, `offline-permit-spent`, `venue-archived`. Nothing changes then.
pub fn close(world: &mut World, cx: Context<'_>, ask: &Close) -> Result<Closed, Refusal> {
    check(cx, &ask.receipt)?;
    if ask.receipt.external_id.trim().is_empty() {
        return Err(Refusal::invalid(
            "/external_id",
            "Нет номера чека у источника.",
            "The receipt has no id.",
        ));
    }
    let key = cx.key(&ask.receipt.external_id);
    let fingerprint = fingerprint(ask);
    let previous = world.receipts.get(&key).cloned();
    if let Some(known) = previous.as_ref().filter(|known| is_told_anew(known, ask)) {
        return tell_anew(world, cx, ask, known.clone(), fingerprint);
    }
    if previous.is_none() && is_rolled_back(world, &key, ask.receipt.version) {
        return Err(Refusal::ReceiptCancelled { late: true });
    }
    if let Some(known) = &previous
        && let Some(answer) = answer_known(world, cx, known, ask, fingerprint)?
    {
        if known.status == ReceiptStatus::Closed && says_the_same(known, ask, fingerprint) {
            let taken_off = is_taken_off(ask, Some(known));
            said_again(world, cx, &key, ask, taken_off);
        }
        // A return that came at the same moment as the sale has not found it.
        apply_waiting(world, cx, &key);
        return Ok(answer);
    }
    if let Some(known) = previous
        .as_ref()
        .filter(|known| stands_as_told(world, known, ask))
    {
        return stand_as_told(world, cx, known.clone(), ask);
    }
    let stands = previous
        .as_ref()
        .is_some_and(|known| known.status != ReceiptStatus::Cancelled);
    let telling = if stands && ask.receipt.version.is_some() {
        Telling::Newer
    } else {
        Telling::First
    };
    let answer = post(world, cx, ask, previous, fingerprint)?;
    Ok(Closed { telling, ..answer })
}

/// The receipt with each line in its category: the one that the till names, else the one that the menu knows.
fn in_categories(ask: &Close) -> Cow<'_, Close> {
    if ask.menu_categories.is_empty() {
        return Cow::Borrowed(ask);
    }
    let mut ask = ask.clone();
    for line in &mut ask.receipt.lines {
        let of_menu = || ask.menu_categories.get(line.product_id.as_ref()?).cloned();
        line.category_id = line.category_id.take().or_else(of_menu);
    }
    Cow::Owned(ask)
}

/// What came back of a sale before all of it was cancelled came back of what is no more: of the sale that is made anew nothing did. A newer
/// word of such a return counts as if it were the first, an old one only repeats. One that stands by itself waits for the sale that is
/// made now.
fn forget_returns_of(world: &mut World, sale: &SourceKey) {
    let gave_back = |status| matches!(status, ReceiptStatus::PartlyReturned | ReceiptStatus::Returned);
    let of_it = world.returns.values_mut().filter(|known| known.sale == *sale);
    for known in of_it.filter(|known| gave_back(known.answer.status) && !known.request.cancel) {
        let status = match known.request.stands {
            Stands::WithItsSale => ReceiptStatus::Cancelled,
            Stands::ByItself => ReceiptStatus::Waiting,
        };
        known.answer = Returned {
            receipt_id: known.answer.receipt_id.clone(),
            ..nothing_returned(known.id, None, status)
        };
        known.change.mark();
    }
}

/// Decides about a sale, or about a newer version of it, and puts it into the facts.
///
/// # Errors
/// Those of a sale; nothing changes then.
pub(super) fn post(
    world: &mut World,
    cx: Context<'_>,
    ask: &Close,
    previous: Option<StoredReceipt>,
    fingerprint: Hash,
) -> Result<Closed, Refusal> {
    let key = cx.key(&ask.receipt.external_id);
    let ask = &*in_categories(ask);
    let decided = decide(world, cx, ask, previous.as_ref())?;
    if previous
        .as_ref()
        .is_some_and(|known| known.status == ReceiptStatus::Cancelled)
    {
        forget_returns_of(world, &key);
    }
    let receipt = store(world, cx, ask, previous, fingerprint, decided);
    let answer = receipt.answer.clone();
    world.receipts.insert(key.clone(), receipt);
    apply_waiting(world, cx, &key);
    Ok(world
        .receipts
        .get(&key)
        .map_or(answer, |stored| stored.answer.clone()))
}

/// The same sale with a newer stamp: there is nothing to post, but it stands as of that stamp, so that a rollback of an
/// earlier attempt, which comes late, does not undo it. Its till repeats from now on what it has said last.
fn said_again(world: &mut World, cx: Context<'_>, key: &SourceKey, ask: &Close, taken_off: bool) {
    let told = ask.receipt.version;
    let newer = |known: &&mut StoredReceipt| latest(cx, told, known) != known.version;
    let Some(receipt) = world.receipts.get_mut(key).filter(newer) else {
        return;
    };
    receipt.version = told;
    receipt.as_told = ask.as_told.or(receipt.as_told);
    receipt.told_at = receipt.told_at.max(cx.told_at);
    receipt.answer.guest_taken_off = taken_off;
    receipt.change.mark();
    // Another writer may be undoing it now: the guest's account decides who was first.
    if let Some(guest) = receipt.customer.and_then(|id| world.customers.get_mut(&id)) {
        guest.touched = true;
    }
}

/// What a receipt would do. Changes nothing.
///
/// # Errors
/// As [`close`], but for those about a receipt that is known already.
pub fn quote(world: &World, cx: Context<'_>, ask: &Close) -> Result<Closed, Refusal> {
    check(cx, &ask.receipt)?;
    let ask = &*in_categories(ask);
    // A till that lost our answer asks again about a receipt that is posted: what it redeemed is its own to use.
    let known = world
        .receipts
        .get(&cx.key(&ask.receipt.external_id))
        .filter(|r| r.status == ReceiptStatus::Closed);
    let decided = decide(world, cx, ask, known)?;
    Ok(decided.answer(String::new(), ReceiptStatus::Quoted, ask))
}

fn decide<'a>(
    world: &World,
    cx: Context<'a>,
    ask: &Close,
    previous: Option<&StoredReceipt>,
) -> Result<Decided<'a>, Refusal> {
    let told = ask.redemption;
    let proven = held::proven(world, cx, ask);
    let ask = &*proven;
    let (terms, receipt) = (cx.terms, &ask.receipt);
    // A newer version of a sale that stands is not a new sale.
    let stands = previous.is_some_and(|known| known.status != ReceiptStatus::Cancelled);
    if !stands {
        cx.in_use(receipt.closed_at.to_utc())?;
    }
    let hold = named_hold(world, cx, ask)?;
    let paying_holds = paying_holds(world, cx, ask)?;
    let Guest {
        found,
        facts,
        names_another,
    } = guest(
        world,
        cx,
        ask,
        hold.or(paying_holds.first().copied()),
        told,
        previous,
    )?;
    let hold = own_hold(world, ask, hold, facts.as_ref())?;
    let total: Money = receipt.lines.iter().map(|l| l.amount).sum();
    let receipt_id = previous.map_or_else(|| ReceiptId(cx.ids.next_id()), |p| p.id);
    let limit = redeem_limit(terms, &receipt.lines, total);
    if !(Money::ZERO..=Money::MAX_INPUT).contains(&ask.redemption.amount()) {
        return Err(Refusal::invalid(
            "/redeem",
            "Списать можно от 0 до 1 000 000 000.",
            "redeem is 0 to 1,000,000,000.00.",
        ));
    }
    let mut decided = Decided {
        receipt_id,
        sheet: None,
        others: Vec::new(),
        kind: receipt.kind.clone().unwrap_or_else(|| terms.default_type.clone()),
        total,
        redeemed: Money::ZERO,
        may_redeem: Money::ZERO,
        line_redeemed: LineSpread::of_unposted(Vec::new()),
        accrual: Accrual::default(),
        parts: Vec::new(),
        taken_over: Vec::new(),
        captured: Vec::new(),
        messages: Vec::new(),
        venue: terms.venue,
    };
    let mut base = previous.map(Standing::of).unwrap_or_default();
    give_back_to_others(world, cx, previous, facts.as_ref(), &mut base, &mut decided, ask);

    let Some(facts) = facts else {
        if matches!(ask.redemption, Redemption::Now(amount) if amount.is_positive()) {
            return Err(Refusal::CustomerNotFound);
        }
        decided.line_redeemed = LineSpread::of_unposted(unposted_spread(cx, ask, limit)?);
        decided.accrual = nothing_accrues(receipt.lines.len(), nobody_accrues());
        decided.parts = base.parts;
        decided.messages = unknown_guest_messages(ask);
        return Ok(decided);
    };

    let blocked = may_redeem(found, &facts).err();
    // Who paid for another before may be the guest himself now.
    let mut sheet = match decided.others.iter().position(|other| other.facts.id == facts.id) {
        Some(position) => decided.others.swap_remove(position),
        None => Sheet::new(facts, cx.now, cx.actor, cx.ids),
    };
    let own_holds: Vec<HoldId> = hold.into_iter().chain(paying_holds).collect();
    let (own_holds, set_aside) = sheet.facts.account.lasting(&own_holds);
    let available = sheet.facts.account.available(terms.venue, cx.now) + set_aside + base.redeemed;
    decided.messages = cashier_messages(&sheet.facts, terms, cx.now);
    decided.messages.extend(names_another.then(held::guest_by_hold));

    let pays = Pays {
        available,
        limit,
        blocked: blocked.as_ref(),
    };
    let paid = what_pays(world, cx, ask, &sheet, &base, &pays, receipt_id)?;
    if blocked.is_none() {
        // What others pay of the receipt is not left for him.
        let left = (limit - paid.by_others()).max(Money::ZERO);
        decided.may_redeem = available.min(left) + paid.set_aside_by_others();
    }
    if ask.redemption.amount() > paid.posted {
        decided.messages.push(unconfirmed(ask.redemption.amount()));
    }
    decided.redeemed = paid.posted;
    decided.line_redeemed = line_spread(cx, ask, paid.posted, limit)?;
    let why = reason(cx, &decided.kind, receipt_id, receipt.closed_at.to_utc());
    book_payment(cx, paid, &base, (&mut sheet, &own_holds), &mut decided, &why)?;

    decided.accrual = accrual_of(cx, ask, &sheet.facts, &decided, blocked.as_ref())?;
    book_accrual(cx, &base, &mut sheet, &decided, why);
    let bought_at = receipt.closed_at.to_utc();
    sheet.facts.last_purchase_at = sheet.facts.last_purchase_at.max(Some(bought_at));
    decided.sheet = Some(sheet);
    Ok(decided)
}

/// The hold that is the guest's own; what another guest was allowed is left alone.
///
/// # Errors
/// `hold-not-found` where the till names one that is another's.
fn own_hold(
    world: &World,
    ask: &Close,
    hold: Option<HoldId>,
    guest: Option<&CustomerFacts>,
) -> Result<Option<HoldId>, Refusal> {
    let holder = |id: &HoldId| world.holds.get(id).map(|h| h.customer);
    let of_another = |id: &HoldId| guest.is_some_and(|g| holder(id).is_some_and(|h| h != g.id));
    if ask.hold.is_some() && hold.as_ref().is_some_and(of_another) {
        return Err(Refusal::HoldNotFound);
    }
    Ok(hold.filter(|id| !of_another(id)))
}

/// A newer version may have come to another guest, or to none: then the former one gets everything back first. Other
/// guests who paid for the version before get it back too, and pay anew if they still do.
fn give_back_to_others<'a>(
    world: &World,
    cx: Context<'a>,
    previous: Option<&StoredReceipt>,
    guest: Option<&CustomerFacts>,
    base: &mut Standing,
    decided: &mut Decided<'a>,
    ask: &Close,
) {
    let closed_at = ask.receipt.closed_at.to_utc();
    let reversal = reason(cx, types::REVERSAL, decided.receipt_id, closed_at);
    give_back_to_payers(world, cx, base, &mut decided.others, &reversal);
    let former = previous.and_then(|known| world.customers.get(&known.customer?));
    let Some(former) = former.filter(|former| guest.is_none_or(|guest| guest.id != former.id)) else {
        return;
    };
    let sheet = sheet_of(&mut decided.others, former, cx);
    undo_accrual(sheet, base.accrued, decided.receipt_id, cx, reversal.clone());
    refund(sheet, base.redeemed, &mut base.parts, None, cx, reversal);
    (base.accrued, base.redeemed) = (Money::ZERO, Money::ZERO);
}

fn accrual_of(
    cx: Context<'_>,
    ask: &Close,
    guest: &CustomerFacts,
    decided: &Decided<'_>,
    blocked: Option<&Refusal>,
) -> Result<Accrual, Refusal> {
    let receipt = &ask.receipt;
    if let Some(refusal) = blocked {
        return Ok(nothing_accrues(receipt.lines.len(), blocked_words(refusal)));
    }
    if let Some(counted) = ask.accrual {
        return accrual::counted_by_till(&receipt.lines, counted);
    }
    let sale = Sale {
        closed_at: receipt.closed_at.to_utc(),
        lines: &receipt.lines,
        redeemed: &decided.line_redeemed.said,
        payments: &receipt.payments,
        total: decided.total,
    };
    accrual::accrue(cx.terms, guest.coefficients(cx.terms.venue), sale)
}

/// Books what accrues; of a newer version the difference.
fn book_accrual(cx: Context<'_>, base: &Standing, sheet: &mut Sheet<'_>, decided: &Decided<'_>, why: Reason) {
    let more = (decided.accrual.total - base.accrued).max(Money::ZERO);
    let less = (base.accrued - decided.accrual.total).max(Money::ZERO);
    let reversal = why.reversed();
    credit_accrual(sheet, more, decided.receipt_id, cx, why);
    undo_accrual(sheet, less, decided.receipt_id, cx, reversal);
}

/// What of a receipt is posted already: the base from which a newer version posts its difference.
#[derive(Default)]
pub(super) struct Standing {
    /// Redemption.
    pub(super) redeemed: Money,
    /// Accrual.
    pub(super) accrued: Money,
    /// Which lots paid.
    pub(super) parts: Vec<RedemptionPart>,
}

impl Standing {
    fn of(receipt: &StoredReceipt) -> Self {
        if receipt.status == ReceiptStatus::Cancelled {
            return Standing {
                parts: receipt.parts.clone(),
                ..Standing::default()
            };
        }
        Standing {
            redeemed: receipt.redeemed,
            accrued: receipt.accrued,
            parts: receipt.parts.clone(),
        }
    }
}

fn reason(cx: Context<'_>, kind: &str, receipt: ReceiptId, happened_at: Timestamp) -> Reason {
    Reason {
        kind: kind.to_owned(),
        venue: Some(cx.terms.venue),
        receipt: Some(receipt),
        happened_at: Some(happened_at),
        ..Reason::default()
    }
}

fn nobody_accrues() -> Words {
    Words::new(
        "Гость не назван: бонусы не начисляются.",
        "No guest: nothing accrues.",
    )
}

fn nothing_accrues(lines: usize, words: Words) -> Accrual {
    let note = Factor {
        factor: FactorKind::Note,
        value: "0".to_owned(),
        source: "ledger".to_owned(),
        lines: Vec::new(),
        words,
    };
    Accrual {
        total: Money::ZERO,
        shares: vec![Money::ZERO; lines],
        explanation: vec![note],
    }
}

fn blocked_words(refusal: &Refusal) -> Words {
    match refusal {
        Refusal::CardBlocked => Words::new(
            "Карта заблокирована: бонусы не начисляются.",
            "The card is blocked: nothing accrues.",
        ),
        _ => Words::new(
            "Гость заблокирован: бонусы не начисляются.",
            "The guest is blocked: nothing accrues.",
        ),
    }
}

fn unknown_guest_messages(ask: &Close) -> Vec<CashierMessage> {
    if ask.receipt.named().is_none() {
        return Vec::new();
    }
    vec![CashierMessage {
        code: "unknown-card".to_owned(),
        text: Words::new(
            "Карта не найдена: чек проведён без гостя.",
            "Unknown card: the receipt was kept without a guest.",
        ),
    }]
}
