//! Closing a receipt, and quoting one: the same decision, written down or not.

use std::collections::HashSet;

use kopilka_contract::{
    CashierMessage, Close, Closed, Factor, FactorKind, LineOutcome, Receipt, ReceiptStatus, Redemption, Words,
};
use sha2::{Digest, Sha256};

use super::Context;
use super::give_back::apply_waiting;
use super::sheet::{Reason, Sheet, cashier_messages, event, find, may_redeem};
use crate::domain::account::{LotPart, LotTerms, by_issuer};
use crate::domain::accrual::{self, Accrual, Sale};
use crate::domain::books::{BookAccount, Direction, Hash, Posting, types};
use crate::domain::ids::{CustomerId, HoldId, ReceiptId, TransactionId, VenueId};
use crate::domain::redemption::{redeem_limit, spread};
use crate::domain::refusal::Refusal;
use crate::domain::world::{
    Change, CustomerFacts, Found, HoldStanding, RedemptionPart, StoredLine, StoredReceipt, World,
};
use crate::domain::{Money, Quantity, Timestamp};

/// Closes a receipt: exactly once, for ever.
///
/// # Errors
/// `invalid-request`, `receipt-conflict`, `receipt-has-returns`, `receipt-cancelled`, `customer-not-found`,
/// `card-blocked`, `customer-blocked`, `hold-not-found`, `insufficient-balance`, `redeem-limit`, `redeem-spread`,
/// `accrual-too-large`. Nothing changes then.
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
    if let Some(known) = &previous
        && let Some(answer) = answer_known(known, ask, fingerprint)?
    {
        return Ok(answer);
    }
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

/// What makes two messages the same receipt: customer, lines, payments and redemption. Times are not in it, since
/// tills send the same receipt again with new ones.
pub fn fingerprint(ask: &Close) -> Hash {
    let r = &ask.receipt;
    let mut hasher = Sha256::new();
    let mut put = |value: &str| {
        hasher.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(value.as_bytes());
    };
    put(&r.customer.as_ref().map_or_else(String::new, |c| format!("{c:?}")));
    put(&r.phone.as_ref().map_or_else(String::new, ToString::to_string));
    put(&ask.redemption.amount().to_string());
    for line in &r.lines {
        put(&line.line_id);
        put(&line.name);
        put(line.category_id.as_deref().unwrap_or_default());
        put(&line.quantity.to_string());
        put(&line.amount.to_string());
        put(&line.redeemed.map_or_else(String::new, |m| m.to_string()));
    }
    for payment in &r.payments {
        put(&payment.kind);
        put(&payment.amount.to_string());
    }
    hasher.finalize().into()
}

/// The answer where the receipt is known and nothing is to be done; `None`: this is a new version to post.
fn answer_known(known: &StoredReceipt, ask: &Close, fingerprint: Hash) -> Result<Option<Closed>, Refusal> {
    let newer = matches!((ask.receipt.version, known.version), (Some(new), Some(old)) if new > old);
    let replay = || {
        Ok(Some(Closed {
            replayed: true,
            ..known.answer.clone()
        }))
    };
    match known.status {
        ReceiptStatus::Cancelled if ask.receipt.version.is_some() => {
            if newer {
                Ok(None)
            } else {
                Err(Refusal::ReceiptCancelled)
            }
        }
        _ if known.fingerprint == fingerprint => replay(),
        ReceiptStatus::Returned if ask.receipt.version.is_some() => replay(),
        ReceiptStatus::PartlyReturned if newer => Err(Refusal::ReceiptHasReturns),
        _ if newer => Ok(None),
        _ if ask.receipt.version.is_some() && known.version.is_some() => replay(),
        _ => Err(Refusal::Conflict {
            differences: differences(known, ask),
        }),
    }
}

fn differences(known: &StoredReceipt, ask: &Close) -> Vec<String> {
    let mut found = Vec::new();
    let total: Money = ask.receipt.lines.iter().map(|l| l.amount).sum();
    if total != known.total {
        found.push(format!("total {} → {total}", known.total));
    }
    if known.lines.len() != ask.receipt.lines.len() {
        found.push(format!(
            "lines {} → {}",
            known.lines.len(),
            ask.receipt.lines.len()
        ));
    }
    for (old, new) in known.lines.iter().zip(&ask.receipt.lines) {
        if old.name != new.name || old.line_id != new.line_id {
            found.push(format!(
                "line {} “{}” → {} “{}”",
                old.line_id, old.name, new.line_id, new.name
            ));
        } else if old.amount != new.amount || old.quantity != new.quantity {
            found.push(format!(
                "line {} {} × {} → {} × {}",
                old.line_id, old.quantity, old.amount, new.quantity, new.amount
            ));
        }
    }
    if known.redeemed != ask.redemption.amount() {
        found.push(format!("redeem {} → {}", known.redeemed, ask.redemption.amount()));
    }
    if found.is_empty() {
        found.push("customer, categories or payments".to_owned());
    }
    found
}

