//! Whose receipt it is, and which hold is its own.

use kopilka_contract::{Close, CustomerRef, Phone, Redemption, is_first_hand, repeated_moment};

use super::Context;
use super::offline;
use super::sheet::find;
use crate::domain::ids::{CustomerId, HoldId};
use crate::domain::refusal::Refusal;
use crate::domain::world::{CustomerFacts, Found, StoredReceipt, World};

/// Whose receipt it is, and what stands in the way of bonuses.
pub(super) struct Guest<'w> {
    /// What the reference in the receipt means: customer, and the card that was read.
    pub(super) found: Option<&'w Found>,
    /// Who it is; `None`: nobody is named.
    pub(super) facts: Option<CustomerFacts>,
    /// He set bonuses aside for the order, and it names another guest.
    pub(super) names_another: bool,
}

impl Guest<'_> {
    /// One whom no card or telephone of the receipt has found.
    fn of(facts: Option<CustomerFacts>) -> Self {
        Guest {
            found: None,
            facts,
            names_another: false,
        }
    }
}

/// Finds the guest of a sale: nobody where the till has taken him off, who was its guest and stays so, else as the till
/// names him, else by the hold, else by his telephone, by which he may be new. Where its source has `told` that what was set
/// aside for the order pays, who did so is its guest, whomever it names.
///
/// # Errors
/// `customer-not-found` where the till names him by our id.
pub(super) fn guest<'w>(
    world: &'w World,
    cx: Context<'_>,
    ask: &Close,
    hold: Option<HoldId>,
    told: Redemption,
    previous: Option<&StoredReceipt>,
) -> Result<Guest<'w>, Refusal> {
    if hold.is_none() && is_taken_off(ask, previous) {
        return Ok(Guest::of(None));
    }
    if let Some(facts) = staying(world, ask, previous) {
        return Ok(Guest::of(Some(facts.clone())));
    }
    let network = cx.terms.network;
    let receipt = &ask.receipt;
    let by_ref = receipt
        .customer
        .as_ref()
        .and_then(|who| find(world, network, who));
    if let (Some(CustomerRef::Id(_)), None) = (&receipt.customer, &by_ref) {
        return Err(Refusal::CustomerNotFound);
    }
    let holder = hold
        .and_then(|id| world.holds.get(&id))
        .and_then(|hold| world.customers.get(&hold.customer));
    let names_another = matches!(told, Redemption::Held(_))
        && holder
            .zip(by_ref)
            .is_some_and(|(holder, (_, named))| holder.id != named.id);
    if let Some((found, facts)) = by_ref.filter(|_| !names_another) {
        return Ok(Guest {
            found: Some(found),
            ..Guest::of(Some(facts.clone()))
        });
    }
    if let Some(facts) = holder {
        return Ok(Guest {
            names_another,
            ..Guest::of(Some(facts.clone()))
        });
    }
    let phone = match &receipt.customer {
        Some(CustomerRef::Phone(phone)) => Some(phone),
        _ => receipt.phone.as_ref(),
    };
    let of_phone = |phone: &Phone| match find(world, network, &CustomerRef::Phone(phone.clone())) {
        Some((_, facts)) => facts.clone(),
        None => CustomerFacts::potential(
            CustomerId(cx.ids.next_id()),
            network,
            phone.clone(),
            receipt.customer_name.clone(),
        ),
    };
    Ok(Guest::of(phone.map(of_phone)))
}

/// Whether the till has taken the guest off the order: it says so now, or has said so and named nobody since. Who only
/// repeats tills may not know of it yet.
pub(super) fn is_taken_off(ask: &Close, previous: Option<&StoredReceipt>) -> bool {
    let receipt = &ask.receipt;
    let was = previous.is_some_and(|known| known.answer.guest_taken_off);
    match &receipt.customer {
        _ if !receipt.version.is_some_and(is_first_hand) => was,
        None => receipt.phone.is_none(),
        Some(CustomerRef::NotAsked) => was && receipt.phone.is_none(),
        Some(_) => false,
    }
}

/// The guest of the version before who stays the guest: a till that has not asked who he is does not know better, and
/// neither does a cloud that only repeats what the till has told, or that still sees the bonuses which he has paid with.
fn staying<'w>(world: &'w World, ask: &Close, previous: Option<&StoredReceipt>) -> Option<&'w CustomerFacts> {
    let known = previous?;
    let receipt = &ask.receipt;
    let is_repeat = receipt
        .version
        .is_some_and(|version| repeated_moment(version).is_some());
    let not_asked = receipt.customer == Some(CustomerRef::NotAsked) && ask.holds().next().is_none();
    let has_paid = known.redeemed.is_positive()
        && matches!(ask.redemption, Redemption::Unconfirmed(seen) if seen.is_positive());
    let stays = not_asked || (is_repeat && (has_paid || known.version.is_some_and(is_first_hand)));
    world.customers.get(&known.customer.filter(|_| stays)?)
}

/// The hold that the receipt names.
///
/// # Errors
/// `hold-not-found`
pub(super) fn named_hold(world: &World, cx: Context<'_>, ask: &Close) -> Result<Option<HoldId>, Refusal> {
    match &ask.hold {
        Some(name) => hold_named(world, cx, name).map(Some),
        None => Ok(offline::hold(world, cx, ask)),
    }
}

/// A hold by its name: ours by id, or the source's by key.
///
/// # Errors
/// `hold-not-found`
pub(super) fn hold_named(world: &World, cx: Context<'_>, name: &str) -> Result<HoldId, Refusal> {
    let by_id = name
        .parse::<HoldId>()
        .ok()
        .filter(|id| world.holds.contains_key(id));
    let id = by_id
        .or_else(|| world.hold_keys.get(&cx.key(name)).copied())
        .ok_or(Refusal::HoldNotFound)?;
    match world.holds.get(&id) {
        Some(hold) if hold.network == cx.terms.network && hold.venue == cx.terms.venue => Ok(id),
        _ => Err(Refusal::HoldNotFound),
    }
}
