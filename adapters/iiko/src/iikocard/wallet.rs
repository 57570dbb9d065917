//! The wallet: hold, cancel, top up, charge off.

use kopilka_contract::{
    Adjust, AdjustDirection, Ask, CustomerRef, Dialogue, Hold, Language, Money, Refusal, Reply, Told,
    Unreadable,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::wrong::Wrong;
use super::{Call, answer, guest_id};
use crate::Id;
use crate::closing::hold_key;
use crate::decimal::money;

/// What all of them have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    transaction_id: Option<String>,
    customer_id: String,
    #[serde(default, deserialize_with = "Id::if_any")]
    wallet_id: Option<Id>,
    #[serde(deserialize_with = "money")]
    sum: Option<Money>,
    #[serde(default)]
    comment: Option<String>,
}

impl Request {
    fn read(call: &Call<'_>) -> Result<(Request, Money), Unreadable> {
        let request: Request = call.body()?;
        if request
            .wallet_id
            .as_ref()
            .is_some_and(|id| *id != call.card.wallet_id)
        {
            return Err(call.wrong(400, &Wrong::Wallet));
        }
        let sum = request.sum.filter(|sum| sum.is_positive());
        let sum = sum.ok_or_else(|| call.wrong(400, &Wrong::Sum))?;
        Ok((request, sum))
    }

    fn customer(&self) -> CustomerRef {
        guest_id::to_guest(&self.customer_id)
    }

    /// The caller's own key, where he gives one.
    fn key(&self, call: &Call<'_>, what: &str) -> Result<String, Unreadable> {
        match self
            .transaction_id
            .as_deref()
            .map(str::trim)
            .filter(|key| !key.is_empty())
        {
            Some(key) => checked(call, key),
            None => Ok(call.own_key(what)),
        }
    }
}

/// A transaction's id.
fn checked(call: &Call<'_>, key: &str) -> Result<String, Unreadable> {
    hold_key(key).ok_or_else(|| call.wrong(400, &Wrong::TransactionId))
}

/// One operation of the wallet, and what is answered when it is done.
#[derive(Debug)]
pub(super) struct Operation {
    ask: Ask,
    done: Value,
    correlation_id: String,
    language: Language,
}

impl Operation {
    fn new(call: &Call<'_>, ask: Ask, done: Value) -> Self {
        Operation {
            ask,
            done,
            correlation_id: answer::correlation_id(call.message),
            language: call.language,
        }
    }
}

impl Dialogue for Operation {
    fn asks(&self) -> Vec<Ask> {
        vec![self.ask.clone()]
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        match answer::only(told, &self.correlation_id, self.language) {
            Ok(_) => answer::json(200, &self.done),
            Err(reply) => reply,
        }
    }
}

/// Sets bonuses aside for an order: the till spends them when it closes the order and names the transaction.
pub(super) fn hold(call: &Call<'_>) -> Result<Operation, Unreadable> {
    let (request, sum) = Request::read(call)?;
    let key = request.key(call, "hold")?;
    let ask = Ask::Hold(Hold {
        external_id: key.clone(),
        once: true,
        of_order: None,
        order: Vec::new(),
        customer: request.customer(),
        amount: Some(sum),
        at_most: None,
        minutes: Some(call.card.hold_minutes),
    });
    Ok(Operation::new(call, ask, json!({"transactionId": key})))
}

/// Lets them go.
pub(super) fn cancel_hold(call: &Call<'_>) -> Result<Operation, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Cancelled {
        transaction_id: String,
    }
    let request: Cancelled = call.body()?;
    let key = checked(call, &request.transaction_id)?;
    Ok(Operation::new(call, Ask::Void(key), json!({})))
}

/// Gives or takes bonuses. A field `transactionId` (ours: the vendor has none here) makes it exactly once.
pub(super) fn adjust(call: &Call<'_>, credit: bool) -> Result<Operation, Unreadable> {
    let (request, sum) = Request::read(call)?;
    let (what, direction) = if credit {
        ("topup", AdjustDirection::Credit)
    } else {
        ("chargeoff", AdjustDirection::Debit)
    };
    let ask = Ask::Adjust(Adjust {
        key: format!("{what}/{}", request.key(call, what)?),
        customer: request.customer(),
        direction,
        amount: sum,
        reason: request.comment.filter(|text| !text.trim().is_empty()),
    });
    Ok(Operation::new(call, ask, json!({})))
}
