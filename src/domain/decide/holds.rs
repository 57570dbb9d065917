//! Setting bonuses aside for an open order, and letting them go.

use kopilka_contract::{Held, Hold, Voided};

use super::Context;
use super::identify::guest_view;
use super::sheet::{Sheet, find, may_redeem};
use crate::domain::Money;
use crate::domain::ids::{CustomerId, HoldId};
use crate::domain::redemption::redeem_limit;
use crate::domain::refusal::Refusal;
use crate::domain::world::{
    Change, CustomerFacts, HoldStanding, IdempotencyKey, SourceKey, StoredHold, World,
};

/// Longest hold: a month.
const MAX_MINUTES: u32 = 31 * 24 * 60;

/// Sets bonuses aside. A second hold with the same key replaces the first.
///
/// # Errors
/// `customer-not-found`, `card-blocked`, `customer-blocked`, `insufficient-balance`, `redeem-limit`, `hold-captured`,
/// `hold-voided`, `invalid-request`, `venue-archived`.
pub fn hold(world: &mut World, cx: Context<'_>, ask: &Hold) -> Result<Held, Refusal> {
    cx.in_use(cx.now)?;
    let (found, facts) = find(world, cx.terms.network, &ask.customer).ok_or(Refusal::CustomerNotFound)?;
    may_redeem(Some(found), facts)?;
    let found = found.clone();
    let minutes = check(cx, ask)?;
    let key = (!ask.external_id.is_empty()).then(|| cx.key(&ask.external_id));
    if let Some(known) = key
        .as_ref()
        .filter(|_| ask.once)
        .and_then(|key| taken_before(world, key))
        && let Some(answer) = held_again(world, cx, ask, known)?
    {
        return Ok(answer);
    }
    let replaced = key.as_ref().and_then(|k| world.hold_keys.get(k)).copied();
    if replaced.is_none() && ask.once && key.as_ref().is_some_and(|key| is_let_go(world, key)) {
        return Err(Refusal::HoldVoided);
    }
    let mut sheet = Sheet::new(facts.clone(), cx.now, cx.actor, cx.ids);
    let of_another = replaced.filter(|id| is_active(world, *id));
    let of_another = of_another.filter(|id| holder(world, *id).is_some_and(|holder| holder.id != facts.id));
    if let Some(id) = replaced.filter(|_| of_another.is_none()) {
        let gone = sheet.facts.account.release(id, cx.now);
        sheet.book_expired(gone);
    }
    let amount = amount_of(world, &sheet, cx, ask)?;
    if let Some(id) = of_another {
        let_go(world, cx, id);
    }
    let id = HoldId(cx.ids.next_id());
    let ends_at = cx.now + chrono::Duration::minutes(i64::from(minutes));
    sheet
        .facts
        .account
        .hold(id, amount, cx.terms.venue, ends_at, cx.now);
    sheet.tell("hold.created", id.to_string());
    let answer = Held {
        id: id.to_string(),
        amount,
        ends_at,
        guest: guest_view(&sheet.facts, &found, cx.terms, cx.now),
        replayed: false,
    };
    let customer = sheet.facts.id;
    sheet.put_back(world);
    if let Some(key) = &key {
        world.hold_keys.insert(key.clone(), id);
    }
    world.holds.insert(
        id,
        StoredHold {
            id,
            key,
            network: cx.terms.network,
            customer,
            venue: cx.terms.venue,
            amount,
            ends_at,
            standing: HoldStanding::Active,
            released: Money::ZERO,
            created_at: cx.now,
            order: ask.of_order.clone(),
            change: Change::Inserted,
        },
    );
    Ok(answer)
}

/// Refuses what no hold may be; for how many minutes it lasts.
fn check(cx: Context<'_>, ask: &Hold) -> Result<u32, Refusal> {
    let fits = |amount| (Money::ZERO..=Money::MAX_INPUT).contains(&amount);
    if !ask.amount.is_none_or(fits) {
        return Err(Refusal::invalid(
            "/amount",
            "Сумма резерва: от 0 до 1 000 000 000.",
            "amount is 0 to 1,000,000,000.00.",
        ));
    }
    let minutes = ask.minutes.unwrap_or(cx.terms.hold_minutes);
    if !(1..=MAX_MINUTES).contains(&minutes) {
        return Err(Refusal::invalid(
            "/minutes",
            "Резерв — от минуты до месяца.",
            "A hold lasts a minute to a month.",
        ));
    }
    Ok(minutes)
}

/// How much is set aside: what is asked, what there is up to the most that is asked, or all there is; never more than may pay for
/// the order.
fn amount_of(world: &World, sheet: &Sheet<'_>, cx: Context<'_>, ask: &Hold) -> Result<Money, Refusal> {
    let available = sheet.facts.account.available(cx.terms.venue, cx.now);
    let amount = match (ask.amount, ask.at_most) {
        (Some(amount), _) => amount,
        (None, Some(most)) if available.is_positive() => available.min(most),
        (None, Some(_)) => return Err(Refusal::InsufficientBalance { available }),
        (None, None) => available,
    };
    if amount > available {
        return Err(Refusal::InsufficientBalance { available });
    }
    let total: Money = ask.order.iter().map(|line| line.amount).sum();
    let limit = redeem_limit(cx.terms, &ask.order, total) - set_aside(world, cx, ask);
    if !ask.order.is_empty() && amount > limit {
        let limit = limit.max(Money::ZERO);
        return Err(Refusal::RedeemLimit { limit });
    }
    Ok(amount)
}

fn taken_before<'w>(world: &'w World, key: &SourceKey) -> Option<&'w StoredHold> {
    world.holds.get(world.hold_keys.get(key)?)
}

