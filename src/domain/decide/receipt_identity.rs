//! What makes two messages the same receipt, and what no receipt may be.

use std::collections::HashSet;

use kopilka_contract::{
    Close, Closed, CustomerRef, PaidBy, Receipt, ReceiptStatus, Redemption, Telling, Words, comparable,
    is_first_hand, is_newer, repeated_moment, words,
};
use sha2::{Digest, Sha256};

use super::Context;
use super::give_back::is_before;
use super::held::proven;
use super::sheet::find;
use crate::domain::books::Hash;
use crate::domain::business_time::is_of_our_time;
use crate::domain::refusal::Refusal;
use crate::domain::world::{StoredReceipt, StoredReturn, World};
use crate::domain::{Money, Quantity, Timestamp};

/// What makes two messages the same receipt: customer, lines, payments and redemption. Times are not in it, since
/// tills send the same receipt again with new ones. Of a line that has a product's id the name and the category are not
/// either where the source has versions: a dish may be renamed or classified anew before an old receipt comes once
/// more, and that is no newer sale.
pub(super) fn fingerprint(ask: &Close) -> Hash {
    let by_product = ask.receipt.version.is_some();
    let r = &ask.receipt;
    let mut hasher = Sha256::new();
    let mut put = |value: &str| {
        hasher.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(value.as_bytes());
    };
    put(&r.named().map_or_else(String::new, |c| format!("{c:?}")));
    put(&r.phone.as_ref().map_or_else(String::new, ToString::to_string));
    put(&ask.redemption.amount().to_string());
    for (name, amount) in payers(ask) {
        put(&name);
        put(&amount.to_string());
    }
    if let Some(accrual) = ask.accrual {
        put(&accrual.to_string());
    }
    for line in &r.lines {
        put(&line.line_id);
        match line.product_id.as_deref().filter(|_| by_product) {
            Some(product) => put(product),
            None => {
                put(&line.name);
                put(line.category_id.as_deref().unwrap_or_default());
            }
        }
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

/// Who pays which part. One hold that pays all says no more than the redemption does; several may be named in any order.
fn payers(ask: &Close) -> Vec<(String, Money)> {
    let named = ask.payers.iter().map(|payer| match &payer.by {
        PaidBy::Guest(who) => (format!("{who:?}"), payer.amount),
        PaidBy::Hold(name) => (name.clone(), payer.amount),
    });
    let mut named: Vec<_> = named.collect();
    if ask.payers.iter().all(|payer| matches!(payer.by, PaidBy::Hold(_))) {
        named.sort();
        if named.len() == 1 {
            named.clear();
        }
    }
    named
}

/// Whether a message says of a receipt what is known of it: as we read it, or in its till's very words.
pub(super) fn says_the_same(known: &StoredReceipt, ask: &Close, fingerprint: Hash) -> bool {
    known.fingerprint == fingerprint || is_word_for_word(known, ask)
}

/// Whether a till has said the very same of a receipt before. The connection's settings may read it in another way since then: they
/// are for the sales to come, and no reason to post an old one anew.
fn is_word_for_word(known: &StoredReceipt, ask: &Close) -> bool {
    ask.as_told.is_some() && ask.as_told == known.as_told
}

/// Whether nothing is new in a message but how it is read. A redemption by what came before the receipt is another matter: its
/// write-off or hold may be there by now.
fn is_only_read_otherwise(known: &StoredReceipt, ask: &Close, fingerprint: Hash) -> bool {
    let by_what_came_before = matches!(ask.redemption, Redemption::Before(_) | Redemption::Held(_));
    let is_read_alike = known.fingerprint == fingerprint;
    is_word_for_word(known, ask) && !(is_read_alike && by_what_came_before)
}

/// The answer where the receipt is known and nothing is to be done; `None`: this is a new version to post. `world` knows
/// what undid the receipt.
pub(super) fn answer_known(
    world: &World,
    cx: Context<'_>,
    known: &StoredReceipt,
    ask: &Close,
    fingerprint: Hash,
) -> Result<Option<Closed>, Refusal> {
    let versions = ask.receipt.version.zip(known.version);
    let newer = versions.is_some_and(|(told, stands)| is_newer((told, cx.told_at), (stands, known.told_at)));
    let older = !newer && versions.is_some_and(|(told, stands)| told != stands);
    let replay = || {
        Ok(Some(Closed {
            replayed: true,
            telling: if older && !says_the_same(known, ask, fingerprint) {
                Telling::Older
            } else {
                Telling::First
            },
            ..known.answer.clone()
        }))
    };
    match known.status {
        ReceiptStatus::Cancelled if ask.receipt.version.is_some() => {
            if sells_again(world, cx, known, ask) {
                Ok(None)
            } else {
                let late = is_late(world, known, ask);
                Err(Refusal::ReceiptCancelled { late })
            }
        }
        _ if is_only_read_otherwise(known, ask, fingerprint) => replay(),
        ReceiptStatus::Closed if newer && confirms_redemption(known, ask) => Ok(None),
        ReceiptStatus::Closed if brings_guest(world, known, ask) || brings_hold(world, cx, known, ask) => {
            Ok(None)
        }
        _ if known.fingerprint == fingerprint => replay(),
        ReceiptStatus::Closed if tells_more(known, ask) && names_its_guest(world, known, ask) => Ok(None),
        ReceiptStatus::Returned if ask.receipt.version.is_some() => replay(),
        ReceiptStatus::PartlyReturned if newer => Err(Refusal::ReceiptHasReturns),
        _ if newer => Ok(None),
        _ if ask.receipt.version.is_some() && known.version.is_some() => replay(),
        _ => Err(Refusal::Conflict {
            differences: differences(known, ask),
        }),
    }
}

/// Whether a cancelled receipt is told anew after all that cancelled it.
fn sells_again(world: &World, cx: Context<'_>, known: &StoredReceipt, ask: &Close) -> bool {
    let (Some(version), Some(posted)) = (ask.receipt.version, known.version) else {
        return false;
    };
    let told = (version, ask.receipt.closed_at.to_utc());
    if person_cancelled(world, known, ask) {
        return false;
    }
    if count_differently(posted, version) {
        let before = |undone: &StoredReturn| undone.told_at <= cx.told_at;
        return known.told_at <= cx.told_at && rollbacks(world, known).all(before);
    }
    if comparable(posted, version) {
        // Of the road by which the receipt is known it must be the next word, too.
        let mut rollbacks = dated(rollbacks(world, known));
        return posted < version && rollbacks.all(|undone| is_before(undone, told) != Some(false));
    }
    let (own, others): (Vec<_>, Vec<_>) =
        dated(rollbacks(world, known)).partition(|(undone, _)| comparable(*undone, version));
    // Whoever cancelled it may sell it again; who counts otherwise must say when.
    let is_next = !own.is_empty() && own.iter().all(|(undone, _)| *undone < version);
    let is_dated = repeated_moment(version).is_some() && !others.is_empty();
    (is_next || is_dated && own.is_empty())
        && others
            .into_iter()
            .all(|undone| is_before(undone, told) == Some(true))
}

/// Whether a person cancelled the receipt after the sale that is told was closed. A person's word has no version: newer words of
/// that same sale do not undo it, what was sold afterwards is another matter.
fn person_cancelled(world: &World, known: &StoredReceipt, ask: &Close) -> bool {
    let closed_at = ask.receipt.closed_at.to_utc();
    let by_person = |r: &StoredReturn| r.request.cancel && !r.request.rollback && r.request.version.is_none();
    world
        .returns
        .values()
        .any(|r| r.sale == known.key && by_person(r) && closed_at <= r.request.returned_at)
}

/// Whether both are the till's own word, once counted and once as it came: then what was told later is later.
fn count_differently(one: i64, other: i64) -> bool {
    is_first_hand(one) && is_first_hand(other) && !comparable(one, other)
}

/// The rollbacks of a receipt.
fn rollbacks<'w>(
    world: &'w World,
    known: &'w StoredReceipt,
) -> impl Iterator<Item = &'w StoredReturn> + use<'w> {
    world
        .returns
        .values()
        .filter(|r| r.sale == known.key && r.request.rollback && r.answer.status == ReceiptStatus::Cancelled)
}

/// Those that have versions, each with its time.
fn dated<'w>(rollbacks: impl Iterator<Item = &'w StoredReturn>) -> impl Iterator<Item = (i64, Timestamp)> {
    rollbacks.filter_map(|r| Some((r.request.version?, r.request.returned_at)))
}

