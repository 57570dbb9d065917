//! Closing a receipt, and quoting one: the same decision, written down or not.

use kopilka_contract::{
    CashierMessage, Close, Closed, Factor, FactorKind, Line, LineOutcome, ReceiptStatus, Redemption, Words,
};

use super::Context;
use super::booking::{
    book_redemption, credit_accrual, redeem_again, redemption_parts, refund, refund_shares, undo_accrual,
};
use super::give_back::apply_waiting;
use super::held;
use super::offline;
use super::receipt_identity::{answer_known, check, fingerprint};
use super::sheet::{Reason, Sheet, cashier_messages, event, find, may_redeem};
use super::tell_anew::{is_told_anew, tell_anew};
use super::written_off::{Behind, behind};
use crate::domain::accrual::{self, Accrual, Sale};
use crate::domain::amount_words;
use crate::domain::books::{Hash, types};
use crate::domain::ids::{CustomerId, HoldId, ReceiptId, TransactionId, VenueId};
use crate::domain::redemption::{redeem_limit, spread};
use crate::domain::refusal::Refusal;
use crate::domain::world::{
    Change, CustomerFacts, Found, HoldStanding, RedemptionPart, SourceKey, StoredLine, StoredReceipt, World,
};
use crate::domain::{Money, Quantity, Timestamp};

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
    if let Some(known) = &previous
        && let Some(answer) = answer_known(known, ask, fingerprint)?
    {
        if known.status == ReceiptStatus::Closed && known.fingerprint == fingerprint {
            said_again(world, &key, ask.receipt.version);
        }
        return Ok(answer);
    }
    post(world, cx, ask, previous, fingerprint)
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
    let decided = decide(world, cx, ask, previous.as_ref())?;
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
/// earlier attempt, which comes late, does not undo it.
fn said_again(world: &mut World, key: &SourceKey, version: Option<i64>) {
    let Some(receipt) = world.receipts.get_mut(key).filter(|r| version > r.version) else {
        return;
    };
    receipt.version = version;
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
    // A till that lost our answer asks again about a receipt that is posted: what it redeemed is its own to use.
    let known = world
        .receipts
        .get(&cx.key(&ask.receipt.external_id))
        .filter(|r| r.status == ReceiptStatus::Closed);
    let decided = decide(world, cx, ask, known)?;
    Ok(decided.answer(String::new(), ReceiptStatus::Quoted, ask))
}

/// What was decided about a receipt, before it is stored.
struct Decided<'a> {
    receipt_id: ReceiptId,
    sheet: Option<Sheet<'a>>,
    /// Others whose bonuses it moves: the customer whom a newer version took the receipt from, and those who pay
    /// for the receipt's own.
    others: Vec<Sheet<'a>>,
    kind: String,
    total: Money,
    redeemed: Money,
    may_redeem: Money,
    line_redeemed: Vec<Money>,
    accrual: Accrual,
    parts: Vec<RedemptionPart>,
    taken_over: Vec<TransactionId>,
    captured: Option<HoldId>,
    messages: Vec<CashierMessage>,
    venue: VenueId,
}

impl Decided<'_> {
    fn answer(&self, id: String, status: ReceiptStatus, ask: &Close) -> Closed {
        let lines = ask
            .receipt
            .lines
            .iter()
            .zip(self.line_redeemed.iter().zip(&self.accrual.shares));
        Closed {
            id,
            status,
            customer_id: self.sheet.as_ref().map(|s| s.facts.id.to_string()),
            total: self.total,
            redeemed: self.redeemed,
            may_redeem: self.may_redeem,
            to_pay: self.total - ask.redemption.amount(),
            accrued: self.accrual.total,
            lines: lines
                .map(|(line, (redeemed, accrued))| LineOutcome {
                    line_id: line.line_id.clone(),
                    redeemed: *redeemed,
                    accrued: *accrued,
                })
                .collect(),
            balance: self.sheet.as_ref().map(|s| s.balance(self.venue)),
            explanation: self.accrual.explanation.clone(),
            cashier_messages: self.messages.clone(),
            replayed: false,
        }
    }
}