fn is_active(world: &World, id: HoldId) -> bool {
    let hold = world.holds.get(&id);
    hold.is_some_and(|hold| hold.standing == HoldStanding::Active)
}

fn holder(world: &World, id: HoldId) -> Option<&CustomerFacts> {
    world.customers.get(&world.holds.get(&id)?.customer)
}

/// What other holds for the same order keep already, whoever set it aside.
fn set_aside(world: &World, cx: Context<'_>, ask: &Hold) -> Money {
    let Some(order) = &ask.of_order else {
        return Money::ZERO;
    };
    let is_other = |hold: &&StoredHold| {
        let key = hold.key.as_ref();
        hold.standing == HoldStanding::Active
            && hold.ends_at > cx.now
            && hold.network == cx.terms.network
            && hold.venue == cx.terms.venue
            && hold.order.as_ref() == Some(order)
            && key.is_some_and(|key| key.source == cx.source && key.external_id != ask.external_id)
    };
    world
        .holds
        .values()
        .filter(is_other)
        .map(|hold| hold.amount)
        .sum()
}

/// Lets a guest's hold go whose key another guest has now.
fn let_go(world: &mut World, cx: Context<'_>, id: HoldId) {
    let Some(facts) = holder(world, id).cloned() else {
        return;
    };
    let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
    let gone = sheet.facts.account.release(id, cx.now);
    sheet.book_expired(gone);
    sheet.tell("hold.voided", id.to_string());
    sheet.put_back(world);
}

/// Under which key it is remembered that a hold was let go that nobody had taken: a message may be overtaken by the one
/// that undoes it, and must find that then.
pub fn let_go_key(key: &SourceKey) -> IdempotencyKey {
    IdempotencyKey {
        network: key.network,
        actor: format!("void/{}/{}", key.venue, key.source),
        key: key.external_id.clone(),
    }
}

fn is_let_go(world: &World, key: &SourceKey) -> bool {
    world.remembered.contains_key(&let_go_key(key))
}

/// The answer to a hold that is asked for once more; `None`: it has ended, or another amount is asked, so that it is
/// taken anew.
fn held_again(
    world: &World,
    cx: Context<'_>,
    ask: &Hold,
    known: &StoredHold,
) -> Result<Option<Held>, Refusal> {
    match known.standing {
        HoldStanding::Captured => return Err(Refusal::HoldCaptured),
        HoldStanding::Voided => return Err(Refusal::HoldVoided),
        HoldStanding::Ended => return Ok(None),
        HoldStanding::Active if known.ends_at <= cx.now => return Ok(None),
        HoldStanding::Active => {}
    }
    let found = find(world, cx.terms.network, &ask.customer);
    let Some((found, facts)) = found.filter(|(_, facts)| facts.id == known.customer) else {
        return Ok(None);
    };
    let same = ask.amount.is_none_or(|amount| amount == known.amount);
    Ok(same.then(|| Held {
        id: known.id.to_string(),
        amount: known.amount,
        ends_at: known.ends_at,
        guest: guest_view(facts, found, cx.terms, cx.now),
        replayed: true,
    }))
}

/// Lets a hold go. One that ended or was voided answers as the first time; an unknown key of a source is no error,
/// since tills unlock what they never locked; whoever calls remembers it by [`let_go_key`].
///
/// # Errors
/// `hold-captured`; `hold-not-found` for an id of ours that is unknown.
pub fn void(world: &mut World, cx: Context<'_>, name: &str) -> Result<Voided, Refusal> {
    let by_id = name.parse::<HoldId>().ok();
    let known = by_id
        .filter(|id| world.holds.contains_key(id))
        .or_else(|| world.hold_keys.get(&cx.key(name)).copied());
    let Some(stored) = known
        .and_then(|id| world.holds.get(&id))
        .filter(|h| h.network == cx.terms.network)
        .cloned()
    else {
        if by_id.is_some() {
            return Err(Refusal::HoldNotFound);
        }
        return Ok(Voided {
            id: None,
            released: Money::ZERO,
        });
    };
    match stored.standing {
        HoldStanding::Captured => return Err(Refusal::HoldCaptured),
        HoldStanding::Voided | HoldStanding::Ended => {
            return Ok(Voided {
                id: Some(stored.id.to_string()),
                released: stored.released,
            });
        }
        HoldStanding::Active => {}
    }
    let Some(facts) = world.customers.get(&stored.customer).cloned() else {
        return Err(Refusal::HoldNotFound);
    };
    // Where its time is over, settling the account lets it go by itself.
    let live = facts
        .account
        .holds
        .iter()
        .find(|h| h.id == stored.id && h.ends_at > cx.now);
    let released = live.map_or(Money::ZERO, |h| h.amount());
    let mut sheet = Sheet::new(facts, cx.now, cx.actor, cx.ids);
    let gone = sheet.facts.account.release(stored.id, cx.now);
    sheet.book_expired(gone);
    sheet.tell("hold.voided", stored.id.to_string());
    sheet.put_back(world);
    Ok(Voided {
        id: Some(stored.id.to_string()),
        released,
    })
}

/// Whether bonuses of a customer are set aside now, at this venue and by this source, under a key that begins so.
pub fn is_locked(world: &World, cx: Context<'_>, customer: CustomerId, beginning: &str) -> bool {
    let here = |key: &SourceKey| {
        key.venue == cx.terms.venue && key.source == cx.source && key.external_id.starts_with(beginning)
    };
    world.holds.values().any(|hold| {
        hold.customer == customer
            && hold.standing == HoldStanding::Active
            && hold.ends_at > cx.now
            && hold.key.as_ref().is_some_and(here)
    })
}
