//! A sale that was posted and is told anew with something else in it: a person who looks at the message sees what changed.

use kopilka_contract::{ReceiptStatus, Words, words};

use super::command::{Answer, Answered, Command, Failure, Verb};
use crate::domain::Money;
use crate::domain::world::{SourceKey, World};

/// A sale as it stands before a command is carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct StandingSale {
    total: Money,
    redeemed: Money,
}

impl StandingSale {
    /// The sale that a command tells of, where it stands in the books already.
    pub(super) fn before(world: &World, command: &Command) -> Option<Self> {
        let Verb::Close(place, close) = &command.verb else {
            return None;
        };
        let key = SourceKey {
            network: command.tenant.network(),
            venue: place.venue,
            source: place.source.clone(),
            external_id: close.receipt.external_id.clone(),
        };
        let known = world.receipts.get(&key)?;
        (known.status == ReceiptStatus::Closed).then_some(StandingSale {
            total: known.total,
            redeemed: known.redeemed,
        })
    }

    /// What is remarked where the command has changed it.
    pub(super) fn remark(self, result: &Result<Answered, Failure>) -> Option<Words> {
        let Ok(answered) = result else { return None };
        let Answer::Closed(now) = &answered.answer else {
            return None;
        };
        let changed = !answered.by_key && !now.replayed;
        changed.then(|| {
            let (total, redeemed) = (self.total, self.redeemed);
            let (new_total, new_redeemed) = (now.total, now.redeemed);
            words!(
                "чек уже был проведён и пришёл заново: сумма {total} → {new_total}, бонусами {redeemed} → {new_redeemed}; \
                 разница проведена",
                "the receipt was sold before and is told anew: total {total} → {new_total}, paid with bonuses {redeemed} → \
                 {new_redeemed}; the difference was posted"
            )
        })
    }
}