/// Whose receipt it is, and what stands in the way of bonuses.
struct Guest<'w> {
    found: Option<&'w Found>,
    facts: Option<CustomerFacts>,
}

fn guest<'w>(
    world: &'w World,
    cx: Context<'_>,
    ask: &Close,
    hold: Option<HoldId>,
) -> Result<Guest<'w>, Refusal> {
    let network = cx.terms.network;
    let receipt = &ask.receipt;
    let by_ref = receipt
        .customer
        .as_ref()
        .and_then(|who| find(world, network, who));
    if let (Some(kopilka_contract::CustomerRef::Id(_)), None) = (&receipt.customer, &by_ref) {
        return Err(Refusal::CustomerNotFound);
    }
    if let Some((found, facts)) = by_ref {
        return Ok(Guest {
            found: Some(found),
            facts: Some(facts.clone()),
        });
    }
    if let Some(facts) = hold
        .and_then(|id| world.holds.get(&id))
        .and_then(|h| world.customers.get(&h.customer))
    {
        return Ok(Guest {
            found: None,
            facts: Some(facts.clone()),
        });
    }
    let phone = match &receipt.customer {
        Some(kopilka_contract::CustomerRef::Phone(phone)) => Some(phone),
        _ => receipt.phone.as_ref(),
    };
    let Some(phone) = phone else {
        return Ok(Guest {
            found: None,
            facts: None,
        });
    };
    let by_phone = find(
        world,
        network,
        &kopilka_contract::CustomerRef::Phone(phone.clone()),
    );
    let facts = match by_phone {
        Some((_, facts)) => facts.clone(),
        None => CustomerFacts::potential(
            CustomerId(cx.ids.next_id()),
            network,
            phone.clone(),
            receipt.customer_name.clone(),
        ),
    };
    Ok(Guest {
        found: None,
        facts: Some(facts),
    })
}

/// The hold that the receipt names: ours by id, or the source's by key.
pub(super) fn named_hold(world: &World, cx: Context<'_>, ask: &Close) -> Result<Option<HoldId>, Refusal> {
    let Some(name) = &ask.hold else {
        return Ok(offline::hold(world, cx, ask));
    };
    let by_id = name
        .parse::<HoldId>()
        .ok()
        .filter(|id| world.holds.contains_key(id));
    let id = by_id
        .or_else(|| world.hold_keys.get(&cx.key(name)).copied())
        .ok_or(Refusal::HoldNotFound)?;
    match world.holds.get(&id) {
        Some(hold) if hold.network == cx.terms.network && hold.venue == cx.terms.venue => Ok(Some(id)),
        _ => Err(Refusal::HoldNotFound),
    }
}

