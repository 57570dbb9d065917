//! What a sale made without a network may redeem: what the guest was allowed while there was one.
//!
//! The allowance is a hold in the books. A sale made while it lived is paid from it whenever the message comes; where the
//! hold has ended meanwhile, from what the guest has, and where that no longer suffices a person decides.

use kopilka_contract::{Close, Permit};

use super::Context;
use crate::domain::Money;
use crate::domain::ids::{CustomerId, HoldId};
use crate::domain::refusal::Refusal;
use crate::domain::world::{HoldStanding, SourceKey, World};

/// The allowance that a sale names.
fn permit(ask: &Close) -> Option<&Permit> {
    ask.offline.as_ref()?.permit.as_ref()
}

/// Refuses a redemption that the guest was not allowed when the sale was made.
///
/// # Errors
/// `offline-permit-missing`, `offline-permit-invalid` (another guest's), `offline-permit-expired`, `redeem-limit`.
pub(super) fn check(ask: &Close, guest: CustomerId, amount: Money) -> Result<(), Refusal> {
    if ask.offline.is_none() || !amount.is_positive() {
        return Ok(());
    }
    let permit = permit(ask).ok_or(Refusal::OfflinePermitMissing)?;
    if permit.customer.parse() != Ok(guest) {
        return Err(Refusal::OfflinePermitInvalid);
    }
    if ask.receipt.closed_at.to_utc() >= permit.expires_at {
        return Err(Refusal::OfflinePermitExpired);
    }
    if amount > permit.amount {
        return Err(Refusal::RedeemLimit { limit: permit.amount });
    }
    Ok(())
}

/// The hold that pays for a sale with an allowance: its own, else the one that renewed it.
pub(super) fn hold(world: &World, cx: Context<'_>, ask: &Close) -> Option<HoldId> {
    let permit = permit(ask)?;
    let lives = |id: &HoldId| {
        world.holds.get(id).is_some_and(|hold| {
            hold.standing == HoldStanding::Active
                && hold.ends_at > cx.now
                && hold.network == cx.terms.network
                && hold.venue == cx.terms.venue
        })
    };
    let own = permit.hold.parse().ok().filter(lives);
    let renewed = || world.hold_keys.get(&cx.key(&permit.key)).copied().filter(lives);
    own.or_else(renewed)
}

/// Where the hold of a sale's allowance is kept.
pub fn hold_keys(ask: &Close, key: impl Fn(&str) -> SourceKey) -> Option<(Option<HoldId>, SourceKey)> {
    let permit = permit(ask)?;
    Some((permit.hold.parse().ok(), key(&permit.key)))
}

/// More is asked than the guest has: of a sale with an allowance the till can't have known.
pub(super) fn not_enough(ask: &Close, available: Money) -> Refusal {
    if permit(ask).is_some() {
        Refusal::OfflinePermitSpent { available }
    } else {
        Refusal::InsufficientBalance { available }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};
    use kopilka_contract::{Offline, Receipt};

    use super::*;

    const GUEST: CustomerId = CustomerId(7);

    /// A sale made so many minutes before the end of its allowance of 300.00.
    fn sale(minutes_before: i64, permit_of: Option<CustomerId>) -> Close {
        let end = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let permit = permit_of.map(|customer| Permit {
            customer: customer.to_string(),
            hold: HoldId(1).to_string(),
            key: "permit".to_owned(),
            amount: Money::from_kopecks(30_000),
            expires_at: end,
        });
        Close {
            offline: Some(Offline { permit }),
            ..Close::of(Receipt::of(
                "1".to_owned(),
                (end - Duration::minutes(minutes_before)).fixed_offset(),
            ))
        }
    }

    #[test]
    fn the_time_of_the_sale_decides_and_the_end_is_exclusive() {
        let code = |ask: &Close, kopecks| {
            check(ask, GUEST, Money::from_kopecks(kopecks)).map_err(|refusal| refusal.code())
        };
        assert_eq!(code(&sale(1, Some(GUEST)), 30_000), Ok(()));
        assert_eq!(code(&sale(0, Some(GUEST)), 1), Err("offline-permit-expired"));
        assert_eq!(code(&sale(1, Some(GUEST)), 30_001), Err("redeem-limit"));
        assert_eq!(
            code(&sale(1, Some(CustomerId(8))), 1),
            Err("offline-permit-invalid")
        );
        assert_eq!(code(&sale(1, None), 1), Err("offline-permit-missing"));
        // Nothing is redeemed: nothing is asked. With a network the balance decides alone.
        assert_eq!(code(&sale(0, None), 0), Ok(()));
        let online = Close {
            offline: None,
            ..sale(0, None)
        };
        assert_eq!(code(&online, 1), Ok(()));
        let available = Money::ZERO;
        assert_eq!(
            not_enough(&sale(1, Some(GUEST)), available).code(),
            "offline-permit-spent"
        );
        assert_eq!(not_enough(&online, available).code(), "insufficient-balance");
    }
}