/// Whether the road that tells a cancelled receipt has itself told a later word of it. Of two roads nobody knows for sure,
/// even where their clocks say so: then a person looks.
fn is_late(world: &World, known: &StoredReceipt, ask: &Close) -> bool {
    let Some(told) = ask.receipt.version else {
        return false;
    };
    let later = |said: i64| comparable(said, told) && told <= said;
    known.version.is_some_and(later) || dated(rollbacks(world, known)).any(|(said, _)| later(said))
}

/// Whether a cloud names the guest of a receipt that only its till has told: the till closed it and neither asked who he is nor took him off.
fn brings_guest(world: &World, known: &StoredReceipt, ask: &Close) -> bool {
    let other_road = matches!((ask.receipt.version, known.version), (Some(new), Some(old))
        if repeated_moment(new).is_some() && !comparable(new, old));
    other_road && names_its_guest(world, known, ask)
}

/// Whether a cloud shows once more what it has told of the same moment: its webhook may keep back what it shows to who asks.
fn tells_more(known: &StoredReceipt, ask: &Close) -> bool {
    let told = ask.receipt.version;
    told == known.version && told.is_some_and(|version| repeated_moment(version).is_some())
}

/// Whether it now names what was set aside for the order and has paid, which nothing has so far.
fn brings_hold(world: &World, cx: Context<'_>, known: &StoredReceipt, ask: &Close) -> bool {
    let proven = |ask: &Close| matches!(proven(world, cx, ask).redemption, Redemption::Now(_));
    let names_hold = matches!(ask.redemption, Redemption::Held(_));
    names_hold && tells_more(known, ask) && confirms_redemption(known, ask) && proven(ask)
}