fn decide<'a>(
    world: &World,
    cx: Context<'a>,
    ask: &Close,
    previous: Option<&StoredReceipt>,
) -> Result<Decided<'a>, Refusal> {
    let proven = held::proven(world, cx, ask);
    let ask = &*proven;
    let (terms, receipt) = (cx.terms, &ask.receipt);
    // A newer version of a sale that stands is not a new sale.
    let stands = previous.is_some_and(|known| known.status != ReceiptStatus::Cancelled);
    if !stands {
        cx.in_use(receipt.closed_at.to_utc())?;
    }
    let hold = named_hold(world, cx, ask)?;
    let Guest { found, facts } = guest(world, cx, ask, hold)?;
    let of_another = |id: &HoldId| {
        let holder = world.holds.get(id).map(|h| h.customer);
        facts.as_ref().is_some_and(|f| holder.is_some_and(|h| h != f.id))
    };
    if ask.hold.is_some() && hold.as_ref().is_some_and(of_another) {
        return Err(Refusal::HoldNotFound);
    }
    // What another guest was allowed is left alone.
    let hold = hold.filter(|id| !of_another(id));
    let kind = receipt.kind.clone().unwrap_or_else(|| terms.default_type.clone());
    let total: Money = receipt.lines.iter().map(|l| l.amount).sum();
    let receipt_id = previous.map_or_else(|| ReceiptId(cx.ids.next_id()), |p| p.id);
    let limit = redeem_limit(terms, &receipt.lines, total);
    let paid_with_bonuses = ask.redemption.amount();
    if !(Money::ZERO..=Money::MAX_INPUT).contains(&paid_with_bonuses) {
        return Err(Refusal::invalid(
            "/redeem",
            "Списать можно от 0 до 1 000 000 000.",
            "redeem is 0 to 1,000,000,000.00.",
        ));
    }

    // A newer version may have come to another guest, or to none: then the former one gets everything back first.
    let of_whom = previous.and_then(|p| Some((p, world.customers.get(&p.customer?)?)));
    let of_another = of_whom.filter(|(p, _)| p.customer != facts.as_ref().map(|f| f.id));
    let mut base = previous.map(Standing::of).unwrap_or_default();
    let reversal = reason(cx, types::REVERSAL, receipt_id, receipt.closed_at.to_utc());
    // Other guests who paid for the version before get it back, and pay anew if they still do.
    let mut others = Vec::new();
    give_back_to_payers(world, cx, &mut base, &mut others, &reversal);
    if let Some((_, former)) = of_another {
        let sheet = sheet_of(&mut others, former, cx);
        undo_accrual(sheet, base.accrued, receipt_id, cx, reversal.clone());
        refund(sheet, base.redeemed, &mut base.parts, None, cx, reversal);
        (base.accrued, base.redeemed) = (Money::ZERO, Money::ZERO);
    }

    let Some(facts) = facts else {
        if matches!(ask.redemption, Redemption::Now(amount) if amount.is_positive()) {
            return Err(Refusal::CustomerNotFound);
        }
        let line_redeemed = unposted_spread(cx, ask, limit)?;
        let note = Words::new(
            "Гость не назван: бонусы не начисляются.",
            "No guest: nothing accrues.",
        );
        return Ok(Decided {
            receipt_id,
            sheet: None,
            others,
            kind,
            total,
            redeemed: Money::ZERO,
            may_redeem: Money::ZERO,
            line_redeemed,
            accrual: nothing_accrues(receipt.lines.len(), note),
            parts: base.parts,
            taken_over: Vec::new(),
            captured: None,
            messages: unknown_guest_messages(ask),
            venue: terms.venue,
        });
    };

    let blocked = may_redeem(found, &facts).err();
    // Who paid for another before may be the guest himself now.
    let mut sheet = match others.iter().position(|other| other.facts.id == facts.id) {
        Some(position) => others.swap_remove(position),
        None => Sheet::new(facts, cx.now, cx.actor, cx.ids),
    };
    let live_hold = hold.filter(|id| sheet.facts.account.holds.iter().any(|h| h.id == *id));
    let own_hold = sheet
        .facts
        .account
        .holds
        .iter()
        .find(|h| Some(h.id) == live_hold)
        .map_or(Money::ZERO, |h| h.amount());
    let available = sheet.facts.account.available(terms.venue, cx.now) + own_hold + base.redeemed;
    let may_redeem_now = if blocked.is_some() {
        Money::ZERO
    } else {
        available.min(limit)
    };
    let mut messages = cashier_messages(&sheet.facts, terms, cx.now);
    let why = reason(cx, &kind, receipt_id, receipt.closed_at.to_utc());

    let mut parts = base.parts.clone();
    let mut taken_over = Vec::new();
    let mut posted = Money::ZERO;
    let mut payers = Vec::new();
    match ask.redemption {
        Redemption::Nothing | Redemption::Unconfirmed(_) | Redemption::Held(_) => {}
        Redemption::Now(amount) => {
            if let (true, Some(refusal)) = (amount.is_positive(), blocked.clone()) {
                return Err(refusal);
            }
            offline::check(ask, sheet.facts.id, amount)?;
            payers = paying(world, cx, ask, sheet.facts.id)?;
            let of_others: Money = payers.iter().map(|(_, part)| *part).sum();
            if of_others > amount {
                return Err(payers_exceed());
            }
            if amount - of_others > available {
                return Err(offline::not_enough(ask, available));
            }
            if amount > limit {
                return Err(Refusal::RedeemLimit { limit });
            }
            posted = amount;
        }
        Redemption::Before(amount) => {
            match behind(world, cx, &sheet.facts, receipt_id, base.redeemed, amount) {
                Behind::WriteOffs(write_offs) => {
                    posted = amount;
                    for write_off in write_offs {
                        taken_over.push(write_off.transaction);
                        let moved = write_off.parts.iter().map(|p| RedemptionPart {
                            change: Change::Updated,
                            ..p.clone()
                        });
                        parts.extend(moved);
                    }
                }
                Behind::Posted(amount) => posted = amount,
                Behind::CameBack => {
                    posted = amount;
                    let again = redeem_again(&mut sheet, amount, terms.venue, parts.len(), cx, why.clone());
                    parts.extend(again);
                    base.redeemed = amount;
                }
                Behind::Nothing => {}
            }
        }
    }
    if paid_with_bonuses > posted {
        let said = amount_words::bonuses(paid_with_bonuses);
        messages.push(CashierMessage {
            code: "unconfirmed-redemption".to_owned(),
            text: Words::new(
                format!(
                    "Касса сообщила об оплате бонусами {}, но списания в программе не было.",
                    said.ru
                ),
                format!(
                    "The till says that bonuses paid {}, but nothing was redeemed.",
                    said.en
                ),
            ),
        });
    }
    let all_posted = posted == paid_with_bonuses;
    let line_redeemed =
        if matches!(ask.redemption, Redemption::Now(_)) || (all_posted && posted.is_positive()) {
            spread(terms, &receipt.lines, posted)?
        } else if posted.is_positive() {
            spread(terms, &bare(&receipt.lines), posted)?
        } else {
            unposted_spread(cx, ask, limit)?
        };

    let captured = live_hold;
    let mut own = posted;
    for (payer, amount) in payers {
        own -= amount;
        let venue = terms.venue;
        let paying = sheet_of(&mut others, payer, cx);
        let has = paying.facts.account.available(venue, cx.now);
        if amount > has {
            return Err(Refusal::InsufficientBalance { available: has });
        }
        let used = paying.facts.account.take(amount, venue, cx.now);
        let transaction = book_redemption(paying, &used, amount, cx, why.clone());
        let payer = Some(paying.facts.id);
        let paid = redemption_parts(transaction, used, parts.len());
        parts.extend(paid.into_iter().map(|part| RedemptionPart { payer, ..part }));
    }
    if taken_over.is_empty() {
        let more = (own - base.redeemed).max(Money::ZERO);
        let (used, gone) = sheet.facts.account.capture(live_hold, more, terms.venue, cx.now);
        sheet.book_expired(gone);
        let transaction = book_redemption(&mut sheet, &used, more, cx, why.clone());
        parts.extend(redemption_parts(transaction, used, parts.len()));
        let less = (base.redeemed - own).max(Money::ZERO);
        let reversal = Reason {
            kind: types::REVERSAL.to_owned(),
            ..why.clone()
        };
        refund(&mut sheet, less, &mut parts, None, cx, reversal);
    }

    let accrual = if let Some(refusal) = blocked {
        nothing_accrues(receipt.lines.len(), blocked_words(&refusal))
    } else if let Some(counted) = ask.accrual {
        accrual::counted_by_till(&receipt.lines, counted)?
    } else {
        let sale = Sale {
            closed_at: receipt.closed_at.to_utc(),
            lines: &receipt.lines,
            redeemed: &line_redeemed,
            payments: &receipt.payments,
            total,
        };
        accrual::accrue(terms, sheet.facts.coefficients(terms.venue), sale)?
    };
    let more = (accrual.total - base.accrued).max(Money::ZERO);
    let less = (base.accrued - accrual.total).max(Money::ZERO);
    credit_accrual(&mut sheet, more, receipt_id, cx, why.clone());
    undo_accrual(
        &mut sheet,
        less,
        receipt_id,
        cx,
        Reason {
            kind: types::REVERSAL.to_owned(),
            ..why
        },
    );
    let bought_at = receipt.closed_at.to_utc();
    sheet.facts.last_purchase_at = sheet.facts.last_purchase_at.max(Some(bought_at));

    Ok(Decided {
        receipt_id,
        sheet: Some(sheet),
        others,
        kind,
        total,
        redeemed: posted,
        may_redeem: may_redeem_now,
        line_redeemed,
        accrual,
        parts,
        taken_over,
        captured,
        messages,
        venue: terms.venue,
    })
}