/// Refuses what no receipt may be.
fn check(cx: Context<'_>, receipt: &Receipt) -> Result<(), Refusal> {
    // A source with versions may empty an order after it was closed; nobody else sells nothing.
    if receipt.lines.is_empty() && receipt.version.is_none() {
        return Err(Refusal::invalid(
            "/lines",
            "В чеке нет строк.",
            "The receipt has no lines.",
        ));
    }
    let mut ids = HashSet::with_capacity(receipt.lines.len());
    let amount_fits = |amount: Money| (Money::ZERO..=Money::MAX_INPUT).contains(&amount);
    for (i, line) in receipt.lines.iter().enumerate() {
        if !amount_fits(line.amount) || line.redeemed.is_some_and(|r| !amount_fits(r)) {
            return Err(Refusal::invalid(
                format!("/lines/{i}/amount"),
                "Сумма строки должна быть от 0 до 1 000 000 000.",
                "An amount is 0 to 1,000,000,000.00.",
            ));
        }
        if line.quantity <= Quantity::ZERO || line.quantity > Quantity::from_thousandths(1_000_000_000_000) {
            return Err(Refusal::invalid(
                format!("/lines/{i}/quantity"),
                "Количество должно быть больше нуля.",
                "A quantity is above zero.",
            ));
        }
        if !ids.insert(line.line_id.as_str()) {
            return Err(Refusal::invalid(
                format!("/lines/{i}/line_id"),
                "Две строки чека с одним номером.",
                "Two lines have the same line_id.",
            ));
        }
    }
    let sum =
        Money::checked_sum(receipt.lines.iter().map(|l| l.amount)).filter(|sum| *sum <= Money::MAX_INPUT);
    let Some(sum) = sum else {
        return Err(Refusal::invalid(
            "/total",
            "Сумма чека слишком велика.",
            "The receipt's total is too large.",
        ));
    };
    if receipt.total.is_some_and(|total| total != sum) {
        return Err(Refusal::invalid(
            "/total",
            format!("Итог чека не равен сумме строк ({sum})."),
            format!("The total is not the sum of the lines ({sum})."),
        ));
    }
    if let Some(i) = receipt.payments.iter().position(|p| !amount_fits(p.amount)) {
        return Err(Refusal::invalid(
            format!("/payments/{i}/amount"),
            "Сумма оплаты должна быть от 0 до 1 000 000 000.",
            "An amount is 0 to 1,000,000,000.00.",
        ));
    }
    if receipt
        .kind
        .as_ref()
        .is_some_and(|kind| !cx.terms.types.contains(kind))
    {
        return Err(Refusal::invalid(
            "/type",
            format!(
                "У предприятия нет такого типа транзакций; есть: {}.",
                cx.terms.types.join(", ")
            ),
            format!(
                "The venue has no such transaction type; it has: {}.",
                cx.terms.types.join(", ")
            ),
        ));
    }
    Ok(())
}