/// Whether it names the guest of a receipt that has none and whom no till took off. It speaks of the very sale that stands, not of one
/// before it: their totals agree.
fn names_its_guest(world: &World, known: &StoredReceipt, ask: &Close) -> bool {
    let receipt = &ask.receipt;
    let is_somebody = |who: &CustomerRef| find(world, known.key.network, who).is_some();
    let names = || receipt.phone.is_some() || receipt.customer.as_ref().is_some_and(is_somebody);
    let total: Money = receipt.lines.iter().map(|line| line.amount).sum();
    known.customer.is_none() && !known.answer.guest_taken_off && total == known.total && names()
}

/// Whether the same content says now, from one who may redeem, what was only seen before: that bonuses paid.
fn confirms_redemption(known: &StoredReceipt, ask: &Close) -> bool {
    let may_redeem = !matches!(ask.redemption, Redemption::Nothing | Redemption::Unconfirmed(_));
    may_redeem && ask.redemption.amount().is_positive() && known.redeemed.is_zero()
}

fn differences(known: &StoredReceipt, ask: &Close) -> Vec<Words> {
    let mut found = Vec::new();
    let (old_total, total): (_, Money) = (known.total, ask.receipt.lines.iter().map(|l| l.amount).sum());
    if total != old_total {
        found.push(words!(
            "сумма {old_total} → {total}",
            "total {old_total} → {total}"
        ));
    }
    let (old_count, count) = (known.lines.len(), ask.receipt.lines.len());
    if old_count != count {
        found.push(words!(
            "строк {old_count} → {count}",
            "lines {old_count} → {count}"
        ));
    }
    for (old, new) in known.lines.iter().zip(&ask.receipt.lines) {
        let changed = if old.name != new.name || old.line_id != new.line_id {
            format!("{} “{}” → {} “{}”", old.line_id, old.name, new.line_id, new.name)
        } else if old.amount != new.amount || old.quantity != new.quantity {
            format!(
                "{} {} × {} → {} × {}",
                old.line_id, old.quantity, old.amount, new.quantity, new.amount
            )
        } else {
            continue;
        };
        found.push(words!("строка {changed}", "line {changed}"));
    }
    let (old_redeemed, redeemed) = (known.redeemed, ask.redemption.amount());
    if old_redeemed != redeemed {
        found.push(words!(
            "списано бонусов {old_redeemed} → {redeemed}",
            "redeem {old_redeemed} → {redeemed}"
        ));
    }
    if found.is_empty() {
        found.push(Words::new(
            "гость, категории или оплаты",
            "customer, categories or payments",
        ));
    }
    found
}

/// That a time can be one: a wrong clock, or an empty field that reads as the year 1, is for a person.
pub(super) fn check_time(pointer: &str, at: Timestamp) -> Result<(), Refusal> {
    if is_of_our_time(at) {
        return Ok(());
    }
    Err(Refusal::invalid(
        pointer,
        "Время должно быть с 2000 по 2199 год: проверьте часы кассы.",
        "A time is of the years 2000 to 2199: look at the till's clock.",
    ))
}

/// Refuses what no receipt may be.
pub(super) fn check(cx: Context<'_>, receipt: &Receipt) -> Result<(), Refusal> {
    check_time("/closed_at", receipt.closed_at.to_utc())?;
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
    if let Some(kind) = receipt
        .kind
        .as_ref()
        .filter(|kind| !cx.terms.types.contains(kind))
    {
        let known = cx.terms.types.join(", ");
        return Err(Refusal::invalid(
            "/type",
            format!(
                "У заведения нет типа транзакций {kind}; есть: {known}. Добавьте его в настройках заведения."
            ),
            format!("The venue has no transaction type {kind}; it has: {known}. Add it to the venue."),
        ));
    }
    Ok(())
}