/// What of a receipt is posted already: the base from which a newer version posts its difference.
#[derive(Default)]
struct Standing {
    redeemed: Money,
    accrued: Money,
    parts: Vec<RedemptionPart>,
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

/// The sheet of a guest who is not the receipt's own: the one that there is, else a new one.
fn sheet_of<'s, 'a>(
    others: &'s mut Vec<Sheet<'a>>,
    facts: &CustomerFacts,
    cx: Context<'a>,
) -> &'s mut Sheet<'a> {
    let position = others.iter().position(|other| other.facts.id == facts.id);
    let position = position.unwrap_or_else(|| {
        others.push(Sheet::new(facts.clone(), cx.now, cx.actor, cx.ids));
        others.len() - 1
    });
    &mut others[position]
}

/// Gives back what other guests paid for the version that is posted.
fn give_back_to_payers<'a>(
    world: &World,
    cx: Context<'a>,
    base: &mut Standing,
    others: &mut Vec<Sheet<'a>>,
    reason: &Reason,
) {
    let owed = refund_shares(&base.parts, base.redeemed);
    for (payer, share) in owed {
        let Some(facts) = payer.and_then(|id| world.customers.get(&id)) else {
            continue;
        };
        let sheet = sheet_of(others, facts, cx);
        refund(sheet, share, &mut base.parts, payer, cx, reason.clone());
        base.redeemed -= share;
    }
}