/// What was decided about a receipt, before it is stored.
struct Decided<'a> {
    receipt_id: ReceiptId,
    sheet: Option<Sheet<'a>>,
    /// The customer whom a newer version took the receipt from.
    former: Option<Sheet<'a>>,
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
fn named_hold(world: &World, cx: Context<'_>, ask: &Close) -> Result<Option<HoldId>, Refusal> {
    let Some(name) = &ask.hold else { return Ok(None) };
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
    let (terms, receipt) = (cx.terms, &ask.receipt);
    let hold = named_hold(world, cx, ask)?;
    let Guest { found, facts } = guest(world, cx, ask, hold)?;
    if let (Some(hold), Some(facts)) = (hold.and_then(|id| world.holds.get(&id)), &facts)
        && hold.customer != facts.id
    {
        return Err(Refusal::HoldNotFound);
    }
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
    let former = of_another.map(|(_, former)| {
        let mut sheet = Sheet::new(former.clone(), cx.now, cx.actor, cx.ids);
        let reason = reason(cx, types::REVERSAL, receipt_id, receipt.closed_at.to_utc());
        undo_accrual(&mut sheet, base.accrued, receipt_id, cx, reason.clone());
        refund(&mut sheet, base.redeemed, &mut base.parts, cx, reason);
        (base.accrued, base.redeemed) = (Money::ZERO, Money::ZERO);
        sheet
    });

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
            former,
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
    let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
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
    match ask.redemption {
        Redemption::Nothing | Redemption::Unconfirmed(_) => {}
        Redemption::Now(amount) => {
            if let (true, Some(refusal)) = (amount.is_positive(), blocked.clone()) {
                return Err(refusal);
            }
            if amount > available {
                return Err(Refusal::InsufficientBalance { available });
            }
            if amount > limit {
                return Err(Refusal::RedeemLimit { limit });
            }
            posted = amount;
        }
        Redemption::Before(amount) => match written_off(world, cx, &sheet.facts, receipt_id, amount) {
            Some(write_offs) => {
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
            None if base.redeemed == amount => posted = amount,
            None => {}
        },
    }
    if paid_with_bonuses.is_positive() && posted.is_zero() {
        messages.push(CashierMessage {
            code: "unconfirmed-redemption".to_owned(),
            text: Words::new(
                format!(
                    "Касса сообщила об оплате бонусами {paid_with_bonuses}, но списания в программе не было."
                ),
                format!("The till says that bonuses paid {paid_with_bonuses}, but nothing was redeemed."),
            ),
        });
    }
    let line_redeemed = if posted.is_positive() || matches!(ask.redemption, Redemption::Now(_)) {
        spread(terms, &receipt.lines, posted)?
    } else {
        unposted_spread(cx, ask, limit)?
    };

    let captured = live_hold;
    if taken_over.is_empty() {
        let more = (posted - base.redeemed).max(Money::ZERO);
        let (used, gone) = sheet.facts.account.capture(live_hold, more, terms.venue, cx.now);
        sheet.book_expired(gone);
        let transaction = book_redemption(&mut sheet, &used, more, cx, why.clone());
        parts.extend(redemption_parts(transaction, used, parts.len()));
        let less = (base.redeemed - posted).max(Money::ZERO);
        let reversal = Reason {
            kind: types::REVERSAL.to_owned(),
            ..why.clone()
        };
        refund(&mut sheet, less, &mut parts, cx, reversal);
    }

    let accrual = if let Some(refusal) = blocked {
        nothing_accrues(receipt.lines.len(), blocked_words(&refusal))
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
        former,
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
    let bare: Vec<_> = lines
        .iter()
        .map(|l| kopilka_contract::Line {
            redeemed: None,
            ..l.clone()
        })
        .collect();
    spread(cx.terms, &bare, amount.min(limit))
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

/// Write-offs of this customer and source that no receipt took over yet and that add up to the amount: newest first,
/// a single one preferred.
fn written_off<'w>(
    world: &'w World,
    cx: Context<'_>,
    facts: &CustomerFacts,
    receipt: ReceiptId,
    amount: Money,
) -> Option<Vec<&'w crate::domain::world::WriteOff>> {
    if !amount.is_positive() {
        return None;
    }
    let free: Vec<_> = world
        .write_offs
        .iter()
        .filter(|w| {
            w.customer == facts.id
                && w.session.venue == cx.terms.venue
                && w.session.source == cx.source
                && w.receipt.is_none_or(|r| r == receipt)
        })
        .collect();
    if let Some(one) = free.iter().rev().find(|w| w.amount == amount) {
        return Some(vec![one]);
    }
    // A sale split by tax systems writes off several times: the newest ones that add up exactly.
    let (mut sum, mut taken) = (Money::ZERO, Vec::new());
    for write_off in free.into_iter().rev() {
        sum += write_off.amount;
        taken.push(write_off);
        if sum >= amount {
            break;
        }
    }
    (sum == amount).then_some(taken)
}

/// Books a redemption: each issuer's bonuses on its own posting, so that venues can settle with each other.
pub(super) fn book_redemption(
    sheet: &mut Sheet<'_>,
    used: &[LotPart],
    amount: Money,
    cx: Context<'_>,
    reason: Reason,
) -> Option<TransactionId> {
    let covered: Money = used.iter().map(|p| p.amount).sum();
    let missing = [(None, amount - covered)];
    let sides = by_issuer(used.iter().map(|p| (p.lot.issuer, p.amount)).chain(missing));
    let postings = sides
        .into_iter()
        .map(|s| Posting {
            account: BookAccount::Redeemed,
            venue: Some(cx.terms.venue),
            issuer: s.issuer,
            amount: s.amount,
        })
        .collect();
    sheet.book(Direction::Redemption, amount, postings, reason)
}

/// The lots that paid a redemption, in the order spent.
pub(super) fn redemption_parts(
    transaction: Option<TransactionId>,
    used: Vec<LotPart>,
    already: usize,
) -> Vec<RedemptionPart> {
    let Some(transaction) = transaction else {
        return Vec::new();
    };
    used.into_iter()
        .enumerate()
        .map(|(i, part)| RedemptionPart {
            transaction,
            sequence: i32::try_from(already + i).unwrap_or(i32::MAX),
            lot: Some(part.lot),
            amount: part.amount,
            refunded: Money::ZERO,
            change: Change::Inserted,
        })
        .collect()
}

fn credit_accrual(sheet: &mut Sheet<'_>, amount: Money, receipt: ReceiptId, cx: Context<'_>, reason: Reason) {
    if amount.is_zero() {
        return;
    }
    let starts_at = cx.now + chrono::Duration::days(i64::from(cx.terms.accrual_delay_days));
    let expires_at = cx
        .terms
        .bonus_lifetime_days
        .map(|days| starts_at + chrono::Duration::days(i64::from(days)));
    let issuer = Some(cx.terms.venue);
    let terms = LotTerms {
        starts_at,
        expires_at,
        scope: None,
        issuer,
        receipt: Some(receipt),
    };
    sheet.facts.account.credit(amount, terms, cx.ids);
    let side = Posting {
        account: BookAccount::Issued,
        venue: issuer,
        issuer: None,
        amount: -amount,
    };
    sheet.book(Direction::Accrual, amount, vec![side], reason);
}

/// Takes an accrual back and books it.
pub(super) fn undo_accrual(
    sheet: &mut Sheet<'_>,
    amount: Money,
    receipt: ReceiptId,
    cx: Context<'_>,
    reason: Reason,
) {
    if amount.is_zero() {
        return;
    }
    sheet.facts.account.undo_accrual(amount, receipt, cx.now);
    let side = Posting {
        account: BookAccount::Issued,
        venue: Some(cx.terms.venue),
        issuer: None,
        amount,
    };
    sheet.book(Direction::Redemption, amount, vec![side], reason);
}

/// Gives redeemed bonuses back, the latest-spent first: for each lot they came from a new lot with its scope and
/// start, that expires when it would have, but not before the grace is over.
pub(super) fn refund(
    sheet: &mut Sheet<'_>,
    amount: Money,
    parts: &mut [RedemptionPart],
    cx: Context<'_>,
    reason: Reason,
) {
    let grace_end = cx.now + chrono::Duration::days(i64::from(cx.terms.refund_grace_days));
    let mut missing = amount;
    let mut returned = Vec::new();
    parts.sort_by_key(|p| (p.transaction, p.sequence));
    for part in parts.iter_mut().rev() {
        let back = (part.amount - part.refunded).min(missing);
        if !back.is_positive() {
            continue;
        }
        missing -= back;
        part.refunded += back;
        part.change.mark();
        let terms = match &part.lot {
            Some(lot) => LotTerms {
                starts_at: lot.starts_at,
                expires_at: lot.expires_at.map(|end| end.max(grace_end)),
                scope: lot.scope,
                issuer: lot.issuer,
                receipt: None,
            },
            // It was missing when it was written off and became debt: what comes back is the network's.
            None => LotTerms {
                starts_at: cx.now,
                expires_at: None,
                scope: None,
                issuer: None,
                receipt: None,
            },
        };
        returned.push((terms.issuer, back));
        sheet.facts.account.credit(back, terms, cx.ids);
    }
    let given: Money = returned.iter().map(|(_, m)| *m).sum();
    let sides = by_issuer(returned)
        .into_iter()
        .map(|s| Posting {
            account: BookAccount::Redeemed,
            venue: Some(cx.terms.venue),
            issuer: s.issuer,
            amount: -s.amount,
        })
        .collect();
    sheet.book(Direction::Accrual, given, sides, reason);
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
    if let Some(sheet) = decided.former.take() {
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