/// The other guests who pay, each once, with what he pays. One who is the receipt's own guest by another card pays as
/// that one.
fn paying<'w>(
    world: &'w World,
    cx: Context<'_>,
    ask: &Close,
    own: CustomerId,
) -> Result<Vec<(&'w CustomerFacts, Money)>, Refusal> {
    let mut paying: Vec<(&CustomerFacts, Money)> = Vec::new();
    for payer in &ask.payers {
        if !(Money::from_kopecks(1)..=Money::MAX_INPUT).contains(&payer.amount) {
            return Err(payers_exceed());
        }
        let (found, facts) =
            find(world, cx.terms.network, &payer.customer).ok_or(Refusal::CustomerNotFound)?;
        may_redeem(Some(found), facts)?;
        if facts.id == own {
            continue;
        }
        match paying.iter_mut().find(|(known, _)| known.id == facts.id) {
            Some((_, amount)) => *amount += payer.amount,
            None => paying.push((facts, payer.amount)),
        }
    }
    Ok(paying)
}

fn payers_exceed() -> Refusal {
    Refusal::invalid(
        "/redeem",
        "Части карт не складываются в сумму списания.",
        "What the cards pay does not add up to the redemption.",
    )
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

/// Bonuses that pay a part but are not posted lower the base all the same. The till's spread is taken where it fits;
/// where it does not, or there is none, ours: nothing hangs on it in the books.
fn unposted_spread(cx: Context<'_>, ask: &Close, limit: Money) -> Result<Vec<Money>, Refusal> {
    let lines = &ask.receipt.lines;
    let amount = ask.redemption.amount();
    if lines.iter().any(|l| l.redeemed.is_some())
        && let Ok(parts) = spread(cx.terms, lines, amount)
    {
        return Ok(parts);
    }
    spread(cx.terms, &bare(lines), amount.min(limit))
}

/// The lines without the till's own spread of bonuses.
fn bare(lines: &[Line]) -> Vec<Line> {
    let bare = |line: &Line| Line {
        redeemed: None,
        ..line.clone()
    };
    lines.iter().map(bare).collect()
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
    if ask.receipt.customer.is_none() {
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

/// Puts a decision into the world and makes the stored receipt.
fn store(
    world: &mut World,
    cx: Context<'_>,
    ask: &Close,
    previous: Option<StoredReceipt>,
    fingerprint: Hash,
    mut decided: Decided<'_>,
) -> StoredReceipt {
    let id = decided.receipt_id;
    let customer = decided.sheet.as_ref().map(|s| s.facts.id);
    let answer = decided.answer(id.to_string(), ReceiptStatus::Closed, ask);
    if let Some(hold) = decided.captured.and_then(|hold| world.holds.get_mut(&hold)) {
        hold.standing = HoldStanding::Captured;
        hold.change.mark();
    }
    for write_off in world
        .write_offs
        .iter_mut()
        .filter(|w| decided.taken_over.contains(&w.transaction))
    {
        write_off.receipt = Some(id);
        write_off.change.mark();
    }
    let told = if previous.is_some() {
        "receipt.changed"
    } else {
        "receipt.closed"
    };
    for sheet in std::mem::take(&mut decided.others) {
        sheet.put_back(world);
    }
    match decided.sheet.take() {
        Some(mut sheet) => {
            if sheet.facts.is_new && !world.customers.contains_key(&sheet.facts.id) {
                sheet.tell("customer.created", sheet.facts.id.to_string());
                if let Some(phone) = sheet.facts.phone.clone() {
                    let found = Found {
                        customer: sheet.facts.id,
                        card: None,
                    };
                    world.found.insert(
                        (cx.terms.network, kopilka_contract::CustomerRef::Phone(phone)),
                        found,
                    );
                }
            }
            sheet.tell(told, id.to_string());
            sheet.put_back(world);
        }
        None => world.events.push(event(
            cx.terms.network,
            None,
            told,
            id.to_string(),
            cx.now,
            cx.ids,
        )),
    }
    let lines = ask
        .receipt
        .lines
        .iter()
        .zip(decided.line_redeemed.iter().zip(&decided.accrual.shares))
        .map(|(line, (redeemed, accrued))| StoredLine {
            line_id: line.line_id.clone(),
            name: line.name.clone(),
            quantity: line.quantity,
            amount: line.amount,
            // Only what was posted can be given back.
            redeemed: if decided.redeemed.is_positive() {
                *redeemed
            } else {
                Money::ZERO
            },
            accrued: *accrued,
            returned_quantity: Quantity::ZERO,
            returned_amount: Money::ZERO,
            returned_by: None,
            redemption_undone: Money::ZERO,
            accrual_undone: Money::ZERO,
            changed: true,
        })
        .collect();
    StoredReceipt {
        id,
        key: cx.key(&ask.receipt.external_id),
        status: ReceiptStatus::Closed,
        version: ask.receipt.version,
        fingerprint,
        customer,
        kind: decided.kind,
        total: decided.total,
        redeemed: decided.redeemed,
        accrued: decided.accrual.total,
        closed_at: ask.receipt.closed_at.to_utc(),
        posted_at: cx.now,
        lines,
        parts: decided.parts,
        answer,
        content: Some(ask.receipt.clone()),
        change: if previous.as_ref().is_none_or(|p| p.change == Change::Inserted) {
            Change::Inserted
        } else {
            Change::Updated
        },
        lines_replaced: previous.is_some(),
    }
}
